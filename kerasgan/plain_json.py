"""JSON that every program reads, whatever the numbers.

JSON has neither infinity nor NaN, and most readers refuse a file with them.
But two equal images have an infinite PSNR, and a run may have a score that is
NaN. Such a number is written as text, `"Infinity"`, `"-Infinity"` or `"NaN"`,
as in the JSON of Protocol Buffers; Python's `float` reads it back.
"""

import json
import math

NOT_FINITE = ("Infinity", "-Infinity", "NaN")


def dumps(value, **options):
    """Returns a value as JSON, numbers that are not finite as text.

    Args:
        value: What `json` can write.
        **options: See `json.dumps`.

    Returns:
        str.

    Example:
    ```python
    dumps({"psnr": math.inf})  # '{"psnr": "Infinity"}'
    ```
    """
    return json.dumps(_plain(value), allow_nan=False, **options)


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if not isinstance(value, float) or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
