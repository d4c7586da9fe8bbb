"""The R1 penalty of the models that take one beyond their papers."""

import numpy as np
import pytest
import tensorflow as tf

from kerasgan import penalties
from tests import tiny


def losses_of_a_step(gan, batch, gamma):
    """Returns what a step with fixed latents reports, without taking it."""
    reports = []
    gan.report = lambda **values: reports.append(values)
    gan.minimize = lambda *args: None
    gan.update_average = lambda **kwargs: None
    gan.r1_gamma = gamma
    state = gan.seed_generator.state
    state.assign(tf.zeros_like(state))
    gan.train_step(batch)
    return {name: float(value) for name, value in reports[0].items()}


def batch_and_scores(gan, name):
    """Returns a batch, its images, and what scores images in training."""
    batch = next(iter(gan.to_dataset(tiny.by_name(name).dataset())))
    if name == "dcgan":
        return batch, batch, lambda x: gan.discriminator(x, training=True)
    images, captions = batch
    vectors = gan.sentence_vectors(captions)
    return (
        batch,
        images,
        lambda x: gan.discriminator((x, vectors), training=True),
    )


@pytest.mark.parametrize("name", ["dcgan", "gan_cls"])
def test_half_of_gamma_times_the_squared_gradient_norm_is_added(name):
    gan = tiny.by_name(name).compiled(run_eagerly=True)
    batch, images, scores = batch_and_scores(gan, name)
    squared = penalties.r1_penalty(scores, images).numpy()
    without = losses_of_a_step(gan, batch, 0.0)
    found = losses_of_a_step(gan, batch, 6.0)
    assert found["d_loss"] - without["d_loss"] == pytest.approx(
        3.0 * np.mean(squared), rel=1e-3
    )
    assert found["g_loss"] == without["g_loss"]


@pytest.mark.parametrize(
    "name", ["dcgan", pytest.param("gan_cls", marks=pytest.mark.slow)]
)
def test_it_flattens_the_discriminator(name):
    squared = []
    for gamma in (0.0, 10.0):
        gan = tiny.by_name(name).compiled({"r1_gamma": gamma})
        gan.fit(tiny.by_name(name).dataset(), epochs=20, verbose=0)
        _, images, scores = batch_and_scores(gan, name)
        squared.append(np.mean(penalties.r1_penalty(scores, images)))
    assert squared[1] < 0.5 * squared[0]
