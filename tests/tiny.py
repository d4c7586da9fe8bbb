"""One small model of each kind; the conformance suite runs over the list."""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kerasgan import models

BATCH = 8


@dataclasses.dataclass(frozen=True)
class Tiny:
    """How to build, feed and sample a model that trains in a second.

    Attributes:
        name: The test's id.
        build: Takes changed arguments, returns the model, not compiled. The
            seed and every size are fixed.
        arrays: Takes a number of examples, returns a tuple of arrays, one
            for each part of a training example; the same in every call.
        sample: Takes a model and returns uint8 images, the same for the same
            weights; seed 3, at least 5 images.
        synchronized: The changes to `build` under which a step on two
            replicas is the step on one: no statistics of the local batch
            (or synchronized ones).
    """

    name: str
    build: Callable
    arrays: Callable
    sample: Callable
    synchronized: dict = dataclasses.field(default_factory=dict)

    def dataset(self, batches=2, batch_size=BATCH):
        """Returns a dataset of whole batches, in a fixed order."""
        arrays = self.arrays(batches * batch_size)
        dataset = tf.data.Dataset.from_tensor_slices(
            arrays if len(arrays) > 1 else arrays[0]
        )
        return dataset.batch(batch_size, drop_remainder=True)

    def compiled(self, changes=None, **kwargs):
        """Returns the model with changed arguments, compiled."""
        gan = self.build(**(changes or {}))
        gan.compile(**kwargs)
        return gan


def images(count, size=16, channels=1, seed=0):
    """Returns float32 noise in [-1, 1], `(count, size, size, channels)`."""
    shape = (count, size, size, channels)
    return np.random.RandomState(seed).uniform(-1, 1, shape).astype("float32")


def dcgan(**changes):
    return models.DCGAN(
        **{
            "image_size": 16,
            "channels": 1,
            "width": 4,
            "latent_dim": 4,
            "seed": 7,
            **changes,
        }
    )


MODELS = [
    Tiny(
        name="dcgan",
        build=dcgan,
        arrays=lambda count: (images(count),),
        sample=lambda gan: gan.generate(5, seed=3),
        synchronized={"synchronized": True},
    ),
]
