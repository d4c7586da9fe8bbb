"""The StyleGAN2 mirror against counts and values known beforehand."""

import math

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from . import torch_stylegan2 as stylegan2  # noqa: E402

pytestmark = pytest.mark.parity

HALF = {"channel_base": 16384}
FAST = {"mapping_layers": 2, **HALF}
CIFAR = {"image_size": 32, "mapping_layers": 2}
GENERATORS = {
    "config_f_1024": ({"image_size": 1024}, 30_370_060),
    "config_f_512": ({"image_size": 512}, 30_276_583),
    "config_f_256": ({"image_size": 256}, 30_034_338),
    "config_f_128": ({"image_size": 128}, 29_328_669),
    "config_f_64": ({"image_size": 64}, 27_032_600),
    "config_f_32": ({"image_size": 32}, 21_523_475),
    "config_e_1024": ({"image_size": 1024, **HALF}, 24_900_764),
    "paper_256": ({"image_size": 256, **HALF}, 24_767_458),
    "auto_256": ({"image_size": 256, **FAST}, 23_191_522),
    "auto_128": ({"image_size": 128, **FAST}, 22_949_277),
    "auto_64": ({"image_size": 64, **FAST}, 22_243_608),
    "auto_32": ({"image_size": 32, **FAST}, 19_947_539),
    "cifar": (CIFAR, 19_947_539),
    "cifar_classes": ({"num_classes": 10, **CIFAR}, 20_215_315),
}
ORIGINAL = {"image_size": 32, "residual": False}
DISCRIMINATORS = {
    "config_f_1024": ({"image_size": 1024}, 29_012_513),
    "config_f_512": ({"image_size": 512}, 28_982_849),
    "config_f_256": ({"image_size": 256}, 28_864_129),
    "config_f_128": ({"image_size": 128}, 28_389_121),
    "config_f_64": ({"image_size": 64}, 26_488_833),
    "config_f_32": ({"image_size": 32}, 21_507_073),
    "config_e_1024": ({"image_size": 1024, **HALF}, 24_038_161),
    "paper_256": ({"image_size": 256, **HALF}, 24_001_089),
    "half_128": ({"image_size": 128, **HALF}, 23_882_369),
    "half_64": ({"image_size": 64, **HALF}, 23_407_361),
    "half_32": ({"image_size": 32, **HALF}, 21_507_073),
    "cifar": (ORIGINAL, 20_720_641),
    "cifar_classes": ({"num_classes": 10, **ORIGINAL}, 23_089_664),
}
TINY = {
    "image_size": 16,
    "latent_dim": 5,
    "style_dim": 6,
    "mapping_layers": 2,
    "channel_base": 64,
    "channel_max": 8,
}


def count(build, settings):
    with torch.device("meta"):
        network = build(**settings)
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("name", GENERATORS)
def test_count_of_the_generator(name):
    settings, expected = GENERATORS[name]
    assert count(stylegan2.Generator, settings) == expected


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_count_of_the_discriminator(name):
    settings, expected = DISCRIMINATORS[name]
    assert count(stylegan2.Discriminator, settings) == expected


@pytest.mark.parametrize("layers, expected", [(8, 2_101_248), (2, 525_312)])
def test_count_of_the_mapping(layers, expected):
    settings = {"latent_dim": 512, "style_dim": 512, "layers": layers}
    assert count(stylegan2.Mapping, settings) == expected


def test_resampling_keeps_ones_inside_and_darkens_borders():
    ones = torch.ones(1, 1, 8, 8)
    larger = stylegan2.upsample(ones)
    smaller = stylegan2.downsample(ones)
    assert larger.shape == (1, 1, 16, 16) and smaller.shape == (1, 1, 4, 4)
    for image, edge in ((larger[0, 0], 0.75), (smaller[0, 0], 0.875)):
        torch.testing.assert_close(image[1:-1, 1:-1].min(), torch.ones(()))
        torch.testing.assert_close(image[1:-1, 1:-1].max(), torch.ones(()))
        corners = image[:: len(image) - 1, :: len(image) - 1]
        torch.testing.assert_close(corners, torch.full((2, 2), edge**2))
        torch.testing.assert_close(
            image[0, 1:-1], torch.full((len(image) - 2,), edge)
        )


