"""ACGAN: the discriminator says which class it sees.

Odena, Olah and Shlens, "Conditional Image Synthesis with Auxiliary Classifier
GANs", 2017. https://arxiv.org/abs/1610.09585

The generator is given noise and a class; the discriminator is given only the
image and has two heads, one for its source and one for its class (section 3):

    L_S = E[log P(S = real | x_real)] + E[log P(S = fake | x_fake)]
    L_C = E[log P(C = c | x_real)] + E[log P(C = c | x_fake)]

The discriminator makes L_S + L_C large, the generator L_C - L_S. Both are
thus asked for recognizable classes, on real and on generated images alike.

`ACGAN.paper()` is the network for CIFAR-10 of appendix A, table 2.

Differences from the paper: the generator makes -log P(S = real | x_fake)
small, which has the same fixed point as its half of -L_S and does not vanish
where the discriminator is sure; there is no noise on the activations, which
the paper tried with deviations of 0, 0.1 and 0.2; convolutions have no bias
where batch normalization follows and would cancel it; generated images have
the labels of the real batch, which are drawn like the data's; images are
drawn by a moving average of the generator. For images of another size than
32 there are more or fewer blocks of the same kind.
"""

import functools

import keras
import tensorflow as tf
from keras import layers

from kerasgan import data, losses
from kerasgan.layers.dropout import Dropout
from kerasgan.layers.normalization import batch_normalization
from kerasgan.models.base import (
    ClassGAN,
    check_not_negative,
    check_positive,
    check_power_of_two,
)
from kerasgan.optimizers import Adam

# Table 2: "isotropic gaussian" of this deviation. A config and not an object,
# which would give the same numbers to every layer.
INITIALIZER = {"class_name": "RandomNormal", "config": {"stddev": 0.02}}


