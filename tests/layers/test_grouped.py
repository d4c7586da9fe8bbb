"""Grouped convolutions: the same as TensorFlow's, with their gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers import GroupedConv2D
from kerasgan.layers.grouped import grouped_conv2d


def draws(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def by_hand(images, kernel):
    """Convolves every group alone."""
    size, filters = kernel.shape[2:]
    groups = images.shape[-1] // size
    parts = zip(
        np.split(images, groups, axis=3),
        np.split(kernel, groups, axis=3),
        strict=True,
    )
    assert filters % groups == 0
    return np.concatenate(
        [tf.nn.conv2d(part, weights, 1, "SAME") for part, weights in parts], 3
    )


@pytest.mark.parametrize(
    ("channels", "group_size", "filters"),
    # One convolution, two, three of 48 channels, and one for each group.
    [(12, 4, 12), (128, 16, 256), (144, 16, 144), (160, 80, 80), (6, 6, 4)],
)
def test_each_group_has_its_own_kernel(channels, group_size, filters):
    images = draws(2, 5, 4, channels)
    kernel = draws(3, 3, group_size, filters, seed=1)
    found = grouped_conv2d(tf.constant(images), tf.constant(kernel))
    np.testing.assert_allclose(
        found, by_hand(images, kernel), rtol=1e-4, atol=1e-4
    )
    # TensorFlow's has a gradient only with oneDNN.
    expected = tf.nn.conv2d(images, kernel, 1, "SAME")
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_second_gradients_are_those_of_keras():
    """Keras' compile each convolution with XLA."""
    images, kernel = draws(2, 4, 4, 8), draws(3, 3, 2, 8, seed=1)

    def gradient(convolve):
        variable = tf.Variable(kernel)

        @tf.function
        def second():
            points = tf.constant(images)
            with tf.GradientTape() as outer:
                with tf.GradientTape() as inner:
                    inner.watch(points)
                    y = tf.nn.leaky_relu(convolve(points, variable), 0.2)
                    y = tf.reduce_sum(convolve(y, variable) ** 2)
                gradients = inner.gradient(y, points)
                loss = tf.reduce_sum(gradients**2)
            return outer.gradient(loss, variable)

        return second().numpy()

    found = gradient(lambda x, k: grouped_conv2d(x, tf.convert_to_tensor(k)))
    expected = gradient(lambda x, k: keras.ops.conv(x, k, padding="same"))
    np.testing.assert_allclose(
        found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max()
    )


def test_a_gpu_has_an_operation_for_it(monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    convolved = []
    monkeypatch.setattr(
        tf.nn, "conv2d", lambda x, k, *options: convolved.append(k.shape)
    )
    grouped_conv2d(tf.zeros((1, 4, 4, 128)), tf.zeros((3, 3, 16, 128)))
    assert convolved == [(3, 3, 16, 128)]


def test_a_layer_has_its_bias_and_survives_its_config():
    layer = GroupedConv2D(12, 4, kernel_size=5, name="grouped")
    layer.build((None, 6, 6, 8))
    layer.bias.assign(np.arange(12))
    images = draws(2, 6, 6, 8)
    expected = by_hand(images, layer.kernel.numpy()) + np.arange(12)
    np.testing.assert_allclose(layer(images), expected, rtol=1e-4, atol=1e-4)
    assert layer.kernel.shape == (5, 5, 4, 12)
    again = GroupedConv2D.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    plain = GroupedConv2D(12, 4, use_bias=False)
    plain.build((None, 6, 6, 8))
    assert len(plain.weights) == 1


@pytest.mark.parametrize(("filters", "group_size"), [(12, 3), (9, 4)])
def test_channels_that_cannot_be_divided_are_refused(filters, group_size):
    layer = GroupedConv2D(filters, group_size)
    with pytest.raises(ValueError, match=f"group_size={group_size}, filters="):
        layer.build((None, 4, 4, 8))
