"""Writes tensors in the formats that `kerasgan convert` reads."""

import collections
import json

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

SAFETENSORS = {"float32": "F32", "float16": "F16", "int64": "I64"}


def safetensors(path, state):
    """Writes a state dict as the library of the format does, names sorted."""
    header, blobs, place = {}, [], 0
    for name, tensor in sorted(state.items()):
        array = tensor.detach().numpy()
        blobs.append(array.tobytes())
        header[name] = {
            "dtype": SAFETENSORS[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [place, place + len(blobs[-1])],
        }
        place += len(blobs[-1])
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    start = len(text).to_bytes(8, "little") + text
    path.write_bytes(start + b"".join(blobs))


def onnx_generator(path, network, merged=False):
    """Writes a DCGAN's generator; `merged` as exporters optimize it."""
    nodes, values, x = [], {}, "latents"
    modules = list(network.main)
    for place, module in enumerate(modules):
        inputs, options = [x], {}
        kind = type(module).__name__
        if isinstance(module, nn.ConvTranspose2d):
            kind = "ConvTranspose"
            weight = module.weight.detach()
            after = modules[place + 1]
            bias = None
            if merged and isinstance(after, nn.BatchNorm2d):
                scale = after.weight / (after.running_var + after.eps).sqrt()
                weight = weight * scale[None, :, None, None]
                bias = after.bias - after.running_mean * scale
            values[f"onnx::{place}"] = weight
            inputs.append(f"onnx::{place}")
            if bias is not None:
                values[f"folded_{place}"] = bias
                inputs.append(f"folded_{place}")
            options = {"strides": list(module.stride)}
            options["pads"] = 2 * list(module.padding)
        elif isinstance(module, nn.BatchNorm2d):
            if merged:
                continue
            kind = "BatchNormalization"
            parts = ("weight", "bias", "running_mean", "running_var")
            for part in parts:
                values[f"{part}{place}"] = getattr(module, part)
                inputs.append(f"{part}{place}")
            options = {"epsilon": module.eps}
        else:
            kind = {"ReLU": "Relu", "Tanh": "Tanh"}[kind]
        x = f"x{place}"
        nodes.append(helper.make_node(kind, inputs, [x], **options))
    # The order of initializers says nothing.
    initializers = [
        numpy_helper.from_array(value.detach().numpy(), name)
        for name, value in sorted(values.items())
    ]
    info = helper.make_tensor_value_info
    ends = [info(n, onnx.TensorProto.FLOAT, None) for n in ("latents", x)]
    graph = helper.make_graph(
        nodes, "generator", ends[:1], ends[1:], initializers
    )
    onnx.save(helper.make_model(graph), path)


def renamed(state, template):
    """Returns a state dict under names that say nothing about its modules.

    Args:
        state: dict of name to tensor.
        template: str with `{module}`, a number, and `{leaf}`.
    """
    modules = {}
    result = collections.OrderedDict()
    for name, tensor in state.items():
        module, _, leaf = name.rpartition(".")
        number = modules.setdefault(module, len(modules))
        result[template.format(module=number, leaf=leaf)] = tensor
    return result


def replaced(network, kind, make):
    """Replaces all modules of a kind, in place, and returns the network."""
    for name, child in network.named_children():
        if isinstance(child, kind):
            setattr(network, name, make(child))
        else:
            replaced(child, kind, make)
    return network


def with_biases(network):
    """Gives all convolutions a bias, and returns the network."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            size = module.out_channels
            values = np.random.RandomState(size).randn(size) / 4
            module.bias = nn.Parameter(torch.tensor(values.astype("float32")))
    return network
