"""Penalties: where they look, and what they measure there."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import penalties, random
from tests.reference import numpy_progressive

SHAPE = (64, 4, 4, 2)


def draws(shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


class Recorder:
    """A critic that remembers the images it was asked about."""

    def __call__(self, images):
        self.images = images.numpy()
        return tf.reduce_sum(images, axis=(1, 2, 3))[:, None]


def linear(weights):
    return lambda images: tf.reduce_sum(images * weights, axis=(1, 2, 3))


def seeds():
    return keras.random.SeedGenerator(5)


def test_points_lie_between_one_factor_for_each_image():
    critic = Recorder()
    penalties.gradient_penalty(critic, tf.zeros(SHAPE), tf.ones(SHAPE), seeds())
    points = critic.images.reshape(len(critic.images), -1)
    # Normal factors leave the segment; at 64 points that is certain.
    assert points.min() >= 0
    assert points.max() <= 1
    assert (points == points[:, :1]).all()
    assert len(np.unique(points[:, 0])) == 64


def test_factors_are_uniform():
    """The share of points below each tenth, within five standard deviations."""
    critic = Recorder()
    shape = (20_000, 1, 1, 1)
    penalties.gradient_penalty(critic, tf.zeros(shape), tf.ones(shape), seeds())
    tenths = np.histogram(critic.images, bins=10, range=(0, 1))[0]
    assert np.abs(tenths - 2_000).max() < 5 * np.sqrt(20_000 * 0.1 * 0.9)


def test_points_are_real_where_the_factor_is_one():
    """Algorithm 1: factor * real + (1 - factor) * fake."""
    real, fake = draws(SHAPE), draws(SHAPE, 1)
    critic = Recorder()
    penalties.gradient_penalty(critic, real, fake, seeds())
    factors = random.uniform(seeds(), (64, 1, 1, 1)).numpy()
    expected = factors * real + (1 - factors) * fake
    np.testing.assert_allclose(critic.images, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("target", [1.0, 0.0, 750.0])
def test_penalty_of_a_linear_critic(target):
    weights = draws(SHAPE[1:])
    penalty = penalties.gradient_penalty(
        linear(weights), draws(SHAPE), draws(SHAPE, 1), seeds(), target
    )
    expected = (np.sqrt((weights**2).sum()) - target) ** 2
    np.testing.assert_allclose(penalty, np.full(64, expected), rtol=1e-5)


def test_gradient_is_finite_for_a_constant_critic():
    weight = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = penalties.gradient_penalty(
            linear(weight), tf.zeros(SHAPE), tf.ones(SHAPE), seeds()
        )
    assert np.isfinite(tape.gradient(penalty, weight).numpy())
    np.testing.assert_allclose(penalty, np.ones(64), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_penalties_are_float32_under_mixed_precision(dtype):
    """Slopes of 100 at 32 pixels: their sum of squares overflows float16."""
    weights = tf.constant(100.0, dtype)

    def critic(images):
        return tf.reduce_sum(tf.cast(images, dtype) * weights, axis=(1, 2, 3))

    images = tf.zeros(SHAPE, dtype)
    penalty = penalties.gradient_penalty(critic, images, images, seeds())
    r1 = penalties.r1_penalty(critic, images)
    assert penalty.dtype == r1.dtype == tf.float32
    slope = float(weights)
    np.testing.assert_allclose(r1, np.full(64, 32 * slope**2), rtol=1e-6)
    np.testing.assert_allclose(
        penalty, np.full(64, (np.sqrt(32) * slope - 1) ** 2), rtol=1e-5
    )


def test_r1_equals_finite_differences():
    dense = keras.layers.Dense(5, activation="tanh", dtype="float64")
    weights = draws(5, 2)

    def scores(images):
        flat = tf.reshape(images, (len(images), -1))
        return tf.linalg.matvec(dense(flat), tf.cast(weights, "float64"))

    images = draws((3, 3, 3, 2))
    expected = numpy_progressive.r1_by_differences(scores, images)
    found = penalties.r1_penalty(scores, images)
    assert found.shape == (3,)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_scores_come_with_the_squared_gradients():
    images = draws(SHAPE)
    scores, squared = penalties.scores_and_squared_gradients(
        linear(2.0 * images[0]), images
    )
    np.testing.assert_allclose(
        scores, (images * 2.0 * images[0]).sum(axis=(1, 2, 3)), rtol=1e-4
    )
    np.testing.assert_allclose(squared, 4 * (images[0] ** 2).sum(), rtol=1e-5)


def behind(layer):
    """A discriminator that sees what a layer makes of the images."""
    return keras.Sequential(
        [
            keras.Input(SHAPE[1:]),
            layer,
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="tanh"),
            keras.layers.Dense(1),
        ]
    )


def gradients_of_r1(discriminator):
    with tf.GradientTape() as tape:
        penalty = tf.reduce_sum(
            penalties.r1_penalty(discriminator, draws(SHAPE))
        )
    return tape.gradient(penalty, discriminator.trainable_variables)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras.layers.Resizing(3, 3), "whose gradient has no gradient"),
        (keras.layers.UpSampling2D(2, interpolation="bilinear"), "no gradient"),
        (keras.layers.Resizing(3, 3, interpolation="area"), "ResizeArea"),
        (keras.layers.Resizing(3, 3, interpolation="bicubic"), "BicubicGrad"),
        (keras.layers.Lambda(tf.round), "do not depend on the images"),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_discriminator_without_second_gradients_is_refused(
    layer, message, compiled
):
    """The gradient at the weights would be None, in silence."""
    discriminator = behind(layer)

    def step():
        return gradients_of_r1(discriminator)

    with pytest.raises(ValueError, match=f"Received: .*{message}"):
        (tf.function(step) if compiled else step)()


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.UpSampling2D(2),
        keras.layers.AveragePooling2D(2),
        keras.layers.MaxPooling2D(2),
    ],
)
def test_resizing_with_second_gradients_is_allowed(layer):
    assert float(tf.norm(gradients_of_r1(behind(layer))[0])) > 0
