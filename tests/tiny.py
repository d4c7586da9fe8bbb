"""One small model of each kind; the conformance suite runs over the list."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kerasgan import models
from kerasgan.augment import AdaptiveAugmentation

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
        paper: What `paper()` must give: attribute to value, or, for a
            network, to its number of trained parameters. Published, or from
            the paper's layer table.
        paper_changes: The arguments that `paper()` cannot do without.
        optimizers: Part of the configuration that both default optimizers
            must have.
        refuses: Argument to bad values; each message names what came.
        is_bounded: Whether the data must lie in [-1, 1].
        is_light: Whether all properties of its training are tested by
            default; those of the others are among the slow tests.
        is_variant: Whether its training step is that of another model of the
            list, with other networks, inputs or losses.
    """

    name: str
    build: Callable
    arrays: Callable = lambda count: (images(count),)
    sample: Callable = lambda gan: gan.generate(5, seed=3)
    synchronized: dict = dataclasses.field(default_factory=dict)
    paper: dict = dataclasses.field(default_factory=dict)
    paper_changes: dict = dataclasses.field(default_factory=dict)
    optimizers: dict = dataclasses.field(default_factory=dict)
    refuses: dict = dataclasses.field(default_factory=dict)
    is_bounded: bool = True
    is_light: bool = False
    is_variant: bool = False

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


def partly_labelled_images(count):
    """Returns noise and its labels, every second of them missing."""
    noise, numbers = labelled_images(count, size=8)
    return noise, np.where(np.arange(count) % 2, -1, numbers).astype("int32")


def points(count):
    """Returns float32 points of three normals, `(count, 2)`."""
    random = np.random.RandomState(0)
    means = np.array([[1.0, 0.0], [-1.0, 0.5], [0.0, -1.0]])[labels(count)]
    return random.normal(means, 0.1).astype("float32")


def token_rows(count):
    """Returns int32 tokens of the vocabulary of `WORDS`, `(count, 5)`."""
    random = np.random.RandomState(0)
    return random.randint(0, 4, (count, 5)).astype("int32")


def tokens_sample(gan):
    """Returns tokens as grey levels."""
    tokens = gan.run_in_batches(gan.seeded_inputs(3, 5), 64)
    return tokens.astype("uint8")


def points_sample(gan):
    """Returns points as grey levels, 0 for -2 and 255 for 2."""
    levels = 63.75 * (gan.generate(5, seed=3) + 2.0)
    return levels.clip(0, 255).astype("uint8")


def classes_sample(gan):
    """Returns images of every class."""
    return gan.generate(labels=[0, 1, 2, 2, 1], seed=3)


def two_sets(count):
    """Returns noise and other noise, darker."""
    first = images(count, size=24, channels=3)
    return first, images(count, size=24, channels=3, seed=1) / 2 - 0.5


def two_domains(count):
    """Returns gray noise and other noise, darker."""
    return images(count, size=32), images(count, size=32, seed=1) / 2 - 0.5


def pairs(count):
    """Returns noise and its negative."""
    sources = images(count, size=32, channels=3)
    return sources, -sources[..., :1]


def images_to_translate(count):
    """Returns uint8 noise to translate."""
    noise = images(count, size=32, channels=3, seed=1)
    return ((noise + 1) * 127.5).astype("uint8")


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


def sentence_vectors(count):
    """Returns float32 normal draws, `(count, 6)`."""
    draws = np.random.RandomState(1).standard_normal((count, 6))
    return draws.astype("float32")


