"""Self-attention over the positions of feature maps."""

import keras
import tensorflow as tf
from keras import layers

from kerasgan.layers.spectral import SpectralConv2D


@keras.saving.register_keras_serializable(package="kerasgan")
class SelfAttention(layers.Layer):
    """Adds to each position a weighted mean over all positions.

    As in the authors' code: queries and keys have an eighth of the channels,
    values a half; keys and values are max-pooled over 2x2 positions; products
    are not scaled. The result is multiplied by `gamma`, a weight that is zero
    at first, so that the layer starts as the identity. All four 1x1
    convolutions have spectral normalization and no bias.

    Args:
        kernel_initializer: A Keras initializer, its name or its config.
            Defaults to `"glorot_uniform"`.
        epsilon: See `SpectralDense`. Defaults to `1e-12`.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`, height and
            width even.
        training: See `SpectralDense`.

    Returns:
        Float tensor of the same shape.

    Example:
    ```python
    x = SelfAttention()(x)
    ```

    Reference:
        [Zhang et al., 2019](https://arxiv.org/abs/1805.08318), section 3,
        whose text has no pooling and an eighth of the channels for values too
    """

    def __init__(
        self, kernel_initializer="glorot_uniform", epsilon=1e-12, **kwargs
    ):
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.epsilon = epsilon

    def build(self, input_shape):
        channels = input_shape[-1]
        # Weights have the names of the paper's figure and code.
        eighth, half = max(channels // 8, 1), max(channels // 2, 1)
        self.queries = self.conv(eighth, "theta", input_shape)
        self.keys = self.conv(eighth, "phi", input_shape)
        self.values = self.conv(half, "g", input_shape)
        self.outputs = self.conv(channels, "o", (*input_shape[:-1], half))
        self.gamma = self.add_weight(
            name="gamma", shape=(), initializer="zeros"
        )

    def conv(self, filters, name, input_shape):
        """Returns a built 1x1 convolution."""
        # A new initializer for each, or all would have the same first values.
        initializer = self.kernel_initializer
        conv = SpectralConv2D(
            filters,
            1,
            use_bias=False,
            kernel_initializer=initializer.clone(),
            epsilon=self.epsilon,
            dtype=self.dtype_policy,
            name=name,
        )
        conv.build(input_shape)
        return conv

    def call(self, inputs, training=None):
        height, width = inputs.shape[1:3]
        places = height * width

        def rows(maps, count):
            return tf.reshape(maps, (-1, count, maps.shape[-1]))

        def pool(maps):
            return tf.nn.max_pool2d(maps, 2, 2, "VALID")

        queries = rows(self.queries(inputs, training=training), places)
        keys = pool(self.keys(inputs, training=training))
        values = pool(self.values(inputs, training=training))
        # [batch, places, places / 4]; each query's weights of the keys add
        # up to one.
        products = tf.matmul(queries, rows(keys, places // 4), transpose_b=True)
        weights = tf.nn.softmax(tf.cast(products, "float32"), axis=-1)
        weights = tf.cast(weights, values.dtype)
        mean = tf.matmul(weights, rows(values, places // 4))
        mean = tf.reshape(mean, (-1, height, width, values.shape[-1]))
        return inputs + self.gamma * self.outputs(mean, training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "epsilon": self.epsilon,
        }
