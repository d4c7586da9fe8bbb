"""Perceptual distance: redone by hand, and what it tells apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from kerasgan import data, metrics
from kerasgan.metrics.features import FeatureNetwork, build_classifier
from tests import tiny


def network(**options):
    options = {"layers": ("relu_16_0", "relu_8_0"), **options}
    model = build_classifier(16, 3, 4, width=5, convolutions=1)
    return FeatureNetwork(model, "tiny", "0", **options)


def test_it_is_that_of_the_feature_maps():
    features = network()
    found = metrics.PerceptualDistance(features)
    first, second = (tiny.images(2, 16, 3, seed) for seed in (0, 1))
    # The classifier takes whole grey levels.
    pair = [data.to_uint8(x) for x in (first, second)]
    first, second = (data.to_float(x) for x in pair)
    expected = 0.0
    for name in features.layers:
        inside = features.model.get_layer(name).output
        maps = keras.Model(features.model.input, inside)
        one, other = (maps(x).numpy() for x in pair)
        one, other = (
            x / np.sqrt(np.sum(x**2, axis=3, keepdims=True) + 1e-10)
            for x in (one, other)
        )
        expected += np.sum((one - other) ** 2, axis=3).mean((1, 2)) / 2
    np.testing.assert_allclose(found(first, second), expected, rtol=1e-4)
    np.testing.assert_array_equal(found(first, first), [0.0, 0.0])
    np.testing.assert_allclose(
        found(first, second[:1])[0], expected[0], rtol=1e-4
    )


def test_it_has_a_gradient():
    """None of the images is rounded on the way."""
    found = metrics.PerceptualDistance(network())
    images = tf.Variable(tiny.images(2, 16, 3))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(found(images, -images))
    gradient = tape.gradient(value, images)
    assert np.all(np.std(gradient, axis=(1, 2, 3)) > 0)


def test_grey_images_and_other_sizes():
    grey = tiny.images(2, 16, 1)
    plain = metrics.PerceptualDistance(network())
    np.testing.assert_allclose(
        plain(grey, -grey),
        plain(np.repeat(grey, 3, 3), np.repeat(-grey, 3, 3)),
        rtol=1e-5,
    )
    with pytest.raises(ValueError, match="of images of 16x16"):
        plain(tiny.images(2, 8, 3), tiny.images(2, 8, 3))
    resized = metrics.PerceptualDistance(network(resizer="clean"))
    large = tiny.images(2, 32, 3)
    assert np.all(resized(large, -large) > 0)
    with pytest.raises(ValueError, match="without `layers`"):
        metrics.PerceptualDistance(network(layers=()))


def test_classifiers_of_the_zoo_name_their_layers():
    expected = {
        "fashion_mnist": ["relu_32_1", "relu_16_1", "relu_8_1"],
        "personas": ["relu_64_0", "relu_32_0", "relu_16_0", "relu_8_0"],
    }
    for name, layers in expected.items():
        assert list(zoo.features(name).layers) == layers


def test_small_changes_are_near_and_other_images_far():
    gan = zoo.load("dcgan_fashion_mnist_32")
    distance = metrics.PerceptualDistance(zoo.features("fashion_mnist"))
    images = data.to_float(gan.generate(8, seed=0))
    noise = np.random.RandomState(0).standard_normal(images.shape)
    near = distance(images, images + 0.02 * noise)
    far = distance(images, tf.roll(images, 1, 0))
    assert np.max(near) < np.min(far)


def test_pixel_distance_by_hand():
    first = np.zeros((2, 1, 2, 1), "float32")
    second = np.array([[[[1.0], [3.0]]]], "float32")
    np.testing.assert_allclose(metrics.pixel_distance(first, second), [5, 5])
