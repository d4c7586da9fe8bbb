"""PyTorch mirrors of the classic GANs against numbers known beforehand."""

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from . import (  # noqa: E402
    torch_began,
    torch_improved_gan,
    torch_improved_layers,
    torch_infogan,
    torch_unrolled_gan,
    torch_wgan,
)

pytestmark = pytest.mark.parity

NETWORKS = {
    "wgan_generator": (torch_wgan.Generator, (), 3_576_704),
    "wgan_critic": (torch_wgan.Critic, (), 2_765_568),
    "wgan_mlp_generator": (torch_wgan.PerceptronGenerator, (), 6_880_768),
    "wgan_mlp_critic_64": (torch_wgan.PerceptronCritic, (64, 3, 64), 794_881),
    "wgan_mlp_critic_512": (torch_wgan.PerceptronCritic, (), 6_817_793),
    "began_generator": (torch_began.Generator, (), 1_716_611),
    "began_encoder": (torch_began.Encoder, (), 11_688_768),
    "began_discriminator": (torch_began.Discriminator, (), 13_405_379),
    "began_generator_64": (torch_began.Generator, (64, 3, 64), 563_395),
    "began_discriminator_64": (
        torch_began.Discriminator,
        (64, 3, 64),
        4_011_651,
    ),
    "began_generator_128px": (
        torch_began.Generator,
        (128, 3, 128, 128),
        2_536_067,
    ),
    "began_discriminator_128px": (
        torch_began.Discriminator,
        (128, 3, 128, 128),
        26_367_235,
    ),
    "infogan_generator": (torch_infogan.Generator, (), 6_652_481),
    "infogan_discriminator": (torch_infogan.Discriminator, (), 6_692_431),
    "unrolled_generator": (torch_unrolled_gan.ring_generator, (), 49_666),
    "unrolled_discriminator": (
        torch_unrolled_gan.ring_discriminator,
        (),
        17_025,
    ),
    "unrolled_paper_discriminator": (
        torch_unrolled_gan.Perceptron,
        ((2, 128, 1),),
        513,
    ),
    "improved_generator": (torch_improved_gan.Generator, (), 694_568),
    "improved_discriminator": (torch_improved_gan.Discriminator, (), 1_538_770),
    "minibatch_discrimination": (
        torch_improved_layers.MinibatchDiscrimination,
        (192,),
        96_600,
    ),
    "weight_norm": (
        torch_improved_layers.WeightNormDense,
        (292, 10, True),
        2_940,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_has_the_published_number_of_parameters(name):
    build, arguments, count = NETWORKS[name]
    with torch.device("meta"):
        network = build(*arguments)
    assert sum(p.numel() for p in network.parameters()) == count


PARTS = {"began_encoder", "minibatch_discrimination", "weight_norm"}


@pytest.mark.parametrize("name", [n for n in NETWORKS if n not in PARTS])
def test_names_are_complete(name):
    build, arguments, _ = NETWORKS[name]
    with torch.device("meta"):
        network = build(*arguments)
    names = network.name_map()
    state = [n for n in network.state_dict() if "num_batches" not in n]
    assert sorted(names.values()) == sorted(state)
    assert all(role.count(".") == 1 for role in names)


def test_infogan_counts_of_the_parts():
    with torch.device("meta"):
        network = torch_infogan.Discriminator()
    counts = {"score": 0, "code": 0, "trunk": 0}
    for name, parameter in network.named_parameters():
        part = name.split(".")[0].split("_")[0]
        counts[part if part in counts else "trunk"] += parameter.numel()
    assert counts == {"score": 1025, "code": 133_262, "trunk": 6_558_144}


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def uniform(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def state_of(network):
    return {name: p.detach().clone() for name, p in network.named_parameters()}


def assert_all_changed(network, before):
    for name, parameter in network.named_parameters():
        assert not torch.equal(parameter, before[name]), name


def assert_unchanged(network, before):
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name]), name


class Linear(nn.Module):
    """A critic with one weight for each number."""

    def __init__(self, dimensions):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dimensions))

    def forward(self, x):
        return x @ self.weight


