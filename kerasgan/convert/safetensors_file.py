"""The safetensors format: a JSON header of names and places, then numbers."""

import json
import math
import mmap

import numpy as np

from kerasgan.convert.checkpoints import (
    Checkpoint,
    Tensor,
    bfloat16,
    check_sizes,
)
from kerasgan.convert.naming import natural
from kerasgan.fetch import printable

MOST_HEADER = 16 << 20
DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}


def read(path):
    """Returns the tensors of a safetensors file.

    Names are in natural order, because the format sorts them.

    Args:
        path: `pathlib.Path`.

    Returns:
        `Checkpoint`.

    Raises:
        ValueError: If the file is damaged.
    """
    with path.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    length = int.from_bytes(view[:8], "little")
    if length > min(MOST_HEADER, len(view) - 8):
        raise ValueError(
            "The header of a safetensors file is within the file and at most "
            f"{MOST_HEADER:,} bytes long. Received: {length:,} bytes"
        )
    try:
        header = json.loads(bytes(view[8 : 8 + length]))
        header.pop("__metadata__", None)
        tensors = [
            _tensor(name, entry, view[8 + length :])
            for name, entry in header.items()
        ]
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ValueError(
            "The file is damaged, or no safetensors file: "
            f"{printable(str(error)[:200])}"
        ) from error
    check_sizes([tensor.shape for tensor in tensors], len(view))
    tensors.sort(key=lambda tensor: natural(tensor.name))
    return Checkpoint(tuple(tensors))


def _tensor(name, entry, buffer):
    dtype, shape = np.dtype(DTYPES[entry["dtype"]]), tuple(entry["shape"])
    start, end = entry["data_offsets"]
    if not all(type(n) is int and n >= 0 for n in (*shape, start, end)):
        raise ValueError(f"{name} has sizes that are no numbers")
    if end > len(buffer) or end - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name} is not as large as it says")

    def load():
        array = np.frombuffer(buffer[start:end], dtype).reshape(shape)
        return bfloat16(array) if entry["dtype"] == "BF16" else array

    return Tensor(name, shape, load)
