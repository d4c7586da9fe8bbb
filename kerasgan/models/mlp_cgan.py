"""The first conditional GAN: dense and maxout layers, for small images.

Mirza and Osindero, "Conditional Generative Adversarial Nets", 2014, section
4.1. https://arxiv.org/abs/1411.1784

In the generator, latents and label pass through one hidden layer each and then
a joint one; in the discriminator, image and label pass through one maxout
layer each and then a joint one. The objective is that of `cgan.py`.

Differences from the paper, besides those of `cgan.py`: momentum stays at its
initial value of 0.5, because Keras' SGD has no momentum schedule and the paper
does not say how fast it rises to 0.7; the learning rate decays below the
paper's final value of 1e-6, with little effect; weights have Keras' Glorot
initialization, because the paper specifies none.
"""

import keras
from keras import layers

from kerasgan import checks
from kerasgan.layers.dropout import Dropout, own_seed
from kerasgan.models.cgan import ConditionalGAN
from kerasgan.models.sampling import UniformLatentGAN


@keras.saving.register_keras_serializable(package="kerasgan")
class MLPCGAN(UniformLatentGAN, ConditionalGAN):
    """Conditional GAN of dense and maxout layers, for small images.

    Train it on batches of 100, as in the paper.

    Args:
        image_size: int. Height and width. Defaults to `28`.
        num_classes: int. Labels go from 0 to `num_classes - 1`. Defaults to
            `10`.
        channels: int. 1 for grayscale images, 3 for color. Defaults to `1`.
        latent_dim: int. Length of the noise vector. Defaults to `100`.
        **kwargs: See `ClassGAN`: `class_names`, `class_frequencies`,
            `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        inputs: Pair of latents, float tensor `(batch, latent_dim)` uniform
            in [0, 1), and labels, integer tensor `(batch,)`.

    Returns:
        Float tensor `(batch, image_size, image_size, channels)` in
        `[-1, 1]`, from the averaged generator.

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
    latent_range = (0.0, 1.0)

    def __init__(
        self,
        image_size=28,
        num_classes=10,
        channels=1,
        latent_dim=100,
        **kwargs,
    ):
        checks.square(image_size=image_size)
        checks.positive(image_size=image_size, channels=channels)
        self.image_size = image_size
        self.channels = channels
        super().__init__(
            num_classes=num_classes, latent_dim=latent_dim, **kwargs
        )

    def build_networks(self):
        self.generator = build_generator(
            self.image_shape, self.num_classes, self.latent_dim, self.seed
        )
        self.discriminator = build_discriminator(
            self.image_shape, self.num_classes, self.seed
        )

    @classmethod
    def paper(cls, **changes):
        """Returns the paper's networks, for MNIST.

        Args:
            **changes: Arguments to override.
        """
        return cls(**changes)

    def default_optimizers(self):
        def sgd():
            rate = keras.optimizers.schedules.ExponentialDecay(
                0.1, decay_steps=1, decay_rate=1 / 1.00004
            )
            return keras.optimizers.SGD(rate, momentum=0.5)

        return sgd(), sgd()


def dropout(name, seed, number):
    """Dropout of half the units, with a random stream for each `number`."""
    return Dropout(0.5, own_seed(seed, number), name=name)


def build_generator(image_shape, num_classes, latent_dim, seed):
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
    # The paper's sigmoid, rescaled from [0, 1] to [-1, 1]; float32, so that
    # mixed precision does not round it.
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
        name: str. Prefix of the layer names.

    Returns:
        Keras tensor `(batch, units)`.
    """
    x = layers.Dense(pieces * units, name=name)(x)
    x = layers.Reshape((pieces, units), name=f"{name}_pieces")(x)
    return layers.GlobalMaxPooling1D(name=f"{name}_max")(x)


def build_discriminator(image_shape, num_classes, seed):
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
