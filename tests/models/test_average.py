"""The averaged generator: how fast it follows, and its batch statistics."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import weights
from kerasgan.layers.dropout import Dropout
from kerasgan.layers.normalization import BatchNormalization
from kerasgan.models import averaging
from tests import tiny

# Those whose generator normalizes by the batch and is averaged by itself.
NAMES = ("acgan", "cgan", "dcgan", "gan_cls", "wgan_gp")


def test_the_average_follows_slowly():
    gan = tiny.by_name("dcgan").compiled()
    average = gan.average_generator.weights
    before = [v.numpy() for v in average]
    for variable in gan.generator.weights:
        variable.assign(variable + 1.0)
    gan.update_average(decay=0.75)
    for old, new in zip(before, average, strict=True):
        np.testing.assert_allclose(
            new.numpy(), old + 0.25, rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize(
    ("steps", "expected"), [(0, 0.1), (8, 0.5), (890, 0.99), (10_000, 0.99)]
)
def test_the_average_follows_faster_at_first(steps, expected):
    gan = tiny.dcgan(ema_decay=0.99)
    gan.compile()
    gan.generator_optimizer.iterations.assign(steps)
    average, trained = gan.average_generator.weights, gan.generator.weights
    for variable in trained:
        variable.assign(tf.ones_like(variable))
    for variable in average:
        variable.assign(tf.zeros_like(variable))
    gan.update_average()
    for variable in average:
        np.testing.assert_allclose(variable, 1.0 - expected, rtol=1e-4)


def wander(gan, steps=300):
    """Moves the generator's weights about as a steady learning rate does.

    Each step's are the first ones and noise of the same size, so the average
    is near the first, and half of the trained weights' variance is missing.
    """
    random = np.random.default_rng(0)
    run = tf.function(functools.partial(gan.generator, training=True))
    kernels = [v for v in gan.generator.weights if v.path.endswith("kernel")]
    first = [kernel.numpy() for kernel in kernels]
    for step in range(steps):
        gan.generator_optimizer.iterations.assign(step)
        for kernel, start in zip(kernels, first, strict=True):
            noise = random.normal(0.0, start.std(), start.shape)
            kernel.assign(start + noise)
        latents = gan.sample_latents(64)
        run(latents)
        yield latents


def test_the_average_makes_no_fainter_maps_than_its_own():
    gan = tiny.dcgan(width=16)
    gan.compile()
    update = tf.function(gan.update_average)
    for latents in wander(gan):
        update(inputs=latents)
    latents = gan.sample_latents(256)
    average = gan.average_generator
    found = average(latents, training=False).numpy()
    # What its weights make when normalized by the very batch.
    for variable, value in zip(
        gan.generator.weights, average.weights, strict=True
    ):
        variable.assign(value)
    own = gan.generator(latents, training=True).numpy()
    assert found.std() == pytest.approx(own.std(), rel=0.05)


def test_statistics_of_others_make_faint_images():
    """The reason for all this: without inputs they are the trained ones'."""
    gan = tiny.dcgan(width=16)
    gan.compile()
    update = tf.function(gan.update_average)
    for _ in wander(gan):
        update()
    latents = gan.sample_latents(256)
    found = gan.average_generator(latents, training=False).numpy()
    trained = gan.generator(latents, training=True).numpy()
    assert found.std() < 0.5 * trained.std()


@pytest.mark.parametrize("name", NAMES)
def test_a_step_takes_statistics_of_its_own_inputs(name):
    """Every fourth input, through the average alone, a hundredth of it."""
    gan = tiny.by_name(name).compiled({"ema_decay": 0.5}, run_eagerly=True)
    average, network = gan.average_generator, gan.generator
    seen = []
    update = gan.update_average
    gan.update_average = lambda inputs: (
        seen.append(inputs) or update(inputs=inputs)
    )
    batch = next(iter(gan.to_dataset(tiny.by_name(name).dataset())))
    gan.generator_optimizer.iterations.assign(5000)
    before = [v.numpy() for v in average.weights]
    gan.train_step(batch)
    (inputs,) = seen
    found = [v.numpy() for v in average.weights]

    # The same through the layers themselves, with the average's kernels and
    # the statistics that it had.
    weights = zip(network.weights, before, found, strict=True)
    for weight, old, new in weights:
        weight.assign(new if weight.trainable else old)
    some = tf.nest.map_structure(lambda tensor: tensor[::4], inputs)
    network(some, training=True)
    weights = zip(network.weights, before, found, strict=True)
    for weight, old, new in weights:
        if not weight.trainable:
            # The layer moved a tenth of the way, the average a hundredth.
            expected = old + 0.1 * (weight.numpy() - old)
            np.testing.assert_allclose(new, expected, rtol=1e-4, atol=1e-6)
            assert (new != old).any()


def test_states_of_dropout_are_no_statistics():
    """They are integers among the variables of the generator."""
    layers = [keras.Input((3,)), BatchNormalization(), Dropout(0.5, 1)]
    network = keras.Sequential(layers)
    average = averaging.average_of(network)
    before = [v.numpy() for v in average.variables]
    inputs = tf.random.normal((8, 3)) + 5.0
    averaging.follow_statistics(average, network, inputs, 0.5)
    changed = [
        variable.name
        for variable, value in zip(average.variables, before, strict=True)
        if (variable.numpy() != value).any()
    ]
    assert changed == ["moving_mean", "moving_variance"]


def test_large_kernels_are_copied_and_not_drawn(monkeypatch):
    dense = keras.layers.Dense(weights.LARGE, name="dense")
    network = keras.Sequential([keras.Input((1,)), dense])
    drawn = []
    monkeypatch.setattr(
        keras.initializers.GlorotUniform,
        "__call__",
        lambda *args, **kwargs: drawn.append(args),
    )
    copy = averaging.copy_of(network, "copy")
    assert not drawn
    assert copy.get_layer("dense").kernel.numpy().std() > 0
    np.testing.assert_array_equal(
        copy.get_layer("dense").kernel, network.get_layer("dense").kernel
    )
