"""How examples are assigned to parts and halves: by content, not by chance."""

import hashlib

import numpy as np


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


def concept_halves(examples):
    """Separates fluent into two halves by concept.

    Args:
        examples: dict with `concept`, an array of bytes `(count,)`.

    Returns:
        bool array `(count,)`.
    """
    # The last digit, modulo 10, chose the part.
    return np.array(
        [
            digest(concept.decode()) // 10 % 2 == 1
            for concept in examples["concept"]
        ]
    )


def longitude_halves(examples):
    """Separates relief into two halves of the globe.

    Args:
        examples: dict with `longitude`, a float array `(count,)` in degrees.

    Returns:
        bool array `(count,)`.
    """
    # From the 44th degree east on; bands begin there and half way round.
    return (examples["longitude"] + 136) % 360 >= 180
