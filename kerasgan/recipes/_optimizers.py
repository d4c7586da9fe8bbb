"""The optimizer that most recipes share."""

import keras

from kerasgan.optimizers import Adam


def falling_adam(updates, rate=2e-4, beta_1=0.5, beta_2=0.999):
    """Returns Adam whose rate falls in a straight line to zero.

    That takes the place of choosing when to stop.

    Args:
        updates: int. Of the whole run.
        rate: float. The first learning rate. Defaults to `2e-4`, DCGAN's.
        beta_1: float. Defaults to `0.5`, DCGAN's.
        beta_2: float. Defaults to `0.999`.
    """
    schedule = keras.optimizers.schedules.PolynomialDecay(
        rate, updates, end_learning_rate=0.0
    )
    return Adam(schedule, beta_1, beta_2)
