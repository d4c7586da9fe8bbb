"""Argument checks, with messages that state the rule and the value received.

A check takes arguments by name, `positive(width=width)`. Comparisons are
written such that NaN fails.
"""

import math
import numbers

import numpy as np

_SIZE_REASON = "because each block halves it until 4 pixels remain"


def is_whole(value):
    """Returns whether a value is a Python or NumPy integer."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def positive(**arguments):
    """Checks that arguments are integers of at least one.

    Args:
        **arguments: Values by argument name.

    Raises:
        ValueError: If one is not.
    """
    for name, value in arguments.items():
        if not is_whole(value) or value < 1:
            raise ValueError(
                f"`{name}` must be an integer of at least 1. "
                f"Received: {name}={value!r}"
            )


def count(**arguments):
    """Checks that arguments are integers of at least zero.

    Args:
        **arguments: Values by argument name.

    Raises:
        ValueError: If one is not.
    """
    for name, value in arguments.items():
        if not is_whole(value) or value < 0:
            raise ValueError(
                f"`{name}` must be an integer of at least 0. "
                f"Received: {name}={value!r}"
            )


def units(**arguments):
    """Checks that arguments are sequences of layer sizes.

    Args:
        **arguments: Values by argument name.

    Raises:
        ValueError: If one is empty, or holds a size that is not positive.
    """
    for name, value in arguments.items():
        if not value or not all(is_whole(size) and size > 0 for size in value):
            raise ValueError(
                f"`{name}` must hold the number of units of at least one "
                f"layer. Received: {name}={value!r}"
            )


def weight(**arguments):
    """Checks that weights are finite and not negative.

    Args:
        **arguments: Values by argument name.

    Raises:
        ValueError: If one is negative, NaN, infinite or not a number.
    """
    for name, value in arguments.items():
        if not _is_real(value) or not 0.0 <= value < math.inf:
            raise ValueError(
                f"`{name}` must be a finite number that is not negative. "
                f"Received: {name}={value!r}"
            )


def probability(**arguments):
    """Checks that arguments are numbers from 0 to 1.

    Args:
        **arguments: Values by argument name.

    Raises:
        ValueError: If one is not.
    """
    for name, value in arguments.items():
        if not _is_real(value) or not 0.0 <= value <= 1.0:
            raise ValueError(
                f"`{name}` must be from 0 to 1, because it is a probability. "
                f"Received: {name}={value!r}"
            )


def fraction(**arguments):
    """Checks that arguments are numbers from 0 to 1.

    Args:
        **arguments: Values by argument name.

    Raises:
        ValueError: If one is not.
    """
    for name, value in arguments.items():
        if not _is_real(value) or not 0.0 <= value <= 1.0:
            raise ValueError(
                f"`{name}` must be a number from 0 to 1. "
                f"Received: {name}={value!r}"
            )


def decay(**arguments):
    """Checks that arguments can be decays of a moving average.

    Args:
        **arguments: Values by argument name.

    Raises:
        ValueError: If one is not a number in [0, 1).
    """
    for name, value in arguments.items():
        if not _is_real(value) or not 0.0 <= value < 1.0:
            raise ValueError(
                f"`{name}` must be at least 0 and less than 1: it is the "
                "fraction of the average that each step keeps. "
                f"Received: {name}={value!r}"
            )


def square(**arguments):
    """Refuses height and width where a model has one size for both.

    Args:
        **arguments: Values by argument name.

    Raises:
        ValueError: If one is a tuple or list.
    """
    for name, value in arguments.items():
        if isinstance(value, (tuple, list)):
            raise ValueError(
                f"`{name}` must be one number, because the images of this "
                "model are square; DCGAN, its relatives, CGAN and ACGAN take "
                f"height and width. Received: {name}={value!r}"
            )


def power_of_two(at_least, reason, **arguments):
    """Checks that arguments are powers of two.

    Args:
        at_least: int. The smallest value allowed.
        reason: str. Why, as the end of a sentence.
        **arguments: Values by argument name.

    Raises:
        ValueError: If one is not.
    """
    square(**arguments)
    for name, value in arguments.items():
        if not is_whole(value) or value < at_least or value & (value - 1):
            raise ValueError(
                f"`{name}` must be a power of two of at least {at_least}, "
                f"{reason}. Received: {name}={value!r}"
            )


def image_size(value, at_least=16):
    """Checks that an image size can be halved until 4 pixels remain.

    Args:
        value: What was given as `image_size`.
        at_least: int. The smallest size allowed. Defaults to `16`.

    Raises:
        ValueError: If it is not a power of two of at least that.
    """
    power_of_two(at_least, _SIZE_REASON, image_size=value)


def image_sides(value):
    """Like `image_size`, and takes a pair of height and width, too.

    Args:
        value: What was given as `image_size`.

    Returns:
        int, or tuple of two where they differ.

    Raises:
        ValueError: If a side is not a power of two of at least 16.
    """
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        image_size(value)
        return value
    power_of_two(16, _SIZE_REASON, **{"image_size[0]": value[0]})
    power_of_two(16, _SIZE_REASON, **{"image_size[1]": value[1]})
    return value[0] if value[0] == value[1] else tuple(value)


def sides(size):
    """Returns the height and width of a size.

    Args:
        size: int, or pair of height and width.

    Returns:
        Tuple of two ints.

    Raises:
        ValueError: If it is neither, or a side is not at least 1.
    """
    pair = size if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) != 2 or not all(is_whole(s) and s >= 1 for s in pair):
        raise ValueError(
            "`size` must be a whole number of at least 1, or a pair of such, "
            f"the height and the width. Received: size={size!r}"
        )
    return tuple(map(int, pair))


def one_of(options, **arguments):
    """Checks that arguments are among the options.

    Args:
        options: Sequence of values.
        **arguments: Values by argument name.

    Raises:
        ValueError: If one is not.
    """
    for name, value in arguments.items():
        if value not in list(options):
            raise ValueError(
                f"`{name}` must be one of {list(options)}. "
                f"Received: {name}={value!r}"
            )


def vocabulary(words):
    """Returns a vocabulary as a tuple, and refuses an invalid one.

    Args:
        words: Sequence of words.

    Returns:
        Tuple of the words.

    Raises:
        ValueError: If it is empty, or repeats a word.
    """
    words = tuple(words)
    if not 0 < len(words) == len(set(words)):
        raise ValueError(
            "`vocabulary` must contain at least one word, none twice. "
            f"Received: {len(words)} words, {len(set(words))} different"
        )
    return words


def truncation(value):
    """Checks a truncation factor.

    Args:
        value: What was given as `truncation`.

    Raises:
        ValueError: If it is not a number from -1 to 1.
    """
    if not _is_real(value) or not -1 <= value <= 1:
        raise ValueError(
            "`truncation` must be from -1 to 1: 1 is the image itself, 0 the "
            "average one, -1 the opposite. "
            f"Received: truncation={value!r}"
        )


def as_seed(seed):
    """Returns a seed for stateless random numbers.

    Args:
        seed: int, or `None` for a random one.

    Returns:
        int64 scalar array.

    Raises:
        ValueError: If it is not an integer from 0 to 2**63 - 1.
    """
    if seed is None:
        return np.random.SeedSequence().generate_state(1, "uint64").view(
            "int64"
        )[0] & np.int64(2**63 - 1)
    if not is_whole(seed) or not 0 <= seed < 2**63:
        raise ValueError(
            "`seed` must be an integer from 0 to 2**63 - 1, or None. "
            f"Received: seed={seed!r}"
        )
    return np.int64(seed)


def _is_real(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
