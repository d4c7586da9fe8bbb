"""Scores of generated pictures, each with the protocol it was taken under."""

from kerasgan.metrics.features import FeatureNetwork as FeatureNetwork
from kerasgan.metrics.frechet import FeatureStatistics as FeatureStatistics
from kerasgan.metrics.frechet import FrechetDistance as FrechetDistance
from kerasgan.metrics.frechet import frechet_distance as frechet_distance
from kerasgan.metrics.inception_score import InceptionScore as InceptionScore
from kerasgan.metrics.inception_score import inception_score as inception_score
