"""The references by themselves: published counts, shapes, known values."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from . import (  # noqa: E402
    numpy_progressive,
    torch_cyclegan,
    torch_dcgan,
    torch_patchgan,
    torch_pix2pix,
    torch_progressive,
    torch_steps,
    torch_wgan_gp,
)

pytestmark = pytest.mark.parity

TRAINED = {
    "dcgan_generator": (torch_dcgan.Generator, 3_576_704),
    "dcgan_discriminator": (torch_dcgan.Discriminator, 2_765_568),
    "pix2pix_generator": (torch_pix2pix.Generator, 54_413_955),
    "pix2pix_discriminator": (torch_pix2pix.discriminator, 2_768_705),
    "cyclegan_generator": (torch_cyclegan.Generator, 11_378_179),
    "cyclegan_discriminator": (torch_cyclegan.discriminator, 2_764_737),
    "progan_generator": (torch_progressive.ProGANGenerator, 23_079_115),
    "progan_discriminator": (
        torch_progressive.ProGANDiscriminator,
        23_087_249,
    ),
    "stylegan_mapping": (torch_progressive.StyleGANMapping, 2_101_248),
    "stylegan_synthesis": (torch_progressive.StyleGANSynthesis, 24_118_379),
    "stylegan_discriminator": (
        torch_progressive.StyleGANDiscriminator,
        23_087_249,
    ),
}

SMALL = {
    "dcgan_generator": lambda: torch_dcgan.Generator(16, 1, 4, 5),
    "dcgan_generator_128": lambda: torch_dcgan.Generator(128, 3, 1, 5),
    "dcgan_discriminator": lambda: torch_dcgan.Discriminator(32, 1, 4),
    "pix2pix_generator_32": lambda: torch_pix2pix.Generator(32, width=2),
    "pix2pix_generator_256": lambda: torch_pix2pix.Generator(256, width=2),
    "pix2pix_discriminator": lambda: torch_pix2pix.discriminator(width=2),
    "cyclegan_generator": lambda: torch_cyclegan.Generator(width=2, blocks=6),
    "cyclegan_discriminator": lambda: torch_cyclegan.discriminator(width=2),
    "critic": lambda: torch_wgan_gp.Critic(32, 1, 4),
    "critic_layer_norm": lambda: torch_wgan_gp.Critic(32, 1, 4, True),
    "progan_generator": lambda: progan_networks()[0],
    "progan_discriminator": lambda: progan_networks()[1],
    "stylegan_mapping": lambda: stylegan_networks()[0],
    "stylegan_synthesis": lambda: stylegan_networks()[1],
    "stylegan_discriminator": lambda: stylegan_networks()[2],
}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)
    # Networks as small as these lose far more time than they gain when two
    # threads wait for each other on a busy machine.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def progan_networks():
    size = {"image_size": 16, "fmap_base": 32, "fmap_max": 8}
    return (
        torch_progressive.ProGANGenerator(latent_dim=6, **size),
        torch_progressive.ProGANDiscriminator(**size),
    )


def stylegan_networks():
    size = {"image_size": 16, "fmap_base": 32, "fmap_max": 8}
    return (
        torch_progressive.StyleGANMapping(6, 7),
        torch_progressive.StyleGANSynthesis(w_dim=7, **size),
        torch_progressive.StyleGANDiscriminator(**size),
    )


def moved(network):
    """Moves every parameter, so that noise and biases play a part."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn_like(parameter)
    return network.double()


def to_numpy(images):
    """Pictures of PyTorch to NumPy's layout."""
    return images.detach().numpy().transpose(0, 2, 3, 1)


def to_torch(images):
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def state(network):
    return {name: v.clone() for name, v in network.state_dict().items()}


# Layer tables.


@pytest.mark.parametrize("name", TRAINED)
def test_has_the_published_number_of_parameters(name):
    build, count = TRAINED[name]
    with torch.device("meta"):
        network = build()
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("name", SMALL)
def test_name_map_names_every_array_once(name):
    network = SMALL[name]()
    wanted = {n for n in network.state_dict() if "num_batches" not in n}
    mapped = list(network.name_map().values())
    assert len(mapped) == len(set(mapped))
    assert set(mapped) == wanted


