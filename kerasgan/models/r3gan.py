"""R3GAN: a loss of pairs with two penalties, and plain modern networks.

Huang, Gokaslan, Kuleshov and Tompkin, "The GAN is dead; long live the GAN! A
Modern GAN Baseline", 2024. https://arxiv.org/abs/2501.05441

The discriminator scores each real image x relative to the generated image
G(z) that it is paired with (section 2),

    L_D = E[softplus(D(G(z)) - D(x))] + gamma / 2 (R1 + R2),
    L_G = E[softplus(D(x) - D(G(z)))],

where R1 and R2 are the squared gradient norms of D at the real and at the
generated images. With both, training converges locally, and needs none of the
techniques that earlier GANs collected: the networks have no normalization, no
noise and no styles. They consist of inverted bottlenecks with grouped
convolutions, which start as the identity (section 3).

Over the burn-in, all of these follow half a cosine: the learning rate falls to
a quarter, gamma to `final_gamma`, beta_2 of Adam rises from 0.9 to 0.99, and
the averaged generator, at first the trained one itself, becomes slower.

One `train_step` is one step of the discriminator on one half of the batch,
then one of the generator on the other: for the authors' 256 images per step,
use batches of 512.

Differences from the authors' code: no augmentation unless `augment` is given
(theirs is ADA's, with a probability that rises over the burn-in); under mixed
precision all resolutions but 4x4 are computed in 16 bits (in theirs the three
or four largest).
"""

import math

import keras
import tensorflow as tf

from kerasgan import checks, losses
from kerasgan.models import inputs, r3gan_networks
from kerasgan.models.augmented import AugmentedGAN
from kerasgan.models.averaging import decay_for
from kerasgan.models.labels import ClassGAN
from kerasgan.optimizers import CosineAdam
from kerasgan.penalties import scores_and_squared_gradients
from kerasgan.schedules import half_cosine

# Of the authors' code. Steps are the images of the burn-in by those of a step:
# 20 million by 512 and 256, 200 million by 4096.
PRESETS = {
    "cifar10": {
        "image_size": 32,
        "gamma": 0.05,
        "final_gamma": 0.005,
        "burn_in_steps": 39_063,
        "ema_decay": decay_for(5e6),
    },
    "ffhq64": {"image_size": 64},
    "ffhq256": {"image_size": 256, "gamma": 150.0, "final_gamma": 15.0},
    "imagenet32": {
        "image_size": 32,
        "width": 1536,
        "group_size": 32,
        "gamma": 0.5,
        "final_gamma": 0.05,
        "burn_in_steps": 48_828,
        "ema_decay": decay_for(50e6),
    },
    "imagenet64": {
        "image_size": 64,
        "width": 1536,
        "widest_size": 64,
        "group_size": 32,
        "gamma": 1.0,
        "final_gamma": 0.1,
        "burn_in_steps": 48_828,
        "ema_decay": decay_for(50e6),
    },
}
# Of the data sets with labels.
CLASSES = {"cifar10": 10, "imagenet32": 1000, "imagenet64": 1000}


