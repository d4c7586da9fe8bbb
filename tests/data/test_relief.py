import collections

import numpy as np
import pytest

from kerasgan import data
from kerasgan.data import relief


def test_bands_lie_where_they_should():
    def part(west, size=64):
        return relief.band_of((180 + west) * relief.PIXELS_PER_DEGREE, size)

    # The bands begin at 136 and 82 west, 64 west, and repeat after 90 degrees.
    assert part(-136) == part(-46) == part(44) == part(134) == "train"
    assert part(-82) == part(8) == "validation"
    assert part(-64) == part(26) == "test"
    # A step further west the first patch crosses a border.
    assert part(-137) is None and part(-83) is None
    # 134 to 188 degrees east goes around: patches at 180 west are training.
    assert part(-180) == "train"


def test_no_column_is_in_two_parts():
    for size in relief.SIZES:
        owners = collections.defaultdict(set)
        for left in range(relief.WIDTH - size + 1):
            part = relief.band_of(left, size)
            if part:
                for column in (left, left + size - 1):
                    owners[column].add(part)
        assert max(len(parts) for parts in owners.values()) == 1


def test_patches_are_land_with_contrast_between_the_latitudes():
    shape = (relief.HEIGHT, relief.WIDTH)
    columns = np.arange(relief.WIDTH)
    stripes = (columns % 2 * 10).astype(np.uint8)
    satellite = np.broadcast_to(stripes[None, :, None], (*shape, 3)).copy()
    land = np.ones(shape, bool)
    satellite[:, 1000:1200] = 7  # No contrast.
    land[:, 2000:2200] = False
    chosen = list(relief.patches(satellite, land, 64))
    rows = [top for _, top, _ in chosen]
    assert min(rows) == 30 * 15
    assert max(rows) + 64 <= 146 * 15 < max(rows) + 64 + relief.STRIDE
    lefts = {left for _, _, left in chosen}
    assert not lefts & set(range(1000, 1200 - 64))
    assert not lefts & set(range(2000, 2200 - 64))
    assert 640 not in lefts and 672 in lefts  # 137.3 and 135.2 west.


@pytest.mark.data
def test_the_maps_have_the_recorded_numbers_of_patches():
    # To 75 degrees north, as in the records; the data set ends at 60.
    maps = relief.Maps()
    recorded = {64: (1433, 646, 601), 128: (1279, 442, 424)}
    for size, numbers in recorded.items():
        counts = collections.Counter(
            part
            for part, _, _ in relief.patches(
                maps.satellite, maps.land, size, north=75
            )
        )
        received = tuple(counts[name] for name, _ in relief.BANDS)
        assert received == numbers


@pytest.mark.data
@pytest.mark.parametrize("size", relief.SIZES)
def test_prepared_patches_lie_in_their_bands(size):
    for part in ("train", "validation", "test"):
        examples = data.load("relief", part, size)
        lefts = (examples["longitude"] + 180) * relief.PIXELS_PER_DEGREE
        for left in np.unique(np.rint(lefts)):
            assert relief.band_of(int(left), size) == part
        assert examples["latitude"].max() <= relief.NORTH
        lowest = examples["latitude"].min() - size / relief.PIXELS_PER_DEGREE
        assert lowest >= relief.SOUTH - 1e-3


@pytest.mark.data
def test_relief_and_satellite_are_aligned():
    # Coasts and mountains are edges on both maps, at the same places.
    examples = data.load("relief", "test")
    edges_a, edges_b = (
        np.abs(np.diff(examples[key].mean(-1), axis=2))
        for key in ("input", "target")
    )

    def agreement(shift):
        a = edges_a[:, :, 2 + shift : edges_a.shape[2] - 2 + shift]
        return np.corrcoef(a.ravel(), edges_b[:, :, 2:-2].ravel())[0, 1]

    assert agreement(0) > 1.3 * max(agreement(-2), agreement(2))
