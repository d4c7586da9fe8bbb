"""Assigns the tensors of a file to variables."""

import dataclasses
import re
from collections.abc import Callable

import numpy as np

from kerasgan.convert.checkpoints import Tensor


@dataclasses.dataclass(frozen=True)
class Layout:
    """Memory layout of a published tensor, relative to that of a variable.

    Attributes:
        shape: Callable from the shape of the variable to that of the
            published tensor.
        change: Callable from the published tensor to the layout of the
            variable, up to a reshape.
    """

    shape: Callable
    change: Callable


SAME = Layout(lambda shape: shape, lambda tensor: tensor)


def size_of(tensors, name, axis, network):
    """Returns the size of one axis of a tensor.

    Args:
        tensors: dict of name to array.
        name: str. Of the tensor.
        axis: int.
        network: str. Description of the network, for the message.

    Returns:
        int.

    Raises:
        ValueError: If there is no such tensor, or it has too few axes.
    """
    if name not in tensors:
        some = ", ".join(list(tensors)[:5]) or "nothing"
        raise ValueError(
            f"This is not {network}: {name}, which gives the size of the "
            f"network, is missing. Received: {len(tensors)} tensors, the "
            f"first of them {some}"
        )
    shape = tensors[name].shape
    if len(shape) <= axis:
        raise ValueError(
            f"This is not {network}: {name} has too few axes. "
            f"Received: shape {shape}"
        )
    return shape[axis]


def highest(tensors, pattern):
    """Returns the highest number of a module among the names.

    Args:
        tensors: dict of name to array.
        pattern: str. A regular expression with one group, from the start.

    Returns:
        int, or -1 if there is none. At most the number of tensors, so that
        a name alone cannot require a network of unbounded size.
    """
    found = [re.match(pattern, name) for name in tensors]
    numbers = [int(match[1]) for match in found if match]
    return max((n for n in numbers if n <= len(tensors)), default=-1)


def assign(networks):
    """Assigns tensors to variables, or lists every mismatch.

    Tensors are read one after the other, so that no second copy of a network
    is in memory.

    Args:
        networks: dict of the name of a network to a pair: its tensors, a dict
            of name to array or `Tensor`; and their places, a dict of the same
            names to pairs of variable and `Layout`.

    Raises:
        ValueError: If a tensor is missing, unknown, of another shape or not
            finite. Lists all of them; the model is not to be used then.
    """
    problems = []
    for network, (tensors, places) in networks.items():
        missing = [name for name in places if name not in tensors]
        unknown = [name for name in tensors if name not in places]
        misshapen, infinite = [], []
        for name in [name for name in places if name in tensors]:
            variable, layout = places[name]
            tensor, shape = tensors[name], layout.shape(tuple(variable.shape))
            if tensor.shape != shape:
                misshapen.append(f"{name} {tensor.shape} instead of {shape}")
                continue
            array = tensor.read() if isinstance(tensor, Tensor) else tensor
            if np.isfinite(array).all():
                # Not two copies of a large kernel at once.
                array = layout.change(array).reshape(variable.shape)
                variable.assign(array)
            else:
                infinite.append(name)
            del array
        problems += [
            f"{kind} in {network}: {', '.join(sorted(names))}"
            for kind, names in (
                ("Missing", missing),
                ("Unknown", unknown),
                ("Of another shape", misshapen),
                ("Not finite", infinite),
            )
            if names
        ]
    if problems:
        raise ValueError(
            "The tensors do not fit the network; docs/convert.md lists the "
            f"supported files. {'. '.join(problems)}."
        )
