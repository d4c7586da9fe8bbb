"""SNGAN, BigGAN and CUT under the names and forms of others' code.

The networks are the PyTorch mirrors, renamed to the layouts in which their
weights are published.
"""

import collections

import numpy as np
import pytest

from kerasgan import convert, models

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch", reason="in the extra parity")
pytest.importorskip("onnx", reason="in the extra onnx")
from torch import nn  # noqa: E402

from tests.reference import (  # noqa: E402
    torch_biggan,
    torch_cut,
    torch_sngan,
    torch_spectral,
)
from tests.support import formats  # noqa: E402
from tests.support.parity import shake, to_numpy, to_torch  # noqa: E402

LABELS = np.array([4, 0, 2])


def lively(network, seed, passes=30):
    """Random weights, and vectors u of that many steps."""
    shake(network, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("gain.weight"):
                parameter += 1.0 - parameter.mean()
            if name.endswith("gamma"):
                parameter.fill_(0.7)
            if name.endswith("to_image.weight"):
                parameter *= 3.0
        for module in network.modules():
            if isinstance(module, torch_spectral.Statistics):
                module.epsilon = 1e-5  # PyTorch's, in all of these ports.
            if isinstance(module, torch_spectral.Spectral):
                module.u.normal_(generator=generator)
                for _ in range(passes):
                    u = torch_spectral.largest(module.matrix(), module.u)[1]
                    module.u.copy_(u)
    return network.eval()


def outputs(network, *inputs):
    with torch.no_grad():
        result = network(*(torch.from_numpy(i) for i in inputs))
    return to_numpy(result) if result.ndim == 4 else result.numpy()


def check(found, expected, spread=0.05):
    assert expected.std() > spread
    atol = 1e-4 * max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def check_scores(gan, network, labels=None):
    random = np.random.RandomState(1)
    shape = (3, gan.image_size, gan.image_size, gan.channels)
    images = random.uniform(-1, 1, shape).astype("float32")
    inputs = images if labels is None else (images, labels)
    found = gan.discriminator(inputs).numpy()[:, 0]
    more = () if labels is None else (labels,)
    expected = outputs(network, to_torch(images).numpy(), *more)
    check(found, expected, spread=0.001)


def latents(length):
    return np.random.RandomState(0).randn(3, length).astype("float32")


def maps_first(value):
    """Rows of 4x4 maps from Keras' order to that of `view(-1, maps, 4, 4)`."""
    shape = value.shape
    return (
        value.unflatten(0, (4, 4, -1))
        .permute(2, 0, 1, *range(3, len(shape) + 2))
        .reshape(shape)
    )


def renamed(network, names, leaves=lambda name, value: {name: value}):
    """Returns a state dict by other names of modules.

    Args:
        network: A mirror.
        names: dict of the mirror's modules to those of the other code, in the
            order of the latter.
        leaves: Callable from a name and a tensor to the tensors in its place.
    """
    state = network.state_dict()
    found = collections.OrderedDict()
    for ours, theirs in names.items():
        for name in [n for n in state if n.rpartition(".")[0] == ours]:
            value = state.pop(name)
            if ours == "dense" and len(value) % 16 == 0:
                value = maps_first(value)
            leaf = name.rpartition(".")[2]
            for key, tensor in leaves(leaf, value).items():
                found[f"{theirs}.{key}"] = tensor.clone()
    assert not state
    return found


def sngan_names(blocks, norm="{}", **parts):
    """Names of most of SNGAN's ports: l1, block2 ..., b5, c5."""
    names = {"dense": "l1"}
    for n in range(1, blocks + 1):
        for ours, theirs in {
            "conv_1": "c1",
            "conv_2": "c2",
            "norm_1": norm.format("b1"),
            "norm_2": norm.format("b2"),
            "norm_1.norm": parts.get("stats", "{}").format("b1"),
            "norm_2.norm": parts.get("stats", "{}").format("b2"),
            "norm_1.gain": "b1.weights",
            "norm_1.bias": "b1.biases",
            "norm_2.gain": "b2.weights",
            "norm_2.bias": "b2.biases",
            "shortcut": "c_sc",
        }.items():
            names[f"block_{n}.{ours}"] = f"block{n + 1}.{theirs}"
    end = blocks + 2
    return {**names, "norm": f"b{end}", "to_image": f"c{end}"}


def saved(folder, state, name="model.pth"):
    path = folder / name
    if name.endswith("safetensors"):
        formats.safetensors(path, {k: v.contiguous() for k, v in state.items()})
    else:
        torch.save(state, path)
    return path


@pytest.mark.parametrize(
    ("size", "name"), [(32, "model.safetensors"), (64, "model.pth")]
)
def test_sngan(size, name, tmp_path):
    """In the order of execution, and sorted, the last normalization first."""
    network = lively(torch_sngan.Generator(size, 3, 4, None, 6), 0)
    path = saved(tmp_path, renamed(network, sngan_names(network.blocks)), name)
    gan = convert.load("sngan", {"generator": path})
    assert type(gan) is models.SNGAN
    assert (gan.image_size, gan.generator_width) == (size, 4)
    check(gan(latents(6)), outputs(network, latents(6)))


@pytest.mark.parametrize("joined", [False, True])
def test_sngan_with_classes(joined, tmp_path):
    """Two tables for each normalization, or one of gains and biases."""
    network = lively(torch_sngan.Generator(32, 1, 4, 5, 6), 1)
    names = sngan_names(3, stats="{}.bn" if joined else "{}")
    state = renamed(network, names)
    if joined:
        for name in [n for n in state if n.endswith("weights.weight")]:
            both = [
                state.pop(name),
                state.pop(name.replace("weights", "biases")),
            ]
            joint = name.replace("weights", "embed")
            state[joint] = torch.cat(both, dim=1)
    gan = convert.load("sngan", {"generator": saved(tmp_path, {"netG": state})})
    assert type(gan) is models.ConditionalSNGAN and gan.num_classes == 5
    expected = outputs(network, latents(6), LABELS)
    check(gan((latents(6), LABELS)), expected)


def test_a_module_twice_and_no_kernels_in_the_shortcuts(tmp_path):
    network = lively(torch_sngan.Generator(32, 3, 4, None, 6), 2)
    with torch.no_grad():
        for block in (network.block_1, network.block_2, network.block_3):
            block.shortcut.weight.copy_(torch.eye(4)[:, :, None, None])
            block.shortcut.bias.zero_()
    state = renamed(
        network,
        {"dense": "dense", "to_image": "final"}
        | {
            f"block_{n}.{ours}": f"model.{n - 1}.{theirs}"
            for n in (1, 2, 3)
            for ours, theirs in {
                "conv_1": "conv1",
                "conv_2": "conv2",
                "norm_1": "model.0",
                "norm_2": "model.4",
                "shortcut": "none",
            }.items()
        }
        | {"norm": "model.3"},
    )
    for name in list(state):
        if ".none." in name:
            del state[name]
        for first, second in (
            ("conv1", "model.3"),
            ("conv2", "model.6"),
            ("final", "model.5"),
        ):
            if first in name:
                state[name.replace(first, second)] = state[name]
    gan = convert.load("sngan", {"generator": saved(tmp_path, state)})
    check(gan(latents(6)), outputs(network, latents(6)))


def weight_orig(name, value):
    """Of `torch.nn.utils.spectral_norm`, but for v."""
    return {{"weight": "weight_orig", "u": "weight_u"}.get(name, name): value}


def parametrized(name, value):
    """Of `torch.nn.utils.parametrizations.spectral_norm`."""
    base = "parametrizations.weight."
    return {
        {"weight": base + "original", "u": base + "0._u"}.get(name, name): value
    }


def numbered(name, value):
    """Of BigGAN-PyTorch."""
    if name != "u":
        return {name: value}
    return {"u0": value[None], "sv0": torch.ones(1)}


def with_v(state):
    """Adds the other singular vectors."""
    for name in list(state):
        for u, kernel in ("weight_u", "weight_orig"), ("0._u", "original"):
            if name.endswith(u):
                weight = state[name.removesuffix(u) + kernel].flatten(1)
                v = state[name] @ weight
                state[f"{name[:-1]}v"] = v / v.norm()
    return state


def discriminator_names(blocks, end="l{}"):
    names = {
        f"block_{n}.{ours}": f"block{n}.{theirs}"
        for n in range(1, blocks + 1)
        for ours, theirs in {
            "conv_1": "c1",
            "conv_2": "c2",
            "shortcut": "c_sc",
        }.items()
    }
    return {**names, "dense": end.format(blocks + 1), "embedding": "l_y"}


@pytest.mark.parametrize("form", [weight_orig, parametrized, numbered])
def test_spectral_normalization(form, tmp_path):
    """A discriminator beside its generator, for images of 64 pixels."""
    g = lively(torch_sngan.Generator(64, 3, 1, 5, 6), 3)
    d = lively(torch_sngan.Discriminator(64, 3, 2, 5), 4)
    path = saved(
        tmp_path,
        {
            "G": renamed(g, sngan_names(4)),
            "D": with_v(renamed(d, discriminator_names(5), form)),
        },
    )
    gan = convert.load("sngan", {"generator": path})
    assert gan.discriminator_width == 2
    check_scores(gan, d, LABELS)
    text = convert.explain("sngan", {"generator": path})
    assert "block_1_shortcut.u" in text and "missing" not in text


def test_a_bias_of_the_score_is_refused(tmp_path):
    d = torch_sngan.Discriminator(32, 3, 4, None)
    d.dense.bias = nn.Parameter(torch.ones(1))
    g = lively(torch_sngan.Generator(32, 3, 4, None, 6), 5)
    paths = {
        "generator": saved(tmp_path, renamed(g, sngan_names(3))),
        "discriminator": saved(tmp_path, d.state_dict(), "d.pth"),
    }
    with pytest.raises(ValueError, match="score has a bias, .*omit it"):
        convert.load("sngan", paths)


# BigGAN


def biggan_names(network):
    names = {"shared": "shared"} if network.shared is not None else {}
    names["dense"] = "linear"
    for n in range(1, network.blocks + 1):
        for ours, theirs in {
            "conv_1": "conv1",
            "conv_2": "conv2",
            "shortcut": "conv_sc",
            "norm_1.norm": "bn1",
            "norm_1.gain": "bn1.gain",
            "norm_1.bias": "bn1.bias",
            "norm_2.norm": "bn2",
            "norm_2.gain": "bn2.gain",
            "norm_2.bias": "bn2.bias",
        }.items():
            names[f"block_{n}.{ours}"] = f"blocks.{n - 1}.0.{theirs}"
        if network.attention_after == n - 1:
            place = f"blocks.{n - 1}.1"
            names["attention"] = place
            for part in ("theta", "phi", "g", "o"):
                names[f"attention.{part}"] = f"{place}.{part}"
    return {**names, "norm": "output_layer.0", "to_image": "output_layer.2"}


STORED = {"running_mean": "stored_mean", "running_var": "stored_var"}


def biggan_state(network, batches=0):
    """The state dict of BigGAN-PyTorch, with standing statistics of batches."""

    def leaves(name, value):
        return numbered(STORED.get(name, name), value)

    state = renamed(network, biggan_names(network), leaves)
    gains = {"weight": "gain", "bias": "bias"}
    for name, theirs in gains.items():
        value = state.pop(f"output_layer.0.{name}")
        state[f"output_layer.0.{theirs}"] = value
    if not batches:
        return state
    summed = collections.OrderedDict()
    for name, value in state.items():
        module, _, leaf = name.rpartition(".")
        if leaf in STORED.values():
            summed[f"{module}.bn.{leaf}"] = value * batches
            count = torch.full((1,), float(batches))
            summed[f"{module}.bn.accumulation_counter"] = count
        else:
            summed[name] = value
    return summed


@pytest.mark.parametrize(
    ("size", "batches", "name"),
    [(32, 16, "G_ema.pth"), (64, 0, "G_ema.safetensors")],
)
def test_biggan(size, batches, name, tmp_path):
    """Chunks of latents, a shared embedding, attention at 16x16."""
    network = torch_biggan.Generator(
        size, 3, 4, 5, 20, 7, attention=16 if size == 64 else None
    )
    network = lively(network, 6, passes=1)
    path = saved(tmp_path, biggan_state(network, batches), name)
    gan = convert.load("biggan", {"generator": path})
    assert (gan.image_size, gan.width, gan.embedding_dim) == (size, 4, 7)
    assert gan.attention_size == (16 if size == 64 else None)
    length = gan.latent_dim
    expected = outputs(network, latents(length), LABELS)
    check(gan((latents(length), LABELS)), expected)


def test_biggan_with_tables(tmp_path):
    network = torch_biggan.Generator(
        32, 3, 4, 5, 6, None, hierarchical=False, attention=None
    )
    network = lively(network, 7, passes=1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("gain.weight"):
                parameter -= 1.0
    gan = convert.load(
        "biggan", {"generator": saved(tmp_path, biggan_state(network))}
    )
    assert (gan.embedding_dim, gan.latent_dim) == (None, 6)
    expected = outputs(network, latents(6), LABELS)
    check(gan((latents(6), LABELS)), expected)


def test_the_discriminator_of_biggan(tmp_path):
    g = lively(torch_biggan.Generator(64, 3, 4, 5, 20, 7, attention=16), 8)
    d = lively(torch_biggan.Discriminator(64, 3, 4, 5, attention=16), 9, 1)
    names = {
        f"block_{n}.{ours}": f"blocks.{n - 1}.0.{theirs}"
        for n in range(1, 6)
        for ours, theirs in {
            "conv_1": "conv1",
            "conv_2": "conv2",
            "shortcut": "conv_sc",
        }.items()
    }
    names |= {
        f"attention{part}": f"blocks.1.1{part}"
        for part in ("", ".theta", ".phi", ".g", ".o")
    }
    names |= {"dense": "linear", "embedding": "embed"}
    paths = {
        "generator": saved(tmp_path, biggan_state(g)),
        "discriminator": saved(tmp_path, renamed(d, names, numbered), "D.pth"),
    }
    gan = convert.load("biggan", paths)
    check_scores(gan, d, LABELS)
    elsewhere = torch_biggan.Discriminator(64, 3, 4, 5, attention=8)
    names = {k: v.replace("blocks.1.1", "blocks.2.1") for k, v in names.items()}
    state = renamed(elsewhere, names, numbered)
    paths["discriminator"] = saved(tmp_path, state, "D.pth")
    with pytest.raises(ValueError, match="after block 2, instead of 1"):
        convert.load("biggan", paths)


def test_the_nearest_architecture_is_named(tmp_path):
    network = torch_biggan.Generator(32, 3, 4, 5, 8, 7, attention=None)
    path = saved(tmp_path, biggan_state(network))
    with pytest.raises(ValueError, match="It is a generator of biggan"):
        convert.load("sngan", {"generator": path})


def test_chunks_without_a_shared_embedding_of_their_length(tmp_path):
    network = torch_biggan.Generator(
        32, 3, 4, 5, 8, 7, hierarchical=False, attention=None
    )
    path = saved(tmp_path, biggan_state(network))
    with pytest.raises(ValueError, match="embedding of 7 and a chunk of 8"):
        convert.load("biggan", {"generator": path})


# CUT


def cut_state(network):
    """With the buffers of the blurs, which the mirrors have not."""
    state, maps = network.state_dict(), None
    for name, module in network.model.named_children():
        if isinstance(module, nn.Conv2d):
            maps = module.out_channels
        line, gain = torch.tensor([1.0, 2.0, 1.0]), 1.0
        if isinstance(module, torch_cut.Double):
            line, gain = torch.tensor([1.0, 3.0, 3.0, 1.0]), 4.0
            following = network.model[int(name) + 1]
            maps = following.in_channels
        if isinstance(module, (torch_cut.Double, torch_cut.Halve)):
            kernel = torch.outer(line, line)
            kernel = gain * kernel / kernel.sum()
            state[f"model.{name}.filt"] = kernel.repeat(maps, 1, 1, 1)
    return state


@pytest.mark.parametrize("name", ["latest_net_G.pth", "G.safetensors"])
def test_cut(name, tmp_path):
    g = torch_cut.Generator(width=4, blocks=6)
    d = torch_cut.Discriminator(width=5)
    f = torch_cut.Projection([3, 8, 16, 16, 16], dim=9)
    for seed, network in enumerate((g, d, f)):
        shake(network, seed)
    with torch.no_grad():
        for module in g.modules():
            if isinstance(module, nn.Conv2d):
                module.weight *= 2.0
    paths = {
        "generator": saved(tmp_path, cut_state(g), name),
        "discriminator": saved(tmp_path, cut_state(d), "latest_net_D.pth"),
        "projection": saved(tmp_path, f.state_dict(), "latest_net_F.pth"),
    }
    gan = convert.load("cut", paths, image_size=32)
    assert (gan.blocks, gan.generator_width, gan.discriminator_width) == (
        6,
        4,
        5,
    )
    assert gan.projection_dim == 9
    random = np.random.RandomState(1)
    images = random.uniform(-1, 1, (2, 32, 32, 3)).astype("float32")
    expected = outputs(g.eval(), to_torch(images).numpy())
    check(gan(images), expected)
    expected = outputs(d.eval(), to_torch(images).numpy())
    check(gan.discriminator(images), expected)
    vectors = [
        random.randn(1, 3, n).astype("float32") for n in (3, 8, 16, 16, 16)
    ]
    rows = [torch.from_numpy(v.transpose(0, 2, 1)[..., None]) for v in vectors]
    with torch.no_grad():
        expected = f(rows, [np.arange(3)] * 5)
    for found, theirs in zip(gan.projection(vectors), expected, strict=True):
        check(found, theirs.numpy())


def test_cut_with_other_blurs_is_refused(tmp_path):
    state = cut_state(torch_cut.Generator(width=4, blocks=1))
    without = {k: v for k, v in state.items() if "filt" not in k}
    with pytest.raises(ValueError, match=r"it has blurs .* \[\], instead of"):
        convert.load("cut", {"generator": saved(tmp_path, without)})
    name = next(k for k in state if "filt" in k)
    state[name] = state[name].flip(2) * torch.tensor([1.0, 2.0, 0.0])
    with pytest.raises(ValueError, match="blurs by another kernel than"):
        convert.load("cut", {"generator": saved(tmp_path, state)})
    with pytest.raises(ValueError, match="nearest other architecture is cut"):
        convert.load("cyclegan", {"generator_ab": saved(tmp_path, without)})
