"""Improved GAN against the PyTorch mirror: outputs, first gains, one step.

The mirror's images are rows of pixels in [0, 1], and its Adam has epsilon
under the root; here both are as good as zero.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_improved_gan  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity

SIZE, LATENTS, CLASSES, UNITS = 6, 5, 3, (9, 8, 7)
GENERATOR = {"hidden_1": "dense_1", "hidden_2": "dense_2", "image": "to_image"}
DISCRIMINATOR = {f"hidden_{i}": f"dense_{i}" for i in (1, 2, 3)}


def values(mirror):
    """Returns a mirror's arrays by our roles."""
    is_generator = isinstance(mirror, torch_improved_gan.Generator)
    return parity.renamed(mirror, GENERATOR if is_generator else DISCRIMINATOR)


def both():
    """Returns our model and its mirrors, with the same weights."""
    gan = models.ImprovedGAN(
        SIZE,
        CLASSES,
        generator_units=(10, 10),
        discriminator_units=UNITS,
        latent_dim=LATENTS,
        ema_decay=0.0,
    )
    mirrors = (
        torch_improved_gan.Generator(LATENTS, 10, SIZE**2),
        torch_improved_gan.Discriminator(SIZE**2, UNITS, CLASSES),
    )
    networks = gan.generator, gan.discriminator
    for seed, (mirror, network) in enumerate(
        zip(mirrors, networks, strict=True)
    ):
        parity.shake(mirror, seed)
        for name, buffer in mirror.named_buffers():
            if name.endswith("gain"):
                buffer.uniform_(
                    0.5, 2.0, generator=torch.Generator().manual_seed(1)
                )
        parity.give(values(mirror), network)
    return gan, *mirrors


@pytest.fixture
def noises(monkeypatch):
    """Returns a function that draws what the discriminator then adds."""
    waiting = []

    def normal(seed, shape):
        noise = waiting.pop(0)
        assert noise.shape == tuple(shape)
        return tf.constant(noise)

    def draw(count, seed):
        random = np.random.RandomState(seed)
        found = [
            random.standard_normal((count, size)).astype("float32")
            for size in (SIZE**2, *UNITS)
        ]
        waiting.extend(found)
        return [torch.from_numpy(noise) for noise in found]

    monkeypatch.setattr("kerasgan.layers.noise.random.normal", normal)
    yield draw
    assert not waiting


def latents(count, seed):
    random = np.random.RandomState(seed)
    return random.uniform(size=(count, LATENTS)).astype("float32")


def to_torch(images):
    rows = (images + 1.0) / 2.0
    return torch.from_numpy(rows.reshape(len(rows), -1))


@pytest.mark.parametrize("training", [False, True])
def test_generator(training):
    gan, generator, _ = both()
    inputs = latents(9, seed=3)
    expected = generator.train(training)(torch.from_numpy(inputs))
    found = gan.generator(inputs, training=training)
    np.testing.assert_allclose(
        to_torch(found.numpy()), expected.detach(), atol=1e-5
    )
    assert np.std(found) > 0.1


@pytest.mark.parametrize("training", [False, True])
def test_discriminator(training, noises):
    gan, _, discriminator = both()
    images = tiny.images(9, SIZE)
    if training:
        noise = noises(9, seed=4)
    else:
        noise = [torch.zeros(())] * 4
    expected = discriminator(to_torch(images), noise)
    found = gan.discriminator(images, training=training)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs.detach(), atol=1e-5)
        assert np.std(ours) > 0.1


def test_the_first_batch_sets_gains_and_biases(noises):
    gan, _, discriminator = both()
    for layer in gan.discriminator.layers:
        if hasattr(layer, "gain"):
            layer.gain.assign(np.ones(layer.units))
    images = tiny.images(16, SIZE)
    discriminator.initialize(to_torch(images), noises(16, seed=4))
    gan.before_training((images, np.zeros(16, "int32")))
    targets = parity.variables(gan.discriminator)
    for role, value in values(discriminator).items():
        np.testing.assert_allclose(
            targets[role], value, rtol=1e-4, atol=1e-5, err_msg=role
        )


# Adam's first step hides the size of the gradient, plain descent shows it.
@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_training_step(kind, noises):
    gan, generator, discriminator = both()
    mirrors = generator.train(), discriminator
    if kind == "adam":
        ours = gan.default_optimizers()
        for optimizer in ours:
            optimizer.epsilon = 1e-12
        theirs = [
            torch_improved_gan.Adam(mirror, epsilon=1e-24) for mirror in mirrors
        ]
    else:
        ours = [keras.optimizers.SGD(0.1) for _ in range(2)]
        theirs = [
            torch.optim.SGD(mirror.parameters(), 0.1) for mirror in mirrors
        ]
    gan.compile(*ours, run_eagerly=True)
    before = [values(mirror) for mirror in mirrors]
    images, labelled = tiny.images(12, SIZE), tiny.images(5, SIZE, seed=7)
    labels = np.array([0, 2, 1, 1, 0])
    drawn = [latents(12, seed) for seed in (1, 2)]
    given = iter(drawn)
    gan.sample_latents = lambda batch_size: tf.constant(next(given))
    # In our order: labelled, real, fake; real, fake.
    noise = [
        noises(count, seed) for seed, count in enumerate((5, 12, 12, 12, 12))
    ]
    found = gan.train_step(
        tuple(tf.constant(a) for a in (images, labelled, labels))
    )

    drawn = [torch.from_numpy(a) for a in drawn]
    d_results = torch_improved_gan.discriminator_step(
        *mirrors,
        theirs[1],
        to_torch(labelled),
        torch.from_numpy(labels),
        to_torch(images),
        drawn[0],
        noise[:3],
    )
    g_results = torch_improved_gan.generator_step(
        *mirrors, theirs[0], to_torch(images), drawn[1], noise[3:]
    )
    expected = {
        "d_loss": d_results["unlabelled"],
        "class_loss": d_results["labelled"],
        "g_loss": g_results["loss"],
    }
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(value, rel=1e-5), name
    networks = gan.generator, gan.discriminator
    for mirror, network, old in zip(mirrors, networks, before, strict=True):
        after = values(mirror)
        constant = {role for role in after if (after[role] == old[role]).all()}
        is_discriminator = mirror is discriminator
        assert constant == (
            {f"dense_{i}.gain" for i in (1, 2, 3)}
            if is_discriminator
            else set()
        )
        parity.assert_same_step(after, network, old, tolerance=1e-4)
