"""Training by recipe: everything of a run in one folder, and resumable.

A recipe says what to train on what, for how long, and what "better" means.
`train` runs it with `gan.fit` and the callbacks of `kerasgan.callbacks`; the
same call goes on where the last one was stopped, and ends with the weights
that an unbroken run would have.

With a strategy of `tf.distribute` it runs on several devices or machines.
docs/training.md says what is then shared, and by whom.
"""

import contextlib
import dataclasses
import errno
import importlib
import importlib.util
import json
import os
import pathlib
import pkgutil
import platform
import warnings
from collections.abc import Callable

import keras
import tensorflow as tf

import kerasgan
from kerasgan import callbacks, checkpoints


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a checkpoint of the zoo is made.

    Attributes:
        name: str. `<model>_<dataset>_<resolution>`.
        dataset: str. Name of the training data.
        description: str. One sentence on what the model draws.
        license: str. Of the weights, given the data's.
        build: Callable without arguments to the compiled `GAN`.
        batches: Callable from the number of the first epoch to a
            `tf.data.Dataset` that goes on from there; a pure function, so
            that a resumed run sees what the unbroken one saw.
        steps_per_epoch: int.
        epochs: int.
        score: Callable from the model to a dict of numbers, the first of
            which decides, lower is better. Never computed on test data.
        score_every: int. Epochs between scores. Defaults to `1`.
        sample: Callable from the model to the uint8 images drawn after each
            epoch. Defaults to 64 images of seed 0.
        classes: Tuple of str. Names of the classes. Defaults to none.
        features: str or `None`. What `zoo.features` measures with.
            Defaults to none.
        seed: int. Of the first weights. Defaults to `0`.
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


def recipes():
    """Returns the names of the recipes that come with kerasgan.

    Returns:
        Tuple of str, sorted.
    """
    from kerasgan import recipes as package

    return tuple(
        sorted(
            module.name
            for module in pkgutil.iter_modules(package.__path__)
            if not module.name.startswith("_")
        )
    )


def load_recipe(name_or_file):
    """Returns a recipe, and the text that it was read from.

    Args:
        name_or_file: str or path. A name from `recipes()`, or a Python file
            with a function `recipe()`. The file is run: use only your own.

    Returns:
        Pair of `Recipe` and str.

    Raises:
        ValueError: If there is no such recipe.
    """
    path = pathlib.Path(name_or_file)
    if str(name_or_file) in recipes():
        module = importlib.import_module(f"kerasgan.recipes.{name_or_file}")
        path = pathlib.Path(module.__file__)
    elif path.suffix == ".py" and path.is_file():
        specification = importlib.util.spec_from_file_location("recipe", path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    else:
        raise ValueError(
            "A recipe is a Python file that exists, or one of "
            f"{', '.join(recipes())}. Received: {str(name_or_file)!r}"
        )
    if not callable(getattr(module, "recipe", None)):
        raise ValueError(
            "A recipe file must have a function `recipe()` that returns a "
            f"`kerasgan.training.Recipe`. Received: {path}"
        )
    return module.recipe(), path.read_text("utf-8")


class WorkerLost(OSError):
    """Another process of the same run is gone, so this one cannot go on."""


def strategy(name):
    """Returns a strategy of `tf.distribute`; make it before all else.

    Args:
        name: str. `"mirrored"` for all GPUs of this machine; `"multiworker"`
            for several processes, this one's place among them given by the
            environment variable `TF_CONFIG`.

    Returns:
        A `tf.distribute.Strategy`. Of several workers, when all have come.

    Raises:
        ValueError: If there is no such strategy, or `TF_CONFIG` is missing
            or not what TensorFlow documents.
    """
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name != "multiworker":
        raise ValueError(
            "The strategy must be 'mirrored' or 'multiworker'. "
            f"Received: {name!r}"
        )
    _check_cluster(os.environ.get("TF_CONFIG"))
    return tf.distribute.MultiWorkerMirroredStrategy()


def _check_cluster(text):
    try:
        config = json.loads(text)
        jobs, task = config["cluster"], config["task"]
        fits = set(jobs) <= {"chief", "worker"} and isinstance(
            jobs[task["type"]][int(task["index"])], str
        )
    except (TypeError, ValueError, KeyError, IndexError):
        fits = False
    if not fits:
        raise ValueError(
            "With several workers TF_CONFIG must say where they are and which "
            "one this is, such as "
            '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, '
            '"task": {"type": "worker", "index": 0}}. '
            f"Received: TF_CONFIG={text}"
        )


def build(recipe):
    """Returns the model of a recipe, which knows the names of its classes.

    Args:
        recipe: A `Recipe`.

    Returns:
        The compiled `GAN`.
    """
    gan = recipe.build()
    gan.class_names = recipe.classes or None
    return gan


def train(recipe, folder, epochs=None, verbose="auto", strategy=None):
    """Trains by a recipe, or goes on with it.

    Args:
        recipe: A `Recipe`.
        folder: str or path. Where everything of the run is kept:
            `run.json`, `log.jsonl`, `samples/`, `tensorboard/`,
            `checkpoints/`, `first.weights.h5` (after the first epoch) and
            `best.weights.h5`. All workers must see it; the chief writes.
        epochs: int or `None`. Stop after this many; a later call goes on.
            Defaults to the recipe's, which is the most.
        verbose: See `keras.Model.fit`. Defaults to `"auto"`.
        strategy: A `tf.distribute.Strategy`, the same in every call for this
            folder. Defaults to one device.

    Returns:
        The trained `GAN`, with the weights of the last epoch.

    Raises:
        ValueError: If the folder belongs to another run, or `epochs` is not
            from 1 to the recipe's.
        NonFiniteLoss: If training diverges.
        WorkerLost: If another worker is gone.
        OSError: If a checkpoint cannot be written or read.
    """
    folder = pathlib.Path(folder)
    epochs = recipe.epochs if epochs is None else epochs
    if not 1 <= epochs <= recipe.epochs:
        raise ValueError(
            f"The recipe {recipe.name} has {recipe.epochs} epochs, and its "
            f"run can stop after any of them. Received: epochs={epochs}"
        )
    strategy = strategy or tf.distribute.get_strategy()
    with _explaining(strategy):
        return _train(recipe, folder, epochs, verbose, strategy)


def _train(recipe, folder, epochs, verbose, strategy):
    chief = checkpoints.is_chief(strategy)
    # The same numbers in every run, whichever way work falls to threads.
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    with strategy.scope():
        gan = build(recipe)
    _claim(folder, recipe, gan, chief)

    keep_best = callbacks.KeepBest(
        folder / "best.weights.h5", recipe.score, recipe.score_every
    )
    save = callbacks.SaveCheckpoint(folder / "checkpoints", keep_best)
    log = callbacks.JSONLog(folder / "log.jsonl")
    tensorboard = callbacks.TensorBoard(folder / "tensorboard")
    done, damaged = save.restore(gan)
    for path in damaged:
        warnings.warn(
            f"The checkpoint {path} is damaged; going on from the one before.",
            stacklevel=3,
        )
    _agree(done, folder, strategy)
    log.done = tensorboard.done = done
    if done >= epochs:
        if chief:
            print(f"{recipe.name}: all {epochs} epochs are done in {folder}.")
        return gan
    if done and chief:
        print(f"{recipe.name}: going on after epoch {done} of {epochs}.")
    # What writes, but for the checkpoint, whose state is gathered from all.
    written = [
        keep_best,
        callbacks.KeepFirst(folder / "first.weights.h5"),
        callbacks.SampleGrid(
            folder / "samples", recipe.sample, tensorboard=tensorboard.folder
        ),
        tensorboard,
        log,
    ]
    gan.fit(
        recipe.batches(done),
        steps_per_epoch=recipe.steps_per_epoch,
        initial_epoch=done,
        epochs=recipe.epochs,
        verbose=verbose if chief else 0,
        callbacks=[
            callbacks.StopOnNonFinite(),
            *(written if chief else []),
            save,
            callbacks.StopAfter(epochs),
        ],
    )
    # A worker that leaves while the chief still writes would look lost.
    _agree(epochs, folder, strategy)
    return gan


def _agree(epoch, folder, strategy):
    """Waits for all workers, and checks that they are at the same epoch."""
    if strategy.cluster_resolver is None:
        return
    own = strategy.run(lambda: tf.constant([epoch]))
    found = strategy.gather(own, axis=0).numpy().tolist()
    if len(set(found)) > 1:
        raise ValueError(
            f"All workers must see the same folder {folder}, because the "
            "chief writes there what the others go on with. "
            f"Received: checkpoints after epochs {found}"
        )


# What TensorFlow raises where another worker does not answer.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnavailableError,
    tf.errors.InternalError,
    tf.errors.UnknownError,
)


