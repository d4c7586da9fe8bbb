"""The Inception network of December 2015, the one that FID is defined on.

Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception
Architecture for Computer Vision", 2015. https://arxiv.org/abs/1512.00567

The published graph (`classify_image_graph_def.pb`, 1,008 outputs) differs
from the paper and from later Inception networks: average pooling leaves the
padding out, and the last block pools the maximum. Networks of other weights
give other numbers, which are not called FID.

Difference from the graph: batch normalization is folded into the
convolutions, which changes features in the seventh digit and is faster.
"""

import functools
import hashlib
import os
import pathlib
import re
import tarfile

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kerasgan import backend
from kerasgan.fetch import fetch, home
from kerasgan.metrics import base
from kerasgan.metrics.features import FeatureNetwork

SIZE = 299
FEATURES = 2048
CLASSES = 1008

URL = (
    "https://storage.googleapis.com/download.tensorflow.org/models/image/"
    "imagenet/inception-2015-12-05.tgz"
)
ARCHIVE = "inception-2015-12-05.tgz"
GRAPH = "classify_image_graph_def.pb"
VARIABLE = "KERASGAN_INCEPTION"

# Blocks and convolutions by their scope in the graph, with their names in
# the PyTorch port.
_STEM = {
    "conv": "Conv2d_1a_3x3",
    "conv_1": "Conv2d_2a_3x3",
    "conv_2": "Conv2d_2b_3x3",
    "conv_3": "Conv2d_3b_1x1",
    "conv_4": "Conv2d_4a_3x3",
}
_POOLED = {"tower_2/conv": "branch_pool"}
_BLOCK_35 = {
    "conv": "branch1x1",
    "tower/conv": "branch5x5_1",
    "tower/conv_1": "branch5x5_2",
    "tower_1/conv": "branch3x3dbl_1",
    "tower_1/conv_1": "branch3x3dbl_2",
    "tower_1/conv_2": "branch3x3dbl_3",
} | _POOLED
_TO_17 = {
    "conv": "branch3x3",
    "tower/conv": "branch3x3dbl_1",
    "tower/conv_1": "branch3x3dbl_2",
    "tower/conv_2": "branch3x3dbl_3",
}
_BLOCK_17 = {
    "conv": "branch1x1",
    "tower/conv": "branch7x7_1",
    "tower/conv_1": "branch7x7_2",
    "tower/conv_2": "branch7x7_3",
    "tower_1/conv": "branch7x7dbl_1",
    "tower_1/conv_1": "branch7x7dbl_2",
    "tower_1/conv_2": "branch7x7dbl_3",
    "tower_1/conv_3": "branch7x7dbl_4",
    "tower_1/conv_4": "branch7x7dbl_5",
} | _POOLED
_TO_8 = {
    "tower/conv": "branch3x3_1",
    "tower/conv_1": "branch3x3_2",
    "tower_1/conv": "branch7x7x3_1",
    "tower_1/conv_1": "branch7x7x3_2",
    "tower_1/conv_2": "branch7x7x3_3",
    "tower_1/conv_3": "branch7x7x3_4",
}
_BLOCK_8 = {
    "conv": "branch1x1",
    "tower/conv": "branch3x3_1",
    "tower/mixed/conv": "branch3x3_2a",
    "tower/mixed/conv_1": "branch3x3_2b",
    "tower_1/conv": "branch3x3dbl_1",
    "tower_1/conv_1": "branch3x3dbl_2",
    "tower_1/mixed/conv": "branch3x3dbl_3a",
    "tower_1/mixed/conv_1": "branch3x3dbl_3b",
} | _POOLED
_BLOCKS = {
    "mixed": ("Mixed_5b", _BLOCK_35),
    "mixed_1": ("Mixed_5c", _BLOCK_35),
    "mixed_2": ("Mixed_5d", _BLOCK_35),
    "mixed_3": ("Mixed_6a", _TO_17),
    "mixed_4": ("Mixed_6b", _BLOCK_17),
    "mixed_5": ("Mixed_6c", _BLOCK_17),
    "mixed_6": ("Mixed_6d", _BLOCK_17),
    "mixed_7": ("Mixed_6e", _BLOCK_17),
    "mixed_8": ("Mixed_7a", _TO_8),
    "mixed_9": ("Mixed_7b", _BLOCK_8),
    "mixed_10": ("Mixed_7c", _BLOCK_8),
}

# Scope in the graph -> module in the port, for all 94 convolutions.
CONVOLUTIONS = _STEM | {
    f"{block}/{scope}": f"{port_block}.{port}"
    for block, (port_block, names) in _BLOCKS.items()
    for scope, port in names.items()
}


