"""One network under many names, in many files: each gives the same images.

The networks are the PyTorch mirrors; what changes is how they are named,
nested, laid out in memory and stored, and which parts their layers have.
"""

import argparse
import collections
import itertools

import keras
import numpy as np
import pytest

from kerasgan import convert, models

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch", reason="in the extra parity")
pytest.importorskip("onnx", reason="in the extra onnx")
from torch import nn  # noqa: E402

from tests.reference import (  # noqa: E402
    torch_cyclegan,
    torch_dcgan,
    torch_pix2pix,
    torch_wgan_gp,
)
from tests.support import formats  # noqa: E402
from tests.support.parity import shake, to_numpy, to_torch  # noqa: E402


def lively(mirror, seed):
    """Random weights whose outputs are far from zero."""
    shake(mirror, seed)
    with torch.no_grad():
        for module in mirror.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                module.weight *= 2.0


def outputs(network, *inputs):
    with torch.no_grad():
        result = network.eval()(*inputs)
    return to_numpy(result) if result.ndim == 4 else result.numpy()


def check(found, expected, atol=1e-4):
    assert expected.std() > 0.05
    np.testing.assert_allclose(found, expected, atol=atol)


def latents(length=12, count=3):
    return np.random.RandomState(0).randn(count, length).astype("float32")


def images(size, channels=3):
    shape = (2, size, size, channels)
    return np.random.RandomState(1).uniform(-1, 1, shape).astype("float32")


@pytest.fixture(scope="module")
def generator():
    """A DCGAN's generator, for images of 16 pixels."""
    network = torch_dcgan.Generator(16, width=4, latent_dim=12)
    lively(network, 0)
    return network


@pytest.fixture(scope="module")
def discriminator():
    network = torch_dcgan.Discriminator(16, width=4)
    lively(network, 1)
    return network


def optimizer_of(network):
    """The state of an optimizer, with a tensor for each of the network's."""
    optimizer = torch.optim.SGD(network.parameters(), 0.0, momentum=0.9)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return optimizer.state_dict()


def lightning(g, d):
    """Lightning's checkpoint, with things that are no tensors."""
    state = {f"generator.net.{k}": v for k, v in g.state_dict().items()}
    state |= {f"discriminator.{k}": v for k, v in d.state_dict().items()}
    return {
        "epoch": 3,
        "state_dict": state,
        "optimizer_states": [optimizer_of(g)],
        "hyper_parameters": argparse.Namespace(width=4),
        "loss": np.float64(0.5),
    }


def compiled(g, d):
    """`torch.compile` in `DataParallel`, in half precision."""
    return {
        f"module._orig_mod.{k}": v.half() if v.is_floating_point() else v
        for k, v in g.state_dict().items()
    }


def pickled(g, d):
    """The module itself, whose class is not imported."""
    return g


def averaged(g, d):
    """A network and its moving average, the discriminator between them."""
    other = torch_dcgan.Generator(16, width=4, latent_dim=12)
    return {
        "g": other.state_dict(),
        "d": d.state_dict(),
        "g_ema": g.state_dict(),
        "step": 1000,
    }


def nameless(g, d):
    """Neither modules nor tensors have names that mean anything."""
    state = g.state_dict()
    state = {k: v for k, v in state.items() if "num_batches" not in k}
    return {f"p{i}": v for i, v in enumerate(state.values())}


def strided(g, d):
    """Kernels in the memory order of channels-last, in bfloat16."""
    state = formats.renamed(g.state_dict(), "stage{module}/{leaf}")
    for name, value in state.items():
        if value.ndim == 4:
            value = value.to(memory_format=torch.channels_last)
        state[name] = value.bfloat16() if value.is_floating_point() else value
    return state


def listed(g, d):
    """Deep dictionaries, with a parameter list's numbers."""
    state = formats.renamed(g.state_dict(), "blocks.{module}.inner.{leaf}")
    nets = {"G": {"model": state}, "D": {"model": d.state_dict()}}
    return {"nets": nets, "optimizer": optimizer_of(g)}