def test_upsampling_is_zeros_between_and_the_filter_times_4():
    x = torch.randn(2, 3, 5, 7, dtype=torch.float64)
    spread = torch.zeros(2, 3, 10, 14, dtype=torch.float64)
    spread[:, :, ::2, ::2] = x
    spread = functional.pad(spread, (2, 1, 2, 1))
    torch.testing.assert_close(
        stylegan2.upsample(x), 4.0 * stylegan2.filtered(spread, 0)
    )


@pytest.mark.parametrize(
    ("sampling", "size"), [("up", 3), ("down", 3), ("down", 1)]
)
def test_the_filter_can_be_applied_to_the_kernel(sampling, size):
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    weight = torch.randn(4, 3, size, size, dtype=torch.float64)
    plain = stylegan2.convolve(x, weight, sampling)
    fast = stylegan2.convolve(x, weight, sampling, fast=True)
    assert plain.shape[2] == (16 if sampling == "up" else 4)
    torch.testing.assert_close(fast, plain)


@pytest.mark.parametrize("sampling", [None, "up"])
def test_modulating_maps_is_modulating_kernels(sampling):
    layer = stylegan2.ModulatedConv(4, 6, 5, 3, sampling).double()
    x = torch.randn(3, 4, 8, 8, dtype=torch.float64)
    w = torch.randn(3, 5, dtype=torch.float64)
    weight = layer.weight * layer.scale * layer.style(w)[:, None, :, None, None]
    norm = (weight**2).sum(dim=(2, 3, 4), keepdim=True)
    weight = weight * torch.rsqrt(norm + 1e-8)
    samples = [
        stylegan2.convolve(one[None], kernel, sampling)
        for one, kernel in zip(x, weight, strict=True)
    ]
    torch.testing.assert_close(layer(x, w), torch.cat(samples))


def test_demodulation_makes_the_strength_of_styles_irrelevant():
    torch.manual_seed(0)
    layer = stylegan2.ModulatedConv(64, 32, 5, 3)
    x, w = torch.randn(8, 64, 32, 32), torch.randn(8, 5)
    before = layer(x, w)
    with torch.no_grad():
        layer.style.weight *= 7.0
        layer.style.bias *= 7.0
    torch.testing.assert_close(layer(x, w), before, rtol=1e-4, atol=1e-4)
    inside = before[:, :, 1:-1, 1:-1].var(dim=(0, 2, 3))
    assert abs(inside.mean().item() - 1.0) < 0.03


def tiny(num_classes=0):
    torch.manual_seed(1)
    generator = stylegan2.Generator(num_classes=num_classes, **TINY)
    shared = {key: TINY[key] for key in ("channel_base", "channel_max")}
    discriminator = stylegan2.Discriminator(
        image_size=16, num_classes=num_classes, **shared
    )
    return generator, discriminator


def test_each_w_changes_what_its_layer_makes():
    generator, _ = tiny()
    synthesis = generator.synthesis
    names = ["conv1_4", "conv0_8", "conv1_8", "conv0_16", "conv1_16"]
    ws = torch.randn(2, 6, 6)
    noises = synthesis.draw_noises(2)
    seen = {}
    for name, layer in synthesis.named_children():
        layer.register_forward_hook(
            lambda _, inputs, __, name=name: seen.update({name: inputs[1]})
        )
    synthesis(ws, noises)
    for place, name in enumerate([*names, "to_rgb_16"]):
        torch.testing.assert_close(seen[name], ws[:, place])
    torch.testing.assert_close(seen["to_rgb_4"], ws[:, 1])
    torch.testing.assert_close(seen["to_rgb_8"], ws[:, 3])


def test_labels_change_images_and_scores():
    generator, discriminator = tiny(num_classes=3)
    latents = torch.randn(4, 5)
    one, other = torch.eye(3)[[0, 0, 1, 2]], torch.eye(3)[[1, 0, 1, 2]]
    noises = generator.synthesis.constant_noises()
    images = generator(latents, one, noises)
    changed = (generator(latents, other, noises) - images).abs().amax((1, 2, 3))
    assert changed[0] > 1e-3 and changed[1:].max() == 0.0
    scores = discriminator(images, one)
    assert scores.shape == (4,)
    changed = (discriminator(images, other) - scores).abs()
    assert changed[0] > 1e-6 and changed[1:].max() < 1e-6


