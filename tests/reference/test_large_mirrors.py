"""PyTorch mirrors of SNGAN and BigGAN against numbers known beforehand."""

import copy
import functools

import pytest

torch = pytest.importorskip("torch")

from scripts.twins import biggan as biggan_twin  # noqa: E402
from scripts.twins import sngan as sngan_twin  # noqa: E402

from . import torch_biggan as biggan  # noqa: E402
from . import torch_sngan as sngan  # noqa: E402
from . import torch_spectral as spectral  # noqa: E402

pytestmark = pytest.mark.parity

# The settings of `launch_cifar_ema.sh`.
CIFAR = {"width": 64, "attention": 0}
TABLES = {**CIFAR, "latent_dim": 128, "shared_dim": None, "hierarchical": False}
NETWORKS = [
    (sngan.Generator, {"classes": None}, 4_276_739),
    (sngan.Generator, {}, 4_304_387),
    (sngan.Discriminator, {"classes": None}, 1_053_824),
    (sngan.Discriminator, {}, 1_055_104),
    *(
        (network, {"image_size": size, "width": 64, "classes": classes}, count)
        for network, size, classes, count in (
            (sngan.Generator, 64, 1000, 17_974_915),
            (sngan.Discriminator, 64, 1000, 11_165_441),
            (sngan.Generator, 64, None, 12_220_675),
            (sngan.Discriminator, 64, None, 10_141_441),
            (sngan.Generator, 128, 1000, 41_996_931),
            (sngan.Discriminator, 128, 1000, 30_041_857),
            (sngan.Generator, 128, None, 32_150_787),
            (sngan.Discriminator, 128, None, 29_017_857),
        )
    ),
    (biggan.Generator, {"image_size": 32, "classes": 10, **TABLES}, 4_304_387),
    (biggan.Generator, {"image_size": 32, "classes": 1, **TABLES}, 4_276_739),
    (
        biggan.Generator,
        {"image_size": 32, "classes": 10, "latent_dim": 128, **CIFAR},
        4_373_251,
    ),
    (
        biggan.Discriminator,
        {"image_size": 32, "classes": 10, **CIFAR},
        4_207_361,
    ),
    (
        biggan.Discriminator,
        {"image_size": 32, "classes": 1, **CIFAR},
        4_205_057,
    ),
    (biggan.Generator, {}, 70_433_988),
    (biggan.Discriminator, {}, 87_982_370),
    (biggan.Generator, {"width": 64}, 31_978_628),
    (biggan.Discriminator, {"width": 64}, 39_448_258),
    # SAGAN.
    (biggan.Generator, {**TABLES, "attention": 64}, 42_017_412),
    (biggan.Attention, {"channels": 192}, 46_081),
    (biggan.Attention, {"channels": 96}, 11_521),
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
def test_has_the_published_number_of_parameters(network, arguments, count):
    with torch.device("meta"):
        built = network(**arguments)
    assert sum(p.numel() for p in built.parameters()) == count


def test_latents_that_do_not_divide_are_dropped():
    with torch.device("meta"):
        generator = biggan.Generator(width=8, latent_dim=128)
    assert generator.latent_dim == 126


LAYERS = {
    "linear": (spectral.SpectralLinear, (5, 3), (2, 5)),
    "conv": (spectral.SpectralConv2d, (5, 3, 3), (2, 5, 6, 6)),
    "transposed": (spectral.SpectralConvTranspose2d, (5, 3, 4, 2, 1), None),
    "embedding": (spectral.SpectralEmbedding, (4, 6), None),
}


def layer_and_inputs(name):
    kind, arguments, shape = LAYERS[name]
    if name == "embedding":
        return kind(*arguments), torch.tensor([0, 1, 2, 3])
    return kind(*arguments), torch.randn(shape or (2, 5, 6, 6))


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradient_is_orthogonal_to_a_normalized_weight(name, float64):
    layer, x = layer_and_inputs(name)
    for _ in range(500):
        layer(x)
    loss = (layer(x) ** 3).sum()
    (gradient,) = torch.autograd.grad(loss, layer.weight)
    norms = gradient.norm() * layer.weight.norm()
    assert abs((gradient * layer.weight).sum() / norms) < 1e-8
    normalized = copy.deepcopy(layer)
    with torch.no_grad():
        normalized.weight.copy_(layer.kernel())
    singular = torch.linalg.svdvals(normalized.matrix().detach())
    assert singular[0] == pytest.approx(1.0, abs=1e-6)
    rows = {"linear": 3, "conv": 3, "transposed": 3, "embedding": 4}
    assert layer.matrix().shape[0] == rows[name] == len(layer.u)


def test_u_moves_in_training_mode_alone_and_is_saved():
    layer, x = layer_and_inputs("conv")
    before = layer.u.clone()
    layer.eval()
    layer(x)
    assert torch.equal(layer.u, before)
    layer.train()
    layer(x)
    assert not torch.equal(layer.u, before)
    assert "u" in layer.state_dict()


def test_a_transposed_kernel_has_a_row_for_each_output():
    kernel = spectral.SpectralConvTranspose2d(5, 3, 4, 2, 1)
    rows = [kernel.weight[:, i].flatten() for i in range(3)]
    assert torch.equal(kernel.matrix(), torch.stack(rows))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("attention", [0, 16])
def test_all_weights_at_once_are_those_of_each(training, attention, float64):
    generator = biggan.Generator(32, 1, 2, 10, 8, 6, attention=attention)
    if attention:
        torch.nn.init.ones_(generator.attention.gamma)
    generator.train(training)
    other = copy.deepcopy(generator)
    inputs = torch.randn(4, 8), torch.tensor([1, 2, 3, 4])
    with spectral.all_at_once(other):
        images = other(*inputs)
    expected = generator(*inputs)
    torch.testing.assert_close(images, expected)
    torch.testing.assert_close(other.state_dict(), generator.state_dict())
    weights = list(generator.parameters())
    gradients = [
        torch.autograd.grad((made**2).sum(), network.parameters())
        for made, network in ((images, other), (expected, generator))
    ]
    torch.testing.assert_close(*gradients)
    assert len(gradients[0]) == len(weights)


def test_attention_is_the_identity_at_first():
    block, x = biggan.Attention(16), torch.randn(2, 16, 8, 8)
    y = block(x)
    assert torch.equal(y, x)
    gradients = torch.autograd.grad((y**2).sum(), block.parameters())
    moved = {
        name
        for (name, _), gradient in zip(
            block.named_parameters(), gradients, strict=True
        )
        if gradient.abs().max() > 0
    }
    assert moved == {"gamma"}


def test_attention_is_over_the_keys_of_one_query():
    block, x = biggan.Attention(16), torch.randn(1, 16, 4, 4)
    torch.nn.init.ones_(block.gamma)
    block.eval()
    kernels = {
        name: getattr(block, name).kernel()[:, :, 0, 0]
        for name in ("theta", "phi", "g", "o")
    }
    pixels = x[0].flatten(1)
    queries = kernels["theta"] @ pixels
    pool = functools.partial(torch.nn.functional.max_pool2d, kernel_size=2)
    keys, values = (
        pool((kernels[name] @ pixels).unflatten(1, (4, 4))).flatten(1)
        for name in ("phi", "g")
    )
    expected = []
    for query in queries.T:
        weights = torch.softmax(query @ keys, 0)
        expected.append(kernels["o"] @ (values * weights).sum(1))
    expected = torch.stack(expected, 1).unflatten(1, (4, 4)) + x[0]
    torch.testing.assert_close(block(x)[0], expected)


@pytest.mark.parametrize("part", range(4))
def test_a_part_of_the_latents_reaches_its_block_first(part):
    generator = biggan.Generator(32, 1, 2, 10, 16, 6, attention=0).eval()
    outputs = []
    blocks = [generator.dense] + [
        getattr(generator, f"block_{i}") for i in (1, 2, 3)
    ]
    for block in blocks:
        block.register_forward_hook(lambda m, i, o: outputs.append(o))
    latents, labels = torch.randn(2, 16), torch.tensor([1, 2])
    generator(latents, labels)
    first, outputs[:] = list(outputs), []
    latents[:, 4 * part] += 1.0
    generator(latents, labels)
    equal = [torch.equal(a, b) for a, b in zip(first, outputs, strict=True)]
    assert equal == [i < part for i in range(4)]


@pytest.mark.parametrize("shared_dim", [6, None])
def test_gains_are_around_one(shared_dim):
    generator = biggan.Generator(
        32, 1, 2, 10, 8, shared_dim, shared_dim is not None, attention=0
    )
    norm = generator.block_1.norm_1
    torch.nn.init.zeros_(norm.gain.weight)
    torch.nn.init.zeros_(norm.bias.weight)
    x = torch.randn(4, 8, 4, 4)
    labels = torch.tensor([1, 2, 3, 4])
    y = labels if shared_dim is None else torch.randn(4, 8)
    norm.gain.u = torch.ones_like(norm.gain.u) if shared_dim else None
    if shared_dim:
        # Zero has no singular value to divide by.
        norm.gain, norm.bias = (
            spectral.Linear(8, 8, bias=False) for _ in range(2)
        )
        torch.nn.init.zeros_(norm.gain.weight)
        torch.nn.init.zeros_(norm.bias.weight)
    expected = torch.nn.functional.batch_norm(x, None, None, training=True)
    torch.testing.assert_close(norm(x, y), expected)


def test_classes_are_the_same_to_sngan_at_first():
    generator = sngan.Generator(32, 1, 4).eval()
    assert (generator.block_1.norm_1.gain.weight == 1.0).all()
    latents = torch.randn(1, 128).expand(10, 128)
    images = generator(latents, torch.arange(10))
    torch.testing.assert_close(images, images[:1].expand_as(images))


def test_hinge_loss():
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-2.0, 0.5])
    assert spectral.hinge_loss(real, fake).item() == 0.25 + 0.75


