"""CycleGAN against the PyTorch mirror: outputs, and one training step."""

import keras
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from tests.reference import torch_cyclegan  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity


def images(count, size, seed):
    shape = (count, size, size, 3)
    return np.random.RandomState(seed).uniform(-1, 1, shape).astype("float32")


def both(blocks=2, **changes):
    """Returns our model and its four mirrors, with the same weights."""
    gan = models.CycleGAN(32, width=4, blocks=blocks, ema_decay=0.0, **changes)
    mirrors = [
        torch_cyclegan.Generator(width=4, blocks=blocks),
        torch_cyclegan.Generator(width=4, blocks=blocks),
        torch_cyclegan.discriminator(width=4),
        torch_cyclegan.discriminator(width=4),
    ]
    networks = [*gan.generators, *gan.discriminators]
    pairs = list(zip(mirrors, networks, strict=True))
    for seed, (mirror, network) in enumerate(pairs):
        parity.shake(mirror, seed)
        parity.copy(mirror, network)
    return gan, pairs


@pytest.mark.parametrize("blocks, size", [(6, 32), (9, 36)])
def test_generator_outputs(blocks, size):
    _, pairs = both(blocks)
    inputs = images(2, size, seed=2)
    for mirror, network in pairs[:2]:
        expected = mirror(parity.to_torch(inputs))
        found = network(inputs)
        np.testing.assert_allclose(found, parity.to_numpy(expected), atol=1e-4)
        assert np.std(found) > 0.1


def test_discriminator_scores():
    _, pairs = both()
    inputs = images(2, 48, seed=2)
    for mirror, network in pairs[2:]:
        expected = mirror(parity.to_torch(inputs))
        np.testing.assert_allclose(
            network(inputs), parity.to_numpy(expected), atol=1e-4
        )


def optimizers(kind):
    """Returns makers of the optimizer here and there."""
    if kind == "adam":
        return (
            lambda: keras.optimizers.Adam(
                2e-4, beta_1=0.5, epsilon=parity.EPSILON
            ),
            lambda *networks: torch_cyclegan.optimizer(
                *networks, epsilon=parity.TORCH_EPSILON
            ),
        )
    # Adam's first step hides the size of the gradient, this one shows it.
    return (
        lambda: keras.optimizers.SGD(0.01),
        lambda *networks: torch.optim.SGD(
            [p for n in networks for p in n.parameters()], 0.01
        ),
    )


def without_idle_biases(before):
    """Drops the biases that a normalization takes away again.

    Their slopes are rounding errors.
    """
    idle = ("from_image.bias", "down_", "residual_", "up_", "conv_")
    return {
        role
        for role in before
        if not (role.endswith("bias") and role.startswith(idle))
        or role == "conv_0.bias"
    }


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_training_step(kind):
    ours, theirs = optimizers(kind)
    gan, pairs = both()
    gan.compile(ours(), ours())
    a, b = images(2, 32, seed=3), images(2, 32, seed=4)
    before = [parity.arrays(mirror) for mirror, _ in pairs]
    mirrors = [mirror for mirror, _ in pairs]
    expected = torch_cyclegan.train_step(
        *mirrors,
        theirs(*mirrors[:2]),
        theirs(*mirrors[2:]),
        parity.to_torch(a),
        parity.to_torch(b),
    )
    history = gan.fit(a, b, batch_size=2, shuffle=False, verbose=0).history
    found = {name: values[0] for name, values in history.items()}
    sums = {
        "g_loss": expected["g_loss"],
        "d_loss": expected["d_loss_a"] + expected["d_loss_b"],
        "cycle_loss": expected["cycle_a"] + expected["cycle_b"],
        "identity_loss": expected["identity_a"] + expected["identity_b"],
    }
    for name, value in sums.items():
        assert found[name] == pytest.approx(value, rel=1e-3), name
    for (mirror, network), old in zip(pairs, before, strict=True):
        parity.assert_same_weights(
            mirror, network, old, only=without_idle_biases(old)
        )


def test_pool_does_what_the_mirrors_does():
    gan, _ = both(pool_size=3)
    pool, mirror = gan.pool_a, torch_cyclegan.ImagePool(3)
    random = np.random.RandomState(0)
    for seed in range(12):
        batch = images(2, 32, seed)
        draws = random.uniform(size=(2, 2)).astype("float32")
        places = (draws[:, 1] * 3).astype(int)
        expected = mirror.query(parity.to_torch(batch), draws[:, 0], places)
        np.testing.assert_array_equal(
            pool(batch, draws), parity.to_numpy(expected)
        )
