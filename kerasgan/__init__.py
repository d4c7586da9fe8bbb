"""A model zoo of generative adversarial networks for Keras 3."""

from kerasgan.processor import prefer_onednn
from kerasgan.registration import register_when_imported

__version__ = "0.1.0"

prefer_onednn()
register_when_imported()
