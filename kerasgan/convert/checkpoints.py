"""What a file of weights holds: tensors by name, in order, not yet read.

A reader of a format makes a `Checkpoint`; `files.read` chooses the reader.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

# A network of this many tensors would take minutes to build.
MOST_TENSORS = 100_000
MOST_AXES = 8
# Numbers that a file may declare for each of its bytes, as in `weights.py`.
MOST_NUMBERS_PER_BYTE = 4
SPARE_NUMBERS = 1 << 20


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor of a file, which is read when it is needed.

    Attributes:
        name: str. Keys of nested dictionaries are joined by dots.
        shape: tuple of ints.
        load: Callable without arguments to an array of this shape.
        note: str. How it was computed from tensors of the file.
        place: Where in the file its numbers are, if two tensors may have the
            same, or `None`.
    """

    name: str
    shape: tuple
    load: Callable
    note: str = ""
    place: tuple | None = None

    @property
    def size(self):
        """int. Number of its elements."""
        return math.prod(self.shape)

    def read(self):
        """Returns the float32 array."""
        return np.asarray(self.load(), "float32")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """The tensors of a file.

    Attributes:
        tensors: tuple of `Tensor`, in the order of the file, or in natural
            order of names where the format has none.
        layout: str or `None`. `"torch"` or `"keras"`: the order of the axes
            of kernels; `None` if the format leaves it open.
        epsilon: float. Of batch normalization, the default of the framework
            if the file does not say it.
        others: tuple of str. What else is in the file, and was not built.
        content: str. Short description of the whole, for messages.
    """

    tensors: tuple
    layout: str | None = "torch"
    epsilon: float = 1e-5
    others: tuple = ()
    content: str = ""


def check_sizes(shapes, file_size):
    """Refuses more tensors, or larger ones, than a file can hold.

    Args:
        shapes: Sequence of tuples of ints.
        file_size: int. In bytes.

    Raises:
        ValueError: If there are too many or they are too large.
    """
    if len(shapes) > MOST_TENSORS:
        raise ValueError(
            f"A file may hold {MOST_TENSORS:,} tensors. "
            f"Received: {len(shapes):,}"
        )
    numbers = 0
    for shape in shapes:
        if len(shape) > MOST_AXES or any(side < 0 for side in shape):
            raise ValueError(
                f"A tensor has at most {MOST_AXES} axes, none negative. "
                f"Received: shape {shape}"
            )
        numbers += math.prod(shape)
    if numbers > MOST_NUMBERS_PER_BYTE * file_size + SPARE_NUMBERS:
        raise ValueError(
            "The file declares more numbers than a file of its size may. "
            f"Received: {numbers:,} numbers in {file_size:,} bytes"
        )


def bfloat16(array):
    """Returns the float32 values of numbers stored as their upper halves.

    Args:
        array: uint16 array.
    """
    return (array.astype("uint32") << 16).view("float32")
