"""Gaussian noise that does not depend on the number of replicas."""

import keras
import tensorflow as tf
from keras import layers

from kerasgan import checks, random


@keras.saving.register_keras_serializable(package="kerasgan")
class GaussianNoise(random.Seeded, layers.Layer):
    """Adds normal noise while training.

    Keras' own layer samples the same noise on every replica. Here each example
    of the global batch has its own, the same on any number of replicas. The
    random state is a variable of the model.

    Args:
        stddev: float. Standard deviation of the noise.
        seed: int or `None`. Seed of the noise. Defaults to `None`, a random
            one.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Float tensor `(batch, ...)`.
        training: bool. Whether noise is added. Defaults to `False`.

    Returns:
        Float tensor of the same shape and type.

    Raises:
        ValueError: If `stddev` is negative.
    """

    def __init__(self, stddev, seed=None, **kwargs):
        checks.weight(stddev=stddev)
        super().__init__(**kwargs)
        self.stddev = stddev
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        sizes = [
            tf.shape(inputs)[axis] if size is None else size
            for axis, size in enumerate(inputs.shape)
        ]
        noise = random.normal(self.seed_generator, sizes)
        return inputs + tf.cast(self.current_stddev() * noise, inputs.dtype)

    def current_stddev(self):
        """Returns the standard deviation of the noise that is added now."""
        return self.stddev

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs.shape, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "stddev": self.stddev,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class InstanceNoise(GaussianNoise):
    """Noise on the images of a discriminator that decays to none.

    Real images and fakes lie on surfaces that hardly meet, where a perfect
    discriminator has no gradient for the generator. Noise on **both** lets
    them overlap; it must be there in both steps, and new in each pass. As the
    first layer of the discriminator it is. Its standard deviation decays
    linearly with the number of calls of `advance`, which is saved with the
    model.

    Args:
        stddev: float. Standard deviation at first, for images in `[-1, 1]`.
        steps: int. Calls of `advance` until there is no noise.
        seed: int or `None`. Seed of the noise. Defaults to `None`, a random
            one.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: See `GaussianNoise`.
        training: See `GaussianNoise`.

    Returns:
        See `GaussianNoise`.

    Raises:
        ValueError: If `stddev` is negative, or `steps` is not positive.

    Example:
    ```python
    class NoisyDCGAN(DCGAN):
        def build_networks(self):
            sizes = self.image_size, self.channels, self.width
            self.generator = dcgan.build_generator(
                *sizes, self.latent_dim, self.synchronized
            )
            plain = dcgan.build_discriminator(*sizes, self.synchronized)
            self.noise = InstanceNoise(0.1, steps=10_000, seed=self.seed)
            images = keras.Input(self.image_shape)
            self.discriminator = keras.Model(images, plain(self.noise(images)))

        def update_discriminators(self, tape, loss):
            super().update_discriminators(tape, loss)
            self.noise.advance()
    ```

    Reference:
        [Sonderby et al., 2017](https://arxiv.org/abs/1610.04490), section
        3.2; [Arjovsky and Bottou, 2017](https://arxiv.org/abs/1701.04862),
        section 3
    """

    def __init__(self, stddev, steps, seed=None, **kwargs):
        checks.positive(steps=steps)
        super().__init__(stddev, seed, **kwargs)
        self.steps = steps
        self.taken = self.add_weight(
            shape=(),
            initializer="zeros",
            trainable=False,
            aggregation="mean",
            dtype="float32",
            name="taken",
        )

    def current_stddev(self):
        taken = tf.cast(tf.convert_to_tensor(self.taken), "float32")
        return self.stddev * tf.maximum(1.0 - taken / self.steps, 0.0)

    def advance(self):
        """Counts a step; call it once in each, such as after an update."""
        self.taken.assign(self.taken + 1.0)

    def get_config(self):
        return {**super().get_config(), "steps": self.steps}
