"""Modes and Parzen windows against independent copies in NumPy."""

import math

import numpy as np
import pytest

from kerasgan import metrics
from kerasgan.metrics import modes
from kerasgan.metrics.parzen import SIGMAS
from tests.reference import numpy_modes, numpy_vanilla_gan


def test_centers():
    ring = modes.ring(7, 2.0)
    np.testing.assert_allclose(
        ring.centers, numpy_modes.ring_centers(7, 2.0), atol=1e-12
    )
    grid = modes.grid(4, 1.5)
    np.testing.assert_allclose(
        grid.centers, numpy_modes.grid_centers(4, 1.5), atol=1e-12
    )
    assert (modes.ring().deviation, modes.grid().deviation) == (0.01, 0.05)


@pytest.mark.parametrize("mixture", [modes.ring(), modes.grid()])
@pytest.mark.parametrize("spread", [0.5, 1.5, 100.0])
def test_modes_covered(mixture, spread):
    """Of a few points, tight ones and those mostly of low quality."""
    random = np.random.default_rng(0)
    centers = mixture.centers[random.integers(5, size=60)]
    noise = spread * mixture.deviation * random.normal(size=centers.shape)
    points = centers + noise
    expected = numpy_modes.evaluate(points, mixture.centers, mixture.deviation)
    found = modes.modes_covered(points, mixture)
    if not expected["modes"]:
        # KL of nothing: ours says the worst.
        assert math.isnan(expected["reverse_kl"])
        expected["reverse_kl"] = math.inf
    assert found == pytest.approx(expected, abs=1e-12)
    # By Rayleigh's distribution; far points may meet another mode.
    quality = 1.0 - math.exp(-4.5 / spread**2)
    assert found["high_quality"] == pytest.approx(quality, abs=0.1)


@pytest.mark.parametrize("confidence", [0.0, 0.6, 0.9])
def test_stacked_modes(confidence):
    random = np.random.default_rng(0)
    scores = np.exp(6.0 * random.normal(size=(400, 3, 10)))
    probabilities = scores / scores.sum(axis=-1, keepdims=True)
    # Every image is the row of its probabilities.
    rows = np.arange(1200).reshape(400, 1, 1, 3)
    flat = probabilities.reshape(1200, 10)
    found = modes.stacked_modes(
        rows, lambda images: flat[images[:, 0, 0, 0]], confidence=confidence
    )
    expected = numpy_modes.evaluate_stacked(probabilities, confidence)
    assert 1 < found["modes"] == expected["modes"]
    assert found["reverse_kl"] == pytest.approx(expected["kl"])


def test_stacks():
    random = np.random.default_rng(0)
    digits = random.integers(256, size=(20, 5, 4, 1))
    stacks, rows = modes.stack(digits, 9, seed=1)
    expected, _ = numpy_modes.stack_digits(digits[rows][..., 0], rows % 10)
    np.testing.assert_array_equal(stacks, expected)


def test_parzen_windows():
    random = np.random.default_rng(0)
    samples, validation, test = (
        random.uniform(size=(count, 6)) for count in (40, 30, 50)
    )
    np.testing.assert_allclose(SIGMAS, numpy_vanilla_gan.SIGMAS)
    for sigma in (0.01, *SIGMAS):
        np.testing.assert_allclose(
            metrics.parzen_log_likelihoods(samples, test, sigma),
            numpy_vanilla_gan.parzen_log_likelihood(test, samples, sigma),
            rtol=1e-9,
        )
    expected = numpy_vanilla_gan.parzen_window(samples, validation, test)
    found = metrics.parzen(samples, validation, test)
    assert 0.1 < found["sigma"] < 1.0
    assert list(found.values()) == pytest.approx(expected)
