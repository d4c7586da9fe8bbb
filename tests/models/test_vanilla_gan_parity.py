"""The first GAN against its NumPy copy: outputs, and three training steps.

The copy's images are rows of pixels in [0, 1], its gradients are by hand.
"""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from tests import tiny
from tests.reference import numpy_vanilla_gan as reference

SIZE, LATENTS, UNITS, PIECES = 5, 4, 6, 3
NAMES = (
    {"hidden_1": "hidden_1", "hidden_2": "hidden_2", "image": "to_image"},
    {"maxout_1": "hidden_1", "maxout_2": "hidden_2", "score": "score"},
)
each_model = pytest.mark.parametrize(
    "model", [models.VanillaGAN, models.MinimaxGAN]
)


def pairs(gan, mirrors):
    """Returns triples of our variable, a mirror, and the role there."""
    return [
        (getattr(gan.get_layer(names[layer]), attribute), mirror, role)
        for names, mirror, gan in zip(
            NAMES, mirrors, (gan.generator, gan.discriminator), strict=True
        )
        for role in mirror.weights
        for layer, attribute in [role.split(".")]
    ]


def both(model=models.VanillaGAN):
    """Returns our model and its mirrors, with the same weights."""
    gan = model(
        SIZE,
        generator_units=7,
        discriminator_units=UNITS,
        pieces=PIECES,
        latent_dim=LATENTS,
        ema_decay=0.0,
    )
    mirrors = (
        reference.Generator(LATENTS, 7, SIZE**2),
        reference.Discriminator(SIZE**2, UNITS, PIECES),
    )
    random = np.random.default_rng(0)
    found = pairs(gan, mirrors)
    assert len(found) == len(gan.generator.weights) + len(
        gan.discriminator.weights
    )
    for variable, mirror, role in found:
        scale = variable.shape[0] ** -0.5
        value = scale * random.normal(size=variable.shape)
        variable.assign(value)
        mirror.weights[role] = variable.numpy().astype("float64")
    return gan, *mirrors


@pytest.fixture
def masks(monkeypatch):
    """Returns a function that draws what the dropout layers then keep."""
    waiting = []

    def uniform(seed, shape):
        mask = waiting.pop(0)
        assert mask.shape == tuple(shape)
        return tf.constant(mask, "float32")

    def draw(count, seed):
        random = np.random.default_rng(seed)
        found = []
        for size, kept in zip(
            (SIZE**2, UNITS, UNITS), reference.KEPT, strict=True
        ):
            # Numbers of which those below a rate are dropped.
            uniform = random.uniform(size=(count, size)).astype("float32")
            waiting.append(uniform)
            found.append((uniform >= np.float32(1.0 - kept)).astype("float64"))
        return found

    monkeypatch.setattr("kerasgan.layers.dropout.random.uniform", uniform)
    yield draw
    assert not waiting


def to_rows(images):
    return (np.asarray(images, "float64").reshape(len(images), -1) + 1.0) / 2.0


def latents(count, seed):
    return reference.uniform_latents(
        np.random.default_rng(seed), count, LATENTS
    ).astype("float32")


def test_generator():
    gan, generator, _ = both()
    draws = latents(9, seed=3)
    expected, _ = generator.forward(draws)
    np.testing.assert_allclose(
        to_rows(gan.generator(draws)), expected, atol=1e-6
    )
    assert np.std(expected) > 0.1


@pytest.mark.parametrize("training", [False, True])
def test_discriminator(training, masks):
    gan, _, discriminator = both()
    images = tiny.images(9, SIZE)
    kept = masks(9, seed=1) if training else None
    expected, _ = discriminator.forward(to_rows(images), kept)
    found = gan.discriminator(images, training=training)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-6)
    assert np.std(expected) > 0.05


def test_the_bias_of_the_mean_image():
    gan, *_ = both()
    images = tiny.images(9, SIZE)
    images[:, 0, 0] = -1.0
    gan.adapt(images)
    mirror = reference.Generator(
        LATENTS, 7, SIZE**2, to_rows(images).mean(axis=0)
    )
    np.testing.assert_allclose(
        gan.generator.get_layer("to_image").bias,
        mirror.weights["image.bias"],
        rtol=1e-4,
    )


def test_rates_and_momentum():
    gan = models.VanillaGAN(SIZE)
    for optimizer in gan.default_optimizers():
        optimizer.build([])
        for step in (0, 1, 499, 500, 60_250, 124_500, 200_000, 4_000_000):
            optimizer.iterations.assign(step)
            assert float(optimizer.learning_rate) == pytest.approx(
                reference.learning_rate(step), rel=1e-5
            )
            # 50,000 images in batches of 100.
            assert float(optimizer.current_momentum()) == pytest.approx(
                reference.momentum(1 + step // 500), rel=1e-5
            )


@each_model
@pytest.mark.parametrize("kind", ["paper", "sgd"])
def test_training_steps(model, kind, masks):
    """Three, of which the second and third have a momentum."""
    gan, generator, discriminator = both(model)
    if kind == "paper":
        settings = {}
        ours = gan.default_optimizers()
    else:
        settings = {"learning_rate": 0.5, "momentum": 0.0}
        ours = [keras.optimizers.SGD(0.5) for _ in range(2)]
    gan.compile(*ours, run_eagerly=True)
    for step in range(3):
        images, draws = tiny.images(8, SIZE, seed=step), latents(8, step)
        kept = masks(8, seed=10 + step), masks(8, seed=20 + step)
        gan.sample_latents = lambda count, draws=draws: tf.constant(draws)
        gan.reset_metrics()  # Or they were means over the steps.
        found = gan.train_step(tf.constant(images))
        if kind == "paper":
            settings["learning_rate"] = reference.learning_rate(step)
        before = [dict(mirror.weights) for mirror in (generator, discriminator)]
        losses, _ = reference.train_step(
            generator,
            discriminator,
            to_rows(images),
            draws,
            *kept,
            **settings,
            saturating=model is models.MinimaxGAN,
        )
        for name, value in losses.items():
            assert float(found[name]) == pytest.approx(value, rel=1e-5), step
        for variable, mirror, role in pairs(gan, (generator, discriminator)):
            old = before[mirror is discriminator][role]
            error = np.linalg.norm(variable.numpy() - mirror.weights[role])
            change = np.linalg.norm(mirror.weights[role] - old)
            assert math.isfinite(change) and change > 0.0, role
            assert error < 1e-4 * change + 1e-6, (role, error / change)
