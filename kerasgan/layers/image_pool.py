"""A memory of generated pictures, as part of the compiled step."""

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable(package="kerasgan")
class ImagePool(layers.Layer):
    """Shows a discriminator earlier pictures in place of half the new ones.

    While the pool fills, it keeps every picture and returns it. Then each
    picture is, with probability one half, kept in the place of an old one,
    which is returned; otherwise it is returned itself and not kept. One
    picture after the other: a batch may take out what it has just put in.

    Its pictures are variables: they are saved with the model, and a resumed
    run goes on with them. Each replica has a pool of its own; saving a model
    keeps the first one's, a checkpoint of `kerasgan.checkpoints` all.

    Args:
        size: int. How many pictures it holds; `0` returns all as they come.
        image_shape: `(height, width, channels)`.
        **kwargs: See `keras.layers.Layer`: `name`.

    Call arguments:
        images: Float tensor `(batch, height, width, channels)`.
        draws: Float tensor `(batch, 2)` in [0, 1). The first of a row
            decides, above one half for an old picture, the second chooses
            the place.

    Returns:
        Float tensor of the shape of `images`. Has no gradient.

    Raises:
        ValueError: If `size` is negative.

    Reference:
        [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), section 4, after
        [Shrivastava et al., 2017](https://arxiv.org/abs/1612.07828),
        section 2.3.
    """

    def __init__(self, size, image_shape, **kwargs):
        if size < 0:
            raise ValueError(
                "`size` must not be negative: it is how many pictures the "
                f"pool holds. Received: size={size}"
            )
        # Float32 under mixed precision too, like the pictures that come in.
        super().__init__(dtype="float32", trainable=False, **kwargs)
        self.size = size
        self.image_shape = tuple(image_shape)
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

    def call(self, images, draws):
        if self.size == 0:
            return tf.stop_gradient(images)
        count = tf.shape(images)[0]
        old_numbers = tf.range(self.size)
        new_numbers = self.size + tf.range(count)

        def exchange(row, filled, kept, shown):
            filling = filled < self.size
            # Gathered: XLA would compile a slice anew for each place.
            coin, where = tf.unstack(tf.gather(draws, row))
            chosen = tf.cast(where * self.size, "int32")
            place = tf.where(filling, filled, chosen)
            keep = filling | (coin > 0.5)
            # What was in the place, or the new picture itself.
            old = tf.gather(kept, place)
            show = tf.where(keep & ~filling, old, self.size + row)
            kept = tf.where(
                keep & (old_numbers == place), self.size + row, kept
            )
            shown = tf.where(new_numbers == self.size + row, show, shown)
            return row + 1, filled + tf.cast(filling, "int32"), kept, shown

        # Only numbers go around the loop: those of the pool's pictures, then
        # those of the batch.
        _, filled, kept, shown = tf.while_loop(
            lambda row, *_: row < count,
            exchange,
            (0, tf.convert_to_tensor(self.filled), old_numbers, new_numbers),
        )
        everything = tf.concat(
            [tf.convert_to_tensor(self.images), tf.stop_gradient(images)], 0
        )
        returned = tf.gather(everything, shown)
        self.images.assign(tf.gather(everything, kept))
        self.filled.assign(filled)
        return returned

    def get_config(self):
        config = super().get_config()
        del config["dtype"], config["trainable"]
        return {**config, "size": self.size, "image_shape": self.image_shape}
