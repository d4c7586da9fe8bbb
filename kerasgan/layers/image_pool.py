"""A pool of generated images, as part of the compiled step."""

import keras
import tensorflow as tf
from keras import layers

from kerasgan import checks


@keras.saving.register_keras_serializable(package="kerasgan")
class ImagePool(layers.Layer):
    """Replaces half of the generated images by earlier ones.

    While the pool fills, each image is stored and returned. Then each image,
    with probability one half, replaces a stored one, which is returned;
    otherwise it is returned itself and not stored. Images are processed in
    order: one may be returned that the same batch has stored.

    Stored images are variables: they are saved with the model, and a resumed
    run continues with them. Each replica has its own pool; a saved model
    contains that of the first, a checkpoint of `kerasgan.checkpoints` all.

    Args:
        size: int. Number of stored images; `0` returns all inputs unchanged.
        image_shape: `(height, width, channels)`.
        **kwargs: See `keras.layers.Layer`: `name`.

    Call arguments:
        images: Float tensor `(batch, height, width, channels)`.
        draws: Float tensor `(batch, 2)`, uniform in [0, 1). Above one half,
            the first of a row selects a stored image; the second selects its
            position.

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
        checks.count(size=size)
        # Float32 also under mixed precision, like the input images.
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
        old_indices = tf.range(self.size)
        new_indices = self.size + tf.range(count)

        def exchange(row, filled, kept, shown):
            filling = filled < self.size
            # A gather, because XLA would recompile a slice for each position.
            choice, position = tf.unstack(tf.gather(draws, row))
            chosen = tf.cast(position * self.size, "int32")
            slot = tf.where(filling, filled, chosen)
            keep = filling | (choice > 0.5)
            # The image stored there, or the new image itself.
            old = tf.gather(kept, slot)
            show = tf.where(keep & ~filling, old, self.size + row)
            kept = tf.where(keep & (old_indices == slot), self.size + row, kept)
            shown = tf.where(new_indices == self.size + row, show, shown)
            return row + 1, filled + tf.cast(filling, "int32"), kept, shown

        # The loop carries only indices: first those of the pool, then those
        # of the batch.
        _, filled, kept, shown = tf.while_loop(
            lambda row, *_: row < count,
            exchange,
            (0, tf.convert_to_tensor(self.filled), old_indices, new_indices),
        )
        all_images = tf.concat(
            [tf.convert_to_tensor(self.images), tf.stop_gradient(images)], 0
        )
        returned = tf.gather(all_images, shown)
        self.images.assign(tf.gather(all_images, kept))
        self.filled.assign(filled)
        return returned

    def get_config(self):
        config = super().get_config()
        del config["dtype"], config["trainable"]
        return {**config, "size": self.size, "image_shape": self.image_shape}
