"""Batches, scores and samples of recipes of models that generate images."""

import functools

import numpy as np

from kerasgan import data, metrics
from kerasgan.data import catalog
from kerasgan.data.pixels import resize_many

BATCH = 500


@functools.cache
def training_data(name, size):
    """Returns the training part of a data set, as `data.load` does.

    Args:
        name: str. One of `kerasgan.data.NAMES`.
        size: int. Height and width of the images.
    """
    return data.load(name, "train", size)


def batches(data_set, batch_size, epochs, condition=None, size=None):
    """Returns the `batches` of a recipe: all training images of a data set.

    Args:
        data_set: A `DataSet` of the catalog.
        batch_size: int.
        epochs: int. Of the whole run.
        condition: str or `None`. Feature of the data that the model is
            conditioned on: `"label"` or `"caption"`. Defaults to none.
        size: int. Height and width of the images. Defaults to the data set's.
    """

    def from_epoch(first_epoch):
        examples = training_data(data_set.name, size or data_set.size)
        arrays = (examples[data_set.image],)
        if condition:
            arrays += (examples[condition],)

        def transform(images, *others):
            *conditions, _ = others  # The last is a seed.
            images = data.to_float(images)
            return (images, *conditions) if conditions else images

        return data.stream(
            arrays,
            batch_size,
            transform=transform,
            first_epoch=first_epoch,
            epochs=epochs - first_epoch,
        )

    return from_epoch


def distance_to_training_images(
    data_set, captions=False, count=10_000, size=None
):
    """Returns the `score` of a recipe: the distance to all training images.

    It selects an epoch, so it does not use the test images. Generated images
    have seed 1; published scores have seed 0.

    Args:
        data_set: A `DataSet` of the catalog with features in the zoo, of its
            default size.
        captions: bool. Whether images are generated from captions, those of
            training images. Defaults to `False`.
        count: int. Images to generate. Defaults to `10000`.
        size: int. Height and width of the images; all are reduced to the size
            of the features. Defaults to that size.

    Returns:
        Callable from a `GAN` to a dict of one number, the Fréchet distance.
    """

    def score(gan):
        features, reference = _reference(data_set.name, size)
        metric = metrics.FrechetDistance(features, reference)
        generate = functools.partial(gan.generate, seed=1, batch_size=BATCH)
        if captions:
            texts = training_data(data_set.name, data_set.size)["caption"]
            chosen = np.random.default_rng(1).choice(texts, count)
            images = generate(captions=[text.decode() for text in chosen])
        else:
            images = generate(count)
        images = resize_many(images, data_set.size)
        for start in range(0, count, BATCH):
            metric.update_state(fake_images=images[start : start + BATCH])
        return {f"fd_{data_set.name}_train": float(metric.result())}

    return score


@functools.cache
def _reference(name, size):
    import zoo

    data_set = catalog.get(name)
    features = zoo.features(name)
    metric = metrics.FrechetDistance(features)
    images = training_data(name, size or data_set.size)[data_set.image]
    images = resize_many(images, data_set.size)
    for start in range(0, len(images), BATCH):
        metric.update_state(real_images=images[start : start + BATCH])
    return features, metric.statistics("real")


def eight_of_each_class(gan):
    """Returns images of seed 0, eight of each class in a row.

    Args:
        gan: A `GAN` with classes.
    """
    labels = np.repeat(np.arange(gan.num_classes), 8)
    return gan.generate(labels=labels.tolist(), seed=0)


def of_first_captions(gan):
    """Returns images of the first 64 test captions of personas, seed 0.

    Args:
        gan: A `GAN` with captions.
    """
    captions = data.load("personas", "test")["caption"][:64]
    return gan.generate(captions=[text.decode() for text in captions], seed=0)
