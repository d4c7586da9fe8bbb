"""StyleGAN: styles, noise, truncation, and the penalty at real images."""

import functools
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models, penalties
from kerasgan.models.growing import Stage
from tests import tiny
from tests.reference import numpy_progressive as reference


def lively(build=tiny.stylegan, **changes):
    """Returns a model whose styles and noise matter, unlike initially."""
    gan = build(**changes)
    random = np.random.RandomState(0)
    for network in (gan.generator, gan.average_generator):
        for weight in network.weights:
            if "noise" in weight.path and "scale" in weight.path:
                weight.assign(np.full(weight.shape, 0.5, "float32"))
        network.average_w.assign(random.standard_normal(4) / 10)
    return gan


def test_paper_takes_another_size_and_no_growth():
    gan = models.StyleGAN.paper(image_size=16, start_resolution=16)
    assert gan.due_stage() == Stage(16, False)
    names = [layer.name for layer in gan.generator.synthesis.layers]
    assert [name for name in names if "rgb" in name] == ["to_rgb_16"]


def test_the_rate_is_higher_at_128():
    gan = tiny.stylegan(image_size=128, start_resolution=128)
    for optimizer in gan.default_optimizers():
        assert float(optimizer.learning_rate) == pytest.approx(1.5e-3)


def test_average_is_half_renewed_after_ten_thousand_images():
    assert tiny.stylegan().ema_decay ** (10_000 / 32) == pytest.approx(0.5)
    gan = tiny.stylegan(ema_decay=0.5)
    gan.compile(run_eagerly=True)
    decays = []
    gan.update_average = decays.append
    gan.train_step(tiny.images(16, size=8))
    # 16 images move it half as far, in the logarithm, as 32.
    assert float(decays[0]) == pytest.approx(0.5**0.5)


# Synthesis and mapping


def test_mapping_is_the_reference():
    mapping = tiny.stylegan(mapping_layers=3).generator.mapping
    random = np.random.RandomState(0)
    for weight in mapping.weights:
        weight.assign(100.0 * random.standard_normal(weight.shape))
    latents = random.standard_normal((5, 4)).astype("float32")
    kernels = [w.numpy() for w in mapping.weights if "kernel" in w.path]
    biases = [w.numpy() for w in mapping.weights if "bias" in w.path]
    np.testing.assert_allclose(
        mapping(latents),
        reference.mapping(latents, kernels, biases),
        rtol=1e-4,
        atol=1e-5,
    )


def test_synthesis_fades_from_the_resolution_below_to_its_own():
    synthesis = lively(start_resolution=4).generator.synthesis
    styles = np.random.RandomState(0).standard_normal((3, 4, 4))
    styles = styles.astype("float32")
    below = synthesis(styles, resolution=4).numpy()
    above = synthesis(styles, resolution=8).numpy()
    for fade in (0.0, 0.25, 1.0):
        found = synthesis(styles, resolution=8, fade=tf.constant(fade))
        expected = reference.fade_in(reference.upsample(below), above, fade)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_each_layer_has_its_own_style():
    synthesis = lively(image_size=16, start_resolution=16).generator.synthesis
    styles = np.random.RandomState(0).standard_normal((1, 6, 4))
    styles = styles.astype("float32")
    plain = synthesis(styles).numpy()
    for layer in range(6):
        changed = styles.copy()
        changed[:, layer] *= -1
        assert np.abs(synthesis(changed) - plain).max() > 1e-3, layer


# Noise