def test_wgan_finds_the_best_linear_critic_of_the_box():
    mean = torch.tensor([0.5] * 5 + [-0.25] * 5)
    critic = Linear(10)
    optimizer = torch_wgan.optimizer(critic)
    for _ in range(400):
        found = torch_wgan.critic_step(
            lambda latents: latents,
            critic,
            optimizer,
            torch.zeros(4, 10),
            mean.repeat(4, 1),
        )
    assert found["wasserstein"] == pytest.approx(0.0375, rel=1e-5)


def test_wgan_clips_gains_and_shifts_too():
    generator = torch_wgan.Generator(16, 1, 4, 8).double()
    critic = torch_wgan.Critic(16, 1, 4).double()
    before = state_of(generator)
    torch_wgan.critic_step(
        generator,
        critic,
        torch_wgan.optimizer(critic),
        normal(3, 1, 16, 16),
        normal(3, 8),
    )
    assert_unchanged(generator, before)
    assert any("main.3" in name for name in critic.name_map().values())
    for parameter in critic.parameters():
        assert parameter.abs().max() <= 0.01
    critic_before = state_of(critic)
    optimizer = torch_wgan.optimizer(generator)
    torch_wgan.generator_step(generator, critic, optimizer, normal(3, 8))
    assert_all_changed(generator, before)
    assert_unchanged(critic, critic_before)


def test_wgan_generator_moves_to_where_the_critic_is_high():
    generator = nn.Linear(1, 1)
    critic = Linear(1)
    critic.weight.data.fill_(0.01)
    before = generator.bias.item()
    optimizer = torch_wgan.optimizer(generator)
    torch_wgan.generator_step(generator, critic, optimizer, torch.ones(2, 1))
    assert generator.bias.item() > before


def test_wgan_critic_steps():
    steps = [torch_wgan.critic_steps(n) for n in (0, 24, 25, 499, 500, 501)]
    assert steps == [100, 100, 5, 5, 100, 5]


def test_began_update_of_k():
    assert torch_began.next_k(0.2, 0.10, 0.03) == pytest.approx(0.20002)
    assert torch_began.convergence(0.10, 0.03) == pytest.approx(0.12)
    assert torch_began.next_k(0.0, 0.1, 0.2) == 0.0
    assert torch_began.next_k(1.0, 0.2, 0.0) == 1.0


@pytest.mark.parametrize("alternating", [False, True])
def test_began_step(alternating):
    generator = torch_began.Generator(16, 1, 4, 3).double()
    discriminator = torch_began.Discriminator(16, 1, 4, 3).double()
    before = state_of(generator), state_of(discriminator)
    real_images, latents = normal(5, 1, 16, 16), normal(5, 3)
    real_loss = torch_began.reconstruction_loss(discriminator, real_images)
    fake_images = generator(latents)
    fake_loss = torch_began.reconstruction_loss(discriminator, fake_images)
    found = torch_began.train_step(
        generator,
        discriminator,
        torch_began.optimizer(generator),
        torch_began.optimizer(discriminator),
        real_images,
        latents,
        latents,
        0.3,
        alternating=alternating,
    )
    assert found["real_loss"] == pytest.approx(real_loss.item())
    assert found["fake_loss"] == pytest.approx(fake_loss.item())
    assert found["d_loss"] == pytest.approx(
        (real_loss - 0.3 * fake_loss).item()
    )
    assert (found["g_loss"] == found["fake_loss"]) != alternating
    assert_all_changed(generator, before[0])
    assert_all_changed(discriminator, before[1])


def test_began_pads_below_and_right():
    encoder = torch_began.Encoder(16, 1, 1, 1)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.zero_()
        # The one that is seen from its first row and column only.
        for layer in (
            "image",
            "conv_16_1",
            "conv_16_2",
            "conv_8_1",
            "conv_8_2",
        ):
            getattr(encoder, layer).weight[0, 0, 1, 1] = 1.0
        encoder.down_16.weight[0, 0, 0, 0] = 1.0
        encoder.hidden.weight[0, 0] = 1.0
        images = torch.arange(1.0, 257.0).reshape(1, 1, 16, 16)
        assert encoder(images).item() == 1.0


def codes(n=20_001):
    """Categories in turn, and continuous codes that fill (-1, 1)."""
    categorical = torch.eye(10, dtype=torch.float64)[torch.arange(n) % 10]
    values = torch.linspace(-1, 1, n, dtype=torch.float64)
    return categorical, torch.stack([values, -values], dim=1)


