"""SNGAN against the PyTorch mirror: outputs, and one training step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_sngan as reference  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity

LATENTS, RATE, STEPS, CLASSES = 6, 0.05, 2, 3


def both(size=32, classes=CLASSES):
    """Returns our model and its mirrors, with the same weights."""
    model = models.SNGAN if classes is None else models.ConditionalSNGAN
    gan = model(
        image_size=size,
        generator_width=6,
        discriminator_width=5,
        latent_dim=LATENTS,
        discriminator_steps=STEPS,
        **({} if classes is None else {"num_classes": classes}),
    )
    generator = reference.Generator(size, 3, 6, classes, LATENTS)
    discriminator = reference.Discriminator(size, 3, 5, classes)
    for seed, (mirror, network) in enumerate(
        ((generator, gan.generator), (discriminator, gan.discriminator))
    ):
        parity.shake(mirror, seed)
        parity.give(parity.spectral(mirror), network)
    return gan, generator, discriminator


def draws(count, seed, classes=CLASSES):
    """Returns latents and labels."""
    random = np.random.RandomState(seed)
    latents = random.standard_normal((count, LATENTS)).astype("float32")
    labels = random.randint(0, classes or 1, count).astype("int32")
    return latents, None if classes is None else labels


def to_torch(labels):
    return None if labels is None else torch.from_numpy(labels).long()


def pair(first, second):
    return first if second is None else (first, second)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("size", "classes"), [(32, CLASSES), (32, None), (64, CLASSES), (128, 3)]
)
def test_outputs(size, classes, training):
    """And what a pass changes: statistics, and the vectors u."""
    gan, generator, discriminator = both(size, classes)
    generator.train(training)
    discriminator.train(training)
    latents, labels = draws(3, 1, classes)
    images = tiny.images(3, size, channels=3)
    found = gan.generator(pair(latents, labels), training=training)
    expected = generator(torch.from_numpy(latents), to_torch(labels))
    np.testing.assert_allclose(found, parity.to_numpy(expected), atol=1e-4)
    found = gan.discriminator(pair(images, labels), training=training)
    expected = discriminator(parity.to_torch(images), to_torch(labels))
    expected = expected.detach().numpy()
    # Scores of different images differ by more than rounding.
    spread = np.std(expected)
    assert spread > 1e-4
    np.testing.assert_allclose(found[:, 0], expected, atol=0.01 * spread)
    for mirror, network in (
        (generator, gan.generator),
        (discriminator, gan.discriminator),
    ):
        variables = parity.variables(network)
        for role, value in parity.spectral(mirror).items():
            np.testing.assert_allclose(
                variables[role], value, rtol=1e-3, atol=1e-4, err_msg=role
            )


@pytest.mark.parametrize("classes", [CLASSES, None])
def test_training_step(classes):
    gan, generator, discriminator = both(classes=classes)
    sgd = keras.optimizers.SGD
    gan.compile(sgd(RATE), sgd(RATE), run_eagerly=True)
    images = tiny.images(4 * STEPS, 32, channels=3)
    labels = draws(4 * STEPS, 0, classes)[1]
    drawn = [draws(8, 1, classes)]
    drawn += [draws(4, seed, classes) for seed in range(2, 2 + STEPS)]
    latents, fake_labels = map(iter, zip(*drawn, strict=True))
    gan.sample_latents = lambda count: tf.constant(next(latents))
    if classes is not None:
        gan.sample_labels = lambda count: tf.constant(next(fake_labels))
    before = [parity.spectral(m) for m in (generator, discriminator)]
    found = gan.train_step(
        tf.nest.map_structure(tf.constant, pair(images, labels))
    )

    optimizers = [
        torch.optim.SGD(mirror.parameters(), RATE)
        for mirror in (generator, discriminator)
    ]
    inputs = [(torch.from_numpy(z), to_torch(y)) for z, y in drawn]
    g_loss = reference.generator_step(
        generator, discriminator, optimizers[0], *inputs[0]
    )
    d_losses = []
    for step in range(STEPS):
        real_labels = None if labels is None else labels[step::STEPS]
        d_losses.append(
            reference.discriminator_step(
                generator,
                discriminator,
                optimizers[1],
                parity.to_torch(images[step::STEPS]),
                to_torch(real_labels),
                *inputs[1 + step],
            )["loss"]
        )
    assert float(found["g_loss"]) == pytest.approx(g_loss["loss"], rel=1e-3)
    expected = np.mean(d_losses)
    assert float(found["d_loss"]) == pytest.approx(expected, rel=1e-3)
    for mirror, network, old in zip(
        (generator, discriminator),
        (gan.generator, gan.discriminator),
        before,
        strict=True,
    ):
        values = parity.spectral(mirror)
        # A bias before batch normalization has no gradient but rounding.
        idle = {role for role in values if ".bias" in role and "block" in role}
        idle = idle if mirror is generator else set()
        parity.assert_same_step(values, network, old, idle)


def test_the_default_optimizers_are_the_mirrors():
    _, generator, _ = both()
    expected = reference.optimizer(generator).defaults
    for optimizer in models.SNGAN(32).default_optimizers():
        found = optimizer.beta_1, optimizer.beta_2
        assert found == expected["betas"]
        assert float(optimizer.learning_rate) == pytest.approx(expected["lr"])
        assert optimizer.epsilon == expected["eps"]
