"""Layers that the architectures share, and layers for networks of one's own."""

from kerasgan import backend as backend
from kerasgan.layers.conditioning import ConditioningAugmentation
from kerasgan.layers.grouped import GroupedConv2D
from kerasgan.layers.historical_average import HistoricalAverage
from kerasgan.layers.minibatch_discrimination import MinibatchDiscrimination
from kerasgan.layers.noise import GaussianNoise, InstanceNoise
from kerasgan.layers.normalization import ConditionalBatchNormalization
from kerasgan.layers.packing import Packing
from kerasgan.layers.replay_buffer import ReplayBuffer
from kerasgan.layers.reversal import GradientReversal
from kerasgan.layers.self_attention import SelfAttention
from kerasgan.layers.spectral import (
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralDense,
    SpectralEmbedding,
)
from kerasgan.layers.virtual_batch_normalization import (
    ReferenceBatch,
    VirtualBatchNormalization,
)

__all__ = [
    "ConditionalBatchNormalization",
    "ConditioningAugmentation",
    "GaussianNoise",
    "GradientReversal",
    "GroupedConv2D",
    "HistoricalAverage",
    "InstanceNoise",
    "MinibatchDiscrimination",
    "Packing",
    "ReferenceBatch",
    "ReplayBuffer",
    "SelfAttention",
    "SpectralConv2D",
    "SpectralConv2DTranspose",
    "SpectralDense",
    "SpectralEmbedding",
    "VirtualBatchNormalization",
]
