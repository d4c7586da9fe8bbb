"""Mirrors of CUT, SeqGAN, StackGAN, XGAN and R3GAN against known numbers."""

import copy
import itertools
import math

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from . import torch_cut as cut  # noqa: E402
from . import torch_seqgan as seqgan  # noqa: E402

pytestmark = pytest.mark.parity

# From the authors' code, or counted from their tables of layers.
NETWORKS = [
    (cut.Generator, {}, 11_378_179),
    (cut.Generator, {"blocks": 6}, 7_837_699),
    (cut.Discriminator, {}, 2_764_737),
    (cut.Projection, {"channels": (3, 128, 256, 256, 256)}, 560_384),
    (seqgan.Generator, {}, 333_320),
    (seqgan.Discriminator, {}, 7_045_402),
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
    values = []
    with torch.no_grad():
        for sign in (1.0, -2.0):
            for p, g in zip(parameters, gradients, strict=True):
                p += sign * step * g / norm
            values.append(function().item())
        for p, g in zip(parameters, gradients, strict=True):
            p += step * g / norm
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
def test_slopes_of_seqgans_losses(loss, float64):
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
