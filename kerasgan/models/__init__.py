"""The architectures, one file each."""

from kerasgan.models import base
from kerasgan.models.acgan import ACGAN
from kerasgan.models.base import GAN, ClassGAN, LatentGAN, TranslationGAN
from kerasgan.models.cgan import CGAN, MLPCGAN
from kerasgan.models.cyclegan import CycleGAN
from kerasgan.models.dcgan import DCGAN
from kerasgan.models.gan_cls import GANCLS
from kerasgan.models.pix2pix import Pix2Pix
from kerasgan.models.progan import ProGAN
from kerasgan.models.stylegan import StyleGAN
from kerasgan.models.wgan_gp import WGANGP

__all__ = [
    "ACGAN",
    "CGAN",
    "ClassGAN",
    "CycleGAN",
    "DCGAN",
    "GAN",
    "GANCLS",
    "LatentGAN",
    "MLPCGAN",
    "Pix2Pix",
    "ProGAN",
    "StyleGAN",
    "TranslationGAN",
    "WGANGP",
]


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
