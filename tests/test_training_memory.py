"""Training takes no more memory the longer it lasts."""

import pytest

from tests.test_scripts import script


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dcgan", "cyclegan"])
def test_memory_does_not_grow(model):
    found = script("benchmarks/memory").measure(model, steps=2000)
    resident = found["resident"]
    assert len(resident) == 8
    # The allocator settles in the first 500. From then on a picture kept at
    # each step, 16x16 float32, would be 1.5 MB.
    assert resident[-1] - resident[1] < 1e6, resident
    assert found["first_step"] < 60
