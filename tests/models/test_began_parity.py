"""BEGAN against the PyTorch mirror: outputs, one step, the balance and M."""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_began  # noqa: E402
from tests.support import names, parity  # noqa: E402

pytestmark = pytest.mark.parity

WIDTH, LATENTS, K = 4, 6, 0.3


def both(size=16, channels=3, **changes):
    """Returns our model and its mirrors, with the same weights."""
    gan = models.BEGAN(
        size,
        channels,
        width=WIDTH,
        latent_dim=LATENTS,
        ema_decay=0.0,
        **changes,
    )
    mirrors = (
        torch_began.Generator(size, channels, WIDTH, LATENTS),
        torch_began.Discriminator(size, channels, WIDTH, LATENTS),
    )
    networks = gan.generator, gan.discriminator
    for seed, (mirror, network) in enumerate(
        zip(mirrors, networks, strict=True)
    ):
        parity.shake(mirror, seed)
        parity.give(names.began(mirror), network)
    return gan, *mirrors


def latents(seed, count=5):
    random = np.random.RandomState(seed)
    return random.uniform(-1.0, 1.0, (count, LATENTS)).astype("float32")


@pytest.mark.parametrize("size", [16, 32])
def test_outputs(size):
    gan, generator, discriminator = both(size)
    inputs = latents(3)
    expected = parity.to_numpy(generator(torch.from_numpy(inputs)))
    np.testing.assert_allclose(gan.generator(inputs), expected, atol=1e-5)
    assert np.std(expected) > 0.03

    images = tiny.images(5, size, 3)
    expected = parity.to_numpy(discriminator(parity.to_torch(images)))
    np.testing.assert_allclose(gan.discriminator(images), expected, atol=1e-5)
    assert np.std(expected) > 0.03


# Adam's first step hides the size of the gradient, plain descent shows it.
@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_training_step(kind):
    """The generator's gradient comes after the discriminator's step."""
    settings = {"balance_rate": 0.1, "diversity_ratio": 0.7}
    gan, generator, discriminator = both(**settings)
    mirrors = generator, discriminator
    if kind == "adam":
        ours = gan.default_optimizers()
        for optimizer in ours:
            optimizer.epsilon = parity.EPSILON
        theirs = [
            torch_began.optimizer(m, 1e-4, epsilon=parity.TORCH_EPSILON)
            for m in mirrors
        ]
    else:
        ours = [keras.optimizers.SGD(0.1) for _ in mirrors]
        theirs = [torch.optim.SGD(m.parameters(), 0.1) for m in mirrors]
    gan.compile(*ours, run_eagerly=True)
    gan.balance.assign(K)
    before = [names.began(mirror) for mirror in mirrors]
    images = tiny.images(5, 16, 3)
    draws = [latents(seed) for seed in (1, 2)]
    given = iter(draws)
    gan.sample_latents = lambda count: tf.constant(next(given))
    found = gan.train_step(tf.constant(images))

    expected = torch_began.train_step(
        *mirrors,
        *theirs,
        parity.to_torch(images),
        *map(torch.from_numpy, draws),
        K,
        gamma=0.7,
        k_rate=0.1,
        alternating=True,
    )
    for ours, name in (
        ("d_loss", "d_loss"),
        ("g_loss", "g_loss"),
        ("convergence", "convergence"),
        ("balance", "k"),
    ):
        value = float(found[ours])
        assert value == pytest.approx(expected[name], rel=1e-5), name
    assert expected["k"] != pytest.approx(K, abs=1e-4)
    networks = gan.generator, gan.discriminator
    for mirror, network, old in zip(mirrors, networks, before, strict=True):
        parity.assert_same_step(names.began(mirror), network, old)


@pytest.mark.parametrize(
    ("k", "real", "fake"),
    [(0.2, 0.3, 0.1), (0.2, 0.3, 0.4), (0.0, 0.1, 0.9), (1.0, 0.9, 0.1)],
)
def test_balance_and_convergence(k, real, fake):
    gan, *_ = both(balance_rate=0.05)
    gan.balance.assign(k)
    measure = gan.update_balance(tf.constant(real), tf.constant(fake))
    assert float(measure) == pytest.approx(torch_began.convergence(real, fake))
    assert float(gan.balance.value) == pytest.approx(
        torch_began.next_k(k, real, fake, k_rate=0.05), abs=1e-7
    )
