"""What the recipes on Fashion-MNIST share."""

import functools

from kerasgan.data import catalog
from kerasgan.recipes import _images

TRAINING_IMAGES = catalog.get("fashion_mnist").counts["train"]
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


def recipe(name, build, batch_size, epochs, **changes):
    """Returns a recipe for a model without labels.

    Args:
        name: str.
        build: Callable without arguments to the compiled `GAN`.
        batch_size: int.
        epochs: int.
        **changes: Fields of the `Recipe` to set otherwise.
    """
    fields = {
        "description": "Draws grey pictures of clothing.",
        "license": "MIT",
        **changes,
    }
    return _images.recipe(
        name, "fashion_mnist", 32, build, batch_size, epochs, **fields
    )


def eight_of_each_class(gan):
    """Returns 80 images of seed 0, each row of eight a class."""
    labels = [label for label in range(len(CLASSES)) for _ in range(8)]
    return gan.generate(labels=labels, seed=0)


# A recipe for a model with labels.
labelled_recipe = functools.partial(
    recipe,
    condition="label",
    description="Draws grey pictures of clothing of the class asked for.",
    sample=eight_of_each_class,
    classes=CLASSES,
)
