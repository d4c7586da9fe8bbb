import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasgan import data


def noise(count=12, size=8, channels=3):
    levels = np.random.RandomState(0).randint(
        0, 256, (count, size, size, channels), np.uint8
    )
    # The first value tells the images apart.
    levels[:, 0, 0, 0] = np.arange(count)
    return levels


def test_images_from_an_array():
    rows = noise()
    dataset = data.images(rows, size=8, batch_size=12, epochs=1)
    (batch,) = dataset
    assert batch.dtype == tf.float32
    levels = data.to_uint8(batch).numpy()
    order = levels[:, 0, 0, 0]
    np.testing.assert_array_equal(levels, rows[order])


def test_float_arrays_pass_unchanged():
    rows = data.to_float(noise()).numpy()
    (batch,) = data.images(rows, size=8, batch_size=12, epochs=1)
    assert sorted(batch.numpy().sum((1, 2, 3))) == sorted(rows.sum((1, 2, 3)))


def test_mirroring_reverses_the_columns_of_about_half():
    rows = noise(64)
    dataset = data.images(
        rows, size=8, batch_size=64, augment=data.mirror, epochs=1
    )
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
    dataset = data.images(noise(4, 16, 3), 8, 4, channels=1)
    assert dataset.element_spec.shape == (4, 8, 8, 1)
    dataset = data.images(noise(4, 16, 1), 8, 4, channels=3)
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
        (np.zeros((4, 8, 8, 5), np.uint8), r"shape=\(4, 8, 8, 5\)"),
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
        data.images(noise(), 8, 2, channels=2)


def test_labelled_keeps_labels_with_their_images():
    rows = noise()
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
        data.labelled((noise(), labels), 8, 2)


def test_labelled_refuses_images_alone():
    with pytest.raises(ValueError, match=r"must be \(images, labels\)"):
        data.labelled(noise(), 8, 2)


def test_captioned_takes_strings_and_vectors():
    rows = noise()
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
        data.captioned((noise(), np.array([""] * 12)), 8, 2)


def test_jitter_treats_both_images_alike():
    rows = noise(16, 32)
    dataset = data.paired((rows, 255 - rows), 32, 16, epochs=2)
    for inputs, targets in dataset:
        assert inputs.shape == (16, 32, 32, 3)
        # What is cut and mirrored alike stays the negative.
        np.testing.assert_allclose(inputs, -targets.numpy(), atol=1e-5)


def test_jitter_differs_from_image_to_image_and_epoch_to_epoch():
    # One image many times: all differences come from the jitter.
    rows = np.repeat(noise(1, 32), 32, axis=0)
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
        (rows, targets), 32, 256, augment=data.move_and_mirror, epochs=1
    )
    inputs, targets = (data.to_uint8(x).numpy() for x in (inputs, targets))
    # Nothing is blurred, white comes in, and both go to the same place.
    np.testing.assert_array_equal(targets, np.where(inputs == 0, 100, inputs))
    assert set(np.unique(inputs)) == {0, 255}
    rows, *places = np.nonzero(inputs[..., 0] == 0)
    np.testing.assert_array_equal(rows, range(256))
    assert set(places[0]) == set(range(13, 20))
    assert set(places[1]) == set(range(12, 20))


@pytest.mark.parametrize("function", [data.paired, data.unpaired])
@pytest.mark.parametrize(
    ("augment", "mirrors"),
    [
        (data.jitter, True),
        (data.move_and_mirror, True),
        (data.enlarge, False),
        (data.move, False),
    ],
)
def test_augmentations_mirror_if_their_names_say_so(function, augment, mirrors):
    # Darker to the left, wherever they are moved.
    rows = np.zeros((64, 32, 32, 3), np.uint8)
    rows[:, :, 16:] = 200
    (batches,) = function((rows, rows), 32, 64, augment=augment, epochs=1)
    for batch in batches:
        left, right = batch[:, 8:24, 8:12], batch[:, 8:24, 20:24]
        backwards = tf.reduce_mean(left - right, axis=(1, 2, 3)).numpy() > 0
        assert backwards.any() == mirrors
        assert not backwards.all()


@pytest.mark.parametrize("augment", ["shake", True])
def test_an_augmentation_that_is_no_function_is_refused(augment):
    for function, source in (
        (data.images, noise()),
        (data.labelled, (noise(), np.arange(12))),
        (data.captioned, (noise(), np.array(["a"] * 12))),
        (data.paired, (noise(), noise())),
        (data.unpaired, (noise(), noise())),
    ):
        with pytest.raises(ValueError, match=f"Received: augment={augment!r}"):
            function(source, 8, 2, augment=augment)


