"""Improved GAN: the classifier that is a discriminator, and its few labels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import losses, models
from kerasgan.layers.noise import GaussianNoise
from kerasgan.layers.weight_norm import WeightNormDense
from tests import tiny
from tests.support import served, steps


def without_noise(gan):
    for layer in gan.discriminator.layers:
        if isinstance(layer, GaussianNoise):
            layer.stddev = 0.0
    return gan


@pytest.mark.parametrize("parts", [2, 3])
def test_objective(parts):
    """Section 5 with K + 1 classes, the logit of the last one zero."""
    gan = without_noise(tiny.improved_gan())
    images, labels = (tf.constant(a) for a in tiny.partly_labelled_images(6))
    labelled, batch = images, (images, labels)
    if parts == 3:
        labelled = images[::-1]
        batch = (images, labelled, labels)

    def judged(latents):
        return gan.discriminator(gan.generator(latents, training=True))

    def log_probabilities(logits):
        joined = tf.concat([logits, tf.zeros_like(logits[:, :1])], axis=1)
        return tf.math.log(tf.nn.softmax(joined))

    def discriminator_loss(latents):
        real = log_probabilities(gan.discriminator(images)[0])
        fake = log_probabilities(judged(latents[0])[0])
        # Of images with labels, given that they are real.
        logits, _ = gan.discriminator(labelled)
        known = steps.log_class_probability(labels[::2], logits[::2])
        is_real = tf.math.log(1.0 - tf.exp(real[:, -1]))
        return -(
            tf.reduce_mean(known)
            + 0.5 * tf.reduce_mean(is_real)
            + 0.5 * tf.reduce_mean(fake[:, -1])
        )

    def generator_loss(latents):
        _, real = gan.discriminator(images)
        _, fake = judged(latents[1])
        return tf.reduce_mean(
            (tf.reduce_mean(real, 0) - tf.reduce_mean(fake, 0)) ** 2
        )

    steps.check_step(gan, batch, [6, 6], discriminator_loss, generator_loss)


def test_the_score_is_log_z():
    gan = tiny.improved_gan()
    images = tf.constant(tiny.images(5, size=8))
    logits, _ = gan.discriminator(images)
    z = np.exp(logits).sum(1)
    found = tf.sigmoid(gan.scores(images))
    np.testing.assert_allclose(found, z / (z + 1), rtol=1e-5)


def test_features_are_matched_by_their_means():
    feature_matching = losses.feature_matching_loss
    ones, zeros = tf.ones((4, 3)), tf.zeros((5, 3))
    np.testing.assert_array_equal(feature_matching(ones, zeros), [1, 1, 1])
    np.testing.assert_array_equal(feature_matching(ones, ones), [0, 0, 0])
    # Equal means of different rows.
    rows = tf.constant([[0.0], [2.0]])
    assert float(feature_matching(rows, tf.ones((2, 1)))[0]) == 0.0


def test_features_before_the_last_noise():
    gan = models.ImprovedGAN.paper("mnist")
    assert gan.discriminator.outputs[1].shape == (None, 250)
    layers = gan.discriminator.layers
    noises = [v.stddev for v in layers if isinstance(v, GaussianNoise)]
    assert noises == [0.3] + [0.5] * 5
    features = gan.discriminator.get_layer("features").input
    assert features is gan.discriminator.get_layer("relu_5").output
    gains = [v.train_gain for v in layers if isinstance(v, WeightNormDense)]
    assert gains == [False] * 5 + [True]
    with pytest.raises(ValueError, match="Received: name='cifar10'"):
        models.ImprovedGAN.paper("cifar10")


def test_the_noise_is_new_in_each_pass():
    gan = tiny.improved_gan()
    images = tf.constant(tiny.images(5, size=8))
    passes = [gan.discriminator(images, training=True)[1] for _ in range(2)]
    assert (passes[0] != passes[1]).numpy().any()


def test_images_without_labels_have_no_class_loss():
    gan = tiny.improved_gan()
    logits = tf.constant([[1.0, 0.0, 0.0], [5.0, 2.0, 1.0], [0.0, 0.0, 0.0]])
    labels = tf.constant([0, -1, 2])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = gan.class_loss(labels, logits)
    expected = np.mean([np.log(np.e + 2) - 1, np.log(3)])
    assert float(loss) == pytest.approx(expected)
    gradient = tape.gradient(loss, logits).numpy()
    assert (gradient[1] == 0).all()
    assert gradient[0, 0] != 0
    assert float(gan.class_loss(tf.constant([-1, -1, -1]), logits)) == 0.0


# Initial weights


def test_the_first_batch_sets_the_gains():
    gan = without_noise(tiny.improved_gan())
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    images, labels = tiny.partly_labelled_images(64)
    gan.fit(images, labels, batch_size=64, shuffle=False, verbose=0)
    layers = gan.discriminator.layers
    chain = [v for v in layers if isinstance(v, WeightNormDense)]
    assert len(chain) == 3
    outputs = [layer.output for layer in chain]
    values = keras.Model(gan.discriminator.input, outputs)(images)
    for value in values:
        np.testing.assert_allclose(value.numpy().mean(0), 0, atol=1e-4)
        np.testing.assert_allclose(value.numpy().std(0), 1, atol=1e-2)
    before = gan.discriminator.get_weights()
    for a, b in zip(
        before, gan.average_discriminator.get_weights(), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    # Once: not by other data, and not after loading.
    gan.train_on_batch(0.1 * images, labels)
    for a, b in zip(before, gan.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# Data


def test_arrays_become_two_streams():
    images = np.arange(12, dtype="float32")[:, None, None, None] / 6 - 1
    images = np.broadcast_to(images, (12, 8, 8, 1))
    labels = np.full(12, -1)
    labels[[2, 5, 7]] = 2, 0, 1
    gan = tiny.improved_gan()
    dataset = gan.to_dataset(images, labels, batch_size=4)
    every, rows, seen = [], [], []
    for batch in dataset.take(3):
        gan.check_batch(batch)
        numbers = [
            (6 * part[:, 0, 0, 0].numpy() + 6).round().astype(int)
            for part in batch[:2]
        ]
        every += numbers[0].tolist()
        rows += numbers[1].tolist()
        np.testing.assert_array_equal(labels[numbers[1]], batch[2])
        seen += batch[2].numpy().tolist()
    assert sorted(every) == list(range(12))
    assert (
        sorted(rows) == [2, 5, 7] * 4
        or sorted(rows) == [2] * 4 + [5] * 4 + [7] * 4
    )
    assert sorted(seen) == [0] * 4 + [1] * 4 + [2] * 4
    # One after the other: no image with a label in front of all others.
    assert every != sorted(every)


@pytest.mark.parametrize("labels", [[0, 1, 2, 1], [-1, -1, -1, -1]])
def test_all_labels_or_none_are_pairs(labels):
    gan = tiny.improved_gan()
    gan.compile()
    images, labels = tiny.images(4, size=8), np.array(labels)
    dataset = gan.to_dataset(images, labels, batch_size=4)
    assert len(dataset.element_spec) == 2
    history = gan.fit(images, labels, batch_size=4, verbose=0).history
    assert np.isfinite([*history.values()]).all()
    assert (history["class_loss"][0] == 0) == (labels.max() < 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: x, "must be pairs .*Received: 1 part"),
        (lambda x, y: (x, y + 3), r"lie in 0\.\.2"),
        (lambda x, y: (x, y - 2), r"lie in 0\.\.2"),
        (lambda x, y: (x, y / 2), "Received: dtype=float"),
        (lambda x, y: (x, x * 3, y), r"labelled_images"),
        (lambda x, y: (x, x[:3], y), r"labelled_images"),
    ],
)
def test_other_data_are_refused(change, message):
    gan = tiny.improved_gan()
    batch = change(*(tf.constant(a) for a in tiny.partly_labelled_images(6)))
    with pytest.raises(ValueError, match=message):
        gan.check_batch(batch)


def test_later_labels_are_checked_in_the_stream():
    gan = tiny.improved_gan()
    gan.compile(run_eagerly=True)
    images, labels = tiny.partly_labelled_images(8)
    labels[6] = -2
    with pytest.raises(ValueError, match="Received: labels from -2 to"):
        gan.fit(images, labels, batch_size=4, shuffle=False, verbose=0)


# Classifying


def test_it_classifies_by_the_average(tmp_path):
    gan = tiny.improved_gan()
    random = np.random.RandomState(0)
    for weight in gan.average_discriminator.weights:
        weight.assign(random.standard_normal(weight.shape))
    images = random.randint(0, 256, (5, 8, 8, 1), "uint8")
    found = gan.classify(images, batch_size=2)
    assert (found.shape, found.dtype) == ((5, 3), np.float32)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
    logits, _ = gan.average_discriminator(images / 127.5 - 1.0)
    np.testing.assert_allclose(found, tf.nn.softmax(logits), rtol=1e-3)
    gan.export(tmp_path / "1", scores=True)
    calls = {"classify": {"images": images}}
    exported = served.run({str(tmp_path / "1"): calls}, tmp_path)
    exported = exported[str(tmp_path / "1")]["classify"]["probabilities"]
    np.testing.assert_allclose(exported, found, rtol=1e-4, atol=1e-6)


def test_other_images_are_not_classified():
    gan = tiny.improved_gan()
    with pytest.raises(ValueError, match="Received: dtype=float32"):
        gan.classify(tiny.images(2, size=8))
    with pytest.raises(ValueError, match=r"shape=\(2, 16, 16, 1\)"):
        gan.classify(np.zeros((2, 16, 16, 1), "uint8"))


def test_it_learns_from_one_label_of_each_class():
    random = np.random.RandomState(0)
    classes = random.randint(3, size=300)
    images = random.normal(0.0, 0.3, (300, 8, 8, 1)).astype("float32")
    for number in range(3):
        images[classes == number, 3 * number : 3 * number + 2] += 0.6
    images = images.clip(-1, 1)
    labels = np.full(300, -1)
    for number in range(3):
        first = np.flatnonzero(classes == number)[0]
        labels[first] = number
    gan = tiny.improved_gan(generator_units=(32,), discriminator_units=(32, 16))
    gan.compile()
    gan.fit(images, labels, batch_size=50, epochs=25, verbose=0)
    levels = ((images + 1) * 127.5).astype("uint8")
    found = gan.classify(levels).argmax(1)
    assert np.mean(found == classes) > 0.9
