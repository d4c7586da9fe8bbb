"""Batch normalization by a reference batch that stays the same."""

import keras
import tensorflow as tf

from kerasgan import checks


@keras.saving.register_keras_serializable(package="kerasgan")
class ReferenceBatch(keras.layers.Layer):
    """Puts a fixed batch of normal latents before its inputs.

    The first layer of a network with `VirtualBatchNormalization`; the last
    one slices the reference batch off again.

    Args:
        size: int. Number of examples of the reference batch.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Float tensor `(batch, ...)`.

    Returns:
        Float tensor `(size + batch, ...)`.

    Raises:
        ValueError: If `size` is not positive.

    Reference:
        [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), section 3.5.
    """

    def __init__(self, size, **kwargs):
        checks.positive(size=size)
        super().__init__(**kwargs)
        self.size = size

    def build(self, input_shape):
        self.reference = self.add_weight(
            name="reference",
            shape=(self.size, *input_shape[1:]),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            aggregation="only_first_replica",
        )

    def call(self, inputs):
        reference = tf.cast(self.reference, inputs.dtype)
        return tf.concat([reference, inputs], axis=0)

    def compute_output_shape(self, input_shape):
        return (None, *input_shape[1:])

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="kerasgan")
class VirtualBatchNormalization(keras.layers.Layer):
    """Normalizes each example by itself and a fixed reference batch.

    Batch normalization makes the images of a batch depend on each other. Here
    the mean and the mean square of each feature map are those of the reference
    batch with this one example added: weight `n / (n + 1)` for the `n`
    reference examples, `1 / (n + 1)` for the example's own. The reference
    batch, the first rows of the inputs, is normalized by its own statistics,
    as in batch normalization; gradients flow through them. Training and
    inference are the same.

    It costs one more pass, of the reference batch, so it is meant for the
    generator alone (section 3.5).

    Args:
        reference_size: int. Number of reference examples.
        epsilon: float. Added to the variance. Defaults to `1e-5`.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Float tensor `(reference_size + batch, ..., channels)`, from
            `ReferenceBatch`.

    Returns:
        Float tensor of the same shape and type.

    Raises:
        ValueError: If `reference_size` is not positive.

    Example:
    ```python
    class VirtualDCGAN(DCGAN):
        def build_networks(self):
            sizes = self.image_size, self.channels, self.width
            self.discriminator = dcgan.build_discriminator(
                *sizes, self.synchronized
            )

            def replaced(layer):
                if isinstance(layer, keras.layers.BatchNormalization):
                    return VirtualBatchNormalization(64, name=layer.name)
                return layer.__class__.from_config(layer.get_config())

            network = keras.models.clone_model(
                dcgan.build_generator(*sizes, self.latent_dim, False),
                clone_function=replaced,
            )
            latents = keras.Input((self.latent_dim,))
            images = network(ReferenceBatch(64)(latents))[64:, ...]
            self.generator = keras.Model(latents, images)
    ```

    Reference:
        [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), section
        3.5; the statistics are those of the authors' code for ImageNet.
    """

    def __init__(self, reference_size, epsilon=1e-5, **kwargs):
        checks.positive(reference_size=reference_size)
        super().__init__(**kwargs)
        self.reference_size = reference_size
        self.epsilon = epsilon

    def build(self, input_shape):
        channels = (input_shape[-1],)
        self.gamma = self.add_weight(
            name="gamma",
            shape=channels,
            initializer=keras.initializers.RandomNormal(1.0, 0.02),
        )
        self.beta = self.add_weight(
            name="beta", shape=channels, initializer="zeros"
        )

    def call(self, inputs, training=None, mask=None):
        # Takes the arguments of the layer that it replaces, without effect.
        x = tf.cast(inputs, "float32")
        rank = len(inputs.shape)
        inside = list(range(1, rank - 1))
        means = tf.reduce_mean(x, axis=inside, keepdims=True)
        squares = tf.reduce_mean(x**2, axis=inside, keepdims=True)
        size = self.reference_size
        rows = tf.reshape(tf.range(tf.shape(x)[0]), (-1, *[1] * (rank - 1)))
        own = tf.where(rows < size, 0.0, 1.0 / (size + 1.0))

        def mixed(values):
            reference = tf.reduce_mean(values[:size], axis=0, keepdims=True)
            return own * values + (1.0 - own) * reference

        mean = mixed(means)
        # Not negative but for rounding.
        variance = tf.maximum(mixed(squares) - mean**2, 0.0)
        x = (x - mean) * tf.math.rsqrt(variance + self.epsilon)
        x = x * tf.cast(self.gamma, "float32") + tf.cast(self.beta, "float32")
        return tf.cast(x, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "reference_size": self.reference_size,
            "epsilon": self.epsilon,
        }
