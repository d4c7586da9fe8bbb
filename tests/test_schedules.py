"""Growth by the number of images seen."""

import pytest
import tensorflow as tf

from kerasgan.schedules import Growth

# 100 images at 4x4, then 50 of fading and 100 at 8x8, and so on to 32x32.
GROWTH = Growth(4, 32, 100, 50)


@pytest.mark.parametrize(
    "images_seen, resolution, fade",
    [
        (0, 4, 1.0),
        (99, 4, 1.0),
        (100, 8, 0.0),
        (110, 8, 0.2),
        (149, 8, 0.98),
        (150, 8, 1.0),
        (249, 8, 1.0),
        (250, 16, 0.0),
        (275, 16, 0.5),
        (399, 16, 1.0),
        (400, 32, 0.0),
        (450, 32, 1.0),
        (10**10, 32, 1.0),
    ],
)
def test_growth_by_hand(images_seen, resolution, fade):
    assert GROWTH(images_seen) == (resolution, pytest.approx(fade))
    if resolution > 4:
        tensor = GROWTH.fade(tf.constant(images_seen, "int64"), resolution)
        assert float(tensor) == pytest.approx(fade)


def test_fade_stays_one_for_a_resolution_that_is_past():
    """Between two executions of several steps the next one may be due."""
    assert float(GROWTH.fade(tf.constant(260, "int64"), 8)) == 1.0


def test_equal_resolutions_do_not_grow():
    growth = Growth(32, 32, 100, 50)
    assert growth(0) == growth(10**6) == (32, 1.0)


def test_the_paper_reaches_1024_after_its_phases():
    growth = Growth(4, 1024, 800_000, 800_000)
    assert growth(8 * 1_600_000 - 1)[0] == 1024
    assert growth(8 * 1_600_000 - 800_000 - 1)[0] == 512


def test_large_counts_are_exact():
    """Float32 alone could not tell these two counts."""
    growth = Growth(4, 8, 2**25, 4)
    assert float(growth.fade(tf.constant(2**25 + 1, "int64"), 8)) == 0.25


def test_growth_takes_a_whole_run():
    """4x4, then fading and 8x8, 16x16, 32x32: the last twice as long."""
    growth = Growth.over(805, 4, 32)
    assert (growth.stable_images, growth.fade_images) == (100, 100)
    assert growth(605) == (32, 1.0)
    assert growth(599) == (32, 0.99)
    assert Growth.over(64, 8, 8)(0) == (8, 1.0)
    assert Growth.over(1, 4, 1024).fade_images == 1