@pytest.mark.parametrize(
    "name, parameter, shape",
    [
        ("dcgan_generator", "main.0.weight", (100, 512, 4, 4)),
        ("dcgan_generator", "main.12.weight", (64, 3, 4, 4)),
        ("dcgan_discriminator", "main.11.weight", (1, 512, 4, 4)),
        ("pix2pix_generator", "model.model.0.weight", (64, 3, 4, 4)),
        ("pix2pix_generator", "model.model.3.bias", (3,)),
        (
            "pix2pix_generator",
            "model.model.1.model.3.model.3.model.5.weight",
            (1024, 256, 4, 4),
        ),
        (
            "pix2pix_generator",
            "model.model.1" + 6 * ".model.3" + ".model.4.running_var",
            (512,),
        ),
        ("pix2pix_discriminator", "model.0.bias", (64,)),
        ("pix2pix_discriminator", "model.9.weight", (512,)),
        ("pix2pix_discriminator", "model.11.bias", (1,)),
        ("cyclegan_generator", "model.1.weight", (64, 3, 7, 7)),
        (
            "cyclegan_generator",
            "model.18.conv_block.5.weight",
            (256, 256, 3, 3),
        ),
        ("cyclegan_generator", "model.19.weight", (256, 128, 3, 3)),
        ("cyclegan_generator", "model.26.bias", (3,)),
        ("cyclegan_discriminator", "model.8.bias", (512,)),
    ],
)
def test_names_are_those_of_the_public_checkpoints(name, parameter, shape):
    with torch.device("meta"):
        network = TRAINED[name][0]()
    assert tuple(network.state_dict()[parameter].shape) == shape


@pytest.mark.parametrize("size", [16, 32, 128])
def test_dcgan_shapes(size):
    generator = torch_dcgan.Generator(size, 2, 2, 5)
    discriminator = torch_dcgan.Discriminator(size, 2, 2)
    images = generator(torch.randn(3, 5))
    assert images.shape == (3, 2, size, size)
    assert discriminator(images).shape == (3,)


@pytest.mark.parametrize("size, dropouts", [(32, 0), (64, 1), (256, 3)])
def test_unet_shapes_and_dropout(size, dropouts):
    generator = torch_pix2pix.Generator(size, 1, 3, width=1)
    layers = [m for m in generator.modules() if isinstance(m, torch.nn.Dropout)]
    assert len(layers) == dropouts
    assert generator(torch.zeros(2, 1, size, size)).shape == (2, 3, size, size)


def test_unet_without_dropout_repeats_itself():
    generator = torch_pix2pix.Generator(64, width=2)
    images = torch.randn(2, 3, 64, 64)
    assert not torch.equal(generator(images), generator(images))
    generator = torch_pix2pix.Generator(64, width=2, dropout=False)
    assert torch.equal(generator(images), generator(images))


@pytest.mark.parametrize("size", [32, 36])
def test_resnet_generator_keeps_the_size(size):
    generator = torch_cyclegan.Generator(width=2, blocks=6)
    assert generator(torch.zeros(1, 3, size, size)).shape == (1, 3, size, size)


@pytest.mark.parametrize("norm", ["BatchNorm2d", "InstanceNorm2d"])
def test_patchgan_has_30x30_scores_of_a_256_picture(norm):
    network = torch_patchgan.PatchGAN(3, width=1, norm=getattr(torch.nn, norm))
    assert network(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 30, 30)


@pytest.mark.parametrize(
    "n_layers, field", [(1, 16), (2, 34), (3, 70), (4, 142)]
)
def test_patchgan_receptive_field(n_layers, field):
    # In eval mode batch normalization does not join pixels.
    network = torch_patchgan.PatchGAN(1, width=2, n_layers=n_layers)
    network = network.double().eval()
    images = torch.randn(1, 1, 256, 256, dtype=torch.float64)
    images.requires_grad_()
    scores = network(images)
    middle = scores.shape[2] // 2
    scores[0, 0, middle, middle].backward()
    seen = images.grad[0, 0] != 0
    for axis in (0, 1):
        places = torch.nonzero(seen.any(dim=axis))
        assert places.max() - places.min() + 1 == field


# Training steps.


