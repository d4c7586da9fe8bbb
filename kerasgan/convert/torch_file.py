"""PyTorch's files as tensors, without PyTorch.

Since version 1.6 a file is an uncompressed zip archive: `data.pkl`, a pickle in
which each tensor refers to a storage, and the storages as files of numbers.
Before, it was five pickles, the fourth of which is the content, followed by the
storages. The pickle is read as data (`pickles.py`): of all calls that it
records, only those of tensors and dictionaries are understood. Everything else,
such as the optimizer's class or the author's module, is skipped and reported. A
pickled module is the dictionary of its parameters, buffers and modules.
"""

import math
import mmap
import struct
import zipfile

import numpy as np

from kerasgan.convert import pickles
from kerasgan.convert.checkpoints import (
    MOST_TENSORS,
    Checkpoint,
    Tensor,
    bfloat16,
    check_sizes,
)
from kerasgan.fetch import printable

MAGIC = 0x1950A86A20F9469CFC6C
MOST_DEPTH = 64
DTYPES = {
    "torch.DoubleStorage": "<f8",
    "torch.FloatStorage": "<f4",
    "torch.HalfStorage": "<f2",
    "torch.BFloat16Storage": "<u2",
    "torch.LongStorage": "<i8",
    "torch.IntStorage": "<i4",
    "torch.ShortStorage": "<i2",
    "torch.CharStorage": "i1",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "?",
}
TENSORS = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
PARAMETERS = (
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
)
DICTIONARIES = ("collections.OrderedDict", "collections.defaultdict")
# Of a pickled module: the parts of its state that hold tensors.
MODULE_PARTS = ("_parameters", "_buffers", "_modules")


def read(path):
    """Returns the tensors of a file that `torch.save` wrote.

    Args:
        path: `pathlib.Path`.

    Returns:
        `Checkpoint`.

    Raises:
        ValueError: If the file is damaged, or holds no dictionary of tensors.
    """
    with path.open("rb") as file:
        # For the pickles; tensors are read from the file, one by one.
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        if view[:4] == b"PK\x03\x04":
            content, storages = _zipped(path, view)
        else:
            content, storages = _pickled(view)
        return _checkpoint(content, storages, path, len(view))
    except (
        pickles.NotReadable,
        zipfile.BadZipFile,
        KeyError,
        struct.error,
        RecursionError,
        TypeError,
        OverflowError,
    ) as error:
        raise ValueError(
            "The file is damaged, or was not written by `torch.save`: "
            f"{printable(str(error)[:200]) or type(error).__name__}"
        ) from error


def _zipped(path, view):
    """Returns the content of an archive, and a reader of its storages."""
    places = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_STORED:
                raise ValueError(
                    "PyTorch does not compress its files. Received: "
                    f"{printable(info.filename)}, compressed"
                )
            start = info.header_offset
            # The lengths of the name and of what pads it.
            lengths = struct.unpack("<HH", view[start + 26 : start + 30])
            start += 30 + sum(lengths)
            _, _, name = info.filename.partition("/")
            places[name] = (start, info.file_size)

    def content_of(name):
        start, size = places[name]
        return view[start : start + size]

    if "byteorder" in places and bytes(content_of("byteorder")) != b"little":
        raise ValueError(
            "The numbers must be little-endian. Received: a big-endian file"
        )
    machine = pickles.Machine(content_of("data.pkl"))
    return machine.read(), lambda key: places[f"data/{key}"]


def _pickled(view):
    """Returns the content of a file before 1.6, and a reader of storages."""
    machine = pickles.Machine(view)
    if machine.read() != MAGIC:
        raise pickles.NotReadable("it does not begin with PyTorch's number")
    machine.read()  # The version, 1001.
    machine.read()  # The sizes of types.
    content = machine.read()
    keys = machine.read()
    sizes = {}
    _storages_of(content, sizes)
    places, start = {}, machine.place
    for key in keys:
        (count,) = struct.unpack("<q", view[start : start + 8])
        size = count * sizes.get(key, 0)
        if key not in sizes or not 0 <= size <= len(view) - start - 8:
            raise pickles.NotReadable("a storage is not as large as it says")
        places[key] = (start + 8, size)
        start += 8 + size
    return content, places.__getitem__


def _storages_of(content, sizes):
    """Collects bytes per number of all storages, by key."""
    waiting, seen = [content], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, pickles.Reference):
            if value.key[:1] == ("module",):
                continue  # A class, with its source code.
            dtype, key, _ = _storage(value)
            sizes[key] = dtype.itemsize
        elif isinstance(value, (dict, list, tuple, pickles.Call)):
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, pickles.Call):
                waiting += [value.args, value.state, value.items]
            else:
                waiting += value.values() if isinstance(value, dict) else value