SMALL = {"image_size": 16, "channels": 1, "latent_dim": 4, "seed": 7}
COMPONENT = {"image_size": 16, "channels": 1, "latent_dim": 4, "width": 4}
LABELS = {**SMALL, "num_classes": 3}
GROWING = {**SMALL, "image_size": 8, "fmap_base": 16, "fmap_max": 4}
STYLES = {**GROWING, "w_dim": 4, "mapping_layers": 2}
STYLES2 = {
    **SMALL,
    "image_size": 8,
    "style_dim": 4,
    "mapping_layers": 2,
    "channel_base": 32,
    "channel_max": 4,
}
TEXT = {
    **SMALL,
    "generator_width": 4,
    "discriminator_width": 4,
    "sentence_dim": 6,
    "projection_dim": 3,
}
acgan = functools.partial(
    models.ACGAN, **LABELS, generator_width=8, discriminator_width=4
)
adagan = functools.partial(
    models.AdaGAN,
    component="DCGAN",
    component_arguments=COMPONENT,
    components=2,
    component_epochs=1,
    classifier_epochs=1,
    seed=7,
)
began = functools.partial(models.BEGAN, **SMALL, width=3)
skip_began = functools.partial(
    models.SkipBEGAN, **SMALL, width=3, residual_steps=4
)
biggan = functools.partial(
    models.BigGAN,
    **{**LABELS, "image_size": 32, "latent_dim": 8},
    width=2,
    embedding_dim=6,
    attention_size=16,
    discriminator_steps=1,
)
cgan = functools.partial(models.CGAN, **LABELS, width=4)
mlp_cgan = functools.partial(
    models.MLPCGAN, image_size=8, num_classes=3, latent_dim=4, seed=7
)
cyclegan = functools.partial(
    models.CycleGAN,
    image_size=24,
    width=2,
    blocks=1,
    pool_size=4,  # Full within the first batch.
    seed=7,
)
CONTRAST = {
    "image_size": 24,
    "generator_width": 2,
    "discriminator_width": 2,
    "blocks": 1,
    "nce_blocks": (0,),
    "patches": 16,
    "projection_dim": 4,
    "seed": 7,
}
cut = functools.partial(models.CUT, **CONTRAST)
fastcut = functools.partial(models.FastCUT, **CONTRAST)
WORDS = {
    "vocabulary": ("a", "cat", "dog"),
    "sequence_length": 5,
    "embedding_dim": 4,
    "units": 4,
    "discriminator_dim": 3,
    "filters": ((1, 2), (3, 2)),
    "rollouts": 2,
    "discriminator_steps": 2,
    "seed": 7,
}
seqgan = functools.partial(models.SeqGAN, **WORDS)
centered_seqgan = functools.partial(models.CenteredSeqGAN, **WORDS)
dcgan = functools.partial(models.DCGAN, **SMALL, width=4)
improved_gan = functools.partial(
    models.ImprovedGAN,
    image_size=8,
    num_classes=3,
    generator_units=(6, 5),
    discriminator_units=(7, 6),
    latent_dim=4,
    seed=7,
)
infogan = functools.partial(
    models.InfoGAN, **SMALL, categorical=(3,), width=4, dense_width=16
)
lsgan = functools.partial(models.LSGAN, **SMALL, width=4)
pacgan = functools.partial(models.PacGAN, **SMALL, width=4)
pix2pix = functools.partial(
    models.Pix2Pix, image_size=32, target_channels=1, width=2, seed=7
)
progan = functools.partial(models.ProGAN, **GROWING, start_resolution=8)
stylegan2 = functools.partial(models.StyleGAN2, **STYLES2)
conditional_stylegan2 = functools.partial(
    models.ConditionalStyleGAN2, **STYLES2, num_classes=3
)
PAIRED = {
    **SMALL,
    "image_size": 8,
    "latent_dim": 16,
    "width": 8,
    "widest_size": 4,
    "blocks": 1,
    "group_size": 4,
}
r3gan = functools.partial(models.R3GAN, **PAIRED)
conditional_r3gan = functools.partial(
    models.ConditionalR3GAN, **PAIRED, num_classes=3
)
RESIDUAL = {
    "image_size": 32,
    "generator_width": 6,
    "discriminator_width": 5,
    "discriminator_steps": 1,
}
sngan = functools.partial(models.SNGAN, **{**SMALL, **RESIDUAL})
conditional_sngan = functools.partial(
    models.ConditionalSNGAN, **{**LABELS, **RESIDUAL}
)
unrolled_gan = functools.partial(
    models.UnrolledGAN,
    unroll_steps=2,
    latent_dim=4,
    generator_units=(6, 5),
    discriminator_units=(5,),
    seed=7,
)
wgan = functools.partial(
    models.WGAN, **SMALL, width=4, critic_steps=2, long_critic_steps=2
)
wgan_gp = functools.partial(models.WGANGP, **SMALL, width=4, critic_steps=2)
vector_gan_cls = functools.partial(models.VectorGANCLS, **TEXT)
gan_cls = functools.partial(
    models.GANCLS,
    **TEXT,
    vocabulary=("a", "square", "on", "the", *COLORS, *PLACES),
    caption_length=8,
    encoder_width=5,
)


STACKGAN = {
    "image_size": 16,
    "channels": 1,
    "generator_width": 4,
    "discriminator_width": 4,
    "latent_dim": 7,
    "sentence_dim": 6,
    "condition_dim": 3,
    "vocabulary": ("a", "square", "on", "the", *COLORS, *PLACES),
    "caption_length": 8,
    "encoder_width": 5,
    "seed": 7,
}
stackgan_stage_one = functools.partial(models.StackGANStageOne, **STACKGAN)


