"""NumPy versions of the classic GANs against numbers known beforehand."""

import math

import numpy as np
import pytest

from tests.reference import numpy_adagan, numpy_modes, numpy_vanilla_gan


def count(network):
    return sum(array.size for array in network.weights.values())


def test_vanilla_gan_has_the_published_sizes():
    assert count(numpy_vanilla_gan.Generator()) == 2_503_984
    assert count(numpy_vanilla_gan.Discriminator()) == 1_231_441
    assert count(numpy_vanilla_gan.Generator(100, 256, 196)) == 142_020
    assert count(numpy_vanilla_gan.Discriminator(196, 64)) == 83_905


def test_vanilla_gan_starts_at_the_pixel_means():
    means = np.array([0.1, 0.5, 0.9])
    generator = numpy_vanilla_gan.Generator(2, 3, 3, means)
    generator.weights["image.kernel"][:] = 0.0
    images, _ = generator.forward(np.ones((1, 2)))
    np.testing.assert_allclose(images, [means])


@pytest.fixture
def step():
    """Small networks whose weights all play a part, and a step's inputs."""
    rng = np.random.default_rng(0)
    generator = numpy_vanilla_gan.Generator(3, 4, 6)
    discriminator = numpy_vanilla_gan.Discriminator(6, 3, 2)
    for network in (generator, discriminator):
        for role, array in network.weights.items():
            network.weights[role] = rng.normal(0, 0.7, array.shape)

    def masks(batch):
        sizes = (6, 3, 3)
        return [
            (rng.random((batch, size)) < kept).astype(float)
            for size, kept in zip(sizes, numpy_vanilla_gan.KEPT, strict=True)
        ]

    real_images = rng.random((5, 6))
    latents = numpy_vanilla_gan.uniform_latents(rng, 5, 3)
    inputs = (real_images, latents, masks(5), masks(5))
    return generator, discriminator, inputs


@pytest.mark.parametrize("saturating", [False, True])
def test_vanilla_gan_gradients_are_those_of_the_losses(step, saturating):
    generator, discriminator, inputs = step

    def losses():
        found, _ = numpy_vanilla_gan.train_step(
            generator, discriminator, *inputs, 0.0, 0.0, saturating
        )
        return found

    _, gradients = numpy_vanilla_gan.train_step(
        generator, discriminator, *inputs, 0.0, 0.0, saturating
    )
    for network, name, loss in (
        (generator, "generator", "g_loss"),
        (discriminator, "discriminator", "d_loss"),
    ):
        assert list(gradients[name]) == list(network.weights)
        for role in network.weights:
            numbers = network.weights[role].reshape(-1)
            for index in range(0, numbers.size, 3):
                before = numbers[index]
                values = []
                for change in (1e-5, -1e-5):
                    network.weights[role].flat[index] = before + change
                    values.append(losses()[loss])
                network.weights[role].flat[index] = before
                np.testing.assert_allclose(
                    gradients[name][role].flat[index],
                    (values[0] - values[1]) / 2e-5,
                    rtol=1e-4,
                    atol=1e-9,
                    err_msg=role,
                )


def test_vanilla_gan_step_is_simultaneous_and_has_momentum(step):
    generator, discriminator, inputs = step
    before = {
        network: dict(network.weights) for network in (generator, discriminator)
    }
    _, first = numpy_vanilla_gan.train_step(generator, discriminator, *inputs)
    _, second = numpy_vanilla_gan.train_step(generator, discriminator, *inputs)
    for network, name in (
        (generator, "generator"),
        (discriminator, "discriminator"),
    ):
        for role, array in network.weights.items():
            # The first gradient counts once, and then half as much again.
            change = -0.1 * (1.5 * first[name][role] + second[name][role])
            np.testing.assert_allclose(array - before[network][role], change)


def test_vanilla_gan_losses_at_the_start():
    scores = np.zeros(4)
    loss = numpy_vanilla_gan.discriminator_loss(scores, scores)
    assert loss == pytest.approx(math.log(2))
    assert numpy_vanilla_gan.generator_loss(scores) == pytest.approx(0.693147)
    loss = numpy_vanilla_gan.generator_loss(scores, saturating=True)
    assert loss == pytest.approx(-0.693147)


def test_vanilla_gan_maxout_takes_neighbours():
    network = numpy_vanilla_gan.Discriminator(1, 2, 2)
    network.weights["maxout_1.kernel"][:] = 0.0
    network.weights["maxout_1.bias"][:] = [1.0, 2.0, 4.0, 3.0]
    _, cache = network.forward(np.zeros((1, 1)))
    np.testing.assert_array_equal(cache[1][1], [[2.0, 4.0]])


