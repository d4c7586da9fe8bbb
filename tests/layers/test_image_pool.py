"""The image pool: whom it returns, whom it keeps, and for how long."""

import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers.image_pool import ImagePool

SHAPE = (2, 2, 1)


def numbered(numbers):
    """Returns images that say who they are."""
    values = np.array(numbers, "float32")[:, None, None, None]
    return np.broadcast_to(values, (len(numbers), *SHAPE))


def numbers(images):
    images = np.asarray(images)
    assert (images == images[:, :1, :1]).all()
    return images[:, 0, 0, 0].astype(int).tolist()


def query(pool, asked, coins, places):
    """Asks the pool; `places` are numbers of places, not shares."""
    shares = (np.array(places) + 0.5) / pool.size
    draws = np.stack([coins, shares], -1).astype("float32")
    return numbers(pool(numbered(asked), draws))


def test_fills_then_exchanges_as_drawn():
    pool = ImagePool(2, SHAPE)
    assert query(pool, [1, 2], [0.9, 0.9], [0, 0]) == [1, 2]
    assert numbers(pool.images) == [1, 2]
    # Above one half: 2 comes out of place 1, and 3 goes in.
    assert query(pool, [3, 4], [0.9, 0.1], [1, 0]) == [2, 4]
    assert numbers(pool.images) == [1, 3]
    # One after the other: 6 finds 5 where it has just been put.
    assert query(pool, [5, 6], [0.9, 0.9], [1, 1]) == [3, 5]
    assert numbers(pool.images) == [1, 6]


def test_a_batch_may_fill_the_pool_and_go_on():
    pool = ImagePool(2, SHAPE)
    found = query(pool, [1, 2, 3, 4], [0.9, 0.9, 0.9, 0.1], [0, 0, 0, 0])
    assert found == [1, 2, 1, 4]
    assert numbers(pool.images) == [3, 2]
    assert int(pool.filled.numpy()) == 2


def test_a_pool_that_is_not_full_returns_the_new_image():
    pool = ImagePool(50, SHAPE)
    for number in range(50):
        assert query(pool, [number], [0.99], [0]) == [number]
    assert query(pool, [50], [0.99], [7]) == [7]


def slow_pool(size, asked, draws):
    """The same with a list."""
    kept, shown = [], []
    for number, (coin, share) in zip(asked, draws, strict=True):
        place = int(share * size)
        if len(kept) < size:
            kept.append(number)
            shown.append(number)
        elif coin > 0.5:
            shown.append(kept[place])
            kept[place] = number
        else:
            shown.append(number)
    return kept, shown


@pytest.mark.parametrize("jit_compile", [False, True])
def test_long_run_is_that_of_a_list(jit_compile):
    """Catches a pool that never returns, or never keeps, an old image."""
    pool = ImagePool(5, SHAPE)
    asked = list(range(1, 241))
    draws = np.random.RandomState(0).uniform(size=(240, 2)).astype("float32")
    kept, shown = slow_pool(5, asked, draws)
    call = tf.function(pool, jit_compile=jit_compile)
    found = []
    for start in range(0, 240, 3):
        rows = slice(start, start + 3)
        images = tf.constant(numbered(asked[rows]))
        found += numbers(call(images, tf.constant(draws[rows])))
    assert found == shown
    assert numbers(pool.images) == kept
    old = np.mean(np.array(found) != np.array(asked))
    assert 0.4 < old < 0.6  # 240 draws: the standard deviation is 0.03.


def test_no_gradient_goes_through():
    pool = ImagePool(1, SHAPE)
    images = tf.constant(numbered([1.0]))
    with tf.GradientTape() as tape:
        tape.watch(images)
        shown = tf.reduce_sum(pool(images, tf.zeros((1, 2))))
    assert tape.gradient(shown, images) is None


def test_no_pool_returns_all():
    pool = ImagePool(0, SHAPE)
    shown = pool(numbered([1, 2]), np.ones((2, 2), "float32"))
    assert numbers(shown) == [1, 2]


def test_each_replica_has_a_pool_of_its_own(mirrored):
    with mirrored.scope():
        pool = ImagePool(2, SHAPE)
    draws = np.array([[0.9, 0.1]], "float32")

    def ask(first, second):
        shares = mirrored.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                numbered([(first, second)[context.replica_id_in_sync_group]])
            )
        )
        shown = mirrored.run(lambda x: pool(x, draws), (shares,))
        return [
            numbers(x)[0] for x in mirrored.experimental_local_results(shown)
        ]

    assert ask(1, 11) == [1, 11]
    assert ask(2, 12) == [2, 12]
    assert ask(3, 13) == [1, 11]


def test_half_precision_keeps_whole_images():
    pool = ImagePool(1, SHAPE)
    image = np.full((1, *SHAPE), 0.1, "float32")
    np.testing.assert_array_equal(pool(image, np.zeros((1, 2))), image)
    assert pool.images.dtype == "float32"


def test_config_and_bad_size():
    pool = ImagePool(3, SHAPE, name="here")
    again = ImagePool.from_config(pool.get_config())
    assert again.get_config() == pool.get_config()
    with pytest.raises(ValueError, match="Received: size=-1"):
        ImagePool(-1, SHAPE)