def test_dcgan_step_against_gradients_by_hand():
    generator = torch_dcgan.Generator(16, 1, 4, 5).double()
    discriminator = torch_dcgan.Discriminator(16, 1, 4).double()
    real = torch.rand(6, 1, 16, 16, dtype=torch.float64) * 2 - 1
    latents = torch.randn(2, 6, 5, dtype=torch.float64)
    before = state(discriminator), state(generator)
    with torch.no_grad():
        fake = generator(latents[0])
        real_probability = torch.sigmoid(discriminator(real))
        fake_probability = torch.sigmoid(discriminator(fake))
    expected = -(
        real_probability.log().mean() + (1 - fake_probability).log().mean()
    )
    losses = torch_dcgan.train_step(
        generator,
        discriminator,
        torch_dcgan.optimizer(generator),
        torch_dcgan.optimizer(discriminator),
        real,
        *latents,
    )
    assert losses["d_loss"] == pytest.approx(expected.item(), rel=1e-12)
    # Adam's first step: the learning rate times the gradient's sign.
    for network, old in zip((discriminator, generator), before, strict=True):
        for name, parameter in network.named_parameters():
            step = parameter.detach() - old[name]
            gradient = parameter.grad
            torch.testing.assert_close(
                step, -2e-4 * gradient / (gradient.abs() + 1e-8)
            )
    with torch.no_grad():
        fake_scores = discriminator(generator(latents[1]))
    # The generator has moved since: its loss is lower than reported.
    lower = torch_steps.cross_entropy(fake_scores, 1.0).item()
    assert lower < losses["g_loss"]


def test_pix2pix_step_learns_to_copy_one_pair():
    generator = torch_pix2pix.Generator(32, 1, 1, width=4, dropout=False)
    discriminator = torch_pix2pix.discriminator(1, 1, width=4)
    optimizers = [
        torch_pix2pix.optimizer(network)
        for network in (generator, discriminator)
    ]
    inputs = torch.rand(2, 1, 4, 4).repeat_interleave(8, 2) * 2 - 1
    inputs = inputs.repeat_interleave(8, 3)
    steps = [
        torch_pix2pix.train_step(
            generator, discriminator, *optimizers, inputs, -inputs
        )
        for _ in range(60)
    ]
    first = steps[0]
    assert first["g_loss"] == pytest.approx(
        first["adversarial"] + 100 * first["l1"], rel=1e-5
    )
    assert steps[-1]["l1"] < 0.85 * first["l1"]


def test_pix2pix_discriminator_loss_is_halved():
    generator = torch_pix2pix.Generator(32, width=2)
    discriminator = torch_pix2pix.discriminator(width=2)
    with torch.no_grad():
        for parameter in discriminator.parameters():
            parameter.zero_()
    images = torch.zeros(1, 3, 32, 32)
    losses = torch_pix2pix.train_step(
        generator,
        discriminator,
        torch_pix2pix.optimizer(generator),
        torch_pix2pix.optimizer(discriminator),
        images,
        images,
    )
    # All scores are 0, so each of the two terms is log 2.
    assert losses["d_loss"] == pytest.approx(math.log(2))


def test_cyclegan_step():
    generators = [torch_cyclegan.Generator(width=2, blocks=1) for _ in "ab"]
    discriminators = [torch_cyclegan.discriminator(width=2) for _ in "ab"]
    networks = [*generators, *discriminators]
    before = [state(network) for network in networks]
    seen = []

    def black(images):
        seen.append(images.shape)
        return torch.zeros_like(images)

    losses = torch_cyclegan.train_step(
        *networks,
        torch_cyclegan.optimizer(*generators),
        torch_cyclegan.optimizer(*discriminators),
        torch.rand(1, 3, 32, 32),
        torch.rand(1, 3, 32, 32),
        pool_a=black,
        pool_b=black,
    )
    assert len(seen) == 2
    assert losses["g_loss"] == pytest.approx(
        losses["adversarial_ab"]
        + losses["adversarial_ba"]
        + 10 * (losses["cycle_a"] + losses["cycle_b"])
        + 5 * (losses["identity_a"] + losses["identity_b"]),
        rel=1e-5,
    )
    for network, old in zip(networks, before, strict=True):
        new = network.state_dict()
        assert all(not torch.equal(new[name], old[name]) for name in old)


