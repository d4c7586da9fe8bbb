"""Conditioning augmentation: moments, samples, and the divergence."""

import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers import ConditioningAugmentation
from kerasgan.layers.conditioning import divergence


@pytest.fixture
def layer():
    """Two units of three numbers: means 1 and -0.2, sigmas e and e^-0.4."""
    layer = ConditioningAugmentation(2)
    layer.build([(None, 3), (None, 2)])
    layer.dense.kernel.assign(tf.zeros((3, 4)))
    # Leaky ReLU makes -0.2 of -1 and -0.4 of -2.
    layer.dense.bias.assign([1.0, -1.0, 1.0, -2.0])
    return layer


def test_moments_are_two_halves_both_activated(layer):
    mean, log_sigma = layer.moments(tf.ones((1, 3)))
    np.testing.assert_allclose(mean, [[1.0, -0.2]], rtol=1e-6)
    np.testing.assert_allclose(log_sigma, [[1.0, -0.4]], rtol=1e-6)


def test_noise_is_scaled_by_sigma(layer):
    noise = tf.constant([[0.0, 0.0], [1.0, -2.0]])
    found = layer([tf.ones((2, 3)), noise])
    expected = [[1.0, -0.2], [1.0 + np.e, -0.2 - 2.0 * np.exp(-0.4)]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_divergence():
    """Golden: 0.5 for means of one and sigmas of one, whatever the length."""
    for units in (1, 128):
        ones, zeros = np.ones((3, units)), np.zeros((3, units))
        np.testing.assert_allclose(divergence(ones, zeros), [0.5] * 3)
        np.testing.assert_allclose(divergence(zeros, zeros), [0.0] * 3)
    # By hand, sigma e and mean 0: (e^2 - 1) / 2 - 1.
    found = divergence(np.zeros((1, 1)), np.ones((1, 1)))
    np.testing.assert_allclose(found, [(np.e**2 - 1.0) / 2.0 - 1.0])
    # Its mean over samples: E log N(c; mu, sigma) - log N(c; 0, 1).
    random = np.random.RandomState(0)
    mean, sigma = 0.7, 0.4
    samples = mean + sigma * random.standard_normal(200_000)
    ratio = samples**2 / 2 - (samples - mean) ** 2 / (2 * sigma**2)
    expected = (ratio - np.log(sigma)).mean()
    found = divergence(np.full((1, 1), mean), np.full((1, 1), np.log(sigma)))
    assert float(found[0]) == pytest.approx(expected, rel=0.01)
