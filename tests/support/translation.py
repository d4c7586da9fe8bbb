"""What the tests of both translators use."""

import keras
import numpy as np


def images(count, height=24, width=24, channels=3, seed=0):
    """Returns uint8 noise `(count, height, width, channels)`."""
    shape = (count, height, width, channels)
    return np.random.RandomState(seed).randint(0, 256, shape).astype("uint8")


def still(gan):
    """Compiles with optimizers that change nothing, eager."""
    gan.compile(
        keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), run_eagerly=True
    )
    return gan


def values(variables):
    """Returns the values of variables."""
    return [v.numpy() for v in variables]


def assert_unchanged(before, variables):
    for old, variable in zip(before, variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy(), variable.path)
