"""Padding that continues a picture, and cropping with a cheap gradient."""

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable(package="kerasgan")
class ReflectionPadding2D(layers.Layer):
    """Mirrors maps at their borders; the border itself is not repeated.

    A row `1 2 3` padded by 2 is `3 2 1 2 3 2 1`. Zeros in its place leave a
    visible frame in pictures that keep their size (CycleGAN, section 7.2).

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
        if padding < 1:
            raise ValueError(
                "`padding` must be at least 1: it is the number of rows to "
                f"add on each side. Received: padding={padding}"
            )
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
    """Keras' cropping with a gradient that costs less.

    That of Keras' slicing with strides is slow on a processor; that of a plain
    slice is a padding. Outside of training it is Keras' layer, which LiteRT
    can convert for pictures of any size. Arguments are Keras'.
    """

    def call(self, inputs, training=None):
        if not training:
            return super().call(inputs)
        (top, bottom), (left, right) = self.cropping
        inner = tf.shape(inputs) - [0, top + bottom, left + right, 0]
        outputs = tf.slice(inputs, [0, top, left, 0], inner)
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return outputs
