"""Blurs that halve and double feature maps, by hand."""

import numpy as np
import pytest

from kerasgan.layers.antialiasing import BlurDoubling2D, BlurHalving2D


def columns(values):
    """Returns one feature map whose rows are all these values."""
    row = np.array(values, "float32")
    return np.tile(row, (len(values), 1))[None, :, :, None]


def test_halving_is_a_blur_of_every_second_value():
    found = BlurHalving2D()(columns([0.0, 4.0, 8.0, 0.0])).numpy()
    # Reflected: 4 0 4 8 0 8.
    expected = [(4 + 2 * 0 + 4) / 4, (4 + 2 * 8 + 0) / 4]
    np.testing.assert_allclose(found[0, :, :, 0], [expected] * 2)
    rows = BlurHalving2D()(columns([0.0, 4.0, 8.0, 0.0]).swapaxes(1, 2))
    np.testing.assert_allclose(rows, found.swapaxes(1, 2))


def test_odd_sizes_keep_the_last_value():
    found = BlurHalving2D()(columns([0.0, 4.0, 8.0])).numpy()
    np.testing.assert_allclose(found[0, 0, :, 0], [2.0, 6.0])


def test_doubling_is_between_the_nearest_two():
    found = BlurDoubling2D()(columns([0.0, 8.0])).numpy()
    assert found.shape == (1, 4, 4, 1)
    np.testing.assert_allclose(found[0, 0, :, 0], [0.0, 2.0, 6.0, 8.0])
    rows = BlurDoubling2D()(columns([0.0, 8.0]).swapaxes(1, 2))
    np.testing.assert_allclose(rows, found.swapaxes(1, 2))


@pytest.mark.parametrize("layer", [BlurHalving2D(), BlurDoubling2D()])
def test_sizes_and_channels(layer):
    maps = np.random.RandomState(0).standard_normal((2, 6, 5, 3))
    found = layer(maps.astype("float32"))
    assert found.shape == layer.compute_output_shape(maps.shape)
    for channel in range(3):
        alone = layer(maps[..., channel : channel + 1].astype("float32"))
        np.testing.assert_allclose(found[..., channel], alone[..., 0], 1e-5)
