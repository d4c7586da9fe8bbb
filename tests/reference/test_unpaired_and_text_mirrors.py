"""Mirrors of CUT, SeqGAN, StackGAN, XGAN and R3GAN against known numbers."""

import copy
import itertools
import math

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from . import torch_cut as cut  # noqa: E402
from . import torch_r3gan as r3gan  # noqa: E402
from . import torch_seqgan as seqgan  # noqa: E402
from . import torch_stackgan as stackgan  # noqa: E402
from . import torch_xgan as xgan  # noqa: E402

pytestmark = pytest.mark.parity

# From the authors' code, or counted from their tables of layers.
NETWORKS = [
    (cut.Generator, {}, 11_378_179),
    (cut.Generator, {"blocks": 6}, 7_837_699),
    (cut.Discriminator, {}, 2_764_737),
    (cut.Projection, {"channels": (3, 128, 256, 256, 256)}, 560_384),
    (seqgan.Generator, {}, 333_320),
    (seqgan.Discriminator, {}, 7_045_402),
    (stackgan.Augmentation, {}, 262_400),
    (stackgan.FirstGenerator, {}, 14_264_192),
    (stackgan.Discriminator, {"stage": 1}, 4_029_824),
    (stackgan.SecondGenerator, {}, 26_290_080),
    (stackgan.Discriminator, {"stage": 2}, 48_603_520),
    (xgan.Autoencoders, {}, 17_772_928),
    (xgan.OwnEncoder, {"channels": 3, "width": 32}, 34_496),
    (xgan.OwnDecoder, {"channels": 3, "width": 32}, 658_816),
    (
        xgan.SharedEncoder,
        {"width": 32, "smallest": 4, "dim": 1024},
        5_899_008,
    ),
    (
        xgan.SharedDecoder,
        {"width": 32, "smallest": 4, "dim": 1024},
        10_487_296,
    ),
    (xgan.Discriminator, {}, 42_432),
    (xgan.DomainClassifier, {}, 3_146_752),
    *(
        (network, {"widths": widths, **options}, count)
        for widths, options, *counts in (
            (4 * [768], {"classes": 10}, 20_781_952, 21_280_512),
            (4 * [768], {}, 20_732_160, 20_683_776),
            ([*4 * [768], 384], {}, 22_429_824, 22_381_440),
            ([*4 * [768], 384, 192, 96], {}, 23_057_952, 23_009_568),
            (
                4 * [1536],
                {"classes": 1000, "group": 32},
                82_914_304,
                86_548_992,
            ),
            (
                5 * [1536],
                {"classes": 1000, "group": 32},
                103_570_432,
                107_205_120,
            ),
            ([*4 * [128], 64], {}, 912_064, 904_000),
            ([*4 * [160], 80], {}, 1_316_720, 1_306_640),
            ([*4 * [192], 96], {}, 1_792_032, 1_779_936),
            ([*4 * [96], 48], {"blocks": 1}, 295_248, 289_200),
            (4 * [64], {"blocks": 1}, 145_600, 141_568),
        )
        for network, count in zip(
            (r3gan.Generator, r3gan.Discriminator), counts, strict=True
        )
    ),
    (r3gan.Block, {"width": 768, "group": 16, "blocks": 8}, 2_583_552),
]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("network, arguments, count", NETWORKS)
def test_has_the_known_number_of_parameters(network, arguments, count):
    with torch.device("meta"):
        built = network(**arguments)
    assert sum(p.numel() for p in built.parameters()) == count


def moved(network, before):
    """Names of the parameters that are not those of a copy."""
    old = dict(before.named_parameters())
    return {
        name
        for name, parameter in network.named_parameters()
        if not torch.equal(parameter, old[name])
    }


def directional(function, parameters, step=1e-6):
    """Central difference of a function along its own gradient, and |g|."""
    gradients = torch.autograd.grad(function(), parameters)
    norm = math.sqrt(sum((g**2).sum().item() for g in gradients))

    def move(sign):
        with torch.no_grad():
            for p, g in zip(parameters, gradients, strict=True):
                p += sign * step * g / norm

    values = []
    for sign in (1.0, -2.0):
        move(sign)
        values.append(function().item())
    move(1.0)
    return (values[0] - values[1]) / (2 * step), norm


# CUT


def outer(filter_):
    row = torch.tensor(filter_)
    return row[:, None] * row[None, :]