XGAN = {
    "image_size": 32,
    "channels": 1,
    "width": 2,
    "embedding_dim": 5,
    "discriminator_width": 2,
    "pool_size": 4,  # Full within the first batch.
    "seed": 7,
}
xgan = functools.partial(models.XGAN, **XGAN)
cosine_xgan = functools.partial(models.CosineXGAN, **XGAN)


def stackgan(**changes):
    """Its first stage has other statistics than one that is not trained."""
    first = stackgan_stage_one()
    for weight in first.average_generator.non_trainable_variables:
        weight.assign(weight + 0.1)
    arguments = {"image_size": 32, "blocks": 1, **changes}
    return models.StackGAN.from_stage_one(first, **arguments)


def stylegan(**changes):
    return lively(models.StyleGAN(**{**STYLES, **changes}))


def ada_dcgan(**changes):
    """Its p is neither 0 nor at rest."""
    augment = AdaptiveAugmentation(kimg=0.08, interval=1, seed=7)
    arguments = {**SMALL, "width": 4, "augment": augment, **changes}
    gan = models.DCGAN(**arguments)
    if gan.augment is augment:
        augment.p.assign(0.5)
    return gan


def conditional_stylegan(**changes):
    arguments = {"num_classes": 3, **STYLES, **changes}
    return lively(models.ConditionalStyleGAN(**arguments))


def vanilla_gan(model=models.VanillaGAN, **changes):
    """Its discriminator starts almost flat, and learns for epochs at first.

    With larger first weights the generator's gradients are not lost in the
    rounding of its weights.
    """
    arguments = {
        "image_size": 8,
        "generator_units": 6,
        "discriminator_units": 5,
        "pieces": 3,
        "latent_dim": 4,
        "seed": 7,
    }
    gan = model(**{**arguments, **changes})
    for weight in gan.discriminator.trainable_variables:
        weight.assign(40.0 * weight)
    return gan


NAN = float("nan")
ADAM = {
    "learning_rate": 2e-4,
    "beta_1": 0.5,
    "beta_2": 0.999,
    "epsilon": 1e-8,
}
ADAM_OF_PROGAN = {**ADAM, "learning_rate": 1e-3, "beta_1": 0.0, "beta_2": 0.99}


def bottleneck(maps):
    """Returns the parameters of a residual block of GAN-CLS.

    Three convolutions without biases, each with batch normalization.
    """
    inside = maps // 4
    return (
        (maps * inside + 2 * inside)
        + (9 * inside * inside + 2 * inside)
        + (9 * inside * maps + 2 * maps)
    )


