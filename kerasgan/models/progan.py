"""ProGAN: generator and discriminator grow together, from 4x4 pixels.

Karras, Aila, Laine and Lehtinen, "Progressive Growing of GANs for Improved
Quality, Stability, and Variation", 2018. https://arxiv.org/abs/1710.10196

Training starts with tiny images. When they are learned, layers for twice the
resolution are added at both networks and faded in, over real images that
fade from coarse to fine alike (section 2). The discriminator sees how varied
its batch is (section 3). Weights are scaled at run time so that all learn at
the same rate, and the generator normalizes the vector of each pixel, so that
no signal can escalate (section 4). The loss is that of WGAN-GP with one step
of the critic, and a small term that keeps real scores near zero (appendix
A.1). Images are drawn by a moving average of the generator.

Differences from the paper: in the discriminator the activation of a block's
second convolution comes after the mean of 2x2 pixels instead of before it,
as in the authors' code, where the two are one operation; the batch size is
the data's at all resolutions.
"""

import functools
import math

import keras
import tensorflow as tf

from kerasgan import checks
from kerasgan.layers.equalized import (
    SQRT2,
    Bias,
    EqualizedConv2D,
    EqualizedDense,
    EqualizedDownConv2D,
    EqualizedUpConv2D,
)
from kerasgan.layers.minibatch_stddev import MinibatchStdDev
from kerasgan.layers.pixel_norm import pixel_norm
from kerasgan.layers.resampling import downsample, upsample
from kerasgan.models.growing import GrowingGAN, GrowingNetwork
from kerasgan.optimizers import Adam
from kerasgan.penalties import gradient_penalty

activate = functools.partial(tf.nn.leaky_relu, alpha=0.2)


@keras.saving.register_keras_serializable(package="kerasgan")
class ProGAN(GrowingGAN):
    """Progressively growing GAN for square images.

    `fit` grows the networks by itself, by the number of images seen: with
    `steps_per_execution`, between two executions. `call` and `generate` give
    full-size images at any time, made at the present resolution.
    With each resolution the optimizers start anew; a learning rate schedule
    goes on, over all steps.

    Args:
        image_size: int. Final height and width, a power of two from 8.
        start_resolution: int. The first resolution; `image_size` means no
            growth. Defaults to `4`.
        stable_images: int. Real images shown at each resolution before the
            next one fades in. Defaults to `800_000`.
        fade_images: int. Real images shown while a resolution fades in.
            Defaults to `800_000`.
        penalty_weight: float. Lambda of WGAN-GP. Defaults to `10.0`.
        drift_weight: float. Weight of the squared real scores. Defaults to
            `0.001`.
        group_size: int. Images that minibatch deviation compares. Defaults
            to `4`.
        **kwargs: See `GrowingGAN`: `channels`, `latent_dim`, `fmap_base`,
            `fmap_max`; and `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`, from a unit normal.

    Returns:
        Float tensor `(batch, image_size, image_size, channels)` in
        `[-1, 1]`, made by the averaged generator.

    Raises:
        ValueError: If a size is not what it must be, or a weight is negative.

    Training data:
        A dataset of image batches of the final size, float32 in `[-1, 1]`;
        no labels.

    Example:
    ```python
    gan = ProGAN(32, fmap_max=128, stable_images=100_000, fade_images=100_000)
    gan.compile()
    gan.fit(data.images("faces/", size=32, batch_size=32), epochs=30)
    images = gan.generate(16, seed=0)  # uint8, (16, 32, 32, 3)
    ```

    Reference:
        [Karras et al., 2018](https://arxiv.org/abs/1710.10196)
    """

    loss_names = ("d_loss", "g_loss", "penalty")
    # Appendix A.1 keeps one rate; the authors' code has this for 1024x1024.
    rate_factors = {1024: 1.5}

    def __init__(
        self,
        image_size,
        start_resolution=4,
        stable_images=800_000,
        fade_images=800_000,
        penalty_weight=10.0,
        drift_weight=0.001,
        group_size=4,
        **kwargs,
    ):
        checks.weight(penalty_weight=penalty_weight, drift_weight=drift_weight)
        self.penalty_weight = penalty_weight
        self.drift_weight = drift_weight
        self.group_size = group_size
        super().__init__(
            image_size=image_size,
            start_resolution=start_resolution,
            stable_images=stable_images,
            fade_images=fade_images,
            **kwargs,
        )

    def build_networks(self):
        super().build_networks()
        self.generator = ProGANGenerator(
            latent_dim=self.latent_dim, name="generator", **self.network_sizes
        )
        self.discriminator = ProGANDiscriminator(
            group_size=self.group_size,
            name="discriminator",
            **self.network_sizes,
        )

    @classmethod
    def paper(cls, **changes):
        """Returns the networks of the paper, for 1024x1024.

        Args:
            **changes: Arguments to set otherwise, `image_size` for example.
        """
        return cls(**{"image_size": 1024, **changes})

    def default_optimizers(self):
        # Appendix A.1.
        rate = 1e-3 * self.rate_factor(self.start_resolution)
        return (
            Adam(rate, beta_1=0.0, beta_2=0.99),
            Adam(rate, beta_1=0.0, beta_2=0.99),
        )

    def call(self, latents, training=False):
        stage = self.due_stage()
        return self.full_size(
            self.average_generator(
                latents,
                resolution=stage.resolution,
                fade=self.fade_at(stage),
            )
        )

    def inputs(self, latents, condition=None, truncation=None):
        if truncation is not None:
            raise ValueError(
                "ProGAN has no truncation, because it normalizes its latents: "
                "shorter ones give the same images. "
                f"Received: truncation={float(truncation[0])}"
            )
        return latents

    def train_step(self, real_images):
        batch_size = tf.shape(real_images)[0]
        stage = self.training_stage
        fade = self.fade_at(stage)
        real_images = self.shown_images(real_images, stage, fade)
        generate = functools.partial(
            self.generator, resolution=stage.resolution, fade=fade
        )
        critic = functools.partial(self.discriminator, fade=fade)

        # Critic: separate the scores of real and fake images as far as the
        # penalty allows.
        fake_images = generate(self.sample_latents(batch_size))
        with tf.GradientTape() as tape:
            # One pass, in which no group has images of both.
            scores = critic(
                tf.concat([real_images, fake_images], axis=0), batches=2
            )
            real_scores, fake_scores = tf.split(scores, 2)
            penalty = tf.reduce_mean(
                gradient_penalty(
                    critic, real_images, fake_images, self.seed_generator
                )
            )
            d_loss = (
                tf.reduce_mean(fake_scores)
                - tf.reduce_mean(real_scores)
                + self.penalty_weight * penalty
                + self.drift_weight * tf.reduce_mean(real_scores**2)
            )
        self.update_discriminators(tape, d_loss)

        # Generator: make fakes that the critic scores high.
        latents = self.sample_latents(batch_size)
        with tf.GradientTape() as tape:
            g_loss = -tf.reduce_mean(critic(generate(latents)))
        self.update_generators(tape, g_loss)
        self.update_average()
        self.count_images(batch_size)

        return self.report(d_loss=d_loss, g_loss=g_loss, penalty=penalty)


