"""InfoGAN against the PyTorch mirror: outputs, information, one step.

The mirror's images have pixels in [0, 1], and its Q has another order.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_infogan  # noqa: E402
from tests.support import names, parity  # noqa: E402

pytestmark = pytest.mark.parity

SIZE, WIDTH, DENSE, LATENTS = 12, 4, 32, 5
CATEGORIES, CONTINUOUS = 3, 2
# Biases before batch normalization.
IDLE = {
    "dense.bias",
    "project.bias",
    "up.bias",
    "down_4.bias",
    "q_dense.bias",
}


def values(mirror):
    """Returns a mirror's arrays by our roles."""
    return names.infogan(mirror, CATEGORIES)


def in_our_order(outputs):
    """Returns Q's outputs with all means first."""
    return names.all_means_first(outputs, CATEGORIES)


def both(**changes):
    """Returns our model and its mirrors, with the same weights."""
    gan = models.InfoGAN(
        SIZE,
        categorical=(CATEGORIES,),
        continuous=CONTINUOUS,
        width=WIDTH,
        dense_width=DENSE,
        latent_dim=LATENTS,
        ema_decay=0.0,
        **changes,
    )
    mirrors = (
        torch_infogan.Generator(
            SIZE, WIDTH, DENSE, LATENTS + CATEGORIES + CONTINUOUS
        ),
        torch_infogan.Discriminator(
            SIZE, WIDTH, DENSE, DENSE // 8, CATEGORIES, CONTINUOUS
        ),
    )
    networks = gan.generator, gan.discriminator
    for seed, pair in enumerate(zip(mirrors, networks, strict=True)):
        parity.shake(pair[0], seed)
        parity.give(values(pair[0]), pair[1])
    return gan, *mirrors


def draws(count, seed):
    """Returns noise, one-hot categories and continuous codes."""
    random = np.random.RandomState(seed)
    noise = random.uniform(-1.0, 1.0, (count, LATENTS))
    categories = np.eye(CATEGORIES)[random.randint(CATEGORIES, size=count)]
    continuous = random.uniform(-1.0, 1.0, (count, CONTINUOUS))
    return [a.astype("float32") for a in (noise, categories, continuous)]


def to_torch(images):
    return parity.to_torch((images + 1.0) / 2.0)


@pytest.mark.parametrize("training", [False, True])
def test_outputs(training):
    gan, generator, discriminator = both()
    noise, *codes = draws(7, seed=3)
    inputs = np.concatenate([noise, *codes], axis=1)
    expected = generator.train(training)(torch.from_numpy(inputs))
    found = gan.generator((noise, np.concatenate(codes, 1)), training=training)
    np.testing.assert_allclose(
        (found + 1.0) / 2.0, parity.to_numpy(expected), atol=1e-5
    )
    assert np.std(found) > 0.05

    images = tiny.images(7, SIZE)
    scores, outputs = discriminator.train(training)(to_torch(images))
    found = gan.discriminator(images, training=training)
    np.testing.assert_allclose(found[0][:, 0], scores.detach(), atol=1e-5)
    outputs = in_our_order(outputs.detach().numpy())
    np.testing.assert_allclose(found[1], outputs, atol=1e-5)
    assert np.std(found[0]) > 0.03
    assert np.std(found[1]) > 0.03


def test_information():
    gan, *_ = both()
    random = np.random.RandomState(0)
    outputs = random.standard_normal((9, CATEGORIES + 2 * CONTINUOUS))
    outputs = outputs.astype("float32")
    _, *codes = draws(9, seed=1)
    expected = torch_infogan.mutual_information(
        torch.from_numpy(outputs), *map(torch.from_numpy, codes)
    )
    found = gan.information(np.concatenate(codes, 1), in_our_order(outputs))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


# Adam's first step hides the size of the gradient, plain descent shows it.
@pytest.mark.parametrize("weight", [1.0, 0.3])
@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_training_step(kind, weight):
    gan, generator, discriminator = both(
        categorical_weight=weight, continuous_weight=weight
    )
    if kind == "adam":
        ours = gan.default_optimizers()
        for optimizer in ours:
            optimizer.epsilon = parity.EPSILON
        theirs = torch_infogan.optimizers(
            generator, discriminator, parity.TORCH_EPSILON
        )
    else:
        ours = [keras.optimizers.SGD(0.1) for _ in range(2)]
        theirs = [
            torch.optim.SGD(network.parameters(), 0.1)
            for network in (generator, discriminator)
        ]
    gan.compile(*ours, run_eagerly=True)
    before = [values(generator), values(discriminator)]
    images = tiny.images(12, SIZE)
    drawn = [draws(12, seed) for seed in (1, 2)]
    latents = iter([d[0] for d in drawn])
    codes = iter([np.concatenate(d[1:], 1) for d in drawn])
    gan.sample_latents = lambda batch_size: tf.constant(next(latents))
    gan.sample_codes = lambda batch_size: tf.constant(next(codes))
    found = gan.train_step(tf.constant(images))

    tensors = [[torch.from_numpy(a) for a in d] for d in drawn]
    mirrors = generator.train(), discriminator.train()
    d_results = torch_infogan.discriminator_step(
        *mirrors, theirs[1], to_torch(images), *tensors[0], weight
    )
    g_results = torch_infogan.generator_step(
        *mirrors, theirs[0], *tensors[1], weight
    )
    expected = {
        "d_loss": d_results["loss"],
        "g_loss": g_results["loss"],
        "categorical_mi": g_results["discrete"],
        "continuous_mi": g_results["continuous"],
    }
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(value, rel=1e-5), name
    networks = gan.generator, gan.discriminator
    for mirror, network, old in zip(mirrors, networks, before, strict=True):
        after = values(mirror)
        for name in ("mean", "variance"):
            # Ours sees the real images too, the mirror's Q does not.
            after.pop(f"norm_q.moving_{name}", None)
        parity.assert_same_step(after, network, old, IDLE, tolerance=1e-4)
