"""Residual blocks that SNGAN and BigGAN share.

A 1x1 convolution is the same before and after a nearest upsampling, and before
and after the mean of 2x2 pixels; each runs where there are fewer pixels.
"""

import keras
from keras import layers

from kerasgan.layers.resampling import Upsample


def up_block(x, filters, name, conv, shortcut, normalize):
    """Doubles the resolution.

    Normalization, ReLU, upsampling, convolution; normalization, ReLU,
    convolution; added to an upsampled 1x1 convolution of the input.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        filters: int. Feature maps of the output.
        name: str. Beginning of the layers' names.
        conv: Callable from `filters` and `name` to a 3x3 convolution.
        shortcut: Like `conv`, to a 1x1 convolution.
        normalize: Callable from feature maps and `name` to feature maps.

    Returns:
        Keras tensor `(batch, 2 * height, 2 * width, filters)`.
    """
    y = normalize(x, name=f"{name}_norm_1")
    y = layers.ReLU(name=f"{name}_relu_1")(y)
    y = Upsample(name=f"{name}_up")(y)
    y = conv(filters, name=f"{name}_conv_1")(y)
    y = normalize(y, name=f"{name}_norm_2")
    y = layers.ReLU(name=f"{name}_relu_2")(y)
    y = conv(filters, name=f"{name}_conv_2")(y)
    x = shortcut(filters, name=f"{name}_shortcut")(x)
    x = Upsample(name=f"{name}_up_shortcut")(x)
    return layers.Add(name=f"{name}_residual")([x, y])


def down_block(x, hidden, filters, name, conv, shortcut, down):
    """ReLU, convolution, ReLU, convolution, and the mean of 2x2 pixels.

    The shortcut starts before the first ReLU. It is the identity where neither
    channels nor resolution change.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        hidden: int. Feature maps of the first convolution.
        filters: int. Feature maps of the output.
        name: str. Beginning of the layers' names.
        conv: Callable from `filters` and `name` to a 3x3 convolution.
        shortcut: Like `conv`, to a 1x1 convolution.
        down: bool. Whether to halve the resolution.

    Returns:
        Keras tensor `(batch, height / 2, width / 2, filters)`, or of the same
        resolution.
    """
    y = layers.ReLU(name=f"{name}_relu_1")(x)
    y = conv(hidden, name=f"{name}_conv_1")(y)
    y = layers.ReLU(name=f"{name}_relu_2")(y)
    y = conv(filters, name=f"{name}_conv_2")(y)
    has_shortcut = down or filters != x.shape[-1]
    if down:
        y = layers.AveragePooling2D(2, name=f"{name}_down")(y)
        x = layers.AveragePooling2D(2, name=f"{name}_down_shortcut")(x)
    if has_shortcut:
        x = shortcut(filters, name=f"{name}_shortcut")(x)
    return layers.Add(name=f"{name}_residual")([x, y])


def first_down_block(images, filters, name, conv, shortcut):
    """Like `down_block`, without a ReLU before the first convolution.

    Args:
        images: Keras tensor `(batch, height, width, channels)`.
        filters: int. Feature maps of both convolutions.
        name: See `down_block`.
        conv: See `down_block`.
        shortcut: See `down_block`.

    Returns:
        Keras tensor `(batch, height / 2, width / 2, filters)`.
    """
    y = conv(filters, name=f"{name}_conv_1")(images)
    y = layers.ReLU(name=f"{name}_relu_2")(y)
    y = conv(filters, name=f"{name}_conv_2")(y)
    y = layers.AveragePooling2D(2, name=f"{name}_down")(y)
    x = layers.AveragePooling2D(2, name=f"{name}_down_shortcut")(images)
    x = shortcut(filters, name=f"{name}_shortcut")(x)
    return layers.Add(name=f"{name}_residual")([x, y])


def sum_of_features(x):
    """ReLU, then the sum over all positions, in float32.

    A mean would be smaller by the number of positions: with each kernel's
    singular value at one, the scores would not reach the hinge.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.

    Returns:
        Keras tensor `(batch, channels)`.
    """
    x = layers.ReLU(dtype="float32", name="relu_last")(x)
    return keras.ops.sum(x, axis=(1, 2))


def projection(scores, features, embedding):
    """Returns scores with the product of features and class embedding added.

    Args:
        scores: Keras tensor `(batch, 1)`, unconditional.
        features: Keras tensor `(batch, channels)`.
        embedding: Keras tensor `(batch, channels)`, of each image's class.

    Returns:
        Keras tensor `(batch, 1)`.

    Reference:
        [Miyato and Koyama, 2018](https://arxiv.org/abs/1802.05637),
        equation 2
    """
    product = layers.Dot(axes=1, dtype="float32", name="projection")
    products = product([embedding, features])
    return layers.Add(dtype="float32", name="scores")([scores, products])
