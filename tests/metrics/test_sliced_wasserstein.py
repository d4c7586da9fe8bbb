import sys

import numpy as np
import pytest

from kerasgan.metrics import SlicedWasserstein, sliced_wasserstein

module = sys.modules["kerasgan.metrics.sliced_wasserstein"]


def draw(count, size=32, seed=0, channels=1, low=0):
    return np.random.default_rng(seed).integers(
        low, 256, (count, size, size, channels), np.uint8
    )


def test_levels():
    found = sliced_wasserstein(draw(2, 64), draw(2, 64, seed=1))
    assert list(found) == [64, 32, 16]


def test_a_set_against_itself_is_zero():
    images = draw(4)
    assert sliced_wasserstein(images, images) == {32: 0.0, 16: 0.0}


def test_constant_images():
    black = np.zeros((2, 16, 16, 1), np.uint8)
    assert sliced_wasserstein(black, black + 9) == {16: 0.0}


def test_pyramid_adds_up_again():
    images = draw(2, 64, channels=2)
    fine, middle, coarse = module._pyramid(images)
    for level in (middle, fine):
        larger = np.zeros_like(level)
        larger[:, ::2, ::2] = coarse
        coarse = level + 4.0 * module._smooth(larger)
    np.testing.assert_allclose(coarse, images, atol=1e-9)


def test_smooth_images_live_in_the_coarse_level():
    rows = np.linspace(0, 255, 32)[:, None, None] * np.ones((1, 32, 1))
    fine, coarse = module._pyramid(rows[None].astype(np.uint8))
    inner = fine[:, 4:-4, 4:-4]
    assert np.abs(inner).max() < 1.5
    assert np.ptp(coarse) > 200


def test_patches_are_cut_where_told():
    level = np.arange(2 * 16 * 16 * 2.0).reshape(2, 16, 16, 2)
    places = np.array([[[0, 9], [3, 4]], [[9, 0], [5, 5]]])
    found = module._patches(level, places)
    assert found.shape == (4, 7, 7, 2)
    np.testing.assert_array_equal(found[0], level[0, 0:7, 9:16])
    np.testing.assert_array_equal(found[3], level[1, 5:12, 5:12])


def test_channels_are_normalized_each():
    patches = np.random.default_rng(0).normal(size=(50, 7, 7, 2))
    patches[..., 1] = patches[..., 1] * 9 + 4
    found = module._normalized(patches).reshape(50, 7, 7, 2)
    np.testing.assert_allclose(found.mean((0, 1, 2)), [0, 0], atol=1e-12)
    np.testing.assert_allclose(found.std((0, 1, 2)), [1, 1], rtol=1e-12)


def test_distance_along_a_direction(monkeypatch):
    # Signs and sizes of patches do not matter to the normalization here:
    # with it taken out, adding 3 to a flat image moves every projection by
    # 3 times the sum of the direction.
    monkeypatch.setattr(module, "_normalized", lambda p: p.reshape(len(p), -1))
    a = np.full((1, 16, 16, 1), 10, np.uint8)
    found = sliced_wasserstein(a, a + 3, seed=5)[16]
    random = np.random.default_rng(5)
    random.integers(0, 10, (1, 128, 2))
    directions = random.normal(size=(49, 512))
    directions /= np.linalg.norm(directions, axis=0)
    expected = 3 * np.abs(directions.sum(axis=0)).mean() * 1000
    assert found == pytest.approx(expected, rel=1e-9)


def test_sorted_numbers_are_compared(monkeypatch):
    # The same patches in another order have no distance.
    rows = np.array([[1.0, 5.0], [2.0, -3.0], [0.5, 4.0]])
    sets = iter([rows, rows[[2, 0, 1]]])
    monkeypatch.setattr(module, "_normalized", lambda _: next(sets))
    images = draw(1, 16)
    assert sliced_wasserstein(images, images)[16] == pytest.approx(0.0)


def test_noise_is_told_from_smooth_images():
    noise = draw(24, seed=1)
    other_noise = draw(24, seed=2)
    smooth = np.repeat(np.repeat(noise[:, ::8, ::8], 8, 1), 8, 2)
    near = sliced_wasserstein(noise, other_noise)
    far = sliced_wasserstein(noise, smooth)
    assert all(far[size] > 2 * near[size] for size in near)


@pytest.mark.parametrize("size", [24, 8, 48])
def test_sizes_that_are_refused(size):
    with pytest.raises(ValueError, match=f"{size}x{size}"):
        sliced_wasserstein(draw(2, size), draw(2, size))
    with pytest.raises(ValueError, match=f"{size}x{size}"):
        SlicedWasserstein((size, size, 1))


def test_counts_that_differ_are_refused():
    with pytest.raises(ValueError, match="same shape"):
        sliced_wasserstein(draw(2), draw(3))


def test_streaming():
    real, fake = draw(9, 16, seed=1), draw(12, 16, seed=2, low=99)
    metric = SlicedWasserstein((16, 16, 1), capacity=10)
    metric.update_state(real[:4], fake)
    metric.update_state(real_images=real[4:])
    kept = metric.real.result(), metric.fake.result()
    assert [len(side) for side in kept] == [9, 10]
    assert kept[0].dtype == np.uint8
    expected = sliced_wasserstein(kept[0], kept[1][:9])
    assert metric.score() == expected
    assert float(metric.result()) == pytest.approx(expected[16])
    metric.reset_state()
    with pytest.raises(ValueError, match="0 real, 0 generated"):
        metric.result()
