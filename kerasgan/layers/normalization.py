"""Normalization with the constants of GAN papers."""

import keras
import tensorflow as tf
from keras import layers

# Of the moving statistics, in Keras' convention; in Torch's it is 0.1.
MOMENTUM = 0.9


def batch_normalization(name, synchronized=False):
    """Returns batch normalization as the authors' Torch releases have it.

    Keras' defaults differ: momentum 0.99, epsilon 1e-3, gains of one.

    Args:
        name: str. Name of the layer.
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
    """Keras' batch normalization, with one fused operation in training.

    Keras computes the statistics by some twenty operations, always in float32;
    TensorFlow's fused operation reads the feature maps half as often and takes
    16-bit inputs directly, with statistics still in float32. As in Torch, the
    moving variance is the unbiased one. Arguments and weights are those of
    Keras; synchronized, it is Keras' layer.

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
        channels = inputs.shape[-1]
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma if self.scale else tf.ones((channels,)),
            offset=self.beta if self.center else tf.zeros((channels,)),
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
class ConditionalBatchNormalization(layers.Layer):
    """Batch normalization with gains and biases of each image.

    They are inputs, such as rows of a table looked up by the class, so that
    the layer has the moving statistics alone as weights.

    Args:
        epsilon: float. Added to the variance. Defaults to `1e-5`.
        synchronized: bool. Whether the statistics are taken over the batches
            of all replicas. Defaults to `False`.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Three float tensors: feature maps
            `(batch, height, width, channels)`, gains and biases, both
            `(batch, channels)`.

    Returns:
        Float tensor like the feature maps, `gain * normalized + bias`.

    Example:
    ```python
    gains = layers.Embedding(10, 64, embeddings_initializer="ones")(labels)
    biases = layers.Embedding(10, 64, embeddings_initializer="zeros")(labels)
    maps = ConditionalBatchNormalization()([maps, gains, biases])
    ```

    Reference:
        [Dumoulin et al., 2017](https://arxiv.org/abs/1610.07629), section 2.2;
        [Miyato and Koyama, 2018](https://arxiv.org/abs/1802.05637), for GANs
    """

    def __init__(self, epsilon=1e-5, synchronized=False, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.synchronized = synchronized

    def build(self, input_shape):
        self.norm = BatchNormalization(
            momentum=MOMENTUM,
            epsilon=self.epsilon,
            center=False,
            scale=False,
            synchronized=self.synchronized,
            dtype=self.dtype_policy,
            name="norm",
        )
        self.norm.build(input_shape[0])

    def call(self, inputs, training=None):
        maps, gains, biases = inputs
        maps = self.norm(maps, training=training)
        return maps * gains[:, None, None, :] + biases[:, None, None, :]

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "synchronized": self.synchronized,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class InstanceNormalization(layers.Layer):
    """Normalizes each feature map of each image to mean 0 and variance 1.

    It has no scale and shift, so no weights, and is the same in training and
    at inference. A constant feature map becomes zero: epsilon prevents a
    division by zero.

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
        # In float16 this epsilon has two significant digits left.
        x = tf.cast(inputs, "float32")
        mean, variance = tf.nn.moments(x, axes=(1, 2), keepdims=True)
        x = (x - mean) * tf.math.rsqrt(variance + self.epsilon)
        return tf.cast(x, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="kerasgan")
class AffineInstanceNormalization(InstanceNormalization):
    """Instance normalization with a gain and a bias for each feature map.

    Gains start from a normal around one, as those of `batch_normalization`.

    Args:
        epsilon: See `InstanceNormalization`.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: See `InstanceNormalization`.

    Returns:
        Float tensor of the same shape and type.

    Reference:
        [Ulyanov et al., 2016](https://arxiv.org/abs/1607.08022)
    """

    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(
            name="gamma",
            shape=shape,
            initializer=keras.initializers.RandomNormal(1.0, 0.02),
        )
        self.beta = self.add_weight(
            name="beta", shape=shape, initializer="zeros"
        )

    def call(self, inputs):
        gamma = tf.cast(self.gamma, inputs.dtype)
        return super().call(inputs) * gamma + tf.cast(self.beta, inputs.dtype)


# What a model's `normalization` may be, to a callable from the name of a layer
# and `synchronized` to the layer.
NORMALIZATIONS = {
    "batch": batch_normalization,
    "instance": lambda name, synchronized: InstanceNormalization(name=name),
    "affine_instance": lambda name, synchronized: AffineInstanceNormalization(
        name=name
    ),
}