def _storage(reference):
    """Returns the dtype, key and length of a storage."""
    key = reference.key
    if not isinstance(key, tuple) or len(key) < 5 or key[0] != "storage":
        raise pickles.NotReadable("it refers to something outside of itself")
    kind = key[1].path if isinstance(key[1], pickles.Name) else str(key[1])
    if kind not in DTYPES:
        raise ValueError(
            f"The numbers must have one of the types {', '.join(DTYPES)}. "
            f"Received: {printable(kind)}"
        )
    return np.dtype(DTYPES[kind]), key[2], key[4]


def _checkpoint(content, storages, path, file_size):
    root = _entries(content)
    if root is None:
        kind = type(content).__name__
        if isinstance(content, pickles.Call):
            raise ValueError(
                "The file holds more than tensors, and reading it would run "
                "code from it. Save the tensors alone, where it was made: "
                "`torch.save(network.state_dict(), ...)`. Received: "
                f"{printable(content.path)}"
            )
        raise ValueError(
            f"The file must hold a dictionary of tensors. Received: {kind}"
        )
    tensors, others = [], []
    waiting = [("", root, 0)]
    while waiting:
        name, value, depth = waiting.pop()
        entries = _entries(value)
        if entries is not None and depth < MOST_DEPTH:
            prefix = f"{name}." if name else ""
            waiting += [
                (f"{prefix}{key}", inside, depth + 1)
                for key, inside in reversed(entries.items())
            ]
        elif (tensor := _tensor(name, value, storages, path)) is not None:
            tensors.append(tensor)
        elif isinstance(value, pickles.Call):
            others.append(f"{printable(name)} ({printable(value.path)})")
        if len(tensors) + len(others) + len(waiting) > MOST_TENSORS:
            raise ValueError(f"A file may hold {MOST_TENSORS:,} tensors.")
    check_sizes([tensor.shape for tensor in tensors], file_size)
    summary = [
        printable(str(key))
        if _entries(value) is not None or _is_tensor(value)
        else f"{printable(str(key))} ({_kind(value)})"
        for key, value in root.items()
    ]
    return Checkpoint(
        tuple(tensors),
        others=tuple(others),
        content=", ".join(summary[:8]) + (" ..." if summary[8:] else ""),
    )


def _kind(value):
    if isinstance(value, pickles.Call):
        return value.path
    return type(value).__name__


def _entries(value):
    """Returns the entries of a dictionary or module, or `None`."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, pickles.Call):
        return None
    if value.path in DICTIONARIES:
        # Before protocol 2 the items are the argument.
        return value.items
    if isinstance(value.state, dict) and "_modules" in value.state:
        entries = {}
        for part in MODULE_PARTS:
            entries |= _entries(value.state.get(part, {})) or {}
        return entries
    return None


def _is_tensor(value):
    return isinstance(value, pickles.Call) and value.path in (
        *TENSORS,
        *PARAMETERS,
    )


def _tensor(name, value, storages, path):
    """Returns the `Tensor` that a recorded call would make, or `None`."""
    if not _is_tensor(value):
        return None
    if value.path in PARAMETERS:
        return _tensor(name, value.args[0], storages, path)
    reference, offset, shape, strides = value.args[:4]
    if not isinstance(reference, pickles.Reference):
        raise pickles.NotReadable("a tensor is without storage")
    dtype, key, _ = _storage(reference)
    start, length = storages(key)
    if not 0 <= start <= start + length <= path.stat().st_size:
        raise pickles.NotReadable(f"{name} ends after the file")
    count = length // dtype.itemsize
    numbers = (offset, *shape, *strides)
    whole = all(type(n) is int and 0 <= n <= count for n in numbers)
    if not whole or len(shape) != len(strides):
        raise pickles.NotReadable(f"{name} is not inside of its storage")
    empty = 0 in shape
    size_of = dtype.itemsize
    steps = zip(shape, strides, strict=True)
    last = offset + sum((side - 1) * stride for side, stride in steps)
    size = math.prod(shape)
    if empty:
        return Tensor(name, tuple(shape), lambda: np.zeros(shape))
    if last >= count or size > count:
        raise pickles.NotReadable(f"{name} is larger than its storage")

    def load():
        flat = np.memmap(
            path, dtype, "r", start + offset * size_of, (last - offset + 1,)
        )
        array = np.lib.stride_tricks.as_strided(
            flat,
            shape,
            [stride * size_of for stride in strides],
            writeable=False,
        )
        halves = reference.key[1].path == "torch.BFloat16Storage"
        return bfloat16(array) if halves else array

    place = (start, offset, tuple(shape), tuple(strides))
    return Tensor(name, tuple(shape), load, place=place)