@backend.own_settings()
def build_inception(dtype="float32"):
    """Returns the network of 2015, with random weights.

    Args:
        dtype: str. Keras dtype policy of the convolutions; pooled features
            and logits stay float32. Defaults to `"float32"`.

    Returns:
        A `keras.Model` from images `(batch, 299, 299, 3)`, float32 in `[0,
        255]`, to a list of three float32 tensors: pool3 `(batch, 2048)`,
        logits without the bias `(batch, 1008)`, as the Inception Score takes
        them, and logits with it.

    Reference:
        [Szegedy et al., 2015](https://arxiv.org/abs/1512.00567), section 6.
    """

    def convolve(x, scope, filters, kernel, strides=1, padding="same"):
        return layers.Conv2D(
            filters,
            kernel,
            strides=strides,
            padding=padding,
            activation="relu",
            dtype=dtype,
            name=_layer_name(scope),
        )(x)

    def chain(x, scope, *convolutions):
        """Convolutions named conv, conv_1, ..., one after the other."""
        for index, arguments in enumerate(convolutions):
            name = f"{scope}/conv_{index}" if index else f"{scope}/conv"
            x = convolve(x, name, *arguments)
        return x

    def max_pool(x, strides=2, padding="valid"):
        return layers.MaxPooling2D(3, strides, padding, dtype=dtype)(x)

    def mean_pool(x):
        # Like TensorFlow's, and unlike PyTorch's by default, the mean leaves
        # the padding out.
        return layers.AveragePooling2D(3, 1, "same", dtype=dtype)(x)

    join = layers.Concatenate(dtype=dtype)

    def block_35(x, scope, pooled):
        return join(
            [
                convolve(x, f"{scope}/conv", 64, 1),
                chain(x, f"{scope}/tower", (48, 1), (64, 5)),
                chain(x, f"{scope}/tower_1", (64, 1), (96, 3), (96, 3)),
                chain(mean_pool(x), f"{scope}/tower_2", (pooled, 1)),
            ]
        )

    def block_17(x, scope, width):
        row, column = (1, 7), (7, 1)
        return join(
            [
                convolve(x, f"{scope}/conv", 192, 1),
                chain(
                    x,
                    f"{scope}/tower",
                    (width, 1),
                    (width, row),
                    (192, column),
                ),
                chain(
                    x,
                    f"{scope}/tower_1",
                    (width, 1),
                    (width, column),
                    (width, row),
                    (width, column),
                    (192, row),
                ),
                chain(mean_pool(x), f"{scope}/tower_2", (192, 1)),
            ]
        )

    def block_8(x, scope, pool):
        def fork(x, scope):
            return [
                convolve(x, f"{scope}/mixed/conv", 384, (1, 3)),
                convolve(x, f"{scope}/mixed/conv_1", 384, (3, 1)),
            ]

        short = chain(x, f"{scope}/tower", (384, 1))
        long = chain(x, f"{scope}/tower_1", (448, 1), (384, 3))
        return join(
            [
                convolve(x, f"{scope}/conv", 320, 1),
                *fork(short, f"{scope}/tower"),
                *fork(long, f"{scope}/tower_1"),
                chain(pool(x), f"{scope}/tower_2", (192, 1)),
            ]
        )

    images = keras.Input((SIZE, SIZE, 3), dtype="float32", name="images")
    # (x - 128) / 128, as in the graph: 255 is a little below one.
    x = layers.Rescaling(1 / 128, offset=-1.0, dtype=dtype)(images)
    x = convolve(x, "conv", 32, 3, 2, "valid")
    x = convolve(x, "conv_1", 32, 3, padding="valid")
    x = convolve(x, "conv_2", 64, 3)
    x = max_pool(x)
    x = convolve(x, "conv_3", 80, 1)
    x = convolve(x, "conv_4", 192, 3, padding="valid")
    x = max_pool(x)  # (batch, 35, 35, 192)
    x = block_35(x, "mixed", 32)
    x = block_35(x, "mixed_1", 64)
    x = block_35(x, "mixed_2", 64)
    long = chain(x, "mixed_3/tower", (64, 1), (96, 3))
    x = join(
        [
            convolve(x, "mixed_3/conv", 384, 3, 2, "valid"),
            convolve(long, "mixed_3/tower/conv_2", 96, 3, 2, "valid"),
            max_pool(x),
        ]
    )  # (batch, 17, 17, 768)
    for scope, width in (
        ("mixed_4", 128),
        ("mixed_5", 160),
        ("mixed_6", 160),
        ("mixed_7", 192),
    ):
        x = block_17(x, scope, width)
    short = chain(x, "mixed_8/tower", (192, 1))
    long = chain(x, "mixed_8/tower_1", (192, 1), (192, (1, 7)), (192, (7, 1)))
    x = join(
        [
            convolve(short, "mixed_8/tower/conv_1", 320, 3, 2, "valid"),
            convolve(long, "mixed_8/tower_1/conv_3", 192, 3, 2, "valid"),
            max_pool(x),
        ]
    )  # (batch, 8, 8, 1280)
    x = block_8(x, "mixed_9", mean_pool)
    # The graph pools the maximum here, unlike the paper.
    same_max_pool = functools.partial(max_pool, strides=1, padding="same")
    x = block_8(x, "mixed_10", same_max_pool)
    features = layers.GlobalAveragePooling2D(dtype="float32", name="pool_3")(x)
    unbiased = layers.Dense(
        CLASSES, use_bias=False, dtype="float32", name="logits_unbiased"
    )(features)
    logits = _Bias(dtype="float32", name="logits")(unbiased)
    return keras.Model(
        images, [features, unbiased, logits], name=base.INCEPTION
    )


