"""Learning rates that change by epoch or by stage of growth.

For both optimizers, the current rate is a fraction of the full rate, which was
given to `compile`. A checkpoint contains the current rate, a variable of the
optimizer; the configuration of a saved model contains the full rate.
`RateByEpoch` does not change a `LearningRateSchedule`; with growth, a schedule
continues over all steps, scaled by resolution.
"""

import math
import warnings

import keras
import tensorflow as tf


def unscaled(optimizer):
    """Returns the optimizer inside loss scaling, or the optimizer itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def full_rate(optimizer):
    """Returns an optimizer's learning rate, `None` if a schedule sets it.

    Args:
        optimizer: A Keras optimizer.

    Returns:
        float or `None`.
    """
    value = unscaled(optimizer).get_config()["learning_rate"]
    return None if isinstance(value, dict) else float(value)


def config_at(optimizer, rate):
    """Serializes an optimizer with a given learning rate.

    Args:
        optimizer: A Keras optimizer.
        rate: float, or `None` to keep the schedule.

    Returns:
        dict.
    """
    config = keras.saving.serialize_keras_object(optimizer)
    if rate is not None:
        inner = config["config"]
        inner = inner.get("inner_optimizer", {"config": inner})["config"]
        inner["learning_rate"] = rate
    return config


class Rate:
    """The learning rate of one optimizer, under the name of its network.

    Args:
        name: str. `"generator"` or `"discriminator"`.
        optimizer: A Keras optimizer.
    """

    def __init__(self, name, optimizer):
        self.name = name
        self.optimizer = unscaled(optimizer)

    @property
    def learning_rate(self):
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.optimizer.learning_rate = value


class Optimizers:
    """Both optimizers, where Keras' callbacks look for one: `gan.optimizer`.

    They change the learning rate of each of `optimizers`, and read the number
    of steps. No step uses it.

    Args:
        generator: A built Keras optimizer.
        discriminator: Likewise.
    """

    built = True

    def __init__(self, generator, discriminator):
        self.optimizers = [
            Rate("generator", generator),
            Rate("discriminator", discriminator),
        ]
        # Steps before the optimizers last restarted.
        self.steps_before = 0

    @property
    def iterations(self):
        """Integer scalar: steps since `compile` or loading."""
        return self.steps_before + self.optimizers[0].optimizer.iterations

    @property
    def variables(self):
        return [v for o in self.optimizers for v in o.optimizer.variables]


class OneOptimizer:
    """A model as a callback sees it that is to change one learning rate.

    Args:
        model: A compiled `GAN`.
        name: str. `"generator"` or `"discriminator"`.
    """

    def __init__(self, model, name):
        optimizers = Optimizers(*model.optimizers())
        optimizers.optimizers = [
            rate for rate in optimizers.optimizers if rate.name == name
        ]
        vars(self).update(_model=model, optimizer=optimizers)

    def __getattr__(self, name):
        return getattr(self._model, name)

    def __setattr__(self, name, value):
        setattr(self._model, name, value)


def check_callbacks(callbacks, optimizers):
    """Refuses callbacks that would change the rate of a schedule.

    Args:
        callbacks: List of Keras callbacks.
        optimizers: `Optimizers`.

    Raises:
        ValueError: If one would raise later, in the middle of training.
    """
    changing = (
        keras.callbacks.LearningRateScheduler,
        keras.callbacks.ReduceLROnPlateau,
    )
    for callback in callbacks:
        if not isinstance(callback, changing):
            continue
        for rate in optimizers.optimizers:
            concerned = getattr(callback, "network", rate.name) == rate.name
            if concerned and full_rate(rate.optimizer) is None:
                raise ValueError(
                    f"{type(callback).__name__} sets the learning rate, which "
                    "a `LearningRateSchedule` sets already; give `compile` "
                    "optimizers with a number. Received: a schedule in "
                    f"`{rate.name}_optimizer`"
                )


def watching_all_losses(callback):
    """Returns a callback; `TerminateOnNaN` with an eye on every loss.

    Keras' looks at the loss named `loss`, which a GAN does not have.

    Args:
        callback: A Keras callback.
    """
    if isinstance(callback, keras.callbacks.TerminateOnNaN):
        check = type(callback).on_batch_end

        def on_batch_end(batch, logs=None):
            values = [float(value) for value in (logs or {}).values()]
            wrong = [v for v in values if not math.isfinite(v)]
            check(callback, batch, {"loss": wrong[0] if wrong else 0.0})

        callback.on_batch_end = on_batch_end
    return callback


class RateByEpoch(keras.callbacks.Callback):
    """Sets both learning rates to a fraction of the full rates each epoch.

    The full rates are restored when `fit` ends. Where another callback has
    changed a rate, that one remains, until the end of `fit` and after it.

    Args:
        share: Callable `share(epoch, epochs)` from the index of an epoch and
            the number of epochs to a float.

    Raises:
        ValueError: From `fit`, before the first step, if `share` raises it.
    """

    def __init__(self, share):
        super().__init__()
        self.share = share
        self.last = None  # The rates that this callback has set.
        self.replaced = False

    def on_train_begin(self, logs=None):
        self.share(0, self.params["epochs"])
        self.last, self.replaced = None, False

    def on_epoch_begin(self, epoch, logs=None):
        self._look()
        if not self.replaced:
            share = self.share(epoch, self.params["epochs"])
            self.model.scale_learning_rates(share)
            self.last = self._rates()

    def on_train_end(self, logs=None):
        self._look()
        if not self.replaced:
            self.model.scale_learning_rates(1.0)

    def _rates(self):
        rates = self.model.optimizer.optimizers
        # On replicas the value of a variable has no `float`.
        return [float(tf.convert_to_tensor(r.learning_rate)) for r in rates]

    def _look(self):
        """Finds out whether another callback has changed a rate."""
        if self.replaced or self.last is None:
            return
        fixed = [full_rate(o) is not None for o in self.model.optimizers()]
        pairs = zip(self._rates(), self.last, fixed, strict=True)
        if any(f and now != last for now, last, f in pairs):
            self.replaced = True
            warnings.warn(
                "A callback has changed a learning rate, so this model no "
                "longer changes both by epoch, as its paper does.",
                stacklevel=2,
            )


class HalveWhenStalled(keras.callbacks.Callback):
    """Halves both learning rates when a loss no longer decreases.

    It does so after `patience` epochs, an attribute of the model, whose mean
    loss was not below the lowest mean of all epochs, and then again after as
    many. What it remembers are weights of the model, `lowest` and `stalled`,
    so that a resumed run continues as it would have. Schedules are not
    changed.

    Args:
        loss: str. One of the model's `loss_names`.
    """

    # Above all losses, and in 16 bits a number.
    HIGH = 1e4

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def on_epoch_end(self, epoch, logs=None):
        value = float(logs[self.loss])
        gan = self.model
        # On replicas the value of a variable has no `float`.
        if value < float(tf.convert_to_tensor(gan.lowest)):
            gan.lowest.assign(value)
            gan.stalled.assign(0.0)
            return
        stalled = float(tf.convert_to_tensor(gan.stalled)) + 1.0
        gan.stalled.assign(stalled % gan.patience)
        if stalled < gan.patience:
            return
        for rate in gan.optimizer.optimizers:
            if full_rate(rate.optimizer) is not None:
                now = float(tf.convert_to_tensor(rate.learning_rate))
                rate.learning_rate = 0.5 * now


@keras.saving.register_keras_serializable(package="kerasgan")
class OngoingSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that continues when the optimizer's step count is reset.

    Args:
        schedule: `LearningRateSchedule` over all steps of training.
        steps_before: Integer scalar variable. Steps before the last reset.
            Defaults to `None`, for an optimizer without a model.
        factor: Float scalar variable. Multiplies the rate at the present
            resolution. Defaults to `None`, as above.
    """

    def __init__(self, schedule, steps_before=None, factor=None):
        super().__init__()
        self.schedule = schedule
        self.steps_before = steps_before
        self.factor = factor

    def __call__(self, step):
        if self.factor is None:
            return self.schedule(step)
        step = self.steps_before + tf.cast(step, "int64")
        return self.factor * self.schedule(step)

    def get_config(self):
        # The variables are created by `compile`.
        schedule = keras.optimizers.schedules.serialize(self.schedule)
        return {"schedule": schedule}

    @classmethod
    def from_config(cls, config):
        return cls(keras.optimizers.schedules.deserialize(config["schedule"]))