@pytest.mark.parametrize("module", [sngan, biggan])
def test_each_half_is_judged_with_its_own_labels(module):
    seen = {}

    def discriminator(images, labels):
        for image, label in zip(images, labels, strict=True):
            seen.setdefault(float(image), []).append(int(label))
        return images

    module.discriminator_loss(
        lambda latents, labels: torch.zeros(2),
        discriminator,
        torch.ones(2),
        torch.tensor([1, 2]),
        torch.randn(2),
        torch.tensor([3, 4]),
    )
    assert seen == {1.0: [1, 2], 0.0: [3, 4]}


def test_features_are_summed_over_the_maps():
    for module in sngan, biggan:
        discriminator = module.Discriminator(32, 1, 2).eval()
        for name, block in discriminator.named_children():
            if name.startswith("block_"):
                constant = torch.ones(1, 8 if module is biggan else 2, 8, 8)
                block.forward = lambda x, y=constant: y
        labels = torch.tensor([3])
        score = discriminator(torch.zeros(1, 1, 32, 32), labels)
        rows = discriminator.dense.kernel() + discriminator.embedding(labels)
        assert score.item() == pytest.approx(64 * rows.sum().item(), rel=1e-4)


def test_a_shortcut_is_not_rectified():
    block = biggan.DiscriminatorBlock(4, 4, False, False)
    torch.nn.init.zeros_(block.conv_2.bias)
    block.conv_2.kernel = lambda: torch.zeros(4, 4, 3, 3)
    x = -torch.rand(1, 4, 8, 8)
    assert torch.equal(block(x.clone()), x)


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_the_average_is_of_weights_and_buffers(decay):
    network, average = (biggan.Generator(32, 1, 2, 10, 8, 6) for _ in range(2))
    network(torch.randn(4, 8), torch.tensor([1, 2, 3, 4]))
    before = {k: v.clone() for k, v in average.state_dict().items()}
    spectral.step_all(average, network, decay)
    assert any(key.endswith(".u") for key in before)
    assert any(key.endswith("running_var") for key in before)
    for key, value in average.state_dict().items():
        new = network.state_dict()[key]
        if decay:
            torch.testing.assert_close(value, (before[key] + new) / 2)
        else:
            assert torch.equal(value, new)


