"""What the recipes of image-to-image models share: what is better."""

import functools

import numpy as np

from kerasgan import data, metrics, training
from kerasgan.data import catalog
from kerasgan.recipes._optimizers import falling_adam

BATCH = 64


def recipe(
    name, dataset, size, build, batches, steps_per_epoch, epochs, **more
):
    """Returns a recipe that keeps the epoch nearest to the targets.

    Nearest in L1, if `more` has no other `score`.

    Args:
        name: str.
        dataset: str. `"fluent"` or `"relief"`.
        size: int. Height and width of the pictures.
        build: Callable without arguments to the compiled `TranslationGAN`.
        batches: `kerasgan.data.paired` or `unpaired`, with its arguments but
            for epochs.
        steps_per_epoch: int.
        epochs: int.
        **more: Further fields of the `Recipe`.
    """
    fields = {"score": similarity_to_targets(dataset, size), **more}
    return training.Recipe(
        name=name,
        dataset=dataset,
        build=build,
        batches=lambda first_epoch: batches(
            first_epoch=first_epoch, epochs=epochs - first_epoch
        ),
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        score_every=2,
        sample=inputs_and_outputs(dataset, size),
        **fields,
    )


def pix2pix(
    name, dataset, size, build, batches, batch_size, epochs, rate=2e-4, **more
):
    """Returns a recipe for pix2pix whose learning rates fall to zero.

    Args:
        name: See `recipe`.
        dataset: See `recipe`.
        size: See `recipe`.
        build: Callable without arguments to the `Pix2Pix`.
        batches: See `recipe`.
        batch_size: int.
        epochs: int.
        rate: float. The first learning rate. Defaults to `2e-4`, the paper's.
        **more: See `recipe`.
    """
    steps = catalog.get(dataset).counts["train"] // batch_size

    def compiled():
        gan = build()
        gan.compile(
            falling_adam(steps * epochs, rate),
            falling_adam(steps * epochs, rate),
        )
        return gan

    return recipe(name, dataset, size, compiled, batches, steps, epochs, **more)


def similarity_to_targets(dataset, size):
    """Returns the `score` of a recipe: how near the validation targets are.

    It chooses between epochs, so it does not touch the test pictures.

    Args:
        dataset: str. `"fluent"` or `"relief"`.
        size: int. Height and width of the pictures.
    """
    return functools.partial(_compared, dataset=dataset, size=size)


def distance_to_targets(dataset, size):
    """Returns the `score` of a recipe: how much alike targets they look.

    L1 is lowest where texture is blurred; the Fréchet distance is not. It
    chooses between epochs, so it does not touch the test pictures.

    Args:
        dataset: str. One with features in the zoo: `"relief"`.
        size: int. Height and width of the pictures.
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
    """Returns similarities to targets; other metrics see the same pictures."""
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
        size: int. Height and width of the pictures.
        count: int. The first ones of the test part. Defaults to `16`.
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
