"""InfoGAN: the bound on the information, its ceilings, and the codes."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import data, models
from tests import tiny
from tests.support import steps


def log_normal(values, means):
    """Log density of a normal of unit variance."""
    return -0.5 * tf.square(values - means) - 0.5 * math.log(2 * math.pi)


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.3, 0.0), (0.0, 2.0)])
def test_objective(weights):
    """All networks make L_I large, on fakes alone; G non-saturating."""
    gan = tiny.infogan(
        categorical_weight=weights[0], continuous_weight=weights[1]
    )
    images = tf.constant(tiny.images(6))
    codes = [gan.sample_codes(6) for _ in range(2)]
    given = iter(codes)
    gan.sample_codes = lambda batch_size: next(given)

    def bound(codes, outputs):
        """L_I: E[log Q(c | x)] - E[log p(c)], weighted."""
        categorical = steps.log_class_probability(
            tf.argmax(codes[:, :3], 1), outputs[:, :3]
        ) - math.log(1 / 3)
        values, means = codes[:, 3:], outputs[:, 3:5]
        continuous = log_normal(values, means) - log_normal(values, 0.0)
        return weights[0] * tf.reduce_mean(categorical) + weights[
            1
        ] * tf.reduce_mean(tf.reduce_sum(continuous, 1))

    def judged(latents, codes):
        fakes = gan.generator((latents, codes), training=True)
        return gan.discriminator(fakes, training=True)

    def discriminator_loss(latents):
        real, _ = gan.discriminator(images, training=True)
        fake, outputs = judged(latents[0], codes[0])
        return -(
            tf.reduce_mean(steps.log_probability(real))
            + tf.reduce_mean(steps.log_complement(fake))
            + bound(codes[0], outputs)
        )

    def generator_loss(latents):
        fake, outputs = judged(latents[1], codes[1])
        return -tf.reduce_mean(steps.log_probability(fake)) - bound(
            codes[1], outputs
        )

    steps.check_step(gan, images, [6, 6], discriminator_loss, generator_loss)


def outputs_of(codes, logit=40.0, factor=1.0):
    """Returns outputs of a Q that is sure of the categories."""
    means = factor * codes[:, 10:]
    unused = np.full_like(means, 9.0)
    return np.concatenate([logit * codes[:, :10], means, unused], axis=1)


def test_ceilings():
    """Perfect predictions give log 10, and 1/6 for each continuous code."""
    gan = models.InfoGAN(16, width=2, dense_width=8, seed=1)
    codes = gan.sample_codes(20_000).numpy()

    def found(**changes):
        terms = gan.information(codes, outputs_of(codes, **changes))
        return [float(tf.reduce_mean(term)) for term in terms]

    assert gan.ceilings == (pytest.approx(math.log(10)), 1 / 3)
    assert found() == pytest.approx(gan.ceilings, abs=0.005)
    # Predictions that say nothing, and the opposite of the code.
    assert found(logit=0.0, factor=0.0) == pytest.approx((0.0, 0.0), abs=1e-5)
    assert found(factor=-1.0)[1] == pytest.approx(-1.0, abs=0.02)
    assert found(logit=-40.0)[0] < -30
    # Per image, by hand: one continuous code of 0.5, predicted as 0.25.
    one = np.zeros((1, 12), "float32")
    one[0, [3, 10]] = 1.0, 0.5
    outputs = np.zeros((1, 14), "float32")
    outputs[0, [3, 10]] = math.log(2.0), 0.25
    categorical, continuous = gan.information(one, outputs)
    assert float(categorical[0]) == pytest.approx(math.log(10 * 2 / 11))
    assert float(continuous[0]) == pytest.approx((0.25 - 0.0625) / 2)


def test_several_codes_have_ceilings_of_their_own():
    gan = tiny.infogan(categorical=(2, 5), continuous=0)
    assert gan.ceilings == (pytest.approx(math.log(10)), 0.0)
    codes = gan.encode(categorical=[[1, 4], [0, 2]])
    np.testing.assert_array_equal(codes.argmax(1), [1, 0])
    np.testing.assert_array_equal(codes[:, 2:].argmax(1), [4, 2])
    sure = [float(t) for t in gan.information(codes, 40.0 * codes)[0]]
    assert sure == pytest.approx([math.log(10)] * 2, abs=1e-5)


def test_the_progress_line_has_the_ceilings():
    gan = tiny.infogan()
    gan.compile()
    history = gan.fit(tiny.images(8), batch_size=8, verbose=0).history
    assert history["categorical_mi_ceiling"] == [pytest.approx(math.log(3))]
    assert history["continuous_mi_ceiling"] == [pytest.approx(1 / 3)]
    assert history["categorical_mi"][0] < math.log(3)


def test_codes_and_latents_are_uniform():
    gan = tiny.infogan(categorical=(3, 5))
    for codes in (gan.sample_codes(6000), gan.sample_condition(1, 6000)):
        codes = codes.numpy()
        for part in (codes[:, :3], codes[:, 3:8]):
            assert set(np.unique(part)) == {0.0, 1.0}
            assert (part.sum(1) == 1).all()
            np.testing.assert_allclose(
                part.mean(0), 1 / part.shape[1], atol=0.03
            )
        values = codes[:, 8:]
        assert -1 <= values.min() < -0.99
        assert 0.99 < values.max() < 1
        assert values.var() == pytest.approx(1 / 3, abs=0.01)
    for latents in (gan.sample_latents(3000), gan.seeded_latents(1, 3000)):
        assert -1 <= float(tf.reduce_min(latents)) < -0.99
        assert 0.99 < float(tf.reduce_max(latents)) < 1
    codes = gan.sample_condition(1, 9)
    np.testing.assert_array_equal(gan.sample_condition(1, 7), codes[:7])
    assert (gan.sample_condition(2, 9) != codes).numpy().any()


def lively(**changes):
    """Returns a model whose codes show in the images."""
    gan = tiny.infogan(**changes)
    for weight in gan.average_generator.weights:
        if "kernel" in weight.path:
            weight.assign(20.0 * weight)
    return gan


def test_given_codes_are_those_of_the_images():
    gan = lively()
    codes = np.zeros((4, 5), "float32")
    codes[:, 1] = 1.0
    codes[:, 3:] = [[0, 0], [0, 1], [-1, 0], [0.5, 2]]
    latents = gan.seeded_latents(3, 4)
    expected = data.to_uint8(gan((latents, codes))).numpy()
    as_dict = {"categorical": [1] * 4, "continuous": codes[:, 3:]}
    for given in (codes, as_dict, {**as_dict, "categorical": [[1]] * 4}):
        found = gan.generate(codes=given, seed=3)
        assert np.abs(found.astype(int) - expected).max() <= 1
    # Of the same latents, other codes make other images.
    repeated = tf.repeat(latents[:1], 4, axis=0)
    images = gan((repeated, codes)).numpy()
    assert all((images[0] != image).any() for image in images[1:])
    # A kind that is not given is random, by the seed.
    random = gan.sample_condition(3, 4).numpy()
    np.testing.assert_array_equal(
        gan.encode(categorical=[1] * 4, seed=3)[:, 3:], random[:, 3:]
    )
    np.testing.assert_array_equal(
        gan.encode(continuous=codes[:, 3:], seed=3)[:, :3], random[:, :3]
    )
    # All random, as from `n`.
    np.testing.assert_array_equal(
        gan.generate(codes=random, seed=3), gan.generate(4, seed=3)
    )


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ({}, "Received: rows None"),
        (
            {"categorical": [0], "continuous": np.zeros((2, 2))},
            "'continuous': 2",
        ),
        ({"categorical": [3]}, r"Received: categorical=\[\[3\]\]"),
        ({"categorical": [-1]}, r"Received: categorical=\[\[-1\]\]"),
        ({"categorical": [0.5]}, r"Received: categorical=\[\[0.5\]\]"),
        ({"continuous": [0.5]}, r"2 code\(s\) .*shape=\(1,\)"),
        ({"category": [1]}, r"Received: \['category'\]"),
        (np.zeros((2, 4)), r"\(n, 5\). Received: shape=\(2, 4\)"),
    ],
)
def test_other_codes_are_refused(codes, message):
    with pytest.raises(ValueError, match=message):
        tiny.infogan().generate(codes=codes)


def test_number_or_codes():
    with pytest.raises(ValueError, match="Received: n=None, codes=None"):
        tiny.infogan().generate()
    with pytest.raises(ValueError, match="Received: n=1, codes="):
        tiny.infogan().generate(1, codes={"categorical": [1]})
    message = r"Received: categorical=\(\), continuous=0"
    with pytest.raises(ValueError, match=message):
        tiny.infogan(categorical=(), continuous=0)


def test_a_sweep_changes_one_code_alone():
    gan = tiny.infogan()
    given = []
    in_batches = gan.run_in_batches
    gan.run_in_batches = lambda inputs, *rest: (
        given.append(inputs) or in_batches(inputs, *rest)
    )
    assert gan.sweep(0, rows=2, seed=1).shape == (6, 16, 16, 1)
    assert gan.sweep(2, columns=4, rows=2, seed=1).shape == (8, 16, 16, 1)
    for (latents, codes), columns in zip(given, (3, 4), strict=True):
        latents = latents.numpy().reshape(2, columns, -1)
        assert (latents == latents[:, :1]).all()
        assert (latents[0] != latents[1]).any()
        codes = codes.numpy().reshape(2, columns, 5)
        fixed = slice(3, 5) if columns == 3 else slice(0, 4)
        assert (codes[..., fixed] == codes[:, :1, fixed]).all()
        assert (codes[0, 0, fixed] != codes[1, 0, fixed]).any()
    np.testing.assert_array_equal(
        given[0][1].numpy()[:, :3], np.tile(np.eye(3), (2, 1))
    )
    np.testing.assert_allclose(
        given[1][1].numpy()[:4, 4], [-2, -2 / 3, 2 / 3, 2], rtol=1e-6
    )
    with pytest.raises(ValueError, match="Received: code=3"):
        gan.sweep(3)


def test_truncation_leaves_the_codes():
    gan = tiny.infogan()
    latents, codes = gan.seeded_latents(1, 2), gan.sample_condition(1, 2)
    found = gan.inputs(latents, codes, tf.constant([0.0, 0.5]))
    np.testing.assert_array_equal(found[1], codes)
    np.testing.assert_allclose(found[0], latents * [[0.0], [0.5]])


def test_the_authors_networks_and_rates():
    gan = models.InfoGAN.paper("mnist")
    generator, discriminator = gan.default_optimizers()
    assert float(generator.learning_rate) == pytest.approx(1e-3)
    assert float(discriminator.learning_rate) == pytest.approx(2e-4)
    assert gan.generator.get_layer("norm_project").gamma.shape == (6272,)
    scores, codes = gan.discriminator.outputs
    assert (scores.shape, codes.shape) == ((None, 1), (None, 14))
    slopes = {
        layer.negative_slope
        for layer in gan.discriminator.layers
        if isinstance(layer, keras.layers.LeakyReLU)
    }
    assert slopes == {0.01}
    with pytest.raises(ValueError, match="Received: name='celeba'"):
        models.InfoGAN.paper("celeba")


def test_other_shapes():
    gan = models.InfoGAN((12, 20), 3, (2,), 0, width=2, dense_width=4)
    assert gan.generate(2, seed=0).shape == (2, 12, 20, 3)


@pytest.mark.slow
def test_the_codes_are_learned():
    """Images of bars and squares: the images come to tell the codes."""
    random = np.random.RandomState(0)
    images = random.normal(-1.0, 0.1, (4096, 16, 16, 1))
    sizes, starts = random.randint(2, 6, 4096), random.randint(1, 9, 4096)
    for i, (size, start) in enumerate(zip(sizes, starts, strict=True)):
        place = slice(start, start + size)
        kind = (place,), (slice(None), place), (place, place)
        images[i][kind[i % 3]] += 2.0
    images = images.clip(-1, 1).astype("float32")
    gan = models.InfoGAN(16, 1, (3,), 1, width=16, dense_width=512, seed=1)
    gan.compile()
    history = gan.fit(images, batch_size=32, epochs=4, verbose=0).history
    assert 0.85 * math.log(3) < history["categorical_mi"][-1] < math.log(3)
    assert 0.1 < history["continuous_mi"][-1] < 1 / 6
