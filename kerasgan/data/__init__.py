"""Training data: pictures in, float batches in [-1, 1] out.

`kerasgan.data.images` and its neighbours are functions that make a dataset
for each task; the module of the same name, with the conversions and checks,
is reached by `from kerasgan.data.images import ...` or through this package.
"""

import importlib
import pathlib

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

# The data sets that kerasgan prepares; each has a module of its name.
NAMES = ("fashion_mnist", "fluent", "personas", "relief")


def prepare(name, data_dir=None):
    """Prepares a data set, so that `tfds.load(name)` reads it from then on.

    Does nothing where it is prepared already.

    Args:
        name: str. One of `NAMES`.
        data_dir: str or path of the TFDS folder. Defaults to TFDS' own,
            `~/tensorflow_datasets` or the environment variable
            `TFDS_DATA_DIR`.

    Returns:
        `pathlib.Path` of the prepared data set.

    Raises:
        ValueError: If the name is not one of `NAMES`.
        OSError: If something that the data are made from cannot be had, or
            its checksum differs.
    """
    if name not in NAMES:
        raise ValueError(
            f"Unknown data set: {name!r}. There are {', '.join(NAMES)}."
        )
    # TFDS and the renderer are slow to import and only needed here.
    module = importlib.import_module(f"kerasgan.data.{name}")
    return pathlib.Path(module.prepare(data_dir).data_dir)


__all__ = [
    "NAMES",
    "check_captions",
    "check_images",
    "check_labels",
    "check_same_length",
    "crop",
    "grid",
    "pad",
    "prepare",
    "resize",
    "save_png",
    "stream",
    "stream_groups",
    "to_float",
    "to_uint8",
]