def test_blurs_are_the_authors_convolutions(float64):
    x = torch.randn(2, 3, 6, 8)
    kernel = outer([1.0, 2.0, 1.0]).expand(3, 1, 3, 3) / 16.0
    padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
    expected = functional.conv2d(padded, kernel, stride=2, groups=3)
    torch.testing.assert_close(cut.Halve()(x), expected)
    kernel = outer([1.0, 3.0, 3.0, 1.0]).expand(3, 1, 4, 4) / 16.0
    padded = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    expected = functional.conv_transpose2d(
        padded, kernel, stride=2, padding=2, groups=3
    )[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(cut.Double()(x), expected)
    odd = cut.Halve()(torch.ones(1, 1, 255, 7))
    assert odd.shape == (1, 1, 128, 4) and (odd == 1.0).all()


def test_shapes_of_cuts_features_and_scores():
    with torch.device("meta"):
        generator, discriminator = cut.Generator(), cut.Discriminator()
        images = torch.zeros(1, 3, 256, 256)
        shapes = [tuple(x.shape[1:]) for x in generator.features(images)]
        assert generator(images).shape == images.shape
        assert discriminator(images).shape == (1, 1, 30, 30)
    assert shapes == [
        (3, 262, 262),
        (128, 256, 256),
        (256, 128, 128),
        (256, 64, 64),
        (256, 64, 64),
    ]


def test_a_score_of_cut_sees_84_pixels(float64):
    discriminator = cut.Discriminator(1, 2)
    for i, module in enumerate(discriminator.model):
        # Its statistics are of all pixels.
        if isinstance(module, torch.nn.InstanceNorm2d):
            discriminator.model[i] = torch.nn.Identity()
    for p in discriminator.parameters():
        torch.nn.init.ones_(p)
    image = torch.zeros(1, 1, 128, 128, requires_grad=True)
    scores = discriminator(image)
    (gradient,) = torch.autograd.grad(scores[0, 0, 6, 6], image)
    rows = gradient[0, 0].abs().sum(1).nonzero()
    assert rows.max() - rows.min() + 1 == 84


def unit(*shape):
    return functional.normalize(torch.randn(shape), dim=-1)


def test_golden_values_of_patch_nce(float64):
    same = unit(1, 1, 16).expand(2, 256, 16)
    expected = torch.full((2, 256), math.log(256))
    torch.testing.assert_close(cut.patch_nce(same, same), expected)
    q, k = unit(2, 256, 256), unit(2, 256, 256)
    assert cut.patch_nce(q, q).mean() == pytest.approx(2.4e-4, rel=0.2)
    assert cut.patch_nce(q, k).mean() == pytest.approx(6.01, abs=0.1)


def test_negatives_of_patch_nce_are_of_the_same_image(float64):
    q, k = unit(2, 5, 8), unit(2, 5, 8)
    found = cut.patch_nce(q, k)
    for image in range(2):
        for i in range(5):
            logits = [q[image, i] @ k[image, i] / 0.07]
            for j in range(5):
                if j != i:
                    logits.append(q[image, i] @ k[image, j] / 0.07)
            expected = torch.stack(logits).logsumexp(0) - logits[0]
            # The diagonal's exp(-10 / .07) is 1e-62.
            torch.testing.assert_close(found[image, i], expected)


SMALL = (0, 4, 8, 12)


def small_cut():
    generator = cut.Generator(1, 1, 4, 2)
    projection = cut.Projection((1, 8, 16, 16), 6)
    networks = generator, cut.Discriminator(1, 2, 2), projection
    for network in networks:
        for p in network.parameters():
            torch.nn.init.normal_(p, 0.0, 0.3)
    return networks


def positions(sizes=(22, 16, 8, 4), count=5):
    return [torch.randperm(n * n)[:count] for n in sizes]


def test_keys_of_cut_get_no_gradient(float64):
    generator, _, projection = small_cut()
    source = torch.randn(2, 1, 16, 16, requires_grad=True)
    output = torch.randn(2, 1, 16, 16, requires_grad=True)
    loss = cut.contrastive_loss(
        generator, projection, source, output, positions(), layers=SMALL
    )
    gradients = torch.autograd.grad(loss, [source, output], allow_unused=True)
    assert gradients[0] is None
    assert gradients[1].abs().max() > 0


def test_positions_of_cut_go_along_rows(float64):
    projection = cut.Projection((1,), 1)
    seen = []
    projection.mlp_0 = torch.nn.Identity()
    projection.mlp_0.register_forward_hook(lambda m, i, o: seen.append(o))
    x = torch.arange(12.0).reshape(1, 1, 3, 4) + 1.0
    (vectors,) = projection([x], [[6, 1]])
    assert seen[0].flatten().tolist() == [x[0, 0, 1, 2], x[0, 0, 0, 1]]
    torch.testing.assert_close(vectors, torch.ones(1, 2, 1))


def test_flipped_queries_are_where_their_keys_are(float64):
    generator = small_cut()[0]
    projection, (where, *_) = cut.Projection((1,), 6), positions()
    source = torch.randn(2, 1, 16, 16)

    def loss(output, flipped):
        return cut.contrastive_loss(
            generator,
            projection,
            source,
            output,
            [where],
            flipped=flipped,
            layers=(0,),
        )

    expected = loss(source, False)
    torch.testing.assert_close(loss(source.flip(3), True), expected)
    assert loss(source.flip(3), False) > expected


@pytest.mark.parametrize("fast", [False, True])
def test_a_step_of_cut(fast, float64):
    networks = small_cut()
    generator, discriminator, projection = networks
    before = copy.deepcopy(networks)
    optimizers = [torch.optim.SGD(n.parameters(), 0.1) for n in networks]
    a, b = torch.randn(2, 2, 1, 16, 16).unbind()
    places = positions(), positions()
    losses = cut.train_step(
        *networks,
        *optimizers,
        a,
        b,
        places[0],
        None if fast else places[1],
        10.0 if fast else 1.0,
        fast,
        SMALL,
    )
    nce = losses["nce"] if fast else (losses["nce"] + losses["identity"]) / 2
    assert losses["g_loss"] == pytest.approx(losses["adversarial"] + nce)
    assert (losses["identity"] == 0.0) == fast
    for network, old in zip(networks, before, strict=True):
        names = {name for name, _ in old.named_parameters()}
        assert {n for n in names if "weight" in n} <= moved(network, old)
    # The generator's loss, of the discriminator after its own step.
    generator, projection = before[0], before[2]

    def loss():
        fake = generator(a.flip(3) if fast else a)
        value = ((discriminator(fake) - 1.0) ** 2).mean()
        pairs = [(a, fake, places[0])]
        if not fast:
            pairs.append((b, generator(b), places[1]))
        for source, output, where in pairs:
            value = value + (10.0 if fast else 0.5) * cut.contrastive_loss(
                generator,
                projection,
                source,
                output,
                where,
                flipped=fast,
                layers=SMALL,
            )
        return value

    assert loss().item() == pytest.approx(losses["g_loss"])
    weights = [*generator.parameters(), *projection.parameters()]
    expected = torch.autograd.grad(loss(), weights)
    found = [p.grad for n in (networks[0], networks[2]) for p in n.parameters()]
    torch.testing.assert_close(found, list(expected))


def test_every_array_of_cut_has_a_role():
    for network in small_cut():
        names = network.name_map()
        assert list(names.values()) == list(network.state_dict())


# SeqGAN


def small_seqgan(words=5, length=4):
    generator = seqgan.Generator(words, 3, 4, 1.0)
    discriminator = seqgan.Discriminator(words, 3, (1, 2, length), (2, 3, 2))
    return generator, discriminator


def test_a_discriminator_of_seqgan_has_the_parameters_of_each_layer():
    with torch.device("meta"):
        layers = dict(seqgan.Discriminator().named_children())
    counts = {
        name: sum(p.numel() for p in layer.parameters())
        for name, layer in layers.items()
    }
    assert counts["embedding"] == 320_000
    assert counts["transform"] + counts["gate"] == 5_920_240
    assert counts["output"] == 3_442
    convs = [n for name, n in counts.items() if name.startswith("conv")]
    assert sum(convs) == 801_720


def test_the_lstm_is_pytorchs(float64):
    generator = small_seqgan()[0]
    lstm = torch.nn.LSTM(3, 4, batch_first=True)
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(generator.kernel.T)
        lstm.weight_hh_l0.copy_(generator.recurrent_kernel.T)
        lstm.bias_ih_l0.copy_(generator.bias)
        lstm.bias_hh_l0.zero_()
    words = torch.randint(0, 5, (6, 4))
    inputs = torch.cat([torch.zeros(6, 1, dtype=torch.long), words], 1)[:, :-1]
    hidden, _ = lstm(generator.embeddings[inputs])
    expected = hidden @ generator.output_kernel + generator.output_bias
    torch.testing.assert_close(generator(words), expected)


def test_the_authors_weights_of_seqgan(float64):
    generator = small_seqgan()[0]
    shapes = [(5, 3), *4 * [(3, 4), (4, 4), (4,)], (4, 5), (5,)]
    arrays = [torch.randn(shape) for shape in shapes]
    seqgan.lay_authors_weights(generator, arrays)
    h, c = torch.randn(2, 1, 4).unbind()
    logits, new_h, _ = generator.step(torch.tensor([2]), h, c)

    def gate(i, function):
        w, u, b = arrays[1 + 3 * i : 4 + 3 * i]
        return function(arrays[0][2] @ w + h @ u + b)

    enter, forget, out = (gate(i, torch.sigmoid) for i in range(3))
    cell = forget * c + enter * gate(3, torch.tanh)
    torch.testing.assert_close(new_h, out * cell.tanh())
    torch.testing.assert_close(logits, new_h @ arrays[13] + arrays[14])


def test_words_are_sampled_with_their_probabilities(float64):
    logits = torch.tensor([0.5, 0.1, 0.4]).log().expand(1000, 3)
    uniform = (torch.arange(1000) + 0.5) / 1000
    words = seqgan.inverse_cdf(logits, uniform)
    assert words.bincount().tolist() == [500, 100, 400]
    assert (words.diff() >= 0).all()
    words = seqgan.gumbel(logits.repeat(100, 1), torch.rand(100_000, 3))
    shares = words.bincount() / 100_000
    torch.testing.assert_close(shares, logits[0].exp(), rtol=0.0, atol=0.01)


@pytest.mark.parametrize("choose", [seqgan.inverse_cdf, seqgan.gumbel])
def test_sampling_starts_with_the_prefix(choose, float64):
    generator = small_seqgan()[0]
    shape = (6, 4) if choose is seqgan.inverse_cdf else (6, 4, 5)
    noise = torch.rand(shape)
    words = seqgan.sample(generator, noise, choose)
    # The same numbers make the same words, after any prefix of these.
    for given in range(5):
        again = seqgan.sample(generator, noise, choose, words[:, :given])
        assert torch.equal(again, words)
    other = seqgan.sample(generator, noise, choose, 4 - words[:, :2])
    assert torch.equal(other[:, :2], 4 - words[:, :2])
    # Logits are those with which the words were sampled.
    logits = generator(words)
    for t in range(4):
        assert torch.equal(choose(logits[:, t], noise[:, t]), words[:, t])


@pytest.mark.parametrize("position", range(4))
def test_a_reward_is_that_of_its_own_position(position):
    generator = small_seqgan()[0]
    noise, rollouts = torch.rand(8, 4), torch.rand(7, 3, 8, 4)
    words = seqgan.sample(generator, noise)
    sampled = []

    def score(sequences):
        sampled.append(sequences)
        return sequences[:, position].float()

    found = seqgan.rewards(generator, score, words, rollouts)
    assert found.shape == (8, 4)
    for t in range(4):
        if t >= position:
            assert torch.equal(found[:, t], words[:, position].float())
        else:
            mean = sum(s[:, position] for s in sampled[7 * t : 7 * t + 7]) / 7
            torch.testing.assert_close(found[:, t], mean.float())
            assert (found[:, t] != words[:, position]).any()


def test_the_policy_gradient_is_that_of_the_expected_reward(float64):
    generator = small_seqgan(words=3)[0]
    sequences = torch.tensor(list(itertools.product(range(3), repeat=3)))
    rewards = torch.rand(27)
    log_probabilities = generator.log_probabilities(sequences).detach()
    probabilities = log_probabilities.sum(1).exp()
    assert probabilities.sum() == pytest.approx(1.0)
    # Exact mean over all sequences that go on after the first t + 1 words.
    values = torch.zeros(27, 3)
    for t in range(3):
        for i, words in enumerate(sequences):
            same = (sequences[:, : t + 1] == words[: t + 1]).all(1)
            mean = (probabilities * rewards)[same].sum()
            values[i, t] = mean / probabilities[same].sum()
    weights = list(generator.parameters())

    def gradient(baseline):
        scaled = probabilities[:, None] * (values - baseline)
        loss = seqgan.policy_loss(generator, sequences, scaled)
        return torch.autograd.grad(loss, weights)

    exact = generator.log_probabilities(sequences).sum(1).exp() @ rewards
    expected = [-g for g in torch.autograd.grad(exact, weights)]
    torch.testing.assert_close(list(gradient(0.0)), expected)
    # A constant for each position changes no expectation.
    torch.testing.assert_close(list(gradient(torch.rand(3))), expected)
    centered = seqgan.centered(values)
    torch.testing.assert_close(centered.mean(0), torch.zeros(3))
    torch.testing.assert_close(centered.diff(dim=0), values.diff(dim=0))


@pytest.mark.parametrize("loss", ["likelihood", "policy", "discriminator"])
def test_gradients_of_seqgans_losses(loss, float64):
    generator, discriminator = small_seqgan()
    words, values = torch.randint(0, 5, (6, 4)), torch.rand(6, 4)
    keep = (torch.rand(6, 7) < 0.75) / 0.75
    functions = {
        "likelihood": lambda: seqgan.likelihood_loss(generator, words),
        "policy": lambda: seqgan.policy_loss(generator, words, values),
        "discriminator": lambda: seqgan.discriminator_loss(
            discriminator, words, torch.tensor([0, 1, 1, 0, 1, 0]), keep
        ),
    }
    network = discriminator if loss == "discriminator" else generator
    found, norm = directional(functions[loss], list(network.parameters()))
    assert found == pytest.approx(norm, rel=1e-6)


def test_losses_of_seqgan_by_hand(float64):
    generator, discriminator = small_seqgan()
    for p in generator.parameters():
        torch.nn.init.zeros_(p)
    words = torch.randint(0, 5, (6, 4))
    nll = seqgan.likelihood_loss(generator, words)
    assert nll.item() == pytest.approx(math.log(5))
    ones = seqgan.policy_loss(generator, words, torch.ones(6, 4))
    assert ones.item() == pytest.approx(24 * math.log(5))
    torch.nn.init.ones_(discriminator.output.weight)
    torch.nn.init.ones_(discriminator.output.bias)
    real = torch.tensor([0, 1, 1, 0, 1, 0])
    loss = seqgan.discriminator_loss(discriminator, words, real)
    # 16 ones, halved.
    assert loss.item() == pytest.approx(math.log(2) + 0.2 * 8.0)
    with torch.no_grad():
        discriminator.output.bias.copy_(torch.tensor([0.0, 2.0]))
    scores = discriminator.probabilities(words)
    expected = torch.full((6,), 2.0).sigmoid()
    torch.testing.assert_close(scores, expected)


def test_a_closed_gate_of_the_highway_carries_the_features(float64):
    discriminator = small_seqgan()[1]
    discriminator.output = torch.nn.Identity()
    torch.nn.init.zeros_(discriminator.gate.weight)
    torch.nn.init.constant_(discriminator.gate.bias, -1e3)
    words = torch.randint(0, 5, (6, 4))
    x = discriminator.embedding(words)
    expected = []
    for i, width in enumerate((1, 2, 4)):
        conv = getattr(discriminator, f"conv_{i}")
        windows = [
            torch.einsum("bkd,ndk->bn", x[:, t : t + width], conv.weight)
            for t in range(5 - width)
        ]
        largest = torch.stack(windows).amax(0) + conv.bias
        expected.append(torch.relu(largest))
    torch.testing.assert_close(discriminator(words), torch.cat(expected, 1))


def test_steps_of_seqgan(float64):
    networks = small_seqgan()
    before = copy.deepcopy(networks)
    generator, discriminator = networks
    rollouts = torch.rand(3, 3, 6, 4)
    noise = torch.rand(6, 4)
    for baseline in (False, True):
        network, old = copy.deepcopy(generator), before[0]
        optimizer = torch.optim.SGD(network.parameters(), 1.0)
        found = seqgan.policy_step(
            network,
            discriminator,
            optimizer,
            noise,
            rollouts,
            baseline=baseline,
            clip=1e-3,
        )
        steps = [
            p - q
            for p, q in zip(network.parameters(), old.parameters(), strict=True)
        ]
        norm = sum((step**2).sum() for step in steps).sqrt()
        assert norm.item() == pytest.approx(1e-3)
        values = found["rewards"]
        if baseline:
            values = values - values.mean(0)
        loss = -(generator.log_probabilities(found["words"]) * values).sum()
        assert loss.item() == pytest.approx(found["loss"])
        assert not moved(discriminator, before[1])
    words, real = found["words"], torch.tensor([0, 1, 1, 0, 1, 0])
    optimizers = [torch.optim.SGD(n.parameters(), 0.1) for n in networks]
    keep = (torch.rand(6, 7) < 0.75) / 0.75
    for _ in range(2):
        losses = (
            seqgan.likelihood_step(generator, optimizers[0], words)["loss"],
            seqgan.discriminator_step(
                discriminator, optimizers[1], words, real, keep
            )["loss"],
        )
    assert losses[0] < seqgan.likelihood_loss(before[0], words)
    first = seqgan.discriminator_loss(before[1], words, real, keep)
    assert losses[1] < first


def test_every_array_of_seqgan_has_a_role():
    for network in small_seqgan():
        names = network.name_map()
        assert list(names.values()) == list(network.state_dict())


# StackGAN


def small_stackgan(stage):
    first = stackgan.FirstGenerator(16, 1, 4, 3, 5, 2)
    discriminator = stackgan.Discriminator(stage, 16, 1, 2, 5, 2)
    networks = [first, discriminator]
    if stage == 2:
        networks.insert(1, stackgan.SecondGenerator(1, 4, 5, 2, 2))
    for network in networks:
        for p in network.parameters():
            center = 1.0 if p.dim() == 1 else 0.0
            torch.nn.init.normal_(p, center, 0.3)
    return networks


def test_shapes_of_stackgan():
    with torch.device("meta"):
        text, z = torch.zeros(2, 1024), torch.zeros(2, 100)
        epsilon = torch.zeros(2, 128)
        images, mean, log_std = stackgan.FirstGenerator()(text, epsilon, z)
        assert mean.shape == log_std.shape == (2, 128)
        assert images.shape == (2, 3, 64, 64)
        large, *_ = stackgan.SecondGenerator()(images, text, epsilon)
        assert large.shape == (2, 3, 256, 256)
        for stage, shown in enumerate((images, large), 1):
            logits = stackgan.Discriminator(stage)(shown, text)
            assert logits.shape == (2,)


def test_each_unit_of_stackgans_first_layer_is_normalized():
    with torch.device("meta"):
        generator = stackgan.FirstGenerator()
    assert generator.norm.weight.shape == (16_384,)


def test_the_divergence_of_stackgan(float64):
    mean, log_std = torch.ones(3, 128), torch.zeros(3, 128)
    divergence = stackgan.kl_divergence(mean, log_std)
    torch.testing.assert_close(divergence, torch.full((3,), 64.0))
    assert stackgan.augmentation_loss(mean, log_std).item() == 1.0
    mean, log_std = torch.randn(2, 3, 4).unbind()
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(
        normal(mean, log_std.exp()), normal(0.0, 1.0)
    )
    found = stackgan.kl_divergence(mean, log_std)
    torch.testing.assert_close(found, expected.sum(1))
    loss = stackgan.augmentation_loss(mean, log_std)
    torch.testing.assert_close(loss, 2.0 * expected.mean())


def test_conditions_have_the_given_moments(float64):
    layer = stackgan.Augmentation(5, 2)
    text, epsilon = torch.randn(3, 5), torch.randn(3, 2)
    c, mean, log_std = layer(text, epsilon)
    both = functional.leaky_relu(layer.dense(text), 0.2)
    assert torch.equal(mean, both[:, :2])
    assert torch.equal(log_std, both[:, 2:])
    torch.testing.assert_close((c - mean) / epsilon, log_std.exp())


def test_a_first_layer_of_stackgan_is_channels_last(float64):
    generator = stackgan.FirstGenerator(32, 1, 1, 3, 5, 2).eval()
    seen = []
    generator.block_1.register_forward_pre_hook(lambda m, i: seen.append(i[0]))
    generator(torch.randn(2, 5), torch.randn(2, 2), torch.randn(2, 3))
    inputs = []
    generator.dense.register_forward_hook(lambda m, i, o: inputs.append(o))
    generator(torch.randn(2, 5), torch.randn(2, 2), torch.randn(2, 3))
    units = generator.norm(inputs[0]).reshape(2, 2, 2, 8)
    assert torch.equal(seen[1], units.permute(0, 3, 1, 2))


def test_losses_of_stackgan_by_hand(float64):
    logits = {1.0: 2.0, 2.0: 1.0, 3.0: -1.0}

    def discriminator(images, text):
        assert (text == 7.0).all()
        return torch.stack([torch.tensor(logits[float(i)]) for i in images])

    text = torch.full((2, 5), 7.0)
    images = [torch.full((2,), float(i)) for i in (1, 2, 3)]
    loss = stackgan.discriminator_loss(discriminator, *images, text)
    softplus = math.log1p(math.exp(-2.0))
    softplus += 0.5 * (math.log1p(math.e) + math.log1p(math.exp(-1.0)))
    assert loss.item() == pytest.approx(softplus)
    zeros = torch.zeros(2, 2)
    adversarial, kl = stackgan.generator_loss(
        discriminator, images[2], text, zeros, zeros
    )
    assert adversarial.item() == pytest.approx(math.log1p(math.e))
    assert kl.item() == 0.0


@pytest.mark.parametrize("stage", [1, 2])
def test_steps_of_stackgan(stage, float64):
    networks = small_stackgan(stage)
    before = copy.deepcopy(networks)
    optimizers = [torch.optim.SGD(n.parameters(), 0.1) for n in networks[-2:]]
    size = 16 if stage == 1 else 64
    real, wrong = torch.randn(2, 4, 1, size, size).unbind()
    text = torch.randn(4, 5)
    dims = (2, 3) if stage == 1 else (2, 3, 2)
    noises = [[torch.randn(4, n) for n in dims] for _ in range(2)]
    step = stackgan.first_stage_step
    if stage == 2:
        step = stackgan.second_stage_step
    losses = step(*networks, *optimizers, real, wrong, text, noises)
    for network, old in zip(networks[-2:], before[-2:], strict=True):
        # A bias before a normalization idles.
        names = {n for n, _ in old.named_parameters() if n.endswith("weight")}
        assert names <= moved(network, old)
    if stage == 2:
        assert not moved(networks[0], before[0])
        mean = networks[0].norm.running_mean
        assert not torch.equal(mean, before[0].norm.running_mean)

    def generate(noise):
        if stage == 1:
            return before[0](text, *noise)
        images = before[0](text, *noise[:2])[0].detach()
        return before[1](images, text, noise[2])

    fake = generate(noises[0])[0]
    values = [before[-1](x, text) for x in (real, wrong, fake)]
    softplus = functional.softplus
    d_loss = softplus(-values[0]).mean()
    d_loss += (softplus(values[1]) + softplus(values[2])).mean() / 2
    assert losses["d_loss"] == pytest.approx(d_loss.item())
    fake, mean, log_std = generate(noises[1])
    kl = 2.0 * (-log_std + (torch.exp(2.0 * log_std) + mean**2 - 1.0) / 2)
    g_loss = softplus(-networks[-1](fake, text)).mean() + kl.mean()
    assert losses["g_loss"] == pytest.approx(g_loss.item())
    weights = list(before[-2].parameters())
    expected = torch.autograd.grad(g_loss, weights)
    found = [p.grad for p in networks[-2].parameters()]
    torch.testing.assert_close(found, list(expected))


@pytest.mark.parametrize("stage", [1, 2])
def test_activations_of_stackgans_encoders(stage, float64):
    discriminator = small_stackgan(stage)[-1].eval()
    outputs = {}

    def keep(name):
        def hook(module, inputs, output):
            outputs[name] = inputs[0], output

        return hook

    for name, module in discriminator.named_children():
        module.register_forward_hook(keep(name))
    size = 16 if stage == 1 else 64
    discriminator(torch.randn(2, 1, size, size), torch.randn(2, 5))
    order = ["down_1", "down_2", "down_3", "down_4"]
    if stage == 2:
        order += ["down_5", "down_6", "narrow_1", "narrow_2"]
    order.append("block")
    linear = {"down_3", "down_4"} if stage == 1 else {"narrow_2"}
    for name, after in itertools.pairwise(order):
        output, seen = outputs[name][1], outputs[after][0]
        leaky = functional.leaky_relu(output, 0.2)
        assert torch.equal(seen, output if name in linear else leaky)
        assert (output < 0.0).any()


def test_every_array_of_stackgan_has_a_role():
    for network in small_stackgan(2):
        state = network.state_dict()
        names = set(network.name_map().values())
        rest = set(state) - names
        assert names <= set(state)
        assert all(name.endswith("num_batches_tracked") for name in rest)


# XGAN


def small_xgan():
    networks = [xgan.Autoencoders(32, 1, 2, 6), xgan.DomainClassifier(6)]
    networks += [xgan.Discriminator(32, 1, 2) for _ in range(2)]
    for network in networks:
        for p in network.parameters():
            center = 1.0 if p.dim() == 1 else 0.0
            torch.nn.init.normal_(p, center, 0.3)
    return networks


def test_shapes_of_xgan():
    with torch.device("meta"):
        autoencoders, images = xgan.Autoencoders(), torch.zeros(2, 3, 64, 64)
        embeddings = autoencoders.encode(images, "a")
        assert embeddings.shape == (2, 1024)
        assert autoencoders.decode(embeddings, "b").shape == images.shape
        assert xgan.Discriminator()(images).shape == (2,)
        assert xgan.DomainClassifier()(embeddings).shape == (2,)


def test_all_pixels_make_an_embedding_as_a_dense_layer(float64):
    shared = small_xgan()[0].shared_encoder
    x = torch.randn(3, 16, 2, 2)
    kernel = shared.dense_1.weight.permute(2, 3, 1, 0).reshape(64, 6)
    expected = x.permute(0, 2, 3, 1).reshape(3, 64) @ kernel
    torch.testing.assert_close(shared.dense_1(x)[:, :, 0, 0], expected)
    shared = small_xgan()[0].shared_decoder
    x = torch.randn(3, 6)
    kernel = shared.dense.weight.permute(0, 2, 3, 1).reshape(6, 128)
    expected = (x @ kernel).reshape(3, 2, 2, 32).permute(0, 3, 1, 2)
    found = shared.dense(x[:, :, None, None])
    torch.testing.assert_close(found, expected)


def test_the_reversal_changes_the_sign_of_a_gradient_alone():
    x = torch.randn(3, requires_grad=True)
    y = xgan.Reversal.apply(x)
    assert torch.equal(y, x)
    (gradient,) = torch.autograd.grad((y**2).sum(), x)
    torch.testing.assert_close(gradient, -2.0 * x)


class Identities:
    """Embeddings are images or, of B, twice as much; decoders add a number."""

    def encode(self, images, domain):
        return images * (2.0 if domain == "b" else 1.0)

    def decode(self, embeddings, domain):
        return embeddings + (1.0 if domain == "b" else 0.5)


def test_losses_of_xgan_by_hand(float64):
    a, b = torch.full((2, 3), 3.0), torch.full((2, 3), 5.0)
    seen = {}

    def judge(domain):
        def scores(images):
            seen[domain] = images
            return images[:, 0]

        return scores

    losses, translations = xgan.generator_losses(
        Identities(),
        lambda embeddings: embeddings[:, 0],
        {domain: judge(domain) for domain in "ab"},
        {"a": a, "b": b},
        teacher=lambda images: images - 2.0,
    )
    # B is encoded as 10 and decoded as 10.5 (A) and 11.
    assert torch.equal(translations["b"], a + 1.0)
    assert torch.equal(translations["a"], b + 5.5)
    assert torch.equal(seen["a"], translations["a"])
    assert torch.equal(seen["b"], translations["b"])
    expected = {
        "reconstruction": 0.5**2 + 6.0**2,
        "semantic": 5.0 + 0.5,
        "domain": math.log1p(math.exp(3.0)) + math.log1p(math.exp(-10.0)),
        "adversarial": 3.0**2 + 9.5**2,
        "teacher": 2.0,
    }
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value), name


