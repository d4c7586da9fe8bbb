"""Benchmarks of mode collapse in NumPy.

Srivastava et al., 2017 (VEEGAN), section 4.1. https://arxiv.org/abs/1705.07761
Lin et al., 2018 (PacGAN), section 4.1. https://arxiv.org/abs/1712.04086

Ring: 8 modes on a circle of radius 1, standard deviation 0.01. Grid: 25 modes
at {-4, -2, 0, 2, 4}^2, 0.05. Stacked MNIST: three digits as the channels of
an image, 1000 modes. A point is of high quality if it lies within 3 standard
deviations of a mode (the radius, not each axis); a mode is covered if at least
one point of high quality is nearest to it.
"""

import math

import numpy as np


def ring_centers(modes=8, radius=1.0):
    """(modes, 2), counterclockwise from (radius, 0), none twice."""
    angles = [2 * math.pi * mode / modes for mode in range(modes)]
    return np.array(
        [[radius * math.cos(a), radius * math.sin(a)] for a in angles]
    )


def grid_centers(side=5, spacing=2.0):
    """(side * side, 2), around 0."""
    places = [spacing * (index - (side - 1) / 2) for index in range(side)]
    return np.array([[x, y] for x in places for y in places])


def points(centers, labels, noise, std):
    """Points of the modes `labels`, with standard normal `noise`."""
    return centers[labels] + std * noise


def nearest_modes(samples, centers):
    """Index of the nearest mode of each sample, and the distance."""
    modes, distances = [], []
    for sample in samples:
        found = np.sqrt(((sample - centers) ** 2).sum(axis=1))
        modes.append(int(found.argmin()))
        distances.append(found.min())
    return np.array(modes, int), np.array(distances)


def high_quality_counts(samples, centers, std):
    """Samples of high quality of each mode, (modes,)."""
    counts = np.zeros(len(centers), int)
    for mode, distance in zip(*nearest_modes(samples, centers), strict=True):
        if distance < 3.0 * std:
            counts[mode] += 1
    return counts


def evaluate(samples, centers, std):
    """Modes covered, share of high quality, reverse KL."""
    counts = high_quality_counts(samples, centers, std)
    return {
        "modes": int((counts > 0).sum()),
        "high_quality": counts.sum() / len(samples),
        "reverse_kl": reverse_kl(counts),
    }


def reverse_kl(counts):
    """KL(samples || uniform) over all modes, in nats; NaN without samples."""
    total = sum(counts)
    if total == 0:
        return math.nan
    found = 0.0
    for count in counts:
        if count > 0:
            share = count / total
            found += share * math.log(share * len(counts))
    return found


def stack_digits(digits, labels):
    """Three digits each as one image, and its label of 0 to 999.

    Args:
        digits: (n, 3, height, width).
        labels: (n, 3), 0 to 9.

    Returns:
        Images (n, height, width, 3) and labels (n,), the first channel's
        digit in the hundreds.
    """
    return np.moveaxis(digits, 1, -1), triple_labels(labels)


def triple_labels(labels):
    labels = np.asarray(labels, int)
    return 100 * labels[:, 0] + 10 * labels[:, 1] + labels[:, 2]


def evaluate_stacked(probabilities, confidence=0.0):
    """Modes covered and KL(samples || uniform) over 1000 triples.

    Args:
        probabilities: A classifier's, (n, 3, 10).
        confidence: Images one of whose digits has less do not count.
    """
    sure = probabilities.max(axis=2).min(axis=1) >= confidence
    labels = triple_labels(probabilities.argmax(axis=2))[sure]
    counts = np.bincount(labels, minlength=1000)
    return {"modes": int((counts > 0).sum()), "kl": reverse_kl(counts)}
