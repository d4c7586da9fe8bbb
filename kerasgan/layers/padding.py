"""Reflection padding, and cropping with a fast gradient."""

import keras
import tensorflow as tf
from keras import layers

from kerasgan import checks


@keras.saving.register_keras_serializable(package="kerasgan")
class ReflectionPadding2D(layers.Layer):
    """Mirrors feature maps at their borders, without repeating the border.

    A row `1 2 3` padded by 2 is `3 2 1 2 3 2 1`. Zero padding would cause
    artifacts at the borders of images (CycleGAN, section 7.2).

    Args:
        padding: int. How many rows and columns to add on each side; height
            and width must be larger than it.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor `(batch, height + 2 * padding, width + 2 * padding,
        channels)`.

    Raises:
        ValueError: If `padding` is not positive.
    """

    def __init__(self, padding, **kwargs):
        checks.positive(padding=padding)
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, inputs):
        side = [self.padding, self.padding]
        return tf.pad(inputs, [[0, 0], side, side, [0, 0]], mode="REFLECT")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        more = 2 * self.padding
        return (
            batch,
            None if height is None else height + more,
            None if width is None else width + more,
            channels,
        )

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable(package="kerasgan")
class Cropping2D(layers.Cropping2D):
    """Keras' cropping with a faster gradient.

    The gradient of Keras' strided slice is slow on a CPU; that of a plain
    slice is a padding. At inference it is Keras' layer, which LiteRT can
    convert for images of any size. Arguments are those of Keras.
    """

    def call(self, inputs, training=None):
        if not training:
            return super().call(inputs)
        (top, bottom), (left, right) = self.cropping
        inner = tf.shape(inputs) - [0, top + bottom, left + right, 0]
        outputs = tf.slice(inputs, [0, top, left, 0], inner)
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return outputs
