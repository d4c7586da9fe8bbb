"""One file for each checkpoint of the zoo: how it was trained.

A recipe says what to train on what data, for how long, and which score
selects the weights. `kerasgan.training.train` runs it. `for_images` makes a
recipe for images of one's own. Nothing here imports TensorFlow; the recipes
do.
"""

import contextlib
import dataclasses
import importlib
import importlib.util
import pathlib
import pkgutil
import sys
import traceback
import types
from collections.abc import Callable

from kerasgan import checks
from kerasgan.names import hint

# What `for_images` trains, with the names of the classes in
# `kerasgan.models`.
ARCHITECTURES = types.MappingProxyType(
    {
        "acgan": "ACGAN",
        "began": "BEGAN",
        "biggan": "BigGAN",
        "cgan": "CGAN",
        "conditional_r3gan": "ConditionalR3GAN",
        "conditional_sngan": "ConditionalSNGAN",
        "conditional_stylegan": "ConditionalStyleGAN",
        "conditional_stylegan2": "ConditionalStyleGAN2",
        "cosine_xgan": "CosineXGAN",
        "cut": "CUT",
        "cyclegan": "CycleGAN",
        "dcgan": "DCGAN",
        "fastcut": "FastCUT",
        "gan_cls": "GANCLS",
        "improved_gan": "ImprovedGAN",
        "infogan": "InfoGAN",
        "lsgan": "LSGAN",
        "minimax_gan": "MinimaxGAN",
        "mlp_cgan": "MLPCGAN",
        "pacgan": "PacGAN",
        "mlp_wgan": "MLPWGAN",
        "pearson_lsgan": "PearsonLSGAN",
        "pix2pix": "Pix2Pix",
        "progan": "ProGAN",
        "r3gan": "R3GAN",
        "skip_began": "SkipBEGAN",
        "sngan": "SNGAN",
        "stackgan_stage_one": "StackGANStageOne",
        "stylegan": "StyleGAN",
        "stylegan2": "StyleGAN2",
        "vanilla_gan": "VanillaGAN",
        "wgan": "WGAN",
        "wgan_gp": "WGANGP",
        "xgan": "XGAN",
    }
)


