"""The first GAN: its latents, its one simultaneous step, both losses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from kerasgan.models import vanilla_gan
from kerasgan.optimizers import DecayToFloor, RampedSGD
from tests import tiny
from tests.support import steps

both = pytest.mark.parametrize("model", [models.VanillaGAN, models.MinimaxGAN])


build = tiny.vanilla_gan


def streams(gan):
    """Returns the states of all random numbers of a step."""
    layers = gan.discriminator.layers
    generators = [
        layer.seed_generator
        for layer in layers
        if hasattr(layer, "seed_generator")
    ]
    return [g.state for g in (gan.seed_generator, *generators)]


@pytest.mark.parametrize("sampled", [True, False])
def test_latents_are_uniform_with_variance_one(sampled):
    gan = build()
    latents = (
        gan.sample_latents(20_000) if sampled else gan.seeded_latents(3, 20_000)
    )
    latents = np.asarray(latents)
    assert latents.shape == (20_000, 4)
    assert latents.mean() == pytest.approx(0.0, abs=0.02)
    assert latents.var() == pytest.approx(1.0, abs=0.02)
    # A normal distribution of the same variance goes far beyond.
    assert 1.731 < np.abs(latents).max() <= 3**0.5


@pytest.mark.parametrize("score", [-9.0, -2.0, 0.0, 2.0])
def test_gradients_of_both_generator_losses(score):
    """Of -log D and log(1 - D) by the score: D - 1, and -D.

    As the discriminator rejects the fakes, the first goes to -1, the second
    to 0.
    """
    probability = 1 / (1 + np.exp(-score))
    expected = {
        models.VanillaGAN: (-np.log(probability), probability - 1),
        models.MinimaxGAN: (np.log(1 - probability), -probability),
    }
    for model, (value, gradient) in expected.items():
        scores = tf.Variable(score)
        with tf.GradientTape() as tape:
            loss = build(model).generator_loss(scores)
        assert float(loss) == pytest.approx(value, rel=1e-5)
        assert float(tape.gradient(loss, scores)) == pytest.approx(
            gradient, rel=1e-5
        )


def test_the_discriminator_starts_undecided():
    """Half of the sum of two cross-entropies, each log 2."""
    gan = models.VanillaGAN(image_size=14, generator_units=32, seed=7)
    gan.compile()
    images = tiny.images(100, size=14)
    history = gan.fit(images, verbose=0).history
    assert history["d_loss"][0] == pytest.approx(np.log(2), abs=2e-4)
    assert history["g_loss"][0] == pytest.approx(np.log(2), abs=2e-3)


@both
def test_step(model):
    """Both gradients at the same point, with the same mask on the fakes."""
    gan = build(model)
    gan.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5))
    images = tf.constant(tiny.images(6, size=8))
    states = [state.numpy() for state in streams(gan)]
    networks = gan.generator, gan.discriminator
    variables = [v for n in networks for v in n.trainable_variables]
    with tf.GradientTape(persistent=True) as tape:
        fakes = gan.generator(gan.sample_latents(6), training=True)
        real = gan.discriminator(images, training=True)
        fake = gan.discriminator(fakes, training=True)
        d_loss = -0.5 * tf.reduce_mean(
            steps.log_probability(real) + steps.log_complement(fake)
        )
        g_loss = {
            models.VanillaGAN: -tf.reduce_mean(steps.log_probability(fake)),
            models.MinimaxGAN: tf.reduce_mean(steps.log_complement(fake)),
        }[model]
    count = len(gan.generator.trainable_variables)
    gradients = [
        *tape.gradient(g_loss, variables[:count]),
        *tape.gradient(d_loss, variables[count:]),
    ]
    expected = [
        v.numpy() - 0.5 * g.numpy()
        for v, g in zip(variables, gradients, strict=True)
    ]
    for state, value in zip(streams(gan), states, strict=True):
        state.assign(value)
    gan.train_step(images)
    for v, value in zip(variables, expected, strict=True):
        np.testing.assert_allclose(
            v, value, rtol=1e-4, atol=3e-6, err_msg=v.path
        )


def test_the_masks_of_real_and_fake_differ():
    gan = build()
    images = tiny.images(4, size=8)
    drop = gan.discriminator.get_layer("drop_image")
    first, second = (drop(images, training=True) for _ in range(2))
    assert np.mean(np.asarray(first) == np.asarray(second)) < 0.9


def test_each_layer_drops_by_numbers_of_its_own():
    seeds = [state.numpy()[0] for state in streams(build())[1:]]
    assert len(seeds) == len(set(seeds)) == 3


def test_dropout_rates():
    found = [
        layer.rate
        for layer in build().discriminator.layers
        if hasattr(layer, "rate")
    ]
    assert found == [0.2, 0.5, 0.5]
    generator = build().generator
    assert not [la for la in generator.layers if hasattr(la, "rate")]


def test_nothing_is_dropped_when_scoring():
    gan = build()
    images = tf.constant(tiny.images(4, size=8))
    np.testing.assert_array_equal(gan.scores(images), gan.scores(images))


def test_adapted_images_start_as_the_mean_image(tmp_path):
    gan = build()
    images = tiny.images(10, size=8)
    images[:, 0] = -1.0  # Always black, as the border of a digit.
    gan.adapt(images)
    for network in (gan.generator, gan.average_generator):
        kernel = network.get_layer("to_image").kernel
        kernel.assign(0.0 * kernel)
        made = network(gan.sample_latents(3))
        for image in made:
            np.testing.assert_allclose(image, images.mean(axis=0), atol=2e-6)
    bias = gan.generator.get_layer("to_image").bias.numpy()
    assert bias[:8] == pytest.approx(np.log(1e-7), abs=1e-3)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(
        again.generate(3, seed=0), gan.generate(3, seed=0)
    )


def test_all_images_count_in_the_mean():
    images = tiny.images(10, size=8)
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(4)
    found = []
    for data in (images, dataset, [image for image in images]):
        gan = build()
        gan.adapt(data)
        found.append(gan.generator.get_layer("to_image").bias.numpy())
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-6, atol=1e-6)


def test_images_that_do_not_fit_are_not_adapted_to():
    with pytest.raises(ValueError, match="Received"):
        build().adapt(tiny.images(4, size=16))
    empty = tf.data.Dataset.from_tensor_slices(tiny.images(4, size=8)).batch(2)
    with pytest.raises(ValueError, match="at least one image"):
        build().adapt(empty.take(0))


def test_default_optimizers_decay_each_step():
    for optimizer in build().default_optimizers():
        assert type(optimizer) is RampedSGD
        rate = optimizer._learning_rate
        assert type(rate) is DecayToFloor
        assert rate.get_config() == {
            "initial_rate": 0.1,
            "factor": 1.000004,
            "floor": 1e-6,
        }


def parameters(*networks):
    return [n.count_params() for n in networks]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "generator", "discriminator"),
    [("tfd", 83_250_304, 21_037_201), ("cifar10", 89_395_072, 37_393_601)],
)
def test_the_papers_other_networks(dataset, generator, discriminator):
    # Without the model, whose average is another such generator.
    sizes = {"channels": 1, **vanilla_gan.PAPER[dataset]}
    shape = (sizes["image_size"], sizes["image_size"], sizes["channels"])
    found = parameters(
        vanilla_gan.build_generator(shape, sizes["generator_units"], 100),
        vanilla_gan.build_discriminator(
            shape, sizes["discriminator_units"], 5, None
        ),
    )
    assert found == [generator, discriminator]


def test_other_datasets_have_no_paper_networks():
    with pytest.raises(ValueError, match="Received: dataset='svhn'"):
        models.VanillaGAN.paper("svhn")
