"""Instance normalization: every map of every image by itself."""

import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers.normalization import (
    AffineInstanceNormalization,
    InstanceNormalization,
)


def test_every_channel_of_every_image_has_mean_0_and_variance_1():
    images = np.random.RandomState(0).normal(5.0, 3.0, (4, 9, 7, 3))
    images *= np.arange(1, 5)[:, None, None, None]
    normed = InstanceNormalization()(images.astype("float32")).numpy()
    np.testing.assert_allclose(normed.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(normed.var((1, 2)), 1, rtol=1e-4)


def test_other_images_do_not_matter():
    images = np.random.RandomState(0).normal(size=(4, 5, 5, 2))
    layer = InstanceNormalization()
    np.testing.assert_allclose(layer(images)[2:3], layer(images[2:3]), 1e-5)


@pytest.mark.parametrize(
    "dtype", ["float32", "mixed_bfloat16", "mixed_float16"]
)
@pytest.mark.parametrize("value", [0.0, 1.0, 1000.0])
def test_a_constant_image_gives_zero_and_finite_gradients(dtype, value):
    layer = InstanceNormalization(dtype=dtype)
    images = tf.fill((1, 8, 8, 2), value)
    with tf.GradientTape() as tape:
        tape.watch(images)
        normed = layer(images)
        total = tf.reduce_sum(tf.cast(normed, "float32"))
    assert normed.dtype == layer.compute_dtype
    np.testing.assert_allclose(tf.cast(normed, "float32"), 0, atol=1e-2)
    assert np.isfinite(tape.gradient(total, images)).all()


def test_has_no_weights():
    layer = InstanceNormalization(epsilon=0.5)
    layer(tf.ones((1, 2, 2, 1)))
    assert layer.weights == []
    assert layer.get_config()["epsilon"] == 0.5


def test_gain_and_bias_of_each_feature_map():
    images = np.random.RandomState(0).randn(2, 4, 4, 3).astype("float32")
    layer = AffineInstanceNormalization()
    normed = InstanceNormalization()(images)
    layer.build(images.shape)
    layer.gamma.assign([1.0, 2.0, 3.0])
    layer.beta.assign([0.0, 0.5, -1.0])
    expected = np.multiply(normed, [1.0, 2.0, 3.0]) + [0.0, 0.5, -1.0]
    np.testing.assert_allclose(layer(images), expected, atol=1e-5)