@pytest.mark.parametrize(
    ("augment", "places"),
    [
        (data.move, [16, 16, 18, 16, 16, 15]),
        (data.move_and_mirror, [16, 15, 13, 15, 15, 16]),
        (data.enlarge, [14, 16, 18, 16, 15, 14]),
        (data.jitter, [14, 15, 13, 15, 16, 17]),
    ],
)
def test_augmentations_are_the_same_in_every_version(augment, places):
    # As of version 0.1: resumed runs rely on it.
    rows = np.full((6, 32, 32, 1), 255, np.uint8)
    rows[:, 16, 16] = 0
    ((batch, _),) = data.paired(
        (rows, rows), 32, 6, augment=augment, seed=1, epochs=1
    )
    columns = batch.numpy().min(axis=(1, 3)).argmin(axis=1)
    assert columns.tolist() == places


def test_without_jitter_pairs_are_as_they_were():
    rows = noise()
    ((inputs, targets),) = data.paired(
        (rows, rows[..., ::-1]), 8, 12, augment=None, epochs=1
    )
    np.testing.assert_array_equal(inputs, targets[..., ::-1])
    levels = data.to_uint8(inputs).numpy()
    np.testing.assert_array_equal(levels, rows[levels[:, 0, 0, 0]])


def test_paired_refuses_different_lengths():
    with pytest.raises(ValueError, match="`inputs` and `targets`.*12 and 11"):
        data.paired((noise(), noise()[:11]), 8, 2)


def test_unpaired_shuffles_and_jitters_independently():
    rows = np.repeat(noise(1, 32), 32, axis=0)
    ((a, b),) = data.unpaired((rows, rows), 32, 32, epochs=1)
    # The same image everywhere: only the jitter can differ.
    alike = [np.array_equal(x, y) for x, y in zip(a, b, strict=True)]
    assert np.mean(alike) < 0.3
    rows = noise(32)
    ((a, b),) = data.unpaired((rows, rows), 8, 32, augment=None, epochs=1)
    assert (a.numpy() != b.numpy()).any((1, 2, 3)).mean() > 0.8


def test_unpaired_sets_may_differ_in_length():
    dataset = data.unpaired((noise(4), noise(12)), 8, 2)
    assert len(dataset) == 2


def save(folder, name, color, size=(10, 10)):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_HOME", str(tmp_path / "home"))
    return tmp_path / "images"


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
    with pytest.warns(UserWarning, match="1 of 4 images"):
        dataset = data.labelled(home, 8, 3, skip_broken=True, epochs=1)
    ((batch, labels),) = dataset
    levels = data.to_uint8(batch).numpy()[:, 0, 0, 0]
    np.testing.assert_array_equal(levels, labels)
    assert sorted(labels.numpy()) == [0, 1, 1]


def test_captions_lie_beside_the_images(home):
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
    ((inputs, targets),) = data.paired(source, 8, 3, augment=None, epochs=1)
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
    with pytest.warns(UserWarning, match="1 of 4 images"):
        dataset = data.paired(
            source, 8, 2, augment=None, skip_broken=True, epochs=1
        )
    ((inputs, targets),) = dataset
    levels = data.to_uint8(inputs).numpy()[:, 0, 0, 0]
    assert sorted(levels) == [0, 3]
    np.testing.assert_array_equal(
        data.to_uint8(targets)[:, 0, 0, 0], levels + 100
    )


def test_a_image_without_partner_is_refused(home):
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


def test_rectangles_from_arrays_and_folders(home):
    rows = noise(4, 32)
    dataset = data.images(rows, (16, 32), 4, augment=data.jitter, epochs=1)
    assert dataset.element_spec.shape == (4, 16, 32, 3)
    assert next(iter(dataset)).shape == (4, 16, 32, 3)
    (batch,) = data.images(rows, (16, 32), 4, epochs=1)
    levels = data.to_uint8(batch).numpy()
    assert sorted(row.tobytes() for row in levels) == sorted(
        row[8:24].tobytes() for row in rows
    )
    for i in range(2):
        save(home, f"{i}.png", (i, i, i), (40, 20))
    (batch,) = data.images(home, (8, 16), 2, epochs=1)
    assert sorted(data.to_uint8(batch).numpy()[:, 7, 15, 0]) == [0, 1]


