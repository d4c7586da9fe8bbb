"""Fréchet distance: how far two clouds of features lie apart.

Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter, "GANs Trained by a Two
Time-Scale Update Rule Converge to a Local Nash Equilibrium", 2017.
https://arxiv.org/abs/1706.08500

Both clouds are described by mean and covariance alone, and the distance is
that of Dowson and Landau (1982) between normal distributions. On pool3 of
the 2015 Inception network it is called FID, on other features it is not.
"""

import dataclasses
import functools
import os

import keras
import numpy as np
import tensorflow as tf

from kerasgan.metrics import base


def frechet_distance(mean_a, covariance_a, mean_b, covariance_b):
    """Returns the squared Fréchet distance between two normal distributions.

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)). With factors
    C = L L^T, the trace of that root is the sum of the singular values of
    L_a^T L_b: real and never negative whatever the rank, so no complex part
    has to be dropped and no diagonal raised.

    Args:
        mean_a: Float64 array `(features,)`.
        covariance_a: Float64 array `(features, features)`, symmetric.
        mean_b: Like `mean_a`.
        covariance_b: Like `covariance_a`.

    Returns:
        float, at least zero; zero for equal arguments up to rounding.

    Raises:
        ValueError: If shapes do not fit, a value is not finite, or a
            covariance is not symmetric or has negative eigenvalues.

    Reference:
        [Heusel et al., 2017](https://arxiv.org/abs/1706.08500), equation 6.
    """
    mean_a, covariance_a = _checked(mean_a, covariance_a, "a")
    mean_b, covariance_b = _checked(mean_b, covariance_b, "b")
    if mean_a.shape != mean_b.shape:
        raise ValueError(
            "Both sides must have the same features. Received: "
            f"mean_a.shape={mean_a.shape}, mean_b.shape={mean_b.shape}"
        )
    factor_a = _factor(mean_a, covariance_a, "a")
    factor_b = _factor(mean_b, covariance_b, "b")
    factors = factor_a.T @ factor_b
    root_trace = np.linalg.svd(factors, compute_uv=False).sum()
    difference = mean_a - mean_b
    distance = (
        difference @ difference
        + np.trace(covariance_a)
        + np.trace(covariance_b)
        - 2.0 * root_trace
    )
    # Equal sides leave a rounding error of either sign.
    return max(0.0, float(distance))


def _checked(mean, covariance, side):
    mean = np.asarray(mean, np.float64)
    covariance = np.asarray(covariance, np.float64)
    if mean.ndim != 1 or covariance.shape != 2 * mean.shape:
        raise ValueError(
            f"`mean_{side}` must have shape (features,) and `covariance_"
            f"{side}` (features, features). Received: mean_{side}.shape="
            f"{mean.shape}, covariance_{side}.shape={covariance.shape}"
        )
    for name, values in (("mean", mean), ("covariance", covariance)):
        if not np.isfinite(values).all():
            raise ValueError(
                f"`{name}_{side}` must be finite: a NaN here comes from NaN "
                "features or from fewer than two images. Received: "
                f"{(~np.isfinite(values)).sum()} values that are not finite"
            )
    asymmetry = np.abs(covariance - covariance.T).max(initial=0.0)
    largest = np.abs(covariance).max(initial=0.0)
    if asymmetry > 1e-6 * (largest + mean @ mean):
        raise ValueError(
            f"`covariance_{side}` must be symmetric. "
            f"Received: largest difference across the diagonal={asymmetry}"
        )
    return mean, covariance


def _rounding(mean):
    """Returns what rounding leaves of a covariance that is zero.

    A covariance from sums of products, as of a stream, has the error of the
    products. If all images are nearly equal, it consists of nothing else.
    """
    return len(mean) * np.finfo(np.float64).eps * (mean @ mean)


def _factor(mean, covariance, side):
    """Returns L `(features, rank)` with `covariance` = L L^T."""
    rounding = _rounding(mean)
    if np.abs(covariance).max(initial=0.0) <= rounding:
        return np.zeros((len(mean), 0))
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        pass
    # Fewer images than features: the other eigenvalues are zero up to
    # rounding, which a square root would enlarge to 1e-8.
    values, vectors = np.linalg.eigh(covariance)
    largest = np.abs(values).max()
    noise = rounding + len(values) * np.finfo(np.float64).eps * largest
    # Other programs sometimes store float32 statistics.
    if values.min() < -1e-6 * (largest + mean @ mean):
        raise ValueError(
            f"`covariance_{side}` must have no negative eigenvalue. "
            f"Received: smallest eigenvalue={values.min()}"
        )
    kept = values > noise
    return vectors[:, kept] * np.sqrt(values[kept])


