"""DCGAN against the PyTorch mirror: outputs, and one training step."""

import keras
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_dcgan  # noqa: E402
from tests.support import names, parity  # noqa: E402

pytestmark = pytest.mark.parity

LATENTS = 6


def both(image_size, channels=3):
    """Returns our model and its mirrors, with the same weights."""
    gan = models.DCGAN(
        image_size, channels, width=8, latent_dim=LATENTS, ema_decay=0.0
    )
    mirrors = (
        torch_dcgan.Generator(image_size, channels, 8, LATENTS),
        torch_dcgan.Discriminator(image_size, channels, 8),
    )
    networks = (gan.generator, gan.discriminator)
    for seed, (mirror, network) in enumerate(
        zip(mirrors, networks, strict=True)
    ):
        parity.shake(mirror, seed)
        values, targets = names.dcgan(mirror), parity.variables(network)
        assert values.keys() == targets.keys()
        for role, value in values.items():
            targets[role].assign(value)
    return gan, *mirrors


def latents(count, seed=5):
    shape = (count, LATENTS)
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("image_size", [16, 32, 64])
def test_outputs(image_size, training):
    gan, generator, discriminator = both(image_size)
    inputs = latents(4)
    expected = generator.train(training)(torch.from_numpy(inputs))
    found = gan.generator(inputs, training=training)
    np.testing.assert_allclose(found, parity.to_numpy(expected), atol=1e-4)
    assert np.std(found) > 0.03

    images = tiny.images(4, image_size, 3)
    expected = discriminator.train(training)(parity.to_torch(images))
    found = gan.discriminator(images, training=training)
    np.testing.assert_allclose(found[:, 0], expected.detach(), atol=1e-4)
    assert np.std(found) > 0.03


# Adam's first step hides the size of the gradient, plain descent shows it.
@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_training_step(kind):
    gan, generator, discriminator = both(32, channels=1)
    if kind == "adam":
        gan.compile(
            keras.optimizers.Adam(2e-4, 0.5, epsilon=parity.EPSILON),
            keras.optimizers.Adam(2e-4, 0.5, epsilon=parity.EPSILON),
        )
        theirs = [
            torch_dcgan.optimizer(network, parity.TORCH_EPSILON)
            for network in (generator, discriminator)
        ]
    else:
        gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
        theirs = [
            torch.optim.SGD(network.parameters(), 0.01)
            for network in (generator, discriminator)
        ]
    before = [names.dcgan(generator), names.dcgan(discriminator)]
    images, draws = tiny.images(8, 32), latents(8)
    gan.sample_latents = lambda batch_size: draws
    history = gan.fit(images, batch_size=8, verbose=0).history

    # `fit` shuffles; batch statistics and means do not see the order.
    expected = torch_dcgan.train_step(
        generator.train(),
        discriminator.train(),
        *theirs,
        parity.to_torch(images),
        torch.from_numpy(draws),
        torch.from_numpy(draws),
    )
    for name, value in expected.items():
        assert history[name][0] == pytest.approx(value, rel=1e-3), name
    for mirror, network, old in zip(
        (generator, discriminator),
        (gan.generator, gan.discriminator),
        before,
        strict=True,
    ):
        targets = parity.variables(network)
        for role, value in names.dcgan(mirror).items():
            if "moving" in role:
                # Ours sees the fakes once, the mirror draws them twice.
                continue
            found = targets[role].numpy()
            np.testing.assert_allclose(
                np.linalg.norm(found - value) / np.linalg.norm(value),
                0.0,
                atol=1e-3,
                err_msg=role,
            )
            step = np.linalg.norm(value - old[role])
            assert np.linalg.norm(found - value) < 1e-2 * step, role
