"""Layers that the architectures share."""

from kerasgan import backend as backend