@pytest.mark.parametrize(
    "scale, expected", [(1.0, 1 / 3), (0.0, 0.0), (-1.0, -1.0)]
)
def test_infogan_ceilings(scale, expected):
    categorical, continuous = codes()
    outputs = torch.zeros(len(categorical), 14, dtype=torch.float64)
    outputs[:, :10] = 100.0 * categorical
    outputs[:, 10], outputs[:, 12] = (scale * continuous).T
    outputs[:, 11] = outputs[:, 13] = 5.0
    discrete, found = torch_infogan.mutual_information(
        outputs, categorical, continuous
    )
    torch.testing.assert_close(
        discrete, torch.full_like(discrete, math.log(10))
    )
    assert found.mean().item() == pytest.approx(expected, abs=1e-4)
    _, found = torch_infogan.mutual_information(
        outputs, categorical, continuous, fixed_std=False
    )
    # Log variance 5 for each of the two codes.
    squares = (continuous - scale * continuous) ** 2 * math.exp(-5)
    expected = 0.5 * (continuous**2 - squares - 5).sum(dim=1)
    torch.testing.assert_close(found, expected)


def test_infogan_ignored_codes_carry_nothing():
    categorical, continuous = codes()
    outputs = torch.zeros(len(categorical), 14, dtype=torch.float64)
    found = torch_infogan.mutual_information(outputs, categorical, continuous)
    for term in found:
        torch.testing.assert_close(term, torch.zeros_like(term))


def test_infogan_steps():
    generator = torch_infogan.Generator(8, 2, 6, 17).double()
    discriminator = torch_infogan.Discriminator(8, 2, 6, 5).double()
    categorical, continuous = codes(8)
    given = (uniform(8, 5), categorical, continuous)
    g_optimizer, d_optimizer = torch_infogan.optimizers(
        generator, discriminator
    )
    before = state_of(generator), state_of(discriminator)
    images = uniform(8, 1, 8, 8)
    torch_infogan.discriminator_step(
        generator, discriminator, d_optimizer, images, *given
    )
    assert_unchanged(generator, before[0])
    after = state_of(discriminator)
    # The log variances are of no effect.
    for name in ("code.weight", "code.bias"):
        assert torch.equal(after[name][[11, 13]], before[1][name][[11, 13]])
        assert not torch.equal(after[name][10], before[1][name][10])
    assert not torch.equal(after["down_1.weight"], before[1]["down_1.weight"])
    torch_infogan.generator_step(generator, discriminator, g_optimizer, *given)
    assert_unchanged(discriminator, after)
    assert not torch.equal(
        state_of(generator)["dense_1.weight"], before[0]["dense_1.weight"]
    )


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_infogan_both_players_gain_by_information(player):
    generator = torch_infogan.Generator(8, 2, 6, 17).double()
    discriminator = torch_infogan.Discriminator(8, 2, 6, 5).double()
    categorical, continuous = codes(8)
    noise, images = uniform(8, 5), uniform(8, 1, 8, 8)
    latents = torch.cat([noise, categorical, continuous], dim=1)
    scores, outputs = discriminator(generator(latents))
    log_q = torch.log_softmax(outputs[:, :10], dim=1)[categorical == 1].mean()
    means = outputs[:, [10, 12]]
    squares = 0.5 * ((continuous - means) ** 2).sum(dim=1).mean()
    real_scores, _ = discriminator(images)
    loss = 0.7 * (squares - log_q)
    if player == "generator":
        loss = loss - functional.logsigmoid(scores).mean()
        name, network = "dense_1.weight", generator
    else:
        loss = loss - functional.logsigmoid(real_scores).mean()
        loss = loss - functional.logsigmoid(-scores).mean()
        name, network = "down_1.weight", discriminator
    weight = network.get_parameter(name)
    (expected,) = torch.autograd.grad(loss, weight)
    g_optimizer, d_optimizer = torch_infogan.optimizers(
        generator, discriminator
    )
    given = (noise, categorical, continuous, 0.7)
    if player == "generator":
        torch_infogan.generator_step(
            generator, discriminator, g_optimizer, *given
        )
    else:
        torch_infogan.discriminator_step(
            generator, discriminator, d_optimizer, images, *given
        )
    torch.testing.assert_close(weight.grad, expected)


