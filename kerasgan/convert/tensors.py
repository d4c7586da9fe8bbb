"""Giving networks the tensors of a file, each under its published name."""

import dataclasses
import re
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a published tensor lies in memory, beside how ours does.

    Attributes:
        shape: Callable from the shape of our variable to that of the
            published tensor.
        change: Callable from the published tensor to ours; what it returns
            may still have to be reshaped.
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
    """Returns the places of a batch normalization's four tensors.

    Args:
        prefix: str. PyTorch's name of the module.
        layer: `keras.layers.BatchNormalization`.
    """
    return {
        f"{prefix}.weight": (layer.gamma, SAME),
        f"{prefix}.bias": (layer.beta, SAME),
        f"{prefix}.running_mean": (layer.moving_mean, SAME),
        f"{prefix}.running_var": (layer.moving_variance, SAME),
    }


def convolution(prefix, layer):
    """Returns the places of a convolution's kernel and bias.

    Args:
        prefix: str. PyTorch's name of the module.
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
        ignored: Names, after the last point, of tensors that carry no
            weights. Defaults to none beside the count of batches.

    Returns:
        dict of name to array.
    """
    # What `torch.nn.DataParallel` puts before every name.
    if tensors and all(name.startswith("module.") for name in tensors):
        tensors = {name[len("module.") :]: t for name, t in tensors.items()}
    ignored = {"num_batches_tracked", *ignored}
    return {
        name: tensor
        for name, tensor in tensors.items()
        if name.rsplit(".", 1)[-1] not in ignored
    }


def size_of(tensors, name, axis, network):
    """Returns one size of a tensor, from which others follow.

    Args:
        tensors: dict of name to array.
        name: str. Of the tensor.
        axis: int.
        network: str. What the network is called, for the message.

    Returns:
        int.

    Raises:
        ValueError: If there is no such tensor, or it has too few axes.
    """
    if name not in tensors:
        some = ", ".join(list(tensors)[:5]) or "nothing"
        raise ValueError(
            f"This is not {network}: the size of the network shows in "
            f"{name}, which is not there. Received: {len(tensors)} tensors, "
            f"the first of them {some}"
        )
    shape = tensors[name].shape
    if len(shape) <= axis:
        raise ValueError(
            f"This is not {network}: {name} has too few axes. "
            f"Received: shape {shape}"
        )
    return shape[axis]


def highest(tensors, pattern):
    """Returns the highest number of a module that the names show.

    Args:
        tensors: dict of name to array.
        pattern: str. A regular expression with one group, from the start.

    Returns:
        int, or -1 if there is none. Never more than there are tensors, so
        that a name alone cannot ask for a network without end.
    """
    found = [re.match(pattern, name) for name in tensors]
    numbers = [int(match[1]) for match in found if match]
    return max((n for n in numbers if n <= len(tensors)), default=-1)


def assign(networks):
    """Gives variables their tensors, or says all that is in the way.

    Args:
        networks: dict of a network's name to a pair: its tensors, a dict of
            name to array; and their places, a dict of the same names to pairs
            of variable and `Layout`.

    Raises:
        ValueError: If a tensor is missing, not known, of another shape or not
            finite. Names all of them; then no variable has changed.
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
            f"{what} in {network}: {', '.join(sorted(names))}"
            for what, names in (
                ("Missing", missing),
                ("Not known", unknown),
                ("Of another shape", misshapen),
                ("Not finite", infinite),
            )
            if names
        ]
    if problems:
        raise ValueError(
            "The tensors do not fit the network; docs/convert.md says which "
            f"ones do. {'. '.join(problems)}."
        )
    for variable, value in values:
        variable.assign(value)
