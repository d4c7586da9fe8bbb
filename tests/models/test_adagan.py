"""AdaGAN: the weights of its data, the shares of its components, one model.

The conformance suite has a mixture of images, and `fit` trains both of its
components; these are mostly of points.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models, publishing
from kerasgan.models import adagan, reweighting
from kerasgan.models.components import initializers_of
from kerasgan.optimizers import Adam
from tests import golden, tiny
from tests.reference import numpy_adagan
from tests.support import served

POINTS = {
    "unroll_steps": 0,
    "latent_dim": 4,
    "generator_units": (6,),
    "discriminator_units": (5,),
}


def of_points(**changes):
    """Returns a mixture of four components of one epoch."""
    arguments = {"components": 4, "component_epochs": 1, "seed": 7, **changes}
    return models.AdaGAN("UnrolledGAN", POINTS, **arguments)


def compiled(**changes):
    gan = of_points(**changes)
    gan.compile(Adam(1e-2), Adam(1e-2))
    return gan


# The weights of the data

FOUR = np.array([0.5, 1.0, 1.5, 2.0])


@pytest.mark.parametrize(
    ("rule", "beta", "expected"),
    [
        ("theory_star", 0.5, [0.4375, 0.3125, 0.1875, 0.0625]),
        ("theory_star", 0.25, [0.6875, 0.3125, 0.0, 0.0]),
        ("theory_dagger", 0.5, [0.4, 0.3, 0.2, 0.1]),
        ("theory_dagger", 0.25, [2 / 3, 1 / 3, 0.0, 0.0]),
        ("topk", 0.5, [0.5, 0.5, 0.0, 0.0]),
    ],
)
def test_four_examples(rule, beta, expected):
    order = np.array([2, 0, 3, 1])
    found = reweighting.reweighted(rule, FOUR[order], beta)
    np.testing.assert_allclose(found, np.array(expected)[order], atol=1e-12)


@pytest.mark.parametrize("rule", ["theory_star", "theory_dagger"])
@pytest.mark.parametrize("beta", [0.1, 1 / 3, 0.5])
def test_a_perfect_mixture_leaves_equal_weights(rule, beta):
    found = reweighting.reweighted(rule, np.ones(7), beta)
    np.testing.assert_allclose(found, np.full(7, 1 / 7), rtol=1e-12)


@pytest.mark.parametrize("beta", [0.1, 0.25, 0.5])
def test_a_missed_mode_gets_all_the_weight(beta):
    ratios = np.repeat([2.0, 0.0], 50)
    found = reweighting.theory_star(ratios, beta)
    np.testing.assert_allclose(found, np.repeat([0.0, 0.02], 50), rtol=1e-12)


@pytest.mark.parametrize("rule", ["theory_star", "theory_dagger"])
def test_the_weights_complete_the_mixture(rule):
    """They sum to one; with theorem 1, beta w + (1 - beta) r / n is level."""
    random = np.random.RandomState(0)
    for beta in (0.05, 0.3, 0.5):
        ratios = random.gamma(1.0, size=200)
        found = reweighting.reweighted(rule, ratios, beta)
        assert found.sum() == pytest.approx(1.0, rel=1e-9)
        assert (found >= 0.0).all()
        if rule == "theory_star":
            total = beta * found + (1 - beta) * ratios / 200
            assert np.ptp(total[found > 0.0]) < 1e-15
            assert total[found == 0.0].min() >= total[found > 0.0].max()


def test_weights_are_those_of_the_mirror():
    random = np.random.RandomState(0)
    for beta in (0.1, 0.25, 0.5):
        ratios = random.gamma(0.7, size=99)
        for rule in ("theory_star", "theory_dagger"):
            found = reweighting.reweighted(rule, ratios, beta)
            expected = getattr(numpy_adagan, rule)(ratios, beta)
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        found = reweighting.topk(ratios, beta)
        np.testing.assert_array_equal(found, numpy_adagan.top_share(ratios))
    betas = [numpy_adagan.beta(step) for step in range(1, 5)]
    np.testing.assert_allclose(numpy_adagan.mixture_weights(betas), 0.25)
    scores = random.normal(size=9)
    np.testing.assert_allclose(
        reweighting.density_ratios(scores),
        numpy_adagan.density_ratios(1 / (1 + np.exp(-scores))),
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    ("ratios", "reason"),
    [
        ([2.0, 2.0, 0.0, 0.0], "misses more than 25%"),
        ([0.0, 0.0, 0.0, 0.0], "misses more than 25%"),
        ([1.0, np.nan, 1.0, 1.0], "not finite"),
    ],
)
def test_equal_weights_for_want_of_others_are_a_warning(ratios, reason):
    with pytest.warns(UserWarning, match=f"equal weights: .*{reason}"):
        found = reweighting.reweighted("theory_dagger", np.array(ratios), 0.25)
    np.testing.assert_array_equal(found, np.full(4, 0.25))


def test_ratios_are_of_the_mixture_over_the_data():
    probabilities = np.array([0.9, 0.5, 0.2])
    scores = np.log(probabilities / (1 - probabilities))
    found = reweighting.density_ratios(scores)
    np.testing.assert_allclose(found, [1 / 9, 1.0, 4.0], rtol=1e-7)
    # Far scores neither overflow nor divide by zero.
    found = reweighting.density_ratios([1e4, -1e4])
    np.testing.assert_allclose(found, [0.0, 1e8])


def test_batches_are_sampled_by_the_weights():
    draws = reweighting.Draws(np.arange(4.0), steps=500, batch_size=8)
    draws.weights = np.array([0.0, 0.5, 0.2, 0.3])
    draws.sample_epoch((1, 2))
    batches = np.stack([*draws.dataset().as_numpy_iterator()])
    assert batches.shape == (500, 8)
    shares = np.bincount(batches.astype(int).ravel(), minlength=4) / 4000
    np.testing.assert_allclose(shares, draws.weights, atol=0.02)
    # More of a batch than there are examples with a weight.
    draws.weights = np.array([0.0, 1.0, 0.0, 0.0])
    draws.sample_epoch((1, 3))
    batches = np.stack([*draws.dataset().as_numpy_iterator()])
    assert (batches == 1.0).all()


# The classifier


def test_a_classifier_is_new_and_knows_the_data(monkeypatch):
    seen = []
    original = adagan.scores_of_classifier

    def spy(classifier, examples, fakes, *others):
        seen.append((classifier, classifier.get_weights()))
        assert len(examples) == len(fakes) == 32
        return original(classifier, examples, fakes, *others)

    monkeypatch.setattr(adagan, "scores_of_classifier", spy)
    gan = compiled(components=3)
    gan.fit(tiny.points(32), batch_size=8, verbose=0)
    (first, start), (second, other) = seen
    assert len({id(first), id(second), id(gan.discriminator)}) == 3
    for a, b, trained in zip(start, other, first.get_weights(), strict=True):
        assert (a != trained).any()
        if a.ndim > 1:  # Biases start at zero.
            assert (a != b).any()


def test_the_ratios_show_what_the_mixture_misses():
    random = np.random.RandomState(0)
    missed = np.repeat([[1.0, 1.0]], 300, axis=0)
    examples = np.concatenate([missed, -missed]) + random.normal(
        0, 0.1, (600, 2)
    )
    fakes = -np.ones((600, 2)) + random.normal(0, 0.1, (600, 2))
    classifier = tiny.unrolled_gan(
        discriminator_units=(16,), input_scale=1.0
    ).discriminator
    scores = reweighting.scores_of_classifier(
        classifier,
        examples.astype("float32"),
        fakes.astype("float32"),
        16,
        5,
        0,
    )
    ratios = reweighting.density_ratios(scores)
    assert np.median(ratios[:300]) < 0.2
    assert np.median(ratios[300:]) == pytest.approx(2.0, abs=0.6)


# Components


class OneMode(models.AdaGAN):
    """Each component learns one of two modes.

    The mode of negative numbers only where it has three quarters of a batch.
    """

    def train_step(self, batch):
        mode = tf.sign(tf.reduce_mean(tf.sign(batch), axis=0) + 0.5)
        for generator in (self.generator, self.average_generator):
            layer = generator.get_layer("points")
            layer.kernel.assign(tf.zeros_like(layer.kernel))
            layer.bias.assign(mode)
        zero = tf.constant(0.0)
        return self.current.report(d_loss=zero, g_loss=zero)


def exact_scores(classifier, examples, fakes, *others):
    """log p_data / p_mixture of two modes."""
    share = np.mean(np.sign(fakes[:, 0]) == 1.0)
    of_mode = np.where(examples[:, 0] > 0, share, 1.0 - share)
    return -np.log(np.maximum(of_mode, 1e-12) / 0.5)


def modes(points):
    return set(np.sign(points[:, 0]))


@pytest.fixture
def boosted(monkeypatch):
    """A mixture of one-mode components, and its shares by epoch."""
    monkeypatch.setattr(adagan, "scores_of_classifier", exact_scores)
    gan = OneMode("UnrolledGAN", POINTS, 4, 1, seed=7)
    gan.compile(run_eagerly=True)
    shares, found = [], []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            shares.append(gan.mixture_weights.numpy())
            found.append(modes(gan.generate(64, seed=0)))

    points = np.repeat([[1.0, 1.0], [-1.0, -1.0]], 64, axis=0)
    gan.fit(
        points.astype("float32"), batch_size=64, verbose=0, callbacks=[Look()]
    )
    return gan, shares, found


def test_the_second_component_finds_what_the_first_missed(boosted):
    _, _, found = boosted
    assert len(found[0]) == 1
    assert found[1] == {-1.0, 1.0}


def test_components_have_equal_shares(boosted):
    _, shares, _ = boosted
    expected = [
        [1, 0, 0, 0],
        [1 / 2, 1 / 2, 0, 0],
        [1 / 3, 1 / 3, 1 / 3, 0],
        [1 / 4, 1 / 4, 1 / 4, 1 / 4],
    ]
    np.testing.assert_allclose(shares, expected, atol=1e-6)


def constants(shares):
    """Returns a mixture whose components give 0, 1, 2 and 3."""
    gan = of_points()
    for number, generator in enumerate([gan.average_generator, *gan.finished]):
        layer = generator.get_layer("points")
        layer.kernel.assign(tf.zeros_like(layer.kernel))
        layer.bias.assign([number, number])
    gan.mixture_weights.assign(shares)
    return gan


def test_each_sample_has_its_own_component():
    gan = constants([0.4, 0.3, 0.2, 0.1])
    chosen = gan.generate(4000, seed=0)[:, 0].astype(int)
    shares = np.bincount(chosen, minlength=4) / 4000
    np.testing.assert_allclose(shares, [0.4, 0.3, 0.2, 0.1], atol=0.025)
    np.testing.assert_array_equal(
        gan.generate(100, seed=0, batch_size=7)[:, 0], chosen[:100]
    )
    assert (gan.generate(100, seed=1)[:, 0] != chosen[:100]).any()


def test_latents_and_the_choice_share_no_random_numbers():
    gan = of_points()
    found = gan.seeded_latents(5, 8).numpy()
    assert found.shape == (8, 5)
    np.testing.assert_array_equal(
        found[:, :-1], gan.current.seeded_latents(5, 8)
    )
    same = tf.random.stateless_uniform((8,), (5, 0), alg="philox")
    assert (found[:, -1] != same.numpy()).all()
    np.testing.assert_array_equal(gan.seeded_latents(5, 3), found[:3])


def test_a_component_without_a_share_is_never_selected():
    latents = np.zeros((3, 5), "float32")
    latents[:, -1] = [0.0, 0.5, np.nextafter(np.float32(1), np.float32(0))]
    for shares, expected in (
        ([1, 0, 0, 0], [0, 0, 0]),
        ([0, 1, 0, 0], [1, 1, 1]),
        ([0, 0.1, 0.2, 0], [2, 2, 1]),
    ):
        gan = constants([1, 0, 0, 0])
        found = gan.mix(latents, np.array(shares, "float32"))[:, 0]
        np.testing.assert_array_equal(found, expected)


def test_a_component_begins_anew_and_the_one_before_is_kept():
    gan = compiled(components=3)
    gan.fit(tiny.points(32), batch_size=8, epochs=1, verbose=0)
    latents = gan.current.seeded_latents(0, 5)
    kept = gan.average_generator(latents).numpy()
    trained = gan.generator.get_weights()
    assert int(gan.generator_optimizer.iterations) == 4
    gan.optimizer.optimizers[0].learning_rate = 5e-3
    gan.begin_component(1, 0.5, (7, 1))
    np.testing.assert_array_equal(gan.finished[0](latents), kept)
    for new, average, old in zip(
        gan.generator.get_weights(),
        gan.average_generator.get_weights(),
        trained,
        strict=True,
    ):
        assert (new != old).any()
        np.testing.assert_array_equal(new, average)
    for optimizer in gan.optimizers():
        assert int(optimizer.iterations) == 0
        assert not any(np.any(v) for v in optimizer._momentums)
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(5e-3)
    assert int(gan.optimizer.iterations) == 4


def test_fit_trains_the_components_that_remain():
    gan = compiled(components=2, component_epochs=2)
    points = tiny.points(16)
    epochs = []
    for arguments in ({"epochs": 1}, {}, {}):
        history = gan.fit(points, batch_size=8, verbose=0, **arguments)
        epochs.append(len(history.epoch))
    assert epochs == [1, 3, 1]
    assert int(gan.epochs_trained) == 5
    # The second component is trained longer.
    assert int(gan.generator_optimizer.iterations) == 2 * 3
    np.testing.assert_allclose(gan.mixture_weights, [0.5, 0.5])


def test_steps_of_an_epoch():
    gan = compiled()
    gan.fit(
        tiny.points(16), batch_size=8, epochs=1, steps_per_epoch=7, verbose=0
    )
    assert int(gan.generator_optimizer.iterations) == 7


def test_a_dataset_is_read_once():
    gan = compiled(components=2)
    reads = []

    def read():
        reads.append(0)
        yield from np.split(tiny.points(16), 2)

    dataset = tf.data.Dataset.from_generator(
        read, output_signature=tf.TensorSpec((8, 2), "float32")
    )
    gan.fit(dataset, verbose=0)
    assert len(reads) == 2  # And once for the first batch alone.
    assert int(gan.generator_optimizer.iterations) == 2
    gan = compiled(components=2)
    gan.fit(iter(np.split(tiny.points(16), 2)), verbose=0)
    assert int(gan.generator_optimizer.iterations) == 2
    endless = tf.data.Dataset.from_tensors(tiny.points(8)).repeat()
    with pytest.raises(ValueError, match="Received: an endless dataset"):
        gan.fit(endless, verbose=0)
    gan.fit(endless, steps_per_epoch=3, epochs=1, verbose=0)
    assert int(gan.generator_optimizer.iterations) == 5


def test_resumed_within_a_component(tmp_path):
    """The weights of its data are found again."""
    points = tiny.points(40)
    results = []
    for parts in ([4], [3, 1]):
        keras.utils.set_random_seed(0)
        gan = compiled(components=2, component_epochs=2)
        for number, part in enumerate(parts):
            if number:
                gan.save(tmp_path / "model.keras")
                keras.utils.set_random_seed(1)
                gan = keras.models.load_model(tmp_path / "model.keras")
            gan.fit(points, batch_size=8, epochs=part, verbose=0)
        results.append(gan.get_weights())
    for straight, resumed in zip(*results, strict=True):
        np.testing.assert_array_equal(straight, resumed)


def test_first_weights_of_a_seed_disturb_nothing():
    import random

    random.seed(3)
    expected = random.random()
    random.seed(3)
    with initializers_of((1, 2)):
        first = tiny.unrolled_gan().get_weights()
    assert random.random() == expected
    with initializers_of((1, 2)):
        again = tiny.unrolled_gan().get_weights()
    with initializers_of((1, 3)):
        other = tiny.unrolled_gan().get_weights()
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.ndim == 1 or (a != c).any()


def test_two_components_on_two_replicas(mirrored):
    with mirrored.scope():
        gan = compiled(components=2)
    gan.fit(tiny.points(16), batch_size=8, verbose=0)
    np.testing.assert_allclose(gan.mixture_weights.numpy(), [0.5, 0.5])
    assert np.isfinite(gan.generate(4, seed=0)).all()


def test_other_components():
    small = {"image_size": 16, "channels": 1, "latent_dim": 4, "width": 4}
    changes = {"components": 2, "component_epochs": 1}
    gan = models.AdaGAN("WGANGP", {**small, "critic_steps": 2}, **changes)
    assert gan.loss_names == ("d_loss", "g_loss", "penalty")
    assert gan.default_batch_size == 128
    gan.compile()
    gan.fit(tiny.images(8), batch_size=8, epochs=1, verbose=0)
    message = r"component='PacGAN', scores of shape \(6, 1\) for 12"
    with pytest.raises(ValueError, match=message):
        models.AdaGAN("PacGAN", small, **changes)
    with pytest.raises(ValueError, match="saved models hold"):
        models.AdaGAN("DCGAN", {**small, "width": np.int64(4)}, **changes)
    with pytest.raises(ValueError, match="Received: truncation=0.5"):
        gan.generate(1, truncation=0.5)


def test_the_components_check_optimizers():
    with pytest.raises(ValueError, match="Received: RMSprop"):
        of_points().compile(Adam(), keras.optimizers.RMSprop())


# One model


def test_a_mixture_of_points_is_one_model(tmp_path):
    gan = compiled()
    gan.fit(tiny.points(16), batch_size=8, verbose=0)
    expected = gan.generate(9, seed=3)
    assert (expected.shape, expected.dtype) == ((9, 2), np.float32)
    gan.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.generate(9, seed=3), expected)
    folder = tmp_path / "1"
    assert gan.export(folder) == ("serving_default", "sample")
    calls = {
        "serving_default": {"latents": gan.seeded_latents(3, 9).numpy()},
        "sample": {"seed": np.int64(3), "count": np.int32(9)},
    }
    found = served.run({str(folder): calls}, tmp_path)[str(folder)]
    for outputs in found.values():
        np.testing.assert_allclose(outputs["points"], expected, rtol=1e-4)


def test_published_and_loaded(tmp_path):
    """A card may hold the components' arguments, but no other object."""
    import zoo

    gan = of_points()
    golden.ramp(gan)
    gan.mixture_weights.assign([0.4, 0.3, 0.2, 0.1])
    folder = tmp_path / "adagan_normals_2"
    publishing.write(
        gan,
        folder,
        dataset="normals",
        description="Generates points.",
        license="none",
        recipe="none",
    )
    found = zoo.load(folder).generate(50, seed=1)
    expected = gan.generate(50, seed=1)
    # Rounding of the shares may give one sample to another component.
    assert np.median(np.abs(found - expected)) < 5e-3
    config = (folder / "config.json").read_text()
    bad = config.replace('"unroll_steps": 0', '"unroll_steps": {"a": 1}')
    (folder / "config.json").write_text(bad)
    with pytest.raises(ValueError, match="component_arguments.unroll_steps"):
        zoo.load(folder)
