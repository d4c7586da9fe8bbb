import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasgan import data

LEVELS = np.arange(256, dtype=np.uint8)


def batch(low=-1.0, high=1.0, shape=(4, 8, 8, 3)):
    values = np.linspace(low, high, math.prod(shape), dtype=np.float32)
    return values.reshape(shape)


def test_to_float_reaches_both_ends():
    assert data.to_float(np.uint8([0, 255])).numpy().tolist() == [-1.0, 1.0]


def test_every_level_survives_the_round_trip():
    np.testing.assert_array_equal(data.to_uint8(data.to_float(LEVELS)), LEVELS)


def test_every_level_survives_in_a_graph_and_under_xla():
    there_and_back = tf.function(
        lambda x: data.to_uint8(data.to_float(x)), jit_compile=True
    )
    np.testing.assert_array_equal(there_and_back(LEVELS), LEVELS)


def test_to_uint8_rounds_to_the_nearest():
    # Levels 10.4 and 10.6 lie on the two sides of 10.5.
    values = np.float32([10.4, 10.6]) / 127.5 - 1
    assert data.to_uint8(values).numpy().tolist() == [10, 11]


def test_to_uint8_clips():
    assert data.to_uint8([-1.5, 1.5]).numpy().tolist() == [0, 255]


def test_to_uint8_computes_in_float32():
    # 0.75 is exact in bfloat16; its level 223.125 would become 223 or 224.
    values = tf.constant([0.75, -0.25], tf.bfloat16)
    assert data.to_uint8(values).numpy().tolist() == [223, 96]


def test_conversions_refuse_the_wrong_type():
    with pytest.raises(ValueError, match="Received: dtype=float32"):
        data.to_float(np.zeros((1, 2, 2, 1), np.float32))
    with pytest.raises(ValueError, match="Received: dtype=uint8"):
        data.to_uint8(LEVELS)


def test_pad_is_black_and_central():
    ones = np.ones((1, 2, 2, 1), np.uint8)
    padded = data.pad(ones, 5).numpy()[0, :, :, 0]
    assert padded.sum() == 4 and padded[1:3, 1:3].all()
    padded = data.pad(np.ones((1, 2, 2, 1), np.float32), 4).numpy()
    assert padded.min() == -1.0 and padded[0, 0, 0, 0] == -1.0


def test_crop_takes_the_middle():
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    assert data.crop(image, 2).numpy().ravel().tolist() == [5, 6, 9, 10]


def test_pad_and_crop_refuse_the_other_direction():
    image = np.zeros((1, 4, 4, 1), np.uint8)
    with pytest.raises(ValueError, match="4x4 and size=2"):
        data.pad(image, 2)
    with pytest.raises(ValueError, match="4x4 and size=8"):
        data.crop(image, 8)


def test_resize_does_not_alias():
    stripes = np.zeros((1, 64, 64, 1), np.uint8)
    stripes[:, ::3] = 255
    small = data.resize(stripes, 16).numpy()
    assert small.dtype == np.uint8
    # A third of the rows is white. A filter of four rows sees none or two.
    assert np.abs(small[:, 2:-2].astype(int) - 85).max() < 6


def test_resize_stays_in_range():
    image = np.full((1, 8, 8, 1), -1.0, np.float32)
    image[:, 3:5] = 1.0
    large = data.resize(image, 20).numpy()
    assert large.min() == -1.0 and large.max() == 1.0


def test_grid_places_every_image():
    images = np.stack([np.full((2, 3, 1), i, np.uint8) for i in range(5)])
    canvas = data.grid(images, columns=3, gap=1)
    assert canvas.shape == (5, 11, 1)
    assert [canvas[0, 0, 0], canvas[0, 4, 0], canvas[3, 4, 0]] == [0, 1, 4]
    # The gap and the place of the missing sixth image.
    assert canvas[2, 0, 0] == 255 and canvas[4, 10, 0] == 255


def test_grid_converts_floats():
    assert data.grid(np.float32([[[[-1.0]]]]), 8).tolist() == [[[0]]]


@pytest.mark.parametrize("shape", [(0, 2, 2, 1), (2, 2, 1)])
def test_grid_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="Received: shape"):
        data.grid(np.zeros(shape, np.uint8), 2)


def test_save_png_writes_what_it_got(tmp_path):
    for channels in (1, 3):
        image = np.random.RandomState(0).randint(
            0, 256, (4, 5, channels), np.uint8
        )
        path = tmp_path / "new" / f"{channels}.png"
        data.save_png(path, image)
        read = np.asarray(Image.open(path)).reshape(image.shape)
        np.testing.assert_array_equal(read, image)


def test_save_png_refuses_a_batch(tmp_path):
    with pytest.raises(ValueError, match=r"Received: shape=\(1, 4, 4, 3\)"):
        data.save_png(tmp_path / "x.png", np.zeros((1, 4, 4, 3), np.uint8))