def test_image_pool_swaps_as_drawn():
    pool = torch_cyclegan.ImagePool(2)

    def query(values, coins, places):
        images = torch.tensor(values)[:, None, None, None]
        return pool.query(images, coins, places).flatten().tolist()

    assert query([1.0, 2.0], [0.9, 0.9], [0, 0]) == [1.0, 2.0]
    assert query([3.0, 4.0], [0.9, 0.1], [1, 0]) == [2.0, 4.0]
    assert query([5.0, 6.0], [0.9, 0.9], [1, 1]) == [3.0, 5.0]
    images = torch.ones(1, 1, 1, 1)
    assert torch.equal(
        torch_cyclegan.ImagePool(0).query(images, [0.9], [0]), images
    )


def test_penalty_of_a_linear_critic():
    direction = torch.randn(1, 2, 4, 4)
    penalty = torch_wgan_gp.gradient_penalty(
        lambda images: (direction * images).sum(dim=(1, 2, 3)),
        torch.randn(5, 2, 4, 4),
        torch.randn(5, 2, 4, 4),
        torch.rand(5),
    )
    slope = (direction**2).sum().sqrt().item()
    assert penalty.tolist() == pytest.approx(5 * [(slope - 1) ** 2], rel=1e-5)


def test_penalty_is_taken_at_the_given_points():
    seen = []

    def critic(images):
        seen.append(images.detach())
        return (images**2).sum(dim=(1, 2, 3))

    factors = torch.tensor([0.25, 1.0])
    torch_wgan_gp.gradient_penalty(
        critic, torch.zeros(2, 1, 2, 2), torch.ones(2, 1, 2, 2), factors
    )
    assert seen[0][:, 0].reshape(2, 4).tolist() == [4 * [0.75], 4 * [0.0]]


@pytest.mark.parametrize("layer_norm", [False, True])
def test_critic_step(layer_norm):
    generator = torch_dcgan.Generator(16, 1, 4, 5)
    critic = torch_wgan_gp.Critic(16, 1, 4, layer_norm)
    before = state(critic)
    latents = torch.randn(4, 5)
    losses = torch_wgan_gp.critic_step(
        generator,
        critic,
        torch_wgan_gp.optimizer(critic),
        torch.rand(4, 1, 16, 16),
        latents,
        torch.rand(4),
    )
    assert losses["loss"] == pytest.approx(
        10 * losses["penalty"] - losses["wasserstein"], rel=1e-5
    )
    # The bias of the score moves neither the difference nor a slope.
    still = [
        name
        for name, value in critic.state_dict().items()
        if torch.equal(value, before[name])
    ]
    assert still == [critic.name_map()["score.bias"]]
    torch_wgan_gp.generator_step(
        generator, critic, torch_wgan_gp.optimizer(generator), latents
    )


def test_layer_norm_is_over_all_of_one_picture():
    critic = torch_wgan_gp.Critic(16, 1, 4, layer_norm=True)
    norm = critic.get_submodule("main.3")
    normed = norm(3.0 + 2.0 * torch.randn(2, 8, 4, 4))
    for image in normed:
        assert image.mean().item() == pytest.approx(0.0, abs=1e-5)
        assert image.var(correction=0).item() == pytest.approx(1.0, rel=1e-3)
    assert norm.weight.shape == (8,)


# The NumPy versions: values that can be redone by hand.


def test_blur_of_an_impulse():
    image = np.zeros((1, 5, 5, 1))
    image[0, 2, 2, 0] = 16.0
    expected = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    blurred = numpy_progressive.blur(image)
    np.testing.assert_array_equal(blurred[0, 1:4, 1:4, 0], expected)
    assert blurred.sum() == 16.0


def test_blur_loses_what_lies_beyond_the_border():
    blurred = numpy_progressive.blur(np.ones((1, 3, 3, 1)))
    np.testing.assert_allclose(
        blurred[0, :, :, 0] * 16, [[9, 12, 9], [12, 16, 12], [9, 12, 9]]
    )


def test_minibatch_stddev_of_equal_images():
    images = np.repeat(np.random.default_rng(0).normal(size=(1, 4, 4, 3)), 8, 0)
    out = numpy_progressive.minibatch_stddev(images)
    np.testing.assert_array_equal(out[..., :3], images)
    np.testing.assert_allclose(out[..., 3], 1e-4)


