"""Modes of known mixtures: the anchors of a perfect sampler, and its faults."""

import math

import numpy as np
import pytest

from kerasgan.metrics import modes

COUNT = 2500


def test_the_ring_has_no_end_twice():
    centers = modes.ring().centers
    np.testing.assert_allclose(np.linalg.norm(centers, axis=1), 1.0)
    gaps = np.linalg.norm(centers - np.roll(centers, 1, axis=0), axis=1)
    np.testing.assert_allclose(gaps, 2.0 * math.sin(math.pi / 8))
    np.testing.assert_allclose(modes.ring(radius=2.0).centers, 2.0 * centers)


def test_the_grid():
    centers = modes.grid().centers
    assert len({tuple(c) for c in centers}) == 25
    assert sorted(set(centers[:, 0])) == [-4, -2, 0, 2, 4]


@pytest.mark.parametrize(
    ("mixture", "count", "divergence"),
    [(modes.ring(), 8, 7 / 5000), (modes.grid(), 25, 24 / 5000)],
)
def test_a_perfect_sampler(mixture, count, divergence):
    found = [
        modes.modes_covered(mixture.sample(COUNT, seed), mixture)
        for seed in range(20)
    ]
    assert {f["modes"] for f in found} == {count}
    quality = np.mean([f["high_quality"] for f in found])
    # Three standard deviations in the plane; on a line it were 99.73 %.
    assert quality == pytest.approx(1 - math.exp(-4.5), abs=0.0015)
    kl = np.mean([f["reverse_kl"] for f in found])
    assert kl == pytest.approx(divergence, rel=0.35)


def test_a_missing_mode_and_a_single_one():
    mixture = modes.ring()
    every = np.repeat(mixture.centers, 100, axis=0)
    assert modes.modes_covered(every, mixture)["reverse_kl"] == 0.0
    seven = modes.modes_covered(every[100:], mixture)
    assert seven["modes"] == 7
    assert seven["reverse_kl"] == pytest.approx(math.log(8 / 7))
    one = modes.modes_covered(every[:100], mixture)
    assert one["modes"] == 1
    assert one["reverse_kl"] == pytest.approx(math.log(8))


def test_modes_are_counted_by_points_of_high_quality():
    mixture = modes.ring()
    points = mixture.centers.copy()
    # Beyond three standard deviations, but within them on either axis.
    points[:4] += 2.5 * mixture.deviation
    found = modes.modes_covered(points, mixture)
    assert (found["modes"], found["high_quality"]) == (4, 0.5)
    far = modes.modes_covered(points + 9.0, mixture)
    assert far == {"modes": 0, "high_quality": 0.0, "reverse_kl": math.inf}


def test_points_that_cannot_be_measured():
    mixture = modes.ring()
    with pytest.raises(ValueError, match=r"Received: shape=\(4, 3\)"):
        modes.modes_covered(np.zeros((4, 3)), mixture)
    with pytest.raises(ValueError, match="1 points, 2 NaN"):
        modes.modes_covered(np.full((1, 2), np.nan), mixture)
    with pytest.raises(ValueError, match="deviation=0.0"):
        modes.Mixture(np.zeros((2, 2)), 0.0)


def digits(count=1000):
    """Returns flat images of ten levels, and their classifier."""
    images = np.tile(np.arange(10), count // 10)[:, None, None, None]

    def classify(images):
        return np.eye(10)[images[:, 0, 0, 0]]

    return images, classify


def test_a_perfect_sampler_of_stacks():
    images, classify = digits()
    stacks, rows = modes.stack(images, 25_600, seed=0)
    np.testing.assert_array_equal(stacks[:, 0, 0], rows % 10)
    found = modes.stacked_modes(stacks, classify)
    assert found["modes"] == 1000
    assert found["confident"] == 1.0
    assert found["reverse_kl"] == pytest.approx(0.0195, abs=0.002)


def test_every_triple_is_a_mode_of_its_own():
    _, classify = digits()
    triples = np.array([[1, 2, 3], [3, 2, 1], [2, 2, 2], [1, 2, 3]])
    found = modes.stacked_modes(triples[:, None, None], classify)
    assert found["modes"] == 3


def test_unsure_stacks_do_not_count_if_so_wanted():
    def classify(images):
        sure = np.eye(10)[images[:, 0, 0, 0]]
        return np.where(images[:, 0, 0] == 9, 0.1, sure)

    triples = np.array([[1, 2, 3], [1, 9, 3]])[:, None, None]
    assert modes.stacked_modes(triples, classify)["modes"] == 2
    found = modes.stacked_modes(triples, classify, confidence=0.999)
    assert (found["modes"], found["confident"]) == (1, 0.5)
    with pytest.raises(ValueError, match="shape="):
        modes.stacked_modes(triples[..., :2], classify)
