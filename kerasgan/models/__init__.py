"""The architectures, one file each."""

from kerasgan.models import base
from kerasgan.models.base import GAN, LatentGAN, TranslationGAN
from kerasgan.models.dcgan import DCGAN

__all__ = ["DCGAN", "GAN", "LatentGAN", "TranslationGAN"]


def architectures():
    """Returns the models by name, without their base classes.

    Returns:
        dict of class name to class.
    """
    return {
        name: value
        for name, value in globals().items()
        if isinstance(value, type)
        and issubclass(value, GAN)
        and value.__module__ != base.__name__
    }
