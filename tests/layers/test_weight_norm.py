"""Weight normalization, noise and historical averages, by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import losses
from kerasgan.layers.historical_average import HistoricalAverage
from kerasgan.layers.noise import GaussianNoise
from kerasgan.layers.weight_norm import WeightNormDense
from kerasgan.models import DCGAN
from tests import tiny


def test_weight_vectors_have_the_length_of_the_gain():
    layer = WeightNormDense(2)
    layer.build((None, 2))
    layer.kernel.assign([[3.0, 0.0], [4.0, 0.5]])
    layer.gain.assign([10.0, 2.0])
    layer.bias.assign([1.0, -1.0])
    found = layer(np.array([[1.0, 1.0]], "float32"))
    np.testing.assert_allclose(found, [[6.0 + 8.0 + 1.0, 2.0 - 1.0]], rtol=1e-5)


@pytest.mark.parametrize("train_gain", [False, True])
def test_data_set_gain_and_bias(train_gain):
    layer = WeightNormDense(3, train_gain=train_gain)
    x = np.random.RandomState(0).normal(2.0, 5.0, (50, 4)).astype("float32")
    layer.build(x.shape)
    layer.bias.assign([7.0, 8.0, 9.0])
    layer.initialize(x)
    outputs = layer(x).numpy()
    np.testing.assert_allclose(outputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(outputs.std(0), 1, rtol=1e-4)
    names = {v.name for v in layer.trainable_weights}
    assert ("gain" in names) == train_gain
    again = WeightNormDense.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_noise_only_in_training():
    layer = GaussianNoise(0.5, seed=1)
    x = np.ones((2000, 3), "float32")
    np.testing.assert_array_equal(layer(x), x)
    found = layer(x, training=True).numpy() - 1.0
    assert found.mean() == pytest.approx(0.0, abs=0.03)
    assert found.std() == pytest.approx(0.5, abs=0.02)
    assert (found != layer(x, training=True).numpy() - 1.0).all()
    again = GaussianNoise.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    with pytest.raises(ValueError, match="Received: stddev=-1.0"):
        GaussianNoise(-1.0)


def test_replicas_add_the_noise_of_one_device(mirrored):
    x = np.zeros((4, 3), "float32")
    expected = GaussianNoise(1.0, seed=1)(x, training=True)
    with mirrored.scope():
        layer = GaussianNoise(1.0, seed=1)
    found = mirrored.run(lambda: layer(tf.zeros((2, 3)), training=True))
    found = tf.concat(mirrored.experimental_local_results(found), 0)
    np.testing.assert_array_equal(found, expected)


def test_the_mean_of_the_past():
    layer = keras.layers.Dense(2, use_bias=False)
    layer.build((None, 1))
    layer.kernel.assign([[0.0, 10.0]])
    past = HistoricalAverage(layer)
    assert float(past.penalty(layer)) == 0.0
    for value in ([[1.0, 10.0]], [[5.0, 13.0]]):
        layer.kernel.assign(value)
        past.update(layer)
    # Means of (0, 1, 5) and (10, 10, 13).
    np.testing.assert_allclose(past.means[0], [[2.0, 11.0]])
    with tf.GradientTape() as tape:
        penalty = past.penalty(layer)
    assert float(penalty) == pytest.approx(9.0 + 4.0)
    # The past is a constant.
    (gradient,) = tape.gradient(penalty, layer.trainable_variables)
    np.testing.assert_allclose(gradient, [[6.0, 4.0]])


class HistoricalDCGAN(DCGAN):
    """The example of the layer."""

    def build_networks(self):
        super().build_networks()
        self.past = HistoricalAverage(self.discriminator)

    def discriminator_loss(self, real_scores, fake_scores):
        loss = super().discriminator_loss(real_scores, fake_scores)
        return loss + 0.1 * self.past.penalty(self.discriminator)

    def update_discriminators(self, tape, loss):
        super().update_discriminators(tape, loss)
        self.past.update(self.discriminator)


def test_a_dcgan_with_it_continues_after_saving(tmp_path):
    gan = HistoricalDCGAN(**tiny.SMALL, width=4)
    gan.compile()
    gan.fit(tiny.images(16), batch_size=8, verbose=0)
    assert float(gan.past.count) == 3.0
    assert float(gan.past.penalty(gan.discriminator)) > 0
    gan.save_weights(tmp_path / "model.weights.h5")
    again = HistoricalDCGAN(**tiny.SMALL, width=4)
    again.compile()
    again.load_weights(tmp_path / "model.weights.h5")
    for a, b in zip(gan.past.weights, again.past.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_smoothing_is_of_real_images():
    """D(x) = 0.9 is best, and the value that of two cross-entropies."""
    scores = tf.constant([np.log(9.0), 0.0, 3.0], "float32")
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = losses.smoothed_real_loss(scores)
    gradient = tape.gradient(loss, scores).numpy()
    assert gradient[0] == pytest.approx(0.0, abs=1e-6)
    assert gradient[1] < 0 < gradient[2]
    p = 1 / (1 + np.exp(-3.0))
    expected = -0.9 * np.log(p) - 0.1 * np.log(1 - p)
    assert float(loss[2]) == pytest.approx(expected, rel=1e-5)
    hard = losses.smoothed_real_loss(scores, target=1.0)
    np.testing.assert_allclose(hard, losses.real_loss(scores))
