import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import data


def lists(dataset):
    return [batch.numpy().tolist() for batch in dataset]


def test_an_epoch_has_every_row_once_in_whole_batches():
    batches = lists(data.stream(np.arange(10), 3, epochs=1))
    assert [len(batch) for batch in batches] == [3, 3, 3]
    rows = sum(batches, [])
    assert len(set(rows)) == 9 and rows != sorted(rows)


def test_over_epochs_no_row_is_left_out():
    rows = lists(data.stream(np.arange(10), 3, epochs=10))
    assert set(sum(rows, [])) == set(range(10))


def test_resumed_epochs_are_the_uninterrupted_ones():
    def with_chance(row, seed):
        return row, tf.random.stateless_uniform((2,), seed)

    def run(first_epoch, epochs):
        dataset = data.stream(
            np.arange(10),
            3,
            transform=with_chance,
            seed=5,
            first_epoch=first_epoch,
            epochs=epochs,
        )
        return [
            (rows.numpy().tolist(), chances.numpy().tolist())
            for rows, chances in dataset
        ]

    whole = run(0, 4)
    assert run(2, 2) == whole[6:]
    assert run(0, 1) + run(1, 3) == whole
    # Neither order nor chance repeats.
    assert whole[:3] != whole[3:6]
    chances = [tuple(chance) for _, chance in whole]
    assert len(set(chances)) == len(chances)


def test_without_epochs_each_iteration_is_the_next_epoch():
    dataset = data.stream(np.arange(10), 3, first_epoch=4)
    for epoch in (4, 5, 6):
        pure = data.stream(np.arange(10), 3, first_epoch=epoch, epochs=1)
        assert lists(dataset) == lists(pure)


def test_the_order_does_not_depend_on_global_seeds():
    orders = []
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        orders.append(lists(data.stream(np.arange(100), 50, epochs=1)))
    assert orders[0] == orders[1]


def test_the_order_is_the_same_in_every_version():
    # As of version 0.1: resumed runs rely on it.
    assert lists(data.stream(np.arange(10), 3, seed=0, epochs=2)) == [
        [4, 6, 2], [0, 1, 3], [7, 8, 5],
        [1, 8, 7], [4, 2, 6], [5, 3, 0],
    ]  # fmt: skip


def test_seeds_give_other_orders():
    orders = [
        lists(data.stream(np.arange(100), 100, seed=seed, epochs=1))
        for seed in range(3)
    ]
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_rows_stay_together():
    x = np.arange(20)
    for a, b in data.stream((x, x * 10), 4, epochs=2):
        np.testing.assert_array_equal(a * 10, b)


def test_groups_are_shuffled_independently():
    x = np.arange(50)
    dataset = data.stream_groups(((x,), (x,)), 50, epochs=1)
    a, b = next(iter(dataset))
    assert sorted(a.numpy()) == sorted(b.numpy()) == list(range(50))
    assert (a.numpy() != b.numpy()).mean() > 0.8


def test_a_longer_group_is_used_up_over_the_epochs():
    dataset = data.stream_groups(
        ((np.arange(4),), (np.arange(20),)), 4, epochs=40
    )
    assert len(dataset) == 40
    seen = {int(row) for _, b in dataset for row in b}
    assert seen == set(range(20))


def test_the_length_is_known():
    assert len(data.stream(np.arange(10), 3)) == 3
    assert len(data.stream(np.arange(10), 3, epochs=5)) == 15


def test_the_end_of_fit_waits_for_no_tuning_thread():
    # It sleeps for up to a minute.
    options = data.stream(np.arange(10), batch_size=2).options()
    assert options.autotune.enabled is False
    assert options.deterministic is True


def test_a_mapped_file_gives_the_same_batches(tmp_path):
    rows = np.random.RandomState(0).randint(0, 256, (12, 8, 8, 3), np.uint8)
    rows.tofile(tmp_path / "rows")
    mapped = np.memmap(tmp_path / "rows", np.uint8, "r", shape=rows.shape)
    expected = data.stream(rows, 5, epochs=2)
    received = data.stream(mapped, 5, epochs=2)
    assert received.element_spec == expected.element_spec
    assert lists(received) == lists(expected)


@pytest.mark.parametrize(
    ("arrays", "batch_size", "message"),
    [
        (np.arange(3), 4, "3 examples and batch_size=4"),
        (np.arange(0), 1, "0 examples"),
        (np.arange(3), 0, "at least 1. Received: 0"),
        ((np.arange(3), np.arange(4)), 2, r"lengths \[3, 4\]"),
    ],
)
def test_stream_refuses(arrays, batch_size, message):
    with pytest.raises(ValueError, match=message):
        data.stream(arrays, batch_size)


def test_replicas_share_a_batch(mirrored):
    dataset = data.stream(np.arange(8), 4, epochs=1)
    shared = mirrored.experimental_distribute_dataset(dataset)
    for whole, parts in zip(dataset, shared, strict=True):
        values = mirrored.experimental_local_results(parts)
        assert [len(part) for part in values] == [2, 2]
        np.testing.assert_array_equal(tf.concat(values, 0), whole)


def test_fit_sees_another_order_each_epoch():
    class Recorder(keras.Model):
        def __init__(self):
            super().__init__()
            self.seen = []
            self.built = True

        def train_step(self, rows):
            self.seen.append(rows.numpy().tolist())
            return {"loss": tf.zeros(())}

    model = Recorder()
    model.compile(optimizer=None, run_eagerly=True)
    dataset = data.stream(np.arange(20), 5)
    model.fit(dataset, epochs=2, shuffle=False, verbose=0)
    # Keras may look at one batch more.
    first, second = model.seen[-8:-4], model.seen[-4:]
    assert sorted(sum(first, [])) == sorted(sum(second, [])) == list(range(20))
    assert first != second
