import numpy as np
import pytest
from PIL import Image

from kerasgan.metrics import resize


def slow_tf2015(image, height, width):
    """TensorFlow 1's rule, pixel by pixel."""
    rows, columns, _ = image.shape
    result = np.zeros((height, width, image.shape[2]))
    for y in range(height):
        for x in range(width):
            # No half: the first pixels of both images coincide.
            top, left = y * rows / height, x * columns / width
            y0, x0 = int(top), int(left)
            y1, x1 = min(y0 + 1, rows - 1), min(x0 + 1, columns - 1)
            down, right = top - y0, left - x0
            upper = image[y0, x0] * (1 - right) + image[y0, x1] * right
            lower = image[y1, x0] * (1 - right) + image[y1, x1] * right
            result[y, x] = upper * (1 - down) + lower * down
    return result


SIZES = [(8, 8), (5, 9), (20, 20), (40, 13)]


@pytest.mark.parametrize("size", SIZES)
def test_tf2015_is_the_rule_of_the_graph(size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    found = resize.tf2015(image[None], 17, 15)[0]
    expected = slow_tf2015(image.astype(float), 17, 15)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_clean_is_pillow_on_floats(size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    found = resize.clean(image[None], 17, 15)[0]
    channels = [
        Image.fromarray(image[:, :, channel].astype("float32")).resize(
            (15, 17), Image.Resampling.BICUBIC
        )
        for channel in range(3)
    ]
    expected = np.stack([np.asarray(one) for one in channels], axis=2)
    np.testing.assert_allclose(found, expected.clip(0, 255), atol=2e-3)


def test_clean_stays_in_range():
    board = np.zeros((1, 9, 9, 1), np.uint8)
    board[:, 4:] = 255
    found = resize.clean(board, 40, 40).numpy()
    assert found.min() == 0.0
    assert found.max() == 255.0


def test_pytorch_fid_scale():
    # After (x - 128) / 128, 0 is -1 and 255 is exactly 1.
    images = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    found = (resize.pytorch_fid(images, 4, 4) - 128.0) / 128.0
    np.testing.assert_allclose(found[:, 0, 0, 0], [-1.0, 1.0], atol=1e-6)


@pytest.mark.parametrize("name", list(resize.RESIZERS))
def test_same_size_keeps_pixels(name):
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), np.uint8)
    found = resize.get(name)(images, 8, 8)
    scale = 256 / 255 if name == "pytorch_fid" else 1.0
    np.testing.assert_allclose(found, images * scale, atol=1e-3)
    assert found.dtype == "float32"


def test_no_name_is_no_resizer():
    assert resize.get(None) is None
