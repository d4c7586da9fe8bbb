"""Training takes no more memory the longer it lasts."""

import pytest

from tests.support.scripts import script


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dcgan", "cyclegan"])
def test_memory_does_not_grow(model):
    found = script("benchmarks/memory").measure(model, steps=2000)
    resident = found["resident"]
    assert len(resident) == 8
    # Eight images of 16x16 float32 kept at each step would be 12 MB from the
    # 500th on. Less than 2 MB hides in memory that was freed before.
    assert resident[-1] - resident[1] < 3e6, resident
    assert found["first_step"] < 60
