"""What the recipes of image-to-image models share: what is better."""

import numpy as np
import tensorflow as tf

from kerasgan import data, metrics, training
from kerasgan.data import splits
from kerasgan.recipes._optimizers import falling_adam

BATCH = 64


def recipe(
    name, dataset, size, build, batches, steps_per_epoch, epochs, **more
):
    """Returns a recipe that keeps the epoch nearest to the targets.

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
    return training.Recipe(
        name=name,
        dataset=dataset,
        build=build,
        batches=lambda first_epoch: batches(
            first_epoch=first_epoch, epochs=epochs - first_epoch
        ),
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        score=similarity_to_targets(dataset, size),
        score_every=2,
        sample=inputs_and_outputs(dataset, size),
        **more,
    )


def pix2pix(name, dataset, size, build, batches, batch_size, epochs, **more):
    """Returns a recipe for pix2pix whose learning rates fall to zero.

    Args:
        name: See `recipe`.
        dataset: See `recipe`.
        size: See `recipe`.
        build: Callable without arguments to the `Pix2Pix`.
        batches: See `recipe`.
        batch_size: int.
        epochs: int.
        **more: See `recipe`.
    """
    steps = splits.COUNTS[dataset]["train"] // batch_size

    def compiled():
        gan = build()
        gan.compile(falling_adam(steps * epochs), falling_adam(steps * epochs))
        return gan

    return recipe(name, dataset, size, compiled, batches, steps, epochs, **more)


def shifted_pairs(dataset, size, batch_size, first_epoch, epochs):
    """Returns batches of pairs, moved and mirrored at random, both alike.

    The paper's jitter shows every picture an eighth larger than it will be
    when it is translated. These keep their size and sharpness: white, which
    is around emoji, comes in at the edges.

    Args:
        dataset: See `recipe`.
        size: See `recipe`.
        batch_size: int.
        first_epoch: int. Number of the epoch to begin with.
        epochs: int.
    """
    examples = data.load(dataset, "train", size)
    furthest = size // 10
    margins = ((0, 0), (furthest, furthest), (furthest, furthest), (0, 0))

    def shift(inputs, targets, seed):
        pictures = tf.concat([inputs, targets], axis=-1)
        count, channels = len(pictures), pictures.shape[-1]
        pictures = tf.pad(pictures, margins, constant_values=255)
        seeds = tf.random.experimental.stateless_split(seed, 2)
        corners = tf.random.stateless_uniform(
            (2, count, 1), seeds[0], 0, 2 * furthest + 1, "int32"
        )
        mirrored = tf.random.stateless_uniform((count, 1), seeds[1]) < 0.5
        places = tf.range(size)[None]
        columns = tf.where(mirrored, size - 1 - places, places)
        pictures = tf.gather(
            pictures, corners[0] + places, axis=1, batch_dims=1
        )
        pictures = tf.gather(
            pictures, corners[1] + columns, axis=2, batch_dims=1
        )
        pictures = data.to_float(pictures)
        return pictures[..., : channels // 2], pictures[..., channels // 2 :]

    return data.stream(
        (examples["input"], examples["target"]),
        batch_size,
        transform=shift,
        first_epoch=first_epoch,
        epochs=epochs,
    )


def similarity_to_targets(dataset, size):
    """Returns the `score` of a recipe: how near the validation targets are.

    It chooses between epochs, so it does not touch the test pictures.

    Args:
        dataset: str. `"fluent"` or `"relief"`.
        size: int. Height and width of the pictures.
    """

    def score(gan):
        examples = data.load(dataset, "validation", size)
        metric = metrics.PairSimilarity()
        for start in range(0, len(examples["input"]), BATCH):
            rows = slice(start, start + BATCH)
            fakes = gan.translate(examples["input"][rows])
            metric.update_state(examples["target"][rows], fakes)
        found = metric.result()
        return {f"{name}_validation": float(found[name]) for name in found}

    return score


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
