"""Learned constant, noise, and the styles of StyleGAN and StyleGAN2."""

import math

import keras
import tensorflow as tf

from kerasgan.layers.equalized import EqualizedDense
from kerasgan.layers.resampling import smooth


@keras.saving.register_keras_serializable(package="kerasgan")
class LearnedConstant(keras.layers.Layer):
    """The same learned 4x4 feature maps for every image.

    Args:
        channels: int. Number of feature maps.
        initializer: A Keras initializer or its name. Defaults to `"ones"`.
        **kwargs: See `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor `(batch, ...)`, used only for the batch size.

    Returns:
        Float tensor `(batch, 4, 4, channels)`.

    Reference:
        [Karras et al., 2019](https://arxiv.org/abs/1812.04948), section 2.
    """

    def __init__(self, channels, initializer="ones", **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        self.maps = self.add_weight(
            name="maps",
            shape=(1, 4, 4, self.channels),
            initializer=self.initializer,
        )

    def call(self, inputs):
        return tf.tile(self.maps, (tf.shape(inputs)[0], 1, 1, 1))

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "initializer": keras.initializers.serialize(self.initializer),
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class Noise(keras.layers.Layer):
    """Adds a noise map, scaled by a learned factor for each channel.

    In training the noise is an input. Without it the layer adds a fixed noise
    map, sampled once and saved with the weights, so that an image depends only
    on its style, in any batch and in an exported model.

    Args:
        seed: int. Seed of the fixed noise map. Defaults to `0`.
        **kwargs: See `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.
        noise: Float tensor `(batch, height, width, 1)` from a unit normal,
            or `None` for the fixed noise map.

    Returns:
        Float tensor of the shape of `inputs`.

    Reference:
        [Karras et al., 2019](https://arxiv.org/abs/1812.04948), section 2.
    """

    def __init__(self, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, input_shape):
        _, height, width, channels = input_shape
        self.scale = self.add_weight(
            name="scale",
            shape=self.scale_shape(channels),
            initializer="zeros",
        )
        self.map = self.add_weight(
            name="map",
            shape=(1, height, width, 1),
            initializer=keras.initializers.RandomNormal(
                stddev=1.0, seed=self.seed
            ),
            trainable=False,
        )

    def scale_shape(self, channels):
        """Returns the shape of the learned factor."""
        return (channels,)

    def call(self, inputs, noise=None):
        noise = self.map if noise is None else tf.cast(noise, inputs.dtype)
        return inputs + noise * self.scale

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="kerasgan")
class ScalarNoise(Noise):
    """`Noise` with one learned factor for all channels.

    Args:
        **kwargs: See `Noise`.

    Call arguments:
        inputs: See `Noise`.
        noise: See `Noise`.

    Returns:
        See `Noise`.

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/1912.04958), section 2.1.
    """

    def scale_shape(self, channels):
        return ()


@keras.saving.register_keras_serializable(package="kerasgan")
class AdaIN(keras.layers.Layer):
    """Sets the mean and standard deviation of feature maps by a style.

    Args:
        **kwargs: See `keras.layers.Layer`.

    Call arguments:
        inputs: Pair of feature maps, float tensor
            `(batch, height, width, channels)`, and w, float tensor
            `(batch, w_dim)`.

    Returns:
        Float tensor of the shape of the feature maps.

    Reference:
        [Karras et al., 2019](https://arxiv.org/abs/1812.04948), equation 1.
    """

    def build(self, input_shape):
        maps_shape, w_shape = input_shape
        # The authors' gain for styles. Half of the units scale, half shift.
        self.style = EqualizedDense(
            2 * maps_shape[-1], gain=1.0, dtype=self.dtype_policy, name="style"
        )
        self.style.build(w_shape)

    def call(self, inputs):
        maps, w = inputs
        style = self.style(w)[:, None, None, :]
        scale, shift = tf.split(style, 2, axis=-1)
        # Mean and variance of each feature map of each image, in float32.
        wide = tf.cast(maps, "float32")
        mean = tf.reduce_mean(wide, axis=(1, 2), keepdims=True)
        centered = maps - tf.cast(mean, maps.dtype)
        squares = tf.square(tf.cast(centered, "float32"))
        variance = tf.reduce_mean(squares, axis=(1, 2), keepdims=True)
        # Scales are offsets from one. The epsilon prevents a division by zero
        # for a constant feature map.
        factor = (tf.cast(scale, "float32") + 1.0) * tf.math.rsqrt(
            variance + 1e-8
        )
        return centered * tf.cast(factor, maps.dtype) + shift


