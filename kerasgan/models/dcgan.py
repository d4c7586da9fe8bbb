"""DCGAN: the first convolutional GAN that trained reliably.

Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep
Convolutional Generative Adversarial Networks", 2015.
https://arxiv.org/abs/1511.06434

A generator turns noise into an image by repeated strided transposed
convolution; a discriminator mirrors it with strided convolution. The paper's
rules (section 3): no pooling, no dense layers inside, batch normalization
everywhere but the two ends, ReLU in the generator, LeakyReLU in the
discriminator.

Differences from the paper: the layers are those of the authors' Torch
release (4x4 kernels, normal latents, 64 feature maps), which nearly everybody
means by DCGAN; the first generator layer is written as a dense layer, which
is the same as its 4x4 transposed convolution of a single pixel; images are
drawn by a moving average of the generator.
"""

import functools

import keras
import tensorflow as tf
from keras import layers

from kerasgan import losses
from kerasgan.layers.normalization import batch_normalization
from kerasgan.models.base import (
    LatentGAN,
    check_not_negative,
    check_positive,
    check_power_of_two,
)
from kerasgan.optimizers import Adam
from kerasgan.penalties import scores_and_r1

# Section 4: all weights start from a normal with this deviation. Not an object:
# shared by layers, one would give all of them the same numbers.
INITIALIZER = {"class_name": "RandomNormal", "config": {"stddev": 0.02}}


@keras.saving.register_keras_serializable(package="kerasgan")
class DCGAN(LatentGAN):
    """Deep convolutional GAN for square images.

    Args:
        image_size: int. Height and width, a power of two from 16.
        channels: int. 1 for grey images, 3 for color. Defaults to `3`.
        width: int. Feature maps at the largest resolution; each halving of
            resolution doubles them. Defaults to `64`.
        latent_dim: int. Length of the noise vector. Defaults to `100`.
        r1_gamma: float. Weight of the R1 penalty, which keeps a discriminator
            that tells the images apart too easily from becoming steep: try
            `1.0` where its loss goes to zero and the images stay noise. It is
            not in the paper. Defaults to `0.0`, none.
        synchronized: bool. Whether batch statistics are taken over all
            replicas. Defaults to `False`.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`, from a unit normal.

    Returns:
        Float tensor `(batch, image_size, image_size, channels)` in
        `[-1, 1]`, made by the averaged generator.

    Raises:
        ValueError: If `image_size` is not a power of two of at least 16, or
            another size is not positive.

    Training data:
        A dataset of image batches, float32 in `[-1, 1]`; no labels.

    Example:
    ```python
    gan = DCGAN(image_size=32)
    gan.compile()
    gan.fit(data.images("faces/", size=32, batch_size=64), epochs=10)
    images = gan.generate(16, seed=0)  # uint8, (16, 32, 32, 3)
    ```

    Reference:
        [Radford et al., 2015](https://arxiv.org/abs/1511.06434);
        [Mescheder et al., 2018](https://arxiv.org/abs/1801.04406), section
        4.1, for R1
    """

    def __init__(
        self,
        image_size,
        channels=3,
        width=64,
        latent_dim=100,
        r1_gamma=0.0,
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
        check_not_negative("r1_gamma", r1_gamma)
        super().__init__(latent_dim=latent_dim, **kwargs)
        self.image_size = image_size
        self.channels = channels
        self.width = width
        self.r1_gamma = r1_gamma
        self.synchronized = synchronized
        self.image_shape = (image_size, image_size, channels)
        with self.dtype_scope():
            self.generator = build_generator(
                image_size, channels, width, latent_dim, synchronized
            )
            self.discriminator = build_discriminator(
                image_size, channels, width, synchronized
            )
        self.finish_building()

    @classmethod
    def paper(cls, **changes):
        """Returns the network of the authors' Torch release, for 64x64.

        Args:
            **changes: Arguments to set otherwise.
        """
        return cls(**{"image_size": 64, **changes})

    def default_optimizers(self):
        # Section 4.
        return (
            Adam(2e-4, beta_1=0.5),
            Adam(2e-4, beta_1=0.5),
        )

    def train_step(self, real_images):
        # One set of fakes serves both updates, as in the authors' releases.
        latents = self.sample_latents(tf.shape(real_images)[0])
        with tf.GradientTape() as generator_tape:
            fake_images = self.generator(latents, training=True)

        # Discriminator: tell the real images from the fakes. Two separate
        # passes, so that batch statistics never mix real and fake.
        with tf.GradientTape() as tape:
            real_scores, penalty = scores_and_r1(
                functools.partial(self.discriminator, training=True),
                real_images,
                self.r1_gamma,
            )
            fake_scores = self.discriminator(fake_images, training=True)
            d_loss = tf.reduce_mean(
                losses.real_loss(real_scores) + losses.fake_loss(fake_scores)
            ) + tf.reduce_mean(penalty)
        self.minimize(
            tape, d_loss, self.discriminator, self.discriminator_optimizer
        )

        # Generator: make the updated discriminator call its fakes real.
        with generator_tape:
            fake_scores = self.discriminator(fake_images, training=True)
            g_loss = tf.reduce_mean(
                losses.non_saturating_generator_loss(fake_scores)
            )
        self.minimize(
            generator_tape, g_loss, self.generator, self.generator_optimizer
        )
        self.update_average(inputs=latents)

        return self.report(d_loss=d_loss, g_loss=g_loss)


def build_generator(image_size, channels, width, latent_dim, synchronized):
    """Latents `(latent_dim,)` to an image in `[-1, 1]` (figure 1)."""
    up = functools.partial(
        layers.Conv2DTranspose,
        kernel_size=4,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer=INITIALIZER,
    )
    filters = width * image_size // 8
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Dense(
        4 * 4 * filters,
        use_bias=False,
        kernel_initializer=INITIALIZER,
        name="project",
    )(latents)
    x = layers.Reshape((4, 4, filters), name="maps_4")(x)
    x = batch_normalization("norm_4", synchronized)(x)
    x = layers.ReLU(name="relu_4")(x)
    size = 8
    while size < image_size:
        filters //= 2
        x = up(filters, name=f"up_{size}")(x)
        x = batch_normalization(f"norm_{size}", synchronized)(x)
        x = layers.ReLU(name=f"relu_{size}")(x)
        size *= 2
    x = up(channels, name="to_image")(x)
    # Float32, so that mixed precision does not round the image.
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_discriminator(image_size, channels, width, synchronized):
    """An image to one unbounded score, high for real."""
    down = functools.partial(
        layers.Conv2D,
        kernel_size=4,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer=INITIALIZER,
    )
    images = keras.Input((image_size, image_size, channels), name="images")
    x = images
    filters, size = width, image_size // 2
    while size >= 4:
        x = down(filters, name=f"down_{size}")(x)
        if size < image_size // 2:  # No normalization on the first layer.
            x = batch_normalization(f"norm_{size}", synchronized)(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_{size}")(x)
        filters, size = filters * 2, size // 2
    # The last 4x4 valid convolution, written as the dense layer that it is.
    x = layers.Flatten(name="flatten")(x)
    scores = layers.Dense(
        1,
        use_bias=False,
        kernel_initializer=INITIALIZER,
        dtype="float32",
        name="score",
    )(x)
    return keras.Model(images, scores, name="discriminator")
