"""The pickles of StyleGAN2-ADA: read as data, converted, or refused."""

import pickle
import sys
import tracemalloc

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

import zoo
from kerasgan import convert, models
from kerasgan.convert import pickles, stylegan2_pickle
from tests.support import snapshots
from tests.support.snapshots import Called, Named

WORDS = {"license": "CC0-1.0", "credit": "Made by a test"}


def save(folder, content, protocol=4, name="snapshot.pkl"):
    """Writes a pickle and returns its path, as `convert.load` takes it."""
    path = folder / name
    if not isinstance(content, bytes):
        content = snapshots.dumps(content, protocol)
    path.write_bytes(content)
    return {"generator": path}


def load(folder, content, protocol=4):
    return convert.load("stylegan2", save(folder, content, protocol))


def refused(folder, content, match):
    with pytest.raises(ValueError, match=match) as caught:
        load(folder, content)
    assert str(caught.value).isprintable()


# What is converted


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_all_protocols_are_read(protocol, tmp_path):
    content = {"G_ema": snapshots.Networks().generator()}
    if protocol == 2:
        # Bytes are text there, and need a call.
        with pytest.raises(ValueError, match="a storage is"):
            stylegan2_pickle.read(save(tmp_path, content, 2)["generator"])
        return
    path = save(tmp_path, content, protocol)["generator"]
    networks = stylegan2_pickle.read(path)
    expected = snapshots.flat(content["G_ema"])
    found = networks["G_ema"].flat()
    assert found.keys() == expected.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name], strict=True)


def test_arrays_go_where_they_belong(tmp_path):
    content = snapshots.Networks().snapshot()
    gan = load(tmp_path, content)
    assert type(gan) is models.StyleGAN2
    assert gan.image_shape == (8, 8, 3)
    assert (gan.latent_dim, gan.style_dim, gan.mapping_layers) == (5, 4, 2)
    assert (gan.channel_max, gan.clamp, gan.group_size) == (6, None, 4)
    assert gan.generator.synthesis.features(8) == 4
    for name, network in (
        ("G", gan.generator),
        ("G_ema", gan.average_generator),
    ):
        arrays = snapshots.flat(content[name])
        synthesis = network.synthesis
        np.testing.assert_array_equal(
            network.average_w, arrays["mapping.w_avg"]
        )
        kernel = synthesis.conv0_8.kernel.numpy()
        theirs = arrays["synthesis.b8.conv0.weight"]
        assert kernel[0, 2, 5, 3] == theirs[3, 5, 0, 2]
        constant = arrays["synthesis.b4.const"]
        assert (
            synthesis.constant_4.maps.numpy()[0, 1, 2, 5] == constant[5, 1, 2]
        )
        noise = arrays["synthesis.b8.conv1.noise_const"]
        assert synthesis.noise1_8.map.numpy()[0, 6, 1, 0] == noise[6, 1]
        strength = arrays["synthesis.b8.conv1.noise_strength"]
        assert synthesis.noise1_8.scale.numpy() == strength
        np.testing.assert_array_equal(
            synthesis.to_rgb_8.style.kernel,
            arrays["synthesis.b8.torgb.affine.weight"].T,
        )
    arrays = snapshots.flat(content["D"])
    dense = gan.discriminator.dense_4.kernel.numpy().reshape(4, 4, 6, 6)
    theirs = arrays["b4.fc.weight"].reshape(6, 6, 4, 4)
    assert dense[1, 2, 3, 5] == theirs[5, 3, 1, 2]


def test_labels_and_clamps(tmp_path):
    content = snapshots.Networks(labels=3, clamp=256).snapshot()
    gan = load(tmp_path, content)
    assert type(gan) is models.ConditionalStyleGAN2
    assert (gan.num_classes, gan.latent_dim, gan.clamp) == (3, 5, 256)
    arrays = snapshots.flat(content["G_ema"])
    classes = gan.average_generator.mapping.classes.kernel.numpy()
    np.testing.assert_array_equal(classes.T, arrays["mapping.embed.weight"])


def test_another_rate_of_the_mapping_is_the_same_function(tmp_path):
    content = {"G_ema": snapshots.Networks(rate=0.1).generator()}
    arrays = snapshots.flat(content["G_ema"])
    layer = load(tmp_path, content).average_generator.mapping.mapping_1
    np.testing.assert_allclose(
        layer.kernel.numpy().T * 0.01, arrays["mapping.fc1.weight"] * 0.1, 1e-6
    )
    np.testing.assert_allclose(
        layer.bias.numpy() * 0.01, arrays["mapping.fc1.bias"] * 0.1, 1e-6
    )


