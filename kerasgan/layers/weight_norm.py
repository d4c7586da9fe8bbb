"""Weight normalization: the length of weight vectors as a weight."""

import keras
import tensorflow as tf
from keras import layers

from kerasgan import checks


@keras.saving.register_keras_serializable(package="kerasgan")
class WeightNormDense(layers.Layer):
    """Dense layer whose weight vectors are divided by their lengths.

    `outputs = gain * inputs @ (kernel / |kernel|) + bias`, with one gain for
    each unit. `initialize` sets gain and bias by data.

    Args:
        units: int. Length of the output.
        train_gain: bool. Whether the gain is trained, or stays as
            `initialize` left it. Defaults to `True`.
        kernel_initializer: A Keras initializer, its name or its config.
            Defaults to a normal one.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Float tensor `(batch, features)`.

    Returns:
        Float tensor `(batch, units)`.

    Raises:
        ValueError: If `units` is not positive.

    Reference:
        [Salimans and Kingma, 2016](https://arxiv.org/abs/1602.07868),
        sections 2 and 3.
    """

    def __init__(
        self, units, train_gain=True, kernel_initializer=None, **kwargs
    ):
        checks.positive(units=units)
        super().__init__(**kwargs)
        self.units = units
        self.train_gain = train_gain
        self.kernel_initializer = keras.initializers.get(
            kernel_initializer or keras.initializers.RandomNormal(stddev=0.1)
        )

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            initializer=self.kernel_initializer,
        )
        self.gain = self.add_weight(
            name="gain",
            shape=(self.units,),
            initializer="ones",
            trainable=self.train_gain,
            aggregation="mean",
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.units,), initializer="zeros"
        )

    def call(self, inputs):
        squared = tf.reduce_sum(self.kernel**2, axis=0)
        # The epsilon is that of the authors of the improved GAN.
        weights = self.kernel * (self.gain * tf.math.rsqrt(squared + 1e-6))
        return tf.matmul(inputs, weights) + self.bias

    def initialize(self, inputs):
        """Sets gain and bias such that outputs have mean 0 and variance 1.

        Args:
            inputs: Float tensor `(batch, features)`, eager.
        """
        outputs = tf.cast(self(inputs), "float32") - self.bias
        mean, variance = tf.nn.moments(outputs, axes=0)
        scale = tf.math.rsqrt(variance + 1e-6)
        self.gain.assign(self.gain * scale)
        self.bias.assign(-mean * scale)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "train_gain": self.train_gain,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
        }