def test_standing_statistics_of_one_batch_are_its_own(float64):
    generator = biggan.Generator(32, 1, 2, 10, 8, 6, attention=0)
    batch = torch.randn(16, 8), torch.arange(16) % 10
    # Power iterations would move the weights between batches.
    with spectral.all_at_once(generator):
        biggan.standing_statistics(generator, 3 * [batch])
        expected = generator(*batch)
        biggan.standing_statistics(generator, 3 * [batch])
        images = generator.eval()(*batch)
    torch.testing.assert_close(images, expected)


def test_orthogonal_rows_are_not_regularized(float64):
    weight = torch.nn.init.orthogonal_(torch.empty(4, 2, 3, 3))
    assert biggan.orthogonal_gradient(weight, 1.0).abs().max() < 1e-12
    weight = torch.randn(4, 2, 3, 3, requires_grad=True)
    rows = weight.flatten(1)
    products = rows @ rows.T
    loss = ((products - products.diag().diag()) ** 2).sum()
    (gradient,) = torch.autograd.grad(loss, weight)
    torch.testing.assert_close(
        biggan.orthogonal_gradient(weight, 1.0), gradient / 2
    )


def test_the_shared_embedding_alone_is_not_regularized():
    generator = biggan.Generator(32, 1, 2, 10, 8, 6, attention=16)
    ranks = [p for p in generator.parameters() if p.dim() > 1]
    assert len(list(biggan.regularized(generator))) == len(ranks) - 1