def bilinear_gradient(g, d, steps, constant=False, rate=0.1):
    """Of f = g d for g, after d took steps of SGD to make f larger."""
    weights = {"g": torch.tensor(g, dtype=torch.float64, requires_grad=True)}
    ahead = torch_unrolled_gan.unroll(
        lambda found: -weights["g"] * found["d"],
        {"d": torch.tensor(d, dtype=torch.float64, requires_grad=True)},
        None,
        lambda found, gradients, state: (
            {"d": found["d"] - rate * gradients["d"]},
            state,
        ),
        steps,
        constant,
    )
    loss = weights["g"] * ahead["d"]
    return torch_unrolled_gan.gradients(loss, weights)["g"].item()


def test_unrolled_gradient_of_a_product():
    found = [
        bilinear_gradient(0.7, -0.3, 5),
        bilinear_gradient(0.7, -0.3, 5, constant=True),
        bilinear_gradient(0.7, -0.3, 0),
    ]
    assert found == pytest.approx([0.40, 0.05, -0.30])


@pytest.mark.parametrize(
    "steps, constant, radius",
    [(0, False, 144.8), (1, True, 1.02), (1, False, 0.0068)],
)
def test_unrolled_dynamics_of_a_product(steps, constant, radius):
    g, d = 1.0, 0.0
    for _ in range(1000):
        gradient = bilinear_gradient(g, d, steps, constant)
        g, d = g - 0.1 * gradient, d + 0.1 * g
    assert math.hypot(g, d) == pytest.approx(radius, rel=0.01)


def unrolled_game():
    torch.manual_seed(0)
    generator = torch_unrolled_gan.ring_generator(3, 4).double()
    discriminator = torch_unrolled_gan.ring_discriminator(4).double()
    real, latents = normal(6, 2), normal(6, 3, seed=1)
    weights = torch_unrolled_gan.weights_of(discriminator)
    state = torch_unrolled_gan.zero_state(weights)
    for seed in range(3):
        gradients = {n: normal(*w.shape, seed=seed) for n, w in weights.items()}
        _, state = torch_unrolled_gan.adam(weights, gradients, state)
    return generator, discriminator, weights, state, real, latents


def test_unrolled_adam_is_adam():
    start = normal(5)
    parameter = nn.Parameter(start.clone())
    optimizer = torch.optim.Adam([parameter], 0.01, (0.5, 0.999), 1e-30)
    weights, state = {"w": start}, torch_unrolled_gan.zero_state({"w": start})
    for seed in range(4):
        gradient = normal(5, seed=seed + 1)
        parameter.grad = gradient
        optimizer.step()
        weights, state = torch_unrolled_gan.adam(
            weights, {"w": gradient}, state, 0.01, epsilon=0.0
        )
    torch.testing.assert_close(weights["w"], parameter.detach())
    assert state[2] == 4


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_unrolled_gradients_are_those_of_the_loss(steps):
    generator, discriminator, weights, state, real, latents = unrolled_game()
    # A rate at which the steps matter.
    settings = {"learning_rate": 0.05}
    others = (discriminator, weights, state, real, latents, steps)
    start = torch_unrolled_gan.weights_of(generator)
    _, found = torch_unrolled_gan.generator_gradients(
        generator, start, *others, **settings
    )
    _, constant = torch_unrolled_gan.generator_gradients(
        generator, start, *others, constant=True, **settings
    )
    for name, gradient in found.items():
        losses = []
        for change in (1e-5, -1e-5):
            moved = torch_unrolled_gan.weights_of(generator)
            with torch.no_grad():
                moved[name].view(-1)[0] += change
            loss, _ = torch_unrolled_gan.generator_gradients(
                generator, moved, *others, **settings
            )
            losses.append(loss)
        number = (losses[0] - losses[1]) / 2e-5
        assert gradient.view(-1)[0].item() == pytest.approx(number, rel=1e-4)
        agrees = torch.allclose(gradient, constant[name], rtol=1e-3)
        assert agrees == (steps == 0)


