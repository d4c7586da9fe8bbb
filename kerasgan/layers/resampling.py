"""Upsampling, downsampling and blur, with gradients of any order.

TensorFlow's resizing has no second derivative, which gradient penalties need;
the operations used here have one.
"""

import keras
import numpy as np
import tensorflow as tf


def upsample(images, factor=2):
    """Upsamples by nearest neighbours.

    Args:
        images: Float tensor `(batch, height, width, channels)`, of known
            height, width and channels.
        factor: int. Ratio of the sizes. Defaults to `2`.

    Returns:
        Float tensor `(batch, factor * height, factor * width, channels)`.
    """
    if factor == 1:
        return images
    height, width, channels = images.shape[1:]
    count = tf.shape(images)[0]
    # [batch, height, factor, width, factor, channels]
    squares = tf.broadcast_to(
        images[:, :, None, :, None, :],
        (count, height, factor, width, factor, channels),
    )
    return tf.reshape(
        squares, (count, factor * height, factor * width, channels)
    )


@keras.saving.register_keras_serializable(package="kerasgan")
class Upsample(keras.layers.Layer):
    """Doubles the resolution by nearest neighbours; see `upsample`.

    With Keras' layer the resolution of its output is unknown to LiteRT, which
    then has no convolution for it.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor `(batch, 2 * height, 2 * width, channels)`.
    """

    def call(self, inputs):
        return upsample(inputs)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, 2 * height, 2 * width, channels)


def downsample(images, factor=2):
    """Downsamples by the mean of each square of pixels.

    Args:
        images: Float tensor `(batch, height, width, channels)`, height and
            width divisible by `factor`.
        factor: int. Ratio of the sizes. Defaults to `2`.

    Returns:
        Float tensor `(batch, height / factor, width / factor, channels)`.
    """
    if factor == 1:
        return images
    return tf.nn.avg_pool2d(images, factor, factor, "VALID")


@tf.custom_gradient
def blur(maps):
    """Convolves with [1, 2, 1] / 4 along both axes, with zero padding.

    Args:
        maps: Float tensor `(batch, height, width, channels)`, of known
            channels.

    Returns:
        Float tensor of the same shape.

    Reference:
        [Karras et al., 2019](https://arxiv.org/abs/1812.04948), section 2.
    """
    line = np.array([1.0, 2.0, 1.0]) / 4.0
    kernel = np.tile(
        np.outer(line, line)[:, :, None, None], (1, 1, maps.shape[3], 1)
    )
    smooth = tf.nn.depthwise_conv2d(
        maps, tf.constant(kernel, maps.dtype), (1, 1, 1, 1), "SAME"
    )
    # With a symmetric kernel and zero padding the operator is symmetric: its
    # gradient is the blur itself, and faster than the general one.
    return smooth, blur


def blend(coarse, fine, fade):
    """Returns a mixture, `coarse` where `fade` is 0 and `fine` where it is 1.

    Args:
        coarse: Float tensor.
        fine: Float tensor of the same shape and type.
        fade: Float scalar in [0, 1].
    """
    return coarse + tf.cast(fade, fine.dtype) * (fine - coarse)
