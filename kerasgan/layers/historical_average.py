"""The average of a network's past weights, for historical averaging."""

import keras
import tensorflow as tf


class HistoricalAverage(keras.layers.Layer):
    """Remembers the mean of the weights that a network has had so far.

    Historical averaging adds `||theta - mean of the past theta||^2` to the
    cost of a player, so that it does not circle around an equilibrium. The
    mean is a set of variables, saved with the model.

    Args:
        network: A built Keras layer or model.
        **kwargs: See `keras.layers.Layer`: `name`.

    Example:
    ```python
    class HistoricalDCGAN(DCGAN):
        def build_networks(self):
            super().build_networks()
            self.past = HistoricalAverage(self.discriminator)

        def discriminator_loss(self, real_scores, fake_scores):
            loss = super().discriminator_loss(real_scores, fake_scores)
            return loss + 0.1 * self.past.penalty(self.discriminator)

        def update_discriminators(self, tape, loss):
            super().update_discriminators(tape, loss)
            self.past.update(self.discriminator)
    ```

    Reference:
        [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), section
        3.3. It is not in the authors' code.
    """

    def __init__(self, network, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)

        def state(shape, name):
            return self.add_weight(
                shape=shape,
                initializer="zeros",
                trainable=False,
                aggregation="mean",
                name=name,
            )

        # The first weights are the first of the past.
        self.count = state((), "count")
        self.count.assign(1.0)
        self.means = []
        for number, variable in enumerate(network.trainable_variables):
            mean = state(variable.shape, f"mean_{number}")
            mean.assign(variable)
            self.means.append(mean)
        self.built = True

    def penalty(self, network):
        """Returns the squared distance of the weights from their mean.

        Args:
            network: The one that was given to the constructor.

        Returns:
            Float32 scalar, never negative.
        """
        pairs = zip(network.trainable_variables, self.means, strict=True)
        return tf.add_n(
            [tf.reduce_sum((value - mean) ** 2) for value, mean in pairs]
        )

    def update(self, network):
        """Adds the current weights to the mean; call it after each step.

        Args:
            network: See `penalty`.
        """
        self.count.assign(self.count + 1.0)
        pairs = zip(network.trainable_variables, self.means, strict=True)
        for value, mean in pairs:
            mean.assign(mean + (value - mean) / self.count)