@pytest.mark.parametrize(
    "augment", [data.enlarge, data.jitter, data.move, data.move_and_mirror]
)
def test_rectangles_move_along_both_sides(augment):
    # A dot in the middle of 20x60, with other ranges to move in for each side.
    rows = np.full((256, 20, 60, 1), 255, np.uint8)
    rows[:, 9:11, 29:31] = 0
    (batch,) = data.images(rows, (20, 60), 256, augment=augment, epochs=1)
    dark = np.argwhere(batch.numpy()[..., 0] < 0.2)
    centers = np.array([dark[dark[:, 0] == i, 1:].mean(0) for i in range(256)])
    # 286/256 of 20 and 60 are 22 and 67; a tenth of them, 2 and 6 each way.
    enlarged = augment in (data.enlarge, data.jitter)
    reach = (1, 3.5) if enlarged else (2, 6)
    for axis, middle in enumerate((9.5, 29.5)):
        moved = centers[:, axis] - middle
        assert moved.max() == pytest.approx(reach[axis], abs=0.51)
        assert moved.min() == pytest.approx(-reach[axis], abs=0.51)


def test_what_becomes_of_arrays_of_another_shape():
    # A white square in the middle of black.
    rows = np.zeros((2, 8, 16, 1), np.uint8)
    rows[..., 4:12, :] = 255

    def fitted(fit):
        (batch,) = data.images(rows, 8, 2, fit=fit, epochs=1)
        return data.to_uint8(batch).numpy()

    assert (fitted("crop") == 255).all()
    levels = fitted("pad")
    assert (levels[:, :2] == 0).all() and (levels[:, 6:] == 0).all()
    assert levels[:, 3:5, 3:5].min() > 240 and levels[:, 3:5, 0].max() < 15
    levels = fitted("squeeze")
    assert levels[:, :, 3:5].min() > 240 and levels[:, :, 0].max() < 15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fit": "stretch"}, "Received: fit='stretch'"),
        ({"size": (8, 8, 3)}, r"Received: size=\(8, 8, 3\)"),
        ({"size": 0}, "Received: size=0"),
        ({"size": 8.0}, "Received: size=8.0"),
        ({"channels": 2}, "Received: channels=2"),
    ],
)
@pytest.mark.parametrize(
    ("function", "source"),
    [
        (data.images, noise()),
        (data.labelled, (noise(), np.arange(12))),
        (data.captioned, (noise(), np.array(["a"] * 12))),
        (data.paired, (noise(), noise())),
        (data.unpaired, (noise(), noise())),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_reader_refuses(function, source, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(source, **{"size": 8, "batch_size": 2, **arguments})


def test_alpha_of_arrays():
    rows = noise(4, 8, 4)
    rows[..., 3] = 51
    (batch,) = data.images(rows, 8, 4, epochs=1)
    assert batch.shape[-1] == 4
    for floats in (False, True):
        given = data.to_float(rows).numpy() if floats else rows
        (batch,) = data.images(given, 8, 4, channels=3, epochs=1)
        levels = data.to_uint8(batch).numpy().astype(int)
        # A fifth of the color, four fifths of white.
        expected = np.rint(rows[..., :3] * 0.2 + 204)
        found = sorted(row.tobytes() for row in levels)
        assert found == sorted(row.astype(int).tobytes() for row in expected)
    (batch,) = data.images(noise(4, 8, 1), 8, 4, channels=4, epochs=1)
    assert (batch.numpy()[..., 3] == 1).all()
    np.testing.assert_array_equal(batch[..., 0], batch[..., 2])


def test_alpha_of_a_folder(home):
    home.mkdir()
    Image.new("RGBA", (10, 10), (255, 0, 0, 51)).save(home / "x.png")
    (batch,) = data.images(home, 8, 1, channels=4, epochs=1)
    assert data.to_uint8(batch).numpy()[0, 0, 0].tolist() == [255, 0, 0, 51]
    (batch,) = data.images(home, 8, 1, epochs=1)
    assert data.to_uint8(batch).numpy()[0, 0, 0].tolist() == [255, 204, 204]


def test_pairs_of_other_channels(home):
    for i in range(3):
        save(home, f"a/{i}.png", (255, 0, 0))
        save(home, f"b/{i}.png", (0, 255, 0))
    source = (home / "a", home / "b")
    ((inputs, targets),) = data.paired(source, 8, 3, channels=(3, 1), epochs=1)
    assert inputs.shape[-1] == 3
    # 0.587 * 255, the weight of green in ITU-R 601.
    assert (data.to_uint8(targets).numpy() == 150).all()
    dataset = data.paired((noise(), noise()), 8, 2, channels=(1, 3))
    shapes = [spec.shape[-1] for spec in dataset.element_spec]
    assert shapes == [1, 3]
    with pytest.raises(ValueError, match=r"channels=\(3, 1, 1\)"):
        data.paired(source, 8, 3, channels=(3, 1, 1))


def test_pairs_must_show_the_same_place(home):
    for i in range(3):
        save(home, f"a/{i}.png", (i, i, i), (80, 40) if i else (40, 40))
        save(home, f"b/{i}.png", (i, i, i), (40, 40))
    source = (home / "a", home / "b")
    message = "2 of 3 pairs differ, the first '1': 40x80 and 40x40"
    for fit in ("crop", "pad"):
        with pytest.raises(ValueError, match=message):
            data.paired(source, 8, 3, fit=fit)
    assert len(data.paired(source, 8, 3, fit="squeeze")) == 1
    arrays = (noise(4, 8)[:, :, :6], noise(4, 8))
    with pytest.raises(ValueError, match="'the arrays': 8x6 and 8x8"):
        data.paired(arrays, 8, 2)
    assert len(data.paired(arrays, 8, 2, fit="squeeze")) == 2


def test_pairs_may_differ_in_scale(home):
    # Photographs, and drawings of a third of their size, rounded.
    save(home, "a/1.png", (0, 0, 0), (640, 427))
    save(home, "b/1.png", (0, 0, 0), (213, 142))
    # Turned by the camera, so 40 wide and 80 high.
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 40)).save(home / "a" / "2.png", exif=exif)
    save(home, "b/2.png", (0, 0, 0), (40, 80))
    assert len(data.paired((home / "a", home / "b"), 8, 2)) == 1


@pytest.mark.parametrize(
    ("reader", "first"),
    [(data.paired, "left"), (data.paired, "right"), (data.unpaired, "right")],
)
def test_two_images_side_by_side(home, reader, first):
    home.mkdir()
    for i in range(4):
        image = Image.new("RGB", (20, 10), (i, i, i))
        image.paste((i + 100,) * 3, (10, 0, 20, 10))
        image.save(home / f"{i}.png")
    source = data.SideBySide(home, input=first)
    ((inputs, targets),) = reader(source, 8, 4, augment=None, epochs=1)
    inputs, targets = (
        data.to_uint8(x).numpy()[:, 0, 0, 0].astype(int)
        for x in (inputs, targets)
    )
    offsets = (0, 100) if first == "left" else (100, 0)
    assert sorted(inputs) == [offsets[0] + i for i in range(4)]
    assert sorted(targets) == [offsets[1] + i for i in range(4)]
    if reader is data.paired:
        assert (targets - inputs == offsets[1] - offsets[0]).all()
    with pytest.raises(ValueError, match="data.SideBySide"):
        reader(home, 8, 4)
    with pytest.raises(ValueError, match="input='top'"):
        data.SideBySide(home, input="top")


def test_an_image_of_two_classes_is_refused(home):
    for name in ("a", "b"):
        save(home, f"{name}/{name}.png", (0, 0, 0))
    (home / "a" / "again.png").symlink_to(home / "a" / "a.png")
    (home / "back").symlink_to(home)
    # Each file once, and a link back is no class.
    assert len(data.labelled(home, 8, 1)) == 2
    assert len(data.images(home, 8, 1)) == 2
    (home / "b" / "other.png").symlink_to(home / "a" / "a.png")
    with pytest.raises(ValueError, match="one class.*a.png.*other.png"):
        data.labelled(home, 8, 1)


def test_parts_as_classes_are_named(home):
    for name in ("train", "test"):
        save(home, f"{name}/1.png", (0, 0, 0))
    for reader in (data.labelled, data.images):
        with pytest.warns(UserWarning, match="look like parts.*/train"):
            reader(home, 8, 1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(12)[:, :3], "shape=.12, 3.. These are 3 labels"),
        (np.ones((12, 2), int), "combine them into one class"),
        (np.full((12, 3), 1 / 3), "3 labels for each image"),
        (np.eye(12) > 0, "Undo one-hot"),
        (np.arange(12)[:, None], "Squeeze"),
        (np.array(["cat"] * 12), "Give each name a number"),
    ],
)
def test_labelled_says_how_to_have_one_label(labels, message):
    with pytest.raises(ValueError, match=message):
        data.labelled((noise(), labels), 8, 2)
