"""Normalization with the constants that GAN papers assume."""

import keras
from keras import layers


def batch_normalization(name, synchronized=False):
    """Returns batch normalization as the authors' Torch releases have it.

    Keras' defaults differ: momentum 0.99, epsilon 1e-3, gains of one.

    Args:
        name: str. Of the layer.
        synchronized: bool. Whether the statistics are taken over the batches
            of all replicas instead of each replica's own. Defaults to
            `False`.

    Returns:
        A `keras.layers.BatchNormalization`.
    """
    return layers.BatchNormalization(
        momentum=0.9,
        epsilon=1e-5,
        gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02),
        synchronized=synchronized,
        name=name,
    )