class RecipeError(Exception):
    """An error in the code of a recipe, with its file and line."""


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
        save_every: int. Epochs between checkpoints and samples; the last
            epoch always has both. Defaults to `1`.
        sample: Callable from the model to the uint8 images that are saved.
            Defaults to 64 images of seed 0.
        pretrain: Callable from the compiled model, or `None`. Called before
            the first epoch of a run, and not when it is resumed. Defaults to
            none.
        callbacks: Callable without arguments to a list of Keras callbacks,
            such as a tracker's, or `None`; see `kerasgan.training.train`.
            Defaults to none.
        settings: dict of plain values, what a run depends on besides the
            model's arguments. Resuming with others is refused. Defaults to
            none.
        classes: Tuple of str. Names of the classes. Defaults to none.
        features: str or `None`. What `zoo.features` measures with.
            Defaults to none.
        seed: int. Of the initial weights. Defaults to `0`.

    Raises:
        ValueError: If a number of epochs or steps is not positive.
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
    save_every: int = 1
    sample: Callable | None = None
    pretrain: Callable | None = None
    callbacks: Callable | None = None
    settings: dict = dataclasses.field(default_factory=dict)
    classes: tuple = ()
    features: str | None = None
    seed: int = 0

    def __post_init__(self):
        checks.positive(
            steps_per_epoch=self.steps_per_epoch,
            epochs=self.epochs,
            score_every=self.score_every,
            save_every=self.save_every,
        )


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
        RecipeError: If the file's code fails.
    """
    check(name_or_file)
    path = pathlib.Path(name_or_file)
    if str(name_or_file) in names():
        module = importlib.import_module(f"{__name__}.{name_or_file}")
        path = pathlib.Path(module.__file__)
        return module.recipe(), path.read_text("utf-8")
    with explained(path):
        module = _execute(path)
    if not callable(getattr(module, "recipe", None)):
        raise ValueError(
            "A recipe file must have a function `recipe()` that returns a "
            f"`kerasgan.recipes.Recipe`. Received: {path}"
        )
    with explained(path):
        recipe = module.recipe()
    if not isinstance(recipe, Recipe):
        raise ValueError(
            f"`recipe()` in {path} must return a `kerasgan.recipes.Recipe`. "
            f"Received: {type(recipe).__name__}"
        )
    return recipe, path.read_text("utf-8")


def check(name_or_file):
    """Refuses what is no recipe, without TensorFlow.

    Args:
        name_or_file: See `load`.

    Raises:
        ValueError: If there is no such recipe.
    """
    path = pathlib.Path(name_or_file)
    if str(name_or_file) in names() or (
        path.suffix == ".py" and path.is_file()
    ):
        return
    raise ValueError(
        "A recipe is a Python file that exists, or one of "
        f"{', '.join(names())}. {hint(name_or_file, names())}"
        f"Received: {str(name_or_file)!r}"
    )


def architecture_of(name):
    """Returns the key of `ARCHITECTURES` that a name means.

    Args:
        name: str. Case, `-` and `_` do not count.

    Raises:
        ValueError: If there is no such architecture.
    """
    plain = name.replace("-", "").replace("_", "").lower()
    for key in ARCHITECTURES:
        if key.replace("_", "") == plain:
            return key
    raise ValueError(
        f"The architecture must be one of {', '.join(ARCHITECTURES)}. "
        f"{hint(name, ARCHITECTURES)}Received: {name!r}"
    )


def for_images(architecture, images, size, **settings):
    """Returns a recipe for images of one's own.

    The score is the sliced Wasserstein distance to training images, which
    needs no feature network and no test data.

    Args:
        architecture: str. One of `ARCHITECTURES`; case, `-` and `_` do not
            count.
        images: What `kerasgan.data` reads for the model's task: a folder;
            for classes, one with a sub-folder for each; for captions, one
            with a text file beside each image; for translation, a pair of
            folders or `data.SideBySide`. Or the name of a prepared data set.
        size: int, or pair of height and width for the models that take one.
        **settings: Arguments of the model; and
            `name`: str, of the run and the recipe. Defaults to architecture,
            data and size.
            `epochs`: int. Passes over the images. Defaults to as many as make
            about 20,000 steps. Models that grow share the run out among
            their resolutions.
            `batch_size`: int. Defaults to 32, 4 for translation, or fewer
            where there are fewer images.
            `lr`, `generator_lr`, `discriminator_lr`: float. Learning rates;
            `lr` of both. Default to the paper's.
            `channels`: int. 1 for grey, 3 for color. Defaults to `3`.
            `augment`: str. A function of `kerasgan.data`, such as
            `"mirror"`, or `"none"`; or, of models that take it, `"ada"` or
            `"diff_augment"`, of what the discriminator sees. Defaults to that
            of the data function.
            `fit`: str. What becomes of images of another shape: `"crop"`,
            `"pad"` or `"squeeze"`; see `data.images`. Defaults to `"crop"`.
            `skip_broken`: bool. Whether unreadable files are skipped with a
            warning. Defaults to `True`.
            `seed`: int. Of weights, order and training. Defaults to `0`.
            `dtype`: str. The model's precision, such as `"mixed_bfloat16"`.

    Returns:
        A `Recipe`.

    Raises:
        ValueError: If there is no such architecture or setting, or a value
            does not fit.
        OSError: If the images cannot be read.

    Example:
    ```python
    recipe = recipes.for_images("dcgan", "faces/", 64, epochs=50, lr=1e-4)
    training.train(recipe, "runs/faces")
    ```
    """
    from kerasgan.recipes import _own

    return _own.recipe(architecture, images, size, **settings)


@contextlib.contextmanager
def explained(path):
    """Names the line of a recipe's file where its code fails.

    Args:
        path: `pathlib.Path` of the file.

    Raises:
        RecipeError: Instead of an exception that passed through the file.
    """
    try:
        yield
    except Exception as error:
        line = _line(error, path)
        if line is None or isinstance(error, RecipeError):
            raise
        raise RecipeError(
            f"{path}, line {line}: {type(error).__name__}: {error}"
        ) from error


def _line(error, path):
    """Returns the last line of a file that an error passed, or `None`."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return lines[-1] if lines else None


def _execute(path):
    # Known to `sys.modules`, where dataclasses look up their annotations and
    # pickle its classes, under a name that no import can have.
    name = f"recipe {path.resolve()}".replace(".", "_")
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        specification.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
