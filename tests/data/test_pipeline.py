import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasgan import data


def lists(dataset):
    return [batch.numpy().tolist() for batch in dataset]


def pictures(count=12, size=8, channels=3):
    levels = np.random.RandomState(0).randint(
        0, 256, (count, size, size, channels), np.uint8
    )
    # The first value tells the pictures apart.
    levels[:, 0, 0, 0] = np.arange(count)
    return levels


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
    rows = pictures()
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


def test_images_from_an_array():
    rows = pictures()
    dataset = data.images(rows, size=8, batch_size=12, epochs=1)
    (batch,) = dataset
    assert batch.dtype == tf.float32
    levels = data.to_uint8(batch).numpy()
    order = levels[:, 0, 0, 0]
    np.testing.assert_array_equal(levels, rows[order])


def test_float_arrays_pass_unchanged():
    rows = data.to_float(pictures()).numpy()
    (batch,) = data.images(rows, size=8, batch_size=12, epochs=1)
    assert sorted(batch.numpy().sum((1, 2, 3))) == sorted(rows.sum((1, 2, 3)))


def test_mirroring_reverses_the_columns_of_about_half():
    rows = pictures(64)
    dataset = data.images(rows, size=8, batch_size=64, mirror=True, epochs=1)
    (batch,) = dataset
    levels = data.to_uint8(batch).numpy()
    as_they_are = {row.tobytes() for row in rows}
    turned = {row[:, ::-1].tobytes() for row in rows}
    counts = [
        sum(row.tobytes() in known for row in levels)
        for known in (as_they_are, turned)
    ]
    assert sum(counts) == 64 and 20 <= counts[0] <= 44


def test_size_and_channels_are_brought_about():
    dataset = data.images(pictures(4, 16, 3), 8, 4, channels=1)
    assert dataset.element_spec.shape == (4, 8, 8, 1)
    dataset = data.images(pictures(4, 16, 1), 8, 4, channels=3)
    (batch,) = dataset
    assert batch.shape == (4, 8, 8, 3)
    np.testing.assert_array_equal(batch[..., 0], batch[..., 2])


def test_oblong_arrays_are_cut_to_the_middle_square():
    rows = np.zeros((2, 4, 10, 1), np.uint8)
    rows[:, :, 3:7] = 255
    (batch,) = data.images(rows, 4, 2, epochs=1)
    assert batch.numpy().min() == 1.0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((4, 8, 8), np.uint8), r"Received: shape=\(4, 8, 8\)"),
        (np.zeros((4, 8, 8, 4), np.uint8), r"shape=\(4, 8, 8, 4\)"),
        (np.zeros((4, 8, 8, 3), np.float32), r"looks like \[0, 1\]"),
        (np.zeros((4, 8, 8, 3), np.int64), "dtype=int64"),
        (7, "Received: int"),
    ],
)
def test_images_refuses(source, message):
    with pytest.raises(ValueError, match=message):
        data.images(source, 8, 2)


def test_images_refuses_two_channels():
    with pytest.raises(ValueError, match="channels=2"):
        data.images(pictures(), 8, 2, channels=2)


def test_labelled_keeps_labels_with_their_pictures():
    rows = pictures()
    dataset = data.labelled((rows, np.arange(12)), 8, 12, epochs=1)
    ((batch, labels),) = dataset
    assert labels.dtype == tf.int32
    levels = data.to_uint8(batch).numpy()
    np.testing.assert_array_equal(levels[:, 0, 0, 0], labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(12.0), "dtype=float64"),
        (np.eye(12, dtype=int), r"shape=\(12, 12\)"),
        (np.arange(12) - 1, "integers from 0"),
        (np.arange(11), "Received: 12 and 11"),
    ],
)
def test_labelled_refuses(labels, message):
    with pytest.raises(ValueError, match=message):
        data.labelled((pictures(), labels), 8, 2)


def test_labelled_refuses_pictures_alone():
    with pytest.raises(ValueError, match=r"must be \(pictures, labels\)"):
        data.labelled(pictures(), 8, 2)


def test_captioned_takes_strings_and_vectors():
    rows = pictures()
    words = np.array([f"number {i}" for i in range(12)])
    ((batch, captions),) = data.captioned((rows, words), 8, 12, epochs=1)
    first = data.to_uint8(batch).numpy()[:, 0, 0, 0]
    assert [f"number {i}".encode() for i in first] == captions.numpy().tolist()
    vectors = np.tile(np.arange(12.0)[:, None], (1, 5))
    ((batch, captions),) = data.captioned((rows, vectors), 8, 12, epochs=1)
    assert captions.dtype == tf.float32
    first = data.to_uint8(batch).numpy()[:, 0, 0, 0]
    np.testing.assert_array_equal(captions[:, 0], first)