def test_cosine_distance_of_xgan(float64):
    x = torch.randn(4, 3)
    assert xgan.cosine(x, 2.0 * x).item() == pytest.approx(0.0, abs=1e-12)
    assert xgan.cosine(x, -x).item() == pytest.approx(2.0)


def test_a_step_of_xgan(float64, monkeypatch):
    networks = small_xgan()
    before = copy.deepcopy(networks)
    autoencoders, classifier, *judges = networks
    images = dict(zip("ab", torch.randn(2, 3, 1, 32, 32), strict=True))
    matrix = torch.randn(32 * 32, 6)
    weights = {"domain": 0.5, "semantic": 2.0, "adversarial": 3.0}
    weights["teacher"] = 4.0

    def teacher(x):
        return x.flatten(1) @ matrix

    first = [*autoencoders.parameters(), *classifier.parameters()]
    second = [p for judge in judges for p in judge.parameters()]
    found = xgan.train_step(
        autoencoders,
        classifier,
        dict(zip("ab", judges, strict=True)),
        torch.optim.SGD(first, 0.1),
        torch.optim.SGD(second, 0.1),
        images,
        weights,
        teacher,
    )
    for network, old in zip(networks, before, strict=True):
        names = {name for name, p in old.named_parameters() if p.dim() > 1}
        assert names <= moved(network, old)
    # The same with a classifier which hides nothing, and signs by hand.
    monkeypatch.setattr(xgan.Reversal, "apply", lambda x: x)
    autoencoders, classifier, *old = before
    losses, translations = xgan.generator_losses(
        autoencoders,
        classifier,
        dict(zip("ab", old, strict=True)),
        images,
        teacher,
    )
    parts = [
        weights.get(name, 1.0) * loss
        for name, loss in losses.items()
        if name != "domain"
    ]
    domain = 0.5 * losses["domain"]
    assert found["g_loss"] == pytest.approx((sum(parts) + domain).item())
    encoding = list(autoencoders.parameters())
    reversed_ = torch.autograd.grad(
        domain, encoding, retain_graph=True, allow_unused=True
    )
    rest = torch.autograd.grad(sum(parts), encoding, retain_graph=True)
    expected = [
        g if d is None else g - d for g, d in zip(rest, reversed_, strict=True)
    ]
    gradients = [p.grad for p in networks[0].parameters()]
    torch.testing.assert_close(gradients, expected)
    (decoded,) = {
        d is None
        for (name, _), d in zip(
            autoencoders.named_parameters(), reversed_, strict=True
        )
        if "decoder" in name
    }
    assert decoded
    expected = torch.autograd.grad(domain, list(classifier.parameters()))
    gradients = [p.grad for p in networks[1].parameters()]
    torch.testing.assert_close(gradients, list(expected))
    d_loss = 0.0
    for domain, judge in zip("ab", old, strict=True):
        d_loss += ((judge(images[domain]) - 1.0) ** 2).mean() / 2
        d_loss += (judge(translations[domain].detach()) ** 2).mean() / 2
    assert found["d_loss"] == pytest.approx(3.0 * d_loss.item())