def make_ongoing(optimizer):
    """Makes the schedule of an optimizer continue across `restart`.

    Does nothing if the rate is a number, or the schedule already continues.

    Args:
        optimizer: A built Keras optimizer.
    """
    optimizer = unscaled(optimizer)
    schedule = optimizer._learning_rate
    if isinstance(schedule, OngoingSchedule):
        if schedule.factor is not None:
            return  # Compiled before.
        schedule = schedule.schedule
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        # Variables of the optimizer, to be saved with its state.
        optimizer.learning_rate = OngoingSchedule(
            schedule,
            optimizer.add_variable((), dtype="int64", name="steps_before"),
            optimizer.add_variable((), initializer="ones", name="factor"),
        )


def restart(optimizer, network, factor):
    """Resets an optimizer's moments and step count, and scales its rate.

    The loss scale of float16 is kept.

    Args:
        optimizer: A built Keras optimizer, after `make_ongoing`.
        network: The network that it trains.
        factor: float. Multiplies the learning rate from now on.
    """
    optimizer = unscaled(optimizer)
    fresh = type(optimizer).from_config(optimizer.get_config())
    fresh.build(network.trainable_variables)
    rate = optimizer._learning_rate
    if isinstance(rate, OngoingSchedule):
        steps = tf.cast(optimizer.iterations, "int64")
        rate.steps_before.assign(rate.steps_before + steps)
        rate = rate.factor
    # The variables of an ongoing schedule come last, and `fresh` has none.
    for old, new in zip(optimizer.variables, fresh.variables, strict=False):
        if old is not rate:
            old.assign(new)
    if isinstance(rate, keras.Variable):
        rate.assign(rate * factor)