def test_unrolled_step_leaves_the_discriminator_at_its_own_step():
    generator, discriminator, weights, state, real, latents = unrolled_game()
    start = torch_unrolled_gan.weights_of(generator)
    losses, g_result, d_result = torch_unrolled_gan.train_step(
        generator,
        start,
        torch_unrolled_gan.zero_state(start),
        discriminator,
        weights,
        state,
        real,
        latents,
    )
    fake = generator(latents).detach()
    loss = torch_unrolled_gan.objective(discriminator, weights, real, fake)
    expected = functional.binary_cross_entropy_with_logits(
        discriminator(real), torch.ones(6, 1, dtype=torch.float64)
    ) + functional.binary_cross_entropy_with_logits(
        discriminator(fake), torch.zeros(6, 1, dtype=torch.float64)
    )
    torch.testing.assert_close(loss, expected)
    assert losses["d_loss"] == pytest.approx(loss.item())
    gradients = torch_unrolled_gan.gradients(loss, weights)
    moved, new_state = torch_unrolled_gan.adam(weights, gradients, state)
    for name, value in moved.items():
        torch.testing.assert_close(d_result[0][name], value.detach())
        torch.testing.assert_close(d_result[1][0][name], new_state[0][name])
    assert d_result[1][2] == 4 and g_result[1][2] == 1
    # Adam's first step is the rate.
    change = (g_result[0]["out.bias"] - start["out.bias"]).abs()
    expected = torch.full_like(change, 1e-3)
    torch.testing.assert_close(change, expected, rtol=1e-3, atol=0)


def test_minibatch_discrimination():
    layer = torch_improved_layers.MinibatchDiscrimination(3).double()
    same = normal(1, 3).repeat(100, 1)
    out = layer(same)
    assert out.shape == (100, 103)
    torch.testing.assert_close(out[:, :3], same)
    # 99 others, and a bias of -1.
    torch.testing.assert_close(out[:, 3:], torch.full_like(out[:, 3:], 98.0))
    rows = normal(6, 3)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(layer(rows)[order], layer(rows[order]))
    far = layer(1e6 * rows)[:, 3:]
    torch.testing.assert_close(far, torch.full_like(far, -1.0))


def test_minibatch_discrimination_by_halves():
    same = normal(1, 7, 5).repeat(8, 1, 1)
    found = torch_improved_layers.halves_closeness(same)
    torch.testing.assert_close(found, torch.ones_like(found))
    other = torch.cat([same[:4], same[4:] + 1000.0])
    found = torch_improved_layers.halves_closeness(other)
    expected = torch.zeros_like(found)
    expected[:4, :7] = expected[4:, 7:] = 1.0
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("shape", [(64, 3), (64, 3, 4, 4)])
def test_virtual_batch_norm(shape):
    layer = torch_improved_layers.VirtualBatchNorm(3).double()
    reference = 2.0 + 3.0 * normal(*shape)
    plain = functional.batch_norm(reference, None, None, training=True)
    space = tuple(range(2, len(shape)))
    # An image of the reference batch's statistics.
    axes = (0, *space)
    mean = reference.mean(dim=axes, keepdim=True)
    std = reference.std(dim=axes, keepdim=True, correction=0)
    live, found = layer(mean + std * torch.ones(shape[1:]), reference)
    torch.testing.assert_close(found, plain)
    if space:
        signs = torch.ones(shape[2:])
        signs[::2] = -1.0
        live, _ = layer(mean + std * signs, reference)
        torch.testing.assert_close(
            live, signs.expand_as(live).to(live), rtol=1e-5, atol=1e-5
        )
    zeros = torch.zeros(shape, dtype=torch.float64)
    live, _ = layer(zeros + 1.0, zeros)
    variance = 1 / 65 - (1 / 65) ** 2 + 1e-5
    torch.testing.assert_close(
        live, torch.full_like(live, (1 - 1 / 65) / math.sqrt(variance))
    )


def test_smoothed_labels_at_the_equilibrium():
    scores = torch.full((4,), -0.5108256, dtype=torch.float64)
    found = [
        torch_improved_gan.smoothed_cross_entropy(scores, target).item()
        for target in (0.75, 0.0, 0.375)
    ]
    assert found == pytest.approx([0.2908, 0.4700, 0.0], abs=5e-5)


def test_feature_matching():
    real = 1.0 + torch.tensor([[0.5], [-0.5]]) * torch.ones(2, 6)
    fake = torch.zeros(3, 6)
    found = [
        torch_improved_gan.feature_matching(real, fake, form).item()
        for form in ("mean_square", "mean_absolute", "squared_norm")
    ]
    assert found == pytest.approx([1.0, 1.0, 6.0])
    assert torch_improved_gan.feature_matching(real, real).item() == 0.0