def test_without_noise(tmp_path):
    content = {"G_ema": snapshots.Networks(noise=False).generator()}
    synthesis = load(tmp_path, content).generator.synthesis
    assert synthesis.noise1_8.scale.numpy() == 0.0
    assert not synthesis.noise1_8.map.numpy().any()


def test_one_network_alone(tmp_path):
    network = snapshots.Networks().generator()
    gan = load(tmp_path, network)
    kernel = gan.generator.synthesis.conv1_8.kernel.numpy()
    theirs = snapshots.flat(network)["synthesis.b8.conv1.weight"]
    np.testing.assert_array_equal(kernel.transpose(3, 2, 0, 1), theirs)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"architecture": "skip"}, "architecture 'skip' instead of 'orig'"),
        ({"group_size": 1}, "groups of one image"),
    ],
)
def test_a_discriminator_that_does_not_fit_is_left_out(
    settings, match, tmp_path
):
    networks = snapshots.Networks()
    content = networks.snapshot() | {"D": networks.discriminator(**settings)}
    paths = save(tmp_path, content)
    with pytest.warns(UserWarning, match=match):
        fresh = convert.convert("stylegan2", paths, tmp_path / "model", **WORDS)
    assert fresh == ("discriminator",)
    card = (tmp_path / "model" / "README.md").read_text("utf-8")
    assert "no file that fits, and therefore randomly" in card


def test_a_folder_loads_and_generates(tmp_path):
    content = snapshots.Networks(residual=False).snapshot()
    paths = save(tmp_path, content)
    folder = tmp_path / "model"
    assert convert.convert("stylegan2", paths, folder, **WORDS) == ()
    gan = zoo.load(folder)
    assert gan.residual is False
    expected = convert.load("stylegan2", paths).generate(4, 0, truncation=0.7)
    np.testing.assert_array_equal(gan.generate(4, 0, truncation=0.7), expected)


# What is refused


def changed(content, path, **attributes):
    """Changes attributes of a module of a network."""
    for name in path.split("."):
        content = content.args[0]["state"]["_modules"].items[name]
    content.args[0]["state"].update(attributes)


@pytest.mark.parametrize(
    ("path", "attributes", "match"),
    [
        ("synthesis.b8", {"architecture": "resnet"}, "'resnet' instead of"),
        ("synthesis.b8.conv1", {"activation": "relu"}, "'relu' instead of"),
        ("synthesis.b8.conv0", {"up": 1}, "b8.conv0 has up 1 instead of 2"),
        ("synthesis.b8.torgb", {"conv_clamp": 3}, "conv_clamp 3 instead of"),
        ("synthesis.b8.conv1.affine", {"bias_gain": 2}, "bias_gain 2 instead"),
        ("mapping.fc0", {"activation": "linear"}, "'linear' instead of"),
    ],
)
def test_other_networks_are_refused(path, attributes, match, tmp_path):
    network = snapshots.Networks().generator()
    changed(network, path, **attributes)
    refused(tmp_path, network, f"{match}.*a generator of 8 pixels")


def test_another_filter_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots, "LINE", np.array([0.0, 1.0, 1.0, 0.0]) / 2)
    network = snapshots.Networks().generator()
    refused(tmp_path, network, r"another filter than \[1, 3, 3, 1\]")


def test_other_sizes_are_refused(tmp_path):
    refused(
        tmp_path,
        snapshots.Networks(16, {4: 8, 8: 3, 16: 3}).generator(),
        "must halve.*8, 3, 3 feature maps",
    )
    refused(tmp_path, snapshots.Networks(4, {4: 8}).generator(), "8 to 2048")
    networks = snapshots.Networks()
    other = snapshots.Networks(style_dim=6)
    content = {"G": networks.generator(), "G_ema": other.generator()}
    refused(tmp_path, content, "G and G_ema must be of the same size")


def test_stylegan3_is_refused(tmp_path):
    network = snapshots.module(
        "Generator",
        parts={
            "synthesis": snapshots.module(
                "SynthesisNetwork",
                parts={"input": snapshots.module("SynthesisInput")},
            ),
            "mapping": snapshots.module("MappingNetwork"),
        },
    )
    refused(tmp_path, network, "not a generator of StyleGAN2.*with input")