def test_captioned_refuses_empty_captions():
    with pytest.raises(ValueError, match="12 empty of 12"):
        data.captioned((pictures(), np.array([""] * 12)), 8, 2)


def test_jitter_treats_both_pictures_alike():
    rows = pictures(16, 32)
    dataset = data.paired((rows, 255 - rows), 32, 16, epochs=2)
    for inputs, targets in dataset:
        assert inputs.shape == (16, 32, 32, 3)
        # What is cut and mirrored alike stays the negative.
        np.testing.assert_allclose(inputs, -targets.numpy(), atol=1e-5)


def test_jitter_differs_from_picture_to_picture_and_epoch_to_epoch():
    # One picture many times: all differences come from the jitter.
    rows = np.repeat(pictures(1, 32), 32, axis=0)
    dataset = data.paired((rows, rows), 32, 32, epochs=2)
    first, second = (inputs.numpy() for inputs, _ in dataset)
    # 5 x 5 places, mirrored or not: 50 kinds.
    assert len({row.tobytes() for row in first}) > 10
    assert not np.array_equal(first, second)


def test_jitter_moves_by_the_enlargement_and_no_more():
    # A white dot in the middle of 32 pixels, enlarged to 36, cut to 32.
    rows = np.zeros((256, 32, 32, 1), np.uint8)
    rows[:, 15:17, 15:17] = 255
    ((inputs, _),) = data.paired((rows, rows), 32, 256, epochs=1)
    bright = np.argwhere(inputs.numpy()[..., 0] > -0.2)
    centers = {tuple(bright[bright[:, 0] == i, 1:].mean(0)) for i in range(256)}
    for axis in (0, 1):
        places = {center[axis] for center in centers}
        assert places == {13.5, 14.5, 15.5, 16.5, 17.5}


def test_jitter_moves_without_enlarging():
    # A dot beside the middle; up to 3 of 32 pixels each way, 16 mirrored to 15.
    rows = np.full((256, 32, 32, 3), 255, np.uint8)
    rows[:, 16, 16] = 0
    targets = np.where(rows == 0, 100, rows).astype("uint8")
    ((inputs, targets),) = data.paired(
        (rows, targets), 32, 256, jitter="move", epochs=1
    )
    inputs, targets = (data.to_uint8(x).numpy() for x in (inputs, targets))
    # Nothing is blurred, white comes in, and both go to the same place.
    np.testing.assert_array_equal(targets, np.where(inputs == 0, 100, inputs))
    assert set(np.unique(inputs)) == {0, 255}
    pictures, *places = np.nonzero(inputs[..., 0] == 0)
    np.testing.assert_array_equal(pictures, range(256))
    assert set(places[0]) == set(range(13, 20))
    assert set(places[1]) == set(range(12, 20))


@pytest.mark.parametrize("function", [data.paired, data.unpaired])
@pytest.mark.parametrize("jitter", [True, "move"])
@pytest.mark.parametrize("mirror", [True, False])
def test_jitter_mirrors_unless_told_not_to(function, jitter, mirror):
    # Darker to the left, wherever they are moved.
    rows = np.zeros((64, 32, 32, 3), np.uint8)
    rows[:, :, 16:] = 200
    (batches,) = function(
        (rows, rows), 32, 64, jitter=jitter, mirror=mirror, epochs=1
    )
    for batch in batches:
        left, right = batch[:, 8:24, 8:12], batch[:, 8:24, 20:24]
        backwards = tf.reduce_mean(left - right, axis=(1, 2, 3)).numpy() > 0
        assert backwards.any() == mirror
        assert not backwards.all()


@pytest.mark.parametrize("function", [data.paired, data.unpaired])
def test_unknown_jitter_is_refused(function):
    with pytest.raises(ValueError, match="Received: jitter='shake'"):
        function((pictures(), pictures()), 8, 2, jitter="shake")


def test_without_jitter_pairs_are_as_they_were():
    rows = pictures()
    ((inputs, targets),) = data.paired(
        (rows, rows[..., ::-1]), 8, 12, jitter=False, epochs=1
    )
    np.testing.assert_array_equal(inputs, targets[..., ::-1])
    levels = data.to_uint8(inputs).numpy()
    np.testing.assert_array_equal(levels, rows[levels[:, 0, 0, 0]])


def test_paired_refuses_different_lengths():
    with pytest.raises(ValueError, match="`inputs` and `targets`.*12 and 11"):
        data.paired((pictures(), pictures()[:11]), 8, 2)


def test_unpaired_shuffles_and_jitters_independently():
    rows = np.repeat(pictures(1, 32), 32, axis=0)
    ((a, b),) = data.unpaired((rows, rows), 32, 32, epochs=1)
    # The same picture everywhere: only the jitter can differ.
    alike = [np.array_equal(x, y) for x, y in zip(a, b, strict=True)]
    assert np.mean(alike) < 0.3
    rows = pictures(32)
    ((a, b),) = data.unpaired((rows, rows), 8, 32, jitter=False, epochs=1)
    assert (a.numpy() != b.numpy()).any((1, 2, 3)).mean() > 0.8


