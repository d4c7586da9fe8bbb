"""Parzen-window log-likelihood, as the first GANs were measured.

Goodfellow et al., "Generative Adversarial Networks", 2014, section 5.
https://arxiv.org/abs/1406.2661

A Gaussian of standard deviation sigma is put on each generated sample, and the
density of their mixture is evaluated at real test points. Sigma is the one of
ten with which held-out real points are most likely.

It is here to reproduce published tables, not to rank models: Theis, van den
Oord and Bethge (2016, https://arxiv.org/abs/1511.01844, section 4.2) show that
centroids of k-means score higher than real images. The estimate also grows with
the number of samples; 10,000 are a part of the protocol.
"""

import math

import numpy as np

# The authors' code: ten values from 0.1 to 1, for pixels in [0, 1].
SIGMAS = tuple(np.logspace(-1.0, 0.0, 10).tolist())


def parzen_log_likelihoods(samples, points, sigma, batch_size=1000):
    """Returns the log-density of points in a mixture around samples.

    Args:
        samples: Float array `(samples, ...)`, the centers.
        points: Float array `(points, ...)` of the same other axes. Pixels lie
            in [0, 1], where the scores of different papers compare.
        sigma: float. Standard deviation of each Gaussian, positive.
        batch_size: int. Points at once. Defaults to `1000`.

    Returns:
        Float64 array `(points,)`, in nats.

    Raises:
        ValueError: If `sigma` is not positive, the shapes do not fit, or a
            value is not finite.

    Example:
    ```python
    values = parzen_log_likelihoods(generated / 255, test / 255, sigma=0.2)
    values.mean(), values.std() / len(values) ** 0.5
    ```

    Reference:
        [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), section 5
    """
    samples, points = _rows(samples, "samples"), _rows(points, "points")
    if samples.shape[1] != points.shape[1]:
        raise ValueError(
            "Samples and points must have the same number of values. "
            f"Received: {samples.shape[1]} and {points.shape[1]}"
        )
    if not 0.0 < sigma < math.inf:
        raise ValueError(f"`sigma` must be positive. Received: sigma={sigma!r}")
    dimensions = samples.shape[1]
    normalization = math.log(len(samples)) + 0.5 * dimensions * math.log(
        2.0 * math.pi * sigma**2
    )
    squares = (samples**2).sum(axis=1)
    found = []
    for start in range(0, len(points), batch_size):
        block = points[start : start + batch_size]
        distances = (block**2).sum(axis=1)[:, None] + squares
        distances -= 2.0 * (block @ samples.T)
        exponents = -np.maximum(distances, 0.0) / (2.0 * sigma**2)
        largest = exponents.max(axis=1, keepdims=True)
        total = np.exp(exponents - largest).sum(axis=1)
        found.append(largest[:, 0] + np.log(total))
    return np.concatenate(found) - normalization


def parzen(samples, validation, test, sigmas=SIGMAS):
    """Chooses sigma on held-out points and scores the test points.

    Args:
        samples: Float array `(samples, ...)`, generated.
        validation: Float array `(points, ...)`, real, not of the test set.
        test: Float array `(points, ...)`, real.
        sigmas: Sequence of float. Defaults to `SIGMAS`.

    Returns:
        dict of float: `log_likelihood`, the mean over the test points in
        nats; `standard_error` of that mean; `sigma`.

    Raises:
        ValueError: See `parzen_log_likelihoods`.
    """
    means = [
        parzen_log_likelihoods(samples, validation, sigma).mean()
        for sigma in sigmas
    ]
    sigma = float(sigmas[int(np.argmax(means))])
    values = parzen_log_likelihoods(samples, test, sigma)
    return {
        "log_likelihood": float(values.mean()),
        "standard_error": float(values.std() / math.sqrt(len(values))),
        "sigma": sigma,
    }


def _rows(array, name):
    array = np.asarray(array, "float64")
    if array.ndim < 2 or not len(array):
        raise ValueError(
            f"`{name}` must have one row for each point. Received: "
            f"shape={array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite. Received: NaN or infinity")
    return array.reshape(len(array), -1)
