"""Training data: images in, float batches in [-1, 1] out.

`images`, `labelled`, `captioned`, `paired` and `unpaired` make a dataset for
each task.
"""

from kerasgan.data.augment import (
    enlarge,
    jitter,
    mirror,
    move,
    move_and_mirror,
)
from kerasgan.data.catalog import NAMES
from kerasgan.data.pipeline import (
    captioned,
    class_names,
    images,
    labelled,
    paired,
    unpaired,
)
from kerasgan.data.pixels import (
    RANGE_TOLERANCE,
    check_captions,
    check_images,
    check_labels,
    check_same_length,
    crop,
    grid,
    pad,
    pad_to_multiple,
    resize,
    save_png,
    to_float,
    to_uint8,
)
from kerasgan.data.prepared import load, prepare
from kerasgan.data.sources import SideBySide
from kerasgan.data.streams import stream, stream_chosen, stream_groups

__all__ = [
    "NAMES",
    "RANGE_TOLERANCE",
    "SideBySide",
    "captioned",
    "check_captions",
    "check_images",
    "check_labels",
    "check_same_length",
    "class_names",
    "crop",
    "enlarge",
    "grid",
    "images",
    "jitter",
    "labelled",
    "load",
    "mirror",
    "move",
    "move_and_mirror",
    "pad",
    "pad_to_multiple",
    "paired",
    "prepare",
    "resize",
    "save_png",
    "stream",
    "stream_chosen",
    "stream_groups",
    "to_float",
    "to_uint8",
    "unpaired",
]
