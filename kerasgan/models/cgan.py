"""CGAN: both networks are told the class.

Mirza and Osindero, "Conditional Generative Adversarial Nets", 2014.
https://arxiv.org/abs/1411.1784

The label joins the noise on its way into the generator, and the image on its
way into the discriminator, which then has to answer two questions at once:
is the image real, and is it of this class? The game is equation 2,

    min_G max_D  E[log D(x|y)] + E[log(1 - D(G(z|y)|y))].

`CGAN` is the convolutional form for pictures: the layers of `DCGAN`, with the
label joined to the input of each one, as the authors of DCGAN did for their
conditional MNIST model. `MLPCGAN` is the paper's own network (section 4.1),
of dense and maxout layers; `CGAN.paper()` makes it.

Differences from the paper: the generator makes -log D(G(z|y)|y) small instead
of log(1 - D(G(z|y)|y)), which has the same fixed point and does not vanish
where the discriminator is sure (Goodfellow et al., 2014, section 3); images
are drawn by a moving average of the generator. `MLPCGAN` keeps momentum at
the paper's first value, 0.5, because Keras' SGD has no schedule for it and
the paper does not say how soon it is to reach 0.7; its learning rate goes on
falling below the paper's last value, 1e-6, at which hardly anything moves;
weights start from Keras' Glorot distribution, because the paper names none.
"""

import functools

import keras
import tensorflow as tf
from keras import layers

from kerasgan import data, losses, random
from kerasgan.layers.dropout import Dropout
from kerasgan.layers.normalization import batch_normalization
from kerasgan.models.base import ClassGAN, check_positive, check_power_of_two
from kerasgan.optimizers import Adam

# Radford et al., 2015, section 4. A config and not an object, which would
# give the same numbers to every layer.
INITIALIZER = {"class_name": "RandomNormal", "config": {"stddev": 0.02}}


class ConditionalGAN(ClassGAN):
    """The game of equation 2; the two networks are the subclasses'.

    Args:
        **kwargs: See `ClassGAN`: `num_classes`, `class_names`,
            `class_frequencies`, `latent_dim`, `ema_decay`, `seed`, `name`,
            `dtype`.
    """

    def train_step(self, batch):
        real_images, labels = batch
        labels = tf.cast(labels, "int32")
        batch_size = tf.shape(real_images)[0]

        # Discriminator: tell real images of a class from fakes of the same
        # class. Two separate passes, so that batch statistics never mix.
        latents = self.sample_latents(batch_size)
        fake_images = self.generator((latents, labels), training=True)
        with tf.GradientTape() as tape:
            real_scores = self.discriminator(
                (real_images, labels), training=True
            )
            fake_scores = self.discriminator(
                (fake_images, labels), training=True
            )
            d_loss = tf.reduce_mean(
                losses.real_loss(real_scores) + losses.fake_loss(fake_scores)
            )
        self.minimize(
            tape, d_loss, self.discriminator, self.discriminator_optimizer
        )

        # Generator: make the updated discriminator call its fakes real ones
        # of the class.
        latents = self.sample_latents(batch_size)
        with tf.GradientTape() as tape:
            fake_images = self.generator((latents, labels), training=True)
            fake_scores = self.discriminator(
                (fake_images, labels), training=True
            )
            g_loss = tf.reduce_mean(
                losses.non_saturating_generator_loss(fake_scores)
            )
        self.minimize(tape, g_loss, self.generator, self.generator_optimizer)
        self.update_average(inputs=(latents, labels))

        return self.report(d_loss=d_loss, g_loss=g_loss)

    def score_signatures(self):
        def scores(images, labels):
            # Looking them up refuses labels that name no class.
            labels = tf.gather(tf.range(self.num_classes), labels)
            scores = self.discriminator((data.to_float(images), labels))
            return {"scores": scores[:, 0]}

        labels = tf.TensorSpec((None,), "int32", "labels")
        return {"scores": (scores, [self.images_spec, labels])}


