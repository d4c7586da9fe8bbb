"""Normalization with the constants that GAN papers assume."""

import keras
import tensorflow as tf
from keras import layers

# Of the moving statistics, in Keras' sense: Torch's is 0.1.
MOMENTUM = 0.9


def batch_normalization(name, synchronized=False):
    """Returns batch normalization as the authors' Torch releases have it.

    Keras' defaults differ: momentum 0.99, epsilon 1e-3, gains of one.

    Args:
        name: str. Of the layer.
        synchronized: bool. Whether the statistics are taken over the batches
            of all replicas instead of each replica's own. Defaults to
            `False`.

    Returns:
        A `BatchNormalization`.
    """
    return BatchNormalization(
        momentum=MOMENTUM,
        epsilon=1e-5,
        gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02),
        synchronized=synchronized,
        name=name,
    )


@keras.saving.register_keras_serializable(package="kerasgan")
class BatchNormalization(layers.BatchNormalization):
    """Keras' batch normalization, trained by one operation instead of twenty.

    Keras writes the statistics out of means and differences, in float32
    whatever the precision; TensorFlow's own operation reads the maps half as
    often and takes 16 bits as they are, with the statistics still in float32.
    As in Torch, the moving variance is the unbiased one. Arguments and weights
    are Keras'. Synchronized, it is Keras' layer.

    Each replica has moving statistics of its own images. Whatever reads them
    outside of a step, such as saving, gets their mean over the replicas; with
    Keras' layer, those of the first replica alone.

    Reference:
        [Ioffe and Szegedy, 2015](https://arxiv.org/abs/1502.03167),
        algorithm 2 for the unbiased variance
    """

    def add_weight(self, *args, **kwargs):
        if kwargs.get("name") not in ("moving_mean", "moving_variance"):
            return super().add_weight(*args, **kwargs)
        return keras.Variable(
            kwargs["initializer"],
            shape=kwargs["shape"],
            dtype=self.variable_dtype,
            trainable=False,
            autocast=False,
            synchronization="on_read",
            aggregation="mean",
            name=kwargs["name"],
        )

    def call(self, inputs, training=None, mask=None):
        if (
            not (training and self.trainable)
            or self.synchronized
            or mask is not None
            or len(inputs.shape) != 4
        ):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(
                moving * self.momentum + value * (1.0 - self.momentum)
            )
        return outputs


@keras.saving.register_keras_serializable(package="kerasgan")
class InstanceNormalization(layers.Layer):
    """Gives every map of every picture mean 0 and variance 1.

    Without gain and shift, so it has no weights, and works the same in
    training and after it. A constant map becomes zero: epsilon keeps its
    variance of zero from dividing.

    Args:
        epsilon: float. Added to the variance. Defaults to `1e-5`.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor of the same shape and type.

    Reference:
        [Ulyanov et al., 2016](https://arxiv.org/abs/1607.08022)
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        # In float16 this epsilon has two significant bits left.
        x = tf.cast(inputs, "float32")
        mean, variance = tf.nn.moments(x, axes=(1, 2), keepdims=True)
        x = (x - mean) * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast(x, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
