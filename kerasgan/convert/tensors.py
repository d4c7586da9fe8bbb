"""Assigns the tensors of a file to variables, by their published names."""

import dataclasses
import re
from collections.abc import Callable

import numpy as np


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

# PyTorch's kernels: of a convolution (out, in, height, width), of a
# transposed one (in, out, height, width). Keras swaps the last two as well.
KERNEL = Layout(
    lambda shape: (shape[3], shape[2], shape[0], shape[1]),
    lambda tensor: tensor.transpose(2, 3, 1, 0),
)


def batch_norm(prefix, layer):
    """Maps the four tensors of a batch normalization to variables.

    Args:
        prefix: str. Name of the module in PyTorch.
        layer: `keras.layers.BatchNormalization`.
    """
    return {
        f"{prefix}.weight": (layer.gamma, SAME),
        f"{prefix}.bias": (layer.beta, SAME),
        f"{prefix}.running_mean": (layer.moving_mean, SAME),
        f"{prefix}.running_var": (layer.moving_variance, SAME),
    }


def convolution(prefix, layer):
    """Maps the kernel and bias of a convolution to variables.

    Args:
        prefix: str. Name of the module in PyTorch.
        layer: `keras.layers.Conv2D` or `Conv2DTranspose`.
    """
    places = {f"{prefix}.weight": (layer.kernel, KERNEL)}
    if layer.use_bias:
        places[f"{prefix}.bias"] = (layer.bias, SAME)
    return places


def cleaned(tensors, ignored=()):
    """Returns the tensors of a PyTorch network under their plain names.

    Args:
        tensors: dict of name to array.
        ignored: Names, after the last dot, of tensors that are not weights,
            besides the count of batches. Defaults to none.

    Returns:
        dict of name to array.
    """
    # The prefix of `torch.nn.DataParallel`.
    if tensors and all(name.startswith("module.") for name in tensors):
        tensors = {name[len("module.") :]: t for name, t in tensors.items()}
    ignored = {"num_batches_tracked", *ignored}
    return {
        name: tensor
        for name, tensor in tensors.items()
        if name.rsplit(".", 1)[-1] not in ignored
    }


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

    Args:
        networks: dict of the name of a network to a pair: its tensors, a dict
            of name to array; and their places, a dict of the same names to
            pairs of variable and `Layout`.

    Raises:
        ValueError: If a tensor is missing, unknown, of another shape or not
            finite. Lists all of them; no variable has changed then.
    """
    problems, values = [], []
    for network, (tensors, places) in networks.items():
        missing = [name for name in places if name not in tensors]
        unknown = [name for name in tensors if name not in places]
        misshapen, infinite = [], []
        for name in places.keys() & tensors.keys():
            variable, layout = places[name]
            tensor, shape = tensors[name], layout.shape(tuple(variable.shape))
            if tensor.shape != shape:
                misshapen.append(f"{name} {tensor.shape} instead of {shape}")
            elif not np.isfinite(tensor).all():
                infinite.append(name)
            else:
                changed = layout.change(tensor)
                values.append((variable, changed.reshape(variable.shape)))
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
    for variable, value in values:
        variable.assign(value)
