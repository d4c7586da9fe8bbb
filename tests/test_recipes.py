"""What recipes do to their data."""

import numpy as np

from kerasgan import data
from kerasgan.recipes import _pairs


def test_varied_pairs_stay_pairs(monkeypatch):
    """A dot in the middle goes to where the target's goes, and not far."""
    inputs = np.full((8, 32, 32, 3), 255, np.uint8)
    inputs[:, 16, 16] = 0, 10, 20
    targets = np.where(inputs == 255, inputs, inputs + 100).astype("uint8")
    examples = {"input": inputs, "target": targets}
    monkeypatch.setattr(data, "load", lambda *_: examples)

    batches = list(_pairs.varied_pairs("fluent", 32, 8, 0, epochs=20))
    found = []
    for batch in batches:
        dark, light = map(data.to_uint8, batch)
        for first, second in zip(dark.numpy(), light.numpy(), strict=True):
            (row,), (column,) = np.nonzero(first[..., 0] < 255)
            np.testing.assert_array_equal(
                second[row, column], first[row, column] + 100
            )
            assert (first == 255).sum() == (second == 255).sum() == 3 * 1023
            found.append((row, column, *(first[row, column] // 10)))
    rows, columns, *colors = np.array(found).T
    # Up to 3 pixels each way; 16 is mirrored to 15.
    assert set(rows) == set(range(13, 20))
    assert set(columns) == set(range(12, 20))
    colors = list(zip(*colors, strict=True))
    assert len(set(colors)) == 6
    # Half of them, and a sixth of the others by chance.
    assert 0.45 < colors.count((0, 1, 2)) / len(colors) < 0.72
    again = _pairs.varied_pairs("fluent", 32, 8, first_epoch=19, epochs=1)
    np.testing.assert_array_equal(next(iter(again))[0], batches[-1][0])
