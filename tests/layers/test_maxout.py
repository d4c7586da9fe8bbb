"""Maxout: the pieces of a unit stand together, each with a bias."""

import keras
import numpy as np

from kerasgan.layers.maxout import maxout


def build(units=2, pieces=3, features=2):
    inputs = keras.Input((features,))
    return keras.Model(inputs, maxout(inputs, units, pieces, "units"))


def test_pieces_are_consecutive_columns():
    model = build()
    kernel = np.array([[1, 2, 3, -4, -5, -6], [0, 0, 0, 0, 0, 0]], "float32")
    bias = np.array([0, 0, 0, 0, 0.5, 0], "float32")
    model.set_weights([kernel, bias])
    # max(x, 2x, 3x) and max(-4x, 0.5 - 5x, -6x), of x = 1 and x = -1.
    found = model(np.array([[1, 9], [-1, 9]], "float32"))
    np.testing.assert_array_equal(found, [[3.0, -4.0], [-1.0, 6.0]])


def test_each_piece_has_a_bias():
    model = build(units=4, pieces=5, features=7)
    assert model.count_params() == (7 + 1) * 4 * 5
    assert model.output_shape == (None, 4)
