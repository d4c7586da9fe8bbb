"""Training data: pictures in, float batches in [-1, 1] out.

`images`, `labelled`, `captioned`, `paired` and `unpaired` make a dataset for
each task. The module `images` has the conversions and checks; its contents
are reached through this package, where `images` is the function.
"""

from kerasgan.data.catalog import NAMES
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
from kerasgan.data.pipeline import (
    captioned,
    class_names,
    images,
    labelled,
    paired,
    stream,
    stream_groups,
    unpaired,
)
from kerasgan.data.prepared import load, prepare

__all__ = [
    "NAMES",
    "captioned",
    "check_captions",
    "check_images",
    "check_labels",
    "check_same_length",
    "class_names",
    "crop",
    "grid",
    "images",
    "labelled",
    "load",
    "pad",
    "paired",
    "prepare",
    "resize",
    "save_png",
    "stream",
    "stream_groups",
    "to_float",
    "to_uint8",
    "unpaired",
]