def test_class_losses():
    logits = torch.full((2, 10), -math.log(10))
    # Z is 1, D is 1/2.
    found = torch_improved_gan.unlabelled_loss(logits, logits).item()
    assert found == pytest.approx(math.log(2))
    found = torch_improved_gan.saturating_loss(logits).item()
    assert found == pytest.approx(-math.log(2))
    probabilities = torch.softmax(normal(4, 3), dim=1)
    z = 5.0
    found = torch_improved_gan.unlabelled_loss(
        torch.log(z * probabilities), torch.log(2 * z * probabilities)
    )
    expected = -0.5 * math.log(5 / 6) - 0.5 * math.log(1 - 10 / 11)
    assert found.item() == pytest.approx(expected)
    loss = torch_improved_gan.labelled_loss(logits, torch.tensor([0, 7]))
    assert loss.item() == pytest.approx(math.log(10))


def test_historical_averages():
    past = [normal(2, 3, seed=seed) for seed in range(3)]
    averages = [torch.zeros(2, 3, dtype=torch.float64)]
    for count, parameter in enumerate(past, 1):
        averages = torch_improved_gan.next_averages(
            averages, [parameter], count
        )
    mean = sum(past) / 3
    torch.testing.assert_close(averages[0], mean)
    now = normal(2, 3, seed=9)
    found = torch_improved_gan.historical_average_penalty([now], averages)
    torch.testing.assert_close(found, ((now - mean) ** 2).sum())


def test_weight_norm_initialization():
    layer = torch_improved_layers.WeightNormDense(4, 3).double()
    out = layer.initialize(normal(500, 4))
    torch.testing.assert_close(out.mean(dim=0), torch.zeros_like(out[0]))
    std = out.std(dim=0, correction=0)
    torch.testing.assert_close(std, torch.ones_like(out[0]))
    x = normal(2, 4)
    before = layer(x)
    layer.weight.data *= 7.0
    torch.testing.assert_close(layer(x), before)


def noises(batch, sizes, count):
    return [
        [normal(batch, s, seed=10 * i + j) for j, s in enumerate(sizes)]
        for i in range(count)
    ]


def test_improved_gan_steps():
    torch.manual_seed(0)
    sizes = (9, 7, 6, 5)
    generator = torch_improved_gan.Generator(3, 4, 9).double()
    discriminator = torch_improved_gan.Discriminator(9, sizes[1:], 4).double()
    discriminator.initialize(uniform(50, 9), noises(50, sizes, 1)[0])
    logits, features = discriminator(uniform(50, 9), noises(50, sizes, 1)[0])
    torch.testing.assert_close(
        logits.mean(dim=0), torch.zeros_like(logits[0]), atol=1e-9, rtol=0
    )
    assert features.shape == (50, 5) and features.min() >= 0
    before = state_of(generator), state_of(discriminator)
    torch_improved_gan.discriminator_step(
        generator,
        discriminator,
        torch_improved_gan.Adam(discriminator),
        uniform(8, 9),
        torch.arange(8) % 4,
        uniform(8, 9, seed=1),
        uniform(8, 3),
        noises(8, sizes, 3),
    )
    assert_unchanged(generator, before[0])
    assert_all_changed(discriminator, before[1])
    after = state_of(discriminator)
    found = torch_improved_gan.generator_step(
        generator,
        discriminator,
        torch_improved_gan.Adam(generator),
        uniform(8, 9, seed=2),
        uniform(8, 3),
        noises(8, sizes, 2),
    )
    assert found["loss"] > 0
    assert_all_changed(generator, before[0])
    assert_unchanged(discriminator, after)


def test_improved_adam_has_epsilon_under_the_root():
    layer = nn.Linear(1, 1, bias=False)
    optimizer = torch_improved_gan.Adam(layer, 0.5, epsilon=9.0)
    before = layer.weight.item()
    layer.weight.grad = torch.full((1, 1), 4.0)
    optimizer.step()
    assert before - layer.weight.item() == pytest.approx(0.5 * 4 / 5)
    layer.weight.grad = torch.zeros(1, 1)
    before = layer.weight.item()
    optimizer.step()
    mean, square = 1.0 / 0.75, 0.999 * 0.016 / (1 - 0.999**2)
    assert before - layer.weight.item() == pytest.approx(
        0.5 * mean / math.sqrt(square + 9.0), rel=1e-5
    )
