"""R3GAN against the PyTorch mirror: outputs, and one training step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_r3gan as reference  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity

LATENTS, RATE, CLASSES = 5, 0.05, 3
# By resolution; the width changes above 8x8.
WIDTHS = (6, 6, 3)


def both(classes=CLASSES, **changes):
    """Returns our model and its mirrors, with the same weights."""
    model = models.R3GAN if classes is None else models.ConditionalR3GAN
    gan = model(
        image_size=16,
        width=WIDTHS[0],
        widest_size=8,
        blocks=2,
        group_size=3,
        latent_dim=LATENTS,
        **({} if classes is None else {"num_classes": classes}),
        **changes,
    )
    sizes = {"blocks": 2, "group": 3, "classes": classes}
    generator = reference.Generator(WIDTHS, LATENTS, **sizes)
    discriminator = reference.Discriminator(WIDTHS, **sizes)
    for seed, (mirror, network) in enumerate(
        ((generator, gan.generator), (discriminator, gan.discriminator))
    ):
        parity.shake(mirror, seed)
        parity.give(roles(mirror), network)
    return gan, generator, discriminator


def roles(mirror):
    """Returns a mirror's arrays by our roles."""
    found = {}
    is_generator = isinstance(mirror, reference.Generator)
    for name, parameter in mirror.named_parameters():
        array = parameter.detach().numpy().copy()
        array = {2: array.T, 4: array.transpose()}.get(array.ndim, array)
        role = role_of(name, is_generator)
        if array.ndim == 4:
            # [height, width, inputs, outputs]
            array = array.transpose(1, 0, 2, 3)
        if role == "basis_4.basis":
            array = (
                array.transpose(1, 2, 0) if is_generator else array[:, :, 0, :]
            )
        found[role] = array
    return found


def role_of(name, is_generator):
    """Returns our name of a mirror's parameter."""
    first, *rest = name.split(".")
    if first == "embedding":
        return "classes.embeddings"
    if first in ("to_image", "from_image"):
        return {"to": "images.kernel", "fr": "from_images.kernel"}[first[:2]]
    place = int(first.removeprefix("stage_")) - 1
    size = 4 * 2 ** (place if is_generator else 2 - place)
    if rest[0] == "transition":
        if rest[1] == "conv":
            # Before the stage in the generator, after it in the other.
            way = f"up_{size}" if is_generator else f"down_{size // 2}"
            return f"{way}_conv.kernel"
        return {"basis": "basis_4.basis", "linear": "dense_4.kernel"}[rest[1]]
    block = int(rest[0].removeprefix("block_")) - 1
    layer = int(rest[1][-1]) - 1
    kind = "bias" if rest[1].startswith("bias") else "kernel"
    return f"block{block}_{size}_conv{layer}.{kind}"


def draws(count, seed, classes=CLASSES):
    """Returns latents and labels."""
    random = np.random.RandomState(seed)
    latents = random.standard_normal((count, LATENTS)).astype("float32")
    labels = random.randint(0, classes or 1, count).astype("int32")
    return latents, None if classes is None else labels


def codes(labels):
    """Returns labels as the mirrors take them."""
    if labels is None:
        return None
    return torch.nn.functional.one_hot(
        torch.from_numpy(labels).long(), CLASSES
    ).float()


def pair(first, second):
    return first if second is None else (first, second)


@pytest.mark.parametrize("classes", [CLASSES, None])
def test_outputs(classes):
    gan, generator, discriminator = both(classes)
    latents, labels = draws(3, 1, classes)
    images = tiny.images(3, 16, channels=3)
    found = gan.generator(pair(latents, labels))
    expected = parity.to_numpy(
        generator(torch.from_numpy(latents), codes(labels))
    )
    assert np.std(expected) > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    found = gan.discriminator(pair(images, labels))
    expected = discriminator(parity.to_torch(images), codes(labels))
    expected = expected.detach().numpy()
    spread = np.std(expected)
    assert spread > 1e-3
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-4 * spread)


