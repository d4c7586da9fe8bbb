"""WGAN-GP: the two clocks, the loss, and that it finds all modes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from tests import tiny


def test_critic_takes_its_steps_for_each_of_the_generator():
    gan = tiny.wgan_gp(critic_steps=3)
    gan.compile()
    gan.fit(tiny.images(24), batch_size=12, verbose=0)
    assert int(gan.generator_optimizer.iterations) == 2
    assert int(gan.discriminator_optimizer.iterations) == 6


def test_every_image_is_seen_once():
    """What the critic is shown as real, in one step, is the batch."""
    gan = tiny.wgan_gp(critic_steps=2)
    gan.compile(run_eagerly=True)
    seen = []
    critic = gan.discriminator

    def recorder(images, training=False):
        seen.append(images.numpy())
        return critic(images, training=training)

    recorder.trainable_variables = critic.trainable_variables
    gan.discriminator = recorder
    batch = tiny.images(8)
    gan.train_step(tf.constant(batch))
    # Twice real and fake, twice the points between, once fakes alone.
    assert [len(s) for s in seen] == [8, 4, 8, 4, 4]
    shown = np.concatenate([seen[0][:4], seen[2][:4]])
    key = [tuple(i.ravel()) for i in shown]
    assert sorted(key) == sorted(tuple(i.ravel()) for i in batch)


def test_no_layer_of_the_critic_mixes_images():
    gan = tiny.wgan_gp()
    batch = tiny.images(4)
    together = gan.discriminator(batch, training=True).numpy()
    alone = [gan.discriminator(i[None], training=True)[0] for i in batch]
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-7)


def test_batches_that_cannot_be_divided_are_refused():
    gan = tiny.wgan_gp(critic_steps=3)
    gan.compile()
    dataset = tf.data.Dataset.from_tensor_slices(tiny.images(16))
    with pytest.raises(ValueError, match=r"divisible by 3.*shape \(8, 16"):
        gan.fit(dataset.batch(8, drop_remainder=True), verbose=0)
    with pytest.raises(ValueError, match=r"drop_remainder.*\(None, 16"):
        gan.fit(dataset.batch(6), verbose=0)
    # Arrays get a batch size that can be: 3 * 64.
    with pytest.raises(ValueError, match="16 examples and batch_size=192"):
        gan.fit(tiny.images(16), verbose=0)


@pytest.mark.slow
def test_covers_eight_gaussian_modes():
    """Gaussian spots at eight places on a ring; all eight are drawn."""
    keras.utils.set_random_seed(1)
    angles = np.arange(8) * np.pi / 4
    centers = 7.5 + 5.0 * np.stack([np.sin(angles), np.cos(angles)], -1)
    grid = np.stack(np.meshgrid(range(16), range(16), indexing="ij"), -1)

    def spots(where):
        squares = ((grid - where[:, None, None]) ** 2).sum(-1)
        return (2 * np.exp(-squares / 4) - 1)[..., None].astype("float32")

    random = np.random.RandomState(0)
    where = centers[random.randint(8, size=4096)]
    real = spots(where + 0.2 * random.standard_normal(where.shape))
    gan = models.WGANGP(16, 1, width=16, latent_dim=8, ema_decay=0.98, seed=1)
    gan.compile(
        keras.optimizers.Adam(1e-3, 0.0, 0.9),
        keras.optimizers.Adam(1e-3, 0.0, 0.9),
    )

    def coverage():
        """Returns the share of each mode among images that are near one."""
        fakes = np.asarray(gan(gan.seeded_latents(0, 512)))
        errors = ((fakes[:, None] - spots(centers)) ** 2).mean((2, 3, 4))
        near = errors.min(1) < 0.04  # Another mode's spot is 0.15 away.
        return np.bincount(errors.argmin(1)[near], minlength=8) / 512

    assert coverage().sum() < 0.1
    gan.fit(real, batch_size=160, epochs=40, verbose=0)
    assert coverage().sum() > 0.7
    assert coverage().min() > 0.03
