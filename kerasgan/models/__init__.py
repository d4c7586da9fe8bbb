"""The architectures, one file each."""

from kerasgan.models.base import GAN, LatentGAN, TranslationGAN
from kerasgan.models.dcgan import DCGAN

__all__ = ["DCGAN", "GAN", "LatentGAN", "TranslationGAN"]
