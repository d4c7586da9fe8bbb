"""What `compile` and `fit` of Keras take and a GAN cannot use.

Habits of one-network models are refused before anything is changed, with the
reason and with what to write instead.
"""

import json
import pathlib

import keras

from kerasgan import checks

_BOTH = "`generator_optimizer` and `discriminator_optimizer`"


def as_dtype(dtype):
    """Returns the dtype policy of a new model.

    Args:
        dtype: What was given as `dtype`, or `None`.

    Returns:
        A `keras.DTypePolicy`.

    Raises:
        ValueError: If weights would not be float32.
    """
    policy = keras.config.dtype_policy() if dtype is None else dtype
    if dtype is None and policy.name == keras.config.floatx():
        # `floatx` is a setting of the machine, made for other models.
        policy = "float32"
    policy = keras.dtype_policies.get(policy)
    if policy.variable_dtype != "float32":
        raise ValueError(
            "`dtype` must be 'float32', 'mixed_bfloat16' or 'mixed_float16', "
            "because weights and losses are float32. "
            f"Received: dtype={policy.name!r}"
        )
    return policy


def check_compile(metrics, others):
    """Refuses arguments of `compile` that have no meaning.

    Args:
        metrics: What was given as `metrics`.
        others: dict of further arguments by name.

    Raises:
        TypeError: If there is no such argument.
        ValueError: If a metric is not one, or there is a loss.
    """
    known = ("run_eagerly", "steps_per_execution", "auto_scale_loss")
    for name, value in others.items():
        if name in known:
            continue
        if "opt" in name:
            raise TypeError(
                f"A GAN has two optimizers, {_BOTH}; without them it has the "
                f"paper's. Received: {name}={_short(value)}"
            )
        if "loss" in name:
            raise TypeError(
                "A GAN has the losses of its paper, so `compile` takes none; "
                "another loss is a subclass, such as `LSGAN`. "
                f"Received: {name}={_short(value)}"
            )
        raise TypeError(
            f"`compile` takes {_BOTH}, `metrics`, `jit_compile`, "
            "`run_eagerly` and `steps_per_execution`. "
            f"Received: {name}={_short(value)}"
        )
    if not isinstance(metrics, (list, tuple)):
        raise ValueError(
            "`metrics` must be a list. "
            f"Received: metrics={_short(metrics)}; write `metrics=[...]`."
        )
    for metric in metrics:
        if not isinstance(metric, keras.metrics.Metric):
            raise ValueError(
                "`metrics` must be metrics of `kerasgan.metrics`, which "
                "compare generated samples with real ones; others, such as "
                "accuracy, have no meaning without labels to predict. "
                f"Received: {_short(metric)}"
            )


def check_optimizers(generator_optimizer, discriminator_optimizer):
    """Refuses one optimizer for both networks.

    Args:
        generator_optimizer: What was given, or `None`.
        discriminator_optimizer: Likewise.

    Raises:
        ValueError: If both are the same object.
    """
    if (
        isinstance(generator_optimizer, keras.optimizers.Optimizer)
        and generator_optimizer is discriminator_optimizer
    ):
        raise ValueError(
            f"{_BOTH} must be two objects, because each has moments of its "
            "own weights. Received: one "
            f"{type(generator_optimizer).__name__} for both; make a second."
        )


def check_free(optimizer, variables):
    """Refuses an optimizer that was built for other weights.

    Args:
        optimizer: A Keras optimizer.
        variables: List of the variables that it is to train.

    Raises:
        ValueError: If it belongs to another network.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not inner.built:
        return
    trained = {id(v) for v in inner._trainable_variables}
    if not trained <= {id(v) for v in variables}:
        raise ValueError(
            "An optimizer has moments of the weights that it trains, so every "
            "network of every model needs one of its own. Received: a "
            f"{type(inner).__name__} that trains another network; make a "
            "new one."
        )


def check_fit(
    batch_size=None,
    epochs=1,
    initial_epoch=0,
    steps_per_epoch=None,
    validation_steps=None,
    validation_batch_size=None,
    validation_freq=1,
    **weights,
):
    """Refuses arguments of `fit` and `evaluate` that are invalid.

    Args:
        batch_size: See `keras.Model.fit`, like all others.
        epochs: As above.
        initial_epoch: As above.
        steps_per_epoch: As above.
        validation_steps: As above.
        validation_batch_size: As above.
        validation_freq: As above.
        **weights: `class_weight` and `sample_weight`, which must be `None`.

    Raises:
        ValueError: If one is invalid.
    """
    checks.count(epochs=epochs, initial_epoch=initial_epoch)
    optional = {
        "batch_size": batch_size,
        "steps_per_epoch": steps_per_epoch,
        "validation_steps": validation_steps,
        "validation_batch_size": validation_batch_size,
    }
    given = {n: v for n, v in optional.items() if v is not None}
    # Keras itself takes -1 for all steps.
    if given.get("steps_per_epoch") == -1:
        del given["steps_per_epoch"]
    checks.positive(**given)
    if not isinstance(validation_freq, (list, tuple, set)):
        checks.positive(validation_freq=validation_freq)
    for name, value in weights.items():
        if value is not None:
            raise ValueError(
                f"`{name}` has no meaning for a GAN, whose losses compare "
                "whole sets of samples; repeat examples in the data to weight "
                f"them. Received: {name}={_short(value)}"
            )


def as_list(callbacks):
    """Returns callbacks as a list.

    Args:
        callbacks: A callback, a list or `CallbackList` of them, or `None`.

    Returns:
        list of `keras.callbacks.Callback`.

    Raises:
        TypeError: If one is something else.
    """
    if callbacks is None:
        return []
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    elif isinstance(callbacks, keras.callbacks.Callback):
        callbacks = [callbacks]
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                "`callbacks` must be a list of Keras callbacks. "
                f"Received: {_short(callback)}"
            )
    return list(callbacks)


def check_monitors(callbacks, loss_names):
    """Refuses callbacks that would wait for a value that never comes.

    Args:
        callbacks: List of `keras.callbacks.Callback`.
        loss_names: Sequence of str, the losses of the model.

    Raises:
        ValueError: If a callback monitors one loss of all, which a GAN has
            not, or Keras could not tell whether lower is better.
    """
    for callback in callbacks:
        if getattr(callback, "monitor_op", True) is not None:
            continue
        if getattr(callback, "save_best_only", True) is False:
            continue  # `ModelCheckpoint`, which then monitors nothing.
        kind, name = type(callback).__name__, callback.monitor
        if name in ("loss", "val_loss"):
            losses = ", ".join(repr(n) for n in loss_names)
            raise ValueError(
                f"A GAN has no single loss; {kind} can monitor {losses}, or, "
                "with `validation_data`, a metric as 'val_<metric>'. "
                f"Received: monitor={name!r}"
            )
        if callback.mode == "auto":
            raise ValueError(
                f"{kind} must be given whether a lower {name} is better: "
                "write mode='min' or mode='max'. Received: mode='auto'"
            )


def resumed_epoch(callbacks, initial_epoch):
    """Returns the epoch that `fit` starts with.

    Args:
        callbacks: List of callbacks. `BackupAndRestore` of Keras sets the
            epoch when `fit` has begun, too late for the order of the data.
        initial_epoch: int. What `fit` was given.

    Returns:
        int.
    """
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            folder = pathlib.Path(callback.backup_dir)
            about = folder / "training_metadata.json"
            if about.is_file():
                return json.loads(about.read_text("utf-8"))["epoch"]
    return initial_epoch


def _short(value):
    text = repr(value)
    return text if len(text) <= 60 else f"a {type(value).__name__}"
