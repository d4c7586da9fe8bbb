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
    """Raises the resolution by nearest neighbours; see `upsample`.

    With Keras' layer the resolution of its output is unknown to LiteRT, which
    then has no convolution for it.

    Args:
        factor: int. Ratio of the sizes. Defaults to `2`.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor `(batch, factor * height, factor * width, channels)`.
    """

    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return upsample(inputs, self.factor)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, self.factor * height, self.factor * width, channels)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


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


# Weights of StyleGAN2's resampling, along both axes.
LINE = np.array([1.0, 3.0, 3.0, 1.0]) / 8.0


def smooth(maps, before, after):
    """Convolves with [1, 3, 3, 1] / 8 along both axes, with zero padding.

    Args:
        maps: Float tensor `(batch, height, width, channels)`, of known
            channels.
        before: int from 0 to 3. Rows and columns of zeros before the feature
            maps.
        after: int from 0 to 3. The same after them.

    Returns:
        Float tensor, larger by `before + after - 3` in height and width.

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/1912.04958), appendix B.
    """
    kernel = np.tile(
        np.outer(LINE, LINE)[:, :, None, None], (1, 1, maps.shape[3], 1)
    )

    @tf.custom_gradient
    def convolve(maps):
        border = (before, after)
        padded = tf.pad(maps, ((0, 0), border, border, (0, 0)))
        found = tf.nn.depthwise_conv2d(
            padded, tf.constant(kernel, maps.dtype), (1, 1, 1, 1), "VALID"
        )
        # The kernel is symmetric, so the gradient is the same convolution
        # with the complementary padding, and faster than the general one.
        return found, lambda back: smooth(back, 3 - before, 3 - after)

    return convolve(maps)


def smooth_upsample(maps):
    """Doubles height and width, smoothly: zeros between the pixels, smoothed.

    A constant stays constant, except at the borders, where the zero padding
    lowers it: 0.75 at edges and 0.5625 at corners.

    Args:
        maps: Float tensor `(batch, height, width, channels)`, of known
            height, width and channels.

    Returns:
        Float tensor `(batch, 2 * height, 2 * width, channels)`.

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/1912.04958), appendix B.
    """
    return 4.0 * _spread(maps)


@tf.custom_gradient
def smooth_downsample(maps):
    """Halves height and width: every second pixel of the smoothed maps.

    Args:
        maps: Float tensor `(batch, height, width, channels)`, height and
            width even, of known channels.

    Returns:
        Float tensor `(batch, height / 2, width / 2, channels)`; at the
        borders a constant 1 is 0.875, and 0.765625 at corners.

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/1912.04958), appendix B.
    """
    return smooth(maps, 1, 1)[:, ::2, ::2], _spread


@tf.custom_gradient
def _spread(maps):
    """The adjoint of `smooth_downsample`: a quarter of `smooth_upsample`."""
    height, width, channels = maps.shape[1:]
    # A zero after each pixel, then a row of zeros after each row; of four axes,
    # because LiteRT pads no more than five.
    pixels = tf.pad(maps, ((0, 0), (0, 0), (0, 0), (0, channels)))
    rows = tf.reshape(pixels, (-1, height, 2 * width, channels))
    rows = tf.pad(rows, ((0, 0), (0, 0), (0, 2 * width), (0, 0)))
    sparse = tf.reshape(rows, (-1, 2 * height, 2 * width, channels))
    return smooth(sparse, 2, 1), smooth_downsample


@keras.saving.register_keras_serializable(package="kerasgan")
class SmoothUpsample(keras.layers.Layer):
    """Doubles the resolution; see `smooth_upsample`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor `(batch, 2 * height, 2 * width, channels)`.
    """

    def call(self, inputs):
        return smooth_upsample(inputs)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, 2 * height, 2 * width, channels)


@keras.saving.register_keras_serializable(package="kerasgan")
class SmoothDownsample(keras.layers.Layer):
    """Halves the resolution; see `smooth_downsample`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`, height and
            width even.

    Returns:
        Float tensor `(batch, height / 2, width / 2, channels)`.
    """

    def call(self, inputs):
        return smooth_downsample(inputs)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height // 2, width // 2, channels)


def blend(coarse, fine, fade):
    """Returns a mixture, `coarse` where `fade` is 0 and `fine` where it is 1.

    Args:
        coarse: Float tensor.
        fine: Float tensor of the same shape and type.
        fade: Float scalar in [0, 1].
    """
    return coarse + tf.cast(fade, fine.dtype) * (fine - coarse)
