"""What is special about CUT and FastCUT."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models, random
from kerasgan.models.cut import UnitLength, patch_nce
from tests import tiny


def unit_vectors(seed, shape):
    vectors = np.random.RandomState(seed).standard_normal(shape)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return tf.constant(vectors, "float32")


def lively(gan):
    """Gives the encoder and the projection weights of a usual size."""
    numbers = np.random.RandomState(0)
    for network in (gan.generator, gan.projection):
        for weight in network.trainable_variables:
            fan = max(math.prod(weight.shape[:-1]), 1)
            weight.assign(numbers.standard_normal(weight.shape) / fan**0.5)
    return gan


# PatchNCE


def test_losses_that_are_known():
    same = tf.ones((1, 256, 4)) / 2.0
    found = patch_nce(same, same, 0.07)
    # The own key is masked among the others: 1 + 255 of them.
    np.testing.assert_allclose(found, math.log(256), rtol=1e-5)
    vectors = unit_vectors(0, (2, 256, 256))
    found = tf.reduce_mean(patch_nce(vectors, vectors, 0.07))
    assert float(found) == pytest.approx(2.4e-4, rel=0.1)
    found = tf.reduce_mean(
        patch_nce(unit_vectors(1, vectors.shape), vectors, 0.07)
    )
    assert float(found) == pytest.approx(6.0, abs=0.15)


def test_two_patches_by_hand():
    axes = tf.eye(2)[None]
    found = patch_nce(axes, axes, 0.5)
    expected = math.log(1 + math.exp(-2) + math.exp(-22))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_negatives_are_of_the_same_image():
    queries = unit_vectors(0, (2, 8, 4))
    keys = unit_vectors(1, (2, 8, 4))
    others = tf.stack([keys[0], unit_vectors(2, (8, 4))])
    first, second = (patch_nce(queries, k, 0.07) for k in (keys, others))
    np.testing.assert_array_equal(first[0], second[0])
    assert np.abs(first[1] - second[1]).max() > 0.1


def test_keys_have_no_gradient():
    queries, keys = unit_vectors(0, (1, 8, 4)), unit_vectors(1, (1, 8, 4))
    with tf.GradientTape() as tape:
        tape.watch((queries, keys))
        loss = tf.reduce_sum(patch_nce(queries, keys, 0.07))
    of_queries, of_keys = tape.gradient(loss, (queries, keys))
    assert np.abs(of_queries).max() > 0
    assert of_keys is None or not np.any(of_keys)


def test_a_vector_of_zeros_has_a_finite_gradient():
    layer = UnitLength()

    # Without XLA, TensorFlow's gradient of the root of zero is zero.
    @tf.function(jit_compile=True)
    def outputs_and_gradient(vectors):
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            found = layer(vectors)
            loss = tf.reduce_sum(found)
        return found, tape.gradient(loss, vectors)

    vectors = tf.constant([[0.0, 0.0], [3.0, 4.0]])
    found, gradient = outputs_and_gradient(vectors)
    np.testing.assert_allclose(found, [[0.0, 0.0], [0.6, 0.8]], rtol=1e-5)
    assert np.isfinite(gradient).all()
    assert np.any(gradient[1])


# What is compared


def test_features_are_those_of_the_authors_layers():
    gan = tiny.cut(blocks=2, nce_blocks=(0, 1), generator_width=3)
    images = tiny.images(2, 24, 3)
    reflected, first, second, *residual = gan._views.encoder(images)
    padded = np.pad(images, [(0, 0), (3, 3), (3, 3), (0, 0)], "reflect")
    np.testing.assert_array_equal(reflected, padded)
    # Convolutions before normalization and blur.
    assert (first.shape, second.shape) == ((2, 24, 24, 6), (2, 12, 12, 12))
    assert [maps.shape for maps in residual] == [(2, 6, 6, 12)] * 2
    lively(gan)
    first = gan._views.encoder(images)[1].numpy()
    assert np.abs(first.mean(axis=(1, 2))).max() > 1e-3


def test_places_are_different_ones_and_new_each_time():
    gan = tiny.cut(patches=5)
    first, second = gan.sample_places(9).numpy(), gan.sample_places(9).numpy()
    for places in (first, second):
        assert len(set(places)) == 5
        assert set(places) <= set(range(9))
    assert first.tolist() != second.tolist()
    assert sorted(gan.sample_places(4).numpy()) == [0, 1, 2, 3]
    found = {int(n) for _ in range(60) for n in gan.sample_places(9).numpy()}
    assert found == set(range(9))


def test_queries_and_keys_are_of_the_same_places():
    """An image compared with itself is recognized, with another it is not."""
    gan = lively(tiny.cut(patches=64, projection_dim=64, generator_width=16))
    images = tf.constant(tiny.images(4, 24, 3))
    features = gan._views.encoder(images)
    others = gan._views.encoder(images[::-1])
    itself = gan.contrast(features, features)
    other = gan.contrast(features, others)
    assert itself < 0.8 * other
    assert other > math.log(36)


def test_one_pass_translates_and_gives_features_of_both_sets():
    gan = lively(tiny.cut())
    a, b = tiny.two_sets(2)
    fake, (first, second) = gan.translations(a, b)
    np.testing.assert_allclose(fake, gan.generator(a), atol=1e-5)
    for images, (keys, queries) in ((a, first), (b, second)):
        outputs = gan.generator(images)
        for found, source in ((keys, images), (queries, outputs)):
            expected = gan._views.encoder(source)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("number", [0.0, 0.5])
def test_fastcut_mirrors_inputs_and_mirrors_features_back(number, monkeypatch):
    gan = lively(tiny.fastcut())
    monkeypatch.setattr(
        random, "shared_uniform", lambda *_: tf.constant(number)
    )
    a, b = tiny.two_sets(2)
    flipped = slice(None, None, -1 if number < 0.5 else 1)
    fake, ((keys, queries),) = gan.translations(a, b)
    np.testing.assert_allclose(fake, gan.generator(a[:, :, flipped]), atol=1e-5)
    for found, expected in (
        (keys, gan._views.encoder(a)),
        (queries, [m[:, :, flipped] for m in gan._views.encoder(fake)]),
    ):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


# Training


def test_fastcut_is_cut_without_identity_and_with_a_tenfold_weight():
    assert models.FastCUT(24).nce_weight == 10.0
    gan = tiny.fastcut()
    gan.compile()
    a, b = tiny.two_sets(4)
    before = gan.projection.get_weights()
    history = gan.fit(a, b, batch_size=4, verbose=0).history
    assert set(history) == {"d_loss", "g_loss", "nce_loss"}
    # With the first weights, features are as good as independent.
    assert history["nce_loss"][0] > 10.0 * 2.0
    for old, new in zip(before, gan.projection.get_weights(), strict=True):
        assert np.any(old != new)
    config = gan.get_config()
    assert models.FastCUT.from_config(config).get_config() == config


def test_the_projection_learns_and_the_sum_has_half_of_each_contrast():
    gan = tiny.cut(nce_weight=3.0)
    gan.compile(keras.optimizers.SGD(1e-3), keras.optimizers.SGD(0.0))
    a, b = tiny.two_sets(4)
    scores = gan.discriminator(gan.generator(a))
    before = gan.projection.get_weights()
    losses = gan.train_on_batch(a, b, return_dict=True)
    adversarial = np.mean((scores - 1.0) ** 2)
    contrast = 0.5 * (losses["nce_loss"] + losses["identity_loss"])
    assert losses["g_loss"] == pytest.approx(adversarial + contrast, rel=1e-4)
    assert losses["nce_loss"] > 3.0 * 2.0
    for old, new in zip(before, gan.projection.get_weights(), strict=True):
        assert np.any(old != new)


def test_the_projection_is_saved(tmp_path):
    gan = lively(tiny.cut())
    gan.compile()
    gan.save(tmp_path / "cut.keras")
    again = keras.models.load_model(tmp_path / "cut.keras")
    pairs = zip(
        gan.projection.get_weights(),
        again.projection.get_weights(),
        strict=True,
    )
    assert all((one == other).all() for one, other in pairs)
    variables = [id(v) for v in gan.variables]
    assert len(variables) == len(set(variables))


def test_the_receptive_field_is_84():
    gan = models.CUT(24, generator_width=1, discriminator_width=1, blocks=5)
    image = tf.Variable(tf.random.normal((1, 128, 128, 3), seed=0))
    # Normalization would spread every pixel over the whole image.
    network = gan.discriminator
    for weight in network.trainable_variables:
        weight.assign(tf.abs(weight) + 0.01)
    with tf.GradientTape() as tape:
        x = image.value()
        for layer in network.layers[1:]:
            if not layer.name.startswith("norm"):
                x = layer(x)
        middle = x[0, 7, 7, 0]
    gradient = np.abs(tape.gradient(middle, image)).sum(axis=(0, 3))
    rows = np.flatnonzero(gradient.sum(axis=1))
    assert rows[-1] - rows[0] + 1 == 84
