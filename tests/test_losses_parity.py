"""Losses against TF-GAN's, on the same scores."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import losses, penalties

pytestmark = pytest.mark.parity

RANDOM = np.random.RandomState(0)
REAL = (5 * RANDOM.standard_normal((16, 1))).astype("float32")
FAKE = (5 * RANDOM.standard_normal((16, 1))).astype("float32")
TOLERANCE = 1e-6


def mean(values):
    return float(tf.reduce_mean(values))


def test_cross_entropy(tfgan):
    theirs = tfgan.losses.wargs
    assert mean(losses.real_loss(REAL) + losses.fake_loss(FAKE)) == (
        pytest.approx(
            float(
                theirs.modified_discriminator_loss(
                    REAL, FAKE, label_smoothing=0.0
                )
            ),
            rel=TOLERANCE,
        )
    )
    assert mean(losses.non_saturating_generator_loss(FAKE)) == pytest.approx(
        float(theirs.modified_generator_loss(FAKE)), rel=TOLERANCE
    )


def test_minimax(tfgan):
    found = mean(losses.minimax_generator_loss(FAKE))
    expected = float(
        tfgan.losses.wargs.minimax_generator_loss(FAKE, label_smoothing=0.0)
    )
    # Theirs has the loss of real scores of one in it, a constant.
    assert found == pytest.approx(
        expected + np.log1p(np.exp(-1.0)), rel=TOLERANCE
    )


def test_least_squares(tfgan):
    theirs = tfgan.losses.wargs
    # Theirs has a factor of one half.
    assert mean(losses.least_squares_loss(FAKE, 1.0)) == pytest.approx(
        2 * float(theirs.least_squares_generator_loss(FAKE)), rel=TOLERANCE
    )
    found = mean(
        losses.least_squares_loss(REAL, 1.0)
        + losses.least_squares_loss(FAKE, 0.0)
    )
    assert found == pytest.approx(
        2 * float(theirs.least_squares_discriminator_loss(REAL, FAKE)),
        rel=TOLERANCE,
    )


def test_classification(tfgan):
    logits = (3 * RANDOM.standard_normal((16, 4))).astype("float32")
    labels = RANDOM.randint(0, 4, 16)
    expected = tfgan.losses.wargs.acgan_generator_loss(
        logits, np.eye(4, dtype="float32")[labels]
    )
    found = losses.classification_loss(labels, logits)
    assert mean(found) == pytest.approx(float(expected), rel=TOLERANCE)


def test_gradient_penalty(tfgan):
    """Exact for a critic that is linear, whatever points are drawn."""
    weights = RANDOM.standard_normal((6, 6, 1)).astype("float32") / 3
    real, fake = RANDOM.uniform(-1, 1, (2, 8, 6, 6, 1)).astype("float32")

    def critic(images, *_, **__):
        return tf.reduce_sum(images * weights, axis=(1, 2, 3))

    found = penalties.gradient_penalty(
        critic, real, fake, keras.random.SeedGenerator(0)
    )
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        expected = session.run(
            tfgan.losses.wargs.wasserstein_gradient_penalty(
                tf.constant(real),
                tf.constant(fake),
                None,
                critic,
                tf.compat.v1.get_variable_scope(),
            )
        )
    assert mean(found) == pytest.approx(float(expected), rel=1e-4)
