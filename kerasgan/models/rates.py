"""Learning rates that a model changes by epoch or by stage of growth.

One rule for both optimizers: the present rate is a share of the full rate,
the one given to `compile`. The present rate is a variable of the optimizer,
so a checkpoint holds it; a saved model's configuration holds the full rate. A
rate given as a `LearningRateSchedule` is left alone by epoch; by stage it
continues, scaled.
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
    """Returns the serialized optimizer with another learning rate.

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
    """Sets both learning rates to a share of their full rates each epoch.

    The full rates return when `fit` ends.

    Args:
        share: Callable `share(epoch, epochs)` from the number of an epoch,
            from 0, and the number of all epochs to a float.

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
    """A schedule that continues where the optimizer restarts its step count.

    Args:
        schedule: `LearningRateSchedule` over all steps of training.
        steps_before: Integer scalar variable. Steps before the optimizer's
            first. Defaults to `None`, for an optimizer without a model.
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
        # The variables are made by `compile`.
        schedule = keras.optimizers.schedules.serialize(self.schedule)
        return {"schedule": schedule}

    @classmethod
    def from_config(cls, config):
        return cls(keras.optimizers.schedules.deserialize(config["schedule"]))


def make_ongoing(optimizer):
    """Lets the schedule of an optimizer continue across `restart`.

    Does nothing where the rate is a number, or the schedule is ongoing.

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

    What float16 has learned about loss scales stays.

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
