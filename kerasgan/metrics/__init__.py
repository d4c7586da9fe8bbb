"""Metrics of generated images, each reported with its protocol."""

from kerasgan import backend as backend
from kerasgan.metrics import folders as folders
from kerasgan.metrics import modes as modes
from kerasgan.metrics.efficientnet import (
    load_efficientnet_lite0 as load_efficientnet_lite0,
)
from kerasgan.metrics.features import FeatureNetwork as FeatureNetwork
from kerasgan.metrics.frechet import FeatureStatistics as FeatureStatistics
from kerasgan.metrics.frechet import FrechetDistance as FrechetDistance
from kerasgan.metrics.frechet import frechet_distance as frechet_distance
from kerasgan.metrics.inception import load_inception as load_inception
from kerasgan.metrics.inception_score import InceptionScore as InceptionScore
from kerasgan.metrics.inception_score import inception_score as inception_score
from kerasgan.metrics.kernel import KernelDistance as KernelDistance
from kerasgan.metrics.kernel import kernel_distance as kernel_distance
from kerasgan.metrics.parzen import parzen as parzen
from kerasgan.metrics.parzen import (
    parzen_log_likelihoods as parzen_log_likelihoods,
)
from kerasgan.metrics.path_length import path_length_of as path_length_of
from kerasgan.metrics.path_length import (
    perceptual_path_length as perceptual_path_length,
)
from kerasgan.metrics.perceptual import PerceptualDistance as PerceptualDistance
from kerasgan.metrics.perceptual import pixel_distance as pixel_distance
from kerasgan.metrics.precision_recall import (
    PrecisionRecall as PrecisionRecall,
)
from kerasgan.metrics.precision_recall import (
    density_coverage as density_coverage,
)
from kerasgan.metrics.precision_recall import (
    precision_recall as precision_recall,
)
from kerasgan.metrics.protocols import PROTOCOLS as PROTOCOLS
from kerasgan.metrics.protocols import (
    ConditionalAccuracyProtocol as ConditionalAccuracyProtocol,
)
from kerasgan.metrics.protocols import PairProtocol as PairProtocol
from kerasgan.metrics.protocols import ParzenProtocol as ParzenProtocol
from kerasgan.metrics.protocols import PathLengthProtocol as PathLengthProtocol
from kerasgan.metrics.protocols import Protocol as Protocol
from kerasgan.metrics.protocols import TextProtocol as TextProtocol
from kerasgan.metrics.protocols import evaluate as evaluate
from kerasgan.metrics.similarity import Diversity as Diversity
from kerasgan.metrics.similarity import PairSimilarity as PairSimilarity
from kerasgan.metrics.similarity import l1 as l1
from kerasgan.metrics.similarity import ms_ssim as ms_ssim
from kerasgan.metrics.similarity import psnr as psnr
from kerasgan.metrics.similarity import ssim as ssim
from kerasgan.metrics.sliced_wasserstein import (
    SlicedWasserstein as SlicedWasserstein,
)
from kerasgan.metrics.sliced_wasserstein import (
    sliced_wasserstein as sliced_wasserstein,
)
from kerasgan.metrics.text import HeldOutLikelihood as HeldOutLikelihood
from kerasgan.metrics.text import OracleLikelihood as OracleLikelihood
from kerasgan.metrics.text import distinct as distinct
from kerasgan.metrics.text import novelty as novelty
