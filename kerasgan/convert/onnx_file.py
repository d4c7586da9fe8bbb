"""ONNX models: the initializers, in the order of the nodes that read them.

The file is a protocol buffer, of which only the graph's nodes and initializers
are looked at. Nodes give the order, the kind of normalization and its epsilon;
no graph is run. Tensors in other files are refused.
"""

import dataclasses
import mmap
import struct

import numpy as np

from kerasgan.convert.checkpoints import Checkpoint, Tensor, check_sizes

# Numbers of fields in onnx.proto.
GRAPH, NODE, INITIALIZER = 7, 1, 5
INPUT, OP_TYPE, ATTRIBUTE = 1, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_FLOAT, ATTRIBUTE_INT = 1, 2, 3
DIMS, DATA_TYPE, FLOAT_DATA, NAME, RAW_DATA, DATA_LOCATION = 1, 2, 4, 8, 9, 14
DTYPES = {1: "<f4", 10: "<f2", 11: "<f8"}
# What the inputs of a node after the first are.
INPUTS = {
    "Conv": ("weight", "bias"),
    "ConvTranspose": ("weight", "bias"),
    "Gemm": ("weight", "bias"),
    "MatMul": ("kernel",),
    "BatchNormalization": ("weight", "bias", "running_mean", "running_var"),
    "InstanceNormalization": ("weight", "bias"),
}
MOST_NODES = 100_000


@dataclasses.dataclass
class _Node:
    operation: str
    inputs: list
    epsilon: float
    turned: bool


def read(path):
    """Returns the tensors of an ONNX model.

    Args:
        path: `pathlib.Path`.

    Returns:
        `Checkpoint`, in PyTorch's layout, which is that of ONNX.

    Raises:
        ValueError: If it is damaged, or its tensors are in other files.
    """
    with path.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        graphs = [v for number, v in _fields(view) if number == GRAPH]
        nodes, tensors = [], {}
        for number, value in _fields(graphs[-1]):
            if number == NODE:
                nodes.append(_node(value))
            elif number == INITIALIZER:
                tensor = _tensor(value)
                tensors[tensor.name] = tensor
            if len(nodes) + len(tensors) > MOST_NODES:
                raise ValueError(f"A model may have {MOST_NODES:,} nodes")
    except (IndexError, struct.error, TypeError, UnicodeDecodeError) as error:
        raise ValueError("The file is damaged, or no ONNX model") from error
    found, epsilons = [], set()
    for place, node in enumerate(nodes):
        names = INPUTS.get(node.operation, ())
        if node.operation == "BatchNormalization":
            epsilons.add(node.epsilon)
        for leaf, source in zip(names, node.inputs[1:], strict=False):
            if source in tensors:
                name = f"{node.operation}_{place}.{leaf}"
                tensor = tensors[source]
                if node.operation == "Gemm" and leaf == "weight":
                    tensor = _as_linear(tensor, node.turned)
                if node.operation == "MatMul":
                    tensor = _as_linear(tensor, False)
                found.append(dataclasses.replace(tensor, name=name))
    if len(epsilons) > 1:
        raise ValueError(
            "All batch normalization must have the same epsilon. Received: "
            f"{sorted(epsilons)}"
        )
    check_sizes([tensor.shape for tensor in found], len(view))
    return Checkpoint(
        tuple(found), epsilon=epsilons.pop() if epsilons else 1e-5
    )


def _as_linear(tensor, turned):
    """Returns a matrix as PyTorch has it, a row for each output."""
    if turned or len(tensor.shape) != 2:
        return tensor
    return dataclasses.replace(
        tensor, shape=tensor.shape[::-1], load=lambda: tensor.load().T
    )


def _varint(view, place):
    value = shift = 0
    while True:
        byte = view[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 or shift > 63:
            return value, place


def _fields(view):
    """Yields the fields of a message: its number, and an int or a view."""
    place = 0
    while place < len(view):
        key, place = _varint(view, place)
        kind = key & 7
        if kind == 0:
            value, place = _varint(view, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, place = view[place : place + size], place + size
        elif kind == 2:
            size, place = _varint(view, place)
            value, place = view[place : place + size], place + size
        else:
            raise ValueError("The file is damaged, or no ONNX model")
        if place > len(view):
            raise ValueError("The file is damaged: it ends too early")
        yield key >> 3, value


def _node(view):
    node = _Node("", [], 1e-5, False)
    for number, value in _fields(view):
        if number == INPUT:
            node.inputs.append(str(value, "utf-8"))
        elif number == OP_TYPE:
            node.operation = str(value, "utf-8")
        elif number == ATTRIBUTE:
            fields = dict(_fields(value))
            name = str(fields.get(ATTRIBUTE_NAME, b""), "utf-8")
            if name == "epsilon":
                (epsilon,) = struct.unpack("<f", fields[ATTRIBUTE_FLOAT])
                node.epsilon = float(f"{epsilon:.6g}")
            elif name == "transB":
                node.turned = bool(fields[ATTRIBUTE_INT])
    return node


def _tensor(view):
    name, kind, shape, raw, floats = "", 0, [], b"", b""
    for number, value in _fields(view):
        if number == DIMS:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == DATA_TYPE:
            kind = value
        elif number == NAME:
            name = str(value, "utf-8")
        elif number == RAW_DATA:
            raw = value
        elif number == FLOAT_DATA:
            floats = value if not floats else bytes(floats) + bytes(value)
        elif number == DATA_LOCATION and value:
            raise ValueError(
                "The tensors must be in the file itself. Received: a tensor "
                "in another file"
            )
    shape = tuple(shape)

    def load():
        dtype = np.dtype("<f4" if floats else DTYPES[kind])
        array = np.frombuffer(floats or raw, dtype)
        return array.reshape(shape)

    return Tensor(name, shape, load)


def _packed(view):
    values, place = [], 0
    while place < len(view):
        value, place = _varint(view, place)
        values.append(value)
    return values