@pytest.mark.parametrize(
    "images",
    [
        batch(),
        batch().astype(np.float64),
        tf.cast(batch(), tf.bfloat16),
        batch(-1.0005, 1.0005),
        # Pale images, such as pencil drawings, have no dark value.
        batch(0.4, 1.0),
        np.ones((1, 8, 8, 3), np.float32),
    ],
    ids=["float32", "float64", "bfloat16", "rounding", "pale", "white"],
)
def test_check_images_lets_good_batches_pass(images):
    data.check_images(images, (8, 8, 3))
    data.check_images(images, (None, None, 3))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 8, 8, 3), np.uint8), "dtype=uint8.*to_float"),
        (batch(0, 255), "from 0 to 255.*looks like 0..255"),
        (batch(0, 1), r"from 0 to 1.*looks like \[0, 1\].*2 \* images - 1"),
        (batch(0.02, 0.99), r"looks like \[0, 1\]"),
        (batch(-3, 3), "from -3 to 3.*do not standardize"),
        (batch(-1.01, 1), r"from -1.01 to 1"),
        (np.full((4, 8, 8, 3), np.nan, np.float32), "768 of 768"),
        (np.full((4, 8, 8, 3), np.inf, np.float32), "NaN or infinite"),
        (batch()[0], r"rank 4.*shape=\(8, 8, 3\).*batch the dataset"),
        (batch()[None], r"shape=\(1, 4, 8, 8, 3\)"),
        (batch(shape=(4, 3, 8, 8)), "transpose"),
        (batch(shape=(4, 8, 8, 1)), "from 1 to 3 channels"),
        (batch(shape=(4, 16, 16, 3)), r"shape=\(4, 16, 16, 3\).*Resize"),
        (np.zeros((0, 8, 8, 3), np.float32), "at least one image"),
        ([[1.0]], "Received: list"),
    ],
)
def test_check_images_refuses(images, message):
    with pytest.raises(ValueError, match=message):
        data.check_images(images, (8, 8, 3))


def test_check_images_names_the_batch():
    with pytest.raises(ValueError, match="`targets` must"):
        data.check_images(batch(0, 255), (8, 8, 3), "targets")


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_check_labels_lets_good_labels_pass(dtype):
    data.check_labels(np.array([0, 9, 3], dtype), 10)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.float32([0, 1]), "dtype=float32"),
        (np.eye(3, dtype=np.int32), r"one for each image.*argmax"),
        (np.int32([0, 3]), "0..2.*from 0 to 3"),
        (np.int32([-1, 2]), "from -1 to 2"),
        (np.int32([1, 3]), "from 1 to 3.*subtract 1"),
        (np.array(["a"]), "dtype=string"),
    ],
)
def test_check_labels_refuses(labels, message):
    with pytest.raises(ValueError, match=message):
        data.check_labels(labels, 3)


@pytest.mark.parametrize(
    "captions",
    [
        np.array(["a cat", "ein Hund"]),
        tf.constant(["a cat"]),
        np.array([b"a cat"], object),
        np.ones((2, 4), np.float32),
    ],
)
def test_check_captions_lets_good_captions_pass(captions):
    data.check_captions(captions)


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        (np.array(["a cat", " "]), "1 empty of 2, the first at 1"),
        (np.array([["a cat"]]), r"shape=\(1, 1\)"),
        (np.ones(3, np.float32), r"rank 2.*shape=\(3,\)"),
        (np.full((1, 2), np.nan, np.float32), "NaN"),
        (np.int32([1]), "dtype=int32"),
    ],
)
def test_check_captions_refuses(captions, message):
    with pytest.raises(ValueError, match=message):
        data.check_captions(captions)


def test_check_same_length():
    data.check_same_length(batch(), np.zeros(4), ("a", "b"))
    with pytest.raises(ValueError, match="`a` and `b`.*Received: 4 and 3"):
        data.check_same_length(batch(), np.zeros(3), ("a", "b"))


@pytest.mark.parametrize(
    ("shape", "multiple", "at_least", "padded"),
    [
        ((2, 200, 100, 3), 64, 64, (2, 256, 128, 3)),
        ((1, 64, 128, 1), 64, 64, (1, 64, 128, 1)),
        ((1, 3, 5, 3), 4, 8, (1, 8, 8, 3)),
        ((1, 1, 1, 4), 256, 256, (1, 256, 256, 4)),
    ],
)
def test_padding_to_a_multiple_is_undone_by_crop(
    shape, multiple, at_least, padded
):
    images = np.random.RandomState(0).randint(0, 256, shape, np.uint8)
    larger = data.pad_to_multiple(images, multiple, at_least)
    assert larger.shape == padded and larger.dtype == np.uint8
    np.testing.assert_array_equal(data.crop(larger, shape[1:3]), images)
    # Edges are mirrored: no level that is not in the image.
    assert set(np.unique(larger)) == set(np.unique(images))


def test_rectangles():
    images = np.random.RandomState(0).randint(0, 256, (2, 8, 6, 3), np.uint8)
    assert data.resize(images, (4, 3)).shape == (2, 4, 3, 3)
    larger = data.pad(images, (9, 8))
    assert larger.shape == (2, 9, 8, 3)
    np.testing.assert_array_equal(data.crop(larger, (8, 6)), images)
    with pytest.raises(ValueError, match=r"8x6 and size=\(8, 7\)"):
        data.crop(images, (8, 7))


def test_other_channels_do_not_name_an_argument():
    with pytest.raises(ValueError, match="or build the model for 3.$"):
        data.check_images(np.zeros((2, 8, 8, 3), "float32") - 1, (8, 8, 1))
