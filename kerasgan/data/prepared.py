"""The data sets that kerasgan prepares: making them and reading them."""

import importlib
import pathlib

import numpy as np
import tensorflow as tf

from kerasgan.data import catalog
from kerasgan.data.images import pad, resize


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
    catalog.get(name)
    # TFDS and the renderer are slow to import and only needed here.
    module = importlib.import_module(f"kerasgan.data.{name}")
    try:
        return pathlib.Path(module.prepare(data_dir).data_dir)
    except ModuleNotFoundError as error:
        raise OSError(
            f"Preparing {name} needs the Python package {error.name!r}. "
            "Install kerasgan with its extra: pip install 'kerasgan[data]'."
        ) from error


def load(name, split="train", size=None, data_dir=None):
    """Returns a prepared data set as arrays, in the order it is stored in.

    Args:
        name: str. One of `NAMES`.
        split: str. `"train"`, `"validation"` or `"test"`; Fashion-MNIST has
            no validation part. Defaults to `"train"`.
        size: int. Height and width of the pictures. Defaults to 32 for
            Fashion-MNIST (28, padded with black), 64 for personas and 128 for
            fluent and relief. Fluent is resized from 128; relief at 64 or
            less is made of smaller patches.
        data_dir: str or path of the TFDS folder. Defaults to TFDS' own.

    Returns:
        Dictionary by TFDS' feature names. Pictures are uint8
        `(count, size, size, channels)`: `image` in fashion_mnist and
        personas, `input` and `target` in fluent and relief. Besides
        `label`; `caption` and `attributes`; `name` and `concept`; `etopo`,
        `latitude` and `longitude`.

    Raises:
        ValueError: If the data set does not exist, or has no such part.
        OSError: If it is not prepared.
    """
    import tensorflow_datasets as tfds

    builder = _builder(name, size, data_dir)
    if split not in builder.info.splits:
        raise ValueError(
            f"{name} has the parts {', '.join(builder.info.splits)}. "
            f"Received: split={split!r}."
        )
    count = builder.info.splits[split].num_examples
    dataset = builder.as_dataset(split=split).batch(count)
    examples = tf.nest.map_structure(
        lambda values: values.numpy(), next(iter(dataset))
    )
    data_set = catalog.get(name)
    for key, feature in builder.info.features.items():
        if isinstance(feature, tfds.features.Image):
            examples[key] = _to_size(
                examples[key],
                data_set.size,
                data_set.size if size is None else size,
            )
    return examples


def class_names(name, data_dir=None):
    """Returns the names of the classes of a prepared data set.

    Args:
        name: str. One of `NAMES`.
        data_dir: str or path of the TFDS folder. Defaults to TFDS' own.

    Returns:
        Tuple of str. The class number is the position.

    Raises:
        ValueError: If the data set does not exist, or has no classes.
        OSError: If it is not prepared.
    """
    if "label" not in catalog.get(name).conditions:
        raise ValueError(f"{name} has no classes; fashion_mnist has.")
    builder = _builder(name, None, data_dir)
    return tuple(builder.info.features["label"].names)


def _builder(name, size, data_dir):
    import tensorflow_datasets as tfds

    data_set = catalog.get(name)
    try:
        builder = tfds.builder(_full_name(data_set, size), data_dir=data_dir)
    except tfds.core.registered.DatasetNotFoundError:
        builder = None
    if builder is None or not builder.data_path.exists():
        raise OSError(
            f"The data set {name} is not prepared"
            + (f" in {str(data_dir)!r}" if data_dir else "")
            + f". Run `kerasgan data prepare {name}` once."
        )
    return builder


def _full_name(data_set, size):
    """Returns TFDS' name, with the configuration if there are several."""
    if len(data_set.stored_sizes) == 1:
        return data_set.name
    size = data_set.size if size is None else size
    stored = min(
        (stored for stored in data_set.stored_sizes if stored >= size),
        default=max(data_set.stored_sizes),
    )
    return f"{data_set.name}/{stored}"


def _to_size(pictures, padded_size, size):
    """Pads pictures that are smaller than their set's size, then resizes."""
    if pictures.shape[1] < padded_size <= size:
        pictures = pad(pictures, padded_size).numpy()
    return resized(pictures, size)


def resized(pictures, size):
    """Resizes many pictures, a few at a time.

    Args:
        pictures: uint8 or float array `(count, height, width, channels)`,
            square.
        size: int. Height and width of the result.

    Returns:
        NumPy array `(count, size, size, channels)` of the same type.
    """
    if pictures.shape[1:3] == (size, size):
        return pictures
    result = np.empty(
        (len(pictures), size, size, pictures.shape[-1]), pictures.dtype
    )
    for start in range(0, len(pictures), 512):
        rows = slice(start, start + 512)
        result[rows] = resize(pictures[rows], size).numpy()
    return result
