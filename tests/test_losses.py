"""Losses, against numbers that can be redone by hand and against TF-GAN."""

import numpy as np
import pytest
import tensorflow as tf

from kerasgan import losses

# From the unit test of TF-GAN's modified generator loss.
FAKE = tf.constant([10.0, 4.4, -5.5, 3.6])


def mean(values):
    return float(tf.reduce_mean(values))


def test_values_at_zero_are_those_of_a_coin():
    zero = tf.zeros((3, 2))
    for loss in (
        losses.real_loss,
        losses.fake_loss,
        losses.non_saturating_generator_loss,
    ):
        np.testing.assert_allclose(loss(zero), np.full((3, 2), np.log(2)))
    np.testing.assert_allclose(
        losses.minimax_generator_loss(zero), np.full((3, 2), -np.log(2))
    )


def test_published_constant_of_tf_gan():
    found = losses.non_saturating_generator_loss(FAKE)
    assert mean(found) == pytest.approx(1.38582, abs=1e-5)


def test_logarithms_of_probabilities():
    probability = tf.sigmoid(FAKE)
    np.testing.assert_allclose(
        losses.non_saturating_generator_loss(FAKE),
        -np.log(probability),
        rtol=1e-4,
        atol=1e-6,
    )
    np.testing.assert_allclose(
        losses.minimax_generator_loss(FAKE),
        np.log1p(-probability.numpy().astype("float64")),
        rtol=1e-2,  # The probability is within 5e-5 of one, in float32.
        atol=1e-6,
    )


def test_they_do_not_overflow():
    far = tf.constant([-1e4, 1e4])
    for loss in (
        losses.real_loss,
        losses.fake_loss,
        losses.non_saturating_generator_loss,
        losses.minimax_generator_loss,
    ):
        assert np.isfinite(loss(far)).all()


def test_least_squares():
    scores = tf.constant([[0.0, 1.0], [2.0, -1.0]])
    np.testing.assert_array_equal(
        losses.least_squares_loss(scores, 1.0), [[1.0, 0.0], [1.0, 4.0]]
    )
    np.testing.assert_array_equal(
        losses.least_squares_loss(scores, 0.0), [[0.0, 1.0], [4.0, 1.0]]
    )


def test_hinge():
    """No loss beyond the margin of one, a straight line before it."""
    scores = tf.constant([-2.0, -1.0, 0.0, 1.0, 2.0])
    np.testing.assert_array_equal(
        losses.real_hinge_loss(scores), [3.0, 2.0, 1.0, 0.0, 0.0]
    )
    np.testing.assert_array_equal(
        losses.fake_hinge_loss(scores), [0.0, 0.0, 1.0, 2.0, 3.0]
    )


def test_classification():
    logits = tf.constant([[0.0, np.log(3.0)], [5.0, 5.0]])
    found = losses.classification_loss(tf.constant([1, 0]), logits)
    np.testing.assert_allclose(found, [np.log(4 / 3), np.log(2)], rtol=1e-6)


def test_directions():
    """The generator's loss falls as scores rise; the other's tell apart."""
    low, high = tf.constant([-1.0]), tf.constant([1.0])
    assert losses.real_loss(high) < losses.real_loss(low)
    assert losses.fake_loss(low) < losses.fake_loss(high)
    for loss in (
        losses.non_saturating_generator_loss,
        losses.minimax_generator_loss,
    ):
        assert loss(high) < loss(low)
