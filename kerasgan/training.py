"""Training by recipe: a run is one folder, and can be resumed.

`train` runs a recipe of `kerasgan.recipes` with `gan.fit` and the callbacks of
`kerasgan.callbacks`; the same call resumes an interrupted run, and ends with
the weights that an uninterrupted run would have.

With a strategy of `tf.distribute` it runs on several devices or machines.
docs/training.md describes what is then shared between them.
"""

import contextlib
import errno
import json
import os
import pathlib
import platform
import warnings

import tensorflow as tf

import kerasgan
from kerasgan import callbacks, checkpoints, run_page
from kerasgan.backend import keras
from kerasgan.models.growing import GrowingGAN

SAVED = "checkpoints"  # The folder of checkpoints in that of a run.


class WorkerLost(OSError):
    """Another process of the run has ended, so this one cannot continue."""


def strategy(name):
    """Returns a strategy of `tf.distribute`; call it before all else.

    Args:
        name: str. `"mirrored"` for all GPUs of this machine; `"multiworker"`
            for several processes, whose addresses and own index are in the
            environment variable `TF_CONFIG`.

    Returns:
        A `tf.distribute.Strategy`; with several workers, once all have
        connected.

    Raises:
        ValueError: If there is no such strategy, or `TF_CONFIG` is missing
            or invalid.
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
            "With several workers TF_CONFIG must give their addresses and the "
            "index of this one, such as "
            '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, '
            '"task": {"type": "worker", "index": 0}}. '
            f"Received: TF_CONFIG={text}"
        )


def build(recipe):
    """Returns the model of a recipe, with the names of its classes.

    Args:
        recipe: A `Recipe`.

    Returns:
        The compiled `GAN`.
    """
    gan = recipe.build()
    gan.class_names = recipe.classes or None
    return gan


def train(
    recipe,
    folder,
    epochs=None,
    verbose="auto",
    strategy=None,
    callbacks=(),
    deterministic=None,
):
    """Trains by a recipe, or resumes its run.

    Args:
        recipe: A `Recipe`.
        folder: str or path. The run's folder:
            `run.json`, `log.jsonl`, `index.html`, `samples/`, `tensorboard/`,
            `checkpoints/`, `first.weights.h5` (after the first epoch) and
            `best.weights.h5`. All workers must share it; the chief writes.
        epochs: int or `None`. Stop after this many; a later call resumes.
            Defaults to the recipe's, the maximum.
        verbose: See `keras.Model.fit`. Defaults to `"auto"`.
        strategy: A `tf.distribute.Strategy`, the same in every call for this
            folder. Defaults to one device.
        callbacks: Sequence of Keras callbacks, such as a tracker's, besides
            those of the recipe. At the end of an epoch they see its losses
            and scores. With several workers the chief alone calls them. Their
            own state is not in the checkpoints. Defaults to none.
        deterministic: bool or `None`. Whether all operations must give the
            same numbers in every run, which makes a resumed run exact. On a
            GPU this is slower, excludes XLA, and some operations refuse it.
            Defaults to where it is free, on processors.

    Returns:
        The trained `GAN`, with the weights of the last epoch.

    Raises:
        ValueError: If the folder belongs to another run, `epochs` is not
            from 1 to the recipe's, or the recipe's batches are too few.
        NonFiniteLoss: If training diverges.
        WorkerLost: If another worker has ended.
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
        if deterministic is None:
            deterministic = not tf.config.list_physical_devices("GPU")
        if deterministic:
            # However work is scheduled on threads.
            tf.config.experimental.enable_op_determinism()
        return _train(recipe, folder, epochs, verbose, strategy, callbacks)


