"""What a discriminator sees of a whole batch."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerasgan")
class MinibatchStdDev(keras.layers.Layer):
    """Adds a feature map that tells the discriminator how varied a batch is.

    A generator that repeats itself gives groups of equal images; this map is
    then near zero, which the discriminator can see. Groups are made of
    neighbours, so that they stay together when a batch is divided among
    replicas.

    Args:
        group_size: int. Images compared with each other. A batch that cannot
            be divided into such groups is one group. Defaults to `4`.
        **kwargs: See `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.
        batches: int. How many batches, of equal size, `inputs` holds one
            after the other: no group has images of two. Defaults to `1`.

    Returns:
        Float tensor `(batch, height, width, channels + 1)`. The last map is
        constant over height and width.

    Raises:
        ValueError: If `group_size` is less than 2.

    Reference:
        [Karras et al., 2018](https://arxiv.org/abs/1710.10196), section 3.
    """

    def __init__(self, group_size=4, **kwargs):
        if group_size < 2:
            raise ValueError(
                "`group_size` must be at least 2, because one image does not "
                f"vary. Received: group_size={group_size}"
            )
        super().__init__(**kwargs)
        self.group_size = group_size

    def call(self, inputs, batches=1):
        height, width, channels = inputs.shape[1:]
        count = tf.shape(inputs)[0]
        size = count // batches
        group = tf.where(size % self.group_size == 0, self.group_size, size)
        # [groups, group, height, width, channels]
        members = tf.reshape(
            tf.cast(inputs, "float32"), (-1, group, height, width, channels)
        )
        centered = members - tf.reduce_mean(members, axis=1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centered), axis=1)
        # The square root has no gradient at zero.
        deviations = tf.sqrt(variance + 1e-8)
        # [groups, 1, 1, 1, 1]
        deviation = tf.reduce_mean(deviations, axis=(1, 2, 3))
        deviation = deviation[:, None, None, None, None]
        maps = tf.broadcast_to(
            deviation, (count // group, group, height, width, 1)
        )
        maps = tf.reshape(maps, (count, height, width, 1))
        return tf.concat([inputs, tf.cast(maps, inputs.dtype)], axis=-1)

    def get_config(self):
        return {**super().get_config(), "group_size": self.group_size}
