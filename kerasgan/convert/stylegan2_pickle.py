"""The pickles of StyleGAN2-ADA's authors, as arrays and plain values.

A snapshot is a dict with the networks `G`, `D` and `G_ema`. A network is a
recorded call with the source code of its class, the class' name and the state
of its module: attributes, `_parameters`, `_buffers` and `_modules`, which are
such calls again. A tensor is a recorded call with a storage, which is a small
PyTorch file inside the pickle. All of it is read as data (`pickles.py`): the
source code is not looked at, and PyTorch is not needed.
"""

import dataclasses
import math
import pathlib

import numpy as np

from kerasgan.convert.pickles import (
    Call,
    Machine,
    Name,
    NotReadable,
    Reference,
    mapping,
)
from kerasgan.fetch import printable

MOST_BYTES = 2 << 30
MOST_DEPTH = 8  # Of modules inside modules.
MOST_AXES = 8
MODULE = "torch_utils.persistence._reconstruct_persistent_obj"
# PyTorch's magic number and version of files before 1.6, used inside pickles.
STORAGE_FILE = (0x1950A86A20F9469CFC6C, 1001)
DTYPES = {
    "torch.HalfStorage": "<f2",
    "torch.FloatStorage": "<f4",
    "torch.DoubleStorage": "<f8",
    "torch.LongStorage": "<i8",
}
NETWORKS = ("G", "D", "G_ema")

TENSORFLOW = (
    "pickles of the authors' TensorFlow code are not read, because their "
    "networks are programs. If you trust this one, convert it by `legacy.py` "
    "of StyleGAN2-ADA's PyTorch code (`python legacy.py --source=OLD "
    "--dest=NEW`), and give the new file."
)


@dataclasses.dataclass
class Module:
    """One module of a network.

    Attributes:
        kind: str. The name of its class.
        attributes: dict of its plain attributes: numbers, text, `None`.
        arrays: dict of its own parameters and buffers, float arrays.
        parts: dict of its `Module`s by name.
    """

    kind: str
    attributes: dict
    arrays: dict
    parts: dict

    def flat(self, prefix=""):
        """Returns the arrays of all modules by dotted names.

        Args:
            prefix: str. Before all names.
        """
        found = {prefix + name: array for name, array in self.arrays.items()}
        for name, part in self.parts.items():
            found |= part.flat(f"{prefix}{name}.")
        return found


