"""WGAN against the PyTorch mirror: one training step, and when it is due.

The networks are DCGAN's, which test_dcgan_parity.py compares.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_wgan  # noqa: E402
from tests.support import names, parity  # noqa: E402

pytestmark = pytest.mark.parity

SIZE, LATENTS, STEPS, SHARE = 16, 6, 2, 8
# Wide enough for the weights to keep a size of their own, and for gradients
# beyond rounding; the scales of batch normalization are clipped to it.
CLIP = 0.2
# It has no part in the difference of two means.
IDLE = {"score.bias"}
each_model = pytest.mark.parametrize("model", [models.WGAN, models.MLPWGAN])


def values(mirror):
    """Returns a mirror's arrays by our roles."""
    if isinstance(mirror, torch_wgan.PerceptronGenerator):
        return parity.renamed(mirror, {"out": "to_image"})
    return names.dcgan(mirror)


def both(model):
    """Returns our model and its mirrors, with the same weights."""
    changes = {"generator_units": 10} if model is models.MLPWGAN else {}
    gan = model(
        SIZE,
        channels=1,
        width=4,
        latent_dim=LATENTS,
        critic_steps=STEPS,
        long_critic_steps=STEPS,
        clip=CLIP,
        ema_decay=0.0,
        **changes,
    )
    generator = (
        torch_wgan.PerceptronGenerator(SIZE, 1, 10, LATENTS)
        if model is models.MLPWGAN
        else torch_wgan.Generator(SIZE, 1, 4, LATENTS)
    )
    mirrors = generator, torch_wgan.Critic(SIZE, 1, 4)
    networks = gan.generator, gan.discriminator
    for seed, (mirror, network) in enumerate(
        zip(mirrors, networks, strict=True)
    ):
        parity.shake(mirror, seed)
        parity.give(values(mirror), network)
    return gan, *mirrors


def latents(seed):
    random = np.random.RandomState(seed)
    return random.standard_normal((SHARE, LATENTS)).astype("float32")


def test_outputs_of_the_dense_generator():
    gan, generator, _ = both(models.MLPWGAN)
    inputs = latents(seed=3)
    expected = parity.to_numpy(generator(torch.from_numpy(inputs)))
    np.testing.assert_allclose(gan.generator(inputs), expected, atol=1e-5)
    assert np.std(expected) > 0.1


@each_model
@pytest.mark.parametrize("kind", ["rmsprop", "sgd"])
def test_training_step(kind, model):
    """Two steps of the critic, each with clipping, and one of the generator."""
    gan, generator, critic = both(model)
    mirrors = generator.train(), critic.train()
    if kind == "rmsprop":
        ours = gan.default_optimizers()
        for optimizer in ours:
            assert optimizer.epsilon == pytest.approx(1e-8**2)
            # A larger one is not the same inside and outside of the root.
            optimizer.epsilon = 1e-30
        theirs = [torch_wgan.optimizer(m, epsilon=1e-15) for m in mirrors]
    else:
        ours = [keras.optimizers.SGD(0.1) for _ in range(2)]
        theirs = [torch.optim.SGD(m.parameters(), 0.1) for m in mirrors]
    gan.compile(*ours, run_eagerly=True)
    before = [values(mirror) for mirror in mirrors]
    images = tiny.images(STEPS * SHARE, SIZE)
    draws = [latents(seed) for seed in range(STEPS + 1)]
    given = iter(draws)
    gan.sample_latents = lambda count: tf.constant(next(given))
    found = gan.train_step(tf.constant(images))

    draws = [torch.from_numpy(d) for d in draws]
    results = [
        torch_wgan.critic_step(
            *mirrors,
            theirs[1],
            parity.to_torch(images[step::STEPS]),
            draws[step],
            CLIP,
        )
        for step in range(STEPS)
    ]
    g_result = torch_wgan.generator_step(*mirrors, theirs[0], draws[STEPS])
    expected = {
        "d_loss": np.mean([result["loss"] for result in results]),
        "wasserstein": results[-1]["wasserstein"],
        "g_loss": g_result["loss"],
    }
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(value, rel=1e-4), name
    networks = gan.generator, gan.discriminator
    for mirror, network, old in zip(mirrors, networks, before, strict=True):
        after = values(mirror)
        if mirror is critic:
            # The mirror's sees fake images first, ours real ones.
            after = {r: v for r, v in after.items() if "moving" not in r}
        parity.assert_same_step(after, network, old, IDLE, tolerance=1e-4)
    largest = {
        v.path: np.abs(v.numpy()).max()
        for v in gan.discriminator.trainable_variables
    }
    assert max(largest.values()) == np.float32(CLIP)
    gammas = [size for path, size in largest.items() if "gamma" in path]
    assert gammas == [np.float32(CLIP)] * len(gammas) != []


@pytest.mark.parametrize("updates", [0, 1, 24, 25, 26, 499, 500, 501, 1000])
def test_steps_before_an_update_of_the_generator(updates):
    """As the authors' loop counts them: long at first, and at times."""
    gan = models.WGAN(SIZE, 1, width=4)
    gan.compile()
    needed = sum(torch_wgan.critic_steps(i) for i in range(updates + 1))
    gan.generator_optimizer.iterations.assign(updates)
    for steps, is_due in ((needed - 1, False), (needed, True)):
        gan.discriminator_optimizer.iterations.assign(steps)
        assert bool(gan.generator_is_due()) == is_due
