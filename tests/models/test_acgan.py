"""ACGAN: two heads, the class loss on real and generated images."""

import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from tests import tiny
from tests.support import steps


def build(**changes):
    return tiny.acgan(dropout=0.0, **changes)


def check_objective(gan):
    """D makes L_S + L_C large; G makes L_C - L_S large, non-saturating."""
    images, labels = (tf.constant(a) for a in tiny.labelled_images(6))

    def judged(latents):
        fakes = gan.generator((latents, labels), training=True)
        return gan.discriminator(fakes, training=True)

    def discriminator_loss(latents):
        real_scores, real_logits = gan.discriminator(images, training=True)
        fake_scores, fake_logits = judged(latents[0])
        source = tf.reduce_mean(
            steps.log_probability(real_scores)
        ) + tf.reduce_mean(steps.log_complement(fake_scores))
        classes = tf.reduce_mean(
            steps.log_class_probability(labels, real_logits)
        )
        classes += gan.fake_class_weight * tf.reduce_mean(
            steps.log_class_probability(labels, fake_logits)
        )
        return -(source + classes)

    def generator_loss(latents):
        scores, logits = judged(latents[1])
        return -tf.reduce_mean(
            steps.log_probability(scores)[:, 0]
            + steps.log_class_probability(labels, logits)
        )

    steps.check_step(
        gan, (images, labels), [6, 6], discriminator_loss, generator_loss
    )


@pytest.mark.parametrize("weight", [1.0, 0.3, 0.0])
def test_objective(weight):
    check_objective(build(fake_class_weight=weight))


def test_paper_layers():
    gan = models.ACGAN.paper()
    convolutions = [
        (layer.filters, layer.strides[0])
        for layer in gan.discriminator.layers
        if hasattr(layer, "strides")
    ]
    assert convolutions == [
        (16, 2), (32, 1), (64, 2), (128, 1), (256, 2), (512, 1)
    ]  # fmt: skip
    rates = [
        layer.rate
        for layer in gan.discriminator.layers
        if hasattr(layer, "rate")
    ]
    assert rates == [0.5] * 6
    assert gan.discriminator.get_layer("flatten").input.shape[1:] == (4, 4, 512)


@pytest.mark.parametrize("size", [16, 64, 128])
def test_other_sizes(size):
    gan = models.ACGAN(size, 3, 1, generator_width=4, discriminator_width=1)
    assert gan.generate(labels=[0], seed=0).shape == (1, size, size, 1)
    maps = gan.discriminator.get_layer("flatten").input.shape[1:]
    assert maps == (4, 4, min(2 ** (2 * np.log2(size / 4) - 1), 32))


def test_the_discriminator_is_not_told_the_class():
    gan = tiny.acgan()
    assert gan.discriminator.input_shape == (None, 16, 16, 1)
    assert [o.shape for o in gan.discriminator.outputs] == [
        (None, 1),
        (None, 3),
    ]
