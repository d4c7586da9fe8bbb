"""Data as users have them, as the datasets that models train on.

A model trains on a `tf.data.Dataset` of batches. Whatever else `fit` of Keras
takes becomes one here: arrays, lists, dicts, loaders and generators. The
`names` of the parts of a batch, such as `("images", "labels")`, are the
model's `part_names`.
"""

import collections.abc
import contextlib
import itertools
import re

import keras
import numpy as np
import tensorflow as tf


def is_loader(x):
    """Returns whether `x` gives batches one after the other.

    Args:
        x: What a user gave as training data.

    Returns:
        bool. `True` for a `keras.utils.PyDataset`, a generator, a PyTorch
        `DataLoader` and the like; `False` for datasets and arrays.
    """
    if isinstance(x, keras.utils.PyDataset):
        return True
    known = (tf.data.Dataset, str, list, tuple, collections.abc.Mapping)
    return (
        isinstance(x, collections.abc.Iterable)
        and not isinstance(x, known)
        and not hasattr(x, "__array__")
    )


def is_generator(x):
    """Returns whether `x` can be read only once."""
    return isinstance(x, collections.abc.Iterator)


def is_dict(x):
    return isinstance(x, collections.abc.Mapping)


def named(parts, names):
    """Returns the parts of a batch that a dict holds by name.

    Args:
        parts: dict of tensors or arrays.
        names: Sequence of str. The names may also be singular, as in
            TensorFlow Datasets.

    Returns:
        Tuple of the parts, or the part itself if there is one name.

    Raises:
        ValueError: If a name is missing.
    """
    found = []
    for name in names:
        key = next((k for k in (name, name.removesuffix("s")) if k in parts), 0)
        if key == 0:
            wanted = ", ".join(repr(n) for n in names)
            raise ValueError(
                f"A dict of training data must have the keys {wanted}. "
                f"Received: keys {sorted(map(str, parts))}"
            )
        found.append(parts[key])
    return tuple(found) if len(found) > 1 else found[0]


def from_structures(dataset, names):
    """Returns a dataset of tensors or tuples from one of dicts or 1-tuples.

    Args:
        dataset: A `tf.data.Dataset` of any structure.
        names: See `named`.

    Returns:
        A `tf.data.Dataset`.
    """
    spec = dataset.element_spec
    if is_dict(spec):
        named(spec, names)  # Outside of the graph, whose errors are long.
        return dataset.map(lambda parts: named(parts, names))
    if isinstance(spec, tuple) and len(spec) == 1:
        return dataset.map(lambda part: part)
    return dataset


def as_array(values, name):
    """Returns one part of the training data as an array or tensor.

    Args:
        values: NumPy array, tensor, anything that NumPy reads as an array, a
            list of strings or numbers, or a list of images of one shape.
        name: str. Of the part, for messages.

    Returns:
        NumPy array or tensor.

    Raises:
        TypeError: If it is something else.
    """
    if isinstance(values, (np.ndarray, tf.Tensor)):
        return values
    if hasattr(values, "detach"):  # PyTorch, whose tensors may need gradients.
        return values.detach().cpu().numpy()
    if hasattr(values, "__array__"):
        return np.asarray(values)
    if isinstance(values, (list, tuple)) and len(values):
        scalar = (str, bytes, int, float, np.generic)
        if all(isinstance(v, scalar) for v in values):
            return np.asarray(values)
        shapes = {np.shape(v) for v in values if hasattr(v, "__array__")}
        if len(shapes) == 1 and len(*shapes) == 3:
            return np.stack(values)
    raise TypeError(
        "Training data must be a `tf.data.Dataset` of batches, arrays, or a "
        "loader of batches; `kerasgan.data` makes datasets from folders and "
        f"names. Received: {type(values).__name__} as `{name}`"
    )


def as_arrays(x, y, names):
    """Returns all parts of the training data as arrays.

    Args:
        x: The first part, a tuple of all parts, or a dict.
        y: The second part, or `None`.
        names: See `named`.

    Returns:
        Tuple of arrays.

    Raises:
        See `as_array` and `named`.
    """
    if is_dict(x):
        x = named(x, names)
    parts = x if isinstance(x, tuple) else (x,)
    parts += () if y is None else (y,)
    return tuple(
        as_array(part, names[min(index, len(names) - 1)])
        for index, part in enumerate(parts)
    )


def in_order(arrays, batch_size, drop_remainder):
    """Returns arrays as a dataset of batches in the order of the rows.

    Args:
        arrays: Tuple of arrays of equal length.
        batch_size: int.
        drop_remainder: bool. Whether to leave out an incomplete batch.

    Returns:
        A `tf.data.Dataset`.
    """
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(
            "Arrays whose rows belong together must have the same length. "
            f"Received: lengths {lengths}."
        )
    rows = tf.data.Dataset.from_tensor_slices(
        arrays if len(arrays) > 1 else arrays[0]
    )
    return rows.batch(batch_size, drop_remainder=drop_remainder)


