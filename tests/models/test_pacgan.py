"""PacGAN: one label for each pack, of images that are all real or all fake."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from tests import tiny
from tests.support import steps


@pytest.mark.parametrize("pack_size", [1, 2, 3, 4])
def test_only_the_first_layer_grows(pack_size):
    changes = {"image_size": 32, "width": 8, "latent_dim": 4}
    plain = models.DCGAN(**changes)
    gan = models.PacGAN(pack_size=pack_size, **changes)
    found, expected = (
        [v.shape for v in model.discriminator.trainable_variables]
        for model in (gan, plain)
    )
    assert found[0] == (4, 4, pack_size * 3, 8)
    assert found[1:] == expected[1:]
    more = 4 * 4 * (pack_size - 1) * 3 * 8
    assert (
        gan.discriminator.count_params()
        == plain.discriminator.count_params() + more
    )
    assert gan.generator.count_params() == plain.generator.count_params()


def lively(gan):
    """Larger weights, so that each image has a say in its score."""
    for variable in gan.discriminator.trainable_variables:
        if "kernel" in variable.path:
            variable.assign(8.0 * variable)
    return gan


def test_a_score_depends_on_its_pack_alone():
    gan = lively(tiny.pacgan(pack_size=3))
    images = tf.constant(tiny.images(6))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(images)
        scores = gan.discriminator(images)
        assert scores.shape == (2, 1)
        single = [scores[0, 0], scores[1, 0]]
    for pack, score in enumerate(single):
        sizes = np.abs(tape.gradient(score, images)).sum((1, 2, 3))
        members = np.arange(6) // 3 == pack
        assert (sizes[members] > 1e-6).all()
        assert (sizes[~members] == 0.0).all()


def test_step():
    """Against packs made by hand, of images that are all real or all fake."""
    gan = tiny.pacgan(pack_size=2)
    images = tf.constant(tiny.images(6))
    judge = gan.discriminator.layers[-1]

    def scores(batch):
        packs = [tf.concat([batch[i], batch[i + 1]], -1) for i in (0, 2, 4)]
        return judge(tf.stack(packs), training=True)

    def fakes(latents):
        return gan.generator(latents[0], training=True)

    def discriminator_loss(latents):
        real, fake = scores(images), scores(fakes(latents))
        return -tf.reduce_mean(
            steps.log_probability(real) + steps.log_complement(fake)
        )

    def generator_loss(latents):
        fake = scores(fakes(latents))
        return -tf.reduce_mean(steps.log_probability(fake))

    steps.check_step(gan, images, [6], discriminator_loss, generator_loss)


def test_packs_of_one_are_a_dcgan():
    weights = []
    for model in (tiny.dcgan, tiny.pacgan):
        changes = {} if model is tiny.dcgan else {"pack_size": 1}
        keras.utils.set_random_seed(0)
        gan = model(**changes)
        gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
        gan.fit(tiny.images(16), batch_size=8, verbose=0)
        weights.append([*gan.generator.get_weights()])
        weights[-1] += gan.discriminator.get_weights()
    for plain, packed in zip(*weights, strict=True):
        np.testing.assert_allclose(packed, plain, rtol=1e-5, atol=1e-6)


def test_batches_of_parts_of_packs_are_refused(mirrored):
    gan = tiny.pacgan(pack_size=3)
    gan.compile()
    whole = tf.data.Dataset.from_tensor_slices(tiny.images(10))
    message = "divisible by 3 .*Received: batch size "
    with pytest.raises(ValueError, match=message + "8, 1 replica"):
        gan.fit(whole.batch(8, drop_remainder=True), verbose=0)
    with pytest.raises(ValueError, match=message + "None"):
        gan.fit(whole.batch(6), verbose=0)
    with pytest.raises(ValueError, match=message + "8"):
        gan.fit(tiny.images(16), batch_size=8, verbose=0)
    with pytest.raises(ValueError, match=message + "4"):
        gan.train_on_batch(tiny.images(4))
    gan.train_on_batch(tiny.images(6))
    gan.fit(whole.batch(6, drop_remainder=True), verbose=0)
    with mirrored.scope():
        gan = tiny.pacgan(pack_size=3)
        gan.compile()
    with pytest.raises(ValueError, match=message + "9, 2 replica"):
        gan.to_dataset(tiny.images(16), batch_size=9)
    gan.to_dataset(tiny.images(16), batch_size=6)


def test_arrays_have_whole_packs_by_default():
    gan = tiny.pacgan(pack_size=3)
    spec = gan.to_dataset(tiny.images(400)).element_spec
    assert spec.shape == (192, 16, 16, 1)


def test_exported_scores_are_of_packs(tmp_path):
    gan = lively(tiny.pacgan(pack_size=2))
    gan.export(tmp_path / "1", scores=True)
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["scores"]
    packs = np.random.RandomState(0).randint(0, 256, (3, 2, 16, 16, 1), "uint8")
    found = served(packs=tf.constant(packs))["scores"]
    images = packs.reshape(6, 16, 16, 1) / np.float32(127.5) - 1.0
    assert np.ptp(found) > 1e-4
    np.testing.assert_allclose(found, gan.scores(images), rtol=1e-3, atol=1e-5)
