"""Minibatch discrimination: who is compared with whom, and how."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers import MinibatchDiscrimination
from kerasgan.models import DCGAN, dcgan
from tests import tiny


def built(features=6, **changes):
    layer = MinibatchDiscrimination(
        **{"kernels": 4, "kernel_dim": 3, **changes}
    )
    layer.build((None, features))
    return layer


def test_equal_examples_count_all_others():
    layer = built(kernels=100, kernel_dim=5)
    found = layer(np.full((100, 6), 0.3, "float32"))[:, 6:]
    np.testing.assert_allclose(found, 99.0 - 1.0, rtol=1e-5)


def test_far_examples_count_none():
    layer = built()
    x = 1e4 * np.random.RandomState(0).standard_normal((5, 6))
    found = layer(x.astype("float32"))[:, 6:]
    np.testing.assert_allclose(found, -1.0, atol=1e-6)


def test_the_formula():
    """By loops, with the L1 distance and normalized columns."""
    layer = built()
    random = np.random.RandomState(0)
    scale = random.uniform(-0.5, 0.5, (4, 3))
    layer.log_scale.assign(scale)
    layer.bias.assign([0.0, 1.0, 2.0, 3.0])
    x = random.standard_normal((5, 6)).astype("float32")
    directions = layer.directions.numpy()
    expected = np.zeros((5, 4))
    for b in range(4):
        columns = directions[:, b]
        columns = columns / np.linalg.norm(columns, axis=0)
        rows = x @ (columns * np.exp(scale[b]))
        for i in range(5):
            for j in range(5):
                if i != j:
                    expected[i, b] += np.exp(-np.abs(rows[i] - rows[j]).sum())
        expected[:, b] += b
    found = layer(x).numpy()
    np.testing.assert_array_equal(found[:, :6], x)
    np.testing.assert_allclose(found[:, 6:], expected, rtol=1e-4)
    # Another order of the examples gives the same features in that order.
    order = [3, 1, 4, 0, 2]
    np.testing.assert_allclose(layer(x[order]), found[order], rtol=1e-5)


def test_equal_examples_have_finite_gradients():
    layer = built()
    x = tf.zeros((4, 6))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(layer(x) ** 2)
    assert np.isfinite(tape.gradient(loss, x)).all()


def test_config_and_bad_sizes():
    layer = MinibatchDiscrimination(7, 2, name="here")
    again = MinibatchDiscrimination.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert layer.compute_output_shape((None, 3)) == (None, 10)
    for name in ("kernels", "kernel_dim"):
        with pytest.raises(ValueError, match=f"Received: {name}=0"):
            MinibatchDiscrimination(**{name: 0})


@keras.saving.register_keras_serializable(package="kerasgan_tests")
class MinibatchDCGAN(DCGAN):
    """The example of the layer."""

    def build_networks(self):
        sizes = self.image_size, self.channels, self.width
        self.generator = dcgan.build_generator(
            *sizes, self.latent_dim, self.synchronized
        )
        plain = dcgan.build_discriminator(*sizes, self.synchronized)
        x = plain.get_layer("flatten").output
        x = MinibatchDiscrimination(kernels=5, kernel_dim=2)(x)
        scores = keras.layers.Dense(1, name="score")(x)
        self.discriminator = keras.Model(plain.input, scores)


def test_a_dcgan_with_it(tmp_path):
    gan = MinibatchDCGAN(**tiny.SMALL, width=4)
    gan.compile()
    layer = gan.discriminator.layers[-2]
    before = layer.get_weights()
    gan.fit(tiny.images(16), batch_size=8, verbose=0)
    for a, b in zip(before, layer.get_weights(), strict=True):
        assert (a != b).any()
    gan.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    images = tiny.images(4)
    expected = gan.scores(images)
    np.testing.assert_allclose(again.scores(images), expected, rtol=1e-5)
    gan.export(tmp_path / "1", scores=True)
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["scores"]
    levels = np.random.RandomState(0).randint(0, 256, (6, 16, 16, 1), "uint8")
    found = served(images=tf.constant(levels))["scores"]
    expected = gan.scores(levels / np.float32(127.5) - 1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