def test_tensorflow_is_refused_with_what_to_do(tmp_path):
    network = Called(Named("dnnlib.tflib.network", "Network"), state={"a": 1})
    for content in (
        (network, network, network),
        {"G_ema": network},
        # Written by another Python, with an instruction that is not read.
        snapshots.dumps(network)[:-1] + b"I5\n.",
    ):
        refused(tmp_path, content, "TensorFlow.*legacy.py")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ([1, 2], "it holds of type list"),
        ({"D": None, "state": 1}, "no G_ema and no G, but D, state"),
        ({}, "no G_ema and no G, but nothing"),
        ({"G_ema": {"a": 1}}, "a network is of type dict"),
        (b"", "ends too early"),
        (b"\x80\x04", "ends too early"),
        (b"hello", "it is damaged|instruction"),
    ],
)
def test_other_pickles_are_refused(content, match, tmp_path):
    refused(tmp_path, content, match)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no such file"):
        convert.load("stylegan2", {"generator": tmp_path / "none.pkl"})


# Security: nothing runs


CALLS = []


def alarm(*args):
    """Stands for whatever a pickle might call."""
    CALLS.append(args)


class Alarm:
    """Stands for whatever a pickle might make."""

    def __new__(cls, *args):
        alarm(*args)
        return super().__new__(cls)

    def __setstate__(self, state):
        alarm(state)


@pytest.fixture
def quiet():
    """Asserts that nothing was called."""
    CALLS.clear()
    yield
    assert CALLS == []


def hostile():
    """Pickles that call, by name of what they do it with."""
    call = Called(Named(__name__, "alarm"), 1)
    made = Called(Named(__name__, "Alarm"), state={"x": 1})
    return {"call": call, "made": made}


@pytest.mark.parametrize("which", ["call", "made"])
@pytest.mark.parametrize("where", ["augment_pipe", "G_ema", "attribute"])
def test_nothing_is_called(which, where, tmp_path, quiet):
    network = snapshots.Networks().generator()
    content = {"G_ema": network}
    if where == "attribute":
        changed(network, "mapping", extra=hostile()[which])
    else:
        content[where] = hostile()[which]
    if where == "G_ema":
        refused(tmp_path, content, "a network is an object of")
    else:
        assert load(tmp_path, content).image_size == 8


def test_the_alarm_works(tmp_path):
    """The same pickles, read by Python."""
    for content in hostile().values():
        CALLS.clear()
        pickle.loads(snapshots.dumps(content))
        assert CALLS
    CALLS.clear()


def test_source_code_is_not_looked_at(tmp_path, quiet, monkeypatch):
    monkeypatch.setattr(
        snapshots, "SOURCE", f"import {__name__} as t; t.alarm()"
    )
    load(tmp_path, snapshots.Networks().generator())


def test_nothing_is_imported(tmp_path):
    content = {
        "G_ema": snapshots.Networks().generator(),
        "augment_pipe": Called(Named("tests.support.unread", "function")),
    }
    load(tmp_path, content)
    assert "tests.support.unread" not in sys.modules


def test_a_state_changes_nothing_but_a_record(tmp_path):
    """Python's own machine would set attributes of a class or function."""
    name = snapshots.dumps(Named("kerasgan.convert.pickles", "Call"))
    # The state (None, {"path": 1}), instead of the end.
    content = name[:-1] + b"N}\x8c\x04pathK\x01s\x86b."
    refused(tmp_path, content, "a state of what has none")
    assert pickles.Call("a", ()).path == "a"


# Security: sizes


def with_tensor(call):
    """Returns a network with a constant of one's own making."""
    network = snapshots.Networks().generator()
    block = network.args[0]["state"]["_modules"].items["synthesis"]
    block = block.args[0]["state"]["_modules"].items["b4"]
    block.args[0]["state"]["_parameters"].items["const"] = call
    return network


def tensor_of(shape, strides, offset=0, count=96):
    content = Called(
        snapshots.STORAGE, snapshots.storage(np.zeros(count, "float32"))
    )
    return Called(snapshots.TENSOR, content, offset, shape, strides)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (tensor_of((1 << 20, 1 << 20), (0, 0)), "larger than its storage"),
        (tensor_of((97,), (1,)), "larger than its storage"),
        (tensor_of((96,), (1,), offset=1), "larger than its storage"),
        (tensor_of((2,), (96,)), "larger than its storage"),
        (tensor_of((2,), (-1,)), "has no shape"),
        (tensor_of((-1,), (1,)), "has no shape"),
        (tensor_of((2,), (1.5,)), "has no shape"),
        (tensor_of((1,) * 9, (1,) * 9), "has no shape"),
        (tensor_of((6, 4, 4), (16, 4)), "has no shape"),
        (Called(snapshots.TENSOR), "a tensor is an object"),
        (5, "a tensor is of type int"),
    ],
)
def test_tensors_stay_in_their_storage(call, match, tmp_path):
    refused(tmp_path, with_tensor(call), match)


