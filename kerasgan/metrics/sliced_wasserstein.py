"""Sliced Wasserstein distance between the patches of two sets of images.

Karras, Aila, Laine and Lehtinen, "Progressive Growing of GANs", 2018,
section 5. https://arxiv.org/abs/1710.10196

Each image is decomposed into a Laplacian pyramid; at every level the 7x7
patches of real and of generated images are projected onto many random
directions, and the sorted projections are compared. Fine levels measure
texture, the coarsest shape. No network is needed.

Difference from the authors' code: patches of both sets are taken at the same
random positions, so that a set has the distance zero to itself.
"""

import math

import keras
import numpy as np
import tensorflow as tf

from kerasgan.data.pixels import resize_many
from kerasgan.metrics import base

PATCH = 7
PATCHES_PER_IMAGE = 128
DIRECTIONS = 512
COARSEST = 16
# The paper gives all values times a thousand.
UNIT = 1e3
_KERNEL = np.array([1, 4, 6, 4, 1]) / 16


def sliced_wasserstein(images_a, images_b, seed=0):
    """Returns the distance at every level of the pyramid.

    Args:
        images_a: uint8 array `(images, size, size, channels)`; the size is
            16 times a power of two.
        images_b: Like `images_a`, as many images.
        seed: int. Of positions and directions. Defaults to `0`.

    Returns:
        dict of the level's size to float, from the finest to 16, in
        thousandths.

    Raises:
        ValueError: If shapes differ or do not fit.

    Reference:
        [Karras et al., 2018](https://arxiv.org/abs/1710.10196), section 5.
    """
    images_a, images_b = np.asarray(images_a), np.asarray(images_b)
    shape = images_a.shape
    if shape != images_b.shape or len(shape) != 4 or len(images_a) < 1:
        raise ValueError(
            "Both sets must have the same shape (images, size, size, "
            f"channels). Received: {shape} and {images_b.shape}"
        )
    _check_size(*shape[1:3])
    random = np.random.default_rng(seed)
    pyramids = zip(_pyramid(images_a), _pyramid(images_b), strict=True)
    distances = {}
    for level_a, level_b in pyramids:
        size = level_a.shape[1]
        places = random.integers(
            0, size - PATCH + 1, (len(level_a), PATCHES_PER_IMAGE, 2)
        )
        a = _normalized(_patches(level_a, places))
        b = _normalized(_patches(level_b, places))
        directions = random.normal(size=(a.shape[1], DIRECTIONS))
        directions /= np.linalg.norm(directions, axis=0)
        # Some at a time: products of matrices are faster than of vectors.
        parts = np.split(directions.T, DIRECTIONS // 32)
        distances[size] = UNIT * float(
            np.mean(
                [
                    np.abs(np.sort(part @ a.T) - np.sort(part @ b.T)).mean()
                    for part in parts
                ]
            )
        )
    return distances


def mean_distance(images_a, images_b, largest=64):
    """Returns the mean of the distances, of images of any size.

    Args:
        images_a: uint8 array `(images, height, width, channels)`. Resized to
            a square of 16 times a power of two, as large as fits.
        images_b: Like `images_a`; of more images, the first are used.
        largest: int. Height and width at most. Defaults to `64`.

    Returns:
        float, in thousandths.
    """
    count = min(len(images_a), len(images_b))
    side = min(*images_a.shape[1:3], largest)
    side = 2 ** max(4, int(math.log2(side)))
    levels = sliced_wasserstein(
        *(resize_many(images[:count], side) for images in (images_a, images_b))
    )
    return sum(levels.values()) / len(levels)


def _check_size(height, width):
    ratio = height // COARSEST
    if height != width or height % COARSEST or ratio & (ratio - 1) or not ratio:
        raise ValueError(
            "Images must be square and 16 times a power of two, because "
            "each level of the pyramid halves them down to 16. Received: "
            f"images of {height}x{width}"
        )


def _pyramid(images):
    """Yields the differences between sizes, and the smallest image."""
    images = images.astype(np.float64)
    while images.shape[1] > COARSEST:
        smaller = _smooth(images)[:, ::2, ::2]
        larger = np.zeros_like(images)
        larger[:, ::2, ::2] = smaller
        yield images - 4.0 * _smooth(larger)
        images = smaller
    yield images


def _smooth(images):
    for axis in (1, 2):
        margins = [(0, 0)] * 4
        margins[axis] = (2, 2)
        padded = np.pad(images, margins, mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 5, axis)
        images = windows @ _KERNEL
    return images


def _patches(level, places):
    """Returns `(images * patches, 7, 7, channels)`."""
    windows = np.lib.stride_tricks.sliding_window_view(
        level, (PATCH, PATCH), (1, 2)
    )
    index = np.arange(len(level))[:, None]
    found = windows[index, places[..., 0], places[..., 1]]
    # [images, patches, channels, 7, 7] to one row of patches.
    return found.reshape(-1, *found.shape[2:]).transpose(0, 2, 3, 1)


def _normalized(patches):
    """Each channel with mean 0 and variance 1 over the whole set, flat."""
    mean = patches.mean(axis=(0, 1, 2))
    stddev = patches.std(axis=(0, 1, 2))
    # A constant channel has no variance, and becomes zero everywhere.
    stddev = np.where(stddev > 1e-9, stddev, 1.0)
    return ((patches - mean) / stddev).reshape(len(patches), -1)


class SlicedWasserstein(keras.metrics.Metric):
    """Sliced Wasserstein distance of real and generated images.

    Keeps a random subset of bounded size of either side (`base.Reservoir`)
    as uint8 images, `2 * capacity * height * width * channels` bytes, and
    compares as many of both at the end.

    Args:
        image_shape: Tuple `(size, size, channels)`; the size is 16 times a
            power of two.
        capacity: int. Images kept of each side. Defaults to `2048`.
        name: str. Defaults to `"swd"`.

    `update_state` arguments:
        real_images: uint8 tensor `(batch, *image_shape)` or None.
        fake_images: Like `real_images`; the counts may differ.

    Result:
        float64 scalar, the mean over the levels, in thousandths; `score`
        gives them one by one.

    Reference:
        [Karras et al., 2018](https://arxiv.org/abs/1710.10196), section 5.
    """

    def __init__(self, image_shape, capacity=2048, name="swd"):
        super().__init__(name=name)
        _check_size(*image_shape[:2])
        shape = tuple(image_shape)
        self.real = base.Reservoir(self, "real", capacity, shape, "uint8")
        self.fake = base.Reservoir(self, "fake", capacity, shape, "uint8")

    def update_state(self, real_images=None, fake_images=None):
        for side, images in (
            (self.real, real_images),
            (self.fake, fake_images),
        ):
            if images is not None:
                side.add(images)

    def score(self):
        """Returns the distance at every level.

        Returns:
            dict of the level's size to float, in thousandths.

        Raises:
            ValueError: If a side has no images.
        """
        real, fake = self.real.result(), self.fake.result()
        count = min(len(real), len(fake))
        if not count:
            raise ValueError(
                "Both sides need images. Received: "
                f"{len(real)} real, {len(fake)} generated"
            )
        return sliced_wasserstein(real[:count], fake[:count])

    def result(self):
        levels = self.score().values()
        return tf.constant(sum(levels) / len(levels), tf.float64)