def test_vanilla_gan_dropout_is_scaled_in_training():
    network = numpy_vanilla_gan.Discriminator(2, 3, 2)
    masks = [np.array([[1.0, 0.0]]), np.ones((1, 3)), np.zeros((1, 3))]
    scores, cache = network.forward(np.array([[0.4, 0.7]]), masks)
    np.testing.assert_allclose(cache[0][1], [[0.5, 0.0]])
    np.testing.assert_array_equal(scores, network.weights["score.bias"])
    hidden = network.linear("maxout_1", np.array([[0.5, 0.0]]))
    expected = 2 * hidden.reshape(3, 2).max(axis=1)
    np.testing.assert_allclose(cache[1][1], [expected])


def test_vanilla_gan_latents_and_rates():
    latents = numpy_vanilla_gan.uniform_latents(np.random.default_rng(0), 1000)
    assert latents.var() == pytest.approx(1.0, abs=0.01)
    assert np.abs(latents).max() <= 1.7321
    assert numpy_vanilla_gan.learning_rate(0) == 0.1
    rate = numpy_vanilla_gan.learning_rate(125_000)
    assert rate == pytest.approx(0.0607, abs=5e-5)
    assert numpy_vanilla_gan.learning_rate(2_870_000) > 1e-6
    assert numpy_vanilla_gan.learning_rate(2_880_000) == 1e-6
    momenta = [numpy_vanilla_gan.momentum(e) for e in (0, 1, 250, 300)]
    assert momenta == pytest.approx([0.5, 0.5, 0.7, 0.7])


def test_parzen_window_of_one_sample_at_the_point():
    point = np.full((1, 784), 0.3)
    found = numpy_vanilla_gan.parzen_log_likelihood(point, point, 0.2)
    np.testing.assert_allclose(found, 541.35, atol=0.005)


@pytest.mark.parametrize("dimensions, expected", [(1, -1.4207), (2, -2.8415)])
def test_parzen_window_of_normal_samples(dimensions, expected):
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(10_000, dimensions))
    test = rng.normal(size=(2000, dimensions))
    found = numpy_vanilla_gan.parzen_log_likelihood(test, samples, 0.3)
    assert found.mean() == pytest.approx(expected, abs=0.07)
    mean, error, sigma = numpy_vanilla_gan.parzen_window(
        samples[:2000], rng.normal(size=(50, dimensions)), test[:500]
    )
    assert sigma in numpy_vanilla_gan.SIGMAS
    assert mean == pytest.approx(expected, abs=0.2)
    found = numpy_vanilla_gan.parzen_log_likelihood(
        test[:500], samples[:2000], sigma
    )
    assert error == pytest.approx(found.std() / math.sqrt(500))


def test_sigmas_are_the_authors():
    np.testing.assert_allclose(
        numpy_vanilla_gan.SIGMAS,
        [0.1, 0.129, 0.167, 0.215, 0.278, 0.359, 0.464, 0.599, 0.774, 1],
        atol=5e-4,
    )


@pytest.mark.parametrize("beta", [0.1, 0.25, 0.5, 0.9])
def test_adagan_weights_are_equal_where_the_ratios_are(beta):
    for theory in (numpy_adagan.theory_star, numpy_adagan.theory_dagger):
        np.testing.assert_allclose(theory(np.ones(8), beta), np.full(8, 0.125))


@pytest.mark.parametrize("beta", [0.1, 0.25, 0.5])
def test_adagan_trains_on_the_mode_that_is_missed(beta):
    weights = numpy_adagan.theory_star([2.0, 0.0, 2.0, 0.0], beta)
    np.testing.assert_allclose(weights, [0.0, 0.5, 0.0, 0.5])


@pytest.mark.parametrize(
    "theory, beta, expected",
    [
        ("star", 0.5, [0.4375, 0.3125, 0.1875, 0.0625]),
        ("star", 0.25, [0.6875, 0.3125, 0.0, 0.0]),
        ("dagger", 0.5, [0.4, 0.3, 0.2, 0.1]),
        ("dagger", 0.25, [2 / 3, 1 / 3, 0.0, 0.0]),
    ],
)
def test_adagan_weights(theory, beta, expected):
    function = getattr(numpy_adagan, f"theory_{theory}")
    weights = function([1.5, 0.5, 2.0, 1.0], beta)
    np.testing.assert_allclose(
        weights, np.array(expected)[[2, 0, 3, 1]], atol=1e-12
    )


@pytest.mark.parametrize("beta", [0.1, 0.5, 0.8])
def test_adagan_weights_sum_to_one(beta):
    ratios = np.random.default_rng(0).gamma(0.7, size=100)
    for theory in (numpy_adagan.theory_star, numpy_adagan.theory_dagger):
        weights = theory(ratios, beta)
        assert weights.sum() == pytest.approx(1.0)
        assert (np.diff(weights[np.argsort(ratios)]) <= 1e-12).all()
        assert weights.std() > 0


