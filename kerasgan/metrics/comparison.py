"""All scores of two sets of images, with defaults that fit their number.

Protocols (`protocols.py`) fix everything, for numbers that compare between
papers. Here the numbers of images are whatever there is, down to two, and what
few images allow follows from them. Folders are read as training reads them
(`kerasgan.data.folder`), both at one size.
"""

import pathlib

import numpy as np

from kerasgan import data
from kerasgan.data import folder, sources
from kerasgan.metrics import base
from kerasgan.metrics.frechet import FeatureStatistics
from kerasgan.metrics.inception_score import inception_score
from kerasgan.metrics.kernel import kernel_distance
from kerasgan.metrics.precision_recall import (
    density_coverage,
    precision_recall,
)
from kerasgan.metrics.sliced_wasserstein import mean_distance

# Images of a side that are compared pair by pair; of more, a random subset.
CAPACITY = 10_000
# The same of the sliced Wasserstein distance, which takes seconds.
PATCHED = 512
SUBSET = 1000
# Images in each part of an Inception Score, at least; at most ten parts.
PART = 500


def check_source(path):
    """Refuses what is no set of images, before a network is loaded.

    Args:
        path: str or path. A folder of images, with its sub-folders, or an
            `.npz` file with an array `images` (or `arr_0`), uint8 `(n, height,
            width, channels)`, as `kerasgan generate -o x.npz` writes it.

    Returns:
        List of paths, or the array.

    Raises:
        OSError: If there is no such folder or file.
        ValueError: If there are fewer than two images.
    """
    path = pathlib.Path(path)
    if path.suffix == ".npz" and not path.is_dir():
        images = _array(path)
    else:
        images = folder.each_once(folder.find_images(path))
    if len(images) < 2:
        raise ValueError(
            f"{path} must hold at least two images. Received: {len(images)}"
        )
    return images


def common_size(*sets):
    """Returns the size of the first set whose images all have one.

    Args:
        *sets: What `check_source` returns.

    Returns:
        Pair of height and width, or `None` if every set has several.
    """
    for images in sets:
        if isinstance(images, np.ndarray):
            return images.shape[1:3]
        sizes = set()
        for path in images:
            sizes.add(folder.upright_size(path))
            sizes.discard(None)
            if len(sizes) > 1:
                break
        if len(sizes) == 1:
            return sizes.pop()
    return None


def compare(
    reference, generated, size, fit="crop", features=None, batch_size=50
):
    """Returns the scores of generated images against others.

    Args:
        reference: What `check_source` returns: real images.
        generated: Like `reference`; the number may differ.
        size: int, or pair of height and width, that both are read at.
        fit: str. What becomes of other shapes; see `data.images`. Defaults to
            `"crop"`.
        features: `FeatureNetwork` or `None`. Without one there is the sliced
            Wasserstein distance alone. Defaults to none.
        batch_size: int. Images at a time. Defaults to `50`.

    Returns:
        dict. `images_a` and `images_b` count; `swd` is the mean sliced
        Wasserstein distance of at most 512 images of each, in thousandths; the
        Fréchet distance is `None` of fewer images than features, where it is
        far too high; the kernel distance is of subsets of at most 1,000
        images; the Inception Score of the generated images is of at most ten
        parts of at least 500, and `None` of features without classes.

    Raises:
        ValueError: If fewer than two images of a side can be read.
    """
    channels = features.image_shape[2] if features else 3
    sides = [
        _read(source, size, channels, fit) for source in (reference, generated)
    ]
    if min(map(len, sides)) < 2:
        raise ValueError(
            "At least two images of each set must be readable. Received: "
            f"{len(sides[0])} and {len(sides[1])}"
        )
    scores = {
        "images_a": len(sides[0]),
        "images_b": len(sides[1]),
        "swd": mean_distance(*(_subset(side, PATCHED) for side in sides)),
    }
    if features is None:
        return scores
    found, probabilities = zip(
        *(_features(side, features, batch_size) for side in sides), strict=True
    )
    return scores | _over_features(found, probabilities[1], features)


def _array(path):
    with np.load(path, allow_pickle=False) as file:
        names = [name for name in ("images", "arr_0") if name in file.files]
        images = file[names[0]] if names else None
        found = ", ".join(file.files)
    if images is None or images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(
            "Two sets are compared image by image: an .npz file must hold an "
            "array `images`, uint8 (n, height, width, channels). Statistics "
            f"are for `kerasgan fid`. Received: {path} with {found}"
        )
    return images


def _read(source, size, channels, fit):
    """Returns a set as one uint8 array, read as in training."""
    if isinstance(source, np.ndarray):
        nothing = None  # Neither split, broken files nor folder of data sets.
        return sources.images(source, size, channels, fit, *[nothing] * 3)
    return folder.read_images(source, size, channels, True, fit)[0]


def _features(images, network, batch_size):
    """Returns features and probabilities of all images."""
    rows = []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        if network.resizer is None:
            batch = data.resize(batch, network.image_shape[:2])
        rows.append(network.both(batch))
    return [np.concatenate(part) for part in zip(*rows, strict=True)]


def _over_features(sides, probabilities, features):
    scores = {}
    smaller = min(map(len, sides))
    name = base.metric_name("fd", "fid", features)
    scores[name] = None
    if smaller >= features.num_features:
        first, second = map(FeatureStatistics.from_features, sides)
        scores[name] = first.distance(second)
    first, second = (_subset(side, CAPACITY) for side in sides)
    smaller = min(len(first), len(second))
    name = base.metric_name("kd", "kid", features)
    size = min(SUBSET, smaller)
    scores[name] = kernel_distance(first, second, subset_size=size)[0]
    scores[f"{name}_subset_size"] = size
    name = base.metric_name("is", "is", features)
    scores[f"{name}_b"] = None
    if len(features.attributes) <= 1:
        splits = min(10, max(1, len(probabilities) // PART))
        scores[f"{name}_b"] = inception_score(probabilities, splits)[0]
        scores[f"{name}_splits"] = splits
    pairs = precision_recall(first, second, min(3, smaller - 1))
    pairs += density_coverage(first, second, min(5, smaller - 1))
    names = ("precision", "recall", "density", "coverage")
    return scores | dict(zip(names, pairs, strict=True))


def _subset(rows, most):
    if len(rows) <= most:
        return rows
    chosen = np.random.RandomState(0).choice(len(rows), most, replace=False)
    return rows[chosen]
