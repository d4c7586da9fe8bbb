"""Draws that are the same on any number of replicas, and never repeat."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import random


@pytest.mark.parametrize("draw", [random.normal, random.uniform])
def test_replicas_share_one_draw(draw, mirrored):
    alone = draw(keras.random.SeedGenerator(3), (8, 5)).numpy()
    with mirrored.scope():
        generator = keras.random.SeedGenerator(3)
    rows = mirrored.run(tf.function(lambda: draw(generator, (4, 5))))
    parts = [part.numpy() for part in mirrored.experimental_local_results(rows)]
    assert (parts[0] != parts[1]).all()  # Not the same latents twice.
    np.testing.assert_array_equal(np.concatenate(parts), alone)


@pytest.mark.parametrize("draw", [random.normal, random.uniform])
def test_draws_move_on_and_repeat_with_the_seed(draw):
    generator = keras.random.SeedGenerator(3)
    first, second = draw(generator, (4, 5)), draw(generator, (4, 5))
    assert (first.numpy() != second.numpy()).all()
    again = draw(keras.random.SeedGenerator(3), (4, 5))
    np.testing.assert_array_equal(first, again)


def test_distributions():
    generator = keras.random.SeedGenerator(0)
    draws = random.normal(generator, (100_000, 1)).numpy()
    assert abs(draws.mean()) < 0.02
    assert abs(draws.std() - 1) < 0.02
    draws = random.uniform(generator, (100_000, 1)).numpy()
    assert draws.min() >= 0
    assert draws.max() < 1
    assert abs(draws.mean() - 0.5) < 0.01
