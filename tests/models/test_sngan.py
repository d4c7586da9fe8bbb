"""SNGAN and the projection discriminator: networks, labels, updates."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from kerasgan.layers import ConditionalBatchNormalization
from kerasgan.layers.spectral import SpectralLayer
from tests import tiny


def counts(build):
    """Returns the numbers of trained parameters, without creating them."""
    with keras.StatelessScope():
        gan = build()
    return tuple(
        sum(math.prod(v.shape) for v in network.trainable_variables)
        for network in (gan.generator, gan.discriminator)
    )


@pytest.fixture
def unbuilt(monkeypatch):
    """Models without an average, whose weights cannot be copied."""
    monkeypatch.setattr(models.GAN, "build_averages", lambda self: None)


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        (models.SNGAN, 64, (12_220_675, 10_141_441)),
        (models.SNGAN, 128, (32_150_787, 29_017_857)),
        (models.ConditionalSNGAN, 64, (17_974_915, 11_165_441)),
        (models.ConditionalSNGAN, 128, (41_996_931, 30_041_857)),
    ],
)
def test_parameters_of_the_networks_for_imagenet(
    unbuilt, model, size, expected
):
    assert counts(lambda: model.paper("imagenet", image_size=size)) == expected


def test_a_generator_step_has_as_many_images_as_the_authors():
    for size, factor in ((64, 1), (128, 2)):
        gan = models.SNGAN.paper(
            "imagenet",
            image_size=size,
            generator_width=1,
            discriminator_width=1,
        )
        assert (gan.generator_factor, gan.default_batch_size) == (factor, 320)
    with pytest.raises(ValueError, match="Received: name='celeba'"):
        models.SNGAN.paper("celeba")


def test_every_kernel_of_the_discriminator_is_normalized():
    gan = tiny.conditional_sngan()
    for layer in gan.discriminator.layers:
        assert isinstance(layer, SpectralLayer) or not layer.weights
    kinds = {type(layer) for layer in gan.generator.layers}
    assert not any(issubclass(kind, SpectralLayer) for kind in kinds)


def test_features_are_summed():
    """A mean would be smaller by the 64 positions."""
    gan = tiny.sngan()
    last = gan.discriminator.get_layer("relu_last").output
    maps = keras.Model(gan.discriminator.input, last)
    images = tiny.images(3, size=32)
    features = maps(images).numpy()
    assert features.shape == (3, 8, 8, 5)
    kernel = gan.discriminator.get_layer("dense").normalized_kernel(False)
    expected = features.sum((1, 2)) @ kernel.numpy()
    np.testing.assert_allclose(
        gan.discriminator(images), expected, rtol=1e-4, atol=1e-6
    )


def test_a_class_adds_the_product_of_features_and_its_row():
    gan = tiny.conditional_sngan()
    last = gan.discriminator.get_layer("relu_last").output
    maps = keras.Model(gan.discriminator.inputs[0], last)
    images = tiny.images(3, size=32)
    features = maps(images).numpy().sum((1, 2))
    table = gan.discriminator.get_layer("embedding").normalized_kernel(False)
    scores = [
        gan.discriminator((images, np.full(3, label, "int32")))[:, 0]
        for label in range(3)
    ]
    for label in (1, 2):
        row = table.numpy()[label] - table.numpy()[0]
        np.testing.assert_allclose(
            scores[label] - scores[0], features @ row, rtol=1e-3, atol=1e-5
        )


def test_classes_are_alike_before_training():
    """Gains are one and biases zero in every class."""
    gan = tiny.conditional_sngan()
    latents = gan.seeded_latents(0, 3)
    images = [gan((latents, np.full(3, c, "int32"))) for c in range(3)]
    np.testing.assert_array_equal(images[0], images[1])
    gains = gan.generator.get_layer("block_1_norm_1_gain").embeddings
    np.testing.assert_array_equal(gains, np.ones((3, 6)))


def test_gains_and_biases_are_of_each_image():
    layer = ConditionalBatchNormalization(epsilon=0.5)
    maps = tf.constant(3.0 * tiny.images(4, size=5, channels=2) + 1.0)
    random = np.random.RandomState(0)
    gains, biases = random.standard_normal((2, 4, 2)).astype("float32")
    found = layer([maps, gains, biases], training=True)
    mean = maps.numpy().mean((0, 1, 2))
    variance = maps.numpy().var((0, 1, 2))
    normed = (maps.numpy() - mean) / np.sqrt(variance + 0.5)
    expected = normed * gains[:, None, None] + biases[:, None, None]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    names = [v.name for v in layer.weights]
    assert names == ["moving_mean", "moving_variance"]
    assert not layer.trainable_weights


class Recorder:
    """Records what a network is given."""

    def __init__(self, network):
        self.network = network
        self.inputs = []

    def __call__(self, inputs, training=None):
        self.inputs.append(inputs)
        return self.network(inputs, training=training)

    def __getattr__(self, name):
        return getattr(self.network, name)


def record(gan, *names):
    for name in names:
        object.__setattr__(gan, name, Recorder(getattr(gan, name)))


def test_order_and_labels_of_an_iteration():
    """G first, twice the images; then real and fake, each with its labels."""
    gan = tiny.conditional_sngan(num_classes=50, discriminator_steps=2)
    gan.compile(run_eagerly=True)
    images = tf.constant(tiny.images(8, size=32))
    labels = tf.range(8)
    record(gan, "generator", "discriminator")
    gan.train_step((images, labels))
    generated = [y.numpy() for _, y in gan.generator.inputs]
    assert [len(y) for y in generated] == [8, 4, 4]
    judged = [(x.numpy(), y.numpy()) for x, y in gan.discriminator.inputs]
    assert [len(y) for _, y in judged] == [8, 4, 4, 4, 4]
    np.testing.assert_array_equal(judged[0][1], generated[0])
    for step in (0, 1):
        real, fake = judged[1 + 2 * step : 3 + 2 * step]
        np.testing.assert_array_equal(real[0], images[step::2])
        np.testing.assert_array_equal(real[1], labels[step::2])
        np.testing.assert_array_equal(fake[1], generated[1 + step])
        assert (fake[1] != real[1]).any()
    # One step of the power iteration in each pass, five here.
    assert len(judged) == 5


def test_u_moves_in_every_pass():
    gan = tiny.sngan(discriminator_steps=5)
    gan.compile(run_eagerly=True)
    record(gan, "discriminator")
    gan.train_step(tf.constant(tiny.images(10, size=32)))
    assert len(gan.discriminator.inputs) == 11


def test_labels_of_fakes_are_uniform():
    gan = tiny.conditional_sngan(num_classes=5)
    labels = gan.sample_labels(5000).numpy()
    shares = np.bincount(labels, minlength=5) / 5000
    assert labels.dtype == "int32"
    np.testing.assert_allclose(shares, 0.2, atol=0.03)
    assert (gan.sample_labels(5000).numpy() != labels).any()


def test_batches_that_cannot_be_divided_are_refused():
    gan = tiny.sngan(discriminator_steps=2)
    gan.compile()
    dataset = tf.data.Dataset.from_tensor_slices(tiny.images(7, size=32))
    with pytest.raises(ValueError, match="discriminator_steps"):
        gan.fit(dataset.batch(7, drop_remainder=True), verbose=0)


def test_a_discriminator_is_trained_by_the_hinge():
    """No gradient from images beyond the margin."""
    gan = tiny.sngan(discriminator_steps=1)
    gan.compile(run_eagerly=True)
    bias = tf.constant(50.0)

    class Sure:
        def __call__(self, images, training=None):
            scores = gan.real_discriminator(images, training=training)
            real = tf.reduce_mean(tf.abs(images)) > 10.0
            return scores + tf.where(real, bias, -bias)

        def __getattr__(self, name):
            return getattr(gan.real_discriminator, name)

    object.__setattr__(gan, "real_discriminator", gan.discriminator)
    object.__setattr__(gan, "discriminator", Sure())
    images = tf.constant(100.0 * tiny.images(4, size=32))
    found = gan.train_step(images)
    assert float(found["d_loss"]) == 0.0
