"""What recipes do to their data."""

import numpy as np

from kerasgan import data
from kerasgan.recipes import _pairs


def test_shifted_pairs_stay_pairs(monkeypatch):
    """A dot in the middle goes to where the target's goes, and not far."""
    inputs = np.full((8, 32, 32, 3), 255, np.uint8)
    inputs[:, 16, 16] = 0
    targets = np.where(inputs == 0, 100, inputs).astype("uint8")
    examples = {"input": inputs, "target": targets}
    monkeypatch.setattr(data, "load", lambda *_: examples)

    batches = _pairs.shifted_pairs("fluent", 32, 8, first_epoch=0, epochs=4)
    places = set()
    for batch in batches:
        black, grey = map(data.to_uint8, batch)
        for first, second in zip(black.numpy(), grey.numpy(), strict=True):
            (row,), (column,) = np.nonzero(first[..., 0] == 0)
            assert (second[row, column] == 100).all()
            assert (first == 255).sum() == (second == 255).sum() == 3 * 1023
            places.add((row, column))
    rows, columns = np.array(list(places)).T
    # Up to 3 pixels each way; 16 is mirrored to 15.
    assert 13 <= rows.min() < 16 < rows.max() <= 19
    assert 12 <= columns.min() < 16 < columns.max() <= 19
    again = _pairs.shifted_pairs("fluent", 32, 8, first_epoch=3, epochs=1)
    last = list(batches)[-1]
    np.testing.assert_array_equal(next(iter(again))[0], last[0])
