"""Streams of training batches that depend on the seed and the epoch alone.

The order of an epoch, and whatever chance does to its pictures, is computed
from `(seed, epoch)` and, for the pictures, the position of the batch in the
epoch. Nothing is carried from one epoch to the next, so a run that starts
again at epoch 7 sees exactly what the uninterrupted run saw from there on.
Global seeds (`keras.utils.set_random_seed`) have no influence.

Incomplete batches are always dropped: a replica without pictures would turn
the loss into NaN. Another epoch leaves out other pictures.
"""

import itertools
import os
import pathlib

import numpy as np
import tensorflow as tf

from kerasgan.data import catalog, folder, prepared
from kerasgan.data.images import (
    check_captions,
    check_images,
    check_same_length,
    to_float,
)

# The same numbers on every kind of device; "auto_select" differs on TPUs.
_GENERATOR = "philox"

# pix2pix and CycleGAN enlarge 256 to 286 before the random crop.
_JITTER = 286 / 256
# Without enlarging: by up to so large a part of the size.
_MOVE = 10

# Made side by side, and again as many ahead of training.
_PARALLEL_BATCHES = min(os.cpu_count() or 1, 8)


def images(
    source,
    size,
    batch_size,
    *,
    channels=None,
    mirror=False,
    split="train",
    skip_broken=False,
    data_dir=None,
    seed=0,
    first_epoch=0,
    epochs=None,
):
    """Returns batches of pictures.

    Args:
        source: The name of a prepared data set; a folder of pictures, with
            its sub-folders; or an array `(count, height, width, channels)`,
            uint8 in 0..255 or floats in `[-1, 1]`. Of fluent and relief the
            targets are taken.
        size: int. Height and width. Pictures of another size are resized with
            antialiasing, from the middle square where they are not square.
        batch_size: int. Pictures in a batch, over all replicas.
        channels: int. 1 for grey, 3 for color. Defaults to those of the data;
            to `3` for a folder.
        mirror: bool. Whether half of the pictures, by chance, are mirrored
            left to right. Defaults to `False`.
        split: str. Part of a prepared data set. Defaults to `"train"`.
        skip_broken: bool. Whether files of a folder that cannot be read are
            left out with a warning. Defaults to `False`.
        data_dir: str or path of the TFDS folder, for a prepared data set.
            Defaults to TFDS' own.
        seed: int. Selects the order of each epoch, and the mirroring.
            Defaults to `0`.
        first_epoch: int. See `stream`.
        epochs: int or `None`. See `stream`.

    Returns:
        A `tf.data.Dataset` of float32 tensors
        `(batch_size, size, size, channels)` in `[-1, 1]`.

    Raises:
        ValueError: If the source is not of these kinds, or holds less than a
            batch.
        OSError: If the source cannot be read, or a data set is not prepared.

    Example:
    ```python
    gan.fit(data.images("faces/", size=64, batch_size=64), epochs=10)
    ```
    """
    if _is_name(source):
        examples = prepared.load(source, split, size, data_dir)
        pictures = examples[catalog.get(source).image]
    elif _is_path(source):
        pictures, _ = folder.read_pictures(
            folder.find_pictures(source), size, channels or 3, skip_broken
        )
    else:
        pictures = source
    pictures = _pictures(pictures, size, channels, "source")
    return stream(
        pictures,
        batch_size,
        transform=lambda pictures, seed: _floats(
            _mirrored(pictures, seed, mirror)
        ),
        seed=seed,
        first_epoch=first_epoch,
        epochs=epochs,
    )


