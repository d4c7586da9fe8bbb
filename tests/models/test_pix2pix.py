"""pix2pix: counts, the step's terms, dropout, both kinds of inference."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import data, models
from kerasgan.layers.dropout import Dropout
from tests import tiny
from tests.support import translation
from tests.support.translation import assert_unchanged, still, values


def build(image_size=32, **changes):
    return tiny.pix2pix(image_size=image_size, target_channels=3, **changes)


def noise(count, size=32, seed=0):
    return tiny.images(count, size, channels=3, seed=seed)


def dropout_layers(gan):
    return [v for v in gan.generator.layers if isinstance(v, Dropout)]


# The networks.


def test_paper_has_dropout_in_three_blocks():
    gan = models.Pix2Pix.paper()
    shape = gan.discriminator.compute_output_shape((1, 256, 256, 6))
    assert shape == (1, 30, 30, 1)
    assert [(d.name, d.rate) for d in dropout_layers(gan)] == [
        ("dropout_2", 0.5),
        ("dropout_4", 0.5),
        ("dropout_8", 0.5),
    ]


def test_widest_layer_and_patch():
    gan = models.Pix2Pix(64, width=8, max_width=12, patch_size=16)
    filters = [
        layer.filters
        for layer in gan.generator.layers
        if layer.name.startswith("down_") and hasattr(layer, "filters")
    ]
    assert filters == [8, 12, 12, 12, 12, 12]
    shape = gan.discriminator.compute_output_shape((1, 64, 64, 6))
    assert shape == (1, 30, 30, 1)


@pytest.mark.parametrize(
    "size, dropouts", [(32, 0), (64, 1), (128, 2), (512, 3)]
)
def test_blocks_with_dropout_at_other_sizes(size, dropouts):
    assert len(dropout_layers(build(size, width=1))) == dropouts


def test_dropout_layers_draw_from_different_streams():
    states = [
        tuple(d.seed_generator.state.numpy())
        for d in dropout_layers(build(256, width=1))
    ]
    assert len(set(states)) == 3


def test_the_streams_of_dropout_are_saved_for_resuming():
    gan = build(64)
    gan.compile()
    (layer,) = dropout_layers(gan)
    assert any(
        v is layer.seed_generator.state for v in gan.training_state().values()
    )


# The step.


def test_loss_terms_and_one_pass_of_the_generator(monkeypatch):
    gan = still(build(l1_weight=7.0))
    # Scores of zero: each cross-entropy is then log 2.
    score = gan.discriminator.get_layer("score")
    score.kernel.assign(tf.zeros_like(score.kernel))
    fakes, pairs = [], []
    generate, judge = gan.generator.call, gan.discriminator.call

    def generator_call(*args, **kwargs):
        fakes.append(generate(*args, **kwargs))
        return fakes[-1]

    def discriminator_call(images, **kwargs):
        pairs.append(images.numpy())
        return judge(images, **kwargs)

    monkeypatch.setattr(gan.generator, "call", generator_call)
    monkeypatch.setattr(gan.discriminator, "call", discriminator_call)
    inputs, targets = noise(4), noise(4, seed=1)
    logs = gan.train_step((tf.constant(inputs), tf.constant(targets)))

    assert len(fakes) == 1
    l1 = np.abs(fakes[0].numpy() - targets).mean()
    # The sum of the two would be 2 log 2: the loss is halved.
    assert float(logs["d_loss"]) == pytest.approx(math.log(2), rel=1e-5)
    assert float(logs["l1_loss"]) == pytest.approx(l1, rel=1e-5)
    assert float(logs["g_loss"]) == pytest.approx(
        math.log(2) + 7.0 * l1, rel=1e-5
    )
    # Each half of a pair is the image it should be.
    generated = np.concatenate([inputs, fakes[0]], -1)
    real = np.concatenate([inputs, targets], -1)
    for found, expected in zip(
        pairs, (generated, real, generated), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_discriminator_step_leaves_the_generator_alone():
    gan = build()
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.1))
    before = values(gan.generator.trainable_variables)
    judge = values(gan.discriminator.trainable_variables)
    gan.fit(noise(2), noise(2, seed=1), batch_size=2, verbose=0)
    assert_unchanged(before, gan.generator.trainable_variables)
    assert all(
        (a != b.numpy()).any()
        for a, b in zip(
            judge, gan.discriminator.trainable_variables, strict=True
        )
    )


# Translation.


def test_translation_is_deterministic_and_changes_nothing():
    gan = build(64)
    before = values(gan.variables)
    images = translation.images(3, 64, 64)
    first = gan.translate(images)
    assert first.dtype == np.uint8 and first.shape == (3, 64, 64, 3)
    np.testing.assert_array_equal(first, gan.translate(images, batch_size=2))
    # Moving statistics, no dropout: what the network gives at inference.
    outputs = gan.average_generator(data.to_float(images), training=False)
    np.testing.assert_array_equal(first, data.to_uint8(outputs))
    assert_unchanged(before, gan.variables)


def test_stochastic_translation_repeats_and_changes_nothing():
    gan = build(64)
    before = values(gan.variables)
    images = np.repeat(translation.images(1, 64, 64), 4, axis=0)
    first = gan.translate(images, stochastic=True, seed=5)
    again = gan.translate(images, stochastic=True, seed=5, batch_size=3)
    np.testing.assert_array_equal(first, again)
    # Four draws from one image; image i is drawn from seed + i.
    assert len({image.tobytes() for image in first}) == 4
    later = gan.translate(images, stochastic=True, seed=6)
    np.testing.assert_array_equal(first[1:], later[:-1])
    fresh = gan.translate(images, stochastic=True)
    assert (fresh != gan.translate(images, stochastic=True)).any()
    assert_unchanged(before, gan.variables)


def test_stochastic_translation_takes_the_statistics_of_the_image():
    # Without dropout (none at 32) it is a training pass over one image.
    gan = build(32)
    for layer in gan.average_generator.layers:
        if "norm" in layer.name:  # Statistics far from any image's.
            layer.moving_mean.assign_add(tf.ones_like(layer.moving_mean))
    images = translation.images(2, 32, 32)
    found = gan.translate(images, stochastic=True, seed=0)
    for image, translated in zip(images, found, strict=True):
        outputs = gan.generator(data.to_float(image[None]), training=True)
        expected = data.to_uint8(outputs).numpy()[0].astype(int)
        assert np.abs(translated - expected).max() <= 1
    assert (found != gan.translate(images)).mean() > 0.5


def test_stochastic_translation_is_made_by_the_average():
    gan = build(32)
    images = translation.images(1, 32, 32)
    before = gan.translate(images, stochastic=True, seed=0)
    for variable in gan.generator.trainable_variables:
        variable.assign(2 * variable)
    after = gan.translate(images, stochastic=True, seed=0)
    np.testing.assert_array_equal(before, after)


def test_stochastic_translation_drops_half_of_a_block():
    gan = build(64, width=16)
    (layer,) = dropout_layers(gan)
    shares = []
    drop = layer.call

    def watch(inputs, training=False):
        outputs = drop(inputs, training=training)
        shares.append(tf.reduce_mean(tf.cast(outputs == 0, "float32")))
        return outputs

    layer.call = watch
    images = data.to_float(translation.images(1, 64, 64))
    weights = gan._averages_and_draws(tf.constant(3, "int64"))
    gan.generator.stateless_call(*weights, images, training=True)
    # 512 activations: the standard deviation of the share is 0.022.
    assert float(shares[0]) == pytest.approx(0.5, abs=0.1)


def test_images_of_other_sizes():
    gan = build(32)
    assert gan.translate(translation.images(1, 64, 96)).shape == (1, 64, 96, 3)
    stochastic = gan.translate(
        translation.images(1, 96, 32), stochastic=True, seed=1
    )
    assert stochastic.shape == (1, 96, 32, 3)


def test_other_bad_arguments_of_translate():
    gan = build()
    with pytest.raises(ValueError, match="needs `stochastic=True`"):
        gan.translate(translation.images(1, 32, 32), seed=1)
    with pytest.raises(ValueError, match="Received: seed=-1"):
        gan.translate(translation.images(1, 32, 32), stochastic=True, seed=-1)
    with pytest.raises(ValueError, match="Received: batch_size=0"):
        gan.translate(translation.images(1, 32, 32), batch_size=0)


@pytest.mark.slow
def test_exported_dropout_draws_the_same(tmp_path):
    gan = build(64)
    gan.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1"))
    images = translation.images(3, 64, 128)
    found = served.signatures["translate_stochastic"](
        images=tf.constant(images), seeds=tf.constant([5, 6, 7], "int64")
    )["images"].numpy()
    expected = gan.translate(images, stochastic=True, seed=5)
    assert np.abs(found.astype(int) - expected).max() <= 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="multiples of 64"):
        served.signatures["serving_default"](
            tf.constant(translation.images(1, 40, 64))
        )


@pytest.mark.slow
def test_two_replicas_drop_the_same(mirrored):
    """With dropout; the conformance suite's model has none."""
    found = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            gan = build(64, synchronized=True)
            gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
        dataset = tf.data.Dataset.from_tensor_slices(
            (noise(4, 64), noise(4, 64, seed=1))
        ).batch(4, drop_remainder=True)
        gan.fit(dataset, verbose=0)
        found.append(gan.generator.get_weights())
    for one, two in zip(*found, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.data
def test_learns_to_halve_l1_on_16_pairs():
    import tensorflow_datasets as tfds

    rows = tfds.as_numpy(tfds.load("fluent", split="train[:16]"))
    pairs = [
        np.stack([row[name] for row in rows]) for name in ("input", "target")
    ]
    inputs, targets = (
        data.resize(data.to_float(images), 32).numpy() for images in pairs
    )
    keras.utils.set_random_seed(1)
    gan = models.Pix2Pix(32, width=16, ema_decay=0.9, seed=1)
    gan.compile()

    def l1():
        return np.abs(np.asarray(gan(inputs)) - targets).mean()

    copied = np.abs(inputs - targets).mean()
    before = l1()
    gan.fit(inputs, targets, batch_size=4, epochs=120, verbose=0)
    assert l1() < before / 2
    assert l1() < copied  # Better than to hand the drawing through.
