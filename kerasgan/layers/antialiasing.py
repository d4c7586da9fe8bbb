"""Sampling without aliasing: a blur before every halving and doubling.

Both layers are means of neighboring values, taken twice, whose gradients are
fast. They take images of any size.
"""

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable(package="kerasgan")
class BlurHalving2D(layers.Layer):
    """Blurs with [1, 2, 1] / 4 along both axes and keeps every second value.

    Feature maps are reflected at the border.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`, of at least
            two rows and columns.

    Returns:
        Float tensor `(batch, ceil(height / 2), ceil(width / 2), channels)`.

    Reference:
        [Zhang, 2019](https://arxiv.org/abs/1904.11486), section 3
    """

    def call(self, inputs):
        border = [1, 1]
        x = tf.pad(inputs, [[0, 0], border, border, [0, 0]], mode="REFLECT")
        # Together [1, 2, 1] / 4.
        x = tf.nn.avg_pool2d(x, 2, 1, "VALID")
        return tf.nn.avg_pool2d(x, 2, 2, "VALID")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return batch, *map(_half, (height, width)), channels


@keras.saving.register_keras_serializable(package="kerasgan")
class BlurDoubling2D(layers.Layer):
    """Doubles height and width; each value is a mean of its two nearest.

    The weights are 3/4 and 1/4: a blur with [1, 3, 3, 1] / 4 between the
    values, along both axes. Feature maps are repeated at the border.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor `(batch, 2 * height, 2 * width, channels)`.

    Reference:
        [Zhang, 2019](https://arxiv.org/abs/1904.11486), section 3
    """

    def call(self, inputs):
        shape, channels = tf.shape(inputs), inputs.shape[-1]
        height, width = shape[1], shape[2]
        # Every value four times.
        x = tf.concat([inputs, inputs], axis=3)
        x = tf.reshape(x, (-1, height, 2 * width, channels))
        x = tf.concat([x, x], axis=2)
        x = tf.reshape(x, (-1, 2 * height, 2 * width, channels))
        # Blurred with [1, 2, 1] / 4.
        border = [1, 1]
        x = tf.pad(x, [[0, 0], border, border, [0, 0]], mode="SYMMETRIC")
        x = tf.nn.avg_pool2d(x, 2, 1, "VALID")
        x = tf.nn.avg_pool2d(x, 2, 1, "VALID")
        x.set_shape(self.compute_output_shape(inputs.shape))
        return x

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        double = (None if n is None else 2 * n for n in (height, width))
        return batch, *double, channels


def _half(size):
    return None if size is None else (size + 1) // 2
