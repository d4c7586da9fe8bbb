"""StyleGAN2: StyleGAN without its characteristic artifacts.

Karras, Laine, Aittala, Hellsten, Lehtinen and Aila, "Analyzing and Improving
the Image Quality of StyleGAN", 2020. https://arxiv.org/abs/1912.04958

Normalized feature maps made StyleGAN hide strong spots in its images. Here a
style scales the weights of each convolution, which are then normalized by the
statistics that they would give to inputs of unit variance (demodulation,
section 2). Networks do not grow: the generator sums an image over its
resolutions, and the blocks of the discriminator are residual (section 4). A
second penalty makes a step in w change the image by an equal length anywhere
(path length, section 3.2). Both penalties are taken in a fraction of the steps,
in updates of their own (lazy regularization, section 3.1). Losses, style
mixing, truncation and the average of the generator are StyleGAN's.

Presets and labels are those of the authors' later code, of "Training Generative
Adversarial Networks with Limited Data", 2020, https://arxiv.org/abs/2006.06676,
without its augmentation.

Differences from the authors' code: the groups of the minibatch standard
deviation are adjacent images, not every `n`-th, so that a step is the same on
any number of replicas; labels of generated images are those of the batch;
gradients that are not finite are not replaced.
"""

import keras
import tensorflow as tf

