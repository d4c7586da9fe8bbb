"""ProGAN and StyleGAN against the PyTorch mirrors: outputs and losses."""

import functools

import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import penalties, random  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_progressive as mirrors  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity

SIZES = {"image_size": 16, "channels": 3, "fmap_base": 32, "fmap_max": 8}
FADES = [(4, 1.0), (8, 0.3), (16, 0.6), (16, 1.0)]


class FusedProGANDiscriminator(mirrors.ProGANDiscriminator):
    """With the activation after the pool, as in the authors' fused form."""

    def down(self, x, size):
        conv = getattr(self, f"conv1_{size}")
        return mirrors.act(mirrors.average_pool(conv(x)))


def keras_array(name, parameter):
    """Returns a mirror's parameter in Keras' layout."""
    array = parameter.detach().numpy()
    if name == "constant":
        return array.transpose(0, 2, 3, 1)
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    return array.T if array.ndim == 2 else array


def maps_last(kernel, axis):
    """Orders 16 * maps, stored maps first, as 4x4 pixels of maps."""
    pixels_last = np.moveaxis(kernel, axis, 0)
    rest = pixels_last.shape[1:]
    ordered = pixels_last.reshape(-1, 16, *rest).swapaxes(0, 1)
    return np.moveaxis(ordered.reshape(-1, *rest), 0, axis)


# Where our layers keep what the mirrors keep elsewhere.
PLACES = {
    "bias_4": "bias_4.bias",
    "constant": "constant_4.maps",
    "score.kernel": "score_4.kernel",
    "score.bias": "score_4.bias",
}


def place(role):
    if role.startswith("epilogue"):
        layer, what = role.removeprefix("epilogue").split(".", 1)
        return {
            "noise": f"noise{layer}.scale",
            "bias": f"bias{layer}.bias",
            "style.kernel": f"adain{layer}_style.kernel",
            "style.bias": f"adain{layer}_style.bias",
        }[what]
    return PLACES.get(role, role)