@pytest.mark.parametrize("older", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    "form",
    [lightning, compiled, pickled, averaged, nameless, strided, listed],
)
def test_forms_of_pytorch(form, older, generator, discriminator, tmp_path):
    path = tmp_path / "model.ckpt"
    torch.save(
        form(generator, discriminator),
        path,
        _use_new_zipfile_serialization=not older,
    )
    gan = convert.load("dcgan", {"generator": path})
    expected = outputs(generator, torch.from_numpy(latents()))
    rounded = form in (compiled, strided)
    check(gan(latents()), expected, atol=0.05 if rounded else 1e-4)
    if form in (lightning, averaged, listed):
        scores = outputs(discriminator, to_torch(images(16)))
        check(gan.discriminator(images(16))[:, 0], scores)


def test_two_generators_are_told_apart_by_a_place(generator, tmp_path):
    other = torch_dcgan.Generator(16, width=4, latent_dim=12)
    path = tmp_path / "two.pth"
    both = {"first": other.state_dict(), "second": generator.state_dict()}
    torch.save(both, path)
    with pytest.raises(ValueError, match="first, second. Name one of them"):
        convert.load("dcgan", {"generator": path})
    gan = convert.load("dcgan", {"generator": f"{path}#second"})
    check(gan(latents()), outputs(generator, torch.from_numpy(latents())))


def test_safetensors(generator, tmp_path):
    path = tmp_path / "model.safetensors"
    formats.safetensors(path, generator.state_dict())
    gan = convert.load("dcgan", {"generator": path})
    check(gan(latents()), outputs(generator, torch.from_numpy(latents())))


@pytest.mark.parametrize("merged", [False, True])
def test_onnx(merged, generator, tmp_path):
    path = tmp_path / "model.onnx"
    formats.onnx_generator(path, generator, merged)
    gan = convert.load("dcgan", {"generator": path})
    check(gan(latents()), outputs(generator, torch.from_numpy(latents())))


@pytest.mark.parametrize("end", [".h5", ".weights.h5", ".keras"])
def test_keras(end, tmp_path):
    """Keras' own epsilon, a dense layer with a bias, 12 layers of a kind."""
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dense(4 * 4 * 16), keras.layers.Reshape((4, 4, 16))]
    for filters in (8, 4):
        layers += [keras.layers.BatchNormalization(), keras.layers.ReLU()]
        layers += [keras.layers.Conv2DTranspose(filters, 4, 2, "same")]
    layers += [keras.layers.BatchNormalization(), keras.layers.ReLU()]
    layers += [keras.layers.Conv2DTranspose(3, 4, 2, "same")]
    layers += [keras.layers.Activation("tanh")]
    network = keras.Sequential([keras.Input((12,)), *layers])
    for place, variable in enumerate(network.variables):
        random = np.random.RandomState(place)
        values = np.abs(random.randn(*variable.shape)) + 0.5
        if "variance" not in variable.name:
            values = random.randn(*variable.shape) / 4
        if "gamma" in variable.name:
            values = values + 1
        variable.assign(values)
    path = tmp_path / f"model{end}"
    if end == ".weights.h5":
        network.save_weights(path)
    else:
        network.save(path)
    gan = convert.load("dcgan", {"generator": path})
    assert gan.use_bias
    check(gan(latents()), network(latents()).numpy())


class Conditional(nn.Module):
    """A generator that reads an embedding of the class beside the latents."""

    def __init__(self, dense):
        super().__init__()
        self.embed = nn.Embedding(5, 7)
        self.net = torch_dcgan.Generator(16, width=4, latent_dim=19)
        self.first = None
        if dense:
            self.first = nn.Linear(19, 128)
            self.net.main[0] = nn.Unflatten(1, (8, 4, 4))

    def forward(self, latents, labels):
        x = torch.cat([latents, self.embed(labels)], 1)
        return self.net.main(
            x[:, :, None, None] if not self.first else self.first(x)
        )


@pytest.mark.parametrize("dense", [False, True])
def test_embedded_classes(dense, tmp_path):
    network = Conditional(dense)
    lively(network, 5)
    path = tmp_path / "model.pth"
    torch.save({"G": formats.with_biases(network).state_dict()}, path)
    gan = convert.load("dcgan", {"generator": path})
    assert isinstance(gan, models.CGAN) and gan.num_classes == 5
    labels = np.array([4, 0, 2])
    expected = outputs(
        network, torch.from_numpy(latents()), torch.from_numpy(labels)
    )
    check(gan((latents(), labels)), expected)


