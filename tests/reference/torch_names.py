"""Roles of the weights of those mirrors whose modules are named like layers."""

from torch import nn

from .torch_steps import names_of_norm


def names_of_layers(network):
    """Role ("layer.attribute") to parameter name, in the order of layers.

    A module's path is the layer's name, with "_" for dots. A `weight` is a
    kernel, but for a batch normalization, which has Keras' four names (less
    those of a gain that is not there). Others keep their names.
    """
    names = {}
    for path, module in network.named_modules():
        layer = path.replace(".", "_")
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            names |= names_of_norm(layer, path)
            continue
        for name in [*module._parameters, *module._buffers]:
            attribute = "kernel" if name == "weight" else name
            names[f"{layer}.{attribute}"] = f"{path}.{name}"
    state = network.state_dict()
    return {role: name for role, name in names.items() if name in state}