@contextlib.contextmanager
def _explaining(strategy):
    """Says in a sentence what TensorFlow's errors mean for a run."""
    try:
        yield
    except tf.errors.OpError as error:
        # TensorFlow itself writes the files of TensorBoard.
        if "No space left on device" in error.message:
            raise OSError(
                errno.ENOSPC,
                "No space left on device; the last checkpoint is intact. Make "
                "room and give the same command again",
            ) from error
        if strategy.cluster_resolver is None or not isinstance(error, _LOST):
            raise
        raise WorkerLost(
            "Another worker of this run is gone, so training has stopped; the "
            "last checkpoint is intact. Give all workers the same command "
            f"again. Received: {error.message.splitlines()[0]}"
        ) from error


def _claim(folder, recipe, gan, chief):
    """Marks the folder as this run's, or refuses another run's folder."""
    path = folder / "run.json"
    identity = {
        "recipe": recipe.name,
        "architecture": type(gan).__name__,
        "arguments": gan.arguments(),
        "precision": gan.dtype_policy.name,
        "seed": recipe.seed,
        "replicas": gan.distribute_strategy.num_replicas_in_sync,
    }
    identity = json.loads(json.dumps(identity))  # As the file will have it.
    if path.exists():
        # Runs from before there were several did not say so.
        before = {"replicas": 1, **json.loads(path.read_text("utf-8"))}
        changed = [k for k in identity if before.get(k) != identity[k]]
        if changed:
            raise ValueError(
                f"The folder {folder} holds another run "
                f"({before.get('recipe')}; differs in {', '.join(changed)}). "
                "Give another folder, or delete it to start again."
            )
        return
    if not chief:
        return
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        **identity,
        "kerasgan": kerasgan.__version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "python": platform.python_version(),
        "processor": processor(),
        "cores": os.cpu_count(),
    }
    content = json.dumps(about, indent=2) + "\n"
    checkpoints.write_atomically(path, content.encode())


def processor():
    """Returns the processor's name, as the system gives it.

    Returns:
        str.
    """
    information = pathlib.Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
