"""Maxout: the largest of several linear functions, for each unit."""

from keras import layers


def maxout(x, units, pieces, name, kernel_initializer="glorot_uniform"):
    """Returns the largest of `pieces` linear functions, for each of `units`.

    The functions of a unit are consecutive columns of one kernel, and each
    has a bias of its own.

    Args:
        x: Keras tensor `(batch, features)`.
        units: int. Length of the result.
        pieces: int. Linear functions for each unit.
        name: str. Prefix of the layer names.
        kernel_initializer: See `keras.layers.Dense`. Defaults to
            `"glorot_uniform"`.

    Returns:
        Keras tensor `(batch, units)`.

    Reference:
        [Goodfellow et al., 2013](https://arxiv.org/abs/1302.4389), section 3
    """
    x = layers.Dense(
        units * pieces, kernel_initializer=kernel_initializer, name=name
    )(x)
    x = layers.Reshape((units, pieces), name=f"{name}_pieces")(x)
    # The units take the place of channels, the pieces that of steps.
    pool = layers.GlobalMaxPooling1D(
        data_format="channels_first", name=f"{name}_max"
    )
    return pool(x)
