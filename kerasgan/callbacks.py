"""Callbacks of a training run: samples, logs, checkpoints, early stops.

All are plain Keras callbacks: any of them can be passed to
`gan.fit(callbacks=[...])`, and `kerasgan.training.train` uses them together.
"""

import json
import math
import numbers
import pathlib
import time
import warnings

import tensorflow as tf

from kerasgan import checkpoints, checks, plain_json, samples
from kerasgan.backend import keras
from kerasgan.models.rates import OneOptimizer
from kerasgan.tasks import TASKS


def for_optimizer(network, callback):
    """Lets a Keras callback change the learning rate of one network alone.

    Without it `LearningRateScheduler`, `ReduceLROnPlateau` and the like
    change those of both.

    Args:
        network: str. `"generator"` or `"discriminator"`.
        callback: A Keras callback that changes `model.optimizer`.

    Returns:
        The callback, to give to `fit`.

    Raises:
        ValueError: If `network` is neither of the two.

    Example:
    ```python
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    gan.fit(images, callbacks=[callbacks.for_optimizer("generator", halve)])
    ```
    """
    checks.one_of(("generator", "discriminator"), network=network)
    set_model = callback.set_model
    callback.network = network
    callback.set_model = lambda gan: set_model(OneOptimizer(gan, network))
    return callback


class NonFiniteLoss(ArithmeticError):
    """Training has diverged: a loss is NaN or infinite."""


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops training at the first loss that is not a finite number.

    Raises:
        NonFiniteLoss: From `fit`, with the step, the loss and what to try.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        for name, value in (logs or {}).items():
            if not math.isfinite(float(tf.reduce_sum(value))):
                raise NonFiniteLoss(
                    f"Training diverged: {name} is {float(value)} at step "
                    f"{batch + 1} of epoch {self.epoch + 1}. The last "
                    "checkpoint is sound; try a lower learning rate, a larger "
                    "batch or another seed."
                )


class SampleGrid(keras.callbacks.Callback):
    """Writes samples of the same inputs after each epoch, or every few.

    Images become a grid in a PNG, text the lines of a text file.

    Args:
        folder: str or path, made if missing. Gets `epoch_0001.png` or
            `epoch_0001.txt` ...
        sample: Callable from the model to uint8 images
            `(n, height, width, channels)` or a list of str, of the same
            inputs in every call. Defaults to 64 samples of seed 0.
        columns: int. Images in a row of the grid. Defaults to `8`.
        tensorboard: str, path or `None`. Folder of event files, which get the
            samples, too. Defaults to none.
        every: int. Epochs between samples; the last epoch always has some.
            Defaults to `1`.

    Raises:
        ValueError: At the start of training, without `sample` for a model
            that needs captions or images.
    """

    def __init__(
        self, folder, sample=None, columns=8, tensorboard=None, every=1
    ):
        checks.positive(columns=columns, every=every)
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.sample = sample
        self.columns = columns
        self.tensorboard = tensorboard
        self.every = every

    def on_train_begin(self, logs=None):
        task = TASKS[self.model.task]
        if self.sample is None and "n" not in task.options:
            raise ValueError(
                "`SampleGrid` needs `sample`, because a model for "
                f"{task.name} makes no samples without inputs. Received: "
                "sample=None. Give a function of the model, such as "
                f"`lambda gan: gan.{task.method}(inputs)`."
            )

    def on_epoch_end(self, epoch, logs=None):
        if not _is_due(self, epoch):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        task = self.model.task
        if self.sample is None:
            sampled = self.model.generate(64, seed=0)
        else:
            sampled = self.sample(self.model)
        name = f"epoch_{epoch + 1:04d}{TASKS[task].suffix}"
        with checkpoints.replacing(self.folder / name) as partial:
            samples.write(partial, sampled, task, self.columns)
        if self.tensorboard:
            writer = _event_file(self.tensorboard, epoch)
            with writer.as_default(step=epoch + 1):
                samples.summarize(sampled, task, self.columns)
            writer.close()


