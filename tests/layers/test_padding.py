"""Reflection: the border is not repeated."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers.padding import Cropping2D, ReflectionPadding2D


def test_reflects_without_the_border():
    row = np.array([1.0, 2.0, 3.0, 4.0], "float32")
    image = np.stack([row, 10 * row, 100 * row])[None, :, :, None]
    padded = ReflectionPadding2D(2)(image).numpy()
    assert padded.shape == (1, 7, 8, 1)
    np.testing.assert_array_equal(padded[0, 2, :, 0], [3, 2, 1, 2, 3, 4, 3, 2])
    np.testing.assert_array_equal(
        padded[0, :, 2, 0], [100, 10, 1, 10, 100, 10, 1]
    )


def test_shape_is_known_or_open_as_what_comes_in():
    layer = ReflectionPadding2D(3, name="pad")
    assert layer.compute_output_shape((None, 8, None, 2)) == (None, 14, None, 2)
    assert layer.get_config()["padding"] == 3


def test_refuses_no_padding():
    with pytest.raises(ValueError, match="Received: padding=0"):
        ReflectionPadding2D(0)


def test_cropping_is_that_of_keras_and_so_is_its_gradient():
    images = tf.random.stateless_normal((2, 5, 6, 3), (0, 1))
    sides = ((1, 0), (2, 1))
    found = []
    for layer, call in (
        (Cropping2D(sides), {"training": True}),
        (keras.layers.Cropping2D(sides), {}),
    ):
        with tf.GradientTape() as tape:
            tape.watch(images)
            cropped = layer(images, **call)
            loss = tf.reduce_sum(cropped**3)
        assert cropped.shape == (2, 4, 3, 3)
        found.append((cropped, tape.gradient(loss, images)))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])
    for training in (False, True):
        inputs = keras.Input((None, 8, 3))
        outputs = Cropping2D(sides)(inputs, training=training)
        assert outputs.shape == (None, None, 5, 3)
    np.testing.assert_array_equal(Cropping2D(sides)(images), found[0][0])
