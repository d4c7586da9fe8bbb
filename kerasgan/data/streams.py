"""Streams of training batches that depend on the seed and the epoch alone.

The order of an epoch, and the random augmentation of its images, is computed
from `(seed, epoch)` and, for the images, the position of the batch in the
epoch. No state is carried from one epoch to the next, so a run that resumes
at epoch 7 sees exactly what the uninterrupted run saw from there on.
Global seeds (`keras.utils.set_random_seed`) have no influence.

Incomplete batches are always dropped: a replica without images would turn the
loss into NaN. Another epoch leaves out other images.
"""

import itertools
import os

import numpy as np
import tensorflow as tf

# The same numbers on every kind of device; "auto_select" differs on TPUs.
GENERATOR = "philox"

# Prepared in parallel, and as many again ahead of training.
_PARALLEL_BATCHES = min(os.cpu_count() or 1, 8)


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
        seed: int. Selects the order and the seeds of `transform`. Defaults
            to `0`.
        first_epoch: int. Number of the first epoch. Defaults to `0`.
        epochs: int or `None`. With an int, one iteration over the dataset
            runs through that many epochs. With `None`, as `fit` wants it,
            each iteration is one epoch: the first is `first_epoch`, the next
            iteration is the epoch after it. Defaults to `None`.

    Returns:
        A `tf.data.Dataset` of batches: one tensor if `arrays` is one array,
        else a tuple; whatever `transform` returns if there is one. Its length
        is known. Each worker of a distributed run reads its own share.

    Raises:
        ValueError: If the arrays differ in length, or hold fewer than a batch.

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
    another order, all rows of the longer ones are used over the epochs.

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
            fewer than a batch.
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
                alg=GENERATOR,
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
    return _in_order(dataset)


def stream_chosen(array, rows, steps, batch_size):
    """Returns a dataset of the batches that a function chooses.

    Args:
        array: See `stream`.
        rows: Callable without arguments to an int64 array
            `(steps, batch_size)`, the numbers of the rows; called at the start
            of each iteration over the dataset.
        steps: int. Batches of one iteration.
        batch_size: int.

    Returns:
        A `tf.data.Dataset` of one iteration.
    """
    array = _Rows(array)

    def choose(_):
        chosen = tf.numpy_function(rows, [], tf.int64)
        chosen = tf.ensure_shape(chosen, (steps, batch_size))
        return tf.data.Dataset.from_tensor_slices(chosen)

    dataset = tf.data.Dataset.range(1).flat_map(choose)
    dataset = dataset.map(
        array.take, num_parallel_calls=_PARALLEL_BATCHES, deterministic=True
    )
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps))
    return _in_order(dataset)


def _in_order(dataset):
    """Prefetches, in the same order on every machine."""
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
    """Returns the stateless seed of one position in one epoch."""
    pair = tf.stack([tf.cast(seed, tf.int64), tf.cast(epoch, tf.int64)])
    folded = tf.random.experimental.stateless_fold_in(
        pair, tf.cast(position, tf.int64), alg=GENERATOR
    )
    return tf.cast(folded, tf.int32)


def _count_iterations(first_epoch):
    """A dataset of one number: `first_epoch` plus the iterations before."""
    counter = itertools.count(first_epoch)

    def count(_):
        epoch = tf.numpy_function(lambda: np.int64(next(counter)), [], tf.int64)
        return tf.ensure_shape(epoch, ())

    return tf.data.Dataset.range(1).map(count)
