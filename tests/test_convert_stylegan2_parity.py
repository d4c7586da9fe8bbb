"""Converted pickles of StyleGAN2-ADA's form beside PyTorch.

The networks in PyTorch are the mirror, whose layers are another's: weights of a
pickle get to it by the names below.
"""

import re

import numpy as np
import pytest

from kerasgan import convert
from kerasgan.convert import stylegan2_pickle
from tests.support import snapshots

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch", reason="in the extra parity")

from tests.reference import torch_stylegan2  # noqa: E402
from tests.support.parity import to_numpy, to_torch  # noqa: E402

NAMES = (
    (r"mapping\.w_avg", "mapping.mean"),
    (r"mapping\.fc(\d+)", r"mapping.dense_\1"),
    (r"synthesis\.b4\.const", "synthesis.constant"),
    (r"synthesis\.b(\d+)\.conv(\d)", r"synthesis.conv\2_\1"),
    (r"synthesis\.b(\d+)\.torgb", r"synthesis.to_rgb_\1"),
    (r"b\d+\.fromrgb", "from_rgb"),
    (r"b(\d+)\.(conv\d|skip)", r"\2_\1"),
    (r"b4\.conv", "conv_4"),
    (r"b4\.fc", "dense_4"),
    (r"b4\.out", "score"),
)
SIZES = {"image_size": 16, "maps": {4: 8, 8: 8, 16: 4}}
TEMPLATE = {"image_size": 16, "channel_base": 64, "channel_max": 8}


def mirror_of(network, mirror):
    """Gives a mirror the weights of a network of a pickle."""
    state = {}
    for name, array in snapshots.flat(network).items():
        if name.endswith("resample_filter"):
            continue
        for pattern, target in NAMES:
            name = re.sub(f"^{pattern}", target, name)
        if name.startswith("mapping.") and hasattr(mirror, "labels"):
            name = name.replace("mapping.", "labels.")
        name = name.replace(".affine.", ".style.")
        name = name.replace("noise_const", "noise")
        state[name] = torch.from_numpy(array.copy())
    if "synthesis.constant" in state:
        state["synthesis.constant"] = state["synthesis.constant"][None]
    mirror.load_state_dict(state)
    return mirror.eval()


def clamp_layers(modules, low, high):
    """Clamps the results of modules, as hooks."""
    for module in modules:
        module.register_forward_hook(
            lambda _, inputs, result: result.clamp(low, high)
        )


def clamp_networks(generator, discriminator, bound):
    """Clamps what the authors clamp.

    The discriminator's convolutions are clamped before their activation, which
    divides negative numbers by 5, and may have a gain of half in them.
    """
    synthesis = generator.synthesis
    to_rgb = [m for n, m in synthesis.named_children() if "to_rgb" in n]
    clamp_layers([*synthesis.styled_layers(), *to_rgb], -bound, bound)
    for name, module in discriminator.named_children():
        if name.startswith(("conv", "from_rgb")):
            halved = 0.5**0.5 if name.startswith("conv1") else 1.0
            clamp_layers([module], -5 * halved * bound, halved * bound)


def check(found, expected):
    expected = np.asarray(expected)
    assert expected.std() > 1e-2
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"labels": 3, "clamp": 1.5},
        {"residual": False, "depth": 3, "channels": 1},
    ],
)
def test_networks(settings, tmp_path):
    networks = snapshots.Networks(**SIZES, **settings)
    content = networks.snapshot()
    path = tmp_path / "snapshot.pkl"
    path.write_bytes(snapshots.dumps(content))
    gan = convert.load("stylegan2", {"generator": path})
    generator = mirror_of(
        content["G_ema"],
        torch_stylegan2.Generator(
            **TEMPLATE,
            channels=networks.channels,
            latent_dim=networks.latent_dim,
            style_dim=networks.style_dim,
            mapping_layers=networks.depth,
            num_classes=networks.labels,
        ),
    )
    discriminator = mirror_of(
        content["D"],
        torch_stylegan2.Discriminator(
            **TEMPLATE,
            channels=networks.channels,
            num_classes=networks.labels,
            residual=networks.residual,
        ),
    )
    synthesis = generator.synthesis
    if networks.clamp:
        clamp_networks(generator, discriminator, networks.clamp)
    latents = np.random.RandomState(0).randn(3, networks.latent_dim)
    latents = latents.astype("float32")
    labels = code = None
    if networks.labels:
        labels = np.array([2, 0, 1])
        code = torch.eye(networks.labels)[labels]
    average = gan.average_generator
    with torch.no_grad():
        ws = generator.styles(torch.from_numpy(latents), code)
        mean = generator.mapping.mean
        truncated = mean + 0.7 * (ws - mean)
        check(average.styles(latents, labels), ws)
        psi = np.full(3, 0.7, "float32")
        styles = average.styles(latents, labels, psi)
        check(styles, truncated)
        for noises in (
            synthesis.constant_noises(),
            [torch.zeros_like(n) for n in synthesis.constant_noises()],
            synthesis.draw_noises(3),
        ):
            expected = to_numpy(synthesis(truncated, noises))
            given = [
                np.broadcast_to(
                    n.numpy().reshape(-1, *n.shape[-2:], 1),
                    (3, *n.shape[-2:], 1),
                )
                for n in noises
            ]
            check(average.synthesis(styles, given), expected)
        expected = to_numpy(synthesis(truncated, synthesis.constant_noises()))
        check(average.synthesis(styles), expected)
        shape = (3, 16, 16, networks.channels)
        images = np.random.RandomState(1).uniform(-1, 1, shape)
        images = images.astype("float32")
        scores = discriminator(to_torch(images), code)
        check(gan.scores(images, labels), scores)


def test_tensors_that_pytorch_pickles(tmp_path, monkeypatch):
    """Parameters, storages and layouts are PyTorch's own."""

    def tensor(array):
        tensor = torch.from_numpy(np.asarray(array))
        if array.ndim == 4:
            tensor = tensor.to(memory_format=torch.channels_last)
        return tensor

    plain = snapshots.Networks().generator()
    expected = snapshots.flat(plain)
    monkeypatch.setattr(snapshots, "tensor", tensor)
    content = snapshots.dumps({"G_ema": snapshots.Networks().generator()})
    path = tmp_path / "snapshot.pkl"
    path.write_bytes(content)
    found = stylegan2_pickle.read(path)["G_ema"].flat()
    assert found.keys() == expected.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name])