def test_truncation_samples_again():
    latents = biggan.truncated_latents(100, 100, 0.5)
    assert latents.abs().max() <= 0.5
    assert (latents.abs() > 0.499).float().mean() < 0.01


@pytest.mark.parametrize("module", [sngan, biggan])
def test_every_array_has_a_role(module):
    for network in module.Generator(32, 1, 2), module.Discriminator(32, 1, 2):
        state, names = network.state_dict(), network.name_map()
        assert sorted(names.values()) == sorted(state)
        kinds = {role.rpartition(".")[2] for role in names}
        assert kinds <= {
            "kernel",
            "bias",
            "u",
            "embeddings",
            "gamma",
            "beta",
            "moving_mean",
            "moving_variance",
        }


TINY = {
    "generator_width": 2,
    "discriminator_width": 2,
    "latent_dim": 8,
    "batch": 8,
    "critic_steps": 2,
    "standing_batches": 2,
    "standing_batch": 8,
    "average_from": 1,
}
TWINS = {
    "biggan": (biggan_twin, {"shared_dim": 6, "orthogonal_strength": 1e-3}),
    "biggan_attention": (biggan_twin, {"shared_dim": 6, "attention": 16}),
    "sngan": (sngan_twin, {"generator_batch": 12}),
}


def tiny_twin(name):
    module, options = TWINS[name]
    return module.Twin("cpu", 1000, **TINY, **options)


def batch_of(twin):
    labels = torch.arange(twin.batch_size) % 10
    return torch.rand(twin.batch_size, 1, 32, 32) * 2.0 - 1.0, labels