def test_every_array_of_xgan_has_a_role():
    for network in small_xgan():
        names = network.name_map()
        assert sorted(names.values()) == sorted(network.state_dict())


# R3GAN


def small_r3gan(classes=None):
    widths = [8, 8, 4]
    networks = [
        r3gan.Generator(widths, 3, 1, 4, classes, 2),
        r3gan.Discriminator(widths, 1, 4, classes, 2),
    ]
    for network in networks:
        for p in network.parameters():
            torch.nn.init.normal_(p, 0.0, 0.4)
    return networks


def test_resampling_of_r3gan(float64):
    ones = torch.ones(1, 1, 8, 8)
    up, down = r3gan.doubled(ones)[0, 0], r3gan.halved(ones)[0, 0]
    assert up.shape == (16, 16) and down.shape == (4, 4)
    for found, edge in ((up, 0.75), (down, 0.875)):
        assert found[0, 0] == edge**2
        assert found[0, 2] == found[2, -1] == edge
        assert found[2, 2] == 1.0
    x = torch.randn(2, 3, 6, 8)
    kernel = outer([1.0, 3.0, 3.0, 1.0]).expand(3, 1, 4, 4) / 64.0
    expected = functional.conv2d(x, kernel, stride=2, padding=1, groups=3)
    torch.testing.assert_close(r3gan.halved(x), expected)
    expected = functional.conv_transpose2d(
        x, 4.0 * kernel, stride=2, padding=1, groups=3
    )
    torch.testing.assert_close(r3gan.doubled(x), expected)


