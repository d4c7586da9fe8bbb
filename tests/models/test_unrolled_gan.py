"""Unrolled GAN: whose steps are looked ahead, and that gradients see them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from kerasgan.models import unrolling
from kerasgan.optimizers import Adam
from tests import tiny

both = pytest.mark.parametrize(
    "optimizer", [keras.optimizers.SGD(0.3), Adam(0.03, beta_1=0.5)]
)


def copied(optimizer):
    return type(optimizer).from_config(optimizer.get_config())


def bilinear(steps, constant=False):
    """Returns dL/dg of g d, which G minimizes and D maximizes, at K steps."""
    gan = tiny.unrolled_gan(unroll_steps=steps)
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    gan.objective = lambda weights, real, fake: -weights[0] * fake
    g, d = tf.constant(0.7), tf.constant(-0.3)
    with tf.GradientTape() as tape:
        tape.watch(g)
        future = gan.unroll([d], None, g)
        if constant:
            future = [tf.stop_gradient(w) for w in future]
        loss = -gan.objective(future, None, g)
    return float(tape.gradient(loss, g))


def test_the_gradient_of_the_bilinear_game():
    """d + 2 K eta g; with a constant discriminator only d + K eta g."""
    assert bilinear(5) == pytest.approx(0.40, abs=1e-6)
    assert bilinear(5, constant=True) == pytest.approx(0.05, abs=1e-6)
    assert bilinear(0) == pytest.approx(-0.30, abs=1e-6)


def test_the_bilinear_game_converges():
    """One step unrolled; with a constant discriminator it orbits."""
    g, d = 1.0, 0.0
    for _ in range(1000):
        gradient = d + 2 * 0.1 * g  # As the test above finds.
        g, d = g - 0.1 * gradient, d + 0.1 * g
    assert np.hypot(g, d) == pytest.approx(0.0068, abs=1e-4)


def trained(optimizer, steps=3):
    """Returns a model whose optimizer has moments, and points."""
    gan = tiny.unrolled_gan(unroll_steps=3, activation="tanh")
    gan.compile(copied(optimizer), copied(optimizer))
    points = tiny.points(8)
    for _ in range(steps):
        gan.train_step(tf.constant(points))
    return gan, tf.constant(points)


def future_loss(gan, points, latents, steps):
    """Takes K real steps of a copy, and returns the loss of the generator."""
    network = keras.models.clone_model(gan.discriminator)
    network.set_weights(gan.discriminator.get_weights())
    optimizer = copied(gan.discriminator_optimizer)
    optimizer.build(network.trainable_variables)
    for new, old in zip(
        optimizer.variables, gan.discriminator_optimizer.variables, strict=True
    ):
        new.assign(old)
    fakes = gan.generator(latents)

    def objective():
        real, fake = network(points), network(fakes)
        return tf.reduce_mean(
            -tf.math.log(tf.sigmoid(real)) - tf.math.log(1 - tf.sigmoid(fake))
        )

    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = objective()
        variables = network.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
    return float(-objective()), network.get_weights()


@both
def test_unrolled_steps_are_those_of_the_optimizer(optimizer):
    """From its moments and its count, on the same points and latents."""
    gan, points = trained(optimizer)
    latents = gan.sample_latents(8)
    _, expected = future_loss(gan, points, latents, 3)
    before = [v.numpy() for v in gan.discriminator_optimizer.variables]
    weights = [
        tf.convert_to_tensor(v) for v in gan.discriminator.trainable_variables
    ]
    found = gan.unroll(weights, points, gan.generator(latents))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    after = [v.numpy() for v in gan.discriminator_optimizer.variables]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


@both
def test_the_generator_follows_the_gradient_through_the_steps(optimizer):
    """Against differences of the loss after real steps of a copy."""
    gan, points = trained(optimizer)
    latents = gan.sample_latents(8)
    gan.sample_latents = lambda count: latents
    variables = gan.generator.trainable_variables
    start = [v.numpy() for v in variables]
    # A whole step of the generator by gradient descent.
    gan.generator_optimizer = keras.optimizers.SGD(1.0)
    gan.generator_optimizer.build(variables)
    weights = gan.discriminator.get_weights()
    moments = [v.numpy() for v in gan.discriminator_optimizer.variables]
    gan.train_step(points)
    gradients = [a - v.numpy() for a, v in zip(start, variables, strict=True)]
    gan.discriminator.set_weights(weights)
    for v, value in zip(
        gan.discriminator_optimizer.variables, moments, strict=True
    ):
        v.assign(value)
    random = np.random.RandomState(0)
    for _ in range(3):
        way = [random.standard_normal(v.shape) for v in variables]
        values = []
        for size in (-3e-3, 3e-3):
            for v, value, part in zip(variables, start, way, strict=True):
                v.assign(value + size * part)
            values.append(future_loss(gan, points, latents, 3)[0])
        expected = (values[1] - values[0]) / 6e-3
        found = sum(
            np.sum(g * part) for g, part in zip(gradients, way, strict=True)
        )
        assert found == pytest.approx(expected, rel=0.02, abs=2e-3)


def test_the_discriminator_takes_one_step():
    """Unrolled or not, it has the same weights and moments after a step."""
    found = []
    for steps in (0, 4):
        keras.utils.set_random_seed(0)
        gan = tiny.unrolled_gan(unroll_steps=steps)
        gan.compile(Adam(0.1), Adam(0.1))
        gan.train_step(tf.constant(tiny.points(8)))
        optimizer = gan.discriminator_optimizer
        assert int(optimizer.iterations) == 1
        found.append([*gan.discriminator.get_weights()])
        found[-1] += [v.numpy() for v in optimizer.variables]
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_unrolling_it_is_the_saturating_game():
    gan = tiny.unrolled_gan(unroll_steps=0)
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    latents = gan.sample_latents(8)
    gan.sample_latents = lambda count: latents
    variables = gan.generator.trainable_variables
    with tf.GradientTape() as tape:
        scores = gan.discriminator(gan.generator(latents))
        loss = tf.reduce_mean(tf.math.log(1 - tf.sigmoid(scores)))
    expected = [
        v.numpy() - 0.1 * g.numpy()
        for v, g in zip(variables, tape.gradient(loss, variables), strict=True)
    ]
    gan.train_step(tf.constant(tiny.points(8)))
    for v, value in zip(variables, expected, strict=True):
        np.testing.assert_allclose(v, value, rtol=1e-4, atol=1e-6)


def test_gradients_whose_squares_are_zero_do_no_harm():
    """The root of Adam's second moment has an infinite gradient at 0."""
    x = tf.constant([0.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        root = unrolling.root(x)
    np.testing.assert_array_equal(root, [0.0, 2.0])
    np.testing.assert_array_equal(tape.gradient(root, x), [0.0, 0.25])
    gan = tiny.unrolled_gan(unroll_steps=2)
    gan.compile()
    hidden = gan.discriminator.get_layer("hidden_1")
    hidden.bias.assign(np.full(5, -1e3))  # No unit is ever active.
    history = gan.fit(tiny.points(8), batch_size=8, verbose=0).history
    assert np.isfinite([*history.values()]).all()
    for weight in gan.generator.get_weights():
        assert np.isfinite(weight).all()


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (keras.optimizers.RMSprop(), "Received: RMSprop"),
        (keras.optimizers.AdamW(), "Received: AdamW"),
        (keras.optimizers.SGD(0.1, momentum=0.9), "SGD with momentum"),
        (Adam(clipnorm=1.0), "Adam with clipnorm"),
        (Adam(amsgrad=True), "Adam with amsgrad"),
    ],
)
def test_other_optimizers_are_refused(optimizer, message):
    gan = tiny.unrolled_gan()
    with pytest.raises(ValueError, match=message):
        gan.compile(discriminator_optimizer=optimizer)


