"""R3GAN: pairs, both penalties, networks that start flat, schedules."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import augment, losses, models
from kerasgan.optimizers import CosineAdam
from kerasgan.schedules import half_cosine
from tests import tiny


def counts(build):
    """Returns the numbers of trained parameters, without creating them."""
    with keras.StatelessScope():
        gan = build()
    return tuple(
        sum(math.prod(v.shape) for v in network.trainable_variables)
        for network in (gan.generator, gan.discriminator)
    )


@pytest.fixture
def unbuilt(monkeypatch):
    """Models without an average, whose weights cannot be copied."""
    monkeypatch.setattr(models.GAN, "build_averages", lambda self: None)


SMALL = {"blocks": 1, "latent_dim": 64}


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: models.R3GAN.paper("cifar10"), (20_732_160, 20_683_776)),
        (lambda: models.R3GAN.paper("ffhq256"), (23_057_952, 23_009_568)),
        pytest.param(
            lambda: models.ConditionalR3GAN.paper("imagenet32"),
            (82_914_304, 86_548_992),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda: models.ConditionalR3GAN.paper("imagenet64"),
            (103_570_432, 107_205_120),
            marks=pytest.mark.slow,
        ),
        (lambda: models.R3GAN(64, width=128), (912_064, 904_000)),
        (lambda: models.R3GAN(32, width=64, **SMALL), (145_600, 141_568)),
    ],
)
def test_parameters(unbuilt, build, expected):
    assert counts(build) == expected


def test_presets_follow_the_authors(unbuilt):
    """Gamma, and half-lives and burn-ins in images."""
    expected = {
        "cifar10": (0.05, 512, 20e6, 5e6),
        "ffhq64": (2.0, 256, 20e6, 0.5e6),
        "ffhq256": (150.0, 256, 20e6, 0.5e6),
        "imagenet32": (0.5, 4096, 200e6, 50e6),
        "imagenet64": (1.0, 4096, 200e6, 50e6),
    }
    for preset, (gamma, batch, burn_in, half_life) in expected.items():
        with keras.StatelessScope():
            gan = models.R3GAN.paper(preset, width=32, group_size=8)
        assert gan.gamma == gamma
        assert gan.final_gamma == pytest.approx(gamma / 10)
        assert gan.burn_in_steps * batch == pytest.approx(burn_in, rel=1e-4)
        decay = gan.ema_decay ** (half_life / 32)
        assert decay == pytest.approx(0.5)
    with pytest.raises(ValueError, match="Received: preset='lsun'"):
        models.R3GAN.paper("lsun")


def test_every_block_is_the_identity_at_first():
    gan = tiny.r3gan()
    for network in (gan.generator, gan.discriminator):
        blocks = [n for n in network.layers if type(n) is keras.layers.Add]
        assert len(blocks) == 2
        for block in blocks:
            model = keras.Model(network.input, (block.input[0], block.output))
            shape = (3, *network.input.shape[1:])
            random = np.random.RandomState(0).standard_normal(shape)
            before, after = model(random.astype("float32"))
            assert np.std(before) > 0.01
            np.testing.assert_array_equal(before, after)


def test_first_weights_keep_the_variance():
    """Inside of blocks less, by the number of blocks of the network."""
    keras.utils.set_random_seed(0)
    gan = models.R3GAN(16, width=64, blocks=2, group_size=16)
    total = 2 * 3
    gain = math.sqrt(2.0 / 1.04) * total**-0.25
    expected = {
        "dense_4": 1.0 / math.sqrt(64),
        "basis_4": 1.0,
        "block0_8_conv0": gain / math.sqrt(64),
        "block1_16_conv1": gain / math.sqrt(9 * 16),
        "block1_16_conv2": 0.0,
        "images": 1.0 / math.sqrt(64),
    }
    for name, std in expected.items():
        weight = gan.generator.get_layer(name).weights[0].numpy()
        assert np.std(weight) == pytest.approx(std, rel=0.1), name
    basis = gan.discriminator.get_layer("basis_4").basis.numpy()
    assert np.std(basis) == pytest.approx(0.25, rel=0.1)
    scores = gan.discriminator.get_layer("dense_4").kernel.numpy()
    assert np.std(scores) == pytest.approx(1 / 8, rel=0.3)


def test_vectors_of_classes_start_as_the_authors():
    keras.utils.set_random_seed(0)
    gan = models.ConditionalR3GAN(8, 100, width=64)
    tables = [
        network.get_layer("classes").embeddings.numpy()
        for network in (gan.generator, gan.discriminator)
    ]
    assert np.std(tables[0]) == pytest.approx(1 / 10, rel=0.1)
    assert np.std(tables[1]) == pytest.approx(1 / 10 / 8, rel=0.1)


def test_images_of_a_large_generator_are_clipped():
    gan = tiny.r3gan()
    for weight in gan.average_generator.weights:
        weight.assign(10.0 * np.ones(weight.shape))
    latents = gan.seeded_latents(0, 4)
    images = gan(latents).numpy()
    assert set(np.unique(images)) == {-1.0, 1.0}


# The loss


def test_pairs_by_hand():
    favored, other = tf.constant([2.0, -1.0]), tf.constant([0.0, 3.0])
    found = losses.relativistic_loss(favored, other)
    expected = [math.log1p(math.exp(-2.0)), math.log1p(math.exp(4.0))]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_scores_of_other_shapes_are_refused():
    """(n, 1) and (n,) would be all pairs."""
    with pytest.raises(ValueError, match="incompatible"):
        losses.relativistic_loss(tf.zeros((4, 1)), tf.zeros((4,)))


class Linear(models.R3GAN):
    """Scores of an image are its inner product with `weights`."""

    def scores(self, images, condition=None):
        return tf.reduce_sum(images * self.weights_of, axis=(1, 2, 3))


def reported(gan, images, latents):
    """Returns what a step reports, without taking it."""
    reports = []
    gan.report = lambda **values: reports.append(values)
    gan.minimize = lambda *args: None
    gan.update_average = lambda *args: None
    numbers = iter(latents)
    gan.sample_latents = lambda count: tf.constant(next(numbers))
    gan.train_step(tf.constant(images))
    return {name: float(value) for name, value in reports[0].items()}


def latents_of(gan, count, seed):
    shape = (count, gan.latent_dim)
    random = np.random.RandomState(seed)
    return random.standard_normal(shape).astype("float32")


def linear(**changes):
    arguments = {**tiny.PAIRED, "gamma": 6.0, "final_gamma": 2.0, **changes}
    gan = Linear(**arguments)
    gan.weights_of = 0.1 * tiny.images(1, 8, seed=9)
    gan.compile(run_eagerly=True)
    return gan


@pytest.mark.parametrize(
    ("step", "gamma"), [(0, 6.0), (5, 4.0), (10, 2.0), (99, 2.0)]
)
def test_losses_of_a_linear_discriminator_by_hand(step, gamma):
    """Both penalties are the squared norm of its weights."""
    gan = linear(burn_in_steps=10)
    gan.discriminator_optimizer.iterations.assign(step)
    images = tiny.images(8, 8)
    latents = [latents_of(gan, 4, seed) for seed in (0, 1)]
    found = reported(gan, images, latents)

    norm = np.sum(gan.weights_of**2)
    assert found["r1"] == pytest.approx(norm, rel=1e-5)
    assert found["r2"] == pytest.approx(norm, rel=1e-5)
    fakes = [gan.generator(z).numpy() for z in latents]
    real, fake = (
        [np.sum(batch * gan.weights_of, axis=(1, 2, 3)) for batch in batches]
        for batches in ((images[::2], images[1::2]), fakes)
    )
    d_loss = np.mean(np.log1p(np.exp(fake[0] - real[0]))) + gamma * norm
    assert found["d_loss"] == pytest.approx(d_loss, rel=1e-5)
    g_loss = np.mean(np.log1p(np.exp(real[1] - fake[1])))
    assert found["g_loss"] == pytest.approx(g_loss, rel=1e-5)


def test_images_are_paired_by_their_places():
    gan = linear()
    images = tiny.images(8, 8)
    latents = [latents_of(gan, 4, seed) for seed in (0, 1)]
    rows = [2, 3, 0, 1, 4, 5, 6, 7]
    found = reported(gan, images, latents)
    other = reported(gan, images[rows], latents)
    assert other["d_loss"] != pytest.approx(found["d_loss"], rel=1e-6)
    both = [z[[1, 0, 2, 3]] for z in latents]
    again = reported(gan, images[rows], both)
    assert again == pytest.approx(found, rel=1e-5)


def test_both_images_of_a_pair_have_its_label():
    gan = tiny.conditional_r3gan()
    gan.compile(run_eagerly=True)
    seen = []
    scores, generator = gan.scores, gan.generator.call

    def generated(inputs, **kwargs):
        seen.append(inputs[1].numpy().tolist())
        return generator(inputs, **kwargs)

    def scored(images, condition):
        seen.append(condition.numpy().tolist())
        return scores(images, condition)

    gan.generator.call, gan.scores = generated, scored
    gan.train_on_batch(*tiny.labelled_images(8, size=8))
    first, second = [0, 2, 1, 0], [1, 0, 2, 1]
    assert seen == [first] * 3 + [second] * 3


class Doubled(augment.Augmentation):
    """Images twice as strong."""

    def augmented(self, images):
        return 2.0 * images


def test_gradients_are_at_images_before_they_are_augmented():
    gan = linear(augment=Doubled())
    latents = [latents_of(gan, 4, seed) for seed in (0, 1)]
    found = reported(gan, tiny.images(8, 8), latents)
    norm = np.sum(gan.weights_of**2)
    assert found["r1"] == pytest.approx(4.0 * norm, rel=1e-5)
    assert found["r2"] == pytest.approx(4.0 * norm, rel=1e-5)


def test_odd_batches_are_refused():
    gan = tiny.r3gan()
    gan.compile()
    with pytest.raises(ValueError, match=r"divisible by 2 \(`updates`\)"):
        gan.fit(tiny.images(9, 8), batch_size=9, verbose=0)


# The schedules


def test_half_a_cosine_by_hand():
    found = [
        float(half_cosine(s, 8.0, 4.0)) for s in (0.0, 1 / 3, 0.5, 1.0, 6.5)
    ]
    assert found == pytest.approx([8.0, 7.0, 6.0, 4.0, 4.0])


def test_beta_2_moves_in_a_compiled_step():
    """With gradients of one sign Adam's step shows nothing; see it change."""
    optimizer = CosineAdam(0.1, beta_2=0.0, final_beta_2=0.75, steps=2)
    variable = keras.Variable(0.0)
    optimizer.build([variable])
    take = tf.function(lambda g: optimizer.apply([g], [variable]))
    moment, places = 0.0, []
    for step, gradient in enumerate((1.0, 2.0, 1.0, 3.0)):
        beta = (0.0, 0.375, 0.75, 0.75)[step]
        moment = beta * moment + (1.0 - beta) * gradient**2
        corrected = moment / (1.0 - beta ** (step + 1))
        before = float(variable)
        take(tf.constant(gradient))
        places.append(before - float(variable))
        expected = 0.1 * gradient / math.sqrt(corrected)
        assert places[-1] == pytest.approx(expected, rel=1e-4), step


