"""Inception Score: are images recognizable, and of every class?

Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, "Improved Techniques
for Training GANs", 2016. https://arxiv.org/abs/1606.03498

The exponential of the mean divergence between the class probabilities of one
image and their mean over all. Between 1 and the number of classes; higher
is better. Real images are not used.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

from kerasgan import replicas
from kerasgan.metrics import base


def inception_score(probabilities, splits=10):
    """Returns mean and standard deviation of the score over parts.

    exp(mean over x of KL(p(y|x) || p(y))), for each of `splits` parts of
    consecutive images, as in the authors' code: part i runs from
    i * n // splits to (i + 1) * n // splits.

    Args:
        probabilities: Float64 array `(images, classes)`; rows sum to one.
        splits: int. Number of parts. Defaults to `10`, as in the paper.

    Returns:
        Tuple of two floats: mean, and standard deviation (with the divisor
        `splits`).

    Raises:
        ValueError: If there are fewer images than parts, or a row is not a
            distribution.

    Reference:
        [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), section 4.
    """
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim != 2:
        raise ValueError(
            "`probabilities` must have shape (images, classes). "
            f"Received: probabilities.shape={probabilities.shape}"
        )
    _check_counts(len(probabilities), splits)
    # The comparison is false for NaN, too.
    if not np.all(np.abs(probabilities.sum(axis=1) - 1.0) < 1e-3) or np.any(
        probabilities < 0
    ):
        raise ValueError(
            "Each row of `probabilities` must be a distribution: finite, at "
            "least zero, with sum one. Received: row sums from "
            f"{probabilities.sum(axis=1).min()} to "
            f"{probabilities.sum(axis=1).max()}, smallest value "
            f"{probabilities.min()}"
        )
    edges = np.arange(splits + 1) * len(probabilities) // splits
    return _score(
        [len(part) for part in np.split(probabilities, edges[1:-1])],
        np.add.reduceat(probabilities, edges[:-1]),
        np.add.reduceat(_negative_entropy(probabilities), edges[:-1]),
    )


def _check_counts(images, splits):
    if splits < 1 or images < splits:
        raise ValueError(
            "Each of the `splits` parts needs at least one image. "
            f"Received: {images} images, splits={splits}"
        )


def _negative_entropy(probabilities):
    # 0 log 0 is 0.
    safe = np.where(probabilities > 0, probabilities, 1.0)
    return (probabilities * np.log(safe)).sum(axis=-1)


def _score(counts, sums, negative_entropies):
    """Score from the sums of each part: images, p, and sum of p log p."""
    counts = np.asarray(counts, np.float64)
    marginals = sums / counts[:, None]
    # The mean of KL(p || q) is mean(sum p log p) - sum q log q, because q is
    # the mean of p.
    divergences = negative_entropies / counts - _negative_entropy(marginals)
    scores = np.exp(divergences)
    return float(scores.mean()), float(scores.std())


class InceptionScore(base.FeatureMetric):
    """Inception Score of generated images, in one pass.

    The number of images is not known beforehand, so consecutive parts
    cannot be cut: image i goes to part i mod `splits`. For images in
    random order this is as good a partition; the value is that of
    `inception_score` on the images sorted by that part. Memory is `splits`
    times the number of classes.

    Args:
        features: `FeatureNetwork`.
        splits: int. Number of parts. Defaults to `10`.
        name: str. Defaults to `"is"` on the 2015 Inception network and to
            `"is_<features>"` on any other.

    `update_state` arguments:
        real_images: Ignored; there so that all metrics are updated alike.
        fake_images: uint8 tensor `(batch, height, width, channels)`.

    Result:
        float64 scalar, the mean; `score` gives the standard deviation, too.

    Raises:
        ValueError: In `result` and `score`, if there are fewer images than
            parts, or probabilities were not finite.

    Reference:
        [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), section 4.
    """

    prefix = "is"
    inception_name = "is"

    def __init__(self, features, splits=10, name=None):
        super().__init__(features, name)
        if splits < 1:
            raise ValueError(
                f"`splits` must be at least 1. Received: splits={splits}"
            )
        self.splits = splits
        # After `gather` every replica has the whole global batch, so one of
        # them suffices.
        add = functools.partial(
            self.add_variable,
            initializer="zeros",
            dtype="float64",
            aggregation="only_first_replica",
        )
        self.counts = add((splits,), name="counts")
        self.sums = add((splits, features.num_classes), name="sums")
        self.negative_entropies = add((splits,), name="negative_entropies")

    def update_state(self, real_images=None, fake_images=None):
        if fake_images is not None:
            probabilities = self.features.probabilities(fake_images)
            self.update_probabilities(probabilities)

    def update_probabilities(self, probabilities):
        """Adds class probabilities that were computed before.

        Args:
            probabilities: Float tensor `(batch, num_classes)`.
        """
        probabilities = tf.cast(replicas.gather(probabilities), tf.float64)
        batch = tf.shape(probabilities, tf.int64)[0]
        first = tf.cast(tf.reduce_sum(self.counts.value), tf.int64)
        parts = tf.one_hot(
            (first + tf.range(batch)) % self.splits,
            self.splits,
            dtype=tf.float64,
            axis=0,
        )  # (splits, batch)
        self.counts.assign_add(tf.reduce_sum(parts, axis=1))
        self.sums.assign_add(tf.matmul(parts, probabilities))
        entropies = tf.reduce_sum(
            tf.math.xlogy(probabilities, probabilities), axis=1
        )
        self.negative_entropies.assign_add(tf.linalg.matvec(parts, entropies))

    def score(self):
        """Returns mean and standard deviation over the parts.

        Returns:
            Tuple of two floats.
        """
        counts, sums, negative_entropies = (
            keras.ops.convert_to_numpy(weight)
            for weight in (self.counts, self.sums, self.negative_entropies)
        )
        _check_counts(int(counts.sum()), self.splits)
        if not np.isfinite(sums).all():
            raise ValueError(
                "The class probabilities of some images are not finite: "
                "the network or its weights are damaged."
            )
        return _score(counts, sums, negative_entropies)

    def result(self):
        return tf.constant(self.score()[0], tf.float64)