MODELS = [
    Tiny(
        name="acgan",
        build=acgan,
        arrays=labelled_images,
        sample=classes_sample,
        synchronized={"synchronized": True},
        # Appendix A, table 2; no bias where batch normalization follows.
        paper={
            "sample_shape": (32, 32, 3),
            "generator": (110 * 4 * 4 * 384 + 4 * 4 * 384)
            + (5 * 5 * 384 * 192 + 2 * 192)
            + (5 * 5 * 192 * 96 + 2 * 96)
            + (5 * 5 * 96 * 3 + 3),
            "discriminator": (3 * 3 * 3 * 16 + 16)
            + (3 * 3 * 16 * 32 + 2 * 32)
            + (3 * 3 * 32 * 64 + 2 * 64)
            + (3 * 3 * 64 * 128 + 2 * 128)
            + (3 * 3 * 128 * 256 + 2 * 256)
            + (3 * 3 * 256 * 512 + 2 * 512)
            + (4 * 4 * 512 * 1 + 1)
            + (4 * 4 * 512 * 10 + 10),
        },
        optimizers=ADAM,
        refuses={
            "image_size": [8],
            "generator_width": [0],
            "fake_class_weight": [-1.0, NAN],
        },
    ),
    Tiny(
        name="adagan",
        build=adagan,
        synchronized={
            "component_arguments": {**COMPONENT, "synchronized": True},
        },
        # The authors' networks: 5-16-16-2 and 2-16-16-1.
        paper={
            "sample_shape": (2,),
            "components": 10,
            "component_epochs": 15,
            "generator": 402,
            "discriminator": 337,
        },
        optimizers=ADAM,
        refuses={
            "component": ["CGAN", "InfoGAN", "ProGAN", "AdaGAN", "exit", 3],
            "component_arguments": [{"seed": 1}, {"size": 8}, [16]],
            "components": [0],
            "component_epochs": [0],
            "classifier_epochs": [1.5],
            "reweighting": ["bagging"],
        },
    ),
    Tiny(
        name="ada_dcgan",
        build=ada_dcgan,
        synchronized={"synchronized": True},
        optimizers=ADAM,
        refuses={"augment": ["ada", 0.6]},
    ),
    Tiny(
        name="began",
        build=began,
        # 3x3 convolutions, two for each of the four resolutions; the
        # encoder's grow by 128 and have a third, with stride 2, but the last.
        paper={
            "sample_shape": (64, 64, 3),
            "generator": 532_480 + 8 * 147_584 + 3_459,
            "discriminator": 11_688_768 + 1_716_611,
            "latent_dim": 64,
            "diversity_ratio": 0.5,
            "balance_rate": 0.001,
            "default_batch_size": 16,
        },
        optimizers={
            **ADAM,
            "learning_rate": 1e-4,
            "beta_1": 0.9,
        },
        refuses={
            "image_size": [24, 8],
            "channels": [0],
            "width": [0],
            "diversity_ratio": [1.5, -0.1, NAN],
            "balance_rate": [-1.0, NAN],
            "patience": [-1, 0.5],
        },
    ),
    Tiny(
        name="skip_began",
        build=skip_began,
        is_variant=True,
        optimizers={**ADAM, "learning_rate": 1e-4, "beta_1": 0.9},
        refuses={"residual_steps": [0], "width": [0]},
    ),
    Tiny(
        name="biggan",
        build=biggan,
        arrays=lambda count: labelled_images(count, size=32),
        sample=classes_sample,
        # Rounding decides between values that attention pools.
        synchronized={"synchronized": True, "attention_size": None},
        # The author's code for CIFAR-10; others in tests/models/test_biggan.py.
        paper_changes={"name": "cifar10"},
        paper={
            "sample_shape": (32, 32, 3),
            "generator": 4_304_387,
            "discriminator": 4_207_361,
            "latent_dim": 128,
            "discriminator_steps": 4,
            "orthogonal_weight": 0.0,
            "ema_decay": 0.9999,
            "ema_start": 1000,
        },
        optimizers={**ADAM, "beta_1": 0.0},
        refuses={
            "image_size": [16, 512],
            "channels": [0],
            "width": [0],
            "latent_dim": [6],
            "embedding_dim": [0],
            "attention_size": [0.5],
            "discriminator_steps": [0],
            "orthogonal_weight": [-1.0, NAN],
            "initialization": ["zeros"],
            "ema_start": [-1],
        },
    ),
    Tiny(
        name="cgan",
        build=cgan,
        is_light=True,
        arrays=labelled_images,
        sample=classes_sample,
        synchronized={"synchronized": True},
        optimizers=ADAM,
        refuses={
            "image_size": [8],
            "num_classes": [0],
            "class_names": [("a", "b"), ("a", "b", "b")],
            "class_frequencies": [
                (1.0, 2.0),
                (1.0, 2.0, -1.0),
                (0.0, 0.0, 0.0),
                (1.0, 2.0, NAN),
            ],
        },
    ),
    Tiny(
        name="gan_cls",
        build=gan_cls,
        arrays=lambda count: (images(count), captions(count)),
        sample=lambda gan: gan.generate(captions=list(captions(5)), seed=3),
        synchronized={"synchronized": True},
        # The layer table of the authors' release; no convolution has a bias.
        paper={
            "sample_shape": (64, 64, 3),
            "generator": (1024 * 128 + 128)
            + (16 * (100 + 128) * 1024 + 2 * 1024)
            + bottleneck(1024)
            + (16 * 1024 * 512 + 2 * 512)
            + bottleneck(512)
            + (16 * 512 * 256 + 2 * 256)
            + (16 * 256 * 128 + 2 * 128)
            + 16 * 128 * 3,
            "discriminator": 16 * 3 * 64
            + (16 * 64 * 128 + 2 * 128)
            + (16 * 128 * 256 + 2 * 256)
            + (16 * 256 * 512 + 2 * 512)
            + bottleneck(512)
            + (1024 * 128 + 2 * 128)
            + ((512 + 128) * 512 + 2 * 512)
            + 16 * 512,
        },
        paper_changes={"vocabulary": ("a",)},
        optimizers=ADAM,
        refuses={
            "image_size": [8],
            "sentence_dim": [0],
            "halve_every": [0],
            "r1_gamma": [-1.0],
        },
    ),
    Tiny(
        name="mlp_cgan",
        build=mlp_cgan,
        arrays=lambda count: labelled_images(count, size=8),
        sample=classes_sample,
        # Section 4.1, with biases; a maxout unit of five pieces has five rows.
        paper={
            "sample_shape": (28, 28, 1),
            "generator": (100 * 200 + 200)
            + (10 * 1000 + 1000)
            + (1200 * 1200 + 1200)
            + (1200 * 784 + 784),
            "discriminator": (784 + 1) * 240 * 5
            + (10 + 1) * 50 * 5
            + (240 + 50 + 1) * 240 * 4
            + (240 + 1),
        },
        optimizers={"momentum": 0.5},
        is_variant=True,
    ),
    Tiny(
        name="cut",
        build=cut,
        arrays=two_sets,
        sample=lambda gan: gan.translate(images_to_translate(5)),
        # Counted in the authors' networks.
        paper={
            "sample_shape": (256, 256, 3),
            "generator": 11_378_179,
            "discriminator": 2_764_737,
            "projection": 560_384,
            "nce_weight": 1.0,
            "patches": 256,
            "temperature": 0.07,
        },
        optimizers=ADAM,
        refuses={
            "image_size": [20, 30],
            "channels": [0],
            "generator_width": [0],
            "discriminator_width": [0],
            "blocks": [0],
            "nce_blocks": [(1,), (-1,), (0, 0), (0.0,)],
            "nce_weight": [-1.0, NAN],
            "patches": [0],
            "projection_dim": [0],
            "temperature": [0.0, -1.0, NAN],
            "decay_epochs": [0.5],
        },
    ),
    Tiny(
        name="cyclegan",
        build=cyclegan,
        arrays=two_sets,
        sample=lambda gan: gan.translate(images_to_translate(5)),
        # None exchanges in one step; on two replicas each has its own.
        synchronized={"pool_size": 8},
        paper={
            "sample_shape": (256, 256, 3),
            "generator_ab": 11_378_179,
            "generator_ba": 11_378_179,
            "discriminator_a": 2_764_737,
            "discriminator_b": 2_764_737,
            "pool_size": 50,
            "cycle_weight": 10.0,
            "identity_weight": 0.5,
        },
        optimizers=ADAM,
        refuses={
            "image_size": [20, 30],
            "channels": [0],
            "width": [0],
            "blocks": [0],
            "cycle_weight": [-1.0, NAN],
            "identity_weight": [-1.0],
            "pool_size": [-1],
            "decay_epochs": [0.5],
        },
    ),
    Tiny(
        name="dcgan",
        build=dcgan,
        is_light=True,
        synchronized={"synchronized": True},
        paper={
            "sample_shape": (64, 64, 3),
            "generator": 3_576_704,
            "discriminator": 2_765_568,
        },
        optimizers=ADAM,
        refuses={
            "ema_decay": [1.0, -0.1],
            "latent_dim": [0],
            "image_size": [20, 8, 32.0],
            "channels": [0],
            "width": [-1],
            "r1_gamma": [-1.0],
        },
    ),
    Tiny(
        name="improved_gan",
        build=improved_gan,
        arrays=partly_labelled_images,
        synchronized={"synchronized": True},
        paper={
            "sample_shape": (28, 28, 1),
            "generator": 694_568,
            "discriminator": 1_538_770,
        },
        optimizers={**ADAM, "learning_rate": 3e-3},
        refuses={
            "num_classes": [0],
            "channels": [0],
            "generator_units": [(), (4, 0)],
            "discriminator_units": [(4.0,)],
        },
    ),
    Tiny(
        name="infogan",
        build=infogan,
        synchronized={"synchronized": True},
        # 14 outputs of Q, of which two are unused.
        paper={
            "sample_shape": (28, 28, 1),
            "generator": 6_652_481,
            "discriminator": 6_692_431,
        },
        # The rates differ; see tests/models/test_infogan.py.
        optimizers={n: v for n, v in ADAM.items() if n != "learning_rate"},
        refuses={
            "image_size": [18, (16, 10)],
            "channels": [0],
            "width": [0],
            "dense_width": [0],
            "categorical": [(1,), (3, 2.5)],
            "continuous": [-1, 0.5],
            "categorical_weight": [-1.0, NAN],
            "continuous_weight": [-1.0],
        },
    ),
    Tiny(
        name="lsgan",
        build=lsgan,
        synchronized={"synchronized": True},
        optimizers=ADAM,
        is_variant=True,
    ),
    Tiny(
        name="pacgan",
        build=pacgan,
        synchronized={"synchronized": True},
        # DCGAN's; a 4x4 kernel sees three channels more.
        paper={
            "sample_shape": (64, 64, 3),
            "generator": 3_576_704,
            "discriminator": 2_765_568 + 4 * 4 * 3 * 64,
        },
        optimizers=ADAM,
        refuses={"pack_size": [0, 1.5], "image_size": [24]},
        is_variant=True,
    ),
    Tiny(
        name="pix2pix",
        build=pix2pix,
        arrays=pairs,
        sample=lambda gan: gan.translate(images_to_translate(5)),
        synchronized={"synchronized": True},
        paper={
            "sample_shape": (256, 256, 3),
            "generator": 54_413_955,
            "discriminator": 2_768_705,
        },
        optimizers=ADAM,
        refuses={
            "image_size": [48, 16],
            "source_channels": [0],
            "target_channels": [1.5],
            "width": [0],
            "max_width": [0],
            "patch_size": [64],
            "l1_weight": [-1.0, NAN],
        },
    ),
    Tiny(
        name="progan",
        build=progan,
        arrays=lambda count: (images(count, size=8),),
        paper={"generator": 23_079_115, "discriminator": 23_087_249},
        optimizers=ADAM_OF_PROGAN,
        refuses={
            "image_size": [12],
            "start_resolution": [6, 16],
            "stable_images": [-1],
            "fade_images": [0],
            "penalty_weight": [-1.0],
            "drift_weight": [NAN],
            "group_size": [1],
        },
    ),
    Tiny(
        name="seqgan",
        build=seqgan,
        is_light=True,
        arrays=lambda count: (token_rows(count),),
        sample=tokens_sample,
        # The authors' code, 5,000 tokens: embedding, LSTM and output;
        # embedding, 12 widths of filters, highway and output.
        paper={
            "sample_shape": (20,),
            "num_tokens": 5000,
            "generator": 5000 * 32 + (64 * 128 + 128) + (32 * 5000 + 5000),
            "discriminator": 320_000 + 801_720 + 5_920_240 + 3_442,
            "rollouts": 16,
            "rollout_decay": 0.0,
            "clip_norm": 5.0,
        },
        optimizers={"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
        refuses={
            "sequence_length": [0],
            "embedding_dim": [0],
            "units": [0],
            "discriminator_dim": [0],
            "filters": [((6, 1),), ((0, 1),), ((1, 2, 3),), ()],
            "dropout": [1.0, NAN],
            "l2_weight": [-1.0, NAN],
            "rollouts": [0],
            "rollout_decay": [1.0, NAN],
            "discriminator_steps": [0],
            "clip_norm": [0.0, -1.0, NAN],
        },
    ),
    Tiny(
        name="sngan",
        build=sngan,
        arrays=lambda count: (images(count, size=32),),
        synchronized={"synchronized": True},
        # The authors' residual networks for CIFAR-10; others in
        # tests/models/test_sngan.py.
        paper={
            "sample_shape": (32, 32, 3),
            "generator": 4_276_739,
            "discriminator": 1_053_824,
            "latent_dim": 128,
            "discriminator_steps": 5,
            "generator_factor": 2,
            "default_batch_size": 5 * 64,
        },
        optimizers={**ADAM, "beta_1": 0.0, "beta_2": 0.9},
        refuses={
            "image_size": [16, 48],
            "channels": [0],
            "generator_width": [0],
            "discriminator_width": [0],
            "discriminator_steps": [0],
            "generator_factor": [0, 1.5],
        },
    ),
    Tiny(
        name="conditional_sngan",
        build=conditional_sngan,
        arrays=lambda count: labelled_images(count, size=32),
        sample=classes_sample,
        synchronized={"synchronized": True},
        paper={
            "generator": 4_304_387,
            "discriminator": 1_055_104,
            "num_classes": 10,
        },
        optimizers={**ADAM, "beta_1": 0.0, "beta_2": 0.9},
        refuses={"num_classes": [0], "image_size": [24]},
        is_variant=True,
    ),
    Tiny(
        name="stackgan_stage_one",
        build=stackgan_stage_one,
        arrays=lambda count: (images(count), captions(count)),
        sample=lambda gan: gan.generate(captions=list(captions(5)), seed=3),
        synchronized={"synchronized": True},
        # The layer table of the authors' code; no convolution has a bias.
        paper_changes={"vocabulary": ("a", "b")},
        paper={
            "sample_shape": (64, 64, 3),
            "generator": 262_400 + 14_001_792,
            "discriminator": 4_029_824,
            "latent_dim": 100 + 128,
            "kl_weight": 2.0,
            "halve_every": 50,
        },
        optimizers=ADAM,
        refuses={
            "image_size": [24],
            "latent_dim": [0],
            "condition_dim": [0],
            "kl_weight": [-1.0, NAN],
            "r1_gamma": [-1.0],
            "halve_every": [0],
        },
        is_variant=True,
    ),
    Tiny(
        name="stackgan",
        build=stackgan,
        arrays=lambda count: (images(count, size=32), captions(count)),
        sample=lambda gan: gan.generate(captions=list(captions(5)), seed=3),
        synchronized={"synchronized": True},
        paper_changes={"vocabulary": ("a", "b")},
        paper={
            "sample_shape": (256, 256, 3),
            "generator": 262_400 + 26_027_680,
            "discriminator": 48_603_520,
            "latent_dim": 100 + 128 + 128,
            "blocks": 4,
            "halve_every": 100,
        },
        optimizers=ADAM,
        refuses={
            "image_size": [16, 48],
            "blocks": [0],
            "generator_width": [0],
            "kl_weight": [-1.0, NAN],
        },
    ),
    Tiny(
        name="xgan",
        build=xgan,
        arrays=two_domains,
        sample=lambda gan: gan.translate(
            images_to_translate(5)[..., :1], to="b"
        ),
        # As of CycleGAN.
        synchronized={"pool_size": 8},
        # The layers of the reimplementations; none has a bias.
        paper={
            "sample_shape": (64, 64, 3),
            "encoder_a": 34_496,
            "encoder_b": 34_496,
            "shared_encoder": 5_899_008,
            "shared_decoder": 10_487_296,
            "decoder_a": 658_816,
            "decoder_b": 658_816,
            "domain_classifier": 3_146_752,
            "discriminator_a": 42_432,
            "discriminator_b": 42_432,
            "pool_size": 50,
        },
        optimizers={**ADAM, "learning_rate": 1e-4},
        refuses={
            "image_size": [16, 48],
            "width": [0],
            "embedding_dim": [0],
            "discriminator_width": [0],
            "domain_weight": [-1.0, NAN],
            "semantic_weight": [-1.0],
            "adversarial_weight": [-1.0],
            "teacher_weight": [-1.0],
            "pool_size": [-1],
            "decay_epochs": [-1],
        },
    ),
    Tiny(
        name="stylegan",
        build=stylegan,
        arrays=lambda count: (images(count, size=8),),
        sample=lambda gan: gan.generate(5, seed=3, truncation=0.7),
        # The mapping and the synthesis network.
        paper={
            "generator": 2_101_248 + 24_118_379,
            "discriminator": 23_087_249,
        },
        optimizers=ADAM_OF_PROGAN,
        refuses={
            "mixing_chance": [1.5],
            "r1_gamma": [-1.0],
            "truncation_layers": [0],
            "w_dim": [0],
        },
    ),
    Tiny(
        name="conditional_stylegan",
        build=conditional_stylegan,
        arrays=lambda count: labelled_images(count, size=8),
        sample=classes_sample,
        optimizers=ADAM_OF_PROGAN,
        refuses={"num_classes": [-1]},
        is_variant=True,
    ),
    Tiny(
        name="stylegan2",
        build=stylegan2,
        arrays=lambda count: (images(count, size=8),),
        sample=lambda gan: gan.generate(5, seed=3, truncation=0.7),
        # The mapping and the synthesis network.
        paper={
            "generator": 2_101_248 + 28_268_812,
            "discriminator": 29_012_513,
        },
        # The rates differ; see tests/models/test_stylegan2.py.
        optimizers={"beta_1": 0.0, "epsilon": 1e-8},
        refuses={
            "image_size": [12, 4],
            "channels": [0],
            "style_dim": [0],
            "mapping_layers": [0],
            "channel_base": [0],
            "channel_max": [-1],
            "r1_gamma": [-1.0, NAN],
            "r1_interval": [0],
            "path_weight": [-1.0],
            "path_interval": [1.5],
            "mixing_chance": [1.5],
            "group_size": [1],
            "residual": ["no"],
            "learning_rate": [-0.1],
            "ema_ramp": [-0.05],
        },
    ),
    Tiny(
        name="conditional_stylegan2",
        build=conditional_stylegan2,
        arrays=lambda count: labelled_images(count, size=8),
        sample=classes_sample,
        optimizers={"beta_1": 0.0, "epsilon": 1e-8},
        refuses={"num_classes": [-1]},
        is_variant=True,
    ),
    Tiny(
        name="r3gan",
        build=r3gan,
        arrays=lambda count: (images(count, size=8),),
        # The authors' networks for FFHQ; others in tests/models/test_r3gan.py.
        paper={
            "sample_shape": (64, 64, 3),
            "generator": 22_429_824,
            "discriminator": 22_381_440,
            "latent_dim": 64,
            "gamma": 2.0,
            "final_gamma": 0.2,
            "burn_in_steps": 78_125,
            "default_batch_size": 2 * 64,
        },
        # The rates differ; see tests/models/test_r3gan.py.
        optimizers={
            "beta_1": 0.0,
            "beta_2": 0.9,
            "final_beta_2": 0.99,
            "epsilon": 1e-8,
        },
        refuses={
            "image_size": [12, 4],
            "channels": [0],
            "width": [0],
            "widest_size": [2, 12],
            "blocks": [0],
            "group_size": [0, 3],
            "gamma": [-1.0, NAN],
            "final_gamma": [-1.0],
            "burn_in_steps": [0, 1.5],
            "learning_rate": [-0.1],
        },
    ),
    Tiny(
        name="conditional_r3gan",
        build=conditional_r3gan,
        arrays=lambda count: labelled_images(count, size=8),
        sample=classes_sample,
        paper={
            "sample_shape": (32, 32, 3),
            "generator": 20_781_952,
            "discriminator": 21_280_512,
            "num_classes": 10,
        },
        optimizers={"beta_1": 0.0, "beta_2": 0.9, "final_beta_2": 0.99},
        refuses={"num_classes": [-1]},
        is_variant=True,
    ),
    Tiny(
        name="unrolled_gan",
        build=unrolled_gan,
        arrays=lambda count: (points(count),),
        sample=points_sample,
        paper={
            "sample_shape": (2,),
            "generator": 49_666,
            "discriminator": 513,
        },
        optimizers={**ADAM, "learning_rate": 1e-4},
        refuses={
            "dimensions": [0],
            "unroll_steps": [-1, 1.5],
            "generator_units": [()],
            "discriminator_units": [(0,)],
            "activation": ["gelu"],
            "gain": [-1.0],
            "input_scale": [NAN],
        },
        is_bounded=False,
    ),
    Tiny(
        name="vanilla_gan",
        build=vanilla_gan,
        is_light=True,
        arrays=lambda count: (images(count, size=8),),
        # The authors' settings for MNIST; each of the five pieces of a maxout
        # unit has a row and a bias.
        paper={
            "sample_shape": (28, 28, 1),
            "generator": 121_200 + 1_441_200 + 941_584,
            "discriminator": 942_000 + 289_200 + 241,
            "latent_dim": 100,
            "default_batch_size": 100,
        },
        optimizers={
            "momentum": 0.5,
            "final_momentum": 0.7,
            "first_epoch": 1,
            "last_epoch": 250,
            "steps_per_epoch": 500,
        },
        refuses={
            "image_size": [0, 28.0],
            "channels": [0],
            "generator_units": [0],
            "discriminator_units": [-1],
            "pieces": [0],
        },
    ),
    Tiny(
        name="wgan",
        build=wgan,
        synchronized={"synchronized": True},
        # The networks of dcgan.torch without the sigmoid.
        paper={
            "sample_shape": (64, 64, 3),
            "generator": 3_576_704,
            "discriminator": 2_765_568,
            "latent_dim": 100,
            "critic_steps": 5,
            "long_critic_steps": 100,
            "clip": 0.01,
            "default_batch_size": 5 * 64,
        },
        optimizers={
            "learning_rate": 5e-5,
            "rho": 0.99,
            "momentum": 0.0,
            "centered": False,
        },
        refuses={
            "image_size": [24],
            "width": [0],
            "critic_steps": [0],
            "long_critic_steps": [0, 2.5],
            "clip": [0.0, -1.0, NAN],
        },
    ),
    Tiny(
        name="wgan_gp",
        build=wgan_gp,
        is_light=True,
        synchronized={"synchronized": True},
        # Of the critic's convolutions the last one alone has no bias. The
        # generator is DCGAN's, for 128 latents.
        paper={
            "generator": 16 * 128 * 512
            + 2 * 512
            + (16 * 512 * 256 + 2 * 256)
            + (16 * 256 * 128 + 2 * 128)
            + (16 * 128 * 64 + 2 * 64)
            + 16 * 64 * 3,
            "discriminator": (16 * 3 * 64 + 64)
            + (16 * 64 * 128 + 128)
            + (16 * 128 * 256 + 256)
            + (16 * 256 * 512 + 512)
            + 16 * 512,
        },
        optimizers={
            **ADAM,
            "learning_rate": 1e-4,
            "beta_1": 0.0,
            "beta_2": 0.9,
        },
        refuses={
            "critic_steps": [0],
            "penalty_weight": [-1.0, NAN],
            "image_size": [24],
        },
    ),
]


def by_name(name):
    """Returns the `Tiny` of that name."""
    return next(model for model in MODELS if model.name == name)