from kerasgan import checks, losses, replicas
from kerasgan.models.labels import ClassGAN
from kerasgan.models.lazy import LazyProgress, lazy_adam
from kerasgan.models.stylegan2_discriminator import (
    ConditionalStyleGAN2Discriminator,
    StyleGAN2Discriminator,
)
from kerasgan.models.stylegan2_networks import (
    ConditionalStyleGAN2Generator,
    StyleGAN2Generator,
)
from kerasgan.models.stylegan2_presets import PRESETS, settings_for
from kerasgan.models.styles import StyledGAN
from kerasgan.penalties import path_lengths, scores_and_squared_gradients


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGAN2(StyledGAN):
    """Style-based GAN for square images, without growth.

    Args:
        image_size: int. Height and width, a power of two from 8.
        channels: int. 1 for grayscale images, 3 for color. Defaults to `3`.
        latent_dim: int. Length of the latent vectors. Defaults to `512`.
        style_dim: int. Length of w. Defaults to `512`.
        mapping_layers: int. Layers of the mapping network. Defaults to `8`.
        channel_base: int. A resolution has `channel_base / resolution`
            feature maps. Defaults to `32768`.
        channel_max: int. Maximum number of feature maps. Defaults to `512`.
        clamp: float, or `None` for none. Maximum absolute value of feature
            maps after the activation, and of what the generator adds to the
            image; the authors' is 256, for half precision. Defaults to
            `None`.
        r1_gamma: float. Gamma of the R1 penalty, whose weight is half of it.
            Defaults to `10.0`, for 1024x1024; see `auto` for other sizes.
        r1_interval: int. Steps from one R1 penalty to the next. Defaults to
            `16`.
        path_weight: float. Weight of the path length penalty; `0.0` leaves it
            out. Defaults to `2.0`.
        path_interval: int. Steps from one path length penalty to the next.
            Defaults to `4`.
        mixing_chance: float in [0, 1]. Probability that generated images of
            training mix two styles. Defaults to `0.9`.
        group_size: int. Group size of the minibatch standard deviation.
            Defaults to `4`.
        residual: bool. Whether the discriminator's blocks have skip
            connections, all but those for CIFAR-10. Defaults to `True`.
        learning_rate: float. Of the default optimizers, before their
            correction for the additional updates. Defaults to `0.002`.
        ema_decay: float in [0, 1). Decay of the averaged generator over 32
            images, converted to the batch size. Defaults to a half-life of
            10,000 images.
        ema_ramp: float, or `None` for none. The half-life is at most this
            fraction of the images seen so far, so that the average of a short
            run does not hold the first weights. Defaults to `None`.
        **kwargs: See `AugmentedGAN`: `augment`; and `GAN`: `seed`, `name`,
            `dtype`.

    Call arguments:
        inputs: Float tensor `(batch, latent_dim)`, from a unit normal; or a
            dict of it as `"latents"` and optionally `"truncation"`, float
            tensor `(batch,)`: 1 for the image itself, 0 for the average one.

    Returns:
        Float tensor `(batch, image_size, image_size, channels)` in
        `[-1, 1]`, from the averaged generator.

    Raises:
        ValueError: If an argument is invalid.

    Training data:
        A dataset of image batches, float32 in `[-1, 1]`.

    Example:
    ```python
    gan = StyleGAN2.auto(64, batch_size=32)
    gan.compile()
    gan.fit(data.images("faces/", size=64, batch_size=32), epochs=30)
    images = gan.generate(16, seed=0, truncation=0.7)  # (16, 64, 64, 3)
    ```

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/1912.04958)
    """

    loss_names = ("d_loss", "g_loss", "path_length")
    # Fraction of the batch's mean length in the running mean.
    path_decay = 0.01

    def __init__(
        self,
        image_size,
        channels=3,
        latent_dim=512,
        style_dim=512,
        mapping_layers=8,
        channel_base=32768,
        channel_max=512,
        clamp=None,
        r1_gamma=10.0,
        r1_interval=16,
        path_weight=2.0,
        path_interval=4,
        mixing_chance=0.9,
        group_size=4,
        residual=True,
        learning_rate=0.002,
        ema_decay=0.5 ** (32 / 10_000),
        ema_ramp=None,
        **kwargs,
    ):
        checks.image_size(image_size, at_least=8)
        checks.positive(
            channels=channels,
            style_dim=style_dim,
            mapping_layers=mapping_layers,
            channel_base=channel_base,
            channel_max=channel_max,
            r1_interval=r1_interval,
            path_interval=path_interval,
        )
        checks.weight(
            r1_gamma=r1_gamma,
            path_weight=path_weight,
            learning_rate=learning_rate,
            clamp=0.0 if clamp is None else clamp,
            ema_ramp=0.0 if ema_ramp is None else ema_ramp,
        )
        checks.probability(mixing_chance=mixing_chance)
        checks.one_of((True, False), residual=residual)
        self.image_size = image_size
        self.channels = channels
        self.style_dim = style_dim
        self.mapping_layers = mapping_layers
        self.channel_base = channel_base
        self.channel_max = channel_max
        self.clamp = clamp
        self.r1_gamma = r1_gamma
        self.r1_interval = r1_interval
        self.path_weight = path_weight
        self.path_interval = path_interval
        self.mixing_chance = mixing_chance
        self.group_size = group_size
        self.residual = residual
        self.learning_rate = learning_rate
        self.ema_ramp = ema_ramp
        super().__init__(latent_dim=latent_dim, ema_decay=ema_decay, **kwargs)

    def build_networks(self):
        self.progress = LazyProgress(name="progress")
        self.progress.build()
        self.generator = self.build_generator()
        self.discriminator = self.build_discriminator()

    def build_generator(self, network=StyleGAN2Generator, **more):
        return network(
            latent_dim=self.latent_dim,
            style_dim=self.style_dim,
            mapping_layers=self.mapping_layers,
            name="generator",
            **more,
            **self.network_sizes,
        )

    def build_discriminator(self, network=StyleGAN2Discriminator, **more):
        return network(
            group_size=self.group_size,
            residual=self.residual,
            name="discriminator",
            **more,
            **self.network_sizes,
        )

    @property
    def network_sizes(self):
        """Constructor arguments that both networks share."""
        return {
            "image_size": self.image_size,
            "channels": self.channels,
            "channel_base": self.channel_base,
            "channel_max": self.channel_max,
            "clamp": self.clamp,
            "dtype": self.dtype_policy,
        }

    @classmethod
    def paper(cls, preset="config-f", **changes):
        """Returns a model of the paper, or of the authors' later code.

        Args:
            preset: str. `"config-f"`, the paper's best, or `"config-e"`, with
                half of its feature maps; `"paper256"`, `"paper512"`,
                `"paper1024"` or `"cifar"`. Defaults to `"config-f"`.
            **changes: Arguments to override, `image_size` for example.

        Raises:
            ValueError: If there is no such preset.
        """
        checks.one_of(PRESETS, preset=preset)
        return cls(**{**PRESETS[preset], **changes})

    @classmethod
    def auto(cls, image_size, batch_size=32, **changes):
        """Returns the authors' settings for any images, `auto` in their code.

        Args:
            image_size: int. Height and width, a power of two from 8.
            batch_size: int. Images of a step. Defaults to `32`.
            **changes: Arguments to override.

        Raises:
            ValueError: If an argument is invalid.
        """
        return cls(**{**settings_for(image_size, batch_size), **changes})

    def default_optimizers(self):
        return (
            lazy_adam(self.learning_rate, self.path_interval),
            lazy_adam(self.learning_rate, self.r1_interval),
        )

    def train_step(self, batch):
        real_images, labels = self.split_batch(batch)
        batch_size = tf.shape(real_images)[0]
        step = self.progress.steps.value

        # Generator: make the discriminator classify fakes as real.
        with tf.GradientTape() as tape:
            styles = self.training_styles(batch_size, labels)
            fake_images = self.synthesize(styles)
            g_loss = tf.reduce_mean(
                losses.non_saturating_generator_loss(
                    self.scores(self.seen(fake_images), labels)
                )
            )
        self.update_generators(tape, g_loss)
        if self.path_weight:
            due = tf.equal(step % self.path_interval, 0)
            replicas.run_if(due, self.regularize_generator, batch_size, labels)

        # Discriminator: distinguish real images from new fakes.
        styles = self.training_styles(batch_size, labels)
        fake_images = self.synthesize(styles)
        with tf.GradientTape() as tape:
            real_scores = self.scores(self.seen(real_images), labels)
            fake_scores = self.scores(self.seen(fake_images), labels)
            d_loss = tf.reduce_mean(
                losses.real_loss(real_scores) + losses.fake_loss(fake_scores)
            )
        self.update_discriminators(tape, d_loss)
        self.observe(real_scores)
        if self.r1_gamma:
            due = tf.equal(step % self.r1_interval, 0)
            replicas.run_if(
                due, self.regularize_discriminator, real_images, labels
            )
        self.update_average(self.decay_after(batch_size))
        self.count(batch_size)

        return self.report(
            d_loss=d_loss,
            g_loss=g_loss,
            path_length=self.progress.path_length.value,
        )

    def regularize_generator(self, batch_size, labels):
        """Takes a step on the path length penalty, of half a batch.

        Args:
            batch_size: Integer scalar tensor.
            labels: Integer tensor `(batch,)` or `None`.
        """
        count = (batch_size + 1) // 2
        labels = None if labels is None else labels[::2]
        with tf.GradientTape() as tape:
            styles = self.training_styles(count, labels)
            images, lengths = path_lengths(
                self.synthesize, tf.cast(styles, "float32"), self.seed_generator
            )
            # The gradient includes the share of this batch in the mean.
            before = self.progress.path_length.value
            (length,) = replicas.mean([tf.reduce_mean(lengths)])
            mean = before + self.path_decay * (length - before)
            penalty = tf.reduce_mean((lengths - mean) ** 2)
            # Once for all steps since the last. The second term gives the
            # biases of the image a gradient, of zero.
            loss = self.path_interval * self.path_weight * penalty
            loss += 0.0 * tf.reduce_mean(images)
        self.update_generators(tape, loss)
        self.progress.path_length.assign(mean)

    def regularize_discriminator(self, real_images, labels):
        """Takes a step on the R1 penalty.

        Args:
            real_images: Float tensor `(batch, height, width, channels)`.
            labels: Integer tensor `(batch,)` or `None`.
        """
        with tf.GradientTape() as tape:
            scores, squared_gradients = scores_and_squared_gradients(
                lambda images: self.scores(self.seen(images), labels),
                real_images,
            )
            penalty = self.r1_gamma / 2.0 * tf.reduce_mean(squared_gradients)
            # Once for all steps since the last; the bias of the scores has a
            # gradient, of zero.
            loss = self.r1_interval * penalty + 0.0 * tf.reduce_mean(scores)
        self.update_discriminators(tape, loss)

    def training_styles(self, batch_size, labels):
        """Samples mixed styles, and moves the average w toward theirs.

        Args:
            batch_size: Integer scalar tensor.
            labels: Integer tensor `(batch,)` or `None`.

        Returns:
            Float tensor `(batch, layers, style_dim)`.
        """
        layers = self.generator.synthesis.num_styles
        styles, w = self.mixed_styles(batch_size, labels, layers)
        self.update_average_w(w)
        return styles

    def synthesize(self, styles):
        """Returns images of styles by the trained generator, with new noise.

        Args:
            styles: Float tensor `(batch, layers, style_dim)`.
        """
        synthesis = self.generator.synthesis
        noises = self.sample_noises(
            tf.shape(styles)[0], synthesis.noise_resolutions
        )
        return synthesis(styles, noises)

    def decay_after(self, batch_size):
        """Returns the decay of the average generator for a step.

        Args:
            batch_size: Integer scalar tensor, on this replica.
        """
        images = tf.cast(self.global_size(batch_size), "float32")
        decay = tf.pow(self.ema_decay, images / 32.0)
        if self.ema_ramp is None:
            return decay
        seen = tf.cast(self.progress.images_seen.value, "float32")
        half_life = tf.maximum(self.ema_ramp * seen, 1e-8)
        return tf.minimum(decay, tf.pow(0.5, images / half_life))

    def count(self, batch_size):
        """Adds a step and its images on all replicas.

        Args:
            batch_size: Integer scalar tensor, on this replica.
        """
        progress = self.progress
        images = tf.cast(self.global_size(batch_size), "int64")
        progress.images_seen.assign(progress.images_seen.value + images)
        progress.steps.assign(progress.steps.value + 1)

    def global_size(self, batch_size):
        """Returns the images of a step on all replicas."""
        return batch_size * self.distribute_strategy.num_replicas_in_sync

    def from_styles(self, styles):
        images = self.average_generator.synthesis(styles)
        return tf.clip_by_value(images, -1.0, 1.0)

    def scores(self, images, condition=None):
        return self.discriminator(images)[:, 0]