@dataclasses.dataclass(frozen=True)
class FeatureStatistics:
    """Mean and covariance of the features of a set of images.

    Args:
        mean: Float64 array `(features,)`.
        covariance: Float64 array `(features, features)`, divided by
            `count - 1`.
        count: int or None. Number of images; None where a file of another
            program does not say.
    """

    mean: np.ndarray
    covariance: np.ndarray
    count: int | None = None

    @classmethod
    def from_features(cls, features):
        """Returns the statistics of an array of features.

        Args:
            features: Float array `(images, features)`.

        Raises:
            ValueError: If there are fewer than two images.
        """
        features = np.asarray(features, np.float64)
        if features.ndim != 2:
            raise ValueError(
                "`features` must have shape (images, features). "
                f"Received: features.shape={features.shape}"
            )
        mean = features.mean(axis=0)
        centered = features - mean
        return cls._from_scatter(len(features), mean, centered.T @ centered)

    @classmethod
    def _from_scatter(cls, count, mean, scatter):
        if count < 2:
            raise ValueError(
                "A covariance needs at least two images. "
                f"Received: {count} images"
            )
        return cls(mean, scatter / (count - 1), int(count))

    @classmethod
    def load(cls, path):
        """Reads an `.npz` file of `save` or of pytorch-fid.

        Args:
            path: str or path. Holds the arrays `mu` and `sigma`; `count` is
                read where it is there.

        Raises:
            OSError: If the file is not such a file.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
            mean = np.asarray(arrays["mu"], np.float64)
            covariance = np.asarray(arrays["sigma"], np.float64)
        except FileNotFoundError:
            raise
        except Exception as error:
            raise OSError(
                f"{path} must be an .npz file with the arrays mu and sigma, "
                "as `kerasgan stats` and pytorch-fid write it. "
                f"Received: {type(error).__name__}: {error}"
            ) from None
        count = int(arrays["count"]) if "count" in arrays else None
        return cls(mean, covariance, count)

    def save(self, path):
        """Writes an `.npz` file that `load` and pytorch-fid read.

        Args:
            path: str or path.
        """
        arrays = {"mu": self.mean, "sigma": self.covariance}
        if self.count is not None:
            arrays["count"] = np.int64(self.count)
        write_npz(path, arrays)

    def distance(self, other):
        """Returns the squared Fréchet distance to other statistics.

        Args:
            other: `FeatureStatistics` of the same features.
        """
        return frechet_distance(
            self.mean, self.covariance, other.mean, other.covariance
        )


def write_npz(path, arrays):
    """Writes an `.npz` file at once, so that no reader meets half of it.

    Args:
        path: str or path, used as it is.
        arrays: dict of name to array.
    """
    part = f"{path}.{os.getpid()}.part"
    # Given a name, NumPy would add ".npz" to it.
    with open(part, "wb") as file:
        np.savez(file, **arrays)
    os.replace(part, path)


class FrechetDistance(base.FeatureMetric):
    """Fréchet distance between the features of real and generated images.

    Keeps count, sum and sum of outer products of either side, so that memory
    is that of two covariances however many images come, and the statistics
    of replicas add up. The value is far too high as long as there are fewer
    images than features; it falls with their number, so that only values
    at equal numbers compare. Lower is better.

    Args:
        features: `FeatureNetwork`.
        reference: `FeatureStatistics` of the real images, or None if those
            come through `update_state`. Defaults to `None`.
        name: str. Defaults to `"fid"` on the 2015 Inception network and to
            `"fd_<features>"` on any other.

    `update_state` arguments:
        real_images: uint8 tensor `(batch, height, width, channels)` or None.
        fake_images: Like `real_images`; the counts may differ.

    Result:
        float64 scalar.

    Raises:
        ValueError: In `result`, if either side has fewer than two images or
            features that are not finite.

    Example:
    ```python
    metric = FrechetDistance(FeatureNetwork.load(folder))
    for batch in real:
        metric.update_state(real_images=batch)
    metric.update_state(fake_images=gan.generate(10_000, seed=0))
    print(metric.name, float(metric.result()))
    ```

    Reference:
        [Heusel et al., 2017](https://arxiv.org/abs/1706.08500). Agrees with
        pytorch-fid, torch-fidelity and TF-GAN (tests/metrics/test_parity.py).
    """

    prefix = "fd"
    inception_name = "fid"

    def __init__(self, features, reference=None, name=None):
        super().__init__(features, name)
        self.reference = reference
        if reference is not None and reference.mean.shape != (
            features.num_features,
        ):
            raise ValueError(
                f"`reference` must be of {features.num_features} features, as "
                f"{features.name!r} has. Received: {reference.mean.shape[0]}"
            )
        self.fake = self._add_sums("fake")
        self.real = self._add_sums("real") if reference is None else None

    def _add_sums(self, side):
        width = self.features.num_features
        # Metric(dtype="float64") would still make float32 weights.
        add = functools.partial(
            self.add_weight, initializer="zeros", dtype="float64"
        )
        return (
            add((), name=f"{side}_count"),
            add((width,), name=f"{side}_sum"),
            add((width, width), name=f"{side}_outer"),
        )

    def update_features(self, real_features=None, fake_features=None):
        """Adds features that were computed before.

        Args:
            real_features: Float tensor `(batch, num_features)` or None.
            fake_features: Like `real_features`; the counts may differ.
        """
        if real_features is not None:
            base.check_open(self.reference)
            self._accumulate(self.real, real_features)
        if fake_features is not None:
            self._accumulate(self.fake, fake_features)

    def _accumulate(self, sums, features):
        count, total, outer = sums
        features = tf.cast(features, tf.float64)
        count.assign_add(tf.cast(tf.shape(features)[0], tf.float64))
        total.assign_add(tf.reduce_sum(features, axis=0))
        outer.assign_add(tf.matmul(features, features, transpose_a=True))

    def statistics(self, side):
        """Returns the `FeatureStatistics` of one side so far.

        Args:
            side: str. `"real"` or `"fake"`.

        Raises:
            ValueError: If there are fewer than two images.
        """
        if side == "real" and self.reference is not None:
            return self.reference
        count, total, outer = (
            keras.ops.convert_to_numpy(weight)
            for weight in (self.real if side == "real" else self.fake)
        )
        if count < 2:
            raise ValueError(
                "A covariance needs at least two images. "
                f"Received: {int(count)} {side} images"
            )
        mean = total / count
        scatter = outer - count * np.outer(mean, mean)
        return FeatureStatistics._from_scatter(count, mean, scatter)

    def result(self):
        distance = self.statistics("real").distance(self.statistics("fake"))
        return tf.constant(distance, tf.float64)
