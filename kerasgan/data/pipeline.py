"""Datasets of training batches for each task.

Each function reads a source into arrays (`sources`), streams shuffled batches
of them (`streams`), converts these to float32 in `[-1, 1]` and augments them
(`augment`).
"""

import tensorflow as tf

from kerasgan.data import folder, prepared, sources
from kerasgan.data.augment import jitter
from kerasgan.data.pixels import to_float
from kerasgan.data.streams import GENERATOR, stream, stream_groups


def images(
    source,
    size,
    batch_size,
    *,
    channels=None,
    fit="crop",
    augment=None,
    split="train",
    skip_broken=False,
    data_dir=None,
    **kwargs,
):
    """Returns batches of images.

    Args:
        source: The name of a prepared data set; a folder of images, with its
            sub-folders; or an array `(count, height, width, channels)`, uint8
            in 0..255 or floats in `[-1, 1]`. Of fluent and relief the targets
            are used.
        size: int, or pair of height and width. Images of another size are
            resized with antialiasing.
        batch_size: int. Images in a batch, over all replicas.
        channels: int. 1 for grey, 3 for color, 4 for color with alpha, which
            is otherwise composited on white. Defaults to those of the data;
            to `3` for a folder.
        fit: str. What becomes of images of another shape than `size`:
            `"crop"` keeps the largest central part of that shape, `"pad"`
            adds black bars, `"squeeze"` distorts. Defaults to `"crop"`.
        augment: Callable `augment(images, seed)` or `None`, such as
            `data.mirror`, for a batch of float32 images in `[-1, 1]`.
            Defaults to none.
        split: str. Part of a prepared data set. Defaults to `"train"`.
        skip_broken: bool. Whether unreadable files of a folder are skipped
            with a warning. Defaults to `False`.
        data_dir: str or path of the TFDS folder, for a prepared data set.
            Defaults to TFDS' own.
        **kwargs: See `stream`: `seed`, `first_epoch`, `epochs`.

    Returns:
        A `tf.data.Dataset` of float32 tensors
        `(batch_size, height, width, channels)` in `[-1, 1]`.

    Raises:
        ValueError: If the source is not of these kinds, or holds fewer than a
            batch.
        OSError: If the source cannot be read, or a data set is not prepared.

    Example:
    ```python
    gan.fit(data.images("faces/", size=64, batch_size=64), epochs=10)
    ```
    """
    _check_augment(augment)
    found = sources.images(
        source, size, channels, fit, split, skip_broken, data_dir
    )
    return stream(
        found,
        batch_size,
        transform=lambda images, seed: _augmented(augment, seed, images)[0],
        **kwargs,
    )


def labelled(
    source,
    size,
    batch_size,
    *,
    channels=None,
    fit="crop",
    augment=None,
    split="train",
    skip_broken=False,
    data_dir=None,
    **kwargs,
):
    """Returns batches of images with class numbers.

    Args:
        source: `"fashion_mnist"`; a folder with one sub-folder of images for
            each class (`data.class_names` gives their order); or a pair of
            arrays `(images, labels)`, labels as integers from 0.
        size: See `images`.
        batch_size: See `images`.
        channels: See `images`.
        fit: See `images`.
        augment: See `images`.
        split: See `images`.
        skip_broken: See `images`.
        data_dir: See `images`.
        **kwargs: See `images`.

    Returns:
        A `tf.data.Dataset` of `(images, labels)`: float32
        `(batch_size, height, width, channels)` in `[-1, 1]` and int32
        `(batch_size,)`.

    Raises:
        ValueError: If the source is not of these kinds, or holds fewer than a
            batch.
        OSError: If the source cannot be read, or a data set is not prepared.
    """
    _check_augment(augment)
    return stream(
        sources.labelled(
            source, size, channels, fit, split, skip_broken, data_dir
        ),
        batch_size,
        transform=lambda images, labels, seed: (
            *_augmented(augment, seed, images),
            labels,
        ),
        **kwargs,
    )


def captioned(
    source,
    size,
    batch_size,
    *,
    channels=None,
    fit="crop",
    augment=None,
    split="train",
    skip_broken=False,
    data_dir=None,
    **kwargs,
):
    """Returns batches of images with captions.

    Args:
        source: `"personas"`; a folder of images, each with a text file of the
            same name (`a.png`, `a.txt`); or a pair of arrays
            `(images, captions)`, captions as strings or as float sentence
            vectors `(count, dimensions)`.
        size: See `images`.
        batch_size: See `images`.
        channels: See `images`.
        fit: See `images`.
        augment: See `images`. Captions may distinguish left from right.
        split: See `images`.
        skip_broken: See `images`.
        data_dir: See `images`.
        **kwargs: See `images`.

    Returns:
        A `tf.data.Dataset` of `(images, captions)`: float32
        `(batch_size, height, width, channels)` in `[-1, 1]`, and strings
        `(batch_size,)` or float32 `(batch_size, dimensions)`.

    Raises:
        ValueError: If the source is not of these kinds, a caption is empty,
            or there is fewer than a batch.
        OSError: If the source cannot be read, or a data set is not prepared.
    """
    _check_augment(augment)
    return stream(
        sources.captioned(
            source, size, channels, fit, split, skip_broken, data_dir
        ),
        batch_size,
        transform=lambda images, captions, seed: (
            *_augmented(augment, seed, images),
            captions,
        ),
        **kwargs,
    )