class TensorBoard(keras.callbacks.Callback):
    """Writes the numbers of each epoch for TensorBoard.

    Each epoch has its own event file; those of epochs that a killed run did
    not complete are removed at the start.

    Args:
        folder: str or path, made if missing.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.done = 0

    def on_train_begin(self, logs=None):
        for path in self.folder.glob("*.epoch_*"):
            if int(path.name.rsplit("_", 1)[1]) > self.done:
                path.unlink()

    def on_epoch_end(self, epoch, logs=None):
        writer = _event_file(self.folder, epoch)
        with writer.as_default(step=epoch + 1):
            for name, value in (logs or {}).items():
                tf.summary.scalar(name, float(value))
        writer.close()


def _event_file(folder, epoch):
    return tf.summary.create_file_writer(
        str(folder), filename_suffix=f".epoch_{epoch + 1:06d}"
    )


class KeepBest(keras.callbacks.Callback):
    """Evaluates the model every few epochs and keeps the best weights.

    Weights whose score is NaN are not kept, and a warning says so. A model
    that grows is scored at its final resolution alone, because scores of
    coarser images do not compare; the last epoch always has one.

    Args:
        path: str or path of the weights file, ending in `.weights.h5`.
        score: Callable from the model to a dict of plain numbers; the first
            one decides, lower is better.
        every: int. Epochs between scores; the last epoch always has one.
            Defaults to `1`.
    """

    def __init__(self, path, score, every=1):
        checks.positive(every=every)
        super().__init__()
        self.path = pathlib.Path(path)
        self.score = score
        self.every = every
        self.best = math.inf
        self.best_epoch = None

    def on_epoch_end(self, epoch, logs=None):
        if not _is_due(self, epoch):
            return
        is_grown = getattr(self.model, "is_grown", True)
        if not is_grown and epoch + 1 < self.params["epochs"]:
            return
        scores = self.score(self.model)
        _check_scores(scores)
        if logs is not None:
            logs.update(scores)
        name, value = next(iter(scores.items()))
        if math.isnan(value):
            warnings.warn(
                f"The score {name} of epoch {epoch + 1} is NaN, so these "
                "weights are not kept as the best. Check what `score` "
                "computes, and look at the samples: the model may have "
                "collapsed.",
                stacklevel=2,
            )
        if value < self.best:
            self.best, self.best_epoch = value, epoch + 1
            with checkpoints.replacing(self.path) as partial:
                self.model.save_weights(partial)


def _is_due(callback, epoch):
    """Returns whether an epoch is one of every few, or the last."""
    last = epoch + 1 >= callback.params["epochs"]
    return last or (epoch + 1) % callback.every == 0


def _check_scores(scores):
    if (
        not isinstance(scores, dict)
        or not scores
        or not all(isinstance(v, numbers.Real) for v in scores.values())
    ):
        raise TypeError(
            "`score` must return a dict of numbers, the first of which "
            'selects the weights, such as {"fd": 12.3}; convert tensors by '
            f"`float`. Received: {scores!r}"
        )


class KeepFirst(keras.callbacks.Callback):
    """Keeps the weights after the first epoch, a baseline for the last.

    Args:
        path: str or path of the weights file, ending in `.weights.h5`.
    """

    def __init__(self, path):
        super().__init__()
        self.path = pathlib.Path(path)

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            with checkpoints.replacing(self.path) as partial:
                self.model.save_weights(partial)


class StopAfter(keras.callbacks.Callback):
    """Stops training early, as if it had been killed after an epoch.

    Unlike with fewer `epochs` of `fit`, schedules over the length of the
    whole run, such as a decaying learning rate, are unchanged.

    Args:
        epochs: int. Stops after this epoch, counted from the first one.
    """

    def __init__(self, epochs):
        checks.positive(epochs=epochs)
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 >= self.epochs:
            self.model.stop_training = True


class JSONLog(keras.callbacks.Callback):
    """Writes one line of JSON for each epoch.

    A number that is not finite is text; see `kerasgan.plain_json`. Lines of
    epochs that a killed run did not complete are removed at the start, so that
    no epoch appears twice.

    Args:
        path: str or path of the `.jsonl` file.
    """

    def __init__(self, path):
        super().__init__()
        self.path = pathlib.Path(path)
        self.done = 0

    def on_train_begin(self, logs=None):
        self.lines = []
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                if json.loads(line)["epoch"] <= self.done:
                    self.lines.append(line)
        self._write()

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        entry = {"epoch": epoch + 1}
        entry["seconds"] = round(time.monotonic() - self.start, 1)
        entry.update({k: float(v) for k, v in (logs or {}).items()})
        self.lines.append(plain_json.dumps(entry))
        self._write()

    def _write(self):
        text = "".join(f"{line}\n" for line in self.lines)
        checkpoints.write_atomically(self.path, text.encode())


class SaveCheckpoint(keras.callbacks.Callback):
    """Writes a checkpoint after each epoch, or every few; give it last.

    The only one of these callbacks that every worker of several must have.

    Args:
        folder: str or path, made if missing.
        keep_best: The `KeepBest` of the run, whose best score is saved, too.
            Defaults to none.
        every: int. Epochs between checkpoints; the last epoch, and one after
            which training stops early, always has one. Defaults to `1`.
    """

    def __init__(self, folder, keep_best=None, every=1):
        super().__init__()
        self.folder = folder
        self.keep_best = keep_best
        self.every = every

    def restore(self, gan):
        """Restores the newest intact checkpoint into the model, if any.

        Args:
            gan: A compiled `GAN`.

        Returns:
            Pair: int, the number of completed epochs, and list of damaged
            files.
        """
        values, damaged = checkpoints.restore(self.folder, gan)
        if values is None:
            return 0, damaged
        if self.keep_best and values["best_epoch"]:
            self.keep_best.best = values["best"]
            self.keep_best.best_epoch = values["best_epoch"]
        return values["epoch"], damaged

    def on_epoch_end(self, epoch, logs=None):
        if not (_is_due(self, epoch) or self.model.stop_training):
            return
        best = self.keep_best
        values = {"best": None, "best_epoch": None}
        if best and best.best_epoch:
            values = {"best": best.best, "best_epoch": best.best_epoch}
        checkpoints.save(self.folder, self.model, epoch + 1, values)
