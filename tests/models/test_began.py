"""BEGAN: the balance, its measure of convergence, and the learning rates."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from kerasgan.layers.residual import VanishingResidual
from kerasgan.models.rates import HalveWhenStalled
from tests import tiny
from tests.support import steps


def parameters(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


def residuals(network):
    found = [n for n in network.layers if isinstance(n, VanishingResidual)]
    assert found
    return found


def test_the_balance_by_hand():
    gan = tiny.began()
    gan.balance.assign(0.2)
    measure = gan.update_balance(tf.constant(0.10), tf.constant(0.03))
    # 0.2 + 0.001 * (0.5 * 0.10 - 0.03), and 0.10 + |0.02|.
    assert float(gan.balance.value) == pytest.approx(0.20002, abs=2e-8)
    assert float(measure) == pytest.approx(0.12)
    measure = gan.update_balance(tf.constant(0.10), tf.constant(0.07))
    assert float(gan.balance.value) == pytest.approx(0.2, abs=2e-8)
    assert float(measure) == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("before", "real", "fake", "after"),
    [(0.0, 0.0, 9.0, 0.0), (1.0, 9.0, 0.0, 1.0)],
)
def test_the_balance_is_from_0_to_1(before, real, fake, after):
    gan = tiny.began(balance_rate=1.0)
    gan.balance.assign(before)
    gan.update_balance(tf.constant(real), tf.constant(fake))
    assert float(gan.balance.value) == after


def test_step():
    gan = tiny.began(balance_rate=0.1)
    gan.balance.assign(0.3)
    images = tf.constant(tiny.images(6))

    def loss(images):
        difference = images - gan.discriminator(images)
        return tf.reduce_mean(tf.abs(difference))

    def discriminator_loss(latents):
        return loss(images) - 0.3 * loss(gan.generator(latents[0]))

    def generator_loss(latents):
        # Of other latents than the discriminator's.
        return loss(gan.generator(latents[1]))

    found = {}
    report = gan.report

    def recorder(**losses):
        found.update({n: float(v) for n, v in losses.items()})
        return report(**losses)

    gan.report = recorder
    steps.check_step(
        gan, images, [6, 6], discriminator_loss, generator_loss, scale=1.0
    )
    # L(x) and the measures follow from the two losses and k.
    change = (found["balance"] - 0.3) / 0.1
    real = (found["g_loss"] + change) / 0.5
    assert found["convergence"] == pytest.approx(real + abs(change), rel=1e-3)
    assert found["d_loss"] < real


def test_the_balance_is_not_trained():
    gan = tiny.began()
    trained = {id(v) for v in gan.trainable_variables}
    assert id(gan.balance) not in trained
    assert gan.balance.path in {v.path for v in gan.weights}


def test_the_balance_is_that_of_all_replicas(mirrored):
    images = tiny.images(8)
    images[1::2] *= 0.1  # Each replica has another loss.
    images[4:] *= 0.5
    found = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            gan = tiny.began(balance_rate=0.5)
            gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
        dataset = tf.data.Dataset.from_tensor_slices(images).batch(
            8, drop_remainder=True
        )
        gan.balance.assign(0.5)
        gan.fit(dataset, verbose=0)
        copies = strategy.experimental_local_results(gan.balance.value)
        found += [float(copy) for copy in copies]
    assert len(found) == 3
    assert found[0] != 0.5
    assert found == pytest.approx([found[0]] * 3, rel=1e-5)


def after(gan, values):
    """Returns both rates after epochs of such measures, by new callbacks."""
    rates = []
    for value in values:
        callback = HalveWhenStalled("convergence")
        callback.set_model(gan)
        callback.on_epoch_end(0, {"convergence": value})
        rates.append([float(r.learning_rate) for r in gan.optimizer.optimizers])
    return np.array(rates)


def test_rates_are_halved_when_the_measure_stalls():
    """What was seen is in the model: each epoch may be of a new process."""
    gan = tiny.began(patience=2)
    gan.compile(keras.optimizers.SGD(0.8), keras.optimizers.SGD(0.4))
    found = after(gan, [1.0, 1.1, 0.9, 0.9, 0.95, 0.91, 0.89, 1.0, 1.0])
    share = np.array([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25])
    np.testing.assert_allclose(found[:, 0], 0.8 * share, rtol=1e-6)
    np.testing.assert_allclose(found[:, 1], 0.4 * share, rtol=1e-6)


def test_a_schedule_is_left_alone():
    gan = tiny.began(patience=1)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.8, 10, 0.5)
    gan.compile(keras.optimizers.SGD(schedule), keras.optimizers.SGD(0.4))
    found = after(gan, [1.0, 1.0])
    np.testing.assert_allclose(found, [[0.8, 0.4], [0.8, 0.2]], rtol=1e-6)


@pytest.mark.parametrize("patience", [1, 0])
def test_fit_halves_the_rates(patience, tmp_path):
    gan = tiny.began(patience=patience)
    gan.compile()
    gan.lowest.assign(0.0)  # Nothing is lower.
    gan.fit(tiny.images(8), batch_size=8, epochs=2, verbose=0)
    rates = [float(r.learning_rate) for r in gan.optimizer.optimizers]
    expected = 1e-4 / 4 if patience else 1e-4
    assert rates == pytest.approx([expected] * 2)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    rates = [float(r.learning_rate) for r in again.optimizer.optimizers]
    assert rates == pytest.approx([expected] * 2)
    assert float(again.balance.value) == float(gan.balance.value)


def test_vectors_and_images_are_linear():
    gan = tiny.began()
    for network, names in (
        (gan.generator, ("project", "decoded")),
        (gan.discriminator, ("hidden", "project", "decoded")),
    ):
        for name in names:
            activation = network.get_layer(name).activation
            assert activation is keras.activations.linear
    convolutions = [n for n in gan.discriminator.layers if "encode" in n.name]
    assert {n.activation for n in convolutions} == {keras.activations.elu}


def test_scores_are_higher_for_what_is_reconstructed():
    gan = tiny.began()
    images = tf.constant(tiny.images(2))
    expected = -np.abs(images - gan.discriminator(images)).mean((1, 2, 3))
    np.testing.assert_allclose(gan.scores(images), expected, rtol=1e-5)


@pytest.mark.slow
def test_the_papers_network_for_128_pixels():
    gan = models.BEGAN.paper(128)
    assert gan.latent_dim == 128
    found = parameters(gan.generator), parameters(gan.discriminator)
    assert found == (2_536_067, 23_831_168 + 2_536_067)


def test_other_sizes_have_no_paper_network():
    with pytest.raises(ValueError, match="Received: image_size=32"):
        models.BEGAN.paper(32)


@pytest.mark.parametrize("carry", [1.0, 0.25, 0.0])
def test_vanishing_residual(carry):
    layer = VanishingResidual()
    x, y = np.float32([[1.0, 2.0]]), np.float32([[5.0, -2.0]])
    layer((x, y))
    layer.carry.assign(carry)
    expected = carry * x + (1 - carry) * y
    np.testing.assert_allclose(layer((x, y)), expected)


def test_residuals_vanish_step_by_step():
    gan = tiny.skip_began(residual_steps=4)
    gan.compile()
    dataset = tf.data.Dataset.from_tensor_slices(tiny.images(8)).batch(8)
    for expected in (1.0, 0.75, 0.5, 0.25, 0.0, 0.0):
        gan.fit(dataset, verbose=0)
        for network in (gan.generator, gan.discriminator):
            for layer in residuals(network):
                assert float(layer.carry.value) == expected


def test_layers_between_equal_shapes_have_a_residual():
    gan = tiny.skip_began()
    names = [n.name.removesuffix("_residual") for n in residuals(gan.generator)]
    # The first layer after upsampling has more maps, those of the skip.
    assert names == ["decode_8_1", "decode_8_2", "decode_16_2"]
    names = [
        n.name.removesuffix("_residual") for n in residuals(gan.discriminator)
    ]
    assert names[:3] == ["encode_16_1", "encode_16_2", "encode_8_2"]


def test_the_first_maps_skip_to_each_resolution():
    plain, skip = tiny.began(), tiny.skip_began()
    n = plain.width
    for name in ("generator", "discriminator"):
        more = parameters(getattr(skip, name)) - parameters(
            getattr(plain, name)
        )
        assert more == 9 * n * n
    join = skip.generator.get_layer("up_16_join")
    x, first = tf.zeros((1, 16, 16, n)), tf.random.normal((1, 8, 8, n))
    up = skip.generator.get_layer("up_16_skip")(first)
    np.testing.assert_array_equal(up, np.kron(first, np.ones((1, 2, 2, 1))))
    assert join((x, up)).shape[-1] == 2 * n


@pytest.mark.slow
def test_the_losses_come_to_their_balance():
    """The ratio approaches gamma, with k between its bounds.

    Spots with noise, which no autoencoder can reconstruct: without k the
    generated images, without noise, would have a much lower loss.
    """
    random = np.random.RandomState(0)
    grid = np.stack(np.meshgrid(range(16), range(16), indexing="ij"), -1)
    centers = random.uniform(3, 12, (2048, 1, 1, 2))
    squares = ((grid - centers) ** 2).sum(-1)[..., None]
    images = 1.2 * np.exp(-squares / 6) - 0.6
    images += 0.2 * random.standard_normal(images.shape)
    images = np.clip(images, -1, 1).astype("float32")
    gan = models.BEGAN(
        16, 1, width=8, latent_dim=8, balance_rate=0.1, patience=0, seed=0
    )
    gan.compile(
        keras.optimizers.Adam(5e-4, 0.5), keras.optimizers.Adam(5e-4, 0.5)
    )
    gan.fit(images, batch_size=32, epochs=14, verbose=0)
    history = gan.fit(images, batch_size=32, epochs=2, verbose=0).history
    balance, fake = history["balance"][-1], history["g_loss"][-1]
    real = history["d_loss"][-1] + balance * fake
    assert 0.03 < balance < 0.5
    assert fake / real == pytest.approx(0.5, abs=0.05)
