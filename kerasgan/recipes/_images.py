"""What the recipes of models that draw share: the data and what is better."""

import functools

import numpy as np

from kerasgan import data, metrics, training
from kerasgan.data import catalog

BATCH = 500


@functools.cache
def training_data(dataset, size):
    """Returns the training part of a data set, as `data.load` does."""
    return data.load(dataset, "train", size)


def recipe(
    name,
    dataset,
    size,
    build,
    batch_size,
    epochs,
    condition=None,
    drawn=10_000,
    **more,
):
    """Returns a recipe on all training images of a data set.

    Args:
        name: str.
        dataset: str. One of `kerasgan.data.NAMES`, with features in the zoo.
        size: int. Height and width of the images.
        build: Callable without arguments to the compiled `GAN`.
        batch_size: int.
        epochs: int.
        condition: str or `None`. The data's feature that the model takes
            beside the images: `"label"` or `"caption"`. Defaults to none.
        drawn: int. Images to score an epoch by. Defaults to `10000`.
        **more: Further fields of the `Recipe`.
    """

    def batches(first_epoch):
        examples = training_data(dataset, size)
        arrays = [examples[key] for key in ("image", condition) if key]

        def transform(images, *others):
            *conditions, _ = others  # The last is a seed.
            images = data.to_float(images)
            return (images, *conditions) if conditions else images

        return data.stream(
            tuple(arrays) if condition else arrays[0],
            batch_size,
            transform=transform,
            first_epoch=first_epoch,
            epochs=epochs - first_epoch,
        )

    examples = catalog.get(dataset).counts["train"]
    return training.Recipe(
        name=name,
        dataset=dataset,
        build=build,
        batches=batches,
        steps_per_epoch=examples // batch_size,
        epochs=epochs,
        score=functools.partial(
            distance_to_training_images,
            dataset=dataset,
            size=size,
            captions=condition == "caption",
            count=drawn,
        ),
        features=dataset,
        **more,
    )


@functools.cache
def _reference(dataset, size):
    import zoo

    features = zoo.features(dataset)
    metric = metrics.FrechetDistance(features)
    images = training_data(dataset, size)["image"]
    for start in range(0, len(images), BATCH):
        metric.update_state(real_images=images[start : start + BATCH])
    return features, metric.statistics("real")


def distance_to_training_images(gan, dataset, size, captions, count, seed=1):
    """Returns the Fréchet distance to all training images.

    It chooses between epochs, so it does not touch the test images.

    Args:
        gan: A `GAN`.
        dataset: str.
        size: int. Height and width of the images.
        captions: bool. Whether the images are drawn from captions, those of
            training images.
        count: int. Images to generate.
        seed: int. Of the images. Defaults to `1`; published scores are of
            seed 0.

    Returns:
        dict of one number.
    """
    features, reference = _reference(dataset, size)
    metric = metrics.FrechetDistance(features, reference)
    draw = functools.partial(gan.generate, seed=seed, batch_size=BATCH)
    if captions:
        texts = training_data(dataset, size)["caption"]
        chosen = np.random.default_rng(seed).choice(texts, count)
        images = draw(captions=[text.decode() for text in chosen])
    else:
        images = draw(count)
    for start in range(0, count, BATCH):
        metric.update_state(fake_images=images[start : start + BATCH])
    return {f"fd_{dataset}_train": float(metric.result())}