def test_one_hot_classes_in_both_networks(tmp_path):
    g = torch_dcgan.Generator(16, width=4, latent_dim=15)
    d = torch_dcgan.Discriminator(16, channels=6, width=4)
    lively(g, 6)
    lively(d, 7)
    path = tmp_path / "model.pth"
    torch.save({"netG": g.state_dict(), "netD": d.state_dict()}, path)
    gan = convert.load("dcgan", {"generator": path}, classes=3)
    labels = np.array([2, 0])
    one_hot = torch.eye(3)[torch.from_numpy(labels)]
    inputs = latents(count=2)
    expected = outputs(g, torch.cat([torch.from_numpy(inputs), one_hot], 1))
    check(gan((inputs, labels)), expected)
    maps = one_hot[:, :, None, None].expand(-1, -1, 16, 16)
    expected = outputs(d, torch.cat([to_torch(images(16)), maps], 1))
    check(gan.discriminator((images(16), labels))[:, 0], expected)


def test_biases_everywhere(tmp_path):
    g = torch_dcgan.Generator(16, width=4, latent_dim=12)
    d = torch_dcgan.Discriminator(16, width=4)
    lively(g, 8)
    lively(d, 9)
    path = tmp_path / "model.pth"
    state = {
        "G": formats.with_biases(g).state_dict(),
        "D": formats.with_biases(d).state_dict(),
    }
    torch.save(state, path)
    for architecture in ("dcgan", "lsgan"):
        gan = convert.load(architecture, {"generator": path})
        check(gan(latents()), outputs(g, torch.from_numpy(latents())))
        scores = outputs(d, to_torch(images(16)))
        check(gan.discriminator(images(16))[:, 0], scores)


def test_wgan_gp(generator, tmp_path):
    critic = torch_wgan_gp.Critic(16, width=4)
    lively(critic, 3)
    torch.save(
        {"G": generator.state_dict(), "C": critic.state_dict()},
        tmp_path / "model.pth",
    )
    gan = convert.load("wgan_gp", {"generator": tmp_path / "model.pth"})
    check(gan(latents()), outputs(generator, torch.from_numpy(latents())))
    # The bias of the score cancels in all losses, and is left out.
    scores = outputs(critic, to_torch(images(16)))
    bias = critic.main[-1].bias.item()
    check(gan.discriminator(images(16))[:, 0] + bias, scores)


def norms(kind):
    return {
        "instance": lambda m: nn.InstanceNorm2d(m.num_features),
        "affine_instance": lambda m: nn.InstanceNorm2d(
            m.num_features, affine=True
        ),
        "batch": lambda m: nn.BatchNorm2d(m.num_features),
    }[kind]


@pytest.mark.parametrize("kind", ["affine_instance", "batch"])
@pytest.mark.parametrize("biases", [False, True])
def test_normalization_of_cyclegan(kind, biases, tmp_path):
    network = torch_cyclegan.Generator(width=4, blocks=2)
    formats.replaced(network, nn.InstanceNorm2d, norms(kind))
    lively(network, 10)
    if not biases:
        for module in list(network.modules())[:-2]:
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                if module.out_channels != 3:
                    module.bias = None
    state = formats.renamed(network.state_dict(), "layer{module}.{leaf}")
    torch.save({"G_AB": state}, tmp_path / "model.pth")
    gan = convert.load("cyclegan", {"generator_ab": tmp_path / "model.pth"}, 24)
    assert gan.normalization == kind
    check(gan(images(24)), outputs(network, to_torch(images(24))))


@pytest.mark.parametrize(
    ("kind", "biases"),
    [*itertools.product(["instance", "affine_instance", "batch"], [True])],
)
def test_normalization_of_pix2pix(kind, biases, tmp_path):
    network = torch_pix2pix.Generator(32, width=4, dropout=False)
    formats.replaced(network, nn.BatchNorm2d, norms(kind))
    lively(formats.with_biases(network), 11)
    # Flat names, of which the order is not that of execution.
    state = network.state_dict()
    state = collections.OrderedDict(
        (name.replace(".", "_", name.count(".") - 1), value)
        for name, value in state.items()
    )
    formats.safetensors(tmp_path / "model.safetensors", state)
    # At 2x2 instance normalization needs more than one pixel below it.
    gan = convert.load("pix2pix", {"generator": tmp_path / "model.safetensors"})
    assert gan.normalization == kind and gan.use_bias
    check(gan(images(64)), outputs(network, to_torch(images(64))))
