"""Learned constant, noise and adaptive normalization, for StyleGAN."""

import keras
import tensorflow as tf

from kerasgan.layers.equalized import EqualizedDense


@keras.saving.register_keras_serializable(package="kerasgan")
class LearnedConstant(keras.layers.Layer):
    """The same learned 4x4 feature maps for every image, initially ones.

    Args:
        channels: int. Number of feature maps.
        **kwargs: See `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor `(batch, ...)`, used only for the batch size.

    Returns:
        Float tensor `(batch, 4, 4, channels)`.

    Reference:
        [Karras et al., 2019](https://arxiv.org/abs/1812.04948), section 2.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape):
        self.maps = self.add_weight(
            name="maps", shape=(1, 4, 4, self.channels), initializer="ones"
        )

    def call(self, inputs):
        return tf.tile(self.maps, (tf.shape(inputs)[0], 1, 1, 1))

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


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
            name="scale", shape=(channels,), initializer="zeros"
        )
        self.map = self.add_weight(
            name="map",
            shape=(1, height, width, 1),
            initializer=keras.initializers.RandomNormal(
                stddev=1.0, seed=self.seed
            ),
            trainable=False,
        )

    def call(self, inputs, noise=None):
        noise = self.map if noise is None else tf.cast(noise, inputs.dtype)
        return inputs + noise * self.scale

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


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