@pytest.mark.parametrize("name", TWINS)
def test_the_first_step_of_a_twin_is_the_mirrors(name, float64):
    twin = tiny_twin(name)
    generator, discriminator = copy.deepcopy(
        (twin.generator, twin.discriminator)
    )
    module = sngan if name == "sngan" else biggan
    optimizers = [module.optimizer(n) for n in (generator, discriminator)]
    images, labels = batch_of(twin)
    torch.manual_seed(1)
    losses = twin.step(images, labels)

    torch.manual_seed(1)
    more = () if name == "sngan" else (twin.strength,)

    def generate(batch):
        return module.generator_step(
            generator, discriminator, optimizers[0], *twin.sample(batch), *more
        )["loss"]

    if name == "sngan":
        g_loss = generate(12)
    for i in range(2):
        part = slice(8 * i, 8 * (i + 1))
        d_loss = module.discriminator_step(
            generator,
            discriminator,
            optimizers[1],
            images[part],
            labels[part],
            *twin.sample(8),
            *more,
        )["loss"]
    if name != "sngan":
        g_loss = generate(8)
    assert float(losses["d_loss"]) == pytest.approx(d_loss, rel=1e-9)
    assert float(losses["g_loss"]) == pytest.approx(g_loss, rel=1e-9)
    for ours, theirs in (
        (twin.generator, generator),
        (twin.discriminator, discriminator),
        (twin.average, generator),
    ):
        torch.testing.assert_close(
            ours.state_dict(), theirs.state_dict(), rtol=1e-6, atol=1e-8
        )


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("precision", [None, torch.bfloat16])
def test_a_twin_takes_steps(name, precision):
    twin = tiny_twin(name)
    for network in twin.generator, twin.discriminator:
        network.precision = precision
    before = copy.deepcopy(twin.average.state_dict())
    for _ in range(3):
        losses = twin.step(*batch_of(twin))
        assert all(loss.isfinite() for loss in losses.values())
    for network in twin.generator, twin.discriminator:
        for weight in network.parameters():
            assert weight.dtype == weight.grad.dtype == torch.float32
            assert weight.grad.stride() == weight.stride()
    after = twin.average.state_dict()
    same = {key for key in before if torch.equal(before[key], after[key])}
    assert not same
    for name, network in twin.networks().items():
        for key, value in network.state_dict().items():
            assert value.isfinite().all(), (name, key)


def test_rates_fall_by_images_or_by_the_clock():
    twin = tiny_twin("biggan")
    rates = []
    for share in (0.0, 0.0, 0.75, 1.0):
        twin.progress(share)
        twin.set_rates()
        rates.append(float(twin.optimizers[0].param_groups[0]["lr"]))
        twin.steps += 1000 * 0.3 / twin.batch_size
    assert rates == pytest.approx([2e-4, 2e-4, 1e-4, 0.0], abs=1e-9)
    sngan_rates = tiny_twin("sngan")
    sngan_rates.progress(0.5)
    sngan_rates.set_rates()
    rate = float(sngan_rates.optimizers[1].param_groups[0]["lr"])
    assert rate == pytest.approx(1e-4)


def test_saved_weights_come_back_unchanged():
    twin = tiny_twin("biggan")
    twin.step(*batch_of(twin))
    state = copy.deepcopy(twin.networks()["average_generator"].state_dict())
    other = tiny_twin("biggan")
    other.networks()["average_generator"].load_state_dict(state)
    found = other.networks()["average_generator"].state_dict()
    for key, value in state.items():
        assert torch.equal(found[key], value)


def test_a_step_moves_nothing_to_the_host():
    from torch.utils._python_dispatch import TorchDispatchMode

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            name = str(function)
            assert "_local_scalar_dense" not in name
            assert "nonzero" not in name
            return function(*args, **(kwargs or {}))

    for name in TWINS:
        twin = tiny_twin(name)
        twin.step(*batch_of(twin))
        batch = batch_of(twin)
        with Watch():
            twin.step(*batch)
