"""BigGAN: latents, conditions, regularization, averages, truncation."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models, penalties
from kerasgan.layers import SelfAttention
from kerasgan.layers.spectral import SpectralLayer
from kerasgan.models import biggan
from tests import tiny
from tests.models.test_sngan import record


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "cifar10", "num_classes": 1}, (4_276_739, 4_205_057)),
        ({"name": "cifar10", "embedding_dim": 128}, (4_373_251, 4_207_361)),
        ({"initialization": "normal"}, (70_433_988, 87_982_370)),
        (
            {"initialization": "normal", "width": 64},
            (31_978_628, 39_448_258),
        ),
    ],
)
def test_parameters(monkeypatch, changes, expected):
    """Counted without creating them; those of `paper("cifar10")` are made."""
    monkeypatch.setattr(models.GAN, "build_averages", lambda self: None)
    with keras.StatelessScope():
        gan = models.BigGAN.paper(**changes)
    found = tuple(
        sum(math.prod(v.shape) for v in network.trainable_variables)
        for network in (gan.generator, gan.discriminator)
    )
    assert found == expected


def test_the_papers_training(monkeypatch):
    monkeypatch.setattr(models.BigGAN, "build_networks", lambda self: None)
    monkeypatch.setattr(models.GAN, "build_averages", lambda self: None)
    gan = models.BigGAN.paper("imagenet", image_size=256)
    assert (gan.latent_dim, gan.num_classes, gan.width) == (140, 1000, 96)
    assert gan.discriminator_steps == 2
    assert (gan.ema_decay, gan.ema_start) == (0.9999, 20_000)
    assert gan.orthogonal_weight == 1e-4
    rates = [float(o.learning_rate) for o in gan.default_optimizers()]
    assert rates == pytest.approx([5e-5, 2e-4])
    with pytest.raises(ValueError, match="Received: name='jft'"):
        models.BigGAN.paper("jft")


def lively(gan):
    """Returns the generator with attention that plays a part."""
    for network in (gan.generator, gan.discriminator):
        for layer in network.layers:
            if isinstance(layer, SelfAttention):
                layer.gamma.assign(1.0)
    return gan


def test_both_networks_have_attention_at_one_resolution():
    gan = tiny.biggan()
    for network in (gan.generator, gan.discriminator):
        found = [x for x in network.layers if isinstance(x, SelfAttention)]
        assert [layer.output.shape[1] for layer in found] == [16]
    without = tiny.biggan(attention_size=None)
    for network in (without.generator, without.discriminator):
        assert not any(isinstance(x, SelfAttention) for x in network.layers)


def test_all_kernels_but_the_shared_embedding_are_normalized():
    gan = tiny.biggan()
    for network in (gan.generator, gan.discriminator):
        plain = [
            v.path
            for layer in network.layers
            if not isinstance(layer, (SpectralLayer, SelfAttention))
            for v in layer.trainable_weights
            if len(v.shape) > 1
        ]
        expected = network is gan.generator
        assert plain == ["shared/embeddings"] * expected


@pytest.mark.parametrize("chunk", [0, 1, 2, 3])
def test_a_chunk_of_the_latents_reaches_its_block_and_those_after(chunk):
    gan = tiny.biggan()
    names = ["maps_4", *(f"block_{n}_residual" for n in (1, 2, 3))]
    outputs = [gan.generator.get_layer(name).output for name in names]
    model = keras.Model(gan.generator.inputs, outputs)
    latents = gan.seeded_latents(0, 2).numpy()
    labels = np.array([0, 1], "int32")
    before = model((latents, labels))
    latents[:, 2 * chunk : 2 * chunk + 2] += 1.0
    after = model((latents, labels))
    for number, (a, b) in enumerate(zip(before, after, strict=True)):
        assert (a.numpy() == b.numpy()).all() == (number < chunk), names[number]


def test_gains_are_one_and_biases_zero_without_a_condition():
    gan = tiny.biggan()
    for layer in gan.generator.layers:
        if layer.name.endswith(("_gain", "_bias")):
            layer.kernel.assign(1e-3 * layer.kernel)
    network = gan.generator
    norm = network.get_layer("block_1_norm_1")
    maps, gains, biases = norm.input
    model = keras.Model(network.inputs, [maps, gains, biases, norm.output])
    zeros = np.zeros((2, 8), "float32")
    for variable in network.trainable_variables:
        if variable.path.startswith("shared"):
            variable.assign(0.0 * variable)
    maps, gains, biases, found = model((zeros, np.array([0, 1], "int32")))
    np.testing.assert_array_equal(gains, np.ones((2, 8)))
    np.testing.assert_array_equal(biases, np.zeros((2, 8)))
    expected = maps.numpy() / np.sqrt(1.0 + 1e-5)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_discriminators_shortcut_sees_what_the_relu_removes():
    gan = tiny.biggan()
    network = gan.discriminator
    block = keras.Model(
        network.get_layer("block_4_relu_1").input,
        network.get_layer("block_4_residual").output,
    )
    maps = -np.ones((1, 8, 8, 8), "float32")
    conv = network.get_layer("block_4_conv_2")
    conv.kernel.assign(1e-9 * conv.kernel)
    branch = keras.Model(network.get_layer("block_4_relu_1").input, conv.output)
    expected = maps + branch(maps).numpy()
    np.testing.assert_allclose(block(maps), expected, rtol=1e-5)


# Regularization


def test_orthogonal_kernels_have_no_penalty():
    kernel = np.linalg.qr(np.random.RandomState(0).normal(size=(18, 5)))[0]
    kernel = (kernel * [1.0, 2.0, 3.0, 4.0, 5.0]).reshape(3, 3, 2, 5)
    kernel = tf.constant(kernel, "float32")
    assert float(penalties.orthogonality_penalty(kernel)) < 1e-8


def test_the_penalty_of_equal_outputs():
    """Three equal columns of length 2: six products of 4."""
    kernel = tf.ones((1, 1, 4, 3))
    assert float(penalties.orthogonality_penalty(kernel)) == 6 * 16


def test_the_gradient_of_the_regularization():
    """weight * 2 (W W^T - diagonal) W, with a row for each output."""
    gan = tiny.biggan(orthogonal_weight=0.3)
    with tf.GradientTape() as tape:
        loss = gan.orthogonal_weight / 2.0 * gan.orthogonality()
    variables = gan.generator.trainable_variables
    gradients = tape.gradient(loss, variables)
    regularized = 0
    for variable, gradient in zip(variables, gradients, strict=True):
        if len(variable.shape) < 2 or "shared" in variable.path:
            assert gradient is None, variable.path
            continue
        regularized += 1
        rows = variable.numpy().reshape(-1, variable.shape[-1]).T
        products = rows @ rows.T
        np.fill_diagonal(products, 0.0)
        expected = (2 * 0.3 * products @ rows).T.reshape(variable.shape)
        np.testing.assert_allclose(
            gradient, expected, rtol=1e-4, atol=1e-5, err_msg=variable.path
        )
    assert regularized > 20


def test_tables_have_a_row_for_each_output():
    gan = tiny.biggan(embedding_dim=None, orthogonal_weight=1.0)
    with tf.GradientTape() as tape:
        loss = gan.orthogonality()
    table = gan.generator.get_layer("block_1_norm_1_gain").embeddings
    rows = table.numpy()
    products = rows @ rows.T
    np.fill_diagonal(products, 0.0)
    np.testing.assert_allclose(
        tape.gradient(loss, table), 4 * products @ rows, rtol=1e-4, atol=1e-5
    )


def test_first_kernels_are_orthogonal():
    gan = tiny.biggan()
    kernel = gan.generator.get_layer("block_1_conv_1").kernel.numpy()
    rows = kernel.reshape(-1, kernel.shape[-1]).T
    np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-5)
    normal = tiny.biggan(width=16, initialization="normal")
    kernel = normal.generator.get_layer("block_1_conv_1").kernel.numpy()
    assert kernel.std() == pytest.approx(0.02, rel=0.05)


# Updates


def test_order_and_labels_of_a_step():
    """Real and fake in one pass, each with its labels; then the generator."""
    gan = tiny.biggan(num_classes=50, discriminator_steps=2)
    gan.compile(run_eagerly=True)
    images = tf.constant(tiny.images(8, size=32))
    labels = tf.range(8)
    record(gan, "generator", "discriminator")
    gan.train_step((images, labels))
    generated = [y.numpy() for _, y in gan.generator.inputs]
    assert [len(y) for y in generated] == [4, 4, 4]
    judged = [(x.numpy(), y.numpy()) for x, y in gan.discriminator.inputs]
    assert [len(y) for _, y in judged] == [8, 8, 4]
    for step in (0, 1):
        shown, of_class = judged[step]
        np.testing.assert_array_equal(of_class[:4], generated[step])
        np.testing.assert_array_equal(of_class[4:], labels[step::2])
        np.testing.assert_array_equal(shown[4:], images[step::2])
    np.testing.assert_array_equal(judged[2][1], generated[2])


def values(network):
    return [v.numpy() for v in network.variables]


def test_the_average_is_a_copy_and_then_follows():
    """Weights, batch statistics and singular vectors alike."""
    gan = tiny.biggan(ema_start=2, ema_decay=0.75)
    gan.compile(run_eagerly=True)
    batch = (
        tf.constant(tiny.images(4, size=32)),
        tf.constant(tiny.labels(4)),
    )
    gan.train_step(batch)
    for mean, value in zip(
        values(gan.average_generator), values(gan.generator), strict=True
    ):
        np.testing.assert_array_equal(mean, value)
    before = values(gan.average_generator)
    gan.train_step(batch)
    names = [v.name for v in gan.generator.variables]
    assert {"u", "moving_mean", "moving_variance", "kernel"} <= set(names)
    for old, mean, value, name in zip(
        before,
        values(gan.average_generator),
        values(gan.generator),
        names,
        strict=True,
    ):
        expected = 0.75 * old + 0.25 * value
        np.testing.assert_allclose(
            mean, expected, rtol=1e-4, atol=1e-6, err_msg=name
        )


def test_standing_statistics_of_one_batch_are_its_own():
    gan = lively(tiny.biggan())
    gan.take_standing_statistics(batches=1, batch_size=5, seed=3)
    norm = gan.average_generator.get_layer("block_2_norm_1")
    # The trained generator has the same weights, but other statistics.
    of_trained = gan.generator.get_layer("block_2_norm_1").input[0]
    maps = keras.Model(gan.generator.inputs, of_trained)
    u = values(gan.generator)
    inputs = gan.seeded_latents(3, 5), gan.sample_condition(3, 5)
    found = maps(inputs, training=True).numpy()
    for variable, value in zip(gan.generator.variables, u, strict=True):
        variable.assign(value)
    mean, variance = (v.numpy() for v in norm.weights)
    np.testing.assert_allclose(
        mean, found.mean((0, 1, 2)), rtol=1e-3, atol=1e-5
    )
    count = found[..., 0].size
    expected = found.var((0, 1, 2)) * count / (count - 1)
    np.testing.assert_allclose(variance, expected, rtol=1e-3)


def test_standing_statistics_are_means_over_batches():
    gan = lively(tiny.biggan())

    def statistics(**arguments):
        gan.take_standing_statistics(**arguments)
        return gan.average_generator.get_layer("norm").moving_mean.numpy()

    def take(parts):
        seeded, labels = gan.seeded_latents, gan.sample_condition
        rows = slice(*parts)
        gan.seeded_latents = lambda seed, n: seeded(seed, 6)[rows]
        gan.sample_condition = lambda seed, n: labels(seed, 6)[rows]
        found = statistics(batches=1, batch_size=3)
        gan.seeded_latents, gan.sample_condition = seeded, labels
        return found

    both = statistics(batches=2, batch_size=3)
    again = statistics(batches=2, batch_size=3)
    np.testing.assert_allclose(both, again, rtol=1e-4, atol=1e-6)
    halves = [take((0, 3)), take((3, 6))]
    assert (halves[0] != halves[1]).any()
    np.testing.assert_allclose(both, np.mean(halves, 0), rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="Received: batches=0"):
        gan.take_standing_statistics(batches=0)


# Truncation


def test_truncated_latents_have_a_truncated_normal_distribution():
    """Values inside stay; none gather at the threshold, as clipped ones do."""
    from scipy import stats

    latents = np.random.RandomState(0).standard_normal((200, 100))
    latents = tf.constant(latents, "float32")
    for threshold in (0.04, 0.5, 1.0, 2.0):
        found = biggan.truncated(latents, threshold).numpy()
        assert np.abs(found).max() <= threshold
        inside = np.abs(latents.numpy()) <= threshold
        np.testing.assert_array_equal(found[inside], latents.numpy()[inside])
        edge = np.mean(np.abs(found) > 0.98 * threshold)
        assert edge < 0.03
        expected = stats.truncnorm(-threshold, threshold)
        test = stats.kstest(found.ravel(), expected.cdf)
        assert test.statistic < 0.012, threshold
        # Resampled values know nothing of each other.
        flat = found[~inside]
        assert abs(np.corrcoef(flat[:-1], flat[1:])[0, 1]) < 0.05


def test_generated_images_are_truncated():
    gan = lively(tiny.biggan())
    labels = [0, 1, 2]
    images = gan.generate(labels=labels, seed=1)
    np.testing.assert_array_equal(
        images, gan.generate(labels=labels, seed=1, truncation=50.0)
    )
    latents = biggan.truncated(gan.seeded_latents(1, 3), 0.5)
    expected = gan.run_in_batches((latents, tf.constant(labels)), 64)
    found = gan.generate(labels=labels, seed=1, truncation=0.5)
    np.testing.assert_array_equal(found, expected)
    assert (found != images).any()
    for bad in (0.0, -0.5, float("nan"), "much"):
        with pytest.raises(ValueError, match="Received: truncation"):
            gan.generate(labels=labels, seed=1, truncation=bad)
