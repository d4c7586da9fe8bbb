"""Preparing the data sets of the catalog with TFDS, and reading them."""

import contextlib
import importlib
import pathlib

import tensorflow as tf

from kerasgan.data import catalog
from kerasgan.data.pixels import pad, resize_many


def prepare(name, data_dir=None):
    """Prepares a data set, so that `tfds.load(name)` reads it from then on.

    Does nothing where it is already prepared.

    Args:
        name: str. One of `NAMES`.
        data_dir: str or path of the TFDS folder. Defaults to TFDS' own,
            `~/tensorflow_datasets` or the environment variable
            `TFDS_DATA_DIR`.

    Returns:
        `pathlib.Path` of the prepared data set.

    Raises:
        ValueError: If the name is not one of `NAMES`.
        OSError: If a source of the data is not available, its checksum
            differs, or a package of the extra `data` is not installed.
    """
    catalog.get(name)
    # TFDS and the renderer are slow to import and only needed here.
    with _extra_packages(name):
        module = importlib.import_module(f"kerasgan.data.{name}")
        return pathlib.Path(module.prepare(data_dir).data_dir)


def load(name, split="train", size=None, data_dir=None):
    """Returns a prepared data set as arrays, in its stored order.

    Args:
        name: str. One of `NAMES`.
        split: str. `"train"`, `"validation"` or `"test"`; Fashion-MNIST has
            no validation part. Defaults to `"train"`.
        size: int. Height and width of the images. Defaults to 32 for
            Fashion-MNIST (28, padded with black), 64 for personas and 128 for
            fluent and relief. Fluent is resized from 128; relief at 64 or
            less consists of smaller patches.
        data_dir: str or path of the TFDS folder. Defaults to TFDS' own.

    Returns:
        Dictionary by TFDS' feature names. Images are uint8
        `(count, size, size, channels)`: `image` in fashion_mnist and
        personas, `input` and `target` in fluent and relief. Other features:
        `label`; `caption` and `attributes`; `name` and `concept`; `etopo`,
        `latitude` and `longitude`.

    Raises:
        ValueError: If the data set does not exist, or has no such part.
        OSError: If it is not prepared, or TFDS is not installed.
    """
    data_set = catalog.get(name)
    size = data_set.size if size is None else size
    builder = _builder(data_set, size, data_dir)
    import tensorflow_datasets as tfds

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
    for key, feature in builder.info.features.items():
        if isinstance(feature, tfds.features.Image):
            examples[key] = _to_size(examples[key], data_set.size, size)
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
        OSError: If it is not prepared, or TFDS is not installed.
    """
    data_set = catalog.get(name)
    if not data_set.classes:
        raise ValueError(f"{name} has no classes; fashion_mnist has.")
    builder = _builder(data_set, data_set.size, data_dir)
    return tuple(builder.info.features["label"].names)


@contextlib.contextmanager
def _extra_packages(name):
    """Says how to install what the prepared data sets need."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise OSError(
            f"The data set {name} needs the Python package {error.name!r}, "
            "which prepares and reads it. Install kerasgan with its extra: "
            "pip install 'kerasgan[data]'."
        ) from error


def _builder(data_set, size, data_dir):
    with _extra_packages(data_set.name):
        import tensorflow_datasets as tfds

    full_name = data_set.name
    if len(data_set.stored_sizes) > 1:
        full_name += f"/{_stored_size(data_set, size)}"
    try:
        builder = tfds.builder(full_name, data_dir=data_dir)
    except tfds.core.registered.DatasetNotFoundError:
        builder = None
    if builder is None or not builder.data_path.exists():
        raise OSError(
            f"The data set {data_set.name} is not prepared"
            + (f" in {str(data_dir)!r}" if data_dir else "")
            + f". Run `kerasgan data prepare {data_set.name}` once."
        )
    return builder


def _stored_size(data_set, size):
    """Returns the smallest stored size of at least `size`, or the largest."""
    sizes = sorted(data_set.stored_sizes)
    return next((stored for stored in sizes if stored >= size), sizes[-1])


def _to_size(images, padded_size, size):
    """Pads images that are stored smaller than their set's size, resizes."""
    if images.shape[1] < padded_size <= size:
        images = pad(images, padded_size).numpy()
    return resize_many(images, size)