def check_shares(dataset, steps, replicas, name):
    """Refuses batches that cannot be divided among the discriminator's steps.

    Args:
        dataset: A `tf.data.Dataset` of batches.
        steps: int.
        replicas: int.
        name: str. What the model calls `steps`.

    Raises:
        ValueError: If the batch size is not fixed, or not divisible.
    """
    if steps == 1:
        return  # Nothing is divided.
    for spec in tf.nest.flatten(dataset.element_spec):
        size = spec.shape[0] if spec.shape.rank else None
        if size is None or size % (steps * replicas):
            raise ValueError(
                "The batch size must be fixed and, on each replica, "
                f"divisible by {steps} (`{name}`), "
                "because each batch is divided among these steps; use "
                "`batch(..., drop_remainder=True)`. Received: batches of "
                f"shape {spec.shape}, {replicas} replica(s)"
            )


def share_of(batch, step, steps):
    """Returns every `steps`-th row of a batch, from the row `step` on.

    On any number of replicas a step takes the same rows of the global batch.

    Args:
        batch: Tensor or structure of tensors.
        step: int, less than `steps`.
        steps: int.
    """
    return tf.nest.map_structure(lambda part: part[step::steps], batch)


def split(arrays, share):
    """Returns arrays without their last rows, and those.

    Args:
        arrays: Tuple of arrays.
        share: float in (0, 1). Of the rows that come last.

    Returns:
        Pair of tuples of arrays.

    Raises:
        ValueError: If one of the two would be empty.
    """
    places = [int(len(a) * (1.0 - share)) for a in arrays]
    if not all(0 < p < len(a) for p, a in zip(places, arrays, strict=True)):
        raise ValueError(
            "`validation_split` must leave examples on both sides. Received: "
            f"validation_split={share!r} of {len(arrays[0])} examples"
        )
    pairs = [*zip(arrays, places, strict=True)]
    return tuple(a[:p] for a, p in pairs), tuple(a[p:] for a, p in pairs)


def from_loader(loader, names):
    """Returns a loader as a dataset of its batches.

    The first pass over the dataset is for the check of the first batch, and
    gives nothing else: a generator, which can be read once, loses nothing by
    it, and a `PyDataset` does not take it for an epoch.

    Args:
        loader: See `is_loader`. Its batches are arrays, tuples, lists or
            dicts of arrays.
        names: See `named`.

    Returns:
        A `tf.data.Dataset`, whose length is known if the loader's is.

    Raises:
        ValueError: If it holds no batch.
    """

    def batch_of(parts):
        if isinstance(parts, list):
            parts = tuple(parts)
        arrays = as_arrays(parts, None, names)
        return arrays if len(arrays) > 1 else arrays[0]

    length = None
    if isinstance(loader, keras.utils.PyDataset):
        length = loader.num_batches
        example = None if length == 0 else loader[0]

        def read():
            numbers = itertools.count() if length is None else range(length)
            for number in numbers:
                batch = loader[number]
                # Not after the last one, beyond which nobody need read.
                if number + 1 == length:
                    loader.on_epoch_end()
                yield batch

    elif is_generator(loader):
        example = next(loader, None)
        remaining = itertools.chain([example], loader)

        def read():
            return remaining

    else:
        length = len(loader) if hasattr(loader, "__len__") else None
        example = next(iter(loader), None)

        def read():
            return iter(loader)

    if example is None:
        raise ValueError(
            "The training data must hold at least one batch. Received: an "
            f"empty {type(loader).__name__}"
        )
    passes = itertools.count()

    def batches():
        is_check = next(passes) == 0
        return map(batch_of, itertools.repeat(example) if is_check else read())

    signature = tf.nest.map_structure(
        lambda a: tf.TensorSpec((None, *a.shape[1:]), _dtype(a)),
        batch_of(example),
    )
    dataset = tf.data.Dataset.from_generator(
        batches, output_signature=signature
    )
    if length is not None:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(length))
    return dataset.prefetch(2)


def _dtype(array):
    if isinstance(array, np.ndarray) and array.dtype.kind in "USO":
        return tf.string
    return tf.as_dtype(array.dtype)


# Around the text of a broken rule, in the message of TensorFlow.
_BROKEN = "<rule>"


def watched(dataset, rules):
    """Returns the dataset, with each batch checked as it comes.

    Args:
        dataset: A `tf.data.Dataset`.
        rules: Callable from a batch to what must hold in it; see `GAN.rules`.

    Returns:
        A `tf.data.Dataset` of the same batches; `explained` names the rule
        that one breaks.
    """

    def watch(*batch):
        batch = batch if len(batch) > 1 else batch[0]
        asserted = [_assert(*rule) for rule in rules(batch)]
        with tf.control_dependencies(asserted):
            return tf.nest.map_structure(tf.identity, batch)

    return dataset.map(watch)


def _assert(holds, text, values):
    """Returns an operation that raises unless `holds`."""
    text = f"{_BROKEN}{text}{_BROKEN}"

    def refuse():
        return tf.debugging.Assert(False, [tf.strings.format(text, values)])

    return tf.cond(holds, tf.no_op, refuse)


@contextlib.contextmanager
def explained():
    """Raises a rule that `watched` data broke as a `ValueError`."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = re.search(f"{_BROKEN}(.*?){_BROKEN}", error.message)
        if found is None:
            raise
        raise ValueError(
            f"{found[1]}. This is not the first batch: the steps before it "
            "were taken."
        ) from None
