"""Fréchet distance of folders of images and of stored statistics.

Follows pytorch-fid's command: images are those directly in the folder, at
their own size and in color, and `.npz` files of either program are read by
the other. For its numbers, load Inception with `resizer="pytorch_fid"`.
"""

import pathlib

import numpy as np
from PIL import Image

from kerasgan.metrics.frechet import FeatureStatistics, FrechetDistance
from kerasgan.metrics.protocols import check_count

SUFFIXES = (
    ".bmp",
    ".jpeg",
    ".jpg",
    ".pgm",
    ".png",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)


def fid(path_a, path_b, features, batch_size=50, insist=False):
    """Returns the Fréchet distance between two sets of images.

    Args:
        path_a: str or path. A folder of images, or an `.npz` file with
            their statistics.
        path_b: Like `path_a`.
        features: `FeatureNetwork`. The statistics must come from the same
            one, which their files do not tell.
        batch_size: int. Images at a time. Defaults to `50`.
        insist: bool. Allows fewer images than features.
            Defaults to `False`.

    Returns:
        float.

    Raises:
        OSError: If a path is neither, or an image is broken.
        ValueError: If there are fewer images than features.
    """
    sides = []
    for path in (path_a, path_b):
        statistics = _statistics(path, features, batch_size)
        if statistics.count is not None:
            check_count(statistics.count, features, insist)
        sides.append(statistics)
    return sides[0].distance(sides[1])


def stats(folder, output, features, batch_size=50):
    """Writes the statistics of a folder of images.

    Args:
        folder: str or path. Holds images.
        output: str or path. The `.npz` file; `fid` and pytorch-fid read it.
        features: `FeatureNetwork`.
        batch_size: int. Images at a time. Defaults to `50`.

    Returns:
        `FeatureStatistics`, as written.

    Raises:
        OSError: If there is no such folder, or an image is broken.
        ValueError: If there are fewer than two images.
    """
    statistics = _of_folder(pathlib.Path(folder), features, batch_size)
    statistics.save(output)
    return statistics


def _statistics(path, features, batch_size):
    path = pathlib.Path(path)
    if path.is_dir():
        return _of_folder(path, features, batch_size)
    if path.suffix != ".npz":
        raise FileNotFoundError(
            f"{path} is neither a folder of images nor an .npz file."
        )
    statistics = FeatureStatistics.load(path)
    if statistics.mean.shape != (features.num_features,):
        raise ValueError(
            f"{path} must hold statistics of {features.num_features} "
            f"features, as {features.name} has. "
            f"Received: mu of shape {statistics.mean.shape}"
        )
    return statistics


def _of_folder(folder, features, batch_size):
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if len(paths) < 2:
        raise ValueError(
            f"{folder} must hold at least two images "
            f"({', '.join(SUFFIXES)}). Received: {len(paths)}"
        )
    metric = FrechetDistance(features)
    mode = "L" if features.image_shape[2] == 1 else "RGB"
    for batch in _batches(paths, mode, batch_size):
        metric.update_state(real_images=batch)
    return metric.statistics("real")


def _batches(paths, mode, batch_size):
    """Yields images in batches of one size each."""
    waiting = []
    for path in paths:
        try:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert(mode))
        except (OSError, ValueError, SyntaxError) as error:
            raise OSError(f"{path} is a broken image: {error}") from None
        if mode == "L":
            pixels = pixels[:, :, None]
        full = len(waiting) == batch_size
        if waiting and (full or waiting[0].shape != pixels.shape):
            yield np.stack(waiting)
            waiting = []
        waiting.append(pixels)
    yield np.stack(waiting)