def test_an_optimizer_survives_its_config():
    optimizer = CosineAdam(0.1, beta_2=0.5, final_beta_2=0.6, steps=7)
    again = CosineAdam.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    for name, value in (("final_beta_2", 1.0), ("steps", 0)):
        with pytest.raises(ValueError, match=f"Received: {name}={value}"):
            CosineAdam(**{name: value})


def test_default_learning_rates_fall_to_a_quarter():
    gan = tiny.r3gan(learning_rate=0.4, burn_in_steps=6)
    for optimizer in gan.default_optimizers():
        rates = []
        for step in (0, 2, 3, 6, 60):
            optimizer.iterations.assign(step)
            rates.append(float(optimizer.learning_rate))
        assert rates == pytest.approx([0.4, 0.325, 0.25, 0.1, 0.1])
        assert optimizer.steps == 6


def test_the_average_becomes_slower():
    gan = tiny.r3gan(ema_decay=0.5 ** (32 / 100))  # 100 images
    for share, half_life in ((0.5, 50.0), (1.0, 100.0), (3.0, 100.0)):
        decay = float(gan.decay_after(tf.constant(25), tf.constant(share)))
        assert decay == pytest.approx(0.5 ** (25 / half_life), rel=1e-5)
    assert float(gan.decay_after(tf.constant(25), tf.constant(0.0))) == 0.0
    plain = tiny.r3gan(ema_decay=0.0)
    assert float(plain.decay_after(tf.constant(25), tf.constant(1.0))) == 0.0


@pytest.mark.slow
def test_it_learns_the_mean_and_the_spread():
    """Half of the images are bright above, half below."""
    keras.utils.set_random_seed(0)
    gan = models.R3GAN(
        8,
        1,
        width=16,
        blocks=1,
        group_size=16,
        latent_dim=8,
        gamma=0.5,
        final_gamma=0.05,
        burn_in_steps=300,
        learning_rate=2e-3,
        ema_decay=0.5 ** (32 / 1000),
        seed=0,
    )
    gan.compile()
    images = 0.1 * tiny.images(256, 8)
    images[::2, :4] += 0.8
    images[1::2, 4:] += 0.8
    gan.fit(images, batch_size=32, epochs=75, verbose=0)
    found = gan.generate(256, seed=1) / 127.5 - 1.0
    above = found[:, :4].mean((1, 2, 3)) - found[:, 4:].mean((1, 2, 3))
    assert 0.3 < np.mean(above > 0.4) < 0.7
    assert np.mean(np.abs(above) > 0.4) > 0.7