@keras.saving.register_keras_serializable(package="kerasgan")
class ConditionalStyleGAN2(ClassGAN, StyleGAN2):
    """StyleGAN2 with class labels, as in the authors' code.

    An embedding of the label is concatenated to the latents. The score is the
    inner product of the discriminator's features and a mapped label.

    Args:
        image_size: int. Height and width, a power of two from 8.
        num_classes: int. Labels go from 0 to `num_classes - 1`.
        **kwargs: See `ClassGAN` (`class_names`, `class_frequencies`) and
            `StyleGAN2`.

    Call arguments:
        inputs: The dict of `StyleGAN2`, with `"labels"`, integer tensor
            `(batch,)`.

    Returns:
        See `StyleGAN2`.

    Raises:
        ValueError: If an argument is invalid.

    Training data:
        A dataset of pairs: image batches, float32 in `[-1, 1]`, and integer
        labels `(batch,)`.

    Example:
    ```python
    gan = ConditionalStyleGAN2.paper("cifar", num_classes=10)
    gan.compile()
    gan.fit(images, labels, batch_size=64, epochs=30)
    images = gan.generate(labels=[3, 3, 7], seed=0)  # (3, 32, 32, 3)
    ```

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/2006.06676)
    """

    def __init__(self, image_size, num_classes, **kwargs):
        super().__init__(
            image_size=image_size, num_classes=num_classes, **kwargs
        )

    def build_generator(self):
        return super().build_generator(
            ConditionalStyleGAN2Generator, num_classes=self.num_classes
        )

    def build_discriminator(self):
        return super().build_discriminator(
            ConditionalStyleGAN2Discriminator, num_classes=self.num_classes
        )

    def scores(self, images, condition=None):
        return self.discriminator(images, condition)[:, 0]