def test_a_storage_has_the_length_that_it_says(tmp_path):
    for change in (
        lambda data: data[:-4],
        lambda data: data + b"1234",
        lambda data: data.replace(b"FloatStorage", b"OtherStorage"),
        lambda data: data.replace(b"protocol", b"protocol\x00"),
        lambda data: data[1:],
    ):
        content = snapshots.storage(np.zeros(96, "float32"))
        call = Called(
            snapshots.TENSOR,
            Called(snapshots.STORAGE, change(content)),
            *(0, (6, 4, 4), (16, 4, 1)),
        )
        refused(tmp_path, with_tensor(call), "Nothing of it was run")


def test_tensors_that_share_a_storage_are_refused(tmp_path):
    shared = tensor_of((1 << 12,), (1,), count=1 << 12)
    network = with_tensor(shared)
    more = {f"more_{index}": shared for index in range(200)}
    network.args[0]["state"]["_buffers"].items.update(more)
    refused(tmp_path, network, "tensors are larger than the file")


def test_a_large_file_is_refused_unread(tmp_path):
    paths = save(tmp_path, b"")
    with paths["generator"].open("wb") as file:
        file.truncate((2 << 30) + 1)
    with pytest.raises(ValueError, match="at most 2 GiB"):
        convert.load("stylegan2", paths)


def nested(depth):
    """Instructions for tuples inside tuples."""
    return b")" + b"\x85" * depth


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"\x8e" + (1 << 62).to_bytes(8, "little") + b".", "too early"),
        (b"\x8d" + (1 << 62).to_bytes(8, "little") + b".", "too early"),
        (b"B\xff\xff\xff\xff.", "too early"),
        (b"\x8b\x00\x01\x00\x00" + b"\x01" * 256 + b".", "integer of 256"),
        (b"}" * 1_000_001 + b".", "1,000,000 instructions"),
        (b"}" + nested(100_000) + b"Ns.", "a key that is not text"),
        (nested(100_000) + b".", "of type tuple"),
        # Python would reserve memory for 2 billion places.
        (b"Nr\xff\xff\xff\x7f.", "of type NoneType"),
        (b"]\x94" + b"h\x00a" * 1000 + b".", "of type list"),
    ],
)
def test_sizes_are_refused_before_memory_is_taken(content, match, tmp_path):
    path = save(tmp_path, content)["generator"]
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=match):
            stylegan2_pickle.read(path)
        assert tracemalloc.get_traced_memory()[1] < 150 << 20
    finally:
        tracemalloc.stop()


def test_text_is_bounded():
    with pytest.raises(pickles.NotReadable, match="64 MiB of text"):
        text = b"X" + (65 << 20).to_bytes(4, "little") + b"a" * (65 << 20)
        pickles.Machine(text + b".").read()


def test_names_are_names(tmp_path):
    network = snapshots.Networks().generator()
    parts = network.args[0]["state"]["_modules"].items
    parts["\x1b[2J"] = parts["mapping"]
    refused(tmp_path, network, "_modules of a Generator has keys that are no")


def test_modules_inside_modules_have_an_end(tmp_path):
    network = snapshots.module("Leaf")
    for _ in range(20):
        network = snapshots.module("Node", parts={"inner": network})
    refused(tmp_path, network, "more than 8 modules in another")


SMALL = snapshots.dumps(
    {
        "G_ema": snapshots.module(
            "Generator", {"a": 1}, {"weight": np.ones(2, "float32")}
        )
    }
)


@hypothesis.settings(deadline=None, max_examples=300)
@hypothesis.given(data=strategies.data())
def test_any_damage_is_one_error(data):
    content = bytearray(SMALL)
    for _ in range(data.draw(strategies.integers(1, 4))):
        place = data.draw(strategies.integers(0, len(content) - 1))
        content[place] = data.draw(strategies.integers(0, 255))
    content = content[: data.draw(strategies.integers(1, len(content)))]
    machine = pickles.Machine(bytes(content))
    try:
        stylegan2_pickle._networks(machine.read())
    except pickles.NotReadable:
        pass
