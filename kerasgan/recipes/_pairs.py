"""Scores and samples of recipes of image-to-image models."""

import functools

import numpy as np

from kerasgan import data, metrics

BATCH = 64


def similarity_to_targets(dataset, size):
    """Returns the `score` of a recipe: similarity to the validation targets.

    It selects an epoch, so it does not use the test images.

    Args:
        dataset: str. `"fluent"` or `"relief"`.
        size: int. Height and width of the images.

    Returns:
        Callable from a `TranslationGAN` to a dict of numbers, L1 first.
    """
    return functools.partial(_compared, dataset=dataset, size=size)


def distance_to_targets(dataset, size):
    """Returns the `score` of a recipe: Fréchet distance to the targets.

    L1 is lowest where texture is blurred; the Fréchet distance is not. It
    selects an epoch, so it does not use the test images.

    Args:
        dataset: str. One with features in the zoo: `"relief"`.
        size: int. Height and width of the images.

    Returns:
        Callable from a `TranslationGAN` to a dict of numbers, the distance
        first.
    """

    def score(gan):
        metric = metrics.FrechetDistance(_features(dataset))
        similarity = _compared(gan, dataset, size, metric)
        distance = {f"fd_{dataset}_validation": float(metric.result())}
        return distance | similarity

    return score


@functools.cache
def _features(dataset):
    import zoo

    return zoo.features(dataset)


def _compared(gan, dataset, size, *others):
    """Returns similarities to targets; other metrics see the same images."""
    examples = data.load(dataset, "validation", size)
    similarity = metrics.PairSimilarity()
    for start in range(0, len(examples["input"]), BATCH):
        rows = slice(start, start + BATCH)
        fakes = gan.translate(examples["input"][rows])
        for metric in (similarity, *others):
            metric.update_state(examples["target"][rows], fakes)
    found = similarity.result()
    return {f"{name}_validation": float(found[name]) for name in found}


def inputs_and_outputs(dataset, size, count=16):
    """Returns the `sample` of a recipe: test inputs, outputs and targets.

    Args:
        dataset: str. `"fluent"` or `"relief"`.
        size: int. Height and width of the images.
        count: int. The first ones of the test part. Defaults to `16`.

    Returns:
        Callable from a `TranslationGAN` to uint8 images, rows of eight.
    """

    def sample(gan):
        examples = data.load(dataset, "test", size)
        inputs, targets = examples["input"][:count], examples["target"][:count]
        rows = []
        for start in range(0, count, 8):
            part = slice(start, start + 8)
            rows += [inputs[part], gan.translate(inputs[part]), targets[part]]
        return np.concatenate(rows)

    return sample
