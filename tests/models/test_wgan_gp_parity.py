"""WGAN-GP's critic against the PyTorch mirror: scores, penalty, one step."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models, penalties, random  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_wgan_gp  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity


def both(**changes):
    """Returns our model and a critic with the same weights."""
    gan = models.WGANGP(
        32, 3, width=4, latent_dim=8, critic_steps=1, seed=3, **changes
    )
    mirror = torch_wgan_gp.Critic(32, 3, width=4)
    parity.shake(mirror, seed=0)
    with torch.no_grad():
        mirror.main[-1].bias.zero_()  # It cancels out; ours has none.
    targets = parity.variables(gan.discriminator)
    for role, value in without_last_bias(parity.arrays(mirror)).items():
        targets[role].assign(value.reshape(targets[role].shape))
    return gan, mirror


def without_last_bias(arrays):
    return {role: a for role, a in arrays.items() if role != "score.bias"}


def batch(seed):
    return tiny.images(6, size=32, channels=3, seed=seed)


def test_scores_and_penalty():
    gan, mirror = both()
    real, fake = batch(1), batch(2)
    factors = random.uniform(keras.random.SeedGenerator(5), (6, 1, 1, 1))
    expected = torch_wgan_gp.gradient_penalty(
        mirror,
        parity.to_torch(real),
        parity.to_torch(fake),
        torch.from_numpy(factors.numpy()),
    )
    found = penalties.gradient_penalty(
        functools.partial(gan.discriminator, training=True),
        real,
        fake,
        keras.random.SeedGenerator(5),
    )
    np.testing.assert_allclose(
        found, expected.detach().numpy(), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        gan.discriminator(real)[:, 0],
        mirror(parity.to_torch(real)).detach().numpy(),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_critic_step(kind):
    gan, mirror = both()
    if kind == "adam":
        optimizer = None  # The default is the paper's.
        theirs = torch_wgan_gp.optimizer(mirror, epsilon=1e-8 / np.sqrt(0.1))
    else:
        # Adam's first step hides the size of the gradient, this one shows it.
        optimizer = keras.optimizers.SGD(0.01)
        theirs = torch.optim.SGD(mirror.parameters(), 0.01)
    gan.compile(discriminator_optimizer=optimizer, run_eagerly=True)
    real = batch(1)
    # What the step is about to draw.
    state = gan.seed_generator.state.numpy()
    fakes = gan.generator(gan.sample_latents(6), training=True).numpy()
    factors = random.uniform(gan.seed_generator, (6, 1, 1, 1)).numpy()
    gan.seed_generator.state.assign(state)

    before = without_last_bias(parity.arrays(mirror))
    expected = torch_wgan_gp.critic_step(
        lambda latents: parity.to_torch(fakes),
        mirror,
        theirs,
        parity.to_torch(real),
        None,
        torch.from_numpy(factors),
    )
    found = gan.train_step(tf.constant(real))
    assert float(found["d_loss"]) == pytest.approx(expected["loss"], rel=1e-3)
    assert float(found["penalty"]) == pytest.approx(
        expected["penalty"], rel=1e-3
    )
    targets = parity.variables(gan.discriminator)
    for role, value in without_last_bias(parity.arrays(mirror)).items():
        error = np.linalg.norm(targets[role].numpy().ravel() - value.ravel())
        assert error <= 1e-3 * np.linalg.norm(value), role
        step = np.linalg.norm(value - before[role])
        assert error <= 1e-2 * step, (role, error / step)
