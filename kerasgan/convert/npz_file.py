"""NumPy's archives of arrays, `.npz`."""

import math
import os
import zipfile

import numpy as np

from kerasgan.convert.checkpoints import Checkpoint, Tensor, check_sizes
from kerasgan.fetch import printable


def names(path):
    """Returns the names in a zip archive.

    Args:
        path: `pathlib.Path`.

    Raises:
        ValueError: If it is none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ValueError(
            "The file is damaged. It must hold plain arrays of numbers by "
            f"name, as `numpy.savez` writes them, or a checkpoint. Received: "
            f"{printable(str(error))}"
        ) from error


def read(path):
    """Returns the arrays of a `.npz`, in its order.

    Args:
        path: `pathlib.Path`.

    Returns:
        `Checkpoint`, of unknown layout.

    Raises:
        ValueError: If it holds anything but arrays of numbers.
    """
    try:
        tensors = _tensors(path)
    except (ValueError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ValueError(
            "The file must hold plain arrays of numbers by name, as "
            f"`numpy.savez` writes them. Received: {printable(str(error))}"
        ) from error
    shapes = [tensor.shape for tensor in tensors]
    check_sizes(shapes, os.path.getsize(path))
    return Checkpoint(tuple(tensors), layout=None)


def _tensors(path):
    tensors = []
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            with archive.open(info) as file:
                shape, dtype = _header(file)
            size = math.prod(shape) * dtype.itemsize
            if dtype.kind not in "fiub" or size > info.file_size:
                raise ValueError(f"{info.filename} of {dtype}, {shape}")
            name = info.filename.removesuffix(".npy")
            tensors.append(Tensor(name, shape, _loader(path, name)))
    return tensors


def _header(file):
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    return shape, dtype


def _loader(path, name):
    def load():
        # An array of objects would be a pickle.
        with np.load(path, allow_pickle=False) as arrays:
            return arrays[name]

    return load
