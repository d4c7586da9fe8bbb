"""Carries weights from the PyTorch mirrors to Keras, and compares steps."""

import numpy as np
import torch

# Keras adds Adam's epsilon before the correction of the second moment and
# PyTorch after it; at the first step these two are the same. With the default
# of 1e-8 a gradient of nothing but rounding takes a whole step, either way.
EPSILON = 1e-6
TORCH_EPSILON = EPSILON / np.sqrt(1 - 0.999)


def arrays(mirror):
    """Returns a mirror's parameters by role, in Keras' layout."""
    state = mirror.state_dict()
    found = {}
    for role, name in mirror.name_map().items():
        array = state[name].detach().numpy().copy()
        found[role] = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
    return found


def variables(network):
    """Returns a Keras network's variables by role: layer and attribute.

    A layer inside of another has the names of both, with "_" between them.
    """
    found = {}

    def add(layer, name):
        for inner in layer._layers:
            add(inner, f"{name}_{inner.name}")
        own = {id(v) for inner in layer._layers for v in inner.weights}
        for variable in layer.weights:
            if id(variable) not in own:
                found[f"{name}.{variable.name}"] = variable

    for layer in network.layers:
        add(layer, layer.name)
    return found


def renamed(mirror, names):
    """Returns a mirror's parameters by our roles, dense kernels ours, too.

    Args:
        mirror: The PyTorch network.
        names: dict of our layers' names, by the mirror's; others are equal.
    """
    found = {}
    for role, array in arrays(mirror).items():
        layer, attribute = role.split(".")
        layer = names.get(layer, layer)
        found[f"{layer}.{attribute}"] = array.T if array.ndim == 2 else array
    return found


def spectral(mirror):
    """Returns a mirror's arrays by role, where roles are those of our layers.

    Kernels of dense layers are transposed, tables are not.
    """
    return {
        role: array.T if array.ndim == 2 and "kernel" in role else array
        for role, array in arrays(mirror).items()
    }


def copy(mirror, network):
    """Gives a Keras network the weights of its mirror; all of them."""
    give(arrays(mirror), network)


def give(values, network):
    """Gives a Keras network the values of all its variables, by role."""
    targets = variables(network)
    assert values.keys() == targets.keys()
    for role, value in values.items():
        targets[role].assign(value)


def shake(mirror, seed):
    """Makes every weight play a part, and activations of about 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in mirror.parameters():
            fan = max(parameter[0].numel(), 1) if parameter.ndim > 1 else 100
            noise = torch.randn(parameter.shape, generator=generator)
            center = 0.0 if parameter.ndim > 1 else parameter
            parameter.copy_(center + noise * (1.0 / fan) ** 0.5)
        for name, buffer in mirror.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0.0, 0.1, generator=generator)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2.0, generator=generator)


def to_torch(images):
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def to_numpy(images):
    return images.detach().numpy().transpose(0, 2, 3, 1)


def assert_same_weights(mirror, network, before, only=None, tolerance=1e-3):
    """Compares all weights after a step, and what the step changed.

    Args:
        mirror: The PyTorch network, after its step.
        network: The Keras network, after its step.
        before: What `arrays(mirror)` was before the step.
        only: Roles to compare. Defaults to all.
        tolerance: Relative, over each variable as a whole.
    """
    values = arrays(mirror)
    if only is not None:
        values = {role: v for role, v in values.items() if role in only}
    assert_same_step(values, network, before, tolerance=tolerance)


def assert_same_step(values, network, before, idle=(), tolerance=1e-3):
    """Compares variables after a step, and what the step changed.

    Args:
        values: dict of arrays by our roles, of the mirror after its step.
        network: The Keras network, after its step.
        before: What `values` was before the step.
        idle: Roles whose gradient is nothing but rounding, such as that of a
            bias before batch normalization: Adam makes steps of it.
        tolerance: Relative, over each variable as a whole.
    """
    targets = variables(network)
    for role, expected in values.items():
        if "moving_variance" in role:
            # PyTorch keeps the unbiased variance, Keras the biased one.
            np.testing.assert_allclose(
                targets[role], expected, rtol=0.05, atol=1e-4, err_msg=role
            )
            continue
        error = np.linalg.norm(targets[role].numpy() - expected)
        assert error <= tolerance * np.linalg.norm(expected), role
        if role in idle or "moving_mean" in role:
            continue
        step = np.linalg.norm(expected - before[role])
        assert error <= 10 * tolerance * step, (role, error / step)
