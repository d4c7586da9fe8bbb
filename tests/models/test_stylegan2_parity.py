"""StyleGAN2 against the PyTorch mirror: outputs, and one whole step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import random  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_stylegan2 as mirrors  # noqa: E402
from tests.support import parity, stylegan2  # noqa: E402

pytestmark = pytest.mark.parity

SIZES = {
    "image_size": 16,
    "channels": 3,
    "channel_base": 64,
    "channel_max": 8,
}
RATE = 0.1
BATCH = 8
BUILDS = {0: tiny.stylegan2, 3: tiny.conditional_stylegan2}


def build(classes=0, residual=True, **changes):
    """Returns our model and its mirrors, with the same lively weights."""
    torch.manual_seed(0)
    generator = mirrors.Generator(
        latent_dim=4,
        style_dim=4,
        mapping_layers=2,
        num_classes=classes,
        **SIZES,
    )
    discriminator = mirrors.Discriminator(
        num_classes=classes, residual=residual, group_size=4, **SIZES
    )
    with torch.no_grad():
        for network in (generator, discriminator):
            for name, parameter in network.named_parameters():
                if parameter.ndim < 2:
                    scale = 10.0 if "mapping" in name else 0.3
                    parameter.add_(scale * torch.randn_like(parameter))
        generator.mapping.mean.normal_(0.0, 0.1)
    gan = BUILDS[classes](**SIZES, residual=residual, **changes)
    for network in (gan.generator, gan.average_generator):
        stylegan2.give(network, generator.state_dict())
    stylegan2.give(gan.discriminator, discriminator.state_dict())
    return gan, generator, discriminator


def draws(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def codes(labels, classes):
    """Returns labels as the mirrors take them, `None` without classes."""
    if not classes:
        return None
    return torch.nn.functional.one_hot(
        torch.tensor(labels.astype("int64")), classes
    ).float()


def same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert np.std(expected) > 1e-2


@pytest.mark.parametrize("classes", BUILDS)
def test_generator_outputs(classes):
    gan, mirror, _ = build(classes)
    latents, labels = draws(3, 4), tiny.labels(3)
    for psi in (1.0, 0.6):
        noises = [n[None] for n in mirror.synthesis.constant_noises()]
        with torch.no_grad():
            expected = mirror(
                torch.from_numpy(latents), codes(labels, classes), noises, psi
            )
        inputs = {"latents": latents, "truncation": tf.fill((3,), psi)}
        if classes:
            inputs["labels"] = labels
        found = gan.from_styles(gan.styles(**inputs))
        same(found, np.clip(parity.to_numpy(expected), -1.0, 1.0))


def test_each_layer_has_its_own_style_and_noise():
    gan, mirror, _ = build()
    styles = draws(3, 6, 4)
    noises = [
        draws(3, size, size, 1, seed=place)
        for place, size in enumerate(gan.generator.synthesis.noise_resolutions)
    ]
    expected = mirror.synthesis(
        torch.from_numpy(styles), [parity.to_torch(noise) for noise in noises]
    )
    same(gan.generator.synthesis(styles, noises), parity.to_numpy(expected))


@pytest.mark.parametrize(
    "classes, residual", [(0, True), (0, False), (3, True)]
)
def test_discriminator_outputs(classes, residual):
    gan, _, mirror = build(classes, residual)
    images, labels = tiny.images(8, 16, 3), tiny.labels(8)
    expected = mirror(parity.to_torch(images), codes(labels, classes))
    # Its groups are every second image, ours adjacent ones.
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    found = gan.scores(tf.constant(images[order]), tf.constant(labels[order]))
    same(found, expected.detach().numpy()[order])


def drawn(gan, count, is_path=False):
    """Returns the numbers that a part of the step draws next."""
    first, second = gan.sample_latents(count), gan.sample_latents(count)
    chance, place = tf.random.stateless_uniform(
        (2,), tf.cast(gan.seed_generator.next(), "int32")
    ).numpy()
    layers = gan.generator.synthesis.num_styles
    mixed = chance < gan.mixing_chance
    sizes = gan.generator.synthesis.noise_resolutions
    noises = gan.sample_noises(count, sizes)
    found = {
        "latents": torch.from_numpy(first.numpy()),
        "other_latents": torch.from_numpy(second.numpy()),
        "crossover": torch.tensor(
            int(1 + place * (layers - 1)) if mixed else layers
        ),
        "noises": [parity.to_torch(noise.numpy()) for noise in noises],
    }
    if not is_path:
        return found
    shape = (count, *gan.image_shape)
    return found, parity.to_torch(
        random.normal(gan.seed_generator, shape).numpy()
    )


def sgd(network):
    return torch.optim.SGD(network.parameters(), RATE)


@pytest.mark.parametrize("classes", BUILDS)
@pytest.mark.parametrize(
    "step",
    # Step 0 has both penalties.
    [0, *(pytest.param(n, marks=pytest.mark.variant) for n in (4, 16)), 1],
    ids="step {}".format,
)
def test_one_step(step, classes):
    """All four updates in step 0 and 16, without R1 in 4, two in step 1."""
    gan, generator, discriminator = build(
        classes, group_size=BATCH, mixing_chance=0.9, r1_gamma=3.0
    )
    discriminator.group_size = BATCH
    gan.compile(
        keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), run_eagerly=True
    )
    gan.progress.steps.assign(step)
    gan.progress.path_length.assign(0.2)
    labels = tiny.labels(BATCH)
    real = tiny.images(BATCH, 16, 3)
    state = gan.seed_generator.state.numpy()
    for_generator = drawn(gan, BATCH)
    path = drawn(gan, BATCH // 2, is_path=True) if step % 4 == 0 else None
    for_discriminator = drawn(gan, BATCH)
    gan.seed_generator.state.assign(state)
    before = {
        network: {k: v.clone() for k, v in mirror.state_dict().items()}
        for network, mirror in (("g", generator), ("d", discriminator))
    }

    batch = (tf.constant(real), tf.constant(labels))
    gan.train_step(batch if classes else batch[0])

    code = codes(labels, classes)
    g_adam, d_adam = sgd(generator), sgd(discriminator)
    mean = torch.tensor(0.2)
    mirrors.generator_step(
        generator, discriminator, g_adam, for_generator, code
    )
    if path:
        half = code if code is None else code[::2]
        mirrors.path_length_step(generator, g_adam, *path, mean, half)
    mirrors.discriminator_step(
        generator,
        discriminator,
        d_adam,
        parity.to_torch(real),
        for_discriminator,
        code,
    )
    if step % 16 == 0:
        mirrors.r1_step(
            discriminator, d_adam, parity.to_torch(real), code, gamma=3.0
        )
    assert float(gan.progress.path_length) == pytest.approx(
        mean.item(), rel=1e-3
    )
    assert (mean.item() != pytest.approx(0.2)) == bool(path)
    for name, mirror, network in (
        ("g", generator, gan.generator),
        ("d", discriminator, gan.discriminator),
    ):
        compare(mirror.state_dict(), before[name], network)
    average = gan.average_generator.average_w
    np.testing.assert_array_equal(average, gan.generator.average_w)


def compare(state, before, network):
    """Compares the step of every variable."""
    expected = stylegan2.keras_arrays(state, 16)
    before = stylegan2.keras_arrays(before, 16)
    targets = stylegan2.variables(network)
    for path, variable in targets.items():
        path = path.removeprefix("generator/")
        step = expected[path] - before[path]
        error = np.linalg.norm(variable.numpy() - expected[path])
        # Steps of the mapping are small beside its weights.
        rounding = 3e-7 * np.linalg.norm(expected[path])
        assert error <= 1e-3 * np.linalg.norm(step) + rounding, path
        if not path.startswith(("mapping", "classes")):
            moves = not path.endswith("/map")
            assert (np.linalg.norm(step) > 2 * rounding) == moves, path


def test_default_optimizers_are_the_mirrors():
    gan, generator, _ = build(learning_rate=0.0025)
    for adam, interval in zip(gan.default_optimizers(), (4, 16), strict=True):
        mirror = mirrors.optimizer(generator.parameters(), interval)
        options = mirror.defaults
        assert float(adam.learning_rate) == pytest.approx(options["lr"])
        assert (adam.beta_1, adam.beta_2) == pytest.approx(options["betas"])
        assert adam.epsilon == options["eps"]