def _train(recipe, folder, epochs, verbose, strategy, added):
    chief = checkpoints.is_chief(strategy)
    keras.utils.set_random_seed(recipe.seed)
    with strategy.scope():
        gan = build(recipe)
    _claim(folder, recipe, gan, chief)

    keep_best = callbacks.KeepBest(
        folder / "best.weights.h5", recipe.score, recipe.score_every
    )
    save = callbacks.SaveCheckpoint(
        folder / SAVED, keep_best, recipe.save_every
    )
    log = callbacks.JSONLog(folder / "log.jsonl")
    tensorboard = callbacks.TensorBoard(folder / "tensorboard")
    done, damaged = save.restore(gan)
    for path in damaged:
        warnings.warn(
            f"The checkpoint {path} is damaged; resuming from the one before.",
            stacklevel=3,
        )
    _check_same_epoch(done, folder, strategy)
    log.done = tensorboard.done = done
    if done >= epochs:
        if chief:
            print(f"{recipe.name}: all {epochs} epochs are done in {folder}.")
        return gan
    if done and chief:
        print(f"{recipe.name}: resuming after epoch {done} of {epochs}.")
    elif chief and log.path.is_file() and log.path.stat().st_size:
        print(
            f"{recipe.name}: beginning again, because the run in {folder} "
            "ended before its first checkpoint."
        )
    # Callbacks that write; the checkpoint is apart, since its state is
    # gathered from all workers.
    written = [
        keep_best,
        callbacks.KeepFirst(folder / "first.weights.h5"),
        callbacks.SampleGrid(
            folder / "samples",
            recipe.sample,
            tensorboard=tensorboard.folder,
            every=recipe.save_every,
        ),
        tensorboard,
        log,
        run_page.RunPage(folder),
        *(recipe.callbacks() if recipe.callbacks else ()),
        *added,
    ]
    batches = recipe.batches(done)
    _check_length(batches, recipe, done)
    if not done and recipe.pretrain:
        recipe.pretrain(gan)
    gan.fit(
        batches,
        steps_per_epoch=recipe.steps_per_epoch,
        initial_epoch=done,
        epochs=recipe.epochs,
        verbose=verbose if chief else 0,
        callbacks=[
            callbacks.StopOnNonFinite(),
            _CheckSteps(recipe.steps_per_epoch),
            *(written if chief else []),
            callbacks.StopAfter(epochs),
            save,
        ],
    )
    # A worker that ends while the chief still writes would appear lost.
    _check_same_epoch(epochs, folder, strategy)
    return gan


def _check_length(batches, recipe, done):
    """Refuses a dataset that is known to be too short for the run."""
    wanted = recipe.steps_per_epoch * (recipe.epochs - done)
    length = int(tf.data.experimental.cardinality(batches))
    if 0 <= length < wanted:
        raise ValueError(
            f"The recipe's `batches({done})` must hold all batches from epoch "
            f"{done + 1} to the last: {recipe.epochs - done} epochs of "
            f"{recipe.steps_per_epoch} steps, {wanted} batches. Received: "
            f"{length} batches. Decrease `steps_per_epoch`, or repeat the data."
        )


class _CheckSteps(keras.callbacks.Callback):
    """Ends training where the data of unknown length end within an epoch."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_epoch_begin(self, epoch, logs=None):
        self.done = 0

    def on_train_batch_end(self, batch, logs=None):
        self.done = batch + 1

    def on_epoch_end(self, epoch, logs=None):
        if self.done < self.steps:
            raise ValueError(
                f"The recipe's batches ended within epoch {epoch + 1}, which "
                f"has {self.steps} steps. Received: {self.done} batches. "
                "Decrease `steps_per_epoch`, or repeat the data. The last "
                "checkpoint is intact."
            )


def _check_same_epoch(epoch, folder, strategy):
    """Waits for all workers and checks that they are at the same epoch."""
    if strategy.cluster_resolver is None:
        return
    own = strategy.run(lambda: tf.constant([epoch]))
    found = strategy.gather(own, axis=0).numpy().tolist()
    if len(set(found)) > 1:
        raise ValueError(
            f"All workers must share the folder {folder}, because the chief "
            "writes there what the others resume from. "
            f"Received: checkpoints after epochs {found}"
        )


# What TensorFlow raises if another worker does not respond.
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
    """Explains what TensorFlow's errors mean for a run."""
    try:
        yield
    except tf.errors.OpError as error:
        # TensorFlow itself writes TensorBoard's files.
        if "No space left on device" in error.message:
            raise OSError(
                errno.ENOSPC,
                "No space left on device; the last checkpoint is intact. Free "
                "space and run the same command again",
            ) from error
        if strategy.cluster_resolver is None or not isinstance(error, _LOST):
            raise
        raise WorkerLost(
            "Another worker of this run has ended, so training has stopped; "
            "the last checkpoint is intact. Start all workers again with the "
            f"same command. Received: {error.message.splitlines()[0]}"
        ) from error