def test_a_block_of_r3gan_is_the_identity_at_first():
    block = r3gan.Block(64, 16, 8)
    x = torch.randn(2, 64, 4, 4)
    assert torch.equal(block(x), x)
    gain = math.sqrt(2 / 1.04) * 8**-0.25
    assert block.conv_1.weight.std().item() == pytest.approx(
        gain / 8.0, rel=0.05
    )
    assert block.conv_2.weight.std().item() == pytest.approx(
        gain / 12.0, rel=0.05
    )
    assert block.conv_2.weight.shape == (128, 16, 3, 3)


def test_networks_of_r3gan_before_training():
    widths = [*4 * [128], 64]
    generator = r3gan.Generator(widths)
    discriminator = r3gan.Discriminator(widths)
    with torch.no_grad():
        fake, real = generator(torch.randn(4, 64)), torch.randn(4, 3, 64, 64)
        assert fake.shape == real.shape
        assert fake.std() == pytest.approx(0.5, abs=0.2)
        logits = discriminator(real), discriminator(fake)
        loss = r3gan.relativistic_loss(*logits)
    assert loss.shape == (4,)
    assert loss.mean() == pytest.approx(math.log(2), abs=0.1)


class Plane:
    """Logits are linear in the images."""

    def __init__(self, weight):
        self.weight = weight

    def __call__(self, images, labels=None):
        return (images * self.weight).sum((1, 2, 3))


