"""The PatchGAN: how far a score sees, and how many there are."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import initializers, layers

from kerasgan.layers.normalization import (
    InstanceNormalization,
    batch_normalization,
)
from kerasgan.layers.patchgan import build_patchgan


def identity(name):
    return layers.Identity(name=name)


def patchgan(
    channels=1, width=1, normalization=identity, use_bias=True, **options
):
    return build_patchgan(
        channels,
        width,
        normalization,
        use_bias,
        "discriminator",
        # Positive, so that no LeakyReLU or sum hides a pixel.
        initializers.RandomUniform(0.1, 1.0, seed=0),
        **options,
    )


def seen_pixels(network, row, column):
    """Returns the height and width of what a score depends on."""
    images = tf.ones((1, 256, 256, 1))
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = network(images)[0, row, column, 0]
    rows, columns = np.nonzero(tape.gradient(score, images)[0, :, :, 0])
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def test_a_score_sees_70_pixels():
    assert seen_pixels(patchgan(), 15, 15) == (70, 70)


@pytest.mark.parametrize("size", [16, 34, 70])
def test_a_score_sees_as_far_as_asked_for(size):
    network = patchgan(patch_size=size)
    assert seen_pixels(network, 14, 14) == (size, size)
    images = tf.zeros((1, 72, 64, 1))
    strides = {16: 2, 34: 4, 70: 8}[size]
    assert network(images).shape[1:3] == (72 // strides - 2, 64 // strides - 2)


def test_the_measure_sees_another_field():
    """The fault this guards against: a layer of another stride or kernel."""
    network = patchgan()
    shallow = keras.Model(network.input, network.get_layer("conv_3").output)
    assert seen_pixels(shallow, 15, 15) == (46, 46)


@pytest.mark.parametrize(
    "size, scores", [(24, 1), (32, 2), (64, 6), (256, 30), (260, 30)]
)
def test_number_of_scores(size, scores):
    network = patchgan()
    assert network(tf.zeros((2, size, size, 1))).shape == (2, scores, scores, 1)


@pytest.mark.parametrize(
    "channels, normalization, use_bias, count",
    [
        (6, batch_normalization, False, 2_768_705),
        (3, lambda name: InstanceNormalization(name=name), True, 2_764_737),
    ],
    ids=["pix2pix", "cyclegan"],
)
def test_counts(channels, normalization, use_bias, count):
    network = patchgan(channels, 64, normalization, use_bias)
    assert sum(np.prod(v.shape) for v in network.trainable_variables) == count


def test_only_the_inner_layers_are_normalized():
    network = patchgan(normalization=identity)
    normed = [v.name for v in network.layers if isinstance(v, layers.Identity)]
    assert normed == ["norm_1", "norm_2", "norm_3"]
