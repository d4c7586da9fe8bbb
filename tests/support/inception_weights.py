"""Random Inception weights, written in the two published formats."""

import hashlib

import numpy as np
import tensorflow as tf

from kerasgan.metrics import inception


def draw(seed=0):
    """Returns arrays under the port's names, of its shapes."""
    generator = np.random.default_rng(seed)
    model = inception.build_inception()
    arrays = {}
    for scope, module in inception.CONVOLUTIONS.items():
        layer = model.get_layer(scope.replace("/", "_"))
        height, width, channels, filters = layer.kernel.shape
        fan_in = height * width * channels
        arrays[f"{module}.conv.weight"] = generator.normal(
            0, np.sqrt(2 / fan_in), (filters, channels, height, width)
        )
        for name, low, high in (
            ("weight", 0.7, 1.3),
            ("bias", -0.3, 0.3),
            ("running_mean", -0.3, 0.3),
            ("running_var", 0.5, 1.5),
        ):
            arrays[f"{module}.bn.{name}"] = generator.uniform(
                low, high, filters
            )
    arrays["fc.weight"] = generator.normal(0, 0.05, (1008, 2048))
    arrays["fc.bias"] = generator.normal(0, 0.5, 1008)
    return {name: array.astype("float32") for name, array in arrays.items()}


def write_graph(path, arrays, scale_after_normalization=True):
    """Writes arrays as the nodes of a frozen graph."""
    graph = tf.compat.v1.GraphDef()

    def constant(name, array):
        node = graph.node.add(name=name, op="Const")
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))

    for scope, module in inception.CONVOLUTIONS.items():
        kernel = arrays[f"{module}.conv.weight"].transpose(2, 3, 1, 0)
        constant(f"{scope}/conv2d_params", kernel)
        norm = graph.node.add(
            name=f"{scope}/batchnorm", op="BatchNormWithGlobalNormalization"
        )
        norm.input.append(f"{scope}/Conv2D")
        for ours, theirs in (
            ("moving_mean", "running_mean"),
            ("moving_variance", "running_var"),
            ("beta", "bias"),
            ("gamma", "weight"),
        ):
            constant(
                f"{scope}/batchnorm/{ours}", arrays[f"{module}.bn.{theirs}"]
            )
            norm.input.append(f"{scope}/batchnorm/{ours}")
        norm.attr["variance_epsilon"].f = 0.001
        norm.attr["scale_after_normalization"].b = scale_after_normalization
    constant("softmax/weights", arrays["fc.weight"].T)
    constant("softmax/biases", arrays["fc.bias"])
    path.write_bytes(graph.SerializeToString())


def write_port(folder, arrays):
    """Writes arrays as a `.pth` named by its hash; returns the path."""
    import torch

    part = folder / "weights.pth"
    torch.save(
        {name: torch.from_numpy(array) for name, array in arrays.items()},
        part,
    )
    digest = hashlib.sha256(part.read_bytes()).hexdigest()
    return part.rename(folder / f"pt_inception-random-{digest[:8]}.pth")