def test_penalties_of_r3gan_on_a_plane(float64):
    weight = torch.randn(2, 4, 4)
    real, fake = torch.randn(2, 3, 2, 4, 4).unbind()
    squares = (weight**2).sum()
    for factor in (1.0, 3.0):
        loss, r1, r2 = r3gan.discriminator_loss(
            Plane(weight), real, fake, 0.5, augment=lambda x, f=factor: f * x
        )
        expected = (factor**2 * squares).expand(3)
        torch.testing.assert_close(r1, expected)
        torch.testing.assert_close(r2, expected)
        difference = factor * Plane(weight)(real - fake)
        adversarial = functional.softplus(-difference).mean()
        torch.testing.assert_close(loss, adversarial + 0.5 * expected[0])


def test_logits_of_r3gan_are_paired(float64):
    judge = Plane(torch.randn(2, 4, 4))
    real, fake = torch.randn(2, 3, 2, 4, 4).unbind()

    def losses(real, fake):
        d_loss, *_ = r3gan.discriminator_loss(judge, real, fake, 0.1)
        g_loss = r3gan.generator_loss(judge, fake, real)
        return torch.stack([d_loss, g_loss])

    expected, order = losses(real, fake), [1, 0, 2]
    torch.testing.assert_close(losses(real[order], fake[order]), expected)
    assert ((losses(real[order], fake) - expected).abs() > 1e-6).all()
    # What one favors, the other does not.
    difference = judge(fake) - judge(real)
    g_loss = functional.softplus(-difference).mean()
    torch.testing.assert_close(expected[1], g_loss)


