"""WGAN-GP: a critic kept smooth by a penalty on its slope.

Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved Training of
Wasserstein GANs", 2017. https://arxiv.org/abs/1704.00028

The critic scores images instead of classifying them; the difference of mean
scores estimates the distance between real and generated images, provided
that the critic's slope is about one. The penalty asks for that at random
points between real and fake (Algorithm 1). The critic takes five steps for
each of the generator's, and has no batch normalization, because the penalty
is about one image at a time (section 4).

One `train_step` is one iteration of Algorithm 1's outer loop. The images of
a batch are divided among the critic's steps, so that each step sees other
images and none is seen twice: for the paper's 64 images a step, give batches
of 320.

Differences from the paper: the generator is DCGAN's as in `dcgan.py`, and
the critic its mirror image without normalization (as in the authors' code
for small images; for 64x64 they have layer normalization); images are drawn
by a moving average of the generator.
"""

import functools

import keras
import tensorflow as tf
from keras import layers

from kerasgan.models.base import LatentGAN, check_positive, check_power_of_two
from kerasgan.models.dcgan import INITIALIZER, build_generator
from kerasgan.optimizers import Adam
from kerasgan.penalties import gradient_penalty


@keras.saving.register_keras_serializable(package="kerasgan")
class WGANGP(LatentGAN):
    """Wasserstein GAN with gradient penalty, for square images.

    Args:
        image_size: int. Height and width, a power of two from 16.
        channels: int. 1 for grey images, 3 for color. Defaults to `3`.
        width: int. Feature maps at the largest resolution; each halving of
            resolution doubles them. Defaults to `64`.
        latent_dim: int. Length of the noise vector. Defaults to `128`.
        critic_steps: int. Critic updates for each generator update; every
            batch is divided among them. Defaults to `5`, as in the paper.
        penalty_weight: float. Lambda in the paper. Defaults to `10.0`.
        synchronized: bool. Whether the generator's batch statistics are
            taken over all replicas. Defaults to `False`.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`, from a unit normal.

    Returns:
        Float tensor `(batch, image_size, image_size, channels)` in
        `[-1, 1]`, made by the averaged generator.

    Raises:
        ValueError: If `image_size` is not a power of two of at least 16,
            another size is not positive, or `penalty_weight` is negative.

    Training data:
        A dataset of image batches, float32 in `[-1, 1]`; no labels. The batch
        size is `critic_steps` times what the critic sees in one step, and
        the generator's step has as many images as one of the critic's.
        Arrays are made into batches of `64 * critic_steps` unless told
        otherwise.

    Example:
    ```python
    gan = WGANGP(image_size=32)
    gan.compile()
    gan.fit(data.images("faces/", size=32, batch_size=5 * 64), epochs=10)
    images = gan.generate(16, seed=0)  # uint8, (16, 32, 32, 3)
    ```

    Reference:
        [Gulrajani et al., 2017](https://arxiv.org/abs/1704.00028)
    """

    loss_names = ("d_loss", "g_loss", "penalty")

    def __init__(
        self,
        image_size,
        channels=3,
        width=64,
        latent_dim=128,
        critic_steps=5,
        penalty_weight=10.0,
        synchronized=False,
        **kwargs,
    ):
        check_power_of_two(
            "image_size",
            image_size,
            16,
            "because each block halves it until 4 pixels remain",
        )
        check_positive("channels", channels)
        check_positive("width", width)
        check_positive("critic_steps", critic_steps)
        if penalty_weight < 0:
            raise ValueError(
                "`penalty_weight` must not be negative, because the penalty "
                "is to be made small. "
                f"Received: penalty_weight={penalty_weight}"
            )
        super().__init__(latent_dim=latent_dim, **kwargs)
        self.image_size = image_size
        self.channels = channels
        self.width = width
        self.critic_steps = critic_steps
        self.penalty_weight = penalty_weight
        self.synchronized = synchronized
        self.image_shape = (image_size, image_size, channels)
        with self.dtype_scope():
            self.generator = build_generator(
                image_size, channels, width, latent_dim, synchronized
            )
            self.discriminator = build_critic(image_size, channels, width)
        self.finish_building()

    @classmethod
    def paper(cls, **changes):
        """Returns the networks for 64x64 images.

        Args:
            **changes: Arguments to set otherwise.
        """
        return cls(**{"image_size": 64, **changes})

    def default_optimizers(self):
        # Algorithm 1.
        return (
            Adam(1e-4, beta_1=0.0, beta_2=0.9),
            Adam(1e-4, beta_1=0.0, beta_2=0.9),
        )

    def _dataset(self, x, y, batch_size):
        if batch_size is None and not isinstance(x, tf.data.Dataset):
            batch_size = 64 * self.critic_steps
        dataset = super()._dataset(x, y, batch_size)
        replicas = self.distribute_strategy.num_replicas_in_sync
        for spec in tf.nest.flatten(dataset.element_spec):
            size = spec.shape[0] if spec.shape.rank else None
            if size is None or size % (self.critic_steps * replicas):
                raise ValueError(
                    "The batch size must be fixed, and on each replica "
                    f"divisible by {self.critic_steps}, the `critic_steps`, "
                    "because each batch is divided among them; use "
                    "`batch(..., drop_remainder=True)`. Received: batches of "
                    f"shape {spec.shape}, {replicas} replica(s)"
                )
        return dataset

    def train_step(self, real_images):
        # Critic: with each share of the batch, drive the scores of real and
        # fake images apart as far as the slope allows.
        d_losses, penalties = [], []
        for step in range(self.critic_steps):
            # Every so-manieth image: on any number of replicas the same
            # images of the global batch belong to the same step.
            share = real_images[step :: self.critic_steps]
            count = tf.shape(share)[0]
            fake_images = self.generator(
                self.sample_latents(count), training=True
            )
            with tf.GradientTape() as tape:
                # One pass: no layer of the critic mixes images.
                scores = self.discriminator(
                    tf.concat([share, fake_images], axis=0), training=True
                )
                real_scores, fake_scores = tf.split(scores, 2)
                penalty = tf.reduce_mean(
                    gradient_penalty(
                        functools.partial(self.discriminator, training=True),
                        share,
                        fake_images,
                        self.seed_generator,
                    )
                )
                d_loss = (
                    tf.reduce_mean(fake_scores)
                    - tf.reduce_mean(real_scores)
                    + self.penalty_weight * penalty
                )
            self.minimize(
                tape, d_loss, self.discriminator, self.discriminator_optimizer
            )
            d_losses.append(d_loss)
            penalties.append(penalty)

        # Generator: make fakes that the critic scores high.
        latents = self.sample_latents(count)
        with tf.GradientTape() as tape:
            fake_images = self.generator(latents, training=True)
            fake_scores = self.discriminator(fake_images, training=True)
            g_loss = -tf.reduce_mean(fake_scores)
        self.minimize(tape, g_loss, self.generator, self.generator_optimizer)
        self.update_average(inputs=latents)

        return self.report(
            d_loss=tf.reduce_mean(d_losses),
            g_loss=g_loss,
            penalty=tf.reduce_mean(penalties),
        )


def build_critic(image_size, channels, width):
    """An image to one unbounded score, high for real."""
    down = functools.partial(
        layers.Conv2D,
        kernel_size=4,
        strides=2,
        padding="same",
        kernel_initializer=INITIALIZER,
    )
    images = keras.Input((image_size, image_size, channels), name="images")
    x = images
    filters, size = width, image_size // 2
    while size >= 4:
        x = down(filters, name=f"down_{size}")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_{size}")(x)
        filters, size = filters * 2, size // 2
    # The last 4x4 valid convolution, written as the dense layer that it is.
    # Its bias would cancel out of every difference of scores.
    x = layers.Flatten(name="flatten")(x)
    scores = layers.Dense(
        1,
        use_bias=False,
        kernel_initializer=INITIALIZER,
        dtype="float32",
        name="score",
    )(x)
    return keras.Model(images, scores, name="discriminator")
