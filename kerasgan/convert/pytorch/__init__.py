"""Generators in plain PyTorch, the sources that `to_pytorch.py` writes.

Each file needs PyTorch alone, and is read as text. Modules have the names of
our layers.
"""
