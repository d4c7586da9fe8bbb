"""The NumPy versions give numbers that can be redone by hand."""

import numpy as np
import pytest

from tests.reference import numpy_progressive


def test_blur_of_an_impulse():
    image = np.zeros((1, 5, 5, 1))
    image[0, 2, 2, 0] = 16.0
    expected = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    blurred = numpy_progressive.blur(image)
    np.testing.assert_array_equal(blurred[0, 1:4, 1:4, 0], expected)
    assert blurred.sum() == 16.0


def test_blur_loses_what_lies_beyond_the_border():
    blurred = numpy_progressive.blur(np.ones((1, 3, 3, 1)))
    np.testing.assert_allclose(
        blurred[0, :, :, 0] * 16, [[9, 12, 9], [12, 16, 12], [9, 12, 9]]
    )


def test_minibatch_stddev_of_equal_images():
    images = np.repeat(np.random.default_rng(0).normal(size=(1, 4, 4, 3)), 8, 0)
    out = numpy_progressive.minibatch_stddev(images)
    np.testing.assert_array_equal(out[..., :3], images)
    np.testing.assert_allclose(out[..., 3], 1e-4)


def test_minibatch_stddev_groups():
    # Two groups of two: images 0 and 2 (0 and 6), 1 and 3 (equal).
    images = np.array([0.0, 1.0, 6.0, 1.0])[:, None, None, None]
    out = numpy_progressive.minibatch_stddev(images, group_size=2)
    np.testing.assert_allclose(
        out[:, 0, 0, 1], [3.0, 1e-4, 3.0, 1e-4], rtol=1e-6
    )


def test_equalized_layers_keep_the_variance():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 64))
    kernel = rng.normal(size=(64, 8)) / 0.01
    out = numpy_progressive.equalized_dense(x, kernel, gain=1.0, lrmul=0.01)
    assert out.std() == pytest.approx(1.0, rel=0.1)
    kernel = rng.normal(size=(3, 3, 16, 4))
    x = rng.normal(size=(4, 9, 9, 16))
    out = numpy_progressive.equalized_conv(x, kernel, gain=1.0)
    assert out[:, 1:-1, 1:-1].std() == pytest.approx(1.0, rel=0.1)


def test_bias_is_scaled_by_lrmul():
    out = numpy_progressive.equalized_dense(
        np.zeros((1, 2)), np.ones((2, 3)), np.array([1.0, 2.0, 3.0]), lrmul=0.1
    )
    np.testing.assert_allclose(out, [[0.1, 0.2, 0.3]])


def test_fades():
    images = np.arange(16.0).reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(
        numpy_progressive.faded_real_images(images, 1.0), images
    )
    coarse = numpy_progressive.faded_real_images(images, 0.0)
    np.testing.assert_array_equal(
        coarse[0, :, :, 0],
        np.kron([[2.5, 4.5], [10.5, 12.5]], np.ones((2, 2))),
    )
    assert numpy_progressive.fade_in(2.0, 6.0, 0.25) == 3.0


def test_adain_sets_mean_and_standard_deviation():
    rng = np.random.default_rng(0)
    x = 5.0 + 3.0 * rng.normal(size=(2, 6, 6, 2))
    bias = np.array([1.0, 0.0, 7.0, -7.0])
    out = numpy_progressive.adain(x, np.zeros((2, 3)), np.ones((3, 4)), bias)
    np.testing.assert_allclose(out.mean(axis=(1, 2)), [[7, -7], [7, -7]])
    np.testing.assert_allclose(out.std(axis=(1, 2)), [[2, 1], [2, 1]])


def test_truncation_and_mixing():
    first, second = np.zeros((2, 3)), np.ones((2, 3))
    ws = numpy_progressive.mix_styles(first, second, 2, 4)
    np.testing.assert_array_equal(ws[0, :, 0], [0, 0, 1, 1])
    out = numpy_progressive.truncate(ws, np.full(3, 5.0), psi=0.5, cutoff=3)
    np.testing.assert_array_equal(out[0, :, 0], [2.5, 2.5, 3.0, 1.0])
    out = numpy_progressive.truncate(ws, np.full(3, 5.0), psi=0.0, cutoff=8)
    np.testing.assert_array_equal(out, np.full((2, 4, 3), 5.0))
