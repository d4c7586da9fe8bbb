"""Dropout whose masks do not depend on the number of replicas."""

import keras
import tensorflow as tf
from keras import layers

from kerasgan import random


def own_seed(seed, number):
    """Returns the seed of one layer's own stream of random numbers.

    Args:
        seed: int or `None`. Of the model.
        number: int. Of the layer, from 1.

    Returns:
        int, or `None` without a seed.
    """
    return None if seed is None else seed + number


@keras.saving.register_keras_serializable(package="kerasgan")
class Dropout(random.Seeded, layers.Layer):
    """Sets activations to zero at random while training.

    Keras' own layer samples the same mask on every replica. Here each example
    of the global batch has its own, the same on any number of replicas. The
    random state is a variable of the model.

    Args:
        rate: float in [0, 1). The fraction that is set to zero; the others are
            divided by `1 - rate`, which preserves the mean.
        seed: int or `None`. Seed of the masks. Defaults to `None`, a random
            one.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Float tensor `(batch, ...)`.
        training: bool. Whether anything is dropped. Defaults to `False`.

    Returns:
        Float tensor of the same shape and type.

    Raises:
        ValueError: If `rate` is outside [0, 1).

    Reference:
        [Srivastava et al., 2014](https://jmlr.org/papers/v15/srivastava14a.html)
    """

    def __init__(self, rate, seed=None, **kwargs):
        if not 0.0 <= rate < 1.0:
            raise ValueError(
                "`rate` must be at least 0 and less than 1: it is the fraction "
                f"of activations set to zero. Received: rate={rate}"
            )
        super().__init__(**kwargs)
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        if not training or self.rate == 0.0:
            return inputs
        sizes = [
            tf.shape(inputs)[axis] if size is None else size
            for axis, size in enumerate(inputs.shape)
        ]
        uniform = random.uniform(self.seed_generator, sizes)
        scale = tf.constant(1.0 / (1.0 - self.rate), inputs.dtype)
        return tf.where(
            uniform < self.rate, tf.zeros_like(inputs), inputs * scale
        )

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs.shape, self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