def labelled(
    source,
    size,
    batch_size,
    *,
    channels=None,
    mirror=False,
    split="train",
    skip_broken=False,
    data_dir=None,
    seed=0,
    first_epoch=0,
    epochs=None,
):
    """Returns batches of pictures with class numbers.

    Args:
        source: `"fashion_mnist"`; a folder with one sub-folder of pictures
            for each class (`data.class_names` gives their order); or a pair of
            arrays `(pictures, labels)`, labels as integers from 0.
        size: See `images`.
        batch_size: See `images`.
        channels: See `images`.
        mirror: See `images`.
        split: See `images`.
        skip_broken: See `images`.
        data_dir: See `images`.
        seed: See `images`.
        first_epoch: See `stream`.
        epochs: See `stream`.

    Returns:
        A `tf.data.Dataset` of `(pictures, labels)`: float32
        `(batch_size, size, size, channels)` in `[-1, 1]` and int32
        `(batch_size,)`.

    Raises:
        ValueError: If the source is not of these kinds, or holds less than a
            batch.
        OSError: If the source cannot be read, or a data set is not prepared.
    """
    if _is_name(source):
        examples = prepared.load(source, split, size, data_dir)
        if "label" not in examples:
            raise ValueError(
                f"{source} has no class labels; fashion_mnist has. Pass "
                "`(pictures, labels)` with labels of your own."
            )
        pictures, labels = examples["image"], examples["label"]
    elif _is_path(source):
        names = folder.class_names(source)
        paths = [
            path
            for name in names
            for path in folder.find_pictures(pathlib.Path(source, name))
        ]
        pictures, kept = folder.read_pictures(
            paths, size, channels or 3, skip_broken
        )
        labels = [
            names.index(path.relative_to(source).parts[0]) for path in kept
        ]
    else:
        pictures, labels = _pair(source, "(pictures, labels)")
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or labels.min() < 0:
        raise ValueError(
            "`labels` must be integers from 0, one for each picture. "
            f"Received: dtype={labels.dtype}, shape={labels.shape}. Undo "
            "one-hot coding with argmax."
        )
    pictures = _pictures(pictures, size, channels, "pictures")
    check_same_length(pictures, labels, ("pictures", "labels"))
    return stream(
        (pictures, labels.astype(np.int32)),
        batch_size,
        transform=lambda pictures, labels, seed: (
            _floats(_mirrored(pictures, seed, mirror)),
            labels,
        ),
        seed=seed,
        first_epoch=first_epoch,
        epochs=epochs,
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
    if _is_name(source):
        return prepared.class_names(source, data_dir)
    return folder.class_names(source)


def captioned(
    source,
    size,
    batch_size,
    *,
    channels=None,
    mirror=False,
    split="train",
    skip_broken=False,
    data_dir=None,
    seed=0,
    first_epoch=0,
    epochs=None,
):
    """Returns batches of pictures with captions.

    Args:
        source: `"personas"`; a folder of pictures, each with a text file of
            the same name (`a.png`, `a.txt`); or a pair of arrays
            `(pictures, captions)`, captions as strings or as float sentence
            vectors `(count, dimensions)`.
        size: See `images`.
        batch_size: See `images`.
        channels: See `images`.
        mirror: See `images`. Captions may tell left from right.
        split: See `images`.
        skip_broken: See `images`.
        data_dir: See `images`.
        seed: See `images`.
        first_epoch: See `stream`.
        epochs: See `stream`.

    Returns:
        A `tf.data.Dataset` of `(pictures, captions)`: float32
        `(batch_size, size, size, channels)` in `[-1, 1]`, and strings
        `(batch_size,)` or float32 `(batch_size, dimensions)`.

    Raises:
        ValueError: If the source is not of these kinds, a caption is empty,
            or there is less than a batch.
        OSError: If the source cannot be read, or a data set is not prepared.
    """
    if _is_name(source):
        examples = prepared.load(source, split, size, data_dir)
        if "caption" not in examples:
            raise ValueError(
                f"{source} has no captions; personas has. Pass "
                "`(pictures, captions)` with captions of your own."
            )
        pictures, captions = examples["image"], examples["caption"]
    elif _is_path(source):
        pictures, kept = folder.read_pictures(
            folder.find_pictures(source), size, channels or 3, skip_broken
        )
        captions = [_caption_beside(path) for path in kept]
    else:
        pictures, captions = _pair(source, "(pictures, captions)")
    captions = np.asarray(captions)
    check_captions(captions)
    if captions.dtype.kind == "f":
        captions = captions.astype(np.float32)
    pictures = _pictures(pictures, size, channels, "pictures")
    check_same_length(pictures, captions, ("pictures", "captions"))
    return stream(
        (pictures, captions),
        batch_size,
        transform=lambda pictures, captions, seed: (
            _floats(_mirrored(pictures, seed, mirror)),
            captions,
        ),
        seed=seed,
        first_epoch=first_epoch,
        epochs=epochs,
    )


def paired(
    source,
    size,
    batch_size,
    *,
    channels=None,
    jitter=True,
    mirror=True,
    split="train",
    skip_broken=False,
    data_dir=None,
    seed=0,
    first_epoch=0,
    epochs=None,
):
    """Returns batches of inputs and the targets that belong to them.

    Args:
        source: `"fluent"` or `"relief"`; or a pair `(inputs, targets)`, each
            a folder or an array. Two folders must hold pictures of the same
            names, whatever their suffixes.
        size: See `images`.
        batch_size: See `images`.
        channels: See `images`. The same for both.
        jitter: bool or `"move"`. Whether the two pictures of a pair are
            enlarged by 286/256, cut back to `size` at a random place and
            mirrored by chance, both alike, as pix2pix does. With `"move"`
            they keep their size: they are moved by up to a tenth of it, white
            coming in at the edges, and mirrored. Defaults to `True`.
        mirror: bool. Whether jitter mirrors; not where left and right differ,
            as with letters or light from one side. Defaults to `True`.
        split: See `images`.
        skip_broken: See `images`. A pair is left out if one of its files is
            broken.
        data_dir: See `images`.
        seed: int. Selects the order and the jitter. Defaults to `0`.
        first_epoch: See `stream`.
        epochs: See `stream`.

    Returns:
        A `tf.data.Dataset` of `(inputs, targets)`, float32
        `(batch_size, size, size, channels)` in `[-1, 1]`.

    Raises:
        ValueError: If the source or `jitter` is not of these kinds, a picture
            has no partner, or there is less than a batch.
        OSError: If the source cannot be read, or a data set is not prepared.

    Reference:
        [Isola et al., 2017](https://arxiv.org/abs/1611.07004), section 6.2 of
        the supplement.
    """
    _check_jitter(jitter)
    if _is_name(source):
        examples = prepared.load(source, split, size, data_dir)
        inputs, targets = _sides(source, examples)
    else:
        inputs, targets = _pair(source, "(inputs, targets)")
        if _is_path(inputs) and _is_path(targets):
            inputs, targets = _read_pairs(
                inputs, targets, size, channels or 3, skip_broken
            )
    inputs = _pictures(inputs, size, channels, "inputs")
    targets = _pictures(targets, size, channels, "targets")
    check_same_length(inputs, targets, ("inputs", "targets"))
    return stream(
        (inputs, targets),
        batch_size,
        transform=lambda inputs, targets, seed: _jittered(
            (_floats(inputs), _floats(targets)), seed, jitter, mirror
        ),
        seed=seed,
        first_epoch=first_epoch,
        epochs=epochs,
    )


def unpaired(
    source,
    size,
    batch_size,
    *,
    channels=None,
    jitter=True,
    mirror=True,
    split="train",
    skip_broken=False,
    data_dir=None,
    seed=0,
    first_epoch=0,
    epochs=None,
):
    """Returns batches from two sets of pictures that do not belong together.

    The two sets are shuffled and jittered independently of each other. An
    epoch is as long as the smaller set.

    Args:
        source: `"fluent"` or `"relief"`, of which the inputs of one half and
            the targets of the other are taken (halves of the concepts, and of
            the globe), so no pair is ever seen; or a pair `(a, b)`, each a
            folder or an array.
        size: See `images`.
        batch_size: int. Pictures of each set in a batch, over all replicas.
        channels: See `images`. The same for both.
        jitter: As in `paired`, but each picture for itself. Defaults to
            `True`.
        mirror: See `paired`.
        split: See `images`.
        skip_broken: See `images`.
        data_dir: See `images`.
        seed: int. Selects the orders and the jitter. Defaults to `0`.
        first_epoch: See `stream`.
        epochs: See `stream`.

    Returns:
        A `tf.data.Dataset` of `(a, b)`, float32
        `(batch_size, size, size, channels)` in `[-1, 1]`.

    Raises:
        ValueError: If the source or `jitter` is not of these kinds, or one set
            holds less than a batch.
        OSError: If the source cannot be read, or a data set is not prepared.
    """
    _check_jitter(jitter)
    if _is_name(source):
        examples = prepared.load(source, split, size, data_dir)
        first, second = _sides(source, examples)
        in_second = catalog.get(source).halves(examples)
        first, second = first[~in_second], second[in_second]
    else:
        first, second = (
            folder.read_pictures(
                folder.find_pictures(side), size, channels or 3, skip_broken
            )[0]
            if _is_path(side)
            else side
            for side in _pair(source, "(a, b)")
        )
    first = _pictures(first, size, channels, "a")
    second = _pictures(second, size, channels, "b")

    def transform(first, second, seed):
        seeds = tf.random.experimental.stateless_split(seed, 2, alg=_GENERATOR)
        (first,) = _jittered((_floats(first),), seeds[0], jitter, mirror)
        (second,) = _jittered((_floats(second),), seeds[1], jitter, mirror)
        return first, second

    return stream_groups(
        ((first,), (second,)),
        batch_size,
        transform=transform,
        seed=seed,
        first_epoch=first_epoch,
        epochs=epochs,
    )


def stream(
    arrays,
    batch_size,
    *,
    transform=None,
    seed=0,
    first_epoch=0,
    epochs=None,
):
    """Returns a dataset of shuffled batches from arrays in memory.

    Rows that share an index stay together: `(images, labels)` is shuffled
    as pairs.

    Args:
        arrays: An array, or a tuple of arrays of equal length: NumPy arrays
            or eager tensors of any type. A `numpy.memmap` is read row by row
            and never held in memory as a whole.
        batch_size: int. Rows in a batch, over all replicas.
        transform: Optional function of a batch, `transform(*batch, seed)`,
            run by tf.data. `seed` is an int32 tensor `(2,)` for TensorFlow's
            stateless random functions, different for each batch.
        seed: int. Selects the order and the transform's chances. Defaults
            to `0`.
        first_epoch: int. Number of the epoch to begin with. Defaults to `0`.
        epochs: int or `None`. With an int, one iteration over the dataset
            runs through that many epochs. With `None`, as `fit` wants it,
            each iteration is one epoch: the first is `first_epoch`, the next
            iteration is the epoch after it. Defaults to `None`.

    Returns:
        A `tf.data.Dataset` of batches: one tensor if `arrays` is one array,
        else a tuple; whatever `transform` returns if there is one. Its length
        is known. Each worker of a distributed run takes its own part.

    Raises:
        ValueError: If the arrays differ in length, or hold less than a batch.

    Example:
    ```python
    dataset = stream((images, labels), 64, seed=1, first_epoch=7, epochs=3)
    ```
    """
    single = not isinstance(arrays, (tuple, list))
    group = (arrays,) if single else tuple(arrays)
    return stream_groups(
        (group,),
        batch_size,
        transform=transform,
        seed=seed,
        first_epoch=first_epoch,
        epochs=epochs,
    )


def stream_groups(
    groups,
    batch_size,
    *,
    transform=None,
    seed=0,
    first_epoch=0,
    epochs=None,
):
    """Like `stream`, for groups of arrays that are shuffled independently.

    An epoch is as long as the shortest group; as each epoch begins with
    another order, all rows of the longer ones take their turn.

    Args:
        groups: Tuple of tuples of arrays. Rows stay together within a group.
        batch_size: See `stream`.
        transform: See `stream`.
        seed: See `stream`.
        first_epoch: See `stream`.
        epochs: See `stream`.

    Returns:
        A `tf.data.Dataset` of flat tuples, group after group, or of tensors
        if there is one array in all.

    Raises:
        ValueError: If arrays of a group differ in length, or a group holds
            less than a batch.
    """
    groups = tuple(tuple(_Rows(array) for array in group) for group in groups)
    lengths = [_common_length(group) for group in groups]
    if batch_size < 1:
        raise ValueError(
            f"`batch_size` must be at least 1. Received: {batch_size}."
        )
    steps = min(lengths) // batch_size
    if steps == 0:
        raise ValueError(
            "There must be at least one whole batch, because incomplete "
            f"batches are dropped. Received: {min(lengths)} examples and "
            f"batch_size={batch_size}. Use a smaller batch size."
        )

    def index_batches(epoch):
        orders = []
        for position, length in enumerate(lengths):
            order = tf.random.experimental.stateless_shuffle(
                tf.range(length, dtype=tf.int64),
                seed=_fold(seed, epoch, position),
                alg=_GENERATOR,
            )
            order = order[: steps * batch_size]
            orders.append(tf.reshape(order, (steps, batch_size)))
        epochs_of_batches = tf.fill((steps,), epoch)
        positions = tf.range(steps, dtype=tf.int64)
        return tf.data.Dataset.from_tensor_slices(
            (tuple(orders), epochs_of_batches, positions)
        )

    def gather(indices, epoch, position):
        batch = tuple(
            rows.take(group_indices)
            for group, group_indices in zip(groups, indices, strict=True)
            for rows in group
        )
        if transform is not None:
            # Positions before this are the orders of the groups.
            return transform(*batch, _fold(seed, epoch, len(groups) + position))
        return batch if len(batch) > 1 else batch[0]

    if epochs is None:
        dataset = _count_iterations(first_epoch)
    else:
        dataset = tf.data.Dataset.range(first_epoch, first_epoch + epochs)
    dataset = dataset.flat_map(index_batches)
    dataset = dataset.map(
        gather, num_parallel_calls=_PARALLEL_BATCHES, deterministic=True
    )
    dataset = dataset.apply(
        tf.data.experimental.assert_cardinality(steps * (epochs or 1))
    )
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    # With it, the end of `fit` at times waits for the thread that tunes, which
    # sleeps for up to a minute (seen with TensorFlow 2.21).
    options.autotune.enabled = False
    return dataset.prefetch(_PARALLEL_BATCHES).with_options(options)


class _Rows:
    """Random access to the rows of an array, inside tf.data."""

    def __init__(self, array):
        self.array = (
            array
            if isinstance(array, np.memmap)
            else tf.convert_to_tensor(array)
        )
        self.spec = tf.TensorSpec(
            (None, *self.array.shape[1:]), tf.as_dtype(self.array.dtype)
        )

    def __len__(self):
        return len(self.array)

    def take(self, indices):
        if isinstance(self.array, tf.Tensor):
            return tf.gather(self.array, indices)
        rows = tf.numpy_function(
            lambda chosen: np.asarray(self.array[chosen]),
            [indices],
            self.spec.dtype,
        )
        return tf.ensure_shape(rows, (indices.shape[0], *self.spec.shape[1:]))


def _common_length(group):
    lengths = sorted({len(rows) for rows in group})
    if len(lengths) > 1:
        raise ValueError(
            "Arrays whose rows belong together must have the same length. "
            f"Received: lengths {[len(rows) for rows in group]}."
        )
    return lengths[0]


def _fold(seed, epoch, position):
    """Returns the stateless seed of one place in one epoch."""
    pair = tf.stack([tf.cast(seed, tf.int64), tf.cast(epoch, tf.int64)])
    folded = tf.random.experimental.stateless_fold_in(
        pair, tf.cast(position, tf.int64), alg=_GENERATOR
    )
    return tf.cast(folded, tf.int32)


def _count_iterations(first_epoch):
    """A dataset of one number: how often it was iterated over before."""
    counter = itertools.count(first_epoch)

    def count(_):
        epoch = tf.numpy_function(lambda: np.int64(next(counter)), [], tf.int64)
        return tf.ensure_shape(epoch, ())

    return tf.data.Dataset.range(1).map(count)


def _is_path(source):
    return isinstance(source, (str, os.PathLike))


def _is_name(source):
    """Whether the source names a prepared data set.

    A folder of that name is reached as `"./personas"`.
    """
    return isinstance(source, str) and source in catalog.NAMES


def _pair(source, form):
    if not isinstance(source, (tuple, list)) or len(source) != 2:
        raise ValueError(
            f"`source` must be {form}, a folder or the name of a prepared "
            f"data set where there is one. Received: {type(source).__name__}."
        )
    return source


def _pictures(pictures, size, channels, name):
    """Checks pictures and brings them to size and channels."""
    if not isinstance(pictures, (np.ndarray, tf.Tensor)):
        raise ValueError(
            f"`{name}` must be an array of pictures, a folder or the name of "
            f"a prepared data set ({', '.join(catalog.NAMES)}). Received: "
            f"{type(pictures).__name__}."
        )
    if len(pictures.shape) != 4 or pictures.shape[-1] not in (1, 3):
        raise ValueError(
            f"`{name}` must have shape (count, height, width, channels) with "
            f"1 or 3 channels. Received: shape={tuple(pictures.shape)}."
        )
    if channels not in (None, 1, 3):
        raise ValueError(
            f"`channels` must be 1 or 3. Received: channels={channels}."
        )
    if isinstance(pictures, tf.Tensor):
        pictures = pictures.numpy()
    if pictures.dtype != np.uint8:
        check_images(pictures, (None, None, None), name)
        pictures = pictures.astype(np.float32)
    height, width = pictures.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    pictures = pictures[:, top : top + side, left : left + side]
    pictures = prepared.resized(pictures, size)
    if channels in (None, pictures.shape[-1]):
        return pictures
    if channels == 3:
        return np.repeat(pictures, 3, axis=-1)
    return tf.image.rgb_to_grayscale(pictures).numpy()


def _floats(pictures):
    return to_float(pictures) if pictures.dtype == tf.uint8 else pictures


def _mirrored(pictures, seed, mirror):
    """Mirrors each picture with a chance of one half."""
    if not mirror:
        return pictures
    columns = _mirrored_columns(pictures.shape[0], pictures.shape[2], seed)
    return tf.gather(pictures, columns, axis=2, batch_dims=1)


def _mirrored_columns(count, size, seed):
    """Returns `(count, size)` column numbers, half of the rows backwards.

    Picking columns is ten times as fast as `tf.reverse` where pictures have
    other than three channels.
    """
    chances = tf.random.stateless_uniform((count, 1), seed, alg=_GENERATOR)
    columns = tf.range(size)
    return tf.where(chances < 0.5, columns[::-1], columns)


def _check_jitter(jitter):
    if jitter not in (True, False, "move"):
        raise ValueError(
            "`jitter` must be True, False or 'move'. "
            f"Received: jitter={jitter!r}"
        )


def _jittered(groups, seed, jitter, mirror):
    """Enlarges or surrounds, crops and mirrors; row i of all groups alike."""
    if not jitter:
        return groups
    # One array with the channels of all, so nothing can differ.
    pictures = tf.concat(groups, axis=-1)
    count, size = pictures.shape[0], pictures.shape[1]
    if jitter == "move":
        edge = (size // _MOVE, size // _MOVE)
        pictures = tf.pad(
            pictures, ((0, 0), edge, edge, (0, 0)), constant_values=1.0
        )
    else:
        large = round(size * _JITTER)
        pictures = tf.image.resize(pictures, (large, large), method="bicubic")
        # The filter overshoots at edges.
        pictures = tf.clip_by_value(pictures, -1.0, 1.0)
    seeds = tf.random.experimental.stateless_split(seed, 2, alg=_GENERATOR)
    corners = tf.random.stateless_uniform(
        (2, count, 1),
        seeds[0],
        maxval=pictures.shape[1] - size + 1,
        dtype=tf.int32,
        alg=_GENERATOR,
    )
    rows = corners[0] + tf.range(size)
    columns = tf.range(size)
    if mirror:
        columns = _mirrored_columns(count, size, seeds[1])
    columns = corners[1] + columns
    pictures = tf.gather(pictures, rows, axis=1, batch_dims=1)
    pictures = tf.gather(pictures, columns, axis=2, batch_dims=1)
    return tuple(
        tf.split(pictures, [group.shape[-1] for group in groups], axis=-1)
    )


def _sides(name, examples):
    if "input" not in examples:
        raise ValueError(
            f"{name} has no pairs of pictures; fluent and relief have. Pass "
            "two folders or two arrays."
        )
    return examples["input"], examples["target"]


def _caption_beside(path):
    try:
        return path.with_suffix(".txt").read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            "Each picture must have its caption in a text file of the same "
            f"name. Received: {str(path)!r} without "
            f"{path.with_suffix('.txt').name!r}."
        ) from error


def _read_pairs(inputs, targets, size, channels, skip_broken):
    """Reads two folders, matched by the names of the files."""
    by_name = []
    for side in (inputs, targets):
        paths = folder.find_pictures(side)
        names = [path.relative_to(side).with_suffix("") for path in paths]
        if len(set(names)) < len(names):
            double = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                "Names of pairs must be unique. Received: two pictures "
                f"{str(double)!r} in {str(side)!r}."
            )
        by_name.append(dict(zip(names, paths, strict=True)))
    alone = sorted(by_name[0].keys() ^ by_name[1].keys())
    if alone:
        raise ValueError(
            "Each picture must have a partner of the same name in the other "
            f"folder. Received: {len(alone)} without, the first "
            f"{str(alone[0])!r}."
        )
    arrays, kept = [], []
    for paths in by_name:
        pictures, kept_paths = folder.read_pictures(
            list(paths.values()), size, channels, skip_broken
        )
        kept_paths = set(kept_paths)
        arrays.append(pictures)
        kept.append([n for n, path in paths.items() if path in kept_paths])
    both = sorted(set(kept[0]) & set(kept[1]))
    if both == kept[0] == kept[1]:
        return arrays
    return [
        pictures[[names.index(name) for name in both]]
        for pictures, names in zip(arrays, kept, strict=True)
    ]
