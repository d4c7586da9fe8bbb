"""Parzen windows: closed forms, and the faults that copies of it have."""

import math

import numpy as np
import pytest

from kerasgan import metrics
from kerasgan.metrics.parzen import SIGMAS


@pytest.mark.parametrize("dimensions", [1, 2])
def test_of_two_equal_normals(dimensions):
    random = np.random.default_rng(0)
    samples = random.normal(size=(10_000, dimensions))
    points = random.normal(size=(4000, dimensions))
    sigma = 0.3
    values = metrics.parzen_log_likelihoods(samples, points, sigma)
    variance = 1.0 + sigma**2  # Of the samples with the window.
    expected = (
        -dimensions / 2 * (math.log(2 * math.pi * variance) + 1.0 / variance)
    )
    assert values.mean() == pytest.approx(expected, abs=0.06)


def test_of_one_sample_at_the_point():
    point = np.full((1, 28, 28, 1), 0.4)
    (found,) = metrics.parzen_log_likelihoods(point, point, 0.2)
    expected = -784 * math.log(0.2 * math.sqrt(2 * math.pi))
    assert found == pytest.approx(expected)
    assert found == pytest.approx(541.35, abs=0.01)


def test_of_the_same_sample_many_times():
    """The mean over samples, not their sum."""
    points = np.random.default_rng(0).normal(size=(5, 3))
    once = metrics.parzen_log_likelihoods(points[:1], points, 0.5)
    often = metrics.parzen_log_likelihoods(points[[0] * 100], points, 0.5)
    np.testing.assert_allclose(once, often)


def test_far_points_and_batches():
    random = np.random.default_rng(0)
    samples = random.uniform(size=(50, 784))
    points = random.uniform(size=(23, 784))
    values = metrics.parzen_log_likelihoods(samples, points, 0.01)
    assert np.isfinite(values).all()  # Each term alone underflows.
    in_batches = metrics.parzen_log_likelihoods(samples, points, 0.01, 7)
    np.testing.assert_allclose(values, in_batches)


def test_sigma_is_chosen_on_other_points():
    np.testing.assert_allclose(
        SIGMAS,
        [0.1, 0.129, 0.167, 0.215, 0.278, 0.359, 0.464, 0.599, 0.774, 1],
        atol=5e-4,
    )
    random = np.random.default_rng(0)
    samples = random.normal(size=(200, 2))
    near, far = random.normal(size=(300, 2)), random.normal(size=(300, 2)) * 4
    by_near = metrics.parzen(samples, near, far)
    by_far = metrics.parzen(samples, far, near)
    assert by_near["sigma"] < by_far["sigma"] == 1.0
    values = metrics.parzen_log_likelihoods(samples, far, by_near["sigma"])
    assert by_near["log_likelihood"] == pytest.approx(values.mean())
    assert by_near["standard_error"] == pytest.approx(
        values.std() / math.sqrt(300)
    )


def test_what_cannot_be_measured():
    points = np.zeros((3, 4))
    with pytest.raises(ValueError, match="sigma=0"):
        metrics.parzen_log_likelihoods(points, points, 0)
    with pytest.raises(ValueError, match="Received: 4 and 5"):
        metrics.parzen_log_likelihoods(points, np.zeros((3, 5)), 1.0)
    with pytest.raises(ValueError, match=r"shape=\(0, 4\)"):
        metrics.parzen_log_likelihoods(points[:0], points, 1.0)
    with pytest.raises(ValueError, match="`points` must be finite"):
        metrics.parzen_log_likelihoods(points, points + np.nan, 1.0)
