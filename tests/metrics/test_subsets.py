"""Kernel distance, precision and recall, and the subsets they keep."""

import sys

import numpy as np
import pytest

from kerasgan.metrics import (
    KernelDistance,
    PrecisionRecall,
    base,
    density_coverage,
    kernel_distance,
    precision_recall,
)


def cloud(count, width=4, seed=0, scale=1.0, shift=0.0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, width)) * scale + shift


def slow_kernel_distance(a, b):
    """Equation 4 of the paper, pair by pair."""

    def kernel(x, y):
        return (np.dot(x, y) / len(x) + 1) ** 3

    def others(x):
        pairs = [(i, j) for i in range(len(x)) for j in range(len(x))]
        return np.mean([kernel(x[i], x[j]) for i, j in pairs if i != j])

    cross = np.mean([kernel(x, y) for x in a for y in b])
    return others(a) + others(b) - 2 * cross


def test_kernel_distance_is_the_formula():
    a, b = cloud(12, seed=1), cloud(12, seed=2, shift=0.5)
    mean, deviation = kernel_distance(a, b, subsets=3, subset_size=12)
    assert mean == pytest.approx(slow_kernel_distance(a, b), rel=1e-12)
    assert deviation == pytest.approx(0.0, abs=1e-12)


def test_kernel_distance_is_unbiased():
    # Twenty images of one distribution against twenty others: the mean of
    # many draws is zero, which a biased estimate is far from.
    a, b = cloud(4000, seed=1), cloud(4000, seed=2)
    mean, deviation = kernel_distance(a, b, subsets=400, subset_size=20)
    assert abs(mean) < 4 * deviation / 20
    diagonal = np.mean((np.square(a).mean(axis=1) + 1) ** 3) / 20
    assert 2 * diagonal > 8 * deviation / 20


def test_kernel_distance_draws_without_replacement():
    a = cloud(10)
    # Every subset of ten of ten is the whole.
    _, deviation = kernel_distance(a, a + 1, subsets=5, subset_size=10)
    assert deviation == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    "arguments", [{"subset_size": 11}, {"subset_size": 1}, {"subsets": 0}]
)
def test_kernel_distance_refuses(arguments):
    given = {"subset_size": 5, "subsets": 2} | arguments
    with pytest.raises(ValueError, match="images=10 and 12"):
        kernel_distance(cloud(10), cloud(12), **given)


def slow_precision_recall(real, fake, k):
    def ball(points, i):
        return sorted(np.linalg.norm(points - points[i], axis=1))[k]

    def share(inner, outer):
        return np.mean(
            [
                any(
                    np.linalg.norm(x - outer[i]) <= ball(outer, i)
                    for i in range(len(outer))
                )
                for x in inner
            ]
        )

    return share(fake, real), share(real, fake)


def test_precision_recall_is_the_formula():
    real, fake = cloud(40, seed=1), cloud(30, seed=2, scale=0.7, shift=0.4)
    found = precision_recall(real, fake, k=3)
    assert found == pytest.approx(slow_precision_recall(real, fake, 3))
    assert 0.1 < found[1] < found[0] < 1.0


def test_density_coverage_is_the_formula():
    real, fake = cloud(40, seed=1), cloud(30, seed=2, scale=0.7, shift=0.4)
    counts = []
    for center in real:
        radius = sorted(np.linalg.norm(real - center, axis=1))[5]
        distances = np.linalg.norm(fake - center, axis=1)
        counts.append(np.sum(distances < radius))
    expected = np.sum(counts) / (5 * 30), np.mean(np.array(counts) > 0)
    assert density_coverage(real, fake, k=5) == pytest.approx(expected)


def test_balls_on_a_line_by_hand():
    # Real balls (k=1): 0 and 1 reach each other, 5 reaches 1.
    real = np.array([[0.0], [1.0], [5.0]])
    # On a surface, inside the large ball, outside of all.
    fake = np.array([[-1.0], [3.0], [-2.0]])
    # Fake balls: -1 and -2 reach each other, 3 reaches -1: [-1, 7].
    assert precision_recall(real, fake, k=1) == pytest.approx((2 / 3, 1.0))
    # The surface does not count, and only the ball of 5 holds an image.
    assert density_coverage(real, fake, k=1) == pytest.approx((1 / 3, 1 / 3))


def test_a_set_against_itself_is_perfect():
    points = cloud(50)
    assert precision_recall(points, points) == (1.0, 1.0)
    assert density_coverage(points, points)[1] == 1.0


def test_far_away_is_hopeless():
    points = cloud(50)
    assert precision_recall(points, points + 100) == (0.0, 0.0)
    assert density_coverage(points, points + 100) == (0.0, 0.0)


def test_constant_images():
    # Balls of radius zero: on the surface, which counts for one pair only.
    constant = np.full((20, 7), 0.1)
    assert precision_recall(constant, constant) == (1.0, 1.0)
    assert density_coverage(constant, constant) == (0.0, 0.0)
    assert kernel_distance(constant, constant, subset_size=20) == pytest.approx(
        (0.0, 0.0), abs=1e-12
    )


