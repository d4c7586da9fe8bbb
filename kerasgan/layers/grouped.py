"""Convolution in groups of channels, with gradients of any order.

On a processor without oneDNN TensorFlow has no gradient of a grouped
convolution, and Keras' layer compiles each one with XLA, which is some twenty
times slower.
"""

import keras
import tensorflow as tf

# Channels that one convolution takes on a processor: with fewer there are more
# operations, with more the kernels hold more zeros.
CHANNELS_AT_ONCE = 64


@keras.saving.register_keras_serializable(package="kerasgan")
class GroupedConv2D(keras.layers.Layer):
    """Same-size convolution in which channels see those of their group.

    Args:
        filters: int. Feature maps of the output, divisible by the number of
            groups.
        group_size: int. Channels of the input in a group, a divisor of their
            number.
        kernel_size: int. Side of the kernel, odd. Defaults to `3`.
        use_bias: bool. Defaults to `True`.
        kernel_initializer: A Keras initializer, its name or its config.
            Defaults to `"glorot_uniform"`.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor `(batch, height, width, filters)`.

    Raises:
        ValueError: If the channels or the filters cannot be divided so.

    Example:
    ```python
    x = layers.GroupedConv2D(256, group_size=16)(x)
    ```

    Reference:
        [Xie et al., 2017](https://arxiv.org/abs/1611.05431), section 3.3
    """

    def __init__(
        self,
        filters,
        group_size,
        kernel_size=3,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.group_size = group_size
        self.kernel_size = kernel_size
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        channels, side = input_shape[-1], self.kernel_size
        groups = channels // self.group_size
        if channels % self.group_size or self.filters % groups:
            raise ValueError(
                "Channels must be divisible by `group_size`, and `filters` by "
                f"the number of groups. Received: {channels} channels, "
                f"group_size={self.group_size}, filters={self.filters}"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(side, side, self.group_size, self.filters),
            initializer=self.kernel_initializer,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer="zeros"
            )

    def call(self, inputs):
        outputs = grouped_conv2d(inputs, tf.convert_to_tensor(self.kernel))
        return outputs + self.bias if self.use_bias else outputs

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "group_size": self.group_size,
            "kernel_size": self.kernel_size,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
        }


def grouped_conv2d(inputs, kernel):
    """Convolves each group of channels with its own part of a kernel.

    A GPU has an operation for it. Elsewhere groups are taken together to some
    64 channels, and each of these convolutions has a kernel with zeros between
    the groups.

    Args:
        inputs: Float tensor `(batch, height, width, channels)`, of known
            channels.
        kernel: Float tensor `(height, width, channels / groups, filters)`, in
            the order of the groups.

    Returns:
        Float tensor `(batch, height, width, filters)`.
    """
    size = kernel.shape[2]
    groups = inputs.shape[-1] // size
    if groups == 1 or tf.config.list_logical_devices("GPU"):
        return tf.nn.conv2d(inputs, kernel, 1, "SAME")
    together = max(1, CHANNELS_AT_ONCE // size)
    while groups % together:
        together -= 1
    parts = groups // together
    outputs = [
        tf.nn.conv2d(part, block_diagonal(weights, together), 1, "SAME")
        for part, weights in zip(
            tf.split(inputs, parts, axis=3),
            tf.split(kernel, parts, axis=3),
            strict=True,
        )
    ]
    return tf.concat(outputs, axis=3)


def block_diagonal(kernel, groups):
    """Returns a kernel for all channels that does the same as one for groups.

    Args:
        kernel: Float tensor `(height, width, channels / groups, filters)`.
        groups: int.

    Returns:
        Float tensor `(height, width, channels, filters)`, zero between the
        groups.
    """
    height, width, size, filters = kernel.shape
    # [height, width, group of inputs, input, group of outputs, output]
    apart = tf.reshape(
        kernel, (height, width, 1, size, groups, filters // groups)
    )
    same = tf.eye(groups, dtype=kernel.dtype)[:, None, :, None]
    return tf.reshape(apart * same, (height, width, groups * size, filters))
