"""The gradient reversal layer."""

import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers import GradientReversal


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_is_the_identity_with_the_gradient_reversed(dtype):
    x = tf.Variable([[1.0, -2.0, 3.0]])
    layer = GradientReversal(dtype=dtype)
    with tf.GradientTape() as tape:
        y = layer(x)
        loss = tf.reduce_sum(tf.cast(y, "float32") * [[1.0, 2.0, 4.0]])
    np.testing.assert_array_equal(tf.cast(y, "float32"), x)
    gradient = tape.gradient(loss, x)
    np.testing.assert_array_equal(gradient, [[-1.0, -2.0, -4.0]])


def test_in_a_compiled_function():
    @tf.function(jit_compile=True)
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(GradientReversal()(x) ** 2)
        return tape.gradient(loss, x)

    found = gradient(tf.constant([1.0, -3.0]))
    np.testing.assert_array_equal(found, [-2.0, 6.0])
