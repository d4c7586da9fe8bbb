"""The replay buffer and instance noise: ages, sides, and resuming."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers import InstanceNoise, ReplayBuffer
from kerasgan.models import DCGAN, dcgan
from tests import tiny

SHAPE = (2, 2, 1)


def batch_of(step, count=8):
    return tf.fill((count, *SHAPE), float(step))


def numbers(images):
    images = np.asarray(images)
    assert (images == images[:, :1, :1]).all()
    return images[:, 0, 0, 0].astype(int)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_half_of_each_batch_is_new(jit_compile):
    buffer = ReplayBuffer(24, SHAPE, seed=1)
    call = tf.function(buffer, jit_compile=jit_compile)
    ages = []
    for step in range(1, 41):
        found = numbers(call(batch_of(step)))
        assert (found[:4] == step).all()
        # The first batch alone has nothing older.
        assert (found[4:] < step).all() == (step > 1)
        assert (found[4:] > 0).all()
        ages.append(step - found[4:].mean())
        stored = numbers(buffer.images)
        # Whole batches fill it; then half of each, less where two met.
        assert int(buffer.filled.numpy()) == min(8 * step, 24)
        latest = np.sum(stored == step)
        assert latest == 8 if step <= 3 else 2 <= latest <= 4
        assert (stored > 0).sum() == min(8 * step, 24)
    # 1 - (1 - 1/24)^4 of the buffer is new in each step, so that images are
    # 6.4 steps old on average, and one more when they are seen.
    assert 5 < np.mean(ages[15:]) < 9


def test_it_fills_only_its_size():
    buffer = ReplayBuffer(5, SHAPE, seed=1)
    buffer(batch_of(1, 3))
    np.testing.assert_array_equal(numbers(buffer.images), [1, 1, 1, 0, 0])
    found = numbers(buffer(batch_of(2, 3)))
    assert found.tolist() == [2, 2, 1]  # The larger half is new.
    np.testing.assert_array_equal(numbers(buffer.images), [1, 1, 1, 2, 2])
    buffer.clear()
    assert numbers(buffer(batch_of(3, 2))).tolist() == [3, 3]


def test_no_gradient_goes_through():
    buffer = ReplayBuffer(4, SHAPE)
    images = batch_of(1.0)
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(buffer(images))
    assert tape.gradient(total, images) is None


def test_images_are_copies():
    buffer = ReplayBuffer(8, SHAPE)
    array = np.ones((8, *SHAPE), "float32")
    buffer(array)
    array[:] = 7.0
    assert (numbers(buffer.images) == 1).all()


def test_config_and_bad_size():
    buffer = ReplayBuffer(3, SHAPE, 1, name="here")
    again = ReplayBuffer.from_config(buffer.get_config())
    assert again.get_config() == buffer.get_config()
    with pytest.raises(ValueError, match="Received: size=0"):
        ReplayBuffer(0, SHAPE)


@keras.saving.register_keras_serializable(package="kerasgan_tests")
class ReplayDCGAN(DCGAN):
    """The example of the layer."""

    def build_networks(self):
        super().build_networks()
        self.replay = ReplayBuffer(12, self.image_shape, self.seed)

    def train_step(self, real_images):
        latents = self.sample_latents(tf.shape(real_images)[0])
        with tf.GradientTape() as generator_tape:
            fakes = self.generator(latents, training=True)
        with tf.GradientTape() as tape:
            real_scores = self.discriminator(real_images, training=True)
            fake_scores = self.discriminator(self.replay(fakes), training=True)
            d_loss = tf.reduce_mean(
                self.discriminator_loss(real_scores, fake_scores)
            )
        self.update_discriminators(tape, d_loss)
        with generator_tape:
            fake_scores = self.discriminator(fakes, training=True)
            g_loss = tf.reduce_mean(self.generator_loss(fake_scores))
        self.update_generators(generator_tape, g_loss)
        self.update_average(inputs=latents)
        return self.report(d_loss=d_loss, g_loss=g_loss)

    def clear_memory(self):
        self.replay.clear()


@keras.saving.register_keras_serializable(package="kerasgan_tests")
class NoisyDCGAN(DCGAN):
    """The example of the layer."""

    def build_networks(self):
        sizes = self.image_size, self.channels, self.width
        self.generator = dcgan.build_generator(
            *sizes, self.latent_dim, self.synchronized
        )
        plain = dcgan.build_discriminator(*sizes, self.synchronized)
        self.noise = InstanceNoise(0.1, steps=10, seed=self.seed)
        images = keras.Input(self.image_shape)
        self.discriminator = keras.Model(images, plain(self.noise(images)))

    def update_discriminators(self, tape, loss):
        super().update_discriminators(tape, loss)
        self.noise.advance()


@pytest.mark.parametrize("model", [ReplayDCGAN, NoisyDCGAN])
def test_a_dcgan_with_it_resumes_exactly(model, tmp_path):
    images = tiny.images(16)
    straight = model(**tiny.SMALL, width=4)
    straight.compile()
    straight.fit(images, batch_size=8, shuffle=False, verbose=0)
    straight.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for gan in (straight, again):
        gan.fit(images, batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(straight.variables, again.variables, strict=True):
        np.testing.assert_array_equal(a, b, a.path)
    if model is NoisyDCGAN:
        assert float(again.noise.taken) == 4.0
        return
    assert int(again.replay.filled.numpy()) == 12
    assert np.abs(again.replay.images).max() > 0
    again.clear_memory()
    assert np.abs(again.replay.images).max() == 0


# Instance noise


def test_noise_decays_to_none():
    layer = InstanceNoise(2.0, steps=4, seed=1)
    images = np.zeros((4000, *SHAPE), "float32")
    found = []
    for _ in range(6):
        found.append(layer(images, training=True).numpy().std())
        layer.advance()
    expected = [2.0, 1.5, 1.0, 0.5, 0.0, 0.0]
    np.testing.assert_allclose(found, expected, atol=0.05)
    np.testing.assert_array_equal(layer(images), images)
    again = InstanceNoise.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    with pytest.raises(ValueError, match="Received: steps=0"):
        InstanceNoise(1.0, 0)


def test_noise_is_on_both_sides_in_both_steps():
    """Three passes of a step, all with noise, none with that of another."""
    gan = NoisyDCGAN(**tiny.SMALL, width=4)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    added = []
    add = gan.noise.call

    def watched(inputs, training=False):
        outputs = add(inputs, training=training)
        added.append((outputs - inputs).numpy())
        return outputs

    gan.noise.call = watched
    gan.train_step(tf.constant(tiny.images(8)))
    assert len(added) == 3
    # The third one is after the first of ten steps.
    for noise, stddev in zip(added, (0.1, 0.1, 0.09), strict=True):
        assert noise.std() == pytest.approx(stddev, rel=0.05)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        correlation = np.corrcoef(added[a].ravel(), added[b].ravel())[0, 1]
        assert abs(correlation) < 0.1