def test_adagan_says_when_no_weights_fit():
    with pytest.warns(UserWarning, match="uniform"):
        weights = numpy_adagan.theory_dagger([0.0, 0.0, 2.0, 2.0], 0.25)
    np.testing.assert_array_equal(weights, np.full(4, 0.25))


def test_adagan_mixtures():
    betas = [numpy_adagan.beta(step) for step in (1, 2, 3, 4)]
    np.testing.assert_allclose(
        numpy_adagan.mixture_weights(betas), np.full(4, 0.25)
    )
    betas = [numpy_adagan.beta(step, "constant") for step in (1, 2, 3)]
    np.testing.assert_allclose(
        numpy_adagan.mixture_weights(betas), [0.25, 0.25, 0.5]
    )
    ratios = numpy_adagan.density_ratios([0.5, 0.8, 1.0])
    np.testing.assert_allclose(ratios, [1.0, 0.25, 0.0], atol=1e-7)
    weights = numpy_adagan.top_share([3.0, 1.0, 2.0, 0.0])
    np.testing.assert_array_equal(weights, [0.0, 0.5, 0.0, 0.5])


def test_centers():
    ring = numpy_modes.ring_centers()
    assert ring.shape == (8, 2)
    np.testing.assert_allclose((ring**2).sum(axis=1), 1.0)
    assert len({(round(x, 9), round(y, 9)) for x, y in ring}) == 8
    grid = numpy_modes.grid_centers()
    assert {tuple(center) for center in grid} == {
        (x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)
    }


@pytest.mark.parametrize(
    "centers, std, divergence",
    [
        (numpy_modes.ring_centers(), 0.01, 0.0014),
        (numpy_modes.grid_centers(), 0.05, 0.0048),
    ],
)
def test_modes_of_the_true_distribution(centers, std, divergence):
    found = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        labels = rng.integers(len(centers), size=2500)
        noise = rng.normal(size=(2500, 2))
        samples = numpy_modes.points(centers, labels, noise, std)
        found.append(numpy_modes.evaluate(samples, centers, std))
    assert all(result["modes"] == len(centers) for result in found)
    share = np.mean([result["high_quality"] for result in found])
    assert share == pytest.approx(1 - math.exp(-4.5), abs=0.0025)
    mean = np.mean([result["reverse_kl"] for result in found])
    assert mean == pytest.approx(divergence, rel=0.5)


def test_modes_are_covered_by_good_samples_alone():
    centers = numpy_modes.ring_centers()
    # Good on each axis, but not by its distance.
    corner = centers[1:2] + 0.01 * np.array([[2.9, 2.9]])
    samples = np.concatenate([centers[:1], corner, centers[2:3] + 0.5])
    found = numpy_modes.evaluate(samples, centers, 0.01)
    assert found["modes"] == 1
    assert found["high_quality"] == pytest.approx(1 / 3)
    assert found["reverse_kl"] == pytest.approx(math.log(8))


def test_reverse_kl():
    assert numpy_modes.reverse_kl([5] * 8) == pytest.approx(0.0)
    one_missed = numpy_modes.reverse_kl([5] * 7 + [0])
    assert one_missed == pytest.approx(0.1335, abs=5e-5)
    collapsed = numpy_modes.reverse_kl([9] + [0] * 7)
    assert collapsed == pytest.approx(2.079, abs=5e-4)
    tenth = numpy_modes.reverse_kl([1] * 100 + [0] * 900)
    assert tenth == pytest.approx(2.303, abs=5e-4)
    assert math.isnan(numpy_modes.reverse_kl([0, 0]))


def test_stacked_digits():
    digits = np.arange(3.0)[None, :, None, None] * np.ones((1, 3, 2, 2))
    images, labels = numpy_modes.stack_digits(digits, np.array([[7, 0, 2]]))
    np.testing.assert_array_equal(images[0, 1, 1], [0.0, 1.0, 2.0])
    assert labels.tolist() == [702]


def test_modes_of_perfect_stacked_digits():
    rng = np.random.default_rng(0)
    probabilities = np.eye(10)[rng.integers(10, size=(26_000, 3))]
    found = numpy_modes.evaluate_stacked(probabilities)
    assert found["modes"] == 1000
    assert found["kl"] == pytest.approx(0.0193, abs=0.0024)


def test_unsure_stacked_digits_do_not_count():
    probabilities = np.eye(10)[[[1, 2, 3], [4, 5, 6]]]
    probabilities[1, 2] = 0.0
    probabilities[1, 2, 6:8] = 0.6, 0.4
    assert numpy_modes.evaluate_stacked(probabilities)["modes"] == 2
    found = numpy_modes.evaluate_stacked(probabilities, confidence=0.999)
    assert found["modes"] == 1
