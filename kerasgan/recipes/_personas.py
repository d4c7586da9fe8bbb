"""What the recipes on Personas share."""

from kerasgan.data import catalog
from kerasgan.recipes import _images

TRAINING_IMAGES = catalog.get("personas").counts["train"]


def recipe(name, build, batch_size, epochs, **changes):
    """Returns a recipe on all training faces.

    Args:
        name: str.
        build: Callable without arguments to the compiled `GAN`.
        batch_size: int.
        epochs: int.
        **changes: Fields of the `Recipe` to set otherwise.
    """
    fields = {
        "description": "Draws faces in the style of an avatar set.",
        "license": "CC-BY-4.0",
        "drawn": 5000,
        **changes,
    }
    return _images.recipe(
        name, "personas", 64, build, batch_size, epochs, **fields
    )