def copy(mirror, network, dense_axis=None):
    """Gives a network the weights of its mirror; all of them."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in mirror.named_parameters():
            if parameter.ndim == 1 or "noise" in name:
                parameter.normal_(0.0, 0.3, generator=generator)
    targets = parity.variables(network)
    left = {k for k in targets if not k.endswith(".map")}
    parameters = dict(mirror.named_parameters())
    for role, name in mirror.name_map().items():
        value = keras_array(name, parameters[name])
        if role == "dense_4.kernel" and dense_axis is not None:
            value = maps_last(value, dense_axis)
        targets[place(role)].assign(value)
        left.remove(place(role))
    assert not left


def progan():
    """Returns our model and its mirrors, with the same weights."""
    gan = tiny.progan(**SIZES, start_resolution=4)
    generator = mirrors.ProGANGenerator(latent_dim=4, **SIZES)
    discriminator = FusedProGANDiscriminator(**SIZES)
    copy(generator, gan.generator, dense_axis=1)
    copy(discriminator, gan.discriminator, dense_axis=0)
    return gan, generator, discriminator


def stylegan():
    gan = tiny.stylegan(**SIZES, start_resolution=4)
    mapping = mirrors.StyleGANMapping(4, 4, layers=2)
    synthesis = mirrors.StyleGANSynthesis(w_dim=4, **SIZES)
    discriminator = mirrors.StyleGANDiscriminator(**SIZES)
    copy(mapping, gan.generator.mapping)
    copy(synthesis, gan.generator.synthesis)
    copy(discriminator, gan.discriminator, dense_axis=0)
    return gan, mapping, synthesis, discriminator


def draws(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert np.std(expected) > 1e-3


def keras_fade(fade):
    return None if fade == 1.0 else tf.constant(fade)


@pytest.mark.parametrize("resolution, fade", FADES)
def test_progan_outputs(resolution, fade):
    gan, generator, discriminator = progan()
    latents = draws(3, 4)
    expected = generator(torch.from_numpy(latents), resolution, fade)
    found = gan.generator(latents, resolution=resolution, fade=keras_fade(fade))
    same(found, parity.to_numpy(expected))
    # One group: with more, ours are of neighbours.
    images = tiny.images(4, resolution, 3)
    expected = discriminator(parity.to_torch(images), resolution, fade)
    found = gan.discriminator(images, fade=keras_fade(fade))[:, 0]
    same(found, expected.detach().numpy())


@pytest.mark.parametrize("resolution, fade", FADES)
def test_stylegan_outputs(resolution, fade):
    gan, mapping, synthesis, discriminator = stylegan()
    latents = draws(3, 4)
    expected = mapping(torch.from_numpy(latents)).detach().numpy()
    found = gan.generator.mapping(latents)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    styles = draws(3, 6, 4, seed=1)
    noises = [
        draws(3, size, size, 1, seed=size + half)
        for size in (4, 8, 16)
        for half in (0, 1)
    ]
    expected = synthesis(
        torch.from_numpy(styles),
        [parity.to_torch(noise) for noise in noises],
        resolution,
        fade,
    )
    found = gan.generator.synthesis(
        styles, noises, resolution=resolution, fade=keras_fade(fade)
    )
    same(found, parity.to_numpy(expected))
    images = tiny.images(4, resolution, 3)
    expected = discriminator(parity.to_torch(images), resolution, fade)
    found = gan.discriminator(images, fade=keras_fade(fade))[:, 0]
    same(found, expected.detach().numpy())


def assert_same_gradients(network, gradients, mirror, dense_axis):
    """Compares the gradients of all parameters that have one."""
    parameters = dict(mirror.named_parameters())
    compared = 0
    for role, name in mirror.name_map().items():
        if parameters[name].grad is None:
            continue
        expected = keras_array(name, parameters[name].grad)
        if role == "dense_4.kernel":
            expected = maps_last(expected, dense_axis)
        error = np.linalg.norm(gradients[place(role)] - expected)
        assert error <= 1e-3 * np.linalg.norm(expected) + 1e-6, role
        compared += 1
    assert compared > 15


def gradients_of(gan, loss):
    variables = parity.variables(gan.discriminator)
    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, list(variables.values()))
    return value, {
        role: np.zeros(v.shape) if g is None else g
        for (role, v), g in zip(variables.items(), gradients, strict=True)
    }


def test_progan_critic_loss_and_its_gradients():
    """What `train_step` puts together, from one batch and given factors."""
    gan, _, mirror = progan()
    gan.compile(run_eagerly=True)
    real = tiny.images(4, 16, 3)
    gan.images_seen.assign(10**9)
    gan.make_train_function()
    state = gan.seed_generator.state.numpy()
    latents = gan.sample_latents(4)
    fake = gan.generator(latents, resolution=16).numpy()
    factors = random.uniform(gan.seed_generator, (4, 1, 1, 1)).numpy()
    gan.seed_generator.state.assign(state)
    caught = []

    def catch(tape, loss, layers, optimizer):
        variables = [v for layer in layers for v in layer.trainable_variables]
        caught.append((loss, variables, tape.gradient(loss, variables)))

    gan.minimize = catch
    gan.train_step(tf.constant(real))
    expected = mirrors.progan_discriminator_loss(
        mirror,
        parity.to_torch(real),
        parity.to_torch(fake),
        torch.from_numpy(factors),
    )
    expected.backward()
    loss, variables, gradients = caught[0]
    assert float(loss) == pytest.approx(expected.item(), rel=1e-4)
    by_id = {id(v): g for v, g in zip(variables, gradients, strict=True)}
    found = {
        role: by_id.get(id(v), np.zeros(v.shape))
        for role, v in parity.variables(gan.discriminator).items()
    }
    assert_same_gradients(gan.discriminator, found, mirror, dense_axis=0)


def test_r1_and_its_gradients():
    gan, _, _, mirror = stylegan()
    images = tiny.images(4, 16, 3)
    scores = functools.partial(gan.discriminator, fade=tf.constant(0.3))
    value, gradients = gradients_of(
        gan, lambda: tf.reduce_sum(penalties.r1_penalty(scores, images))
    )
    expected = mirrors.r1_penalty(
        functools.partial(mirror, fade=0.3), parity.to_torch(images)
    ).sum()
    expected.backward()
    assert float(value) == pytest.approx(expected.item(), rel=1e-4)
    assert_same_gradients(gan.discriminator, gradients, mirror, dense_axis=0)


def test_losses():
    from kerasgan import losses

    real, fake = draws(8), draws(8, seed=1)
    expected = mirrors.non_saturating_discriminator_loss(
        torch.from_numpy(real), torch.from_numpy(fake)
    )
    found = losses.real_loss(real) + losses.fake_loss(fake)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5)
