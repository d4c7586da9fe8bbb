"""Layers with an equalized learning rate.

Weights are stored with unit standard deviation and scaled at run time by He's
constant. Adam's steps do not depend on the scale of the gradient, so they are
then equally large relative to the range of every weight.
"""

import math

import keras
import numpy as np
import tensorflow as tf

from kerasgan.layers.resampling import blur, smooth

SQRT2 = math.sqrt(2.0)


@keras.saving.register_keras_serializable(package="kerasgan")
class EqualizedDense(keras.layers.Layer):
    """Dense layer with an equalized learning rate.

    Args:
        units: int. Length of the output.
        gain: float. Standard deviation of the output for inputs of unit
            variance. Defaults to the square root of two, for LeakyReLU.
        lr_multiplier: float. Multiplies the effective learning rate; stored
            weights are larger by its inverse. Defaults to `1.0`.
        use_bias: bool. Defaults to `True`.
        initial_bias: float. Defaults to `0.0`.
        **kwargs: See `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor `(batch, units_in)`.

    Returns:
        Float tensor `(batch, units)`.

    Reference:
        [Karras et al., 2018](https://arxiv.org/abs/1710.10196), section 4.1.
    """

    def __init__(
        self,
        units,
        gain=SQRT2,
        lr_multiplier=1.0,
        use_bias=True,
        initial_bias=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.gain = gain
        self.lr_multiplier = lr_multiplier
        self.use_bias = use_bias
        self.initial_bias = initial_bias

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            initializer=keras.initializers.RandomNormal(
                stddev=1.0 / self.lr_multiplier
            ),
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=keras.initializers.Constant(self.initial_bias),
            )

    def call(self, inputs):
        scale = self.gain / math.sqrt(inputs.shape[-1]) * self.lr_multiplier
        outputs = tf.matmul(inputs, self.kernel * scale)
        if self.use_bias:
            outputs = outputs + self.bias * self.lr_multiplier
        return outputs

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "gain": self.gain,
            "lr_multiplier": self.lr_multiplier,
            "use_bias": self.use_bias,
            "initial_bias": self.initial_bias,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class EqualizedConv2D(keras.layers.Layer):
    """Same-size convolution with an equalized learning rate.

    Args:
        filters: int. Feature maps of the output.
        kernel_size: int. Side of the kernel, odd. Defaults to `3`.
        gain: float. Standard deviation of the output for inputs of unit
            variance. Defaults to the square root of two, for LeakyReLU.
        use_bias: bool. Defaults to `True`.
        **kwargs: See `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor `(batch, height, width, filters)`.

    Reference:
        [Karras et al., 2018](https://arxiv.org/abs/1710.10196), section 4.1.
    """

    def __init__(
        self, filters, kernel_size=3, gain=SQRT2, use_bias=True, **kwargs
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.gain = gain
        self.use_bias = use_bias

    def build(self, input_shape):
        side, channels = self.kernel_size, input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(side, side, channels, self.filters),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer="zeros"
            )

    def call(self, inputs):
        fan_in = self.kernel_size**2 * inputs.shape[-1]
        kernel = self.kernel * (self.gain / math.sqrt(fan_in))
        outputs = self.convolve(inputs, kernel)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return outputs

    def convolve(self, inputs, kernel):
        """Applies the scaled kernel."""
        return tf.nn.conv2d(inputs, kernel, 1, "SAME")

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "gain": self.gain,
            "use_bias": self.use_bias,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class EqualizedUpConv2D(EqualizedConv2D):
    """Nearest-neighbour upsampling and a 3x3 convolution, in one.

    A 3x3 kernel covers only 2x2 different pixels of an upsampled input, so a
    transposed convolution with sums of its weights gives the same output with
    4/9 of the operations.

    Args:
        filters: int. Feature maps of the output.
        **kwargs: See `EqualizedConv2D`: `gain`, `use_bias`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor `(batch, 2 * height, 2 * width, filters)`.
    """

    def convolve(self, inputs, kernel):
        height, width = inputs.shape[1:3]
        shape = (tf.shape(inputs)[0], 2 * height, 2 * width, self.filters)
        # A transposed convolution flips its kernel, with output channels first.
        kernel = tf.transpose(kernel[::-1, ::-1], (0, 1, 3, 2))
        return tf.nn.conv2d_transpose(
            inputs, sum_of_shifts(kernel), shape, 2, "SAME"
        )


@keras.saving.register_keras_serializable(package="kerasgan")
class EqualizedDownConv2D(EqualizedConv2D):
    """A 3x3 convolution and the mean of each 2x2 pixels, in one.

    The mean of four 3x3 convolutions is one 4x4 convolution with stride 2,
    with 4/9 of the operations.

    Args:
        filters: int. Feature maps of the output.
        **kwargs: See `EqualizedConv2D`: `gain`, `use_bias`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`, height and
            width even.

    Returns:
        Float tensor `(batch, height / 2, width / 2, filters)`.
    """

    def convolve(self, inputs, kernel):
        return tf.nn.conv2d(inputs, sum_of_shifts(kernel) / 4.0, 2, "SAME")


def sum_of_shifts(kernel):
    """Returns the sum of a 3x3 kernel at its four positions in a 4x4 kernel.

    Written as a matrix product, because the gradient of slices is slow on a
    CPU.

    Args:
        kernel: Float tensor `(3, 3, a, b)`.

    Returns:
        Float tensor `(4, 4, a, b)`.
    """
    shape = kernel.shape
    positions = tf.constant(np.kron(SHIFTS, SHIFTS), kernel.dtype)
    total = tf.matmul(positions, tf.reshape(kernel, (9, -1)))
    return tf.reshape(total, (4, 4, *shape[2:]))


# Along one axis: the sum of three weights at two positions among four.
SHIFTS = np.eye(4, 3) + np.eye(4, 3, -1)


@keras.saving.register_keras_serializable(package="kerasgan")
class Bias(keras.layers.Layer):
    """Adds a learned bias to each channel, initially zero.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor of the same shape.
    """

    def build(self, input_shape):
        self.bias = self.add_weight(
            name="bias", shape=(input_shape[-1],), initializer="zeros"
        )

    def call(self, inputs):
        return tf.nn.bias_add(inputs, self.bias)


@keras.saving.register_keras_serializable(package="kerasgan")
class EqualizedBlurDownConv2D(EqualizedDownConv2D):
    """`EqualizedDownConv2D` after a blur, which prevents aliasing.

    Args:
        filters: int. Feature maps of the output.
        **kwargs: See `EqualizedConv2D`: `gain`, `use_bias`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`, height and
            width even.

    Returns:
        Float tensor `(batch, height / 2, width / 2, filters)`.

    Reference:
        [Karras et al., 2019](https://arxiv.org/abs/1812.04948), section 2.
    """

    def convolve(self, inputs, kernel):
        return super().convolve(blur(inputs), kernel)


@keras.saving.register_keras_serializable(package="kerasgan")
class EqualizedSmoothDownConv2D(EqualizedConv2D):
    """A smoothed input and a 3x3 convolution with stride 2.

    Args:
        filters: int. Feature maps of the output.
        **kwargs: See `EqualizedConv2D`: `gain`, `use_bias`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`, height and
            width even.

    Returns:
        Float tensor `(batch, height / 2, width / 2, filters)`.

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/1912.04958), appendix B.
    """

    def convolve(self, inputs, kernel):
        return tf.nn.conv2d(smooth(inputs, 2, 2), kernel, 2, "VALID")
