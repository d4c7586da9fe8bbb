"""Precision and recall, density and coverage: fidelity and diversity.

Kynkäänniemi, Karras, Laine, Lehtinen and Aila, "Improved Precision and
Recall Metric for Assessing Generative Models", 2019.
https://arxiv.org/abs/1904.06991

Naeem, Oh, Uh, Choi and Yoo, "Reliable Fidelity and Diversity Metrics for
Generative Models", 2020. https://arxiv.org/abs/2002.09797

Each image of a set is the center of a ball that reaches to its k-th
nearest neighbor in that set; the union of the balls estimates the manifold.
"""

import numpy as np
import tensorflow as tf

from kerasgan.metrics import base

# Rows of the distance matrix at a time: 10,000 columns of float64 are 80 MB.
ROWS = 1000


def precision_recall(features_real, features_fake, k=3):
    """Returns how many images of either set lie in the balls of the other.

    Precision is the share of generated images inside at least one ball of
    the real set, the surface included; recall is the same with the sets
    exchanged.

    Args:
        features_real: Float64 array `(images, features)`.
        features_fake: Like `features_real`; the counts may differ.
        k: int. Which neighbor a ball reaches. Defaults to `3`.

    Returns:
        Tuple of two floats in [0, 1]: precision and recall.

    Raises:
        ValueError: If a set has no more than `k` images, or a value is not
            finite.

    Reference:
        [Kynkäänniemi et al., 2019](https://arxiv.org/abs/1904.06991),
        equation 1.
    """
    real, fake = _prepared(features_real, features_fake, k)
    radii_real = _radii(real, k)
    radii_fake = _radii(fake, k)
    precise = np.zeros(len(fake), bool)
    recalled = 0
    for rows, distances in _distances(real, fake):
        precise |= np.any(distances <= radii_real[rows, None], axis=0)
        recalled += np.any(distances <= radii_fake, axis=1).sum()
    return float(precise.mean()), float(recalled / len(real))


def density_coverage(features_real, features_fake, k=5):
    """Returns how densely, and how completely, real balls are filled.

    Density is the mean number of real balls around a generated image,
    divided by `k`; it may exceed one. Coverage is the share of real balls
    with at least one generated image inside. The surface does not count.

    Args:
        features_real: Float64 array `(images, features)`.
        features_fake: Like `features_real`; the counts may differ.
        k: int. Which neighbor a ball reaches. Defaults to `5`.

    Returns:
        Tuple of two floats: density, coverage in [0, 1].

    Raises:
        ValueError: If a set has no more than `k` images, or a value is not
            finite.

    Reference:
        [Naeem et al., 2020](https://arxiv.org/abs/2002.09797), equations 4
        and 6.
    """
    real, fake = _prepared(features_real, features_fake, k)
    radii = _radii(real, k)
    inside = 0
    covered = 0
    for rows, distances in _distances(real, fake):
        close = distances < radii[rows, None]
        inside += close.sum()
        covered += close.any(axis=1).sum()
    return float(inside / (k * len(fake))), float(covered / len(real))


def _prepared(features_real, features_fake, k):
    real, fake = base.checked_features(
        features_real, features_fake, ("features_real", "features_fake")
    )
    if k < 1 or min(len(real), len(fake)) <= k:
        raise ValueError(
            "Both sets must have more than `k` images, and `k` must be at "
            f"least 1. Received: k={k}, images={len(real)} and {len(fake)}"
        )
    # Distances stay the same, and keep more digits.
    center = real.mean(axis=0)
    return real - center, fake - center


def _distances(a, b):
    """Yields slices of rows and the squared distances of those to all b."""
    squares_a = np.square(a).sum(axis=1)
    squares_b = np.square(b).sum(axis=1)
    rounding = 4 * a.shape[1] * np.finfo(np.float64).eps
    for start in range(0, len(a), ROWS):
        rows = slice(start, start + ROWS)
        sums = squares_a[rows, None] + squares_b
        distances = sums - 2.0 * a[rows] @ b.T
        # Equal images are at distance zero, whatever rounding leaves.
        distances[distances < rounding * sums] = 0.0
        yield rows, distances


def _radii(features, k):
    # The nearest is the image itself, at distance zero.
    return np.concatenate(
        [
            np.partition(distances, k, axis=1)[:, k]
            for _, distances in _distances(features, features)
        ]
    )


class PrecisionRecall(base.SubsetMetric):
    """Precision, recall, density and coverage of generated images.

    Keeps a random subset of bounded size of either side
    (`base.Reservoir`). All four depend on the number of images.

    Args:
        features: `FeatureNetwork`.
        k: int. Neighbor of precision and recall. Defaults to `3`.
        density_k: int. Neighbor of density and coverage. Defaults to `5`.
        capacity: int. Images kept of each side. Defaults to `10000`.
        reference: Float array `(images, num_features)` of the features of
            real images, or None if those come through `update_state`.
            Defaults to `None`.
        name: str. Defaults to `"pr"` on the 2015 Inception network and to
            `"pr_<features>"` on any other.

    `update_state` arguments:
        real_images: uint8 tensor `(batch, height, width, channels)` or None.
        fake_images: Like `real_images`; the counts may differ.

    Result:
        dict of four float64 scalars: precision, recall, density, coverage.

    Reference:
        [Kynkäänniemi et al., 2019](https://arxiv.org/abs/1904.06991);
        [Naeem et al., 2020](https://arxiv.org/abs/2002.09797).
    """

    prefix = "pr"
    inception_name = "pr"

    def __init__(
        self,
        features,
        k=3,
        density_k=5,
        capacity=10_000,
        reference=None,
        name=None,
    ):
        super().__init__(features, capacity, reference, name)
        self.k = k
        self.density_k = density_k

    def result(self):
        real, fake = self.subsets_of_features()
        names = ("precision", "recall", "density", "coverage")
        values = precision_recall(real, fake, self.k) + density_coverage(
            real, fake, self.density_k
        )
        return {
            name: tf.constant(value, tf.float64)
            for name, value in zip(names, values, strict=True)
        }
