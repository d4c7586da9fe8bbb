"""Statistics over a minibatch, for the discriminator."""

import keras
import tensorflow as tf

from kerasgan import checks


@keras.saving.register_keras_serializable(package="kerasgan")
class MinibatchStdDev(keras.layers.Layer):
    """Appends the mean standard deviation over a group as a feature map.

    If the generator collapses to similar images, this feature map is near zero,
    which the discriminator can detect. A group consists of adjacent images, so
    that it stays together when a batch is divided among replicas.

    Args:
        group_size: int. Images in a group. A batch that cannot be divided
            into such groups is one group. Defaults to `4`.
        **kwargs: See `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.
        batches: int. Number of equally large batches that are concatenated
            in `inputs`: no group has images of two. Defaults to `1`.

    Returns:
        Float tensor `(batch, height, width, channels + 1)`. The last channel
        is constant over height and width.

    Raises:
        ValueError: If `group_size` is less than 2.

    Reference:
        [Karras et al., 2018](https://arxiv.org/abs/1710.10196), section 3.
    """

    def __init__(self, group_size=4, **kwargs):
        if not checks.is_whole(group_size) or group_size < 2:
            raise ValueError(
                "`group_size` must be at least 2, because one image has no "
                f"variance. Received: group_size={group_size}"
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
        # The epsilon bounds the gradient of the square root at zero.
        stddev = tf.sqrt(variance + 1e-8)
        # [groups, 1, 1, 1, 1]
        mean_stddev = tf.reduce_mean(stddev, axis=(1, 2, 3))
        mean_stddev = mean_stddev[:, None, None, None, None]
        channel = tf.broadcast_to(
            mean_stddev, (count // group, group, height, width, 1)
        )
        channel = tf.reshape(channel, (count, height, width, 1))
        return tf.concat([inputs, tf.cast(channel, inputs.dtype)], axis=-1)

    def get_config(self):
        return {**super().get_config(), "group_size": self.group_size}
