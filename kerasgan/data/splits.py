"""Which part of each data set is for what, and how parts are kept apart.

Only the training part is ever trained on. The validation part chooses
between runs and epochs; the test part is for published figures.

| Set | How the parts differ |
|---|---|
| `fashion_mnist` | as published; it has no validation part |
| `personas` | test: pairs of hair style and hair color that no training picture has; validation: other captions |
| `fluent` | by concept: tones and genders of one emoji are in one part |
| `relief` | bands of longitude, 54 degrees for training, then 18 and 18 |
"""  # noqa: E501

import hashlib

# Number of examples, by set and part.
COUNTS = {
    "fashion_mnist": {"train": 60000, "test": 10000},
    "personas": {"train": 15687, "validation": 834, "test": 3479},
    "fluent": {"train": 2201, "validation": 309, "test": 351},
    # At 128 pixels; 1052, 531 and 483 at 64.
    "relief": {"train": 891, "validation": 357, "test": 340},
}


def digest(text):
    """Returns a large integer that depends on a text and nothing else.

    Args:
        text: str.

    Returns:
        int, the MD5 of the text. The same on every machine and in every
        process, unlike `hash`.
    """
    return int(
        hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), 16
    )
