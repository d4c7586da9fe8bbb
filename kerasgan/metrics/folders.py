"""Fréchet distance of folders of images and of stored statistics.

Follows pytorch-fid's command: images are those directly in the folder, at
their own size and in color, and `.npz` files of either program are read by
the other. For its numbers, load Inception with `resizer="pytorch_fid"`.

pytorch-fid reads some files otherwise than training does. `original_images`
reads as it does, and names such files in a warning; `training_images` reads as
`kerasgan.data` does.
"""

import collections
import pathlib
import warnings

import numpy as np
from PIL import ExifTags, Image

from kerasgan.data import folder as training
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


def original_images(folder, channels):
    """Reads a folder as pytorch-fid does.

    Alpha is dropped, levels of 16 bits are clipped to 255, the orientation of
    a camera is ignored, and so are sub-folders. A warning counts the files to
    which this happens.

    Args:
        folder: str or path.
        channels: int. 1 or 3.

    Returns:
        Iterator of uint8 arrays `(height, width, channels)`.

    Raises:
        OSError: If there is no such folder, or, on the way, an image is
            broken.
        ValueError: If there are fewer than two images.
    """
    return _original(pathlib.Path(folder), find(folder), channels)


def training_images(folder, channels, size=None):
    """Reads a folder as `kerasgan.data` does, sub-folders and all.

    Args:
        folder: str or path.
        channels: int. 1 or 3.
        size: int, pair of height and width, or `None`. What training crops
            and resizes to. Defaults to the images' own size.

    Returns:
        See `original_images`.

    Raises:
        See `original_images`.
    """
    folder = _existing(folder)
    paths = training.each_once(training.find_images(folder))
    _check_count(folder, paths)
    if size is None:
        return (training.read_upright(path, channels) for path in paths)
    return (training.decode(path, size, channels) for path in paths)


def fid(
    path_a,
    path_b,
    features,
    batch_size=50,
    insist=False,
    images=original_images,
):
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
        images: Callable from a folder and a number of channels to an iterator
            of images. Defaults to `original_images`.

    Returns:
        float.

    Raises:
        OSError: If a path is neither, or an image is broken.
        ValueError: If there are fewer images than features.
    """
    sides = []
    for path in (path_a, path_b):
        statistics = _statistics(path, features, batch_size, images)
        if statistics.count is not None:
            check_count(statistics.count, features, insist)
        sides.append(statistics)
    return sides[0].distance(sides[1])


def stats(folder, output, features, batch_size=50, images=original_images):
    """Writes the statistics of a folder of images.

    Args:
        folder: str or path. Holds images.
        output: str or path. The `.npz` file; `fid` and pytorch-fid read it.
        features: `FeatureNetwork`.
        batch_size: int. Images at a time. Defaults to `50`.
        images: See `fid`.

    Returns:
        `FeatureStatistics`, as written.

    Raises:
        OSError: If there is no such folder, or an image is broken.
        ValueError: If there are fewer than two images.
    """
    statistics = _of_folder(folder, features, batch_size, images)
    statistics.save(output)
    return statistics


def _statistics(path, features, batch_size, images):
    path = pathlib.Path(path)
    if path.is_dir():
        return _of_folder(path, features, batch_size, images)
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


def _of_folder(folder, features, batch_size, images):
    metric = FrechetDistance(features)
    found = images(folder, 1 if features.image_shape[2] == 1 else 3)
    for batch in _batches(found, batch_size):
        _check_size(batch.shape[1:3], features, folder)
        metric.update_state(real_images=batch)
    return metric.statistics("real")


def _check_size(size, features, folder):
    height, width, _ = features.image_shape
    if features.resizer is None and size != (height, width):
        raise ValueError(
            f"The features {features.name!r} are of images of "
            f"{height}x{width}, and {folder} has one of {size[0]}x{size[1]}. "
            f"`--as-trained --size {height}`, or `images=training_images`, "
            "reads all at that size; so does `kerasgan compare A B`."
        )


def find(folder):
    """Returns the images directly in a folder.

    Args:
        folder: str or path.

    Returns:
        List of `pathlib.Path`, sorted.

    Raises:
        OSError: If there is no such folder.
        ValueError: If there are fewer than two images.
    """
    folder = _existing(folder)
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    _check_count(folder, paths)
    return paths


def _existing(folder):
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    return folder


def _check_count(folder, paths):
    if len(paths) < 2:
        raise ValueError(
            f"{folder} must hold at least two images "
            f"({', '.join(SUFFIXES)}). Received: {len(paths)}"
        )


def _original(folder, paths, channels):
    mode = "L" if channels == 1 else "RGB"
    otherwise = collections.defaultdict(list)
    for path in paths:
        try:
            with Image.open(path) as image, warnings.catch_warnings():
                # Pillow's own, of palettes with alpha.
                warnings.simplefilter("ignore", UserWarning)
                for kind in _differences(image):
                    otherwise[kind].append(path.name)
                pixels = np.asarray(image.convert(mode))
        except (OSError, ValueError, SyntaxError) as error:
            raise OSError(f"{path} is a broken image: {error}") from None
        yield pixels[:, :, None] if mode == "L" else pixels
    known, read = set(training.suffixes()), set(paths)
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in known and path not in read:
            otherwise["left out"].append(str(path.relative_to(folder)))
    if otherwise:
        warnings.warn(
            f"Training reads these files of {folder} otherwise: "
            + "; ".join(f"{k}, {_some(n)}" for k, n in otherwise.items())
            + ". `--as-trained`, or `images=training_images`, reads them as "
            "training does.",
            stacklevel=2,
        )


def _differences(image):
    """Yields what training respects in an image and pytorch-fid does not."""
    if image.has_transparency_data:
        yield "alpha dropped"
    if image.mode.startswith("I"):
        yield "16 bits clipped to 8"
    if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        yield "not turned upright"


def _some(names, most=3):
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _batches(images, batch_size):
    """Yields images in batches of one size each."""
    waiting = []
    for pixels in images:
        full = len(waiting) == batch_size
        if waiting and (full or waiting[0].shape != pixels.shape):
            yield np.stack(waiting)
            waiting = []
        waiting.append(pixels)
    yield np.stack(waiting)
