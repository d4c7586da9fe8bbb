"""One file for each checkpoint of the zoo: how it was trained."""
