"""What the recipes on Fashion-MNIST share: the data and what is better."""

import functools

from kerasgan import data, metrics, training

SIZE = 32
TRAINING_IMAGES = 60_000
# As the authors name them; labels are positions here.
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@functools.cache
def training_data():
    """Returns the training part: `image`, `(60000, 32, 32, 1)`, and `label`."""
    return data.load("fashion_mnist", "train", SIZE)


def recipe(name, build, batch_size, epochs, labelled=False, **changes):
    """Returns a recipe on all training images.

    Args:
        name: str.
        build: Callable without arguments to the compiled `GAN`.
        batch_size: int.
        epochs: int.
        labelled: bool. Whether the model takes labels. Defaults to `False`.
        **changes: Of the `Recipe`, to set otherwise.
    """

    def batches(first_epoch):
        examples = training_data()
        stream = functools.partial(
            data.stream,
            batch_size=batch_size,
            first_epoch=first_epoch,
            epochs=epochs - first_epoch,
        )
        if labelled:
            return stream(
                (examples["image"], examples["label"]),
                transform=lambda images, labels, _: (
                    data.to_float(images),
                    labels,
                ),
            )
        return stream(
            examples["image"],
            transform=lambda images, _: data.to_float(images),
        )

    if labelled:
        changes = {
            "description": "Draws grey pictures of clothing of the class "
            "asked for.",
            "sample": eight_of_each_class,
            "classes": CLASSES,
            **changes,
        }
    return training.Recipe(
        **{
            "name": name,
            "dataset": "fashion_mnist",
            "description": "Draws grey pictures of clothing.",
            "license": "MIT",
            "build": build,
            "batches": batches,
            "steps_per_epoch": TRAINING_IMAGES // batch_size,
            "epochs": epochs,
            "score": distance_to_training_images,
            "features": "fashion_mnist",
            **changes,
        }
    )


def eight_of_each_class(gan):
    """Returns 80 images of seed 0, each row of eight a class."""
    labels = [label for label in range(len(CLASSES)) for _ in range(8)]
    return gan.generate(labels=labels, seed=0)


@functools.cache
def _reference():
    import zoo

    features = zoo.features("fashion_mnist")
    metric = metrics.FrechetDistance(features)
    images = training_data()["image"]
    for start in range(0, len(images), 500):
        metric.update_state(real_images=images[start : start + 500])
    return features, metric.statistics("real")


def distance_to_training_images(gan, count=10_000, seed=1):
    """Returns the Fréchet distance to all training images.

    It chooses between epochs, so it does not touch the test images.

    Args:
        gan: A `GAN`.
        count: int. Images to generate. Defaults to `10000`.
        seed: int. Of the images. Defaults to `1`; published scores are of
            seed 0.
    """
    features, reference = _reference()
    metric = metrics.FrechetDistance(features, reference)
    images = gan.generate(count, seed=seed, batch_size=500)
    for start in range(0, count, 500):
        metric.update_state(fake_images=images[start : start + 500])
    return {"fd_fashion_mnist_train": float(metric.result())}