def test_path_length_is_that_of_a_linear_map():
    # Images are w of layer 0 times 3, and w of layer 1 times 4, one pixel.
    ws = torch.randn(2, 2, 1, requires_grad=True)
    images = (3.0 * ws[:, 0] + 4.0 * ws[:, 1])[:, :, None, None]
    lengths = stylegan2.path_lengths(images, ws, torch.ones(2, 1, 1, 1))
    torch.testing.assert_close(lengths, torch.full((2,), math.sqrt(12.5)))


def test_the_mean_of_lengths_moves_before_the_penalty():
    lengths = torch.tensor([1.0, 3.0], requires_grad=True)
    penalty, mean = stylegan2.path_length_penalty(lengths, torch.zeros(()))
    torch.testing.assert_close(mean, torch.tensor(0.02))
    expected = (0.98**2 + 2.98**2) / 2.0
    torch.testing.assert_close(penalty.detach(), torch.tensor(expected))
    penalty.backward()
    # Each length minus the mean, less its share of the mean of these.
    expected = torch.tensor([0.98 - 0.01 * 1.98, 2.98 - 0.01 * 1.98])
    torch.testing.assert_close(lengths.grad, expected)


def test_path_lengths_reach_all_but_the_biases_of_rgb():
    generator, _ = tiny()
    for layer in generator.synthesis.styled_layers():
        layer.noise_strength.data.fill_(0.1)
    drawn = stylegan2.draw(generator, 2)
    images, ws = stylegan2.make(generator, drawn)
    lengths = stylegan2.path_lengths(images, ws, torch.randn(images.shape))
    names, parameters = zip(
        *generator.synthesis.named_parameters(), strict=True
    )
    gradients = torch.autograd.grad(
        lengths.sum(), parameters, allow_unused=True, materialize_grads=True
    )
    untouched = {
        name
        for name, gradient in zip(names, gradients, strict=True)
        if not gradient.any()
    }
    assert untouched == {f"to_rgb_{size}.bias" for size in (4, 8, 16)}


def test_r1_is_half_of_the_squared_gradient():
    images = torch.ones(2, 1, 2, 2, requires_grad=True)
    scores = 3.0 * images.sum(dim=(1, 2, 3))
    penalty = stylegan2.r1_penalty(scores, images)
    torch.testing.assert_close(penalty.detach(), torch.tensor(18.0))


def test_optimizers_make_up_for_the_steps_of_the_penalties():
    weight = torch.nn.Parameter(torch.zeros(()))
    generators = stylegan2.optimizer([weight], 4, 0.002).defaults
    discriminators = stylegan2.optimizer([weight], 16, 0.002).defaults
    assert generators["lr"] == pytest.approx(0.0016)
    assert generators["betas"] == (0.0, pytest.approx(0.99199, abs=5e-6))
    assert discriminators["lr"] == pytest.approx(0.0018824, abs=5e-8)
    assert discriminators["betas"][1] == pytest.approx(0.99059, abs=5e-6)


def test_the_first_layers_have_the_first_w():
    ws, other_ws = torch.zeros(2, 6, 3), torch.ones(2, 6, 3)
    crossovers = {stylegan2.draw_crossover(6).item() for _ in range(400)}
    assert crossovers == {1, 2, 3, 4, 5, 6}
    result = stylegan2.mixed(ws, other_ws, torch.tensor(2))
    assert result[:, :, 0].tolist() == [[0.0, 0.0, 1.0, 1.0, 1.0, 1.0]] * 2


def test_the_average_copies_buffers():
    generator, _ = tiny()
    average = stylegan2.average_of(generator)
    with torch.no_grad():
        for tensor in (*generator.parameters(), *generator.buffers()):
            tensor += 1.0
    before = average.synthesis.constant.clone()
    stylegan2.follow(average, generator, torch.tensor(0.75))
    torch.testing.assert_close(average.synthesis.constant, before + 0.25)
    torch.testing.assert_close(average.mapping.mean, generator.mapping.mean)
    assert stylegan2.half_life(torch.tensor(1000.0)) == 50.0
    assert stylegan2.half_life(torch.tensor(1e6)) == 10_000.0


