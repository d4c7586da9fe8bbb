"""CGAN: the objective, the label in both networks, and the paper's network."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from tests import tiny
from tests.support import clothes, steps


def batch():
    return tuple(tf.constant(a) for a in tiny.labelled_images(6))


def check_objective(gan):
    """Equation 2 for the discriminator, -log D(G(z|y)|y) for the generator."""
    images, labels = batch()

    def scores(latents):
        fakes = gan.generator((latents, labels), training=True)
        return gan.discriminator((fakes, labels), training=True)

    def discriminator_loss(latents):
        real = gan.discriminator((images, labels), training=True)
        return -tf.reduce_mean(
            steps.log_probability(real)
            + steps.log_complement(scores(latents[0]))
        )

    def generator_loss(latents):
        return -tf.reduce_mean(steps.log_probability(scores(latents[1])))

    steps.check_step(
        gan, (images, labels), [6, 6], discriminator_loss, generator_loss
    )


def test_objective():
    check_objective(tiny.cgan())


@pytest.mark.parametrize(
    "build", [tiny.cgan, tiny.mlp_cgan], ids=["cgan", "mlp_cgan"]
)
def test_both_networks_depend_on_the_label(build):
    gan = build()
    latents = gan.seeded_latents(0, 1)
    labels = [tf.constant([y]) for y in range(3)]
    images = [gan.generator((latents, y)) for y in labels]
    scores = [gan.discriminator((images[0], y)) for y in labels]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(images[a] - images[b]).max() > 1e-6
        assert scores[a] != scores[b]


def test_label_maps_are_joined_at_every_layer():
    """Each convolution has three more input channels than the layer before."""
    gan = tiny.cgan()
    inputs = {
        layer.name: layer.input.shape[-1]
        for network in (gan.generator, gan.discriminator)
        for layer in network.layers
        if "kernel" in [w.name for w in layer.weights]
    }
    assert inputs == {
        "project": 4 + 3,
        "up_8": 8 + 3,
        "to_image": 4 + 3,
        "down_8": 1 + 3,
        "down_4": 4 + 3,
        "score": 4 * 4 * 8 + 3,
    }


def test_maxout_takes_the_largest_piece():
    gan = tiny.mlp_cgan()
    layer = gan.discriminator.get_layer("from_label")
    code = np.eye(3, dtype="float32")
    pieces = (code @ layer.kernel + layer.bias).reshape(3, 5, 50)
    part = keras.Model(
        gan.discriminator.inputs[1],
        gan.discriminator.get_layer("from_label_max").output,
    )
    np.testing.assert_allclose(
        part(np.arange(3)), pieces.max(axis=1), rtol=1e-6
    )


def test_paper_optimizers_follow_the_paper():
    gan = tiny.mlp_cgan()
    gan.compile()
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert isinstance(optimizer, keras.optimizers.SGD)
        assert optimizer.momentum == 0.5
        schedule = optimizer._learning_rate
        for step in (0, 1, 1000, 287_000):
            expected = 0.1 / 1.00004**step
            assert float(schedule(step)) == pytest.approx(expected, rel=0.02)
    assert float(schedule(287_830)) == pytest.approx(1e-6, rel=0.02)


def test_paper_latents_fill_the_unit_cube():
    gan = tiny.mlp_cgan()
    for latents in (gan.seeded_latents(1, 500), gan.sample_latents(500)):
        latents = np.asarray(latents)
        assert 0 <= latents.min() < 0.01 and 0.99 < latents.max() < 1
        assert latents.mean() == pytest.approx(0.5, abs=0.03)
    np.testing.assert_array_equal(
        gan.seeded_latents(1, 500)[:7], gan.seeded_latents(1, 7)
    )


def test_paper_form_drops_half_in_training_only():
    gan = tiny.mlp_cgan()
    for network in (gan.generator, gan.discriminator):
        rates = [
            layer.rate for layer in network.layers if hasattr(layer, "rate")
        ]
        assert rates == [0.5] * 3
    inputs = gan.seeded_latents(1, 4), tf.zeros(4, "int32")
    first, second = (gan.generator(inputs, training=True) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(gan(inputs), gan(inputs))


def test_no_two_dropouts_share_a_mask():
    gan = tiny.mlp_cgan(seed=5)
    seeds = [
        layer.seed
        for network in (gan.generator, gan.discriminator)
        for layer in network.layers
        if hasattr(layer, "rate")
    ]
    assert len(set(seeds) | {gan.seed}) == 7


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("model", ["CGAN", "ACGAN"])
def test_generates_the_requested_class(model):
    """Trousers and bags of Fashion-MNIST, classified by nearest neighbors."""
    keras.utils.set_random_seed(2)
    images, labels = clothes.trousers_and_bags()
    sizes = {
        "CGAN": {"width": 16},
        "ACGAN": {
            "generator_width": 64,
            "discriminator_width": 16,
            "dropout": 0.2,
        },
    }
    gan = getattr(models, model)(
        16, 2, 1, latent_dim=16, ema_decay=0.98, seed=1, **sizes[model]
    )
    gan.compile()
    requested = np.arange(100) % 2

    def share():
        """Returns how many have the requested class and look like clothes."""
        generated = gan.generate(labels=requested, seed=0)
        found = clothes.classes(generated, images[:1000], labels)
        return (found == requested).mean()

    assert share() < 0.2
    gan.fit(images[:6400], labels[:6400], batch_size=64, epochs=6, verbose=0)
    assert share() >= 0.8