@keras.saving.register_keras_serializable(package="kerasgan")
class CGAN(ConditionalGAN):
    """Conditional GAN for square images, convolutional.

    Args:
        image_size: int. Height and width, a power of two from 16.
        num_classes: int. Labels go from 0 to `num_classes - 1`.
        channels: int. 1 for grey images, 3 for color. Defaults to `3`.
        width: int. Feature maps at the largest resolution; each halving of
            resolution doubles them. Defaults to `64`.
        latent_dim: int. Length of the noise vector. Defaults to `100`.
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
    gan = CGAN(image_size=32, num_classes=10)
    gan.compile()
    gan.fit(images, labels, epochs=10)
    images = gan.generate(labels=[3, 3, 7], seed=0)  # uint8, (3, 32, 32, 3)
    ```

    Reference:
        [Mirza and Osindero, 2014](https://arxiv.org/abs/1411.1784);
        [Radford et al., 2015](https://arxiv.org/abs/1511.06434)
    """

    def __init__(
        self,
        image_size,
        num_classes,
        channels=3,
        width=64,
        latent_dim=100,
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
        super().__init__(
            num_classes=num_classes, latent_dim=latent_dim, **kwargs
        )
        self.image_size = image_size
        self.channels = channels
        self.width = width
        self.synchronized = synchronized
        self.image_shape = (image_size, image_size, channels)
        with self.dtype_scope():
            self.generator = build_generator(
                image_size,
                channels,
                num_classes,
                width,
                latent_dim,
                synchronized,
            )
            self.discriminator = build_discriminator(
                image_size, channels, num_classes, width, synchronized
            )
        self.finish_building()

    @classmethod
    def paper(cls, **changes):
        """Returns the paper's network for MNIST, which is not convolutional.

        Args:
            **changes: Arguments of `MLPCGAN` to set otherwise.

        Returns:
            `MLPCGAN`.
        """
        return MLPCGAN(**changes)

    def default_optimizers(self):
        # Radford et al., 2015, section 4.
        return (
            Adam(2e-4, beta_1=0.5),
            Adam(2e-4, beta_1=0.5),
        )


@keras.saving.register_keras_serializable(package="kerasgan")
class MLPCGAN(ConditionalGAN):
    """Conditional GAN of dense and maxout layers, for small images.

    Train it on batches of 100, as in the paper.

    Args:
        image_size: int. Height and width. Defaults to `28`.
        num_classes: int. Labels go from 0 to `num_classes - 1`. Defaults to
            `10`.
        channels: int. 1 for grey images, 3 for color. Defaults to `1`.
        latent_dim: int. Length of the noise vector. Defaults to `100`.
        **kwargs: See `ClassGAN`: `class_names`, `class_frequencies`,
            `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        inputs: Pair of latents, float tensor `(batch, latent_dim)` uniform
            in [0, 1), and labels, integer tensor `(batch,)`.

    Returns:
        Float tensor `(batch, image_size, image_size, channels)` in
        `[-1, 1]`, made by the averaged generator.

    Raises:
        ValueError: If a size is not positive.

    Training data:
        A dataset of pairs: image batches, float32 in `[-1, 1]`, and integer
        labels `(batch,)`.

    Reference:
        [Mirza and Osindero, 2014](https://arxiv.org/abs/1411.1784),
        section 4.1.
    """

    # Of the unit hypercube.
    latent_mean = 0.5

    def __init__(
        self,
        image_size=28,
        num_classes=10,
        channels=1,
        latent_dim=100,
        **kwargs,
    ):
        check_positive("image_size", image_size)
        check_positive("channels", channels)
        super().__init__(
            num_classes=num_classes, latent_dim=latent_dim, **kwargs
        )
        self.image_size = image_size
        self.channels = channels
        self.image_shape = (image_size, image_size, channels)
        with self.dtype_scope():
            self.generator = build_mlp_generator(
                self.image_shape, num_classes, latent_dim, self.seed
            )
            self.discriminator = build_mlp_discriminator(
                self.image_shape, num_classes, self.seed
            )
        self.finish_building()

    def default_optimizers(self):
        def sgd():
            rate = keras.optimizers.schedules.ExponentialDecay(
                0.1, decay_steps=1, decay_rate=1 / 1.00004
            )
            return keras.optimizers.SGD(rate, momentum=0.5)

        return sgd(), sgd()

    def sample_latents(self, batch_size):
        """Returns `(batch_size, latent_dim)` draws from the unit hypercube."""
        return random.uniform(
            self.seed_generator, (batch_size, self.latent_dim)
        )

    def seeded_latents(self, seed, count):
        """Returns the latents of a seed; the first ones never change.

        Args:
            seed: Integer scalar.
            count: Integer scalar.

        Returns:
            Float32 tensor `(count, latent_dim)`, uniform in [0, 1). A larger
            count only adds rows.
        """
        return tf.random.stateless_uniform(
            (count, self.latent_dim), (seed, 0), alg="philox"
        )


def join(x, code, name):
    """Adds one map for each class: ones for the own class, else zeros.

    Args:
        x: Keras tensor `(batch, size, size, maps)`.
        code: Keras tensor `(batch, num_classes)`, one-hot.
        name: str. End of the layers' names.

    Returns:
        Keras tensor `(batch, size, size, maps + num_classes)`.
    """
    maps = layers.Reshape((1, 1, code.shape[-1]), name=f"label_{name}")(code)
    maps = layers.UpSampling2D(x.shape[1], name=f"label_maps_{name}")(maps)
    return layers.Concatenate(name=f"join_{name}")([x, maps])


def build_generator(
    image_size, channels, num_classes, width, latent_dim, synchronized
):
    """Latents `(latent_dim,)` and a label to an image in `[-1, 1]`."""
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
    labels = keras.Input((), dtype="int32", name="labels")
    code = keras.ops.one_hot(labels, num_classes)
    x = layers.Concatenate(name="join_latents")([latents, code])
    x = layers.Dense(
        4 * 4 * filters,
        use_bias=False,
        kernel_initializer=INITIALIZER,
        name="project",
    )(x)
    x = layers.Reshape((4, 4, filters), name="maps_4")(x)
    x = batch_normalization("norm_4", synchronized)(x)
    x = layers.ReLU(name="relu_4")(x)
    size = 8
    while size < image_size:
        filters //= 2
        x = up(filters, name=f"up_{size}")(join(x, code, size // 2))
        x = batch_normalization(f"norm_{size}", synchronized)(x)
        x = layers.ReLU(name=f"relu_{size}")(x)
        size *= 2
    x = up(channels, name="to_image")(join(x, code, size // 2))
    # Float32, so that mixed precision does not round the image.
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model((latents, labels), images, name="generator")


def build_discriminator(image_size, channels, num_classes, width, synchronized):
    """An image and a label to one unbounded score, high for real."""
    down = functools.partial(
        layers.Conv2D,
        kernel_size=4,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer=INITIALIZER,
    )
    images = keras.Input((image_size, image_size, channels), name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    code = keras.ops.one_hot(labels, num_classes)
    x = images
    filters, size = width, image_size // 2
    while size >= 4:
        x = down(filters, name=f"down_{size}")(join(x, code, size * 2))
        if size < image_size // 2:  # No normalization on the first layer.
            x = batch_normalization(f"norm_{size}", synchronized)(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_{size}")(x)
        filters, size = filters * 2, size // 2
    x = layers.Flatten(name="flatten")(x)
    x = layers.Concatenate(name="join_flat")([x, code])
    scores = layers.Dense(
        1,
        use_bias=False,
        kernel_initializer=INITIALIZER,
        dtype="float32",
        name="score",
    )(x)
    return keras.Model((images, labels), scores, name="discriminator")


def dropout(name, seed, number):
    """One half of the units, by a stream of its own for each `number`."""
    seed = None if seed is None else seed + number
    return Dropout(0.5, seed=seed, name=name)


def build_mlp_generator(image_shape, num_classes, latent_dim, seed):
    """Latents `(latent_dim,)` and a label to an image in `[-1, 1]`."""
    latents = keras.Input((latent_dim,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    code = keras.ops.one_hot(labels, num_classes)
    z = layers.Dense(200, activation="relu", name="from_latents")(latents)
    z = dropout("drop_latents", seed, 1)(z)
    y = layers.Dense(1000, activation="relu", name="from_label")(code)
    y = dropout("drop_label", seed, 2)(y)
    x = layers.Concatenate(name="join")([z, y])
    x = layers.Dense(1200, activation="relu", name="joint")(x)
    x = dropout("drop_joint", seed, 3)(x)
    height, width, channels = image_shape
    x = layers.Dense(height * width * channels, name="to_image")(x)
    # The paper's sigmoid, float32 so that mixed precision does not round it,
    # and from [0, 1] to [-1, 1].
    x = layers.Activation("sigmoid", dtype="float32", name="pixels")(x)
    x = layers.Rescaling(2.0, -1.0, dtype="float32", name="range")(x)
    images = layers.Reshape(image_shape, dtype="float32", name="images")(x)
    return keras.Model((latents, labels), images, name="generator")


def maxout(x, units, pieces, name):
    """The largest of `pieces` linear functions, for each of `units`.

    Args:
        x: Keras tensor `(batch, features)`.
        units: int. Length of the result.
        pieces: int. Linear functions for each unit.
        name: str. Start of the layers' names.

    Returns:
        Keras tensor `(batch, units)`.
    """
    x = layers.Dense(pieces * units, name=name)(x)
    x = layers.Reshape((pieces, units), name=f"{name}_pieces")(x)
    return layers.GlobalMaxPooling1D(name=f"{name}_max")(x)


def build_mlp_discriminator(image_shape, num_classes, seed):
    """An image and a label to one unbounded score, high for real."""
    images = keras.Input(image_shape, name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    code = keras.ops.one_hot(labels, num_classes)
    x = layers.Flatten(name="flatten")(images)
    x = layers.Rescaling(0.5, 0.5, name="range")(x)  # To the paper's [0, 1].
    x = maxout(x, 240, 5, "from_image")
    x = dropout("drop_image", seed, 4)(x)
    y = maxout(code, 50, 5, "from_label")
    y = dropout("drop_label", seed, 5)(y)
    x = layers.Concatenate(name="join")([x, y])
    x = maxout(x, 240, 4, "joint")
    x = dropout("drop_joint", seed, 6)(x)
    scores = layers.Dense(1, dtype="float32", name="score")(x)
    return keras.Model((images, labels), scores, name="discriminator")