@keras.saving.register_keras_serializable(package="kerasgan")
class ACGAN(ClassGAN):
    """Auxiliary classifier GAN for square images.

    Args:
        image_size: int. Height and width, a power of two from 16.
        num_classes: int. Labels go from 0 to `num_classes - 1`.
        channels: int. 1 for grey images, 3 for color. Defaults to `3`.
        generator_width: int. Feature maps at 4x4; each doubling of
            resolution halves them. Defaults to `384`.
        discriminator_width: int. Feature maps of the first of two
            convolutions at each resolution; each convolution doubles them,
            up to 32 times as many. Defaults to `16`.
        latent_dim: int. Length of the noise vector. Defaults to `100`.
        dropout: float in [0, 1). What the discriminator drops after each
            convolution. Defaults to `0.5`.
        fake_class_weight: float. Weight of the generated images in the
            discriminator's class loss, the paper's by default. At 0 its class
            head learns from real images alone; it cannot learn how the
            generator writes a class down, and asks for what real images of
            the class have. Defaults to `1.0`.
        synchronized: bool. Whether batch statistics are taken over all
            replicas. Defaults to `False`.
        **kwargs: See `ClassGAN`: `class_names`, `class_frequencies`,
            `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        inputs: Pair of latents, float tensor `(batch, latent_dim)` from a
            unit normal, and labels, integer tensor `(batch,)`.

    Returns:
        Float tensor `(batch, image_size, image_size, channels)` in
        `[-1, 1]`, made by the averaged generator.

    Raises:
        ValueError: If `image_size` is not a power of two of at least 16, or
            another size is not positive.

    Training data:
        A dataset of pairs: image batches, float32 in `[-1, 1]`, and integer
        labels `(batch,)`.

    Example:
    ```python
    gan = ACGAN(image_size=32, num_classes=10)
    gan.compile()
    gan.fit(images, labels, batch_size=100, epochs=100)
    images = gan.generate(labels=[3, 3, 7], seed=0)  # uint8, (3, 32, 32, 3)
    ```

    Reference:
        [Odena et al., 2017](https://arxiv.org/abs/1610.09585)
    """

    loss_names = ("d_loss", "d_class_loss", "g_loss", "g_class_loss")

    def __init__(
        self,
        image_size,
        num_classes,
        channels=3,
        generator_width=384,
        discriminator_width=16,
        latent_dim=100,
        dropout=0.5,
        fake_class_weight=1.0,
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
        check_positive("generator_width", generator_width)
        check_positive("discriminator_width", discriminator_width)
        check_not_negative("fake_class_weight", fake_class_weight)
        super().__init__(
            num_classes=num_classes, latent_dim=latent_dim, **kwargs
        )
        self.image_size = image_size
        self.channels = channels
        self.generator_width = generator_width
        self.discriminator_width = discriminator_width
        self.dropout = dropout
        self.fake_class_weight = fake_class_weight
        self.synchronized = synchronized
        self.image_shape = (image_size, image_size, channels)
        with self.dtype_scope():
            self.generator = build_generator(
                image_size,
                channels,
                num_classes,
                generator_width,
                latent_dim,
                synchronized,
            )
            self.discriminator = build_discriminator(
                image_size,
                channels,
                num_classes,
                discriminator_width,
                dropout,
                synchronized,
                self.seed,
            )
        self.finish_building()

    @classmethod
    def paper(cls, **changes):
        """Returns the paper's network for CIFAR-10.

        Args:
            **changes: Arguments to set otherwise.
        """
        return cls(**{"image_size": 32, "num_classes": 10, **changes})

    def default_optimizers(self):
        # Table 2, the middle one of three learning rates; batches of 100.
        return (
            Adam(2e-4, beta_1=0.5),
            Adam(2e-4, beta_1=0.5),
        )

    def train_step(self, batch):
        real_images, labels = batch
        labels = tf.cast(labels, "int32")
        batch_size = tf.shape(real_images)[0]

        # Discriminator, L_S + L_C: name the source and the class of real and
        # of generated images. Two separate passes, so that batch statistics
        # never mix real and fake.
        latents = self.sample_latents(batch_size)
        fake_images = self.generator((latents, labels), training=True)
        with tf.GradientTape() as tape:
            real_scores, real_logits = self.discriminator(
                real_images, training=True
            )
            fake_scores, fake_logits = self.discriminator(
                fake_images, training=True
            )
            d_loss = tf.reduce_mean(
                losses.real_loss(real_scores) + losses.fake_loss(fake_scores)
            )
            d_class_loss = tf.reduce_mean(
                losses.classification_loss(labels, real_logits)
                + self.fake_class_weight
                * losses.classification_loss(labels, fake_logits)
            )
            total = d_loss + d_class_loss
        self.minimize(
            tape, total, self.discriminator, self.discriminator_optimizer
        )

        # Generator, L_C - L_S: be called real, and of the asked class.
        latents = self.sample_latents(batch_size)
        with tf.GradientTape() as tape:
            fake_images = self.generator((latents, labels), training=True)
            fake_scores, fake_logits = self.discriminator(
                fake_images, training=True
            )
            g_loss = tf.reduce_mean(
                losses.non_saturating_generator_loss(fake_scores)
            )
            g_class_loss = tf.reduce_mean(
                losses.classification_loss(labels, fake_logits)
            )
            total = g_loss + g_class_loss
        self.minimize(tape, total, self.generator, self.generator_optimizer)
        self.update_average(inputs=(latents, labels))

        return self.report(
            d_loss=d_loss,
            d_class_loss=d_class_loss,
            g_loss=g_loss,
            g_class_loss=g_class_loss,
        )

    def score_signatures(self):
        def scores(images):
            scores, logits = self.discriminator(data.to_float(images))
            return {"scores": scores[:, 0], "class_logits": logits}

        return {"scores": (scores, [self.images_spec])}


def build_generator(
    image_size, channels, num_classes, width, latent_dim, synchronized
):
    """Latents `(latent_dim,)` and a label to an image in `[-1, 1]`."""
    up = functools.partial(
        layers.Conv2DTranspose,
        kernel_size=5,
        strides=2,
        padding="same",
        kernel_initializer=INITIALIZER,
    )
    latents = keras.Input((latent_dim,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    code = keras.ops.one_hot(labels, num_classes)
    x = layers.Concatenate(name="join")([latents, code])
    x = layers.Dense(
        4 * 4 * width, kernel_initializer=INITIALIZER, name="project"
    )(x)
    x = layers.ReLU(name="relu_4")(x)  # No normalization on the dense layer.
    x = layers.Reshape((4, 4, width), name="maps_4")(x)
    size = 8
    while size < image_size:
        width = max(width // 2, 1)
        x = up(width, use_bias=False, name=f"up_{size}")(x)
        x = batch_normalization(f"norm_{size}", synchronized)(x)
        x = layers.ReLU(name=f"relu_{size}")(x)
        size *= 2
    x = up(channels, name="to_image")(x)
    # Float32, so that mixed precision does not round the image.
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model((latents, labels), images, name="generator")


def build_discriminator(
    image_size, channels, num_classes, width, dropout, synchronized, seed
):
    """An image to an unbounded score, high for real, and class logits."""
    conv = functools.partial(
        layers.Conv2D,
        kernel_size=3,
        padding="same",
        kernel_initializer=INITIALIZER,
    )
    images = keras.Input((image_size, image_size, channels), name="images")
    x = images
    filters, size, number = width, image_size // 2, 0
    while size >= 4:
        for name, strides in ((f"down_{size}", 2), (f"conv_{size}", 1)):
            number += 1
            x = conv(filters, strides=strides, use_bias=number == 1, name=name)(
                x
            )
            if number > 1:  # No normalization on the first layer.
                x = batch_normalization(f"norm_{name}", synchronized)(x)
            x = layers.LeakyReLU(0.2, name=f"leaky_{name}")(x)
            # A stream of its own for each layer.
            stream = None if seed is None else seed + number
            x = Dropout(dropout, seed=stream, name=f"drop_{name}")(x)
            filters = min(filters * 2, width * 32)
        size //= 2
    x = layers.Flatten(name="flatten")(x)
    head = functools.partial(
        layers.Dense, kernel_initializer=INITIALIZER, dtype="float32"
    )
    scores = head(1, name="score")(x)
    logits = head(num_classes, name="class_logits")(x)
    return keras.Model(images, (scores, logits), name="discriminator")