class _Bias(layers.Layer):
    """Adds a trainable vector."""

    def build(self, input_shape):
        self.bias = self.add_weight(
            shape=(input_shape[-1],), initializer="zeros", name="bias"
        )

    def call(self, inputs):
        return inputs + self.bias


def _layer_name(scope):
    return scope.replace("/", "_")


def load_inception(path=None, resizer="tf2015", bfloat16=False):
    """Returns the 2015 Inception network with its published weights.

    Args:
        path: str, path or None. The frozen graph (`.pb`, or the `.tgz` it is
            published in, or a folder with it), the weights of the PyTorch
            port (`pt_inception-2015-12-05-6726825d.pth`; needs torch), or the
            folder of TF-GAN's TF-Hub module, unpacked. None takes the
            environment variable `KERASGAN_INCEPTION`, else the cache, else
            fetches the archive (90 MB) into it. Defaults to `None`.
        resizer: str. A name from `kerasgan.metrics.resize.RESIZERS`. Defaults
            to `"tf2015"`, the graph's own.
        bfloat16: bool. Convolutions in bfloat16, faster on processors that
            have it; scores are then not called FID. Defaults to `False`.

    Returns:
        A `FeatureNetwork` with the name `"inception_2015"`, or
        `"inception_2015_bfloat16"`.

    Raises:
        OSError: If there is no such file, it is damaged or not of this
            network, or cannot be fetched.
    """
    path = pathlib.Path(path) if path else _found()
    name = base.INCEPTION + ("_bfloat16" if bfloat16 else "")
    if (path / "saved_model.pb").is_file():
        if bfloat16:
            raise ValueError(
                "A TF-Hub module computes in float32 alone. "
                f"Received: bfloat16=True, path={path}"
            )
        return FeatureNetwork(
            _hub_model(path), name, _hash_of_folder(path), resizer
        )
    if path.is_dir():
        path = path / GRAPH
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no Inception network at {path}: give {GRAPH}, the "
            "archive it comes in, the PyTorch port's .pth or a TF-Hub folder."
        )
    read = read_port if path.suffix == ".pth" else read_graph
    model = build_inception("mixed_bfloat16" if bfloat16 else "float32")
    digest = _assign(model, *read(path), path)
    return FeatureNetwork(model, name, digest, resizer)


def _found():
    given = os.environ.get(VARIABLE)
    if given:
        return pathlib.Path(given)
    path = home() / ARCHIVE
    if not path.exists():
        try:
            fetch(URL, path)
        except OSError as error:
            raise OSError(
                "The 2015 Inception network could not be fetched "
                f"({error}). Where there is a network, fetch {URL}, and name "
                f"the file by `path` or in the variable {VARIABLE}."
            ) from None
    return path


def read_graph(path):
    """Reads the weights of the published frozen graph.

    Args:
        path: path. `classify_image_graph_def.pb`, or the `.tgz` around it.

    Returns:
        Tuple of a dict of scope to `(kernel, scale, offset)`, batch
        normalization folded to its effect per channel, and `(weights,
        biases)` of the last layer.

    Raises:
        OSError: If the file is damaged or not that graph.
    """
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(_graph_bytes(path))
    except (tarfile.TarError, EOFError, KeyError) as error:
        raise OSError(f"{path} does not hold {GRAPH}: {error}") from None
    except Exception as error:  # protobuf's DecodeError has two homes
        raise OSError(f"{path} is not a frozen graph: {error}") from None
    nodes = {node.name: node for node in graph.node}

    def constant(name):
        return tf.make_ndarray(nodes[name].attr["value"].tensor)

    try:
        convolutions = {}
        for scope in CONVOLUTIONS:
            norm = nodes[f"{scope}/batchnorm"]
            mean, variance, offset, gamma = map(constant, norm.input[1:5])
            if not norm.attr["scale_after_normalization"].b:
                gamma = 1.0
            convolutions[scope] = (
                constant(f"{scope}/conv2d_params"),
                *_fold(
                    gamma,
                    offset,
                    mean,
                    variance,
                    norm.attr["variance_epsilon"].f,
                ),
            )
        last = constant("softmax/weights"), constant("softmax/biases")
    except KeyError as error:
        raise OSError(
            f"{path} is not the Inception graph of 2015. "
            f"Received: no node {error}"
        ) from None
    return convolutions, last


