"""Kernel distance: KID where the features are Inception's.

Bińkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", 2018.
https://arxiv.org/abs/1801.01401

The squared maximum mean discrepancy under the kernel (x.y / d + 1)^3, in the
unbiased estimate: its expectation does not depend on the number of images,
so that it stays meaningful where the Fréchet distance does not, and it may
come out slightly negative.
"""

import numpy as np
import tensorflow as tf

from kerasgan.metrics import base


def kernel_distance(
    features_a, features_b, subsets=100, subset_size=1000, seed=2020
):
    """Returns mean and standard deviation of the distance over subsets.

    Args:
        features_a: Float64 array `(images, features)`.
        features_b: Like `features_a`; the counts may differ.
        subsets: int. How many pairs of subsets are sampled. Defaults to `100`.
        subset_size: int. Images in a subset, sampled without replacement.
            Defaults to `1000`.
        seed: int. Of the subsets, sampled as torch-fidelity does. Defaults
            to `2020`, as there.

    Returns:
        Tuple of two floats: mean, and standard deviation (with the divisor
        `subsets`).

    Raises:
        ValueError: If a side has fewer images than a subset, or a value is
            not finite.

    Reference:
        [Bińkowski et al., 2018](https://arxiv.org/abs/1801.01401), section 4.
    """
    features_a, features_b = base.checked_features(
        features_a, features_b, ("features_a", "features_b")
    )
    smaller = min(len(features_a), len(features_b))
    if subsets < 1 or not 2 <= subset_size <= smaller:
        raise ValueError(
            "`subset_size` must be at least 2 and at most the number of "
            "images on either side, and `subsets` at least 1. Received: "
            f"subset_size={subset_size}, subsets={subsets}, images="
            f"{len(features_a)} and {len(features_b)}"
        )
    draws = np.random.RandomState(seed)
    distances = []
    for _ in range(subsets):
        a = draws.choice(len(features_a), subset_size, replace=False)
        b = draws.choice(len(features_b), subset_size, replace=False)
        distances.append(_unbiased(features_a[a], features_b[b]))
    return float(np.mean(distances)), float(np.std(distances))


def _unbiased(a, b):
    """Equation 4: means over pairs of different images."""

    def kernel(x, y):
        matrix = x @ y.T / x.shape[1] + 1.0
        # NumPy's power takes ten times as long as two products.
        return matrix * matrix * matrix

    def mean_of_others(matrix):
        count = len(matrix)
        return (matrix.sum() - np.trace(matrix)) / (count * (count - 1))

    return (
        mean_of_others(kernel(a, a))
        + mean_of_others(kernel(b, b))
        - 2.0 * kernel(a, b).mean()
    )


class KernelDistance(base.SubsetMetric):
    """Kernel distance between the features of real and generated images.

    Keeps a random subset of bounded size of either side (`base.Reservoir`)
    and samples from it at the end. Lower is better; around zero, values may be
    negative.

    Args:
        features: `FeatureNetwork`.
        subsets: int. How many pairs of subsets are sampled. Defaults to `100`.
        subset_size: int. Images in a subset, at most: as many as either side
            has, if it has fewer. Defaults to `1000`.
        capacity: int. Images kept of each side. Defaults to `10000`.
        reference: Float array `(images, num_features)` of the features of
            real images, or None if those come through `update_state`.
            Defaults to `None`.
        name: str. Defaults to `"kid"` on the 2015 Inception network and to
            `"kd_<features>"` on any other.

    `update_state` arguments:
        real_images: uint8 tensor `(batch, height, width, channels)` or None.
        fake_images: Like `real_images`; the counts may differ.

    Result:
        float64 scalar, the mean; `score` gives the standard deviation, too.

    Reference:
        [Bińkowski et al., 2018](https://arxiv.org/abs/1801.01401).
    """

    prefix = "kd"
    inception_name = "kid"

    def __init__(
        self,
        features,
        subsets=100,
        subset_size=1000,
        capacity=10_000,
        reference=None,
        name=None,
    ):
        super().__init__(features, capacity, reference, name)
        if subset_size > capacity:
            raise ValueError(
                "`capacity` must be at least `subset_size`. Received: "
                f"capacity={capacity}, subset_size={subset_size}"
            )
        self.subsets = subsets
        self.subset_size = subset_size

    def score(self):
        """Returns mean and standard deviation over the subsets.

        Returns:
            Tuple of two floats.
        """
        sides = self.subsets_of_features()
        # The mean does not depend on the size: each distance is unbiased.
        size = min(self.subset_size, *map(len, sides))
        return kernel_distance(*sides, self.subsets, size)

    def result(self):
        return tf.constant(self.score()[0], tf.float64)