def plan(recipe, folder, strategy=None):
    """Describes what `train` would do, after the checks that it makes.

    Builds the model and reads a first batch; writes nothing.

    Args:
        recipe: A `Recipe`.
        folder: str or path of the run.
        strategy: See `train`.

    Returns:
        str, a line each on model, data, growth and folder.

    Raises:
        ValueError: If the data do not fit the model, or the folder belongs
            to another run.
    """
    folder = pathlib.Path(folder)
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        gan = build(recipe)
    _check_run(folder, recipe, gan, chief=True)
    batches = recipe.batches(0)
    _check_length(batches, recipe, 0)
    gan._check_dataset(gan.to_dataset(batches))
    networks = ", ".join(
        f"{name} {getattr(gan, name).count_params():,}"
        for name in (*gan.generator_names, *gan.discriminator_names)
    )
    shapes = ", ".join(
        str(tuple(spec.shape)) for spec in tf.nest.flatten(batches.element_spec)
    )
    steps = recipe.steps_per_epoch * recipe.epochs
    lines = [
        f"{recipe.name}: {type(gan).__name__} in {gan.dtype_policy.name}",
        f"parameters: {networks}",
        f"batches: {shapes}",
        f"length: {recipe.epochs:,} epochs of {recipe.steps_per_epoch:,} "
        f"steps, {steps:,} steps",
    ]
    if recipe.classes:
        lines.append(f"classes: {', '.join(recipe.classes)}")
    if isinstance(gan, GrowingGAN):
        lines.append(f"growth: {_growth(gan)}")
    done = checkpoints.newest(folder / SAVED)
    lines.append(
        f"folder: {folder}, "
        + (f"resumes after epoch {done}" if done else "a new run")
    )
    return "\n".join(lines)


def _growth(gan):
    start, size = gan.start_resolution, gan.image_size
    sizes = [2**k for k in range(start.bit_length(), size.bit_length())]
    grown = [
        f"{size}x{size} from image {gan.schedule.fade_start(size):,}"
        for size in sizes
    ]
    return ", ".join([f"{start}x{start}", *grown])


def _claim(folder, recipe, gan, chief):
    """Marks the folder as this run's, or rejects another run's folder."""
    path = folder / "run.json"
    _check_run(folder, recipe, gan, chief)
    if not chief or path.exists() and checkpoints.newest(folder / SAVED):
        return
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(describe(recipe, gan), indent=2) + "\n"
    checkpoints.write_atomically(path, content.encode())


def describe(recipe, gan):
    """Returns what run.json says of a run on this machine.

    Args:
        recipe: A `Recipe`.
        gan: The model that `build` returns.

    Returns:
        dict of plain values.
    """
    return {
        **_identity(recipe, gan),
        "steps_per_epoch": recipe.steps_per_epoch,
        "kerasgan": kerasgan.__version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "python": platform.python_version(),
        "processor": processor(),
        "cores": os.cpu_count(),
    }


def _identity(recipe, gan):
    """Returns what tells one run from another, as it is in the file."""
    identity = {
        "recipe": recipe.name,
        "architecture": type(gan).__name__,
        "arguments": gan.arguments(),
        "precision": gan.dtype_policy.name,
        "seed": recipe.seed,
        "replicas": gan.distribute_strategy.num_replicas_in_sync,
        "settings": recipe.settings,
    }
    return json.loads(json.dumps(identity))


def _check_run(folder, recipe, gan, chief):
    """Rejects the folder of another run."""
    path = folder / "run.json"
    identity = _identity(recipe, gan)
    # Before the first checkpoint there is nothing to lose.
    if path.exists() and checkpoints.newest(folder / SAVED):
        before = json.loads(path.read_text("utf-8"))
        # Earlier versions of the file have neither of these.
        before = {"replicas": 1, "settings": {}, **before}
        changed = _changed(before, identity)
        if changed:
            raise ValueError(
                f"The folder {folder} holds another run "
                f"({before.get('recipe')}; differs in {', '.join(changed)}). "
                "Choose another folder, or delete it to start again."
            )
        steps = before.get("steps_per_epoch", recipe.steps_per_epoch)
        if steps != recipe.steps_per_epoch and chief:
            warnings.warn(
                "The training data have changed since the run began: an epoch "
                f"had {steps} steps and now has {recipe.steps_per_epoch}. It "
                "goes on with the present data.",
                stacklevel=5,
            )


def _changed(before, now):
    """Returns what differs between two runs, each as text."""
    changed = []
    for key, value in now.items():
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            changed += [
                f"{key}: {name} {old.get(name)}, now {value.get(name)}"
                for name in {**old, **value}
                if old.get(name) != value.get(name)
            ]
        elif old != value:
            changed.append(f"{key} {old}, now {value}")
    return changed


def processor():
    """Returns the processor's name as reported by the system.

    Returns:
        str.
    """
    information = pathlib.Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