def test_images_do_not_depend_on_the_rest_of_the_batch():
    gan = lively()
    latents = gan.seeded_latents(3, 5)
    together = gan(latents).numpy()
    alone = np.concatenate([gan(latents[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


def test_noise_is_fresh_in_training_and_differs_between_images():
    gan = lively(mixing_chance=0.0)
    gan.sample_latents = lambda batch_size: tf.ones((batch_size, 4))
    images, _ = gan.fake_images(2, None, Stage(8, False), None)
    again, _ = gan.fake_images(2, None, Stage(8, False), None)
    assert np.abs(images[0] - images[1]).max() > 1e-3
    assert np.abs(images[0] - again[0]).max() > 1e-3


# Truncation


def test_psi_zero_gives_one_image_for_all_latents():
    gan = lively()
    images = gan.generate(6, seed=1, truncation=0.0)
    assert (images == images[:1]).all()
    assert (gan.generate(6, seed=1) != images).any()
    np.testing.assert_array_equal(
        gan.generate(6, seed=1, truncation=1.0), gan.generate(6, seed=1)
    )


def test_truncation_is_the_reference():
    gan = lively(image_size=16, start_resolution=16, truncation_layers=4)
    latents = gan.seeded_latents(3, 5)
    plain = gan.styles(latents).numpy()
    found = gan.styles(latents, truncation=tf.fill((5,), 0.7))
    average = gan.average_generator.average_w.numpy()
    expected = reference.truncate(plain, average, 0.7, cutoff=4)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert np.array_equal(found[:, 4:], plain[:, 4:])


def test_average_w_follows_the_mapping():
    gan = tiny.stylegan()
    gan.compile(run_eagerly=True)
    seen = []
    follow = gan.update_average_w
    gan.update_average_w = lambda w: seen.append(w) or follow(w)
    for step in range(2):
        gan.train_step(tiny.images(8, size=8, seed=step))
    expected = 0.995 * 0.005 * seen[0].numpy().mean(0)
    expected += 0.005 * seen[1].numpy().mean(0)
    for network in (gan.generator, gan.average_generator):
        np.testing.assert_allclose(
            network.average_w.numpy(), expected, rtol=1e-4, atol=1e-9
        )


# Style mixing


def mixed(gan, steps, stage):
    """Returns how many layers of each step have the first image's style."""
    crossovers = []
    synthesis = gan.generator.synthesis

    def record(styles, noises, resolution, fade):
        first = np.isclose(styles, styles[:, :1]).all(axis=(0, 2))
        assert (np.diff(first.astype(int)) <= 0).all()  # One crossover.
        crossovers.append(int(first.sum()))
        return tf.zeros((len(styles), resolution, resolution, 1))

    record.layers_up_to = synthesis.layers_up_to
    record.resolutions = synthesis.resolutions
    gan.generator.__dict__["synthesis"] = record
    gan.generator.__dict__["mapping"] = lambda latents, labels: latents
    for _ in range(steps):
        gan.fake_images(2, None, stage, None)
    return np.array(crossovers)


def test_styles_are_mixed_in_nine_of_ten_steps_of_training():
    gan = tiny.stylegan(image_size=16, start_resolution=16)
    crossovers = mixed(gan, 300, Stage(16, False))
    shares = np.bincount(crossovers, minlength=7)[1:] / 300
    # 1 to 5 are a crossover, all alike; 6 is none. Five standard deviations.
    assert abs(shares[5] - 0.1) < 5 * np.sqrt(0.1 * 0.9 / 300)
    assert np.abs(shares[:5] - 0.18).max() < 5 * np.sqrt(0.18 * 0.82 / 300)


def test_mixing_stays_within_the_present_resolution():
    gan = tiny.stylegan(image_size=16, start_resolution=4, mixing_chance=1.0)
    assert set(mixed(gan, 60, Stage(8, False))) == {1, 2, 3}


def test_no_mixing_after_training():
    gan = lively(mixing_chance=1.0)
    styles = gan.styles(gan.seeded_latents(3, 5)).numpy()
    assert (styles == styles[:, :1]).all()
    np.testing.assert_array_equal(
        gan.generate(3, seed=1), gan.generate(3, seed=1)
    )


# The penalty


def test_r1_of_the_discriminator_equals_finite_differences():
    network = tiny.stylegan().discriminator
    config = {**network.get_config(), "dtype": "float64"}
    precise = type(network).from_config(config)
    precise.set_weights(network.get_weights())
    images = tiny.images(2, size=8).astype("float64")

    def scores(images):
        return precise(tf.constant(images))[:, 0]

    # The last layer works in float32: a step as large as rounding allows.
    expected = reference.r1_by_differences(scores, images, step=3e-4)
    found = penalties.r1_penalty(scores, images)
    np.testing.assert_allclose(found, expected, rtol=0.02)


def test_r1_has_a_gradient_for_every_weight():
    gan = tiny.stylegan(start_resolution=4)
    scores = functools.partial(gan.discriminator, fade=tf.constant(0.5))
    variables = gan.discriminator.trainable_variables
    with tf.GradientTape() as tape:
        loss = penalties.r1_penalty(scores, tiny.images(4, size=8))
    gradients = tape.gradient(loss, variables)
    without = [
        v.path for v, g in zip(variables, gradients, strict=True) if g is None
    ]
    assert without == ["score_4/bias"]


def test_discriminator_loss_by_hand():
    """softplus(D(fake)) + softplus(-D(real)) + gamma / 2 * R1."""
    gan = tiny.stylegan(r1_gamma=6.0)
    gan.compile(run_eagerly=True)
    real, fake = tiny.images(8, size=8), tiny.images(8, size=8, seed=1)
    gan.fake_images = lambda *args: (tf.constant(fake), tf.zeros((8, 4)))
    losses = {}
    gan.report = lambda **values: losses.update(values)
    gan.minimize = lambda *args: None
    at_real, at_fake = gan.scores(real).numpy(), gan.scores(fake).numpy()
    r1 = penalties.r1_penalty(gan.scores, real).numpy()
    gan.train_step(tf.constant(real))
    expected = np.log1p(np.exp(at_fake)) + np.log1p(np.exp(-at_real)) + 3 * r1
    assert float(losses["d_loss"]) == pytest.approx(expected.mean(), rel=1e-4)
    assert float(losses["g_loss"]) == pytest.approx(
        np.log1p(np.exp(-at_fake)).mean(), rel=1e-4
    )


# Growth, which ProGAN's tests look at closely


def test_fit_alone_grows_from_the_first_resolution():
    gan = tiny.stylegan(start_resolution=4, stable_images=8, fade_images=8)
    gan.compile()
    assert gan.due_stage() == Stage(4, False)
    gan.fit(tiny.images(16, size=8), batch_size=8, verbose=0)
    assert gan.training_stage == Stage(8, True)
    assert gan.due_stage() == Stage(8, False)
    assert gan.generate(2, seed=0).shape == (2, 8, 8, 1)


def test_images_of_a_later_resolution():
    """What was compiled for an earlier one must not be used."""
    gan = lively(start_resolution=4)
    gan.average_generator.synthesis.to_rgb_4.bias.assign([0.5])
    coarse = gan.generate(2, seed=0)
    gan.images_seen.assign(10**9)
    expected = gan(gan.seeded_latents(0, 2))
    found = gan.generate(2, seed=0)
    assert (found != coarse).any()
    np.testing.assert_allclose(found / 127.5 - 1, expected, atol=1 / 127)


def test_default_start_is_eight():
    assert tiny.stylegan(image_size=32).due_stage() == Stage(8, False)


# Classes


def test_labels_choose_class_and_score():
    gan = lively(tiny.conditional_stylegan, class_names=("a", "b", "c"))
    images = gan.generate(labels=["a", "b", 1], seed=0)
    assert images.shape == (3, 8, 8, 1)
    latents = tf.repeat(gan.seeded_latents(0, 1), 3, axis=0)
    generated = gan(
        {"latents": latents, "labels": tf.constant([0, 1, 1])}
    ).numpy()
    assert np.abs(generated[0] - generated[1]).max() > 1e-4
    np.testing.assert_allclose(generated[1], generated[2], rtol=1e-5, atol=1e-6)
    real = tiny.images(3, size=8)
    all_scores = gan.discriminator(real).numpy()
    chosen = gan.scores(real, tf.constant([2, 0, 1])).numpy()
    np.testing.assert_allclose(chosen, all_scores[range(3), [2, 0, 1]])


@pytest.mark.slow
def test_labels_train_save_and_export(tmp_path):
    gan = tiny.conditional_stylegan()
    gan.compile()
    pairs = tiny.images(16, size=8), tiny.labels(16)
    before = gan.generator.mapping.get_layer("classes").get_weights()[0]
    gan.fit(*pairs, batch_size=8, verbose=0)
    after = gan.generator.mapping.get_layer("classes").get_weights()[0]
    assert (before != after).all()
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    images = gan.generate(labels=[0, 1, 2], seed=3, truncation=0.5)
    np.testing.assert_array_equal(
        images, again.generate(labels=[0, 1, 2], seed=3, truncation=0.5)
    )
    gan.export(tmp_path / "1")
    served = tf.saved_model.load(tmp_path / "1")
    found = served.signatures["sample_truncated"](
        seed=tf.constant(3, "int64"),
        truncation=tf.constant(0.5),
        labels=tf.constant([0, 1, 2]),
    )["images"].numpy()
    assert np.abs(found.astype(int) - images).max() <= 1


PAPER_STEP = """
import resource
import numpy as np
from kerasgan import models
gan = models.StyleGAN.paper()
gan.compile()
gan.images_seen.assign(10**9)
images = np.random.RandomState(0).uniform(-1, 1, (1, 1024, 1024, 3))
gan.fit(images.astype("float32"), batch_size=1, verbose=0)
assert gan.training_stage == (1024, False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_step_at_1024_fits_in_20_gib():
    done = subprocess.run(
        [sys.executable, "-c", PAPER_STEP],
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout.split()[-1]) < 20 * 2**20  # KiB
