"""Samples of a model as files: a grid of images, or lines of text or numbers.

Channels that are no color (of images with 2 channels, or 5) are shown in grey
beside each other.

What a sample is follows from the task (`kerasgan.tasks`); nothing else in
kerasgan needs to know when it only writes samples or compares them.
"""

import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image

from kerasgan import data
from kerasgan.tasks import TASKS

COLUMNS = 8


def write(path, samples, task, columns=COLUMNS):
    """Writes samples to one file.

    Args:
        path: str or path, which ends in `TASKS[task].suffix`; of images
            also in another suffix of `save_image`.
        samples: uint8 images `(n, height, width, channels)`, or a sequence of
            str for a task of text, or an array `(n, dimensions)` of points.
        task: str. A key of `TASKS`.
        columns: int. Images in a row of the grid. Defaults to `8`.
    """
    if TASKS[task].output != "images":
        text = "".join(f"{line}\n" for line in _lines(samples))
        pathlib.Path(path).write_text(text, "utf-8")
    else:
        save_image(path, _grid(samples, columns))


def save_image(path, image):
    """Writes one image in the format of the file's suffix.

    Args:
        path: str or path, which ends in `.png`, `.webp` (both without loss),
            `.jpg` or `.jpeg`.
        image: uint8 array `(height, width, channels)`, 1 or 3 channels.

    Raises:
        ValueError: If `image` is not such an array.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if suffix == ".png":
        data.save_png(path, image)
        return
    image = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    if suffix == ".webp":
        image.save(path, lossless=True)
    else:
        image.save(path, quality=95)


def matches(path, samples, task, columns=COLUMNS):
    """Returns whether a file shows these samples.

    Args:
        path: str or path of a file that `write` made.
        samples: See `write`.
        task: See `write`.
        columns: See `write`.

    Returns:
        bool. Text must be equal; pixels may differ by one grey level and
        points a little, because processors round differently.
    """
    if TASKS[task].output == "points":
        found = np.loadtxt(path, ndmin=2)
        return found.shape == np.shape(samples) and np.allclose(
            found, samples, rtol=1e-3, atol=1e-3
        )
    if TASKS[task].output == "text":
        text = pathlib.Path(path).read_text("utf-8")
        return text.splitlines() == _lines(samples)
    expected = _grid(samples, columns).astype(int)
    with Image.open(path) as image:
        found = np.asarray(image)
    return found.size == expected.size and (
        np.abs(found.reshape(expected.shape) - expected).max() <= 1
    )


def summarize(samples, task, columns=COLUMNS):
    """Writes samples to the default `tf.summary` writer, under `samples`.

    Args:
        samples: See `write`.
        task: See `write`.
        columns: See `write`.
    """
    if TASKS[task].output != "images":
        tf.summary.text("samples", _lines(samples))
    else:
        tf.summary.image("samples", _grid(samples, columns)[None])


def _grid(samples, columns):
    """Returns images as one that a PNG file can hold."""
    samples = np.asarray(samples)
    if samples.shape[-1] not in (1, 3, 4):
        samples = np.concatenate(
            np.split(samples, samples.shape[-1], axis=-1), axis=2
        )
    return data.grid(samples, columns)


def _lines(samples):
    """Returns one line of each sample, a text or the numbers of a point."""
    if isinstance(samples, np.ndarray):
        return [" ".join(f"{value:.6g}" for value in row) for row in samples]
    return [" ".join(text.splitlines()) for text in samples]