@keras.saving.register_keras_serializable(package="kerasgan")
class R3GAN(AugmentedGAN):
    """Relativistic GAN with R1 and R2 penalties, for square images.

    Args:
        image_size: int. Height and width, a power of two from 8.
        channels: int. 1 for grayscale images, 3 for color. Defaults to `3`.
        width: int. Feature maps up to `widest_size`, in both networks; inside
            of a block twice as many. Defaults to `768`.
        widest_size: int. Each doubling of the resolution above it halves the
            feature maps. Defaults to `32`.
        blocks: int. Residual blocks at each resolution. Defaults to `2`.
        group_size: int. Channels of a group of the 3x3 convolutions; twice
            the feature maps of each resolution must be divisible by it.
            Defaults to `16`.
        latent_dim: int. Length of the latent vectors. Defaults to `64`.
        gamma: float. Weight of both penalties, of which half is applied, at
            first. The authors' is larger for larger images, and depends on
            the data: 0.05 for CIFAR-10, 150 for faces of 256x256. Defaults to
            `2.0`, for faces of 64x64.
        final_gamma: float. Gamma after the burn-in. Defaults to `0.2`.
        burn_in_steps: int. Steps until all schedules end; about half of a
            run, if it is shorter than the authors'. Defaults to `78125`, 20
            million images of the discriminator's steps.
        learning_rate: float. Of the default optimizers, at first. Defaults to
            `0.0002`.
        ema_decay: float in [0, 1). Decay of the averaged generator over 32
            images, after the burn-in, converted to the batch size. Defaults
            to a half-life of 500,000 images.
        **kwargs: See `AugmentedGAN`: `augment`; and `GAN`: `seed`, `name`,
            `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`, from a unit normal.

    Returns:
        Float tensor `(batch, image_size, image_size, channels)` in
        `[-1, 1]`, from the averaged generator.

    Raises:
        ValueError: If an argument is invalid.

    Training data:
        A dataset of image batches, float32 in `[-1, 1]`; no labels. The batch
        size must be even. The default batch size for arrays is `2 * 64`.

    Example:
    ```python
    gan = R3GAN(image_size=64, width=128, burn_in_steps=20_000)
    gan.compile()
    gan.fit(data.images("faces/", size=64, batch_size=2 * 32), epochs=40)
    images = gan.generate(16, seed=0)  # uint8, (16, 64, 64, 3)
    ```

    Reference:
        [Huang et al., 2024](https://arxiv.org/abs/2501.05441)
    """

    loss_names = ("d_loss", "g_loss", "r1", "r2")
    divided_among = "updates"
    # One of each network.
    updates = 2

    def __init__(
        self,
        image_size,
        channels=3,
        width=768,
        widest_size=32,
        blocks=2,
        group_size=16,
        latent_dim=64,
        gamma=2.0,
        final_gamma=0.2,
        burn_in_steps=78_125,
        learning_rate=0.0002,
        ema_decay=0.5 ** (32 / 500_000),
        **kwargs,
    ):
        checks.image_size(image_size, at_least=8)
        checks.positive(
            channels=channels,
            width=width,
            blocks=blocks,
            group_size=group_size,
            burn_in_steps=burn_in_steps,
        )
        checks.power_of_two(
            4, "because resolutions are", widest_size=widest_size
        )
        checks.weight(
            gamma=gamma, final_gamma=final_gamma, learning_rate=learning_rate
        )
        self.image_size = image_size
        self.channels = channels
        self.width = width
        self.widest_size = widest_size
        self.blocks = blocks
        self.group_size = group_size
        self.gamma = gamma
        self.final_gamma = final_gamma
        self.burn_in_steps = burn_in_steps
        self.learning_rate = learning_rate
        check_groups(self.widths, group_size)
        super().__init__(latent_dim=latent_dim, ema_decay=ema_decay, **kwargs)

    @property
    def widths(self):
        """dict of the number of feature maps by resolution, from 4."""
        sizes = [2**k for k in range(2, self.image_size.bit_length())]
        return {
            size: self.width // max(1, size // self.widest_size)
            for size in sizes
        }

    def build_networks(self):
        latents = keras.Input((self.latent_dim,), name="latents")
        images = self.generated_images(latents)
        self.generator = keras.Model(latents, images, name="generator")

        images = keras.Input(self.image_shape, name="images")
        scores = self.features_of(images, outputs=1)
        self.discriminator = keras.Model(images, scores, name="discriminator")

    def generated_images(self, x):
        """Latents, or more, to images; see `r3gan_networks`."""
        return r3gan_networks.generated_images(
            x, self.widths, self.blocks, self.group_size, self.channels
        )

    def features_of(self, images, outputs):
        """Images to features; see `r3gan_networks`."""
        return r3gan_networks.features_of(
            images, self.widths, self.blocks, self.group_size, outputs
        )

    @classmethod
    def paper(cls, preset="ffhq64", **changes):
        """Returns a model of the authors' code.

        The images of a step are 512 for CIFAR-10, 256 for FFHQ and 4096 for
        ImageNet; batches have twice as many.

        Args:
            preset: str. `"cifar10"`, `"ffhq64"`, `"ffhq256"`, `"imagenet32"`
                or `"imagenet64"`. Defaults to `"ffhq64"`.
            **changes: Arguments to override.

        Raises:
            ValueError: If there is no such preset.
        """
        checks.one_of(PRESETS, preset=preset)
        return cls(**{**PRESETS[preset], **changes})

    def default_optimizers(self):
        rates = [
            keras.optimizers.schedules.CosineDecay(
                self.learning_rate, self.burn_in_steps, alpha=0.25
            )
            for _ in range(2)
        ]
        return tuple(CosineAdam(r, steps=self.burn_in_steps) for r in rates)

    def call(self, inputs, training=False):
        images = super().call(inputs, training=training)
        return tf.clip_by_value(images, -1.0, 1.0)

    def train_step(self, batch):
        # Real images for each network's step.
        first = self.split_batch(inputs.share_of(batch, 0, self.updates))
        second = self.split_batch(inputs.share_of(batch, 1, self.updates))
        steps = tf.cast(self.discriminator_optimizer.iterations, "float32")
        share = steps / self.burn_in_steps
        gamma = half_cosine(share, self.gamma, self.final_gamma)

        # Discriminator: score each real image above its fake, which has its
        # label.
        real_images, labels = first
        batch_size = tf.shape(real_images)[0]
        latents = self.sample_latents(batch_size)
        fake_images = self.generator(self.inputs(latents, labels))
        with tf.GradientTape() as tape:
            # Gradients at the images before they are augmented.
            real_scores, r1 = scores_and_squared_gradients(
                lambda images: self.scores(self.seen(images), labels),
                real_images,
            )
            fake_scores, r2 = scores_and_squared_gradients(
                lambda images: self.scores(self.seen(images), labels),
                fake_images,
            )
            d_loss = tf.reduce_mean(
                losses.relativistic_loss(real_scores, fake_scores)
                + gamma / 2.0 * (r1 + r2)
            )
        self.update_discriminators(tape, d_loss)
        self.observe(real_scores)

        # Generator: make the updated discriminator score fakes above others.
        real_images, labels = second
        latents = self.sample_latents(batch_size)
        with tf.GradientTape() as tape:
            fake_images = self.generator(self.inputs(latents, labels))
            fake_scores = self.scores(self.seen(fake_images), labels)
            real_scores = self.scores(self.seen(real_images), labels)
            g_loss = tf.reduce_mean(
                losses.relativistic_loss(fake_scores, real_scores)
            )
        self.update_generators(tape, g_loss)
        self.update_average(self.decay_after(batch_size, share))

        return self.report(
            d_loss=d_loss,
            g_loss=g_loss,
            r1=tf.reduce_mean(r1),
            r2=tf.reduce_mean(r2),
        )

    def decay_after(self, batch_size, share):
        """Returns the decay of the average generator for a step.

        Args:
            batch_size: Integer scalar tensor. Images of the step, on this
                replica.
            share: Float scalar tensor. How much of the burn-in is over.
        """
        replicas = self.distribute_strategy.num_replicas_in_sync
        images = tf.cast(batch_size * replicas, "float32")
        # The half-life rises from zero, for which the decay is zero.
        return tf.pow(
            self.ema_decay, images / 32.0 / half_cosine(share, 0.0, 1.0)
        )