@keras.saving.register_keras_serializable(package="kerasgan")
class ModulatedConv2D(keras.layers.Layer):
    """Convolution whose weights are scaled by a style, then normalized.

    The style scales the input channels (equation 1). Each output channel is
    divided by the standard deviation that it then has for inputs of unit
    variance (equation 3). The scales are applied to inputs and outputs instead
    of the weights, which is the same, and fast without grouped convolutions.

    Args:
        filters: int. Feature maps of the output.
        kernel_size: int. Side of the kernel, odd. Defaults to `3`.
        **kwargs: See `keras.layers.Layer`.

    Call arguments:
        inputs: Pair of feature maps, float tensor
            `(batch, height, width, channels)`, and w, float tensor
            `(batch, style_dim)`.

    Returns:
        Float tensor `(batch, height, width, filters)`.

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/1912.04958), section 2.2.
    """

    def __init__(self, filters, kernel_size=3, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size

    def build(self, input_shape):
        maps_shape, w_shape = input_shape
        side, channels = self.kernel_size, maps_shape[-1]
        # Scales of one at first: around zero their signs would be random.
        self.style = EqualizedDense(
            channels,
            gain=1.0,
            initial_bias=1.0,
            dtype=self.dtype_policy,
            name="style",
        )
        self.style.build(w_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(side, side, channels, self.filters),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )

    def call(self, inputs):
        maps, w = inputs
        style = self.style(w)
        kernel = self.kernel / math.sqrt(math.prod(self.kernel.shape[:3]))
        outputs = self.convolve(maps * style[:, None, None, :], kernel)
        return self.finish(outputs, style, kernel)

    def convolve(self, maps, kernel):
        """Applies the scaled kernel to the scaled feature maps."""
        return tf.nn.conv2d(maps, kernel, 1, "SAME")

    def finish(self, outputs, style, kernel):
        """Normalizes the outputs (demodulation)."""
        # Sums over the input channels and the kernel, in float32.
        squares = tf.reduce_sum(tf.square(tf.cast(kernel, "float32")), (0, 1))
        variance = tf.matmul(tf.square(tf.cast(style, "float32")), squares)
        factor = tf.cast(tf.math.rsqrt(variance + 1e-8), outputs.dtype)
        return outputs * factor[:, None, None, :]

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class ModulatedUpConv2D(ModulatedConv2D):
    """`ModulatedConv2D` at twice the resolution, smoothed.

    A transposed convolution with stride 2, then a filter that keeps the mean.

    Args:
        filters: int. Feature maps of the output.
        **kwargs: See `ModulatedConv2D`.

    Call arguments:
        inputs: See `ModulatedConv2D`.

    Returns:
        Float tensor `(batch, 2 * height, 2 * width, filters)`.

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/1912.04958), appendix B.
    """

    def convolve(self, maps, kernel):
        height, width = maps.shape[1:3]
        shape = (
            tf.shape(maps)[0],
            2 * height + 1,
            2 * width + 1,
            self.filters,
        )
        # The factor makes up for the zeros between the pixels.
        kernel = 4.0 * tf.transpose(kernel, (0, 1, 3, 2))
        found = tf.nn.conv2d_transpose(maps, kernel, shape, 2, "VALID")
        return smooth(found, 1, 1)


@keras.saving.register_keras_serializable(package="kerasgan")
class ModulatedToRGB(ModulatedConv2D):
    """Feature maps to channels of an image: 1x1, with a bias instead of norm.

    Args:
        filters: int. Channels of the image.
        **kwargs: See `keras.layers.Layer`.

    Call arguments:
        inputs: See `ModulatedConv2D`.

    Returns:
        Float tensor `(batch, height, width, filters)`.

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/1912.04958), section 4.1.
    """

    def __init__(self, filters, kernel_size=1, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)

    def build(self, input_shape):
        super().build(input_shape)
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer="zeros"
        )

    def finish(self, outputs, style, kernel):
        return tf.nn.bias_add(outputs, self.bias)
