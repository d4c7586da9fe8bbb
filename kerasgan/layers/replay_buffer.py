"""A buffer of generated images for the discriminator to see again."""

import keras
import tensorflow as tf
from keras import layers

from kerasgan import checks, random


@keras.saving.register_keras_serializable(package="kerasgan")
class ReplayBuffer(random.Seeded, layers.Layer):
    """Replaces half of a batch by generated images of earlier steps.

    A discriminator that is trained on the latest fakes alone forgets the
    earlier ones, to which the generator may return. Each call returns the
    first half of the batch, and as many images from the buffer, uniformly and
    with replacement. Then the buffer takes the batch: all of it while it is
    not full, later its first half, in random places.

    It is for the discriminator's step alone; no gradient flows back. Stored
    images are variables: they are saved with the model, and a resumed run
    continues with them. Each replica has its own buffer; a saved model
    contains that of the first, a checkpoint of `kerasgan.checkpoints` all.
    `ImagePool` is CycleGAN's, which exchanges single images.

    Args:
        size: int. Number of stored images. Each call copies them all.
        image_shape: `(height, width, channels)`.
        seed: int or `None`. Seed of the choices. Defaults to `None`, a random
            one.
        **kwargs: See `keras.layers.Layer`: `name`.

    Call arguments:
        images: Float tensor `(batch, height, width, channels)`.

    Returns:
        Float tensor of the shape of `images`. Has no gradient.

    Raises:
        ValueError: If `size` is not positive.

    Example:
    ```python
    class ReplayDCGAN(DCGAN):
        def build_networks(self):
            super().build_networks()
            self.replay = ReplayBuffer(1000, self.image_shape, self.seed)

        def train_step(self, real_images):
            latents = self.sample_latents(tf.shape(real_images)[0])
            with tf.GradientTape() as generator_tape:
                fakes = self.generator(latents, training=True)
            with tf.GradientTape() as tape:
                real_scores = self.discriminator(real_images, training=True)
                fake_scores = self.discriminator(
                    self.replay(fakes), training=True
                )
                d_loss = tf.reduce_mean(
                    self.discriminator_loss(real_scores, fake_scores)
                )
            self.update_discriminators(tape, d_loss)
            with generator_tape:
                fake_scores = self.discriminator(fakes, training=True)
                g_loss = tf.reduce_mean(self.generator_loss(fake_scores))
            self.update_generators(generator_tape, g_loss)
            self.update_average(inputs=latents)
            return self.report(d_loss=d_loss, g_loss=g_loss)

        def clear_memory(self):
            self.replay.clear()
    ```

    Reference:
        [Shrivastava et al., 2017](https://arxiv.org/abs/1612.07828), section
        2.3, where the buffer has 50 batches.
    """

    def __init__(self, size, image_shape, seed=None, **kwargs):
        checks.positive(size=size)
        # Float32 also under mixed precision, like the input images.
        super().__init__(dtype="float32", trainable=False, **kwargs)
        self.size = size
        self.image_shape = tuple(image_shape)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        per_replica = {
            "trainable": False,
            "synchronization": "on_read",
            "aggregation": "only_first_replica",
        }
        self.images = keras.Variable(
            keras.initializers.Zeros(),
            shape=(size, *self.image_shape),
            dtype="float32",
            name="images",
            **per_replica,
        )
        self.filled = keras.Variable(
            0, dtype="int32", name="filled", **per_replica
        )

    def call(self, images):
        images = tf.stop_gradient(images)
        count = tf.shape(images)[0]
        half = count - count // 2
        filled = tf.convert_to_tensor(self.filled)
        stored = tf.convert_to_tensor(self.images)
        uniform = random.uniform(self.seed_generator, (count, 2))
        # Rows of the first half stay as they are.
        limit = tf.cast(tf.maximum(filled, 1), "float32")
        chosen = tf.cast(uniform[:, 0] * limit, "int32")
        rows = tf.range(count)
        is_old = (rows >= half) & (filled > 0)
        returned = tf.where(
            is_old[:, None, None, None], tf.gather(stored, chosen), images
        )

        # The place of each new image; -1 for none.
        places = tf.cast(uniform[:, 1] * self.size, "int32")
        places = tf.where(
            filled < self.size,
            filled + rows,
            tf.where(rows < half, places, -1),
        )
        # Of several images for one place the last one gets it.
        wins = places[None] == tf.range(self.size)[:, None]
        new = tf.reduce_max(tf.where(wins, rows, -1), axis=1)
        source = tf.where(new < 0, tf.range(self.size), self.size + new)
        self.images.assign(tf.gather(tf.concat([stored, images], 0), source))
        self.filled.assign(tf.minimum(filled + count, self.size))
        return returned

    def clear(self):
        """Erases all stored images."""
        self.images.assign(tf.zeros_like(self.images))
        self.filled.assign(0)

    def get_config(self):
        config = super().get_config()
        del config["dtype"], config["trainable"]
        return {
            **config,
            "size": self.size,
            "image_shape": self.image_shape,
            "seed": self.seed,
        }
