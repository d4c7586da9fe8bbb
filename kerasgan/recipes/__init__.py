"""One file for each checkpoint of the zoo: how it was trained.

A recipe says what to train on what data, for how long, and which score
selects the weights. `kerasgan.training.train` runs it. Nothing here imports
TensorFlow; the recipes do.
"""

import dataclasses
import importlib
import importlib.util
import pathlib
import pkgutil
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a checkpoint of the zoo is made.

    Attributes:
        name: str. `<model>_<dataset>_<resolution>`.
        dataset: str. Name of the training data.
        description: str. One sentence on what the model generates.
        license: str. Of the weights, given the data's.
        build: Callable without arguments to the compiled `GAN`.
        batches: Callable from the number of the first epoch to a
            `tf.data.Dataset` that starts there; a pure function, so that a
            resumed run sees what the uninterrupted one saw.
        steps_per_epoch: int.
        epochs: int.
        score: Callable from the model to a dict of numbers, the first of
            which selects the weights, lower is better. Never computed on test
            data.
        score_every: int. Epochs between scores. Defaults to `1`.
        sample: Callable from the model to the uint8 images saved after each
            epoch. Defaults to 64 images of seed 0.
        classes: Tuple of str. Names of the classes. Defaults to none.
        features: str or `None`. What `zoo.features` measures with.
            Defaults to none.
        seed: int. Of the initial weights. Defaults to `0`.
    """

    name: str
    dataset: str
    description: str
    license: str
    build: Callable
    batches: Callable
    steps_per_epoch: int
    epochs: int
    score: Callable
    score_every: int = 1
    sample: Callable | None = None
    classes: tuple = ()
    features: str | None = None
    seed: int = 0


def names():
    """Returns the names of the recipes that come with kerasgan.

    Returns:
        Tuple of str, sorted.
    """
    return tuple(
        sorted(
            module.name
            for module in pkgutil.iter_modules(__path__)
            if not module.name.startswith("_")
        )
    )


def load(name_or_file):
    """Returns a recipe, and the text of its file.

    Args:
        name_or_file: str or path. A name from `names()`, or a Python file
            with a function `recipe()`. The file is executed: use only your
            own.

    Returns:
        Pair of `Recipe` and str.

    Raises:
        ValueError: If there is no such recipe.
    """
    path = pathlib.Path(name_or_file)
    if str(name_or_file) in names():
        module = importlib.import_module(f"{__name__}.{name_or_file}")
        path = pathlib.Path(module.__file__)
    elif path.suffix == ".py" and path.is_file():
        specification = importlib.util.spec_from_file_location("recipe", path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    else:
        raise ValueError(
            "A recipe is a Python file that exists, or one of "
            f"{', '.join(names())}. Received: {str(name_or_file)!r}"
        )
    if not callable(getattr(module, "recipe", None)):
        raise ValueError(
            "A recipe file must have a function `recipe()` that returns a "
            f"`kerasgan.recipes.Recipe`. Received: {path}"
        )
    return module.recipe(), path.read_text("utf-8")
