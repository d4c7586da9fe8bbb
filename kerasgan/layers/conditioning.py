"""Conditioning augmentation: samples around a sentence vector."""

import keras
import tensorflow as tf
from keras import layers

from kerasgan.layers.common import INITIALIZER


@keras.saving.register_keras_serializable(package="kerasgan")
class ConditioningAugmentation(layers.Layer):
    """Samples a condition from a normal that depends on a sentence vector.

    Sentence vectors of a few thousand captions are isolated points. A dense
    layer, activated, gives the mean and the logarithm of the standard
    deviation of a normal distribution around each; the condition is sampled
    from it, so that the generator sees a continuum. `divergence` is the loss
    that keeps this distribution near the unit normal.

    Args:
        units: int. Length of the condition.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Pair of float tensors: sentence vectors
            `(batch, sentence_dim)`, and noise from a unit normal,
            `(batch, units)`.

    Returns:
        Float tensor `(batch, units)`: mean + exp(log sigma) * noise.

    Example:
    ```python
    layer = ConditioningAugmentation(128)
    condition = layer([vectors, keras.random.normal((batch, 128))])
    loss = tf.reduce_mean(divergence(*layer.moments(vectors)))
    ```

    Reference:
        [Zhang et al., 2017](https://arxiv.org/abs/1612.03242), section 3.2
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.dense = layers.Dense(
            2 * self.units,
            kernel_initializer=INITIALIZER,
            dtype=self.dtype_policy,
            name="moments",
        )
        self.dense.build(input_shape[0])

    def moments(self, vectors):
        """Returns the means, and the logarithms of the standard deviations.

        Args:
            vectors: Float tensor `(batch, sentence_dim)`.

        Returns:
            Pair of float tensors `(batch, units)`.
        """
        # The authors' code activates both halves.
        both = tf.nn.leaky_relu(self.dense(vectors), alpha=0.2)
        return both[:, : self.units], both[:, self.units :]

    def call(self, inputs):
        vectors, noise = inputs
        mean, log_sigma = self.moments(vectors)
        return mean + tf.exp(log_sigma) * noise

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def divergence(mean, log_sigma):
    """Returns the divergence of normals from the unit normal, per example.

    The Kullback-Leibler divergence, averaged over the dimensions as in the
    authors' code; the paper's is their sum.

    Args:
        mean: Float tensor `(batch, units)`.
        log_sigma: Float tensor of the same shape: logarithms of the standard
            deviations.

    Returns:
        Float tensor `(batch,)`, never negative.

    Reference:
        [Zhang et al., 2017](https://arxiv.org/abs/1612.03242), equation 2
    """
    squares = tf.exp(2.0 * log_sigma) + mean**2
    return tf.reduce_mean(0.5 * (squares - 1.0) - log_sigma, axis=1)