@keras.saving.register_keras_serializable(package="kerasgan")
class ConditionalR3GAN(ClassGAN, R3GAN):
    """R3GAN with class labels, as in the authors' code.

    The vector of a label is concatenated to the latents. The score is the
    inner product of the discriminator's features and another vector of the
    label. The images of a pair have one label.

    Args:
        image_size: int. Height and width, a power of two from 8.
        num_classes: int. Labels go from 0 to `num_classes - 1`.
        **kwargs: See `ClassGAN` (`class_names`, `class_frequencies`) and
            `R3GAN`.

    Call arguments:
        inputs: Pair of latents, float tensor `(batch, latent_dim)` from a
            unit normal, and labels, integer tensor `(batch,)`.

    Returns:
        See `R3GAN`.

    Raises:
        ValueError: If an argument is invalid.

    Training data:
        A dataset of pairs: image batches, float32 in `[-1, 1]`, and integer
        labels `(batch,)`; see `R3GAN` for the batch size.

    Example:
    ```python
    gan = ConditionalR3GAN(image_size=32, num_classes=10, width=64, gamma=0.05)
    gan.compile()
    gan.fit(images, labels, batch_size=2 * 64, epochs=100)
    images = gan.generate(labels=[3, 3, 7], seed=0)  # uint8, (3, 32, 32, 3)
    ```

    Reference:
        [Huang et al., 2024](https://arxiv.org/abs/2501.05441)
    """

    def __init__(self, image_size, num_classes, **kwargs):
        super().__init__(
            image_size=image_size, num_classes=num_classes, **kwargs
        )

    def build_networks(self):
        latents = keras.Input((self.latent_dim,), name="latents")
        labels = keras.Input((), dtype="int32", name="labels")
        vectors = r3gan_networks.class_vectors(
            self.num_classes, self.latent_dim, 1.0, "classes"
        )(labels)
        x = keras.layers.Concatenate(dtype="float32", name="condition")(
            [latents, vectors]
        )
        images = self.generated_images(x)
        self.generator = keras.Model(
            (latents, labels), images, name="generator"
        )

        images = keras.Input(self.image_shape, name="images")
        features = self.features_of(images, outputs=self.width)
        vectors = r3gan_networks.class_vectors(
            self.num_classes, self.width, 1.0 / math.sqrt(self.width), "classes"
        )(labels)
        scores = keras.layers.Dot(1, dtype="float32", name="score")(
            [features, vectors]
        )
        self.discriminator = keras.Model(
            (images, labels), scores, name="discriminator"
        )

    @classmethod
    def paper(cls, preset="cifar10", **changes):
        """Returns a model of the authors' code; see `R3GAN.paper`.

        Args:
            preset: str. See `R3GAN.paper`; for those without labels,
                `num_classes` must be given. Defaults to `"cifar10"`.
            **changes: Arguments to override.

        Raises:
            ValueError: If there is no such preset.
        """
        if preset in CLASSES:
            changes = {"num_classes": CLASSES[preset], **changes}
        return super().paper(preset, **changes)


def check_groups(widths, group_size):
    """Refuses feature maps that cannot be divided into groups.

    Args:
        widths: dict of int by resolution.
        group_size: int.

    Raises:
        ValueError: If twice a width is not a positive multiple.
    """
    for size, width in widths.items():
        if width < 1 or 2 * width % group_size:
            raise ValueError(
                "Twice the feature maps of each resolution must be divisible "
                "by the channels of a group. Received: "
                f"group_size={group_size!r}, {width} feature maps at "
                f"{size}x{size}"
            )
