"""Virtual batch normalization: whose statistics an example is scaled by."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers import ReferenceBatch, VirtualBatchNormalization
from kerasgan.models import DCGAN, dcgan
from tests import tiny


def built(size, shape):
    layer = VirtualBatchNormalization(size)
    layer.build((None, *shape))
    random = np.random.RandomState(1)
    layer.gamma.assign(random.uniform(0.5, 2.0, shape[-1]))
    layer.beta.assign(random.uniform(-1.0, 1.0, shape[-1]))
    return layer


@pytest.mark.parametrize("shape", [(3,), (4, 5, 3)])
def test_the_formula(shape):
    random = np.random.RandomState(0)
    x = random.normal(2.0, 3.0, (9, *shape)).astype("float32")
    layer = built(6, shape)
    places = tuple(range(len(shape)))
    scale, shift = layer.gamma.numpy(), layer.beta.numpy()

    def normalized(values, mean, square):
        values = (values - mean) / np.sqrt(square - mean**2 + 1e-5)
        return values * scale + shift

    reference = x[:6].astype("float64")
    mean, square = reference.mean(places), (reference**2).mean(places)
    expected = [normalized(reference, mean, square)]
    for row in x[6:].astype("float64"):
        own = tuple(range(len(shape) - 1))
        one = row.mean(own), (row**2).mean(own)
        mixed = one[0] / 7 + mean * 6 / 7, one[1] / 7 + square * 6 / 7
        expected.append(normalized(row, *mixed)[None])
    found = layer(x)
    np.testing.assert_allclose(
        found, np.concatenate(expected), rtol=1e-3, atol=1e-4
    )


def test_equal_statistics_give_batch_normalization():
    """Live examples that each have the statistics of the reference."""
    random = np.random.RandomState(0)
    one = random.standard_normal((1, 4, 4, 3)).astype("float32")
    x = np.concatenate([one] * 12)
    plain = keras.layers.BatchNormalization(epsilon=1e-5)
    expected = plain(x, training=True)
    layer = VirtualBatchNormalization(8)
    layer.build(x.shape)
    layer.gamma.assign(np.ones(3))
    np.testing.assert_allclose(layer(x), expected, atol=1e-4)


def test_the_weight_of_an_example_is_one_of_n_plus_1():
    x = np.zeros((66, 1), "float32")
    x[64] = 65.0
    layer = VirtualBatchNormalization(64)
    layer.build(x.shape)
    layer.gamma.assign([1.0])
    found = layer(x).numpy()[:, 0]
    # Mean 1 and mean square 65: (65 - 1) / sqrt(65 - 1).
    assert found[64] == pytest.approx(8.0, rel=1e-4)
    assert found[65] == 0.0


def test_live_examples_do_not_matter_to_each_other():
    random = np.random.RandomState(0)
    x = random.standard_normal((8, 2, 2, 3)).astype("float32")
    layer = built(4, (2, 2, 3))
    changed = x.copy()
    changed[6:] *= 9.0
    np.testing.assert_array_equal(layer(x)[:6], layer(changed)[:6])
    np.testing.assert_allclose(layer(x[:6]), layer(x)[:6], rtol=1e-6)


def test_gradients_flow_through_the_reference():
    x = tf.constant(np.random.RandomState(0).standard_normal((6, 3)), "float32")
    layer = built(4, (3,))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(layer(x)[4:] ** 2)
    gradient = tape.gradient(loss, x).numpy()
    assert (np.abs(gradient[:4]).max(1) > 1e-3).all()


def test_config_and_bad_sizes():
    for layer in (VirtualBatchNormalization(7, 1e-3), ReferenceBatch(7)):
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
    with pytest.raises(ValueError, match="Received: reference_size=0"):
        VirtualBatchNormalization(0)
    with pytest.raises(ValueError, match="Received: size=0"):
        ReferenceBatch(0)


@keras.saving.register_keras_serializable(package="kerasgan_tests")
class VirtualDCGAN(DCGAN):
    """The example of the layer."""

    def build_networks(self):
        sizes = self.image_size, self.channels, self.width
        self.discriminator = dcgan.build_discriminator(
            *sizes, self.synchronized
        )

        def replaced(layer):
            if isinstance(layer, keras.layers.BatchNormalization):
                return VirtualBatchNormalization(6, name=layer.name)
            return layer.__class__.from_config(layer.get_config())

        network = keras.models.clone_model(
            dcgan.build_generator(*sizes, self.latent_dim, False),
            clone_function=replaced,
        )
        latents = keras.Input((self.latent_dim,))
        images = network(ReferenceBatch(6)(latents))[6:, ...]
        self.generator = keras.Model(latents, images)


def test_a_dcgan_with_it(tmp_path):
    gan = VirtualDCGAN(**tiny.SMALL, width=4)
    gan.compile()
    (reference,) = gan.generator.non_trainable_weights
    before = reference.numpy()
    assert before.shape == (6, 4)
    gan.fit(tiny.images(16), batch_size=8, verbose=0)
    # The same reference in every step, in the average too.
    np.testing.assert_array_equal(reference, before)
    average = gan.average_generator.weights
    (copy,) = (w for w in average if w.shape == (6, 4))
    np.testing.assert_array_equal(copy, before)
    images = gan.generate(7, seed=1)
    one = gan.generate(7, seed=1, batch_size=1)
    assert np.abs(images.astype(int) - one).max() <= 1
    gan.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.generate(7, seed=1), images)
    gan.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["sample"]
    found = served(seed=tf.constant(1, "int64"), count=tf.constant(7))["images"]
    assert np.abs(found.numpy().astype(int) - images).max() <= 1