def test_unpaired_sets_may_differ_in_length():
    dataset = data.unpaired((pictures(4), pictures(12)), 8, 2)
    assert len(dataset) == 2


def save(folder, name, color, size=(10, 10)):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_HOME", str(tmp_path / "home"))
    return tmp_path / "pictures"


def test_images_from_a_folder(home):
    for i in range(4):
        save(home, f"{i % 2}/{i}.png", (i, i, i))
    (batch,) = data.images(home, 8, 4, epochs=1)
    assert batch.shape == (4, 8, 8, 3)
    levels = data.to_uint8(batch).numpy()[:, 0, 0, 0]
    assert sorted(levels) == [0, 1, 2, 3]
    assert data.images(str(home), 8, 4, channels=1).element_spec.shape[-1] == 1


def test_labels_are_the_sorted_sub_folders(home):
    for name, level in (("zebra", 2), ("ape", 0), ("lion", 1)):
        for i in range(2):
            save(home, f"{name}/{i}.png", (level,) * 3)
    assert data.class_names(home) == ("ape", "lion", "zebra")
    ((batch, labels),) = data.labelled(home, 8, 6, epochs=1)
    levels = data.to_uint8(batch).numpy()[:, 0, 0, 0]
    np.testing.assert_array_equal(levels, labels)
    assert sorted(labels.numpy()) == [0, 0, 1, 1, 2, 2]


def test_labels_stay_right_where_a_file_is_skipped(home):
    for name, level in (("a", 0), ("b", 1)):
        for i in range(2):
            save(home, f"{name}/{i}.png", (level,) * 3)
    (home / "a" / "0.png").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="1 of 4 pictures"):
        dataset = data.labelled(home, 8, 3, skip_broken=True, epochs=1)
    ((batch, labels),) = dataset
    levels = data.to_uint8(batch).numpy()[:, 0, 0, 0]
    np.testing.assert_array_equal(levels, labels)
    assert sorted(labels.numpy()) == [0, 1, 1]


def test_captions_lie_beside_the_pictures(home):
    for i in range(3):
        save(home, f"{i}.png", (i, i, i)).with_suffix(".txt").write_text(
            f"number {i}\n"
        )
    ((batch, captions),) = data.captioned(home, 8, 3, epochs=1)
    levels = data.to_uint8(batch).numpy()[:, 0, 0, 0]
    assert captions.numpy().tolist() == [f"number {i}".encode() for i in levels]
    (home / "1.txt").unlink()
    with pytest.raises(FileNotFoundError, match="1.png' without '1.txt'"):
        data.captioned(home, 8, 3)


def test_two_folders_are_paired_by_name(home):
    for i in range(3):
        save(home, f"a/{i}.png", (i, i, i))
        save(home, f"b/{i}.webp", (i + 100,) * 3)
    source = (home / "a", home / "b")
    ((inputs, targets),) = data.paired(source, 8, 3, jitter=False, epochs=1)
    difference = data.to_uint8(targets).numpy() - data.to_uint8(inputs).numpy()
    # WebP is lossy.
    np.testing.assert_allclose(difference, 100, atol=2)


def test_a_broken_partner_leaves_the_pair_out(home):
    for i in range(4):
        save(home, f"a/{i}.png", (i, i, i))
        save(home, f"b/{i}.png", (i + 100,) * 3)
    (home / "a" / "1.png").write_bytes(b"nothing")
    (home / "b" / "2.png").write_bytes(b"nothing")
    source = (home / "a", home / "b")
    with pytest.warns(UserWarning, match="1 of 4 pictures"):
        dataset = data.paired(
            source, 8, 2, jitter=False, skip_broken=True, epochs=1
        )
    ((inputs, targets),) = dataset
    levels = data.to_uint8(inputs).numpy()[:, 0, 0, 0]
    assert sorted(levels) == [0, 3]
    np.testing.assert_array_equal(
        data.to_uint8(targets)[:, 0, 0, 0], levels + 100
    )


def test_a_picture_without_partner_is_refused(home):
    save(home, "a/1.png", (0, 0, 0))
    save(home, "a/2.png", (0, 0, 0))
    save(home, "b/1.png", (0, 0, 0))
    with pytest.raises(ValueError, match="1 without, the first '2'"):
        data.paired((home / "a", home / "b"), 8, 1)


@pytest.mark.slow
def test_importing_the_package_does_not_import_tfds():
    program = (
        "import sys, kerasgan.data; "
        "sys.exit('tensorflow_datasets' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