def test_steps_change_their_own_network_only():
    generator, discriminator = tiny()
    adams = [
        stylegan2.optimizer(network.parameters(), interval)
        for network, interval in ((generator, 4), (discriminator, 16))
    ]
    real_images = torch.randn(4, 3, 16, 16).clamp(-1.0, 1.0)
    mean = torch.zeros(())

    def weights():
        return [
            torch.cat([p.detach().flatten() for p in network.parameters()])
            for network in (generator, discriminator)
        ]

    drawn = stylegan2.draw(generator, 4)
    half = stylegan2.draw(generator, 2)
    noise = torch.randn(2, 3, 16, 16)
    steps = (
        lambda: stylegan2.generator_step(
            generator, discriminator, adams[0], drawn
        ),
        lambda: stylegan2.path_length_step(
            generator, adams[0], half, noise, mean
        ),
        lambda: stylegan2.discriminator_step(
            generator, discriminator, adams[1], real_images, drawn
        ),
        lambda: stylegan2.r1_step(discriminator, adams[1], real_images),
    )
    for number, step in enumerate(steps):
        before = weights()
        losses = step()
        changed = [
            not torch.equal(a, b)
            for a, b in zip(before, weights(), strict=True)
        ]
        assert changed == [number < 2, number >= 2]
        assert all(torch.isfinite(loss).all() for loss in losses.values())
    assert mean > 0.0