@keras.saving.register_keras_serializable(package="kerasgan")
class ProGANGenerator(GrowingNetwork):
    """Latents to images, of any resolution (table 2).

    Args:
        latent_dim: int. Length of the latent vectors.
        **kwargs: See `GrowingNetwork`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`.
        resolution: int. Defaults to the image size.
        fade: Float scalar in [0, 1]: how far that resolution has faded in
            over the one below. Defaults to `None`, entirely.

    Returns:
        Float32 tensor `(batch, resolution, resolution, channels)`, about in
        `[-1, 1]`: the last layer is linear.
    """

    def __init__(self, latent_dim, **kwargs):
        super().__init__(**kwargs)
        self.latent_dim = latent_dim
        self.make_layers()

    def make_layers(self):
        policy = {"dtype": self.dtype_policy}
        maps = self.features(4)
        # This gain makes up for a fan-in that counts the layer as a 4x4
        # convolution of one padded pixel, as in table 2.
        dense = EqualizedDense(
            16 * maps, SQRT2 / 4, use_bias=False, name="dense_4", **policy
        )
        self.add(dense, (None, self.latent_dim))
        self.add(Bias(name="bias_4", **policy), (None, 4, 4, maps))
        conv = EqualizedConv2D(maps, name="conv_4", **policy)
        self.add(conv, (None, 4, 4, maps))
        for size in self.resolutions:
            below, maps = maps, self.features(size)
            if size > 4:
                up = EqualizedUpConv2D(maps, name=f"conv0_{size}", **policy)
                self.add(up, (None, size // 2, size // 2, below))
                conv = EqualizedConv2D(maps, name=f"conv1_{size}", **policy)
                self.add(conv, (None, size, size, maps))
            if size >= self.first_rgb:
                # Float32, so that mixed precision does not round the image.
                to_rgb = EqualizedConv2D(
                    self.channels,
                    kernel_size=1,
                    gain=1.0,
                    dtype="float32",
                    name=f"to_rgb_{size}",
                )
                self.add(to_rgb, (None, size, size, maps))
        self.built = True

    def call(self, latents, resolution=None, fade=None):
        resolution = resolution or self.image_size
        x = self.dense_4(pixel_norm(latents))
        x = tf.reshape(x, (-1, 4, 4, self.features(4)))
        x = pixel_norm(activate(self.bias_4(x)))
        x = pixel_norm(activate(self.conv_4(x)))
        for size in self.resolutions[1:]:
            if size > resolution:
                break
            coarse = x
            x = pixel_norm(activate(getattr(self, f"conv0_{size}")(x)))
            x = pixel_norm(activate(getattr(self, f"conv1_{size}")(x)))
        images = getattr(self, f"to_rgb_{resolution}")(x)
        if fade is None:
            return images
        coarse = getattr(self, f"to_rgb_{resolution // 2}")(coarse)
        coarse = upsample(coarse)
        return coarse + fade * (images - coarse)

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim}


@keras.saving.register_keras_serializable(package="kerasgan")
class ProGANDiscriminator(GrowingNetwork):
    """Images of any resolution to unbounded scores, high for real (table 2).

    Args:
        group_size: int. Images that minibatch deviation compares. Defaults
            to `4`.
        num_scores: int. Scores for each image. Defaults to `1`.
        **kwargs: See `GrowingNetwork`.

    Call arguments:
        images: Float tensor `(batch, resolution, resolution, channels)` in
            `[-1, 1]`.
        fade: Float scalar in [0, 1]: how far that resolution has faded in
            over the one below. Defaults to `None`, entirely.
        batches: int. How many batches, of equal size, `images` holds one
            after the other. Defaults to `1`.

    Returns:
        Float32 tensor `(batch, num_scores)`, raw scores.
    """

    def __init__(self, group_size=4, num_scores=1, **kwargs):
        super().__init__(**kwargs)
        self.group_size = group_size
        self.num_scores = num_scores
        self.make_layers()

    def make_layers(self):
        policy = {"dtype": self.dtype_policy}
        for size in self.resolutions:
            maps, below = self.features(size), self.features(size // 2)
            if size >= self.first_rgb:
                from_rgb = EqualizedConv2D(
                    maps, kernel_size=1, name=f"from_rgb_{size}", **policy
                )
                self.add(from_rgb, (None, size, size, self.channels))
            if size > 4:
                conv = EqualizedConv2D(maps, name=f"conv0_{size}", **policy)
                self.add(conv, (None, size, size, maps))
                self.add(
                    self.down_layer(below, name=f"conv1_{size}", **policy),
                    (None, size, size, maps),
                )
        maps, units = self.features(4), self.features(2)
        self.add(
            MinibatchStdDev(self.group_size, name="stddev_4", **policy),
            (None, 4, 4, maps),
        )
        conv = EqualizedConv2D(maps, name="conv_4", **policy)
        self.add(conv, (None, 4, 4, maps + 1))
        dense = EqualizedDense(units, name="dense_4", **policy)
        self.add(dense, (None, 16 * maps))
        score = EqualizedDense(
            self.num_scores, gain=1.0, dtype="float32", name="score_4"
        )
        self.add(score, (None, units))
        self.built = True

    down_layer = EqualizedDownConv2D

    def call(self, images, fade=None, batches=1):
        resolution = images.shape[1]
        x = activate(getattr(self, f"from_rgb_{resolution}")(images))
        for size in reversed(self.resolutions[1:]):
            if size > resolution:
                continue
            x = activate(getattr(self, f"conv0_{size}")(x))
            x = activate(getattr(self, f"conv1_{size}")(x))
            if fade is not None and size == resolution:
                from_rgb = getattr(self, f"from_rgb_{size // 2}")
                coarse = activate(from_rgb(downsample(images)))
                x = coarse + tf.cast(fade, x.dtype) * (x - coarse)
        x = activate(self.conv_4(self.stddev_4(x, batches=batches)))
        x = tf.reshape(x, (-1, math.prod(x.shape[1:])))
        return self.score_4(activate(self.dense_4(x)))

    def get_config(self):
        return {
            **super().get_config(),
            "group_size": self.group_size,
            "num_scores": self.num_scores,
        }
