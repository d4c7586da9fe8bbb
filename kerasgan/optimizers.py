"""What Keras' optimizers lack.

Keras' Adam has some ten operations for each variable, each a pass over its
values; TensorFlow has one operation for the whole update. Keras' SGD has a
constant momentum, and its exponential decay no floor.
"""

import math

import tensorflow as tf

from kerasgan import checks
from kerasgan.backend import keras
from kerasgan.schedules import half_cosine


@keras.saving.register_keras_serializable(package="kerasgan")
class Adam(keras.optimizers.Adam):
    """Adam with the update of a variable in one operation.

    Up to rounding, its updates are those of `keras.optimizers.Adam`, with the
    same variables, so that one can replace the other during a run. If an
    embedding looks up a row twice, the gradients are added before they are
    squared; Keras squares them first.

    Args:
        learning_rate: float or schedule. Defaults to `0.001`.
        beta_1: float. Decay of the mean gradient. Defaults to `0.9`.
        beta_2: float. Decay of the mean square. Defaults to `0.999`.
        epsilon: float. Defaults to `1e-8`, the paper's; Keras' is `1e-7`.
        **kwargs: See `keras.optimizers.Adam`.

    Example:
    ```python
    optimizer = Adam(2e-4, beta_1=0.5)
    ```

    Reference:
        [Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980), the faster
        order of computation at the end of section 2
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        **kwargs,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)

    def current_beta_2(self):
        """Returns the decay of the mean square in the next step."""
        return self.beta_2

    def update_step(self, gradient, variable, learning_rate):
        if self.amsgrad:  # Not supported by the operation.
            return super().update_step(gradient, variable, learning_rate)
        index = self._get_variable_index(variable)
        moments = self._momentums[index], self._velocities[index]
        beta_1 = tf.cast(self.beta_1, variable.dtype)
        beta_2 = tf.cast(self.current_beta_2(), variable.dtype)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=moments[0].value.handle,
            v=moments[1].value.handle,
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
        )


@keras.saving.register_keras_serializable(package="kerasgan")
class CosineAdam(Adam):
    """Adam with a `beta_2` that moves along half a cosine.

    The second moment is corrected for its start at zero by the present
    `beta_2` to the power of the step. Steps are counted by the optimizer and
    saved with it, so that a resumed run continues on the curve.

    Args:
        learning_rate: float or schedule. Defaults to `0.0002`.
        beta_1: float. Defaults to `0.0`.
        beta_2: float. Decay of the mean square at first. Defaults to `0.9`.
        final_beta_2: float. That after `steps`. Defaults to `0.99`.
        steps: int. Defaults to `78125`, 20 million images in batches of 256.
        **kwargs: See `Adam`, but for `amsgrad`.

    Raises:
        ValueError: If a decay is not in [0, 1), or `steps` not positive.

    Example:
    ```python
    rate = keras.optimizers.schedules.CosineDecay(2e-4, 10_000, alpha=0.25)
    optimizer = CosineAdam(rate, steps=10_000)
    ```

    Reference:
        [Huang et al., 2024](https://arxiv.org/abs/2501.05441), in the
        authors' code
    """

    def __init__(
        self,
        learning_rate=0.0002,
        beta_1=0.0,
        beta_2=0.9,
        final_beta_2=0.99,
        steps=78125,
        **kwargs,
    ):
        checks.decay(beta_2=beta_2, final_beta_2=final_beta_2)
        checks.positive(steps=steps)
        super().__init__(learning_rate, beta_1, beta_2, **kwargs)
        self.final_beta_2 = final_beta_2
        self.steps = steps

    def current_beta_2(self):
        share = tf.cast(self.iterations, "float32") / self.steps
        return half_cosine(share, self.beta_2, self.final_beta_2)

    def get_config(self):
        config = super().get_config()
        del config["amsgrad"]
        return {
            **config,
            "final_beta_2": self.final_beta_2,
            "steps": self.steps,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class RampedSGD(keras.optimizers.SGD):
    """SGD with a momentum that increases linearly, by epoch.

    In epoch `n`, from 1, the momentum is `momentum` where `n` is at most
    `first_epoch`, `final_momentum` from `last_epoch` on, and between them on
    a straight line. Epochs are counted by the steps taken, which are saved
    with the optimizer, so that a resumed run continues with its momentum.

    Args:
        learning_rate: float or schedule. Defaults to `0.1`.
        momentum: float in (0, 1]. Momentum at first. Defaults to `0.5`.
        final_momentum: float in [0, 1]. Defaults to `0.7`.
        first_epoch: int. Defaults to `1`.
        last_epoch: int, larger than `first_epoch`. Defaults to `250`.
        steps_per_epoch: int. Defaults to `500`, for 50,000 images in batches
            of 100.
        **kwargs: See `keras.optimizers.SGD`, but for `nesterov`.

    Raises:
        ValueError: If a number is out of its range.

    Example:
    ```python
    optimizer = RampedSGD(0.1, steps_per_epoch=600)
    ```

    Reference:
        [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), in the
        authors' settings for MNIST
    """

    def __init__(
        self,
        learning_rate=0.1,
        momentum=0.5,
        final_momentum=0.7,
        first_epoch=1,
        last_epoch=250,
        steps_per_epoch=500,
        **kwargs,
    ):
        checks.fraction(momentum=momentum, final_momentum=final_momentum)
        checks.positive(
            first_epoch=first_epoch, steps_per_epoch=steps_per_epoch
        )
        if momentum == 0.0:
            raise ValueError(
                "`momentum` must be positive, because without it there is "
                f"nothing to increase. Received: momentum={momentum!r}"
            )
        if not checks.is_whole(last_epoch) or last_epoch <= first_epoch:
            raise ValueError(
                "`last_epoch` must be an integer larger than `first_epoch`, "
                f"{first_epoch}. Received: last_epoch={last_epoch!r}"
            )
        super().__init__(learning_rate, float(momentum), **kwargs)
        self.final_momentum = float(final_momentum)
        self.first_epoch = first_epoch
        self.last_epoch = last_epoch
        self.steps_per_epoch = steps_per_epoch

    def current_momentum(self):
        """Returns the momentum of the next step, a float32 scalar tensor."""
        epoch = 1 + self.iterations // self.steps_per_epoch
        ramp = self.last_epoch - self.first_epoch
        share = tf.cast(epoch - self.first_epoch, "float32") / ramp
        share = tf.clip_by_value(share, 0.0, 1.0)
        return (1.0 - share) * self.momentum + share * self.final_momentum

    def update_step(self, gradient, variable, learning_rate):
        velocity = self.momentums[self._get_variable_index(variable)]
        momentum = tf.cast(self.current_momentum(), variable.dtype)
        rate = tf.cast(learning_rate, variable.dtype)
        gradient = tf.cast(tf.convert_to_tensor(gradient), variable.dtype)
        self.assign(velocity, momentum * velocity - rate * gradient)
        self.assign_add(variable, velocity)

    def get_config(self):
        config = super().get_config()
        del config["nesterov"]
        return {
            **config,
            "final_momentum": self.final_momentum,
            "first_epoch": self.first_epoch,
            "last_epoch": self.last_epoch,
            "steps_per_epoch": self.steps_per_epoch,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class DecayToFloor(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate divided by `factor` in each step, down to a floor.

    The logarithm of the factor is taken in double precision: in float32 a
    factor of 1.000004 is 1.3 % wrong, and after 125,000 steps so is half that
    of the rate.

    Args:
        initial_rate: float.
        factor: float, at least 1.
        floor: float, the smallest rate. Defaults to `0.0`.

    Raises:
        ValueError: If `factor` is less than 1, or a rate is negative.

    Example:
    ```python
    optimizer = keras.optimizers.SGD(DecayToFloor(0.1, 1.000004, 1e-6))
    ```

    Reference:
        [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), in the
        authors' settings
    """

    def __init__(self, initial_rate, factor, floor=0.0):
        super().__init__()
        checks.weight(initial_rate=initial_rate, factor=factor, floor=floor)
        if factor < 1.0:
            raise ValueError(
                "`factor` must be at least 1, because each step divides the "
                f"rate by it. Received: factor={factor!r}"
            )
        self.initial_rate = initial_rate
        self.factor = factor
        self.floor = floor

    def __call__(self, step):
        steps = tf.cast(step, "float32")
        rate = self.initial_rate * tf.exp(-math.log(self.factor) * steps)
        return tf.maximum(rate, self.floor)

    def get_config(self):
        return {
            "initial_rate": self.initial_rate,
            "factor": self.factor,
            "floor": self.floor,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class FallInSecondHalf(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is constant, and falls to zero in the second half.

    Args:
        initial_rate: float.
        steps: int. Number of steps of the whole run.

    Raises:
        ValueError: If the rate is negative, or `steps` not positive.

    Example:
    ```python
    optimizer = Adam(FallInSecondHalf(2e-4, 20_000), beta_1=0.0)
    ```
    """

    def __init__(self, initial_rate, steps):
        super().__init__()
        checks.weight(initial_rate=initial_rate)
        checks.positive(steps=steps)
        self.initial_rate = initial_rate
        self.steps = steps

    def __call__(self, step):
        rest = 2.0 * (1.0 - tf.cast(step, "float32") / self.steps)
        return self.initial_rate * tf.clip_by_value(rest, 0.0, 1.0)

    def get_config(self):
        return {"initial_rate": self.initial_rate, "steps": self.steps}
