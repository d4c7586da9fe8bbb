"""Models as components of a mixture, by name and plain arguments."""

import contextlib
import json
import random

import numpy as np

from kerasgan import checks
from kerasgan.models.base import init_arguments
from kerasgan.models.codes import CodeGAN
from kerasgan.models.growing import GrowingGAN
from kerasgan.models.points import PointsGAN
from kerasgan.models.sampling import LatentGAN
from kerasgan.models.semi_supervised import SemiSupervisedGAN
from kerasgan.models.styles import StyledGAN

# Given to the mixture itself, for all components.
SHARED = ("ema_decay", "seed", "name", "dtype")


def component_class(name):
    """Returns the class of a component.

    Args:
        name: str.

    Returns:
        A class of `kerasgan.models`.

    Raises:
        ValueError: If it is not one whose samples can be mixed.
    """
    from kerasgan import models  # It imports this module.

    others = (GrowingGAN, StyledGAN, CodeGAN, SemiSupervisedGAN)
    known = {
        key: model
        for key, model in models.architectures().items()
        if issubclass(model, (LatentGAN, PointsGAN))
        and model.task in ("image", "points")
        and not issubclass(model, others)
    }
    checks.one_of(known, component=name)
    return known[name]


def plain_arguments(model, given):
    """Returns the arguments of a component as JSON.

    Args:
        model: A class of `kerasgan.models`.
        given: dict or `None`.

    Returns:
        str.

    Raises:
        ValueError: If they are not plain values, or not of this class.
    """
    given = {} if given is None else given
    names = [n for n in init_arguments(model) if n not in SHARED]
    if not isinstance(given, dict) or not set(given) <= set(names):
        raise ValueError(
            "`component_arguments` must be a dict of arguments of "
            f"{model.__name__}: {', '.join(names)}; {', '.join(SHARED)} are "
            "given to AdaGAN itself. "
            f"Received: component_arguments={given!r}"
        )
    try:
        return json.dumps(given)
    except TypeError as error:
        raise ValueError(
            "`component_arguments` must be numbers, text and lists of them, "
            f"as saved models hold. Received: component_arguments={given!r}"
        ) from error


def check_component(gan):
    """Refuses models that cannot be a component.

    Args:
        gan: A `GAN`.

    Raises:
        ValueError: If its discriminator gives other than one score for each
            example, or it has a schedule of its own.
    """
    name = type(gan).__name__
    # Divisible by all sizes of packs to 4.
    shape = gan.discriminator.compute_output_shape((12, *gan.sample_shape))
    if tuple(shape) != (12, 1):
        raise ValueError(
            "The discriminator of a component must give each example one "
            "score, because the classifier of AdaGAN has its network. "
            f"Received: component={name!r}, scores of shape {shape} for 12"
        )
    if gan.training_callbacks():
        raise ValueError(
            "A component must have no schedule over the epochs of `fit`, "
            "because AdaGAN trains several in one `fit`. "
            f"Received: component={name!r}"
        )


@contextlib.contextmanager
def initializers_of(seed):
    """Gives new networks the first weights of a seed.

    Initializers without a seed take one from Python's random numbers, whose
    state is restored.

    Args:
        seed: Tuple of ints.
    """
    state = random.getstate()
    random.seed(seed_for(seed, 2))
    try:
        yield
    finally:
        random.setstate(state)


def seed_for(seed, use):
    """Returns a seed for one use, from a tuple of ints."""
    found = np.random.SeedSequence((*seed, use)).generate_state(1)
    return int(found[0])
