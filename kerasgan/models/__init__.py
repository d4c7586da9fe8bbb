"""The architectures, one file each."""

from kerasgan import backend as backend
from kerasgan.models.acgan import ACGAN
from kerasgan.models.adagan import AdaGAN
from kerasgan.models.base import GAN
from kerasgan.models.began import BEGAN, SkipBEGAN
from kerasgan.models.biggan import BigGAN
from kerasgan.models.captions import CaptionGAN, TextGAN, VectorGAN
from kerasgan.models.cgan import CGAN
from kerasgan.models.codes import CodeGAN
from kerasgan.models.cut import CUT, FastCUT
from kerasgan.models.cyclegan import CycleGAN
from kerasgan.models.dcgan import DCGAN
from kerasgan.models.gan_cls import GANCLS, VectorGANCLS
from kerasgan.models.improved_gan import ImprovedGAN
from kerasgan.models.infogan import InfoGAN
from kerasgan.models.labels import ClassGAN
from kerasgan.models.lsgan import LSGAN, PearsonLSGAN
from kerasgan.models.mlp_cgan import MLPCGAN
from kerasgan.models.pacgan import PacGAN
from kerasgan.models.pix2pix import Pix2Pix
from kerasgan.models.points import PointsGAN
from kerasgan.models.progan import ProGAN
from kerasgan.models.r3gan import R3GAN, ConditionalR3GAN
from kerasgan.models.sampling import LatentGAN, UniformLatentGAN
from kerasgan.models.semi_supervised import SemiSupervisedGAN
from kerasgan.models.seqgan import (
    CenteredSeqGAN,
    ConstantRewardSeqGAN,
    Oracle,
    SeqGAN,
)
from kerasgan.models.sequences import SequenceGAN
from kerasgan.models.sngan import SNGAN, ConditionalSNGAN
from kerasgan.models.stackgan import StackGAN, StackGANStageOne
from kerasgan.models.stylegan import ConditionalStyleGAN, StyleGAN
from kerasgan.models.stylegan2 import ConditionalStyleGAN2, StyleGAN2
from kerasgan.models.styles import StyledGAN
from kerasgan.models.text_encoder import words_of
from kerasgan.models.translation import TranslationGAN
from kerasgan.models.two_way import TwoWayGAN
from kerasgan.models.unrolled_gan import UnrolledGAN
from kerasgan.models.vanilla_gan import MinimaxGAN, VanillaGAN
from kerasgan.models.wgan import MLPWGAN, WGAN
from kerasgan.models.wgan_gp import WGANGP
from kerasgan.models.xgan import XGAN, CosineXGAN

# The only classes that a model card may name: loading cards from others relies
# on this list for security.
ARCHITECTURES = (
    ACGAN,
    AdaGAN,
    BEGAN,
    BigGAN,
    CGAN,
    CUT,
    CenteredSeqGAN,
    ConditionalR3GAN,
    ConditionalSNGAN,
    ConditionalStyleGAN,
    ConditionalStyleGAN2,
    ConstantRewardSeqGAN,
    CosineXGAN,
    CycleGAN,
    DCGAN,
    FastCUT,
    GANCLS,
    ImprovedGAN,
    InfoGAN,
    LSGAN,
    MLPCGAN,
    MLPWGAN,
    MinimaxGAN,
    PacGAN,
    PearsonLSGAN,
    Pix2Pix,
    ProGAN,
    R3GAN,
    SNGAN,
    SeqGAN,
    SkipBEGAN,
    StackGAN,
    StackGANStageOne,
    StyleGAN,
    StyleGAN2,
    UnrolledGAN,
    VanillaGAN,
    VectorGANCLS,
    WGAN,
    WGANGP,
    XGAN,
)

__all__ = [
    "ACGAN",
    "ARCHITECTURES",
    "AdaGAN",
    "BEGAN",
    "BigGAN",
    "CGAN",
    "CUT",
    "CaptionGAN",
    "CenteredSeqGAN",
    "ClassGAN",
    "CodeGAN",
    "ConditionalR3GAN",
    "ConditionalSNGAN",
    "ConditionalStyleGAN",
    "ConditionalStyleGAN2",
    "ConstantRewardSeqGAN",
    "CosineXGAN",
    "CycleGAN",
    "DCGAN",
    "FastCUT",
    "GAN",
    "GANCLS",
    "ImprovedGAN",
    "InfoGAN",
    "LSGAN",
    "LatentGAN",
    "MLPCGAN",
    "MLPWGAN",
    "MinimaxGAN",
    "Oracle",
    "PacGAN",
    "PearsonLSGAN",
    "Pix2Pix",
    "PointsGAN",
    "ProGAN",
    "R3GAN",
    "SNGAN",
    "SemiSupervisedGAN",
    "SeqGAN",
    "SequenceGAN",
    "SkipBEGAN",
    "StackGAN",
    "StackGANStageOne",
    "StyleGAN",
    "StyleGAN2",
    "StyledGAN",
    "TextGAN",
    "TranslationGAN",
    "TwoWayGAN",
    "UniformLatentGAN",
    "UnrolledGAN",
    "VanillaGAN",
    "VectorGAN",
    "VectorGANCLS",
    "WGAN",
    "WGANGP",
    "XGAN",
    "architectures",
    "words_of",
]


def architectures():
    """Returns the architectures by name, without base classes.

    Returns:
        dict of class name to class.
    """
    return {model.__name__: model for model in ARCHITECTURES}