@pytest.mark.parametrize("classes", [None, 3])
def test_gradients_of_r3gans_losses(classes, float64):
    generator, discriminator = small_r3gan(classes)
    labels = None
    if classes:
        labels = torch.eye(3)[torch.tensor([0, 2])]
    real, latents = torch.randn(2, 2, 16, 16), torch.randn(2, 3)
    fake = generator(latents, labels).detach()

    def d_loss():
        return r3gan.discriminator_loss(discriminator, real, fake, 0.1, labels)[
            0
        ]

    def g_loss():
        return r3gan.generator_loss(
            discriminator, generator(latents, labels), real, labels
        )

    for loss, network in ((d_loss, discriminator), (g_loss, generator)):
        found, norm = directional(loss, list(network.parameters()), 1e-7)
        assert found == pytest.approx(norm, rel=1e-4)
        assert norm > 1e-2


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_labels_of_r3gan(network, float64):
    generator, discriminator = small_r3gan(3)
    labels = torch.eye(3)[torch.tensor([0, 1, 2])]
    if network == "generator":
        latents = torch.randn(1, 3).expand(3, 3)
        images = generator(latents, labels)
        seen = []
        generator.stage_1.transition.linear.register_forward_hook(
            lambda m, i, o: seen.append(i[0])
        )
        assert not torch.equal(generator(latents, labels)[0], images[1])
        assert torch.equal(seen[0][:, :3], latents)
        assert torch.equal(seen[0][:, 3:], generator.embedding(labels))
        return
    images = torch.randn(1, 2, 16, 16).expand(3, 2, 16, 16)
    features = discriminator.run(discriminator.from_image(images[:1]))[0]
    expected = discriminator.embedding.weight.T @ features
    torch.testing.assert_close(discriminator(images, labels), expected)


