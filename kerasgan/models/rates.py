"""Learning rates that change by epoch or by stage of growth.

For both optimizers, the current rate is a fraction of the full rate, which was
given to `compile`. A checkpoint contains the current rate, a variable of the
optimizer; the configuration of a saved model contains the full rate.
`RateByEpoch` does not change a `LearningRateSchedule`; with growth, a schedule
continues over all steps, scaled by resolution.
"""

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


class RateByEpoch(keras.callbacks.Callback):
    """Sets both learning rates to a fraction of the full rates each epoch.

    The full rates are restored when `fit` ends.

    Args:
        share: Callable `share(epoch, epochs)` from the index of an epoch and
            the number of epochs to a float.

    Raises:
        ValueError: From `fit`, before the first step, if `share` raises it.
    """

    def __init__(self, share):
        super().__init__()
        self.share = share

    def on_train_begin(self, logs=None):
        self.share(0, self.params["epochs"])

    def on_epoch_begin(self, epoch, logs=None):
        share = self.share(epoch, self.params["epochs"])
        self.model.scale_learning_rates(share)

    def on_train_end(self, logs=None):
        self.model.scale_learning_rates(1.0)


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
