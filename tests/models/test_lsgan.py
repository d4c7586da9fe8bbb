"""LSGAN: both sets of targets, and the optima that the paper derives."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from tests import tiny
from tests.support import steps

both = pytest.mark.parametrize("model", [models.LSGAN, models.PearsonLSGAN])


def build(model, **changes):
    sizes = {"image_size": 16, "channels": 1, "width": 4, "latent_dim": 4}
    return model(**sizes, seed=7, **changes)


@pytest.mark.parametrize(
    ("model", "score", "d_loss", "g_loss"),
    [(models.LSGAN, 0.5, 0.25, 0.125), (models.PearsonLSGAN, 0.0, 1.0, 0.0)],
)
def test_equilibrium(model, score, d_loss, g_loss):
    """Where real and fake cannot be told apart, D is (a + b) / 2."""
    gan = build(model)
    assert score == (gan.fake_target + gan.real_target) / 2
    scores = tf.Variable(score)
    with tf.GradientTape() as tape:
        loss = gan.discriminator_loss(scores, scores)
    assert float(tape.gradient(loss, scores)) == 0.0
    assert float(loss) == d_loss
    assert float(gan.generator_loss(scores)) == g_loss


def two_normals():
    """Returns p_d and p_g on a grid: unit normals one to either side of 0."""
    x = np.linspace(-6.0, 6.0, 241)
    densities = [np.exp(-0.5 * (x - mean) ** 2) for mean in (-1.0, 1.0)]
    return [density / density.sum() for density in densities]


@both
def test_the_best_discriminator_of_two_normals(model):
    """Equation 5: D*(x) = (b p_d(x) + a p_g(x)) / (p_d(x) + p_g(x))."""
    gan = build(model)
    real, fake = two_normals()
    table = tf.Variable(np.zeros(len(real)))
    zeros = tf.zeros_like(table)
    for _ in range(60):
        with tf.GradientTape() as tape:
            # Each term alone, for its own density; the other one is constant.
            loss = real * gan.discriminator_loss(table, zeros)
            loss += fake * gan.discriminator_loss(zeros, table)
        # The exact Newton step of a quadratic, half of it.
        gradient = tape.gradient(loss, table)
        table.assign_sub(0.5 * gradient / (real + fake))
    a, b = gan.fake_target, gan.real_target
    expected = (b * real + a * fake) / (real + fake)
    np.testing.assert_allclose(table, expected, atol=1e-6)
    assert np.ptp(expected) > 0.99 * (b - a)


def test_the_game_is_pearsons_chi_square():
    """Theorem 1: 2 C(G) is the divergence of p_d + p_g from 2 p_g."""
    gan = build(models.PearsonLSGAN)
    a, b, c = gan.fake_target, gan.real_target, gan.generator_target
    assert (b - c, b - a) == (1.0, 2.0)
    real, fake = two_normals()
    best = (b * real + a * fake) / (real + fake)
    # The generator's objective, to which E_pd adds what does not depend on G.
    cost = np.sum((real + fake) * gan.generator_loss(best))
    chi_square = np.sum((2 * fake - (real + fake)) ** 2 / (real + fake))
    assert 2 * cost == pytest.approx(chi_square, rel=1e-9)


@both
def test_step(model):
    gan = build(model)
    images = tf.constant(tiny.images(6))
    a, b, c = {
        models.LSGAN: (0.0, 1.0, 1.0),
        models.PearsonLSGAN: (-1.0, 1.0, 0.0),
    }[model]

    def discriminator_loss(latents):
        fakes = gan.generator(latents[0], training=True)
        real = gan.discriminator(images, training=True)
        fake = gan.discriminator(fakes, training=True)
        return tf.reduce_mean((real - b) ** 2 / 2 + (fake - a) ** 2 / 2)

    def generator_loss(latents):
        fakes = gan.generator(latents[0], training=True)
        fake = gan.discriminator(fakes, training=True)
        return tf.reduce_mean((fake - c) ** 2 / 2)

    steps.check_step(gan, images, [6], discriminator_loss, generator_loss)


def test_scores_are_not_squashed():
    """A sigmoid before the square would keep them between 0 and 1."""
    gan = build(models.LSGAN)
    kernel = gan.discriminator.get_layer("score").kernel
    scores = []
    for factor in (1e4, -1.0):
        kernel.assign(factor * kernel)
        scores.append(gan.discriminator(tiny.images(4)).numpy())
    assert np.min(scores) < 0.0
    assert np.max(scores) > 1.0


def test_losses_are_means():
    """The authors' code sums; a batch twice over must give the same step."""
    images, latents = tiny.images(4), np.random.RandomState(0).randn(4, 4)
    found = []
    for times in (1, 2):
        keras.utils.set_random_seed(0)
        gan = build(models.LSGAN)
        gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
        drawn = np.tile(latents.astype("float32"), (times, 1))
        gan.sample_latents = lambda batch_size, drawn=drawn: tf.constant(drawn)
        gan.train_step(tf.constant(np.tile(images, (times, 1, 1, 1))))
        found.append(gan.discriminator.get_weights())
    for once, twice in zip(*found, strict=True):
        np.testing.assert_allclose(once, twice, rtol=1e-4, atol=1e-5)
