"""The one-operation form beside Keras' own layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers.normalization import batch_normalization
from tests import tiny

COUNT = 5 * 4 * 4


def pair(dtype="float32"):
    """Our layer and Keras', with the same weights that are not the first."""
    ours = batch_normalization("norm")
    theirs = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    for layer in (ours, theirs):
        layer.dtype_policy = dtype
        layer.build((None, 4, 4, 3))
        layer.set_weights(
            [np.array(row, "float32") for row in WEIGHTS],
        )
    return ours, theirs


WEIGHTS = (
    [0.5, 1.0, -2.0],  # gamma
    [0.1, 0.0, 3.0],  # beta
    [1.0, -1.0, 0.0],  # moving mean
    [4.0, 0.5, 1.0],  # moving variance
)


def images(seed=0):
    noise = np.random.default_rng(seed).normal(2, 3, (5, 4, 4, 3))
    return tf.constant(noise, "float32")


def run(layer, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = layer(x, training=True)
        loss = tf.reduce_sum(tf.cast(outputs, "float32") ** 3)
    return outputs, tape.gradient(loss, [x, layer.gamma, layer.beta])


def test_training_is_that_of_keras():
    ours, theirs = pair()
    outputs, gradients = run(ours, images())
    expected, expected_gradients = run(theirs, images())
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)
    for mine, other in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, rtol=1e-6)


def test_synchronized_is_that_of_keras():
    ours, theirs = pair()
    ours.synchronized = theirs.synchronized = True
    outputs, _ = run(ours, images())
    np.testing.assert_array_equal(outputs, run(theirs, images())[0])
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_moving_variance_is_unbiased():
    ours, _ = pair()
    ours(images(), training=True)
    variance = np.var(images(), axis=(0, 1, 2), ddof=1)
    expected = 0.9 * np.array(WEIGHTS[3]) + 0.1 * variance
    np.testing.assert_allclose(ours.moving_variance, expected, rtol=1e-5)


def test_drawing_is_that_of_keras():
    ours, theirs = pair()
    np.testing.assert_array_equal(ours(images()), theirs(images()))


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_statistics_stay_float32_in_16_bits(dtype):
    ours, _ = pair(dtype)
    exact, _ = pair()
    x = images() + 100.0  # Whose variance 16 bits would lose.
    rounded = tf.cast(x, ours.compute_dtype)
    outputs = ours(rounded, training=True)
    assert outputs.dtype == ours.compute_dtype
    expected = exact(tf.cast(rounded, "float32"), training=True)
    np.testing.assert_allclose(
        tf.cast(outputs, "float32"), expected, atol=0.02, rtol=0.01
    )
    np.testing.assert_allclose(
        ours.moving_variance, exact.moving_variance, rtol=1e-3
    )


def test_frozen_layer_uses_its_moving_statistics():
    ours, theirs = pair()
    for layer in (ours, theirs):
        layer.trainable = False
    np.testing.assert_array_equal(
        ours(images(), training=True), theirs(images(), training=True)
    )


def test_statistics_of_all_replicas_are_read(mirrored, tmp_path):
    """Each replica has its own; a saved file and `numpy` have their mean."""
    with mirrored.scope():
        network = keras.Sequential(
            [keras.Input((2, 2, 1)), batch_normalization("norm")]
        )
    x = np.zeros((4, 2, 2, 1), "float32")
    x[2:] = 10.0  # Of the second replica: its moving mean becomes one.
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(4)
    (batch,) = mirrored.experimental_distribute_dataset(dataset)
    mirrored.run(lambda rows: network(rows, training=True), args=(batch,))
    norm = network.layers[-1]
    each = mirrored.experimental_local_results(norm.moving_mean.value)
    assert [float(mean[0]) for mean in each] == [0.0, 1.0]
    assert float(norm.moving_mean.numpy()[0]) == 0.5
    network.save_weights(tmp_path / "all.weights.h5")
    alone = keras.Sequential(
        [keras.Input((2, 2, 1)), batch_normalization("norm")]
    )
    alone.load_weights(tmp_path / "all.weights.h5")
    assert float(alone.layers[-1].moving_mean[0]) == 0.5
    np.testing.assert_allclose(network(x), alone(x), rtol=1e-5)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_a_model_of_replicas_is_saved_with_all_statistics(
    suffix, mirrored, tmp_path
):
    with mirrored.scope():
        gan = tiny.by_name("dcgan").compiled()
    gan.fit(tiny.by_name("dcgan").dataset(), verbose=0)
    path = tmp_path / f"gan{suffix}"
    if suffix == ".keras":
        gan.save(path)
        again = keras.models.load_model(path)
    else:
        gan.save_weights(path)
        again = tiny.by_name("dcgan").compiled()
        again.load_weights(path)
    pairs = zip(
        gan.discriminator.layers, again.discriminator.layers, strict=True
    )
    layers = [pair for pair in pairs if "norm" in pair[0].name]
    assert layers
    for trained, loaded in layers:
        each = mirrored.experimental_local_results(trained.moving_mean.value)
        first, second = (mean.numpy() for mean in each)
        assert (first != second).any()
        expected = (first + second) / 2
        np.testing.assert_allclose(loaded.moving_mean, expected, rtol=1e-5)