def test_minibatch_stddev_groups():
    # Two groups of two: pictures 0 and 2 (0 and 6), 1 and 3 (equal).
    images = np.array([0.0, 1.0, 6.0, 1.0])[:, None, None, None]
    out = numpy_progressive.minibatch_stddev(images, group_size=2)
    np.testing.assert_allclose(
        out[:, 0, 0, 1], [3.0, 1e-4, 3.0, 1e-4], rtol=1e-6
    )


def test_equalized_layers_keep_the_variance():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 64))
    kernel = rng.normal(size=(64, 8)) / 0.01
    out = numpy_progressive.equalized_dense(x, kernel, gain=1.0, lrmul=0.01)
    assert out.std() == pytest.approx(1.0, rel=0.1)
    kernel = rng.normal(size=(3, 3, 16, 4))
    x = rng.normal(size=(4, 9, 9, 16))
    out = numpy_progressive.equalized_conv(x, kernel, gain=1.0)
    assert out[:, 1:-1, 1:-1].std() == pytest.approx(1.0, rel=0.1)


def test_bias_is_scaled_by_lrmul():
    out = numpy_progressive.equalized_dense(
        np.zeros((1, 2)), np.ones((2, 3)), np.array([1.0, 2.0, 3.0]), lrmul=0.1
    )
    np.testing.assert_allclose(out, [[0.1, 0.2, 0.3]])


def test_fades():
    images = np.arange(16.0).reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(
        numpy_progressive.faded_real_images(images, 1.0), images
    )
    coarse = numpy_progressive.faded_real_images(images, 0.0)
    np.testing.assert_array_equal(
        coarse[0, :, :, 0],
        np.kron([[2.5, 4.5], [10.5, 12.5]], np.ones((2, 2))),
    )
    assert numpy_progressive.fade_in(2.0, 6.0, 0.25) == 3.0


def test_adain_sets_mean_and_deviation():
    rng = np.random.default_rng(0)
    x = 5.0 + 3.0 * rng.normal(size=(2, 6, 6, 2))
    bias = np.array([1.0, 0.0, 7.0, -7.0])
    out = numpy_progressive.adain(x, np.zeros((2, 3)), np.ones((3, 4)), bias)
    np.testing.assert_allclose(out.mean(axis=(1, 2)), [[7, -7], [7, -7]])
    np.testing.assert_allclose(out.std(axis=(1, 2)), [[2, 1], [2, 1]])


def test_truncation_and_mixing():
    first, second = np.zeros((2, 3)), np.ones((2, 3))
    ws = numpy_progressive.mix_styles(first, second, 2, 4)
    np.testing.assert_array_equal(ws[0, :, 0], [0, 0, 1, 1])
    out = numpy_progressive.truncate(ws, np.full(3, 5.0), psi=0.5, cutoff=3)
    np.testing.assert_array_equal(out[0, :, 0], [2.5, 2.5, 3.0, 1.0])
    out = numpy_progressive.truncate(ws, np.full(3, 5.0), psi=0.0, cutoff=8)
    np.testing.assert_array_equal(out, np.full((2, 4, 3), 5.0))


# NumPy and PyTorch were written apart: they have to agree.


def test_layers_agree():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6, 6, 5))
    for name in ("blur", "upsample", "average_pool", "minibatch_stddev"):
        expected = getattr(numpy_progressive, name)(x)
        out = getattr(torch_progressive, name)(to_torch(x))
        np.testing.assert_allclose(to_numpy(out), expected, atol=1e-12)
    out = to_numpy(torch_progressive.pixel_norm(to_torch(x)))
    np.testing.assert_allclose(out, numpy_progressive.pixel_norm(x))
    conv = torch_progressive.EqualizedConv(5, 3, 3).double()
    conv.bias.data = torch.randn(3).double()
    expected = numpy_progressive.equalized_conv(
        x,
        conv.weight.detach().numpy().transpose(2, 3, 1, 0),
        conv.bias.detach().numpy(),
    )
    np.testing.assert_allclose(to_numpy(conv(to_torch(x))), expected)


def test_mapping_agrees():
    mapping = moved(stylegan_networks()[0])
    latents = torch.randn(2, 6).double()
    weights = [v.detach().numpy() for v in mapping.parameters()]
    expected = numpy_progressive.mapping(
        latents.numpy(), [w.T for w in weights[::2]], weights[1::2]
    )
    np.testing.assert_allclose(mapping(latents).detach().numpy(), expected)


