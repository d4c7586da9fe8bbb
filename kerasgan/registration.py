"""Lets Keras load models of this package before their classes are imported.

`keras.models.load_model` finds a class by its registered name, and classes are
registered when their module is imported, which needs TensorFlow. Here
stand-ins are registered instead, as soon as Keras is there; the first that is
used imports the classes, which take the places of all stand-ins.
"""

import importlib
import importlib.abc
import importlib.util
import sys

PACKAGE = "kerasgan"
# Of `kerasgan.models.ARCHITECTURES`.
NAMES = (
    "ACGAN",
    "AdaGAN",
    "BEGAN",
    "BigGAN",
    "CGAN",
    "CUT",
    "CenteredSeqGAN",
    "ConditionalR3GAN",
    "ConditionalSNGAN",
    "ConditionalStyleGAN",
    "ConditionalStyleGAN2",
    "ConstantRewardSeqGAN",
    "CosineXGAN",
    "CycleGAN",
    "DCGAN",
    "FastCUT",
    "GANCLS",
    "ImprovedGAN",
    "InfoGAN",
    "LSGAN",
    "MLPCGAN",
    "MLPWGAN",
    "MinimaxGAN",
    "PacGAN",
    "PearsonLSGAN",
    "Pix2Pix",
    "ProGAN",
    "R3GAN",
    "SNGAN",
    "SeqGAN",
    "SkipBEGAN",
    "StackGAN",
    "StackGANStageOne",
    "StyleGAN",
    "StyleGAN2",
    "UnrolledGAN",
    "VanillaGAN",
    "VectorGANCLS",
    "WGAN",
    "WGANGP",
    "XGAN",
)


class StandIn:
    """Stands for a class until it is needed.

    Args:
        name: str. Of the class, in `kerasgan.models`.
    """

    def __init__(self, name):
        self.name = name

    def from_config(self, config):
        """Returns an object of the class."""
        # The registry itself may still give this stand-in: while it loads a
        # model, Keras looks at a copy first.
        models = importlib.import_module(f"{PACKAGE}.models")
        return getattr(models, self.name).from_config(config)


def register(keras):
    """Registers a stand-in for each class that is not registered.

    Args:
        keras: The module.
    """
    registered = keras.saving.get_custom_objects()
    for name in NAMES:
        registered.setdefault(f"{PACKAGE}>{name}", StandIn(name))


class AfterKeras(importlib.abc.MetaPathFinder):
    """Registers the stand-ins when Keras has been imported."""

    def find_spec(self, name, path, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            register(module)

        spec.loader.exec_module = exec_module
        return spec


def register_when_imported():
    """Registers the stand-ins now, or when Keras is imported."""
    if "keras" in sys.modules:
        register(sys.modules["keras"])
    else:
        sys.meta_path.insert(0, AfterKeras())
