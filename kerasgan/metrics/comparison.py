"""All scores of two sets of images, with defaults that fit their number.

Protocols (`protocols.py`) fix everything, for numbers that compare between
papers. Here the numbers of images are whatever there is, down to two, and what
few images allow follows from them.
"""

import pathlib

import numpy as np

from kerasgan.metrics import base, folders
from kerasgan.metrics.frechet import FeatureStatistics
from kerasgan.metrics.inception_score import inception_score
from kerasgan.metrics.kernel import kernel_distance
from kerasgan.metrics.precision_recall import (
    density_coverage,
    precision_recall,
)

# Images of a side that are compared pair by pair; of more, a random subset.
CAPACITY = 10_000
SUBSET = 1000
# Images in each part of an Inception Score, at least; at most ten parts.
PART = 500


def check_source(path):
    """Refuses what is no set of images, before a network is loaded.

    Args:
        path: str or path. A folder of images, or an `.npz` file with an array
            `images` (or `arr_0`), uint8 `(n, height, width, channels)`, as
            `kerasgan generate -o x.npz` writes it.

    Returns:
        List of paths, or the array.

    Raises:
        OSError: If there is no such folder or file.
        ValueError: If there are fewer than two images.
    """
    path = pathlib.Path(path)
    if path.suffix != ".npz":
        return folders.find(path)
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
    if len(images) < 2:
        raise ValueError(
            f"{path} must hold at least two images. Received: {len(images)}"
        )
    return images


def compare(reference, generated, features, batch_size=50):
    """Returns the scores of generated images against others.

    Args:
        reference: What `check_source` returns: real images.
        generated: Like `reference`; the number may differ.
        features: `FeatureNetwork`.
        batch_size: int. Images at a time. Defaults to `50`.

    Returns:
        dict of names to numbers. `images_a` and `images_b` count; the Fréchet
        distance is `None` of fewer images than features, where it is far too
        high; the kernel distance is of subsets of at most 1,000 images, and
        the Inception Score, where the features have classes, of at most ten
        parts of at least 500.

    Raises:
        OSError: If an image is broken.
    """
    sides, probabilities = [], None
    for source in (reference, generated):
        rows = [
            features.both(batch)
            for batch in folders.batches(source, features, batch_size)
        ]
        sides.append(np.concatenate([f.numpy() for f, _ in rows]))
        probabilities = np.concatenate([p.numpy() for _, p in rows])
    smaller = min(map(len, sides))
    scores = {"images_a": len(sides[0]), "images_b": len(sides[1])}
    name = base.metric_name("fd", "fid", features)
    scores[name] = None
    if smaller >= features.num_features:
        first, second = map(FeatureStatistics.from_features, sides)
        scores[name] = first.distance(second)
    first, second = map(_subset, sides)
    smaller = min(len(first), len(second))
    name = base.metric_name("kd", "kid", features)
    size = min(SUBSET, smaller)
    scores[name] = kernel_distance(first, second, subset_size=size)[0]
    scores[f"{name}_subset_size"] = size
    k, density_k = min(3, smaller - 1), min(5, smaller - 1)
    pairs = precision_recall(first, second, k)
    pairs += density_coverage(first, second, density_k)
    names = ("precision", "recall", "density", "coverage")
    scores.update(zip(names, pairs, strict=True))
    if len(features.attributes) <= 1:
        name = base.metric_name("is", "is", features)
        splits = min(10, max(1, len(probabilities) // PART))
        scores[f"{name}_b"] = inception_score(probabilities, splits)[0]
        scores[f"{name}_splits"] = splits
    return scores


def _subset(features):
    if len(features) <= CAPACITY:
        return features
    chosen = np.random.RandomState(0).choice(
        len(features), CAPACITY, replace=False
    )
    return features[chosen]
