"""Normalization of the feature vector of each pixel."""

import tensorflow as tf


def pixel_norm(x):
    """Divides every vector along the last axis by its root mean square.

    Args:
        x: Float tensor `(..., channels)`.

    Returns:
        Float tensor of the same shape and type. Squares are summed in
        float32, because they overflow float16 at 256.

    Reference:
        [Karras et al., 2018](https://arxiv.org/abs/1710.10196), section 4.2.
    """
    squares = tf.square(tf.cast(x, "float32"))
    mean = tf.reduce_mean(squares, axis=-1, keepdims=True)
    return x * tf.cast(tf.math.rsqrt(mean + 1e-8), x.dtype)
