"""BigGAN against the PyTorch mirror: outputs, and one training step."""

import copy

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_biggan as reference  # noqa: E402
from tests.reference import torch_spectral  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity

RATE, STEPS, CLASSES = 0.05, 2, 3
# Of the two forms: shared embedding and chunks of the latents, or tables.
FORMS = {"shared": 6, "tables": None}


def both(form="shared", size=32, width=4, attention=16, **changes):
    """Returns our model and its mirrors, with the same weights."""
    latents = 2 * {32: 4, 64: 5}[size]
    gan = models.BigGAN(
        image_size=size,
        num_classes=CLASSES,
        width=width,
        latent_dim=latents,
        embedding_dim=FORMS[form],
        attention_size=attention,
        discriminator_steps=STEPS,
        **changes,
    )
    generator = reference.Generator(
        size,
        3,
        width,
        CLASSES,
        latents,
        FORMS[form],
        hierarchical=form == "shared",
        attention=attention,
    )
    discriminator = reference.Discriminator(size, 3, width, CLASSES, attention)
    for seed, (mirror, network) in enumerate(
        ((generator, gan.generator), (discriminator, gan.discriminator))
    ):
        parity.shake(mirror, seed)
        parity.give(parity.spectral(mirror), network)
    parity.give(parity.spectral(generator), gan.average_generator)
    return gan, generator, discriminator


def draws(gan, count, seed):
    """Returns latents and labels."""
    random = np.random.RandomState(seed)
    latents = random.standard_normal((count, gan.latent_dim))
    labels = random.randint(0, CLASSES, count)
    return latents.astype("float32"), labels.astype("int32")


def to_torch(latents, labels):
    return torch.from_numpy(latents), torch.from_numpy(labels).long()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("form", "size", "width", "attention"),
    [
        ("shared", 32, 4, 16),
        ("tables", 32, 4, None),
        ("shared", 64, 8, 32),
    ],
)
def test_outputs(form, size, width, attention, training):
    """And what a pass changes: statistics, and the vectors u."""
    gan, generator, discriminator = both(form, size, width, attention)
    generator.train(training)
    discriminator.train(training)
    latents, labels = draws(gan, 3, 1)
    images = tiny.images(3, size, channels=3)
    found = gan.generator((latents, labels), training=training)
    expected = generator(*to_torch(latents, labels))
    np.testing.assert_allclose(found, parity.to_numpy(expected), atol=1e-4)
    found = gan.discriminator((images, labels), training=training)
    expected = discriminator(
        parity.to_torch(images), torch.from_numpy(labels).long()
    )
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


@pytest.mark.parametrize("form", list(FORMS))
def test_training_step(form):
    gan, generator, discriminator = both(
        form, orthogonal_weight=0.01, ema_start=0, ema_decay=0.75
    )
    average = copy.deepcopy(generator)
    sgd = keras.optimizers.SGD
    gan.compile(sgd(RATE), sgd(RATE), run_eagerly=True)
    images = tiny.images(4 * STEPS, 32, channels=3)
    labels = draws(gan, 4 * STEPS, 0)[1]
    drawn = [draws(gan, 4, seed) for seed in range(1, 2 + STEPS)]
    latents, fake_labels = map(iter, zip(*drawn, strict=True))
    gan.sample_latents = lambda count: tf.constant(next(latents))
    gan.sample_labels = lambda count: tf.constant(next(fake_labels))
    before = [parity.spectral(m) for m in (generator, discriminator)]
    found = gan.train_step((tf.constant(images), tf.constant(labels)))

    optimizers = [
        torch.optim.SGD(mirror.parameters(), RATE)
        for mirror in (generator, discriminator)
    ]
    d_losses = []
    for step in range(STEPS):
        d_losses.append(
            reference.discriminator_step(
                generator,
                discriminator,
                optimizers[1],
                parity.to_torch(images[step::STEPS]),
                torch.from_numpy(labels[step::STEPS]).long(),
                *to_torch(*drawn[step]),
            )["loss"]
        )
    g_loss = reference.generator_step(
        generator,
        discriminator,
        optimizers[0],
        *to_torch(*drawn[STEPS]),
        strength=0.01,
    )
    torch_spectral.step_all(average, generator, 0.75)
    assert float(found["g_loss"]) == pytest.approx(g_loss["loss"], rel=1e-3)
    expected = np.mean(d_losses)
    assert float(found["d_loss"]) == pytest.approx(expected, rel=1e-3)
    # A bias before batch normalization has no gradient but rounding.
    idle = {role for role in before[0] if ".bias" in role and "block" in role}
    for mirror, network, old, unmoved in (
        (generator, gan.generator, before[0], idle),
        (average, gan.average_generator, before[0], idle),
        (discriminator, gan.discriminator, before[1], ()),
    ):
        parity.assert_same_step(parity.spectral(mirror), network, old, unmoved)


def test_the_default_optimizers_are_the_mirrors():
    gan, generator, _ = both()
    expected = reference.optimizer(generator).defaults
    for optimizer in gan.default_optimizers():
        found = optimizer.beta_1, optimizer.beta_2
        assert found == expected["betas"]
        assert float(optimizer.learning_rate) == pytest.approx(expected["lr"])
        assert optimizer.epsilon == expected["eps"]