def _graph_bytes(path):
    if not tarfile.is_tarfile(path):
        return path.read_bytes()
    with tarfile.open(path) as archive:
        return archive.extractfile(GRAPH).read()


def read_port(path):
    """Reads the weights of the PyTorch port.

    Args:
        path: path. A `.pth` file; if its name ends in `-<hash>.pth` the
            sha256 of its bytes must begin with that.

    Returns:
        Like `read_graph`.

    Raises:
        OSError: If the file is damaged, not those weights, or torch is
            missing.
    """
    try:
        import torch
    except ImportError:
        raise OSError(
            f"Reading {path} needs torch: `pip install kerasgan[convert]`, "
            f"or give {GRAPH}."
        ) from None
    named = re.search(r"-([0-9a-f]{8,64})\.pth$", path.name)
    if named:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if not digest.startswith(named[1]):
            raise OSError(
                f"{path} is damaged: its sha256 must begin with {named[1]}, "
                f"as its name says. Received: {digest}"
            )
    try:
        arrays = torch.load(path, map_location="cpu", weights_only=True)
        arrays = {name: array.numpy() for name, array in arrays.items()}
    except Exception as error:
        raise OSError(
            f"{path} is not a file of PyTorch weights alone: {error}"
        ) from None
    try:
        convolutions = {}
        for scope, module in CONVOLUTIONS.items():
            norm = [
                arrays[f"{module}.bn.{name}"]
                for name in ("weight", "bias", "running_mean", "running_var")
            ]
            convolutions[scope] = (
                # [out, in, height, width] to [height, width, in, out].
                arrays[f"{module}.conv.weight"].transpose(2, 3, 1, 0),
                # As the graph stores it, in float32.
                *_fold(*norm, float(np.float32(0.001))),
            )
        last = arrays["fc.weight"].T, arrays["fc.bias"]
    except KeyError as error:
        raise OSError(
            f"{path} is not the PyTorch port of the Inception graph of 2015. "
            f"Received: no array {error}"
        ) from None
    return convolutions, last


def _fold(gamma, offset, mean, variance, epsilon):
    """Returns factor and summand by which batch normalization acts."""
    scale = gamma / np.sqrt(variance.astype(np.float64) + epsilon)
    return scale, offset - mean * scale


def _assign(model, convolutions, last, path):
    """Puts weights into the network and returns their sha256."""
    weights, biases = last
    values = {"logits_unbiased": [weights], "logits": [biases]}
    for scope, (kernel, scale, offset) in convolutions.items():
        values[_layer_name(scope)] = [kernel * scale, offset]
    digest = hashlib.sha256()
    for name, arrays in values.items():
        arrays = [np.asarray(array, np.float32) for array in arrays]
        layer = model.get_layer(name)
        expected = [tuple(weight.shape) for weight in layer.weights]
        found = [array.shape for array in arrays]
        if expected != found or not all(np.isfinite(a).all() for a in arrays):
            raise OSError(
                f"{path} is not the Inception network of 2015: {name} must "
                f"be finite and of the shapes {expected}. Received: {found}"
            )
        layer.set_weights(arrays)
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


class _HubModule(layers.Layer):
    """Calls a module of TF-Hub that maps images in [-1, 1] to a dict."""

    def __init__(self, module, **kwargs):
        super().__init__(**kwargs)
        # In a tuple, because Keras would track the module's variables.
        self._module = (module,)

    def call(self, inputs):
        outputs = self._module[0](inputs)
        shapes = {"pool_3": FEATURES, "logits": CLASSES}
        return [
            tf.reshape(outputs[name], (-1, width))
            for name, width in shapes.items()
        ]

    def compute_output_spec(self, inputs):
        return [
            keras.KerasTensor((inputs.shape[0], width), "float32")
            for width in (FEATURES, CLASSES)
        ]


@backend.own_settings()
def _hub_model(path):
    # What tensorflow_hub.load does with a folder; that package does not
    # import beside setuptools 82 and later.
    module = tf.saved_model.load(str(path))
    images = keras.Input((SIZE, SIZE, 3), dtype="float32")
    x = layers.Rescaling(1 / 128, offset=-1.0)(images)
    return keras.Model(images, _HubModule(module)(x))


def _hash_of_folder(path):
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file():
            digest.update(str(file.relative_to(path)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
