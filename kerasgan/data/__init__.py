"""Training data: pictures in, float batches in [-1, 1] out.

`kerasgan.data.images` and its neighbours are functions that make a dataset
for each task; the module of the same name, with the conversions and checks,
is reached by `from kerasgan.data.images import ...` or through this package.
"""

from kerasgan.data.images import (
    check_captions,
    check_images,
    check_labels,
    check_same_length,
    crop,
    grid,
    pad,
    resize,
    save_png,
    to_float,
    to_uint8,
)
from kerasgan.data.pipeline import stream, stream_groups

__all__ = [
    "check_captions",
    "check_images",
    "check_labels",
    "check_same_length",
    "crop",
    "grid",
    "pad",
    "resize",
    "save_png",
    "stream",
    "stream_groups",
    "to_float",
    "to_uint8",
]
