"""How names and sizes are written, and suggestions for missing names."""

import difflib


def nearest(name, names):
    """Returns the name that was probably meant.

    Args:
        name: str. What was given.
        names: Iterable of str. What exists.

    Returns:
        str, or `None` where nothing is near. Case, and `-` for `_`, do not
        count.
    """
    by_key = {_key(known): known for known in names}
    near = difflib.get_close_matches(_key(name), by_key, n=1, cutoff=0.6)
    return by_key[near[0]] if near else None


def hint(name, names):
    """Returns a sentence that suggests the nearest name, for a message.

    Args:
        name: See `nearest`.
        names: See `nearest`.

    Returns:
        str, `"Did you mean 'x'? "`, or `""` where nothing is near.
    """
    near = nearest(name, names)
    return "" if near is None else f"Did you mean {near!r}? "


def size_text(size):
    """Returns a size as users write it, width x height.

    Args:
        size: int, or pair of height and width.
    """
    height, width = size if isinstance(size, tuple) else (size, size)
    return f"{width}x{height}"


def _key(name):
    return str(name).lower().replace("-", "_").replace(" ", "_")
