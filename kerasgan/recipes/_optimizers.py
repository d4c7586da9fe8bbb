"""The optimizers that recipes share."""

from kerasgan.backend import keras
from kerasgan.optimizers import Adam, FallInSecondHalf


def falling_adam(updates, rate=2e-4, beta_1=0.5, beta_2=0.999):
    """Returns Adam with a learning rate that decreases linearly to zero.

    This replaces the choice of when to stop.

    Args:
        updates: int. Number of updates of the whole run.
        rate: float. Initial learning rate. Defaults to `2e-4`, DCGAN's.
        beta_1: float. Defaults to `0.5`, DCGAN's.
        beta_2: float. Defaults to `0.999`.
    """
    schedule = keras.optimizers.schedules.PolynomialDecay(
        rate, updates, end_learning_rate=0.0
    )
    return Adam(schedule, beta_1, beta_2)


def late_adam(*falls, rate=3e-3, beta_1=0.0, beta_2=0.99):
    """Returns Adam with a learning rate that decreases late, to a third.

    Until then it is constant, as in ProGAN and StyleGAN, which add new layers
    at each resolution.

    Args:
        *falls: ints. The updates after which it decreases.
        rate: float. Initial learning rate. Defaults to `3e-3`, three times
            theirs, for much shorter runs.
        beta_1: float. Defaults to `0.0`, theirs.
        beta_2: float. Defaults to `0.99`, theirs.
    """
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
        list(falls), [rate / 3**fallen for fallen in range(len(falls) + 1)]
    )
    return Adam(schedule, beta_1, beta_2)


def late_falling_adam(updates, rate=2e-4, beta_1=0.0, beta_2=0.999):
    """Returns Adam with a constant rate that falls to zero in the second half.

    Args:
        updates: int. Number of updates of the whole run.
        rate: float. Initial learning rate. Defaults to `2e-4`.
        beta_1: float. Defaults to `0.0`.
        beta_2: float. Defaults to `0.999`.
    """
    return Adam(FallInSecondHalf(rate, updates), beta_1, beta_2)