def test_float16_unrolls_the_optimizer_inside():
    optimizer = Adam(0.1)
    scaled = keras.optimizers.LossScaleOptimizer(optimizer)
    assert unrolling.inner(scaled) is optimizer
    assert unrolling.inner(optimizer) is optimizer


def test_the_authors_networks():
    gan = models.UnrolledGAN.paper("notebook")
    assert gan.generator.count_params() == 49_666
    assert gan.discriminator.count_params() == 17_025
    hidden = gan.generator.get_layer("hidden_1")
    assert hidden.activation is keras.activations.tanh
    # Orthogonal columns, of length 1.4.
    kernel = hidden.kernel.numpy()
    np.testing.assert_allclose(kernel.T @ kernel, 1.96 * np.eye(128), atol=1e-4)
    gan = models.UnrolledGAN.paper()
    scale = gan.discriminator.get_layer("scale")
    np.testing.assert_allclose(scale(np.array([[4.0, 8.0]])), [[1.0, 2.0]])
    kernel = gan.generator.get_layer("hidden_2").kernel.numpy()
    np.testing.assert_allclose(kernel.T @ kernel, 0.64 * np.eye(128), atol=1e-4)
    with pytest.raises(ValueError, match="Received: name='mnist'"):
        models.UnrolledGAN.paper("mnist")


@pytest.mark.slow
def test_it_learns_two_normals():
    random = np.random.RandomState(0)
    means = np.where(random.randint(2, size=(4096, 1)), 1.0, -1.0) * [1.0, 1.0]
    points = random.normal(means, 0.1).astype("float32")
    gan = models.UnrolledGAN(
        unroll_steps=3,
        latent_dim=8,
        generator_units=(32, 32),
        discriminator_units=(32, 32),
        input_scale=1.0,
        ema_decay=0.9,
        seed=1,
    )
    gan.compile(Adam(3e-3, beta_1=0.5), Adam(3e-3, beta_1=0.5))
    gan.fit(points, batch_size=128, epochs=20, verbose=0)
    found = gan.generate(1000, seed=0)
    near = [
        np.linalg.norm(found - place, axis=1) < 0.5
        for place in ([1, 1], [-1, -1])
    ]
    assert min(np.mean(n) for n in near) > 0.2
    assert np.mean(near[0] | near[1]) > 0.8