@pytest.mark.parametrize("classes", [CLASSES, None])
@pytest.mark.parametrize(
    "step",
    [30, *(pytest.param(n, marks=pytest.mark.variant) for n in (0, 100))],
    ids="step {}".format,
)
def test_training_step(step, classes):
    """At the start, within and after the burn-in."""
    gan, generator, discriminator = both(
        classes,
        burn_in_steps=80,
        gamma=30.0,
        final_gamma=3.0,
        ema_decay=0.5 ** (32 / 40),  # A half-life of 40 images.
    )
    sgd = keras.optimizers.SGD
    gan.compile(sgd(RATE), sgd(RATE), run_eagerly=True)
    for optimizer in gan.optimizers():
        optimizer.iterations.assign(step)
    images = tiny.images(8, 16, channels=3)
    labels = draws(8, 0, classes)[1]
    drawn = [draws(4, seed, classes)[0] for seed in (1, 2)]
    latents = iter(drawn)
    gan.sample_latents = lambda count: tf.constant(next(latents))
    before = [roles(m) for m in (generator, discriminator)]
    average = reference.Generator(
        WIDTHS, LATENTS, blocks=2, group=3, classes=classes
    )
    parity.shake(average, seed=3)
    parity.give(roles(average), gan.average_generator)

    found = gan.train_step(
        tf.nest.map_structure(tf.constant, pair(images, labels))
    )

    halves = [
        (
            parity.to_torch(images[half::2]),
            codes(None if labels is None else labels[half::2]),
        )
        for half in (0, 1)
    ]
    optimizers = [
        torch.optim.SGD(mirror.parameters(), RATE)
        for mirror in (generator, discriminator)
    ]
    gamma = reference.cosine(step, 80, 30.0, 3.0)
    d_loss = reference.discriminator_step(
        generator,
        discriminator,
        optimizers[1],
        halves[0][0],
        torch.from_numpy(drawn[0]),
        gamma,
        halves[0][1],
    )
    g_loss = reference.generator_step(
        generator,
        discriminator,
        optimizers[0],
        halves[1][0],
        torch.from_numpy(drawn[1]),
        halves[1][1],
    )
    reference.step_average(
        average, generator, 4, reference.cosine(step, 80, 0.0, 40.0)
    )
    expected = {
        "d_loss": d_loss["loss"],
        "g_loss": g_loss["loss"],
        "r1": d_loss["r1"],
        "r2": d_loss["r2"],
    }
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(value, rel=1e-3), name
    for mirror, network, old in zip(
        (generator, discriminator),
        (gan.generator, gan.discriminator),
        before,
        strict=True,
    ):
        parity.assert_same_step(roles(mirror), network, old)
    targets = parity.variables(gan.average_generator)
    for role, value in roles(average).items():
        np.testing.assert_allclose(
            targets[role], value, rtol=1e-3, atol=1e-5, err_msg=role
        )


@pytest.mark.parametrize("step", [0, 3, 5, 9])
def test_default_optimizers_follow_the_mirrors(step):
    """Of one weight, in a compiled step."""
    _, generator, _ = both(None)
    gan = both(None, burn_in_steps=6)[0]
    optimizer = gan.default_optimizers()[0]
    variable = keras.Variable(1.0)
    optimizer.build([variable])
    mirror = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(mirror.weight)
    adam = reference.optimizer(mirror)
    assert reference.optimizer(generator).defaults["betas"] == (0.0, 0.9)
    take = tf.function(lambda g: optimizer.apply([g], [variable]))
    gradients = np.random.RandomState(0).standard_normal(step + 1)
    for place, gradient in enumerate(gradients.astype("float32")):
        take(tf.constant(gradient))
        rates = [
            reference.cosine(place, 6, *ends)
            for ends in ((2e-4, 5e-5), (0.9, 0.99))
        ]
        reference.set_rates(adam, *rates)
        mirror.weight.grad = torch.full((1, 1), float(gradient))
        adam.step()
    assert float(variable) - 1.0 == pytest.approx(
        mirror.weight.item() - 1.0, rel=1e-3
    )