def paired(
    source,
    size,
    batch_size,
    *,
    channels=None,
    fit="crop",
    augment=jitter,
    split="train",
    skip_broken=False,
    data_dir=None,
    **kwargs,
):
    """Returns batches of inputs and the targets that belong to them.

    Args:
        source: `"fluent"` or `"relief"`; a pair `(inputs, targets)`, each a
            folder or an array; or `data.SideBySide(folder)`, where each file
            shows both. Two folders must hold images of the same names,
            whatever their suffixes.
        size: See `images`.
        batch_size: See `images`.
        channels: See `images`. A pair `(inputs, targets)` where they differ.
        fit: See `images`. The two images of a pair must have one shape,
            unless `"squeeze"` resizes both as a whole.
        augment: See `images`; receives the two images of a pair as one with
            the channels of both. Functions that mirror do not fit data whose
            left and right differ, such as letters or light from one side;
            `data.enlarge` and `data.move` do not mirror. Defaults to
            `data.jitter`, as in pix2pix.
        split: See `images`.
        skip_broken: See `images`. A pair is skipped if one of its files is
            broken.
        data_dir: See `images`.
        **kwargs: See `images`.

    Returns:
        A `tf.data.Dataset` of `(inputs, targets)`, float32
        `(batch_size, height, width, channels)` in `[-1, 1]`.

    Raises:
        ValueError: If the source is not of these kinds, an image has no
            partner, or there is fewer than a batch.
        OSError: If the source cannot be read, or a data set is not prepared.
    """
    _check_augment(augment)
    return stream(
        sources.paired(
            source, size, channels, fit, split, skip_broken, data_dir
        ),
        batch_size,
        transform=lambda inputs, targets, seed: _augmented(
            augment, seed, inputs, targets
        ),
        **kwargs,
    )


def unpaired(
    source,
    size,
    batch_size,
    *,
    channels=None,
    fit="crop",
    augment=jitter,
    split="train",
    skip_broken=False,
    data_dir=None,
    **kwargs,
):
    """Returns batches from two sets of images that do not belong together.

    The two sets are shuffled and augmented independently of each other. An
    epoch is as long as the smaller set.

    Args:
        source: `"fluent"` or `"relief"`, of which the inputs of one half and
            the targets of the other are used (halves of the concepts, and of
            the globe), so no pair is ever seen; a pair `(a, b)`, each a folder
            or an array; or `data.SideBySide(folder)`.
        size: See `images`.
        batch_size: int. Images of each set in a batch, over all replicas.
        channels: See `images`. The same for both.
        fit: See `images`.
        augment: See `images`. Defaults to `data.jitter`, as in CycleGAN.
        split: See `images`.
        skip_broken: See `images`.
        data_dir: See `images`.
        **kwargs: See `images`.

    Returns:
        A `tf.data.Dataset` of `(a, b)`, float32
        `(batch_size, height, width, channels)` in `[-1, 1]`.

    Raises:
        ValueError: If the source is not of these kinds, or one set holds
            fewer than a batch.
        OSError: If the source cannot be read, or a data set is not prepared.
    """
    _check_augment(augment)
    first, second = sources.unpaired(
        source, size, channels, fit, split, skip_broken, data_dir
    )

    def transform(first, second, seed):
        seeds = tf.random.experimental.stateless_split(seed, 2, alg=GENERATOR)
        return (
            *_augmented(augment, seeds[0], first),
            *_augmented(augment, seeds[1], second),
        )

    return stream_groups(
        ((first,), (second,)), batch_size, transform=transform, **kwargs
    )


def class_names(source, data_dir=None):
    """Returns the names of the classes that `labelled` numbers.

    Args:
        source: `"fashion_mnist"`, or a folder with one sub-folder for each
            class.
        data_dir: str or path of the TFDS folder, for a prepared data set.
            Defaults to TFDS' own.

    Returns:
        Tuple of str. The class number is the position.

    Raises:
        ValueError: If the source has no classes.
        OSError: If there is no such folder, or the data set is not prepared.
    """
    if sources.is_name(source):
        return prepared.class_names(source, data_dir)
    return folder.class_names(source)


def _check_augment(augment):
    if augment is not None and not callable(augment):
        raise ValueError(
            "`augment` must be a function of images and a seed, such as "
            "`kerasgan.data.jitter`, or None. "
            f"Received: augment={augment!r}"
        )


def _augmented(augment, seed, *groups):
    """Returns float images, with row i of all groups augmented alike."""
    groups = [
        to_float(group) if group.dtype == tf.uint8 else group
        for group in groups
    ]
    if augment is None:
        return tuple(groups)
    # One array with the channels of all, so nothing can differ.
    images = augment(tf.concat(groups, axis=-1), seed)
    channels = [group.shape[-1] for group in groups]
    return tuple(tf.split(images, channels, axis=-1))
