"""Mirrors of CUT, SeqGAN, StackGAN, XGAN and R3GAN against known numbers."""

import copy
import math

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from . import torch_cut as cut  # noqa: E402

pytestmark = pytest.mark.parity

# From the authors' code, or counted from their tables of layers.
NETWORKS = [
    (cut.Generator, {}, 11_378_179),
    (cut.Generator, {"blocks": 6}, 7_837_699),
    (cut.Discriminator, {}, 2_764_737),
    (cut.Projection, {"channels": (3, 128, 256, 256, 256)}, 560_384),
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
