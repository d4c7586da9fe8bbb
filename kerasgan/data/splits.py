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

# Number of examples, by set and part. `relief` has one entry for each size.
COUNTS = {
    "fashion_mnist": {"train": 60000, "test": 10000},
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