def test_penalties_have_the_same_gradients_with_fast_convolutions():
    generator, discriminator = (network.double() for network in tiny())
    generator.synthesis.dtype = discriminator.dtype = torch.float64
    with torch.no_grad():
        for layer in generator.synthesis.styled_layers():
            layer.noise_strength.fill_(0.1)
    drawn = stylegan2.draw(generator, 4)
    for name in ("latents", "other_latents"):
        drawn[name] = drawn[name].double()
    drawn["noises"] = [noise.double() for noise in drawn["noises"]]
    images = torch.randn(4, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    noise = torch.randn(4, 3, 16, 16, dtype=torch.float64)

    def gradients(fast):
        for network in (generator, discriminator):
            for layer in stylegan2.convolutions(network):
                layer.fast = fast
        made, ws = stylegan2.make(generator, drawn)
        path = stylegan2.path_lengths(made, ws, noise).square().sum()
        r1 = stylegan2.r1_penalty(discriminator(images), images)
        scores = discriminator(stylegan2.make(generator, drawn)[0]).sum()
        parameters = [*generator.parameters(), *discriminator.parameters()]
        return torch.autograd.grad(
            path + r1 + scores,
            parameters,
            allow_unused=True,
            materialize_grads=True,
        )

    for plain, fast in zip(gradients(False), gradients(True), strict=True):
        torch.testing.assert_close(fast, plain)


def test_layers_have_the_gain_of_the_activation():
    layer = stylegan2.StyledLayer(4, 6, 5, 8)
    conv, dense = stylegan2.Conv(4, 6, 3), stylegan2.Dense(4, 6, 2.0**0.5)
    with torch.no_grad():
        layer.noise_strength.fill_(0.7)
        for bias in (layer.bias, conv.bias, dense.bias):
            bias.normal_()
    x, w, noise = (
        torch.randn(3, 4, 8, 8),
        torch.randn(3, 5),
        torch.randn(3, 1, 8, 8),
    )

    def activated(x):
        return functional.leaky_relu(x, 0.2) * math.sqrt(2.0)

    def plain(layer, x, *inputs):
        return stylegan2.ModulatedConv.forward(layer, x, *inputs)

    torch.testing.assert_close(
        layer(x, w, noise), activated(plain(layer, x, w) + 0.7 * noise)
    )
    expected = functional.conv2d(x, conv.weight / 6.0, conv.bias, padding=1)
    torch.testing.assert_close(stylegan2.act(conv(x)), activated(expected))
    expected = functional.linear(w[:, :4], dense.weight / 2.0, dense.bias)
    torch.testing.assert_close(
        stylegan2.act(dense(w[:, :4])), activated(expected)
    )


@pytest.mark.parametrize("residual", [True, False])
def test_a_block_and_its_skip_are_averaged(residual):
    torch.manual_seed(2)
    network = stylegan2.Discriminator(
        8, 3, channel_base=64, channel_max=8, residual=residual
    )
    images = torch.randn(4, 3, 8, 8)

    def activated(x, layer, *settings):
        fan_in = layer.weight[0].numel()
        weight = layer.weight / math.sqrt(fan_in)
        x = stylegan2.convolve(x, weight, *settings)
        return functional.leaky_relu(x, 0.2) * math.sqrt(2.0)

    x = activated(images, network.from_rgb)
    y = activated(activated(x, network.conv0_8), network.conv1_8, "down")
    if residual:
        weight = network.skip_8.weight / math.sqrt(8.0)
        y = (y + stylegan2.convolve(x, weight, "down")) / math.sqrt(2.0)
    seen = []
    network.conv_4.register_forward_hook(
        lambda _, inputs, __: seen.append(inputs[0])
    )
    network(images)
    torch.testing.assert_close(seen[0][:, :-1], y)


def test_a_zero_w_leaves_maps_as_they_are():
    generator, _ = tiny()
    for layer in generator.synthesis.styled_layers():
        assert torch.equal(
            layer.style(torch.zeros(1, 6)), torch.ones(1, layer.weight.shape[1])
        )


def test_the_mapping_has_a_hundredth_of_the_rate():
    layer = stylegan2.Mapping(4, 4, 1).dense_0
    with torch.no_grad():
        layer.weight.copy_(torch.eye(4))
        layer.bias.fill_(1.0)
    # 2 / sqrt(4) and 1, a hundredth of it and sqrt(2) of that.
    x = layer(torch.full((1, 4), 2.0))
    torch.testing.assert_close(x, torch.full((1, 4), 0.02 * math.sqrt(2.0)))


def test_steps_of_penalties_count_as_often_as_they_are_left_out():
    generator, discriminator = tiny()
    images = torch.randn(4, 3, 16, 16, requires_grad=True)
    drawn, noise = stylegan2.draw(generator, 4), torch.randn(4, 3, 16, 16)
    penalty = stylegan2.r1_penalty(discriminator(images), images)
    expected = torch.autograd.grad(penalty, discriminator.conv0_16.weight)[0]
    still = torch.optim.SGD(discriminator.parameters(), 0.0)
    stylegan2.r1_step(discriminator, still, images, gamma=3.0, interval=5)
    gradient = discriminator.conv0_16.weight.grad
    torch.testing.assert_close(gradient, 15.0 * expected)

    made, ws = stylegan2.make(generator, drawn)
    lengths = stylegan2.path_lengths(made, ws, noise)
    penalty, mean = stylegan2.path_length_penalty(lengths, torch.ones(()))
    (expected,) = torch.autograd.grad(penalty, generator.synthesis.constant)
    still = torch.optim.SGD(generator.parameters(), 0.0)
    moving = torch.ones(())
    stylegan2.path_length_step(
        generator, still, drawn, noise, moving, weight=2.0, interval=5
    )
    gradient = generator.synthesis.constant.grad
    torch.testing.assert_close(gradient, 10.0 * expected)
    torch.testing.assert_close(moving, mean)


def test_real_and_fake_images_are_augmented_and_gradients_pass():
    generator, discriminator = tiny()
    still = [
        torch.optim.SGD(network.parameters(), 0.0)
        for network in (generator, discriminator)
    ]
    images = torch.randn(4, 3, 16, 16)
    drawn = stylegan2.draw(generator, 4)
    with torch.no_grad():
        fakes, _ = stylegan2.make(generator, drawn)
    seen = []

    def augment(images):
        seen.append(images.detach())
        return 0.5 * images

    stylegan2.discriminator_step(
        generator, discriminator, still[1], images, drawn, augment=augment
    )
    stylegan2.generator_step(
        generator, discriminator, still[0], drawn, augment=augment
    )
    stylegan2.r1_step(discriminator, still[1], images, augment=augment)
    assert torch.equal(seen[0], images) and torch.equal(seen[3], images)
    torch.testing.assert_close(seen[1], fakes)
    torch.testing.assert_close(seen[2], fakes)
    assert generator.synthesis.constant.grad.any()
    # The penalty is on images before the augmentation.
    loss = stylegan2.r1_step(
        discriminator, still[1], images, augment=augment, gamma=2.0
    )
    inner = (0.5 * images).requires_grad_()
    expected = stylegan2.r1_penalty(discriminator(inner), inner) / 2.0
    torch.testing.assert_close(loss["r1_penalty"], expected.detach())
