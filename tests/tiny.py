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


def labels(count, classes=3):
    """Returns int32 labels, every class in turn, `(count,)`."""
    return (np.arange(count) % classes).astype("int32")


def labelled_images(count, size=16):
    """Returns noise and its labels, for three classes."""
    return images(count, size), labels(count)


def classes_sample(gan):
    """Returns images of every class."""
    return gan.generate(labels=[0, 1, 2, 2, 1], seed=3)


def acgan(**changes):
    return models.ACGAN(
        **{
            "image_size": 16,
            "num_classes": 3,
            "channels": 1,
            "generator_width": 8,
            "discriminator_width": 4,
            "latent_dim": 4,
            "seed": 7,
            **changes,
        }
    )


def cgan(**changes):
    return models.CGAN(
        **{
            "image_size": 16,
            "num_classes": 3,
            "channels": 1,
            "width": 4,
            "latent_dim": 4,
            "seed": 7,
            **changes,
        }
    )


def mlp_cgan(**changes):
    return models.MLPCGAN(
        **{
            "image_size": 8,
            "num_classes": 3,
            "latent_dim": 4,
            "seed": 7,
            **changes,
        }
    )


def two_sets(count):
    """Returns noise and other noise, darker."""
    first = images(count, size=24, channels=3)
    return first, images(count, size=24, channels=3, seed=1) / 2 - 0.5


def cyclegan(**changes):
    return models.CycleGAN(
        **{
            "image_size": 24,
            "width": 2,
            "blocks": 1,
            # Full within the first batch.
            "pool_size": 4,
            "seed": 7,
            **changes,
        }
    )


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


def pairs(count):
    """Returns noise and its negative."""
    sources = images(count, size=32, channels=3)
    return sources, -sources[..., :1]


def pictures(count):
    """Returns uint8 noise to translate."""
    noise = images(count, size=32, channels=3, seed=1)
    return ((noise + 1) * 127.5).astype("uint8")


def pix2pix(**changes):
    return models.Pix2Pix(
        **{
            "image_size": 32,
            "target_channels": 1,
            "width": 2,
            "seed": 7,
            **changes,
        }
    )


def progan(**changes):
    return models.ProGAN(
        **{
            "image_size": 8,
            "channels": 1,
            "latent_dim": 4,
            "fmap_base": 16,
            "fmap_max": 4,
            "start_resolution": 8,
            "seed": 7,
            **changes,
        }
    )


def lively(gan):
    """Gives the learned constant of a StyleGAN other values than ones.

    It starts flat. Normalized, that is rounding over almost zero, and the
    gradients of the first step are as large.
    """
    random = np.random.RandomState(0)
    maps = random.standard_normal(
        (1, 4, 4, gan.generator.synthesis.features(4))
    )
    for generator in (gan.generator, gan.average_generator):
        generator.synthesis.constant_4.maps.assign(maps)
    return gan


STYLEGAN = {
    "image_size": 8,
    "channels": 1,
    "latent_dim": 4,
    "w_dim": 4,
    "mapping_layers": 2,
    "fmap_base": 16,
    "fmap_max": 4,
    "seed": 7,
}


def stylegan(**changes):
    return lively(models.StyleGAN(**{**STYLEGAN, **changes}))


def conditional_stylegan(**changes):
    return lively(
        models.ConditionalStyleGAN(**{"num_classes": 3, **STYLEGAN, **changes})
    )


def lsgan(**changes):
    return models.LSGAN(
        **{
            "image_size": 16,
            "channels": 1,
            "width": 4,
            "latent_dim": 4,
            "seed": 7,
            **changes,
        }
    )


def wgan_gp(**changes):
    return models.WGANGP(
        **{
            "image_size": 16,
            "channels": 1,
            "width": 4,
            "latent_dim": 4,
            "critic_steps": 2,
            "seed": 7,
            **changes,
        }
    )


COLORS = ("red", "green", "blue")
PLACES = ("left", "right")


def captions(count):
    """Returns captions as a string array, some of them equal, `(count,)`."""
    return np.array(
        [
            f"a {COLORS[i % 3]} square on the {PLACES[i % 2]}"
            for i in range(count)
        ]
    )


GAN_CLS = {
    "image_size": 16,
    "channels": 1,
    "generator_width": 4,
    "discriminator_width": 4,
    "latent_dim": 4,
    "sentence_dim": 6,
    "projection_dim": 3,
    "seed": 7,
}


def vector_gan_cls(**changes):
    return models.VectorGANCLS(**{**GAN_CLS, **changes})


def gan_cls(**changes):
    words = ("a", "square", "on", "the", *COLORS, *PLACES)
    return models.GANCLS(
        **{
            **GAN_CLS,
            "vocabulary": words,
            "caption_length": 8,
            "encoder_width": 5,
            **changes,
        }
    )


def sentence_vectors(count):
    """Returns float32 normal draws, `(count, 6)`."""
    draws = np.random.RandomState(1).standard_normal((count, 6))
    return draws.astype("float32")


MODELS = [
    Tiny(
        name="acgan",
        build=acgan,
        arrays=labelled_images,
        sample=classes_sample,
        synchronized={"synchronized": True},
    ),
    Tiny(
        name="cgan",
        build=cgan,
        arrays=labelled_images,
        sample=classes_sample,
        synchronized={"synchronized": True},
    ),
    Tiny(
        name="gan_cls",
        build=gan_cls,
        arrays=lambda count: (images(count), captions(count)),
        sample=lambda gan: gan.generate(captions=list(captions(5)), seed=3),
        synchronized={"synchronized": True},
    ),
    Tiny(
        name="mlp_cgan",
        build=mlp_cgan,
        arrays=lambda count: labelled_images(count, size=8),
        sample=classes_sample,
    ),
    Tiny(
        name="cyclegan",
        build=cyclegan,
        arrays=two_sets,
        sample=lambda gan: gan.translate(pictures(5)),
        # None exchanges in one step; on two replicas each has its own.
        synchronized={"pool_size": 8},
    ),
    Tiny(
        name="dcgan",
        build=dcgan,
        arrays=lambda count: (images(count),),
        sample=lambda gan: gan.generate(5, seed=3),
        synchronized={"synchronized": True},
    ),
    Tiny(
        name="lsgan",
        build=lsgan,
        arrays=lambda count: (images(count),),
        sample=lambda gan: gan.generate(5, seed=3),
        synchronized={"synchronized": True},
    ),
    Tiny(
        name="pix2pix",
        build=pix2pix,
        arrays=pairs,
        sample=lambda gan: gan.translate(pictures(5)),
        synchronized={"synchronized": True},
    ),
    Tiny(
        name="progan",
        build=progan,
        arrays=lambda count: (images(count, size=8),),
        sample=lambda gan: gan.generate(5, seed=3),
    ),
    Tiny(
        name="stylegan",
        build=stylegan,
        arrays=lambda count: (images(count, size=8),),
        sample=lambda gan: gan.generate(5, seed=3, truncation=0.7),
    ),
    Tiny(
        name="conditional_stylegan",
        build=conditional_stylegan,
        arrays=lambda count: labelled_images(count, size=8),
        sample=classes_sample,
    ),
    Tiny(
        name="wgan_gp",
        build=wgan_gp,
        arrays=lambda count: (images(count),),
        sample=lambda gan: gan.generate(5, seed=3),
        synchronized={"synchronized": True},
    ),
]


def by_name(name):
    """Returns the `Tiny` of that name."""
    return next(model for model in MODELS if model.name == name)
