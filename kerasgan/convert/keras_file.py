"""Weights of Keras 2 and 3: `.h5`, `.weights.h5` and `.keras`.

Only arrays are read, and from the configuration, which is data in JSON, the
epsilon of batch normalization; no layer is made from it. Keras 2 writes the
order of layers into the file; of Keras 3 the names are in natural order.
"""

import io
import json
import re
import zipfile

import h5py
import numpy as np

from kerasgan import weights
from kerasgan.convert.checkpoints import Checkpoint, Tensor, check_sizes
from kerasgan.convert.naming import natural
from kerasgan.fetch import printable

WEIGHTS = "model.weights.h5"
CONFIG = "config.json"
MOST_CONFIG = 16 << 20
# Keras' default of batch normalization.
EPSILON = 1e-3


def read(path):
    """Returns the weights of an HDF5 file.

    Args:
        path: `pathlib.Path`.

    Returns:
        `Checkpoint`.

    Raises:
        ValueError: If it holds anything but arrays of numbers.
    """
    weights.check_plain(path)
    with h5py.File(path, "r") as file:
        config = file.attrs.get("model_config", "")
        return _checkpoint(file, config, lambda: h5py.File(path, "r"))


def read_archive(path):
    """Returns the weights of a `.keras` archive.

    Args:
        path: `pathlib.Path`.

    Returns:
        `Checkpoint`.

    Raises:
        ValueError: If it is damaged or its weights are compressed.
    """
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(WEIGHTS)
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError("Keras does not compress the weights of .keras")
        config = b""
        if CONFIG in archive.namelist():
            with archive.open(CONFIG) as file:
                config = file.read(MOST_CONFIG)
        content = archive.read(WEIGHTS)
    weights.check_plain(io.BytesIO(content))
    with h5py.File(io.BytesIO(content), "r") as file:
        return _checkpoint(
            file, config, lambda: h5py.File(io.BytesIO(content), "r")
        )


def _checkpoint(file, config, opened):
    root = file.get("model_weights", file)
    tensors = []
    for name in _names(root):
        item = root[name]
        if item.dtype.kind not in "fiub":
            continue
        tensors.append(
            Tensor(name, tuple(item.shape), _loader(opened, item.name))
        )
    check_sizes([t.shape for t in tensors], sum(4 * t.size for t in tensors))
    return Checkpoint(tuple(tensors), layout="keras", epsilon=_epsilon(config))


def _names(root):
    """Returns the names of all arrays below a group, in order."""
    if "layer_names" in root.attrs:
        return [
            f"{_text(layer)}/{_text(weight)}"
            for layer in root.attrs["layer_names"]
            for weight in root[_text(layer)].attrs["weight_names"]
        ]
    found = []
    root.visititems(
        lambda name, item: (
            found.append(name) if isinstance(item, h5py.Dataset) else None
        )
    )
    found = [
        n for n in found if not re.match(r"(optimizer|optimizer_weights)/", n)
    ]
    return sorted(found, key=natural)


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def _loader(opened, name):
    def load():
        with opened() as file:
            return np.asarray(file[name])

    return load


def _epsilon(config):
    """Returns the epsilon of the batch normalization in a configuration."""
    try:
        config = json.loads(config or "{}")
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"The configuration is damaged: {printable(str(error)[:200])}"
        ) from error
    found = set()
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            inner = value.get("config")
            if value.get("class_name") == "BatchNormalization" and isinstance(
                inner, dict
            ):
                found.add(float(inner.get("epsilon", EPSILON)))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    if len(found) > 1:
        raise ValueError(
            "All batch normalization must have the same epsilon. Received: "
            f"{sorted(found)}"
        )
    return found.pop() if found else EPSILON
