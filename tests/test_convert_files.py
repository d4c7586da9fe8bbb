"""Files of weights that are damaged, or made to do harm.

Harmless stand-ins: a call that would make a folder, sizes that would be refused
by the memory of no machine. That sound files are read is in
test_convert_variants.py.
"""

import io
import json
import struct
import zipfile

import h5py
import numpy as np
import pytest

from kerasgan import convert
from kerasgan.convert import files, matching, networks
from kerasgan.convert.checkpoints import Tensor, check_sizes


def refused(path, match):
    with pytest.raises(ValueError, match=match) as caught:
        files.read(path)
    assert str(caught.value).startswith(f"{path.name}: ")


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    return b"J" + struct.pack("<i", value)


def tensor(key="0", length=4, offset=0, shape=(2, 2), strides=(2, 1)):
    """The instructions of a pickle that make a tensor."""
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key)
    storage += text("cpu") + number(length) + b"tQ"
    sizes = [b"(" + b"".join(map(number, s)) + b"t" for s in (shape, strides)]
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + number(offset)
        + b"".join(sizes)
        + b"\x89}tR"
    )


def archive(path, pickle, compression=zipfile.ZIP_STORED):
    """Writes a file as `torch.save` does."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("x/data.pkl", b"\x80\x02" + pickle + b".")
        file.writestr("x/data/0", np.arange(4, dtype="float32").tobytes())


def test_a_tensor_of_an_archive(tmp_path):
    path = tmp_path / "x.pth"
    archive(path, b"}" + text("w") + tensor(strides=(1, 2)) + b"s")
    (found,) = files.read(path).tensors
    assert found.name == "w"
    np.testing.assert_array_equal(found.read(), [[0, 2], [1, 3]])


@pytest.mark.parametrize(
    "options",
    [
        {"offset": 1},
        {"offset": -1},
        {"shape": (2, 3)},
        {"strides": (3, 1)},
        {"strides": (-1, 1)},
        {"shape": (2, 2**30), "strides": (0, 0)},
        {"shape": (2**30, 2**30), "strides": (1, 1)},
        {"strides": (1,)},
        {"key": "1"},
    ],
)
def test_a_tensor_is_inside_of_its_storage(options, tmp_path):
    path = tmp_path / "x.pth"
    archive(path, b"}" + text("w") + tensor(**options) + b"s")
    refused(path, "The file is damaged")


def test_compressed_storages_are_refused(tmp_path):
    path = tmp_path / "x.pth"
    archive(path, b"}", zipfile.ZIP_DEFLATED)
    refused(path, "does not compress its files")


def test_a_call_is_not_made(tmp_path):
    path, folder = tmp_path / "x.pth", tmp_path / "ran"
    call = b"cos\nmkdir\n(" + text(str(folder)) + b"tR"
    archive(path, b"}(" + text("w") + tensor() + text("bomb") + call + b"u")
    found = files.read(path)
    assert found.others == ("bomb (os.mkdir)",) and len(found.tensors) == 1
    archive(path, call)
    refused(path, "holds more than tensors")
    assert not folder.exists()


def test_dictionaries_in_dictionaries_end(tmp_path):
    """Each level holds the one below twice: two to the 60th in all."""
    pickle = b"}" + text("w") + tensor() + b"s" + b"q\x00"
    for _ in range(60):
        pickle += b"}(" + text("a") + b"h\x00" + text("b") + b"h\x00uq\x00"
    archive(tmp_path / "x.pth", pickle)
    refused(tmp_path / "x.pth", "may hold 100,000 tensors")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, "w is"),
        (
            {"w": {"dtype": "F32", "shape": [4], "data_offsets": [8, 24]}},
            "w is",
        ),
        (
            {"w": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 4]}},
            "w ha",
        ),
        (
            {"w": {"dtype": "exec", "shape": [2], "data_offsets": [0, 8]}},
            "exec",
        ),
        ({"w": 3}, "not subscriptable"),
        ([], "damaged"),
    ],
)
def test_safetensors(header, message, tmp_path):
    path = tmp_path / "x.safetensors"
    content = json.dumps(header).encode().ljust(40)
    path.write_bytes(len(content).to_bytes(8, "little") + content + bytes(16))
    if isinstance(header, list):
        content = b"{" + content
        path.write_bytes(len(content).to_bytes(8, "little") + content)
    refused(path, message)


def test_a_long_header(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes((1 << 62).to_bytes(8, "little") + b"{}" + bytes(100))
    refused(path, "at most 16,777,216 bytes")


def test_a_small_archive_of_many_numbers(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, **{f"w{i}": np.zeros(1 << 20) for i in range(4)})
    refused(path, "more numbers than a file of its size may")


@pytest.mark.parametrize("name", ["x.h5", "x.keras"])
def test_links_of_hdf5(name, tmp_path):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["w"] = h5py.ExternalLink("/etc/passwd", "/")
    path = tmp_path / name
    path.write_bytes(content.getvalue())
    if name == "x.keras":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("model.weights.h5", content.getvalue())
            file.writestr("config.json", "{}")
    refused(path, "a link at")


def test_onnx_does_not_reach_other_files(tmp_path):
    def field(key, content):
        return bytes([key << 3 | 2, len(content)]) + content

    tensor = field(8, b"w") + bytes([14 << 3, 1])
    path = tmp_path / "x.onnx"
    path.write_bytes(field(7, field(5, tensor)))
    refused(path, "a tensor in another file")
    path.write_bytes(b"\x3a\x7f\x00")
    refused(path, "The file is damaged")


def test_unknown_formats_are_refused(tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(b"weights")
    refused(path, "of no known format")


def test_sizes_are_bounded():
    with pytest.raises(ValueError, match="more numbers than a file"):
        check_sizes([(1 << 15, 1 << 15)], 1000)
    with pytest.raises(ValueError, match="at most 8 axes"):
        check_sizes([(1,) * 9], 1000)


def test_small_kernels_do_not_make_a_large_network(tmp_path):
    """Thirty layers would double an image of 4 pixels thirty times."""
    state = {"0.weight": np.zeros((2, 1, 4, 4))}
    state |= {f"{i}.weight": np.zeros((1, 1, 4, 4)) for i in range(1, 30)}
    np.savez(tmp_path / "x.npz", **state)
    with pytest.raises(ValueError, match="do not halve to whole numbers"):
        convert.load("dcgan", {"generator": tmp_path / "x.npz"})


def test_a_network_is_not_larger_than_its_file(tmp_path):
    """The classes given make tables of the network's own."""
    sizes = [(1 << 21, 8), (8, 4), (4, 3)]
    state = {
        f"{i}.weight": np.zeros((*s, 4, 4), "int8")
        for i, s in enumerate([(9, 8), *sizes[1:]])
    }
    for i, channels in ((0, 8), (1, 4)):
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"norm{i}.{part}"] = np.ones(channels)
    np.savez(tmp_path / "x.npz", **state)
    with pytest.raises(ValueError, match="joined to the 9 latents"):
        convert.load(
            "dcgan", {"generator": tmp_path / "x.npz"}, classes=1 << 30
        )


# Units


def units(**shapes):
    named = [Tensor(n.replace("__", "."), s, None) for n, s in shapes.items()]
    return [(u.kind, *u.parts) for u in matching.units(named)]


def test_tensors_without_modules_belong_to_the_kernel_before():
    kernel = (8, 4, 3, 3)
    assert units(a=kernel, b=(8,), c=kernel, d=(8,), e=(8,), f=(8,)) == [
        ("kernel", "kernel", "bias"),
        ("kernel", "kernel", "bias"),
        ("norm", "scale", "offset"),
    ]
    assert units(a=kernel, b=(8,), c=(8,), d=(8,), e=(8,)) == [
        ("kernel", "kernel"),
        ("norm", "scale", "offset", "mean", "variance"),
    ]
    running = {"m__running_mean": (8,), "m__running_var": (8,)}
    assert units(**running) == [("norm", "mean", "variance")]


def test_kernels_are_brought_into_order():
    pairs = [(8, 4), (4, 2), (100, 16), (16, 8)]
    assert networks.chained(pairs) == [2, 3, 0, 1]
    assert networks.chained([(8, 8)] * 4) == [0, 1, 2, 3]
    assert networks.chained([(8, 4), (8, 4)]) is None