def test_epilogue_agrees_with_adain():
    epilogue = torch_progressive.Epilogue(4, 3).double()
    x, w = torch.randn(2, 4, 5, 5).double(), torch.randn(2, 3).double()
    out = epilogue(x, w, torch.randn(2, 1, 5, 5).double())
    expected = numpy_progressive.adain(
        numpy_progressive.leaky_relu(to_numpy(x)),
        w.numpy(),
        epilogue.style.weight.detach().numpy().T,
        epilogue.style.bias.detach().numpy(),
    )
    np.testing.assert_allclose(to_numpy(out), expected)


def test_r1_agrees_with_finite_differences():
    discriminator = moved(stylegan_networks()[2])
    images = torch.randn(2, 3, 4, 4).double()

    def scores(images):
        with torch.no_grad():
            return discriminator(to_torch(images), resolution=4).numpy()

    expected = numpy_progressive.r1_by_differences(scores, to_numpy(images))
    penalty = torch_progressive.r1_penalty(
        lambda x: discriminator(x, resolution=4), images
    )
    np.testing.assert_allclose(penalty.detach().numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("resolution", [8, 16])
def test_progan_fades(resolution):
    generator, discriminator = progan_networks()
    generator = moved(generator)
    discriminator = moved(discriminator)
    latents = torch.randn(4, 6).double()
    images = generator(latents, resolution, fade=1.0)
    assert images.shape == (4, 3, resolution, resolution)
    torch.testing.assert_close(
        generator(latents, resolution, fade=0.0),
        torch_progressive.upsample(generator(latents, resolution // 2)),
    )
    torch.testing.assert_close(
        discriminator(images, resolution, fade=0.0),
        discriminator(torch_progressive.average_pool(images), resolution // 2),
    )
    near = discriminator(images, resolution, fade=1.0 - 1e-9)
    torch.testing.assert_close(
        near, discriminator(images, resolution), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("resolution", [8, 16])
def test_stylegan_fades(resolution):
    _, synthesis, _ = stylegan_networks()
    synthesis = moved(synthesis)
    ws = torch.randn(2, synthesis.layers, 7).double()
    noises = [n.double() for n in torch_progressive.draw_noises(2, 16)]
    images = synthesis(ws, noises, resolution)
    assert images.shape == (2, 3, resolution, resolution)
    torch.testing.assert_close(
        synthesis(ws, noises, resolution, fade=0.0),
        torch_progressive.upsample(synthesis(ws, noises, resolution // 2)),
    )
    # Every layer's w and noise plays its part, and only up to resolution.
    used = 2 * len(torch_progressive.resolutions(resolution))
    for layer in range(synthesis.layers):
        other = ws.clone()
        other[:, layer] += 1.0
        changed = not torch.equal(synthesis(other, noises, resolution), images)
        assert changed == (layer < used)
        noisy = list(noises)
        noisy[layer] = noisy[layer] + torch.randn_like(noisy[layer])
        changed = not torch.equal(synthesis(ws, noisy, resolution), images)
        assert changed == (layer < used)


def test_stylegan_starts_without_noise():
    _, synthesis, _ = stylegan_networks()
    ws = torch.randn(1, synthesis.layers, 7)
    one, other = (torch_progressive.draw_noises(1, 16) for _ in range(2))
    assert torch.equal(synthesis(ws, one), synthesis(ws, other))


def test_progressive_losses():
    scores = torch.tensor([0.0, 3.0])
    torch.testing.assert_close(
        torch_progressive.non_saturating_generator_loss(scores),
        torch.log1p(torch.exp(-scores)),
    )
    torch.testing.assert_close(
        torch_progressive.non_saturating_discriminator_loss(scores, scores),
        torch.log1p(torch.exp(-scores)) + torch.log1p(torch.exp(scores)),
    )
    # A critic of slope 1 pays no penalty: 5 - 1 + 0.001 * (1 + 9 + 1) / 3.
    loss = torch_progressive.progan_discriminator_loss(
        lambda images: images[:, 0, 0, 0],
        torch.tensor([1.0, 3.0, -1.0])[:, None, None, None],
        torch.tensor([5.0, 5.0, 5.0])[:, None, None, None],
        torch.rand(3),
    )
    assert loss.item() == pytest.approx(4.0 + 0.011 / 3, rel=1e-6)
