"""Minibatch discrimination: a discriminator that compares the batch."""

import keras
import tensorflow as tf

from kerasgan import checks


@keras.saving.register_keras_serializable(package="kerasgan")
class MinibatchDiscrimination(keras.layers.Layer):
    """Appends to each example how close the others of the batch are.

    A generator that collapses makes batches of similar images, which a
    discriminator of single images cannot detect. This layer projects the
    features of each example to a matrix of `kernels` rows, and appends

        o(x_i)_b = sum over j of exp(-||M_ib - M_jb||_1) + bias_b

    for each row b, where j are the other examples of the batch. Real and fake
    images belong to separate batches. As in the authors' code, the projection
    has normalized columns and a learned scale, and j is never i, so that a
    batch of `n` equal examples gives `n - 1`.

    On several replicas each compares its own share of a batch. The scores of a
    batch depend on each other.

    Args:
        kernels: int. Number of features to append. Defaults to `100`.
        kernel_dim: int. Length of a row of the matrix. Defaults to `5`.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Float tensor `(batch, features)`.

    Returns:
        Float tensor `(batch, features + kernels)`.

    Raises:
        ValueError: If a size is not positive.

    Example:
    ```python
    class MinibatchDCGAN(DCGAN):
        def build_networks(self):
            sizes = self.image_size, self.channels, self.width
            self.generator = dcgan.build_generator(
                *sizes, self.latent_dim, self.synchronized
            )
            plain = dcgan.build_discriminator(*sizes, self.synchronized)
            x = plain.get_layer("flatten").output
            x = MinibatchDiscrimination(kernels=100, kernel_dim=5)(x)
            scores = keras.layers.Dense(1, name="score")(x)
            self.discriminator = keras.Model(plain.input, scores)
    ```

    Reference:
        [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), section
        3.2. The authors' code also sets scale and bias by a first batch.
    """

    def __init__(self, kernels=100, kernel_dim=5, **kwargs):
        checks.positive(kernels=kernels, kernel_dim=kernel_dim)
        super().__init__(**kwargs)
        self.kernels = kernels
        self.kernel_dim = kernel_dim

    def build(self, input_shape):
        shape = (self.kernels, self.kernel_dim)
        self.directions = self.add_weight(
            name="directions",
            shape=(input_shape[-1], *shape),
            initializer=keras.initializers.RandomNormal(stddev=0.05),
        )
        self.log_scale = self.add_weight(
            name="log_scale", shape=shape, initializer="zeros"
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(self.kernels,),
            initializer=keras.initializers.Constant(-1.0),
        )

    def call(self, inputs):
        # In half precision distances of similar examples would be zero.
        x = tf.cast(inputs, "float32")
        directions = tf.cast(self.directions, "float32")
        norms = tf.sqrt(tf.reduce_sum(directions**2, axis=0))
        scale = tf.exp(tf.cast(self.log_scale, "float32")) / norms
        # Rows of [kernels, batch], so that what is added up lies together, and
        # not [batch, batch, kernels, kernel_dim].
        rows = tf.unstack(
            tf.transpose(tf.tensordot(x, directions * scale, axes=1), (2, 1, 0))
        )
        # [kernels, batch, batch]
        distances = tf.add_n(
            [tf.abs(row[:, :, None] - row[:, None]) for row in rows]
        )
        others = 1.0 - tf.eye(tf.shape(x)[0])
        closeness = tf.reduce_sum(others * tf.exp(-distances), axis=2)
        closeness = tf.transpose(closeness)
        closeness += tf.cast(self.bias, "float32")
        return tf.concat([inputs, tf.cast(closeness, inputs.dtype)], axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1] + self.kernels)

    def get_config(self):
        return {
            **super().get_config(),
            "kernels": self.kernels,
            "kernel_dim": self.kernel_dim,
        }
