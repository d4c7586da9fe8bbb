"""Packing: which examples share a pack, and on which axis."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers import Packing
from kerasgan.models import UnrolledGAN
from kerasgan.models.unrolled_gan import perceptron
from tests import tiny


def test_consecutive_images_share_a_pack():
    images = tiny.images(6, size=4, channels=2)
    packs = Packing(3)(images).numpy()
    assert packs.shape == (2, 4, 4, 6)
    for pack in range(2):
        for place in range(3):
            np.testing.assert_array_equal(
                packs[pack, ..., 2 * place : 2 * place + 2],
                images[3 * pack + place],
            )


def test_features_of_vectors_are_concatenated():
    vectors = np.arange(12.0, dtype="float32").reshape(4, 3)
    expected = [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    np.testing.assert_array_equal(Packing(2)(vectors), expected)


def test_one_example_is_its_own_pack():
    images = tiny.images(3)
    np.testing.assert_array_equal(Packing(1)(images), images)


def test_batches_of_any_size_in_a_graph():
    layer = Packing(2)
    packed = tf.function(
        layer, input_signature=[tf.TensorSpec((None, 3), "float32")]
    )
    for rows in (2, 6):
        vectors = np.random.RandomState(rows).rand(rows, 3).astype("float32")
        np.testing.assert_array_equal(packed(vectors), layer(vectors))
    assert layer.compute_output_shape((None, 8, 8, 3)) == (None, 8, 8, 6)
    assert layer.compute_output_shape((4, 5)) == (2, 10)


def test_other_batches_are_refused():
    with pytest.raises(ValueError, match="Received: a batch of 5"):
        Packing(2)(tiny.images(5))
    for pack_size in (0, 2.0):
        with pytest.raises(ValueError, match=f"pack_size={pack_size}"):
            Packing(pack_size)


def test_it_is_saved_with_a_network(tmp_path):
    vectors = keras.Input((3,))
    scores = keras.layers.Dense(1)(Packing(2)(vectors))
    network = keras.Model(vectors, scores)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    assert again.layers[1].get_config() == network.layers[1].get_config()
    points = np.random.RandomState(0).rand(4, 3).astype("float32")
    np.testing.assert_array_equal(again(points), network(points))


class PackedGAN(UnrolledGAN):
    """The example of the layer."""

    def build_networks(self):
        latents = keras.Input((self.latent_dim,))
        shared = self.activation, self.gain
        x = perceptron(latents, self.generator_units, 2, *shared, "points")
        self.generator = keras.Model(latents, x)
        points = keras.Input((2,))
        packs = Packing(2)(points)
        x = perceptron(packs, self.discriminator_units, 1, *shared, "score")
        self.discriminator = keras.Model(points, x)


def test_a_model_of_points_with_it():
    gan = PackedGAN(unroll_steps=1, generator_units=(6,), seed=7)
    plain = UnrolledGAN(unroll_steps=1, generator_units=(6,), seed=7)
    # Two features more for each of 128 units, and nothing else.
    assert (
        gan.discriminator.count_params()
        == plain.discriminator.count_params() + 2 * 128
    )
    gan.compile()
    before = gan.discriminator.get_weights()
    gan.fit(tiny.points(16), batch_size=8, verbose=0)
    for a, b in zip(before, gan.discriminator.get_weights(), strict=True):
        assert (a != b).any()