def read(path):
    """Returns the networks of a pickle.

    Args:
        path: str or path of a file that the authors' training wrote, or of
            one of its networks alone.

    Returns:
        dict of `"G"`, `"D"` and `"G_ema"`, as far as they are in it, to
        `Module`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds something else; nothing of it has run.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no such file: {path}")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(
            f"A pickle may have at most {MOST_BYTES >> 30} GiB. "
            f"Received: {size:,} bytes in {path.name}"
        )
    machine = Machine(path.read_bytes())
    try:
        networks = _networks(machine.read())
        _check_total(networks, size)
    except NotReadable as error:
        if any(".tflib." in name for name in machine.names):
            raise ValueError(f"{path.name}: {TENSORFLOW}") from error
        raise ValueError(
            f"{path.name} is not a pickle of StyleGAN2-ADA's networks: "
            f"{printable(str(error))}. Nothing of it was run."
        ) from error
    return networks


def _networks(content):
    if isinstance(content, Call) and content.path == MODULE:
        return {"G_ema": _module(content)}
    found = mapping(content)
    if found is None:
        raise NotReadable(f"it holds {_kind(content)}, not a dict of networks")
    networks = {
        name: _module(found[name])
        for name in NETWORKS
        if found.get(name) is not None
    }
    if not networks.keys() & {"G", "G_ema"}:
        names = ", ".join(str(name) for name in list(found)[:5])
        raise NotReadable(f"it has no G_ema and no G, but {names or 'nothing'}")
    return networks


def _module(record, depth=0):
    """Returns the `Module` of a recorded call."""
    if depth > MOST_DEPTH:
        raise NotReadable(f"it has more than {MOST_DEPTH} modules in another")
    if not isinstance(record, Call) or record.path != MODULE:
        raise NotReadable(f"a network is {_kind(record)}")
    meta = mapping(record.args[0]) if len(record.args) == 1 else None
    state = mapping((meta or {}).get("state"))
    kind = (meta or {}).get("class_name")
    if state is None or not _is_name(kind):
        raise NotReadable("a network has no class name or no state")
    held = {}
    for name in ("_parameters", "_buffers", "_modules"):
        held[name] = mapping(state.get(name))
        if held[name] is None:
            raise NotReadable(f"a {kind} has no {name}")
        if not all(_is_name(key) for key in held[name]):
            raise NotReadable(f"{name} of a {kind} has keys that are no names")
    tensors = {**held["_parameters"], **held["_buffers"]}
    return Module(
        kind,
        {
            name: value
            for name, value in state.items()
            if isinstance(value, bool | int | float | str | None)
        },
        {
            name: _tensor(value)
            for name, value in tensors.items()
            if value is not None
        },
        {
            name: _module(value, depth + 1)
            for name, value in held["_modules"].items()
            if value is not None
        },
    )


def _is_name(text):
    return isinstance(text, str) and text.isidentifier() and len(text) < 100


def _tensor(record):
    """Returns the array of a recorded tensor, a view of its storage."""
    path = getattr(record, "path", None)
    if path == "torch._utils._rebuild_parameter" and record.args:
        record = record.args[0]
        path = getattr(record, "path", None)
    if path != "torch._utils._rebuild_tensor_v2" or len(record.args) < 4:
        raise NotReadable(f"a tensor is {_kind(record)}")
    storage, offset, shape, strides = record.args[:4]
    numbers = _storage(storage)
    axes = (shape, strides)
    if not (
        all(isinstance(sizes, tuple) for sizes in axes)
        and len(shape) == len(strides) <= MOST_AXES
        and all(_is_size(n) for n in (offset, *shape, *strides))
    ):
        raise NotReadable("a tensor has no shape")
    count = math.prod(shape)
    last = offset + sum(
        (size - 1) * stride
        for size, stride in zip(shape, strides, strict=True)
        if count
    )
    if count > numbers.size or (count and last >= numbers.size):
        raise NotReadable("a tensor is larger than its storage")
    return np.lib.stride_tricks.as_strided(
        numbers[offset:],
        shape,
        [stride * numbers.itemsize for stride in strides],
        writeable=False,
    )


def _is_size(number):
    return isinstance(number, int) and 0 <= number <= MOST_BYTES


def _storage(record):
    """Returns the numbers of a storage, a flat view of the file."""
    if (
        getattr(record, "path", None) != "torch.storage._load_from_bytes"
        or len(record.args) != 1
        or not isinstance(record.args[0], memoryview)
    ):
        raise NotReadable(f"a storage is {_kind(record)}")
    machine = Machine(record.args[0])
    if (machine.read(), machine.read()) != STORAGE_FILE:
        raise NotReadable("a storage is not in PyTorch's format")
    system = mapping(machine.read())
    if system is None or system.get("little_endian") is not True:
        raise NotReadable("a storage has its bytes in another order")
    content = machine.read()
    key = content.key if isinstance(content, Reference) else ()
    if (
        not isinstance(key, tuple)
        or len(key) < 5
        or key[0] != "storage"
        or not isinstance(key[1], Name)
        or key[1].path not in DTYPES
    ):
        raise NotReadable("a storage is not of floating point numbers")
    if machine.read() != [key[2]]:
        raise NotReadable("a storage has parts")
    count = machine.integer(8)
    data = machine.buffer[machine.place :]
    dtype = np.dtype(DTYPES[key[1].path])
    if count != key[4] or len(data) != count * dtype.itemsize:
        raise NotReadable("a storage has another length than it says")
    return np.frombuffer(data, dtype)


def _check_total(networks, size):
    """Refuses many arrays of one storage.

    One number for each byte allows for a storage of 16 bits, and for G and
    G_ema that are one network.
    """
    arrays = [a for m in networks.values() for a in m.flat().values()]
    if sum(array.size for array in arrays) > size:
        raise NotReadable("its tensors are larger than the file")


def _kind(value):
    """Describes a value of a pickle."""
    if isinstance(value, Call):
        return f"an object of {value.path or 'no name'}"
    if isinstance(value, Name):
        return f"the name {value.path}"
    return f"of type {type(value).__name__}"
