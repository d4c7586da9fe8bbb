"""Shared parts of the streaming metrics: names, features, random subsets."""

import functools

import keras
import numpy as np
import tensorflow as tf

from kerasgan import replicas

INCEPTION = "inception_2015"


def metric_name(prefix, inception_name, features):
    """Returns the name of a score over features.

    Args:
        prefix: str. Of the name on other features, such as `"fd"`.
        inception_name: str. The name reserved for the 2015 Inception
            network, such as `"fid"`.
        features: `FeatureNetwork`.
    """
    if features.name == INCEPTION:
        return inception_name
    return f"{prefix}_{features.name}"


class FeatureMetric(keras.metrics.Metric):
    """A score over the features of real and generated images.

    A subclass accumulates features in `update_features`, so that several
    scores can share one pass through the network.

    Args:
        features: `FeatureNetwork`.
        name: str or None. Defaults to what `metric_name` gives.
    """

    prefix = None
    inception_name = None

    def __init__(self, features, name=None):
        name = name or metric_name(self.prefix, self.inception_name, features)
        super().__init__(name=name)
        self.features = features

    def update_state(self, real_images=None, fake_images=None):
        """Adds images to either side.

        Args:
            real_images: uint8 tensor `(batch, height, width, channels)` or
                None.
            fake_images: Like `real_images`; the counts may differ.
        """
        self.update_features(
            None if real_images is None else self.features(real_images),
            None if fake_images is None else self.features(fake_images),
        )


class Reservoir:
    """A random subset of bounded size of values that come in batches.

    Each value gets a key, a hash of its position in the stream, and the
    values with the largest keys are kept, in that order. The subset is
    uniform, and depends neither on batch sizes nor on replicas. Up to
    `capacity` values it holds all of them.

    Args:
        metric: `keras.metrics.Metric` that owns the variables.
        name: str. Of the variables.
        capacity: int. How many values are kept.
        shape: Tuple of int. Of one value.
        dtype: str. Of the values. Defaults to `"float32"`.
    """

    def __init__(self, metric, name, capacity, shape, dtype="float32"):
        # After `gather` every replica has the whole global batch.
        add = functools.partial(
            metric.add_variable, aggregation="only_first_replica"
        )
        self.capacity = capacity
        self.count = add((), "zeros", dtype="int64", name=f"{name}_count")
        self.keys = add(
            (capacity,), "zeros", dtype="int64", name=f"{name}_keys"
        )
        self.values = add(
            (capacity, *shape), "zeros", dtype=dtype, name=f"{name}_values"
        )

    def add(self, values):
        """Adds a batch, in graphs and in replicas too.

        Args:
            values: Tensor `(batch, *shape)`.
        """
        values = tf.cast(replicas.gather(values), self.values.dtype)
        batch = tf.shape(values, tf.int64)[0]
        positions = self.count.value + tf.range(batch)
        keys = tf.concat([self.keys.value, _hash(positions)], axis=0)
        kept = tf.math.top_k(keys, self.capacity)
        values = tf.concat([self.values.value, values], axis=0)
        self.values.assign(tf.gather(values, kept.indices))
        self.keys.assign(kept.values)
        self.count.assign_add(batch)

    def result(self):
        """Returns the subset so far.

        Returns:
            NumPy array `(min(count, capacity), *shape)`.
        """
        kept = min(int(self.count.numpy()), self.capacity)
        return keras.ops.convert_to_numpy(self.values)[:kept]


def _hash(positions):
    """The finalizer of SplitMix64 (Steele, Lea and Flood, 2014), above 0."""
    x = tf.cast(positions, tf.uint64) + tf.constant(
        0x9E3779B97F4A7C15, tf.uint64
    )
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = tf.bitwise.bitwise_xor(
            x, tf.bitwise.right_shift(x, tf.constant(shift, tf.uint64))
        )
        x *= tf.constant(factor, tf.uint64)
    x = tf.bitwise.bitwise_xor(
        x, tf.bitwise.right_shift(x, tf.constant(31, tf.uint64))
    )
    # Empty slots have the key 0.
    return 1 + tf.cast(
        tf.bitwise.right_shift(x, tf.constant(2, tf.uint64)), tf.int64
    )


class SubsetMetric(FeatureMetric):
    """A score that compares features pair by pair, over bounded subsets.

    Args:
        features: `FeatureNetwork`.
        capacity: int. Images kept of each side; memory is `2 * capacity *
            num_features` float32 values.
        reference: Float array `(images, num_features)` of the features of
            real images, or None if those come through `update_state`.
            Defaults to `None`.
        name: str or None. Defaults to what `metric_name` gives.
    """

    def __init__(self, features, capacity, reference=None, name=None):
        super().__init__(features, name)
        if capacity < 2:
            raise ValueError(
                f"`capacity` must be at least 2. Received: capacity={capacity}"
            )
        shape = (features.num_features,)
        self.fake = Reservoir(self, "fake", capacity, shape)
        self.reference = reference
        self.real = None
        if reference is None:
            self.real = Reservoir(self, "real", capacity, shape)

    def update_features(self, real_features=None, fake_features=None):
        """Adds features that were computed before.

        Args:
            real_features: Float tensor `(batch, num_features)` or None.
            fake_features: Like `real_features`; the counts may differ.
        """
        if real_features is not None:
            check_open(self.reference)
            self.real.add(real_features)
        if fake_features is not None:
            self.fake.add(fake_features)

    def subsets_of_features(self):
        """Returns the features kept of the real and the generated side."""
        real = self.reference if self.real is None else self.real.result()
        return real, self.fake.result()


def check_open(reference):
    """Refuses real images where a reference was given.

    Args:
        reference: The `reference` of the metric.

    Raises:
        ValueError: If it is not None.
    """
    if reference is not None:
        raise ValueError(
            "This metric was made with `reference`: the real side is "
            "complete. Pass generated images only."
        )


def checked_features(features_a, features_b, names):
    """Returns both as float64 arrays, after checking them.

    Args:
        features_a: Float array `(images, features)`.
        features_b: Like `features_a`; the counts may differ.
        names: Tuple of two str for the message.

    Raises:
        ValueError: If shapes do not fit or a value is not finite.
    """
    checked = []
    for name, features in zip(names, (features_a, features_b), strict=True):
        features = np.asarray(features, np.float64)
        if features.ndim != 2:
            raise ValueError(
                f"`{name}` must have shape (images, features). "
                f"Received: {name}.shape={features.shape}"
            )
        if not np.isfinite(features).all():
            raise ValueError(
                f"`{name}` must be finite. Received: "
                f"{(~np.isfinite(features)).any(axis=1).sum()} of "
                f"{len(features)} images with values that are not"
            )
        checked.append(features)
    if checked[0].shape[1] != checked[1].shape[1]:
        raise ValueError(
            "Both sides must have the same features. Received: "
            f"{names[0]}.shape={checked[0].shape}, "
            f"{names[1]}.shape={checked[1].shape}"
        )
    return checked