def test_equal_images_are_at_distance_zero():
    # Balls of radius zero around images that come five times: rounding in
    # the distances would put some inside that lie on the surface.
    for width in (50, 500):
        real = np.repeat(cloud(23, width, shift=3.0), 5, axis=0)
        order = np.random.default_rng(1).permutation(len(real))
        fake = real[order[:-8]]
        assert precision_recall(real, fake, k=3)[0] == 1.0
        assert density_coverage(real, fake, k=3) == (0.0, 0.0)


def test_blocks_of_rows_change_nothing(monkeypatch):
    # The package shows the function under the module's name.
    module = sys.modules["kerasgan.metrics.precision_recall"]
    real, fake = cloud(40, seed=1), cloud(30, seed=2)
    whole = precision_recall(real, fake), density_coverage(real, fake)
    monkeypatch.setattr(module, "ROWS", 7)
    assert whole == (precision_recall(real, fake), density_coverage(real, fake))


@pytest.mark.parametrize("function", [precision_recall, density_coverage])
def test_too_few_images_are_refused(function):
    with pytest.raises(ValueError, match="k=3, images=3 and 9"):
        function(cloud(3), cloud(9), k=3)


@pytest.mark.parametrize(
    "function", [precision_recall, density_coverage, kernel_distance]
)
def test_bad_features_are_refused(function):
    broken = cloud(9)
    broken[[2, 5], 0] = np.nan
    with pytest.raises(ValueError, match="2 of 9 images"):
        function(cloud(9), broken)
    with pytest.raises(ValueError, match="same features"):
        function(cloud(9), cloud(9, width=5))
    with pytest.raises(ValueError, match="Received: .*shape=.9,."):
        function(np.ones(9), cloud(9))


class Keeper(base.FeatureMetric):
    prefix = "kept"

    def __init__(self, network, capacity):
        super().__init__(network)
        self.kept = base.Reservoir(self, "kept", capacity, ())

    def update_features(self, real_features=None, fake_features=None):
        self.kept.add(fake_features[:, 0])


def test_subset_does_not_depend_on_batches(network):
    values = np.arange(100.0)[:, None]
    kept = []
    for batch in (100, 7, 33):
        keeper = Keeper(network, 20)
        for start in range(0, 100, batch):
            keeper.update_features(None, values[start:][:batch])
        kept.append(keeper.kept.result())
    np.testing.assert_array_equal(kept[0], kept[1])
    np.testing.assert_array_equal(kept[0], kept[2])
    assert len(set(kept[0])) == 20


def test_subset_is_everything_while_it_fits(network):
    keeper = Keeper(network, 20)
    keeper.update_features(None, np.arange(1.0, 14.0)[:, None])
    assert sorted(keeper.kept.result()) == list(range(1, 14))


def test_subset_is_uniform(network):
    # Of 0..9999 a uniform thousand has mean 4999.5, with a deviation of 87,
    # and a tenth of it in every tenth.
    keeper = Keeper(network, 1000)
    for start in range(0, 10_000, 2500):
        keeper.update_features(None, np.arange(start, start + 2500.0)[:, None])
    kept = keeper.kept.result()
    assert abs(kept.mean() - 4999.5) < 3 * 87
    assert np.histogram(kept, 10, (0, 10_000))[0] == pytest.approx(
        np.full(10, 100), abs=30
    )
    # In the order they are kept there is no trend either.
    assert abs(np.corrcoef(np.arange(1000), kept)[0, 1]) < 0.1


def test_streaming_equals_the_formulas(network, make_images):
    real, fake = make_images(30, 1), make_images(40, 2, high=230)
    kernel = KernelDistance(network, subsets=2, subset_size=30)
    shares = PrecisionRecall(network)
    for metric in (kernel, shares):
        metric.update_state(real, fake[:11])
        metric.update_state(fake_images=fake[11:])
    a, b = network(real).numpy(), network(fake).numpy()
    assert float(kernel.result()) == kernel.score()[0]
    # The subsets of 30 of 30 are whole on the real side.
    kept = kernel.fake.result()
    np.testing.assert_allclose(
        np.sort(kept, axis=0), np.sort(b, axis=0), rtol=1e-5
    )
    expected = kernel_distance(kernel.real.result(), kept, 2, 30)
    assert kernel.score() == pytest.approx(expected, rel=1e-12)
    found = {key: float(value) for key, value in shares.result().items()}
    precision, recall = precision_recall(a, b, 3)
    density, coverage = density_coverage(a, b, 5)
    assert found == pytest.approx(
        {
            "precision": precision,
            "recall": recall,
            "density": density,
            "coverage": coverage,
        }
    )
    assert (kernel.name, shares.name) == ("kd_tiny", "pr_tiny")


def test_memory_does_not_grow(network, make_images):
    metric = PrecisionRecall(network, capacity=10)
    before = sum(int(np.prod(weight.shape)) for weight in metric.variables)
    metric.update_state(make_images(50), make_images(50))
    after = sum(weight.numpy().size for weight in metric.variables)
    assert before == after == 2 * (10 * network.num_features + 10 + 1)
    assert len(metric.real.result()) == 10


def test_capacity_is_checked(network):
    with pytest.raises(ValueError, match="capacity=1"):
        PrecisionRecall(network, capacity=1)
    with pytest.raises(ValueError, match="capacity=10, subset_size=1000"):
        KernelDistance(network, capacity=10)
