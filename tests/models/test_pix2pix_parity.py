"""pix2pix against the PyTorch mirror: outputs, and one training step."""

import keras
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from kerasgan.layers.dropout import Dropout  # noqa: E402
from tests.reference import torch_pix2pix  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity


def images(count, size, channels, seed):
    shape = (count, size, size, channels)
    return np.random.RandomState(seed).uniform(-1, 1, shape).astype("float32")


def both(image_size):
    """Returns our model and its mirrors, with the same weights."""
    gan = models.Pix2Pix(image_size, 3, 2, width=4, ema_decay=0.0)
    for layer in gan.generator.layers:
        if isinstance(layer, Dropout):
            layer.rate = 0.0
    generator = torch_pix2pix.Generator(image_size, 3, 2, 4, dropout=False)
    discriminator = torch_pix2pix.discriminator(3, 2, 4)
    for seed, (mirror, network) in enumerate(
        ((generator, gan.generator), (discriminator, gan.discriminator))
    ):
        parity.shake(mirror, seed)
        parity.copy(mirror, network)
    gan.average_generator.set_weights(gan.generator.get_weights())
    return gan, generator, discriminator


@pytest.mark.parametrize("image_size", [32, 64, 256])
@pytest.mark.parametrize("training", [False, True])
def test_generator_outputs(image_size, training):
    gan, mirror, _ = both(image_size)
    inputs = images(2, image_size, 3, seed=2)
    expected = mirror.train(training)(parity.to_torch(inputs))
    found = gan.generator(inputs, training=training)
    np.testing.assert_allclose(found, parity.to_numpy(expected), atol=1e-4)
    assert np.std(found) > 0.1


@pytest.mark.parametrize("training", [False, True])
def test_discriminator_scores(training):
    gan, _, mirror = both(32)
    pairs = images(2, 32, 5, seed=2)
    expected = mirror.train(training)(parity.to_torch(pairs))
    found = gan.discriminator(pairs, training=training)
    np.testing.assert_allclose(found, parity.to_numpy(expected), atol=1e-4)


def optimizers(kind):
    """Returns makers of the optimizer here and there."""
    if kind == "adam":
        return (
            lambda: keras.optimizers.Adam(
                2e-4, beta_1=0.5, epsilon=parity.EPSILON
            ),
            lambda network: torch_pix2pix.optimizer(
                network, parity.TORCH_EPSILON
            ),
        )
    # Adam's first step hides the size of the gradient, this one shows it.
    return (
        lambda: keras.optimizers.SGD(0.01),
        lambda network: torch.optim.SGD(network.parameters(), 0.01),
    )


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_training_step(kind):
    ours, theirs = optimizers(kind)
    gan, generator, discriminator = both(64)
    gan.compile(ours(), ours())
    inputs, targets = images(3, 64, 3, seed=3), images(3, 64, 2, seed=4)
    before = [parity.arrays(m) for m in (generator, discriminator)]
    expected = torch_pix2pix.train_step(
        generator,
        discriminator,
        theirs(generator),
        theirs(discriminator),
        parity.to_torch(inputs),
        parity.to_torch(targets),
    )
    history = gan.fit(inputs, targets, batch_size=3, shuffle=False, verbose=0)
    found = {name: values[0] for name, values in history.history.items()}
    for name, mirrored in (
        ("d_loss", "d_loss"),
        ("g_loss", "g_loss"),
        ("l1_loss", "l1"),
    ):
        assert found[name] == pytest.approx(expected[mirrored], rel=1e-3)
    parity.assert_same_weights(generator, gan.generator, before[0])
    parity.assert_same_weights(discriminator, gan.discriminator, before[1])