def test_schedules_of_r3gan():
    values = [r3gan.cosine(n, 20, 2e-4, 5e-5) for n in (0, 10, 20, 50)]
    assert values == pytest.approx([2e-4, 1.25e-4, 5e-5, 5e-5])
    assert r3gan.cosine(5, 20, 1.0, 0.0) == pytest.approx(0.8536, abs=1e-4)
    generator = small_r3gan()[0]
    adam = r3gan.optimizer(generator)
    r3gan.set_rates(adam, 1e-4, 0.95)
    (group,) = adam.param_groups
    assert group["lr"] == 1e-4 and group["betas"] == (0.0, 0.95)


@pytest.mark.parametrize("half_life, share", [(0, 1.0), (8, 0.5), (16, 0.293)])
def test_the_average_of_r3gan(half_life, share):
    average, network = small_r3gan()[0], small_r3gan()[0]
    before = [p.clone() for p in average.parameters()]
    r3gan.step_average(average, network, 8, half_life)
    for mean, old, new in zip(
        average.parameters(), before, network.parameters(), strict=True
    ):
        expected = (1.0 - share) * old + share * new
        torch.testing.assert_close(mean, expected, rtol=1e-3, atol=1e-3)


def test_steps_of_r3gan(float64):
    networks = small_r3gan()
    before = copy.deepcopy(networks)
    generator, discriminator = networks
    optimizers = [torch.optim.SGD(n.parameters(), 0.01) for n in networks]
    real, latents = torch.randn(4, 2, 16, 16), torch.randn(4, 3)
    found = r3gan.discriminator_step(
        *networks, optimizers[1], real, latents, 0.2
    )
    assert not moved(generator, before[0])
    everything = {name for name, _ in discriminator.named_parameters()}
    assert moved(discriminator, before[1]) == everything
    fake = before[0](latents)
    logits = before[1](real) - before[1](fake)
    loss = functional.softplus(-logits).mean().item()
    loss += 0.1 * (found["r1"] + found["r2"])
    assert found["loss"] == pytest.approx(loss)
    after = copy.deepcopy(discriminator)
    found = r3gan.generator_step(*networks, optimizers[0], real, latents)
    logits = after(fake) - after(real)
    assert found["loss"] == pytest.approx(
        functional.softplus(-logits).mean().item()
    )
    assert not moved(discriminator, after)
    everything = {name for name, _ in generator.named_parameters()}
    assert moved(generator, before[0]) == everything


def test_every_array_of_r3gan_has_a_role():
    for network in small_r3gan(3):
        names = network.name_map()
        assert sorted(names.values()) == sorted(network.state_dict())
