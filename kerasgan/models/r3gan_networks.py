"""The networks of R3GAN, without normalization.

Huang, Gokaslan, Kuleshov and Tompkin, "The GAN is dead; long live the GAN! A
Modern GAN Baseline", 2024. https://arxiv.org/abs/2501.05441

`r3gan.py` describes and trains them.
"""

import math

import keras
import tensorflow as tf
from keras import layers

from kerasgan.layers.grouped import GroupedConv2D
from kerasgan.layers.resampling import SmoothDownsample, SmoothUpsample


def generated_images(x, widths, blocks, group_size, channels):
    """Latents to images, from 4x4 upwards.

    Args:
        x: Keras tensor `(batch, features)`.
        widths: dict of feature maps by resolution, from 4 to that of the
            images.
        blocks: int. Residual blocks at each resolution.
        group_size: int. Channels of a group of the 3x3 convolutions.
        channels: int. 1 for grayscale images, 3 for color.

    Returns:
        Keras tensor `(batch, size, size, channels)`, float32, linear, roughly
        in `[-1, 1]`.
    """
    x = dense(widths[4], "dense_4")(x)
    x = Basis(dtype="float32", name="basis_4")(x)
    for size, width in widths.items():
        policy = policy_at(size)
        if size > 4:
            if x.shape[-1] != width:
                x = pointwise(width, f"up_{size}_conv", policy)(x)
            x = SmoothUpsample(dtype=policy, name=f"up_{size}")(x)
        for index in range(blocks):
            name = f"block{index}_{size}"
            x = residual(x, group_size, blocks * len(widths), name, policy)
    # Float32, so that mixed precision does not round the images.
    return pointwise(channels, "images", "float32")(x)


def features_of(x, widths, blocks, group_size, outputs):
    """Images to features, the generator's layers in the opposite order.

    Args:
        x: Keras tensor `(batch, size, size, channels)`.
        widths: See `generated_images`.
        blocks: See `generated_images`.
        group_size: See `generated_images`.
        outputs: int. Length of the features; 1 for scores.

    Returns:
        Keras tensor `(batch, outputs)`, float32.
    """
    size = max(widths)
    x = pointwise(widths[size], "from_images", policy_at(size))(x)
    for size, width in sorted(widths.items(), reverse=True):
        policy = policy_at(size)
        if size < max(widths):
            x = SmoothDownsample(dtype=policy, name=f"down_{size}")(x)
            if x.shape[-1] != width:
                x = pointwise(width, f"down_{size}_conv", policy)(x)
        for index in range(blocks):
            name = f"block{index}_{size}"
            x = residual(x, group_size, blocks * len(widths), name, policy)
    x = BasisProduct(dtype="float32", name="basis_4")(x)
    return dense(outputs, "dense_4")(x)


def policy_at(size):
    """Returns the dtype of the layers of a resolution: float32 at 4x4.

    Args:
        size: int.

    Returns:
        str, or `None` for that of the model.
    """
    return "float32" if size == 4 else None


def residual(x, group_size, total, name, dtype):
    """Adds three convolutions, the second in groups and twice as wide.

    Neither the last one nor the sum has a bias or an activation. The last one
    starts at zero, so that every block is the identity at first; the others
    start the smaller, the more blocks there are (section 3.3).

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        group_size: int.
        total: int. Number of blocks of the network.
        name: str. Prefix of the layers' names.
        dtype: See `policy_at`.

    Returns:
        Keras tensor of the same shape.
    """
    width = x.shape[-1]
    # For LeakyReLU.
    gain = math.sqrt(2.0 / (1.0 + 0.2**2)) * total**-0.25
    y = layers.Conv2D(
        2 * width,
        1,
        kernel_initializer=normal(gain),
        dtype=dtype,
        name=f"{name}_conv0",
    )(x)
    y = layers.LeakyReLU(0.2, dtype=dtype, name=f"{name}_leaky0")(y)
    y = GroupedConv2D(
        2 * width,
        group_size,
        kernel_initializer=normal(gain),
        dtype=dtype,
        name=f"{name}_conv1",
    )(y)
    y = layers.LeakyReLU(0.2, dtype=dtype, name=f"{name}_leaky1")(y)
    y = pointwise(width, f"{name}_conv2", dtype, "zeros")(y)
    return layers.Add(dtype=dtype, name=name)([x, y])


def normal(gain=1.0):
    """Returns an initializer that keeps the variance, times the gain squared.

    Args:
        gain: float. Defaults to `1.0`.
    """
    return keras.initializers.VarianceScaling(
        gain**2, mode="fan_in", distribution="untruncated_normal"
    )


def pointwise(filters, name, dtype, initializer=None):
    """Returns a 1x1 convolution without bias.

    Args:
        filters: int.
        name: str.
        dtype: See `policy_at`.
        initializer: Keras initializer or its name. Defaults to `normal()`.
    """
    return layers.Conv2D(
        filters,
        1,
        use_bias=False,
        kernel_initializer=initializer or normal(),
        dtype=dtype,
        name=name,
    )


def dense(units, name):
    """Returns a float32 dense layer without bias.

    Args:
        units: int.
        name: str.
    """
    return layers.Dense(
        units,
        use_bias=False,
        kernel_initializer=normal(),
        dtype="float32",
        name=name,
    )


def class_vectors(num_classes, dim, gain, name):
    """Returns a float32 layer from labels to vectors.

    Args:
        num_classes: int.
        dim: int. Length of the vectors.
        gain: float. Their first standard deviation times the root of the
            number of classes.
        name: str.
    """
    deviation = gain / math.sqrt(num_classes)
    return layers.Embedding(
        num_classes,
        dim,
        embeddings_initializer=keras.initializers.RandomNormal(
            stddev=deviation
        ),
        dtype="float32",
        name=name,
    )


@keras.saving.register_keras_serializable(package="kerasgan")
class Basis(layers.Layer):
    """Learned 4x4 feature maps, each times a number.

    Call arguments:
        inputs: Float tensor `(batch, channels)`.

    Returns:
        Float tensor `(batch, 4, 4, channels)`.
    """

    stddev = 1.0

    def build(self, input_shape):
        self.basis = self.add_weight(
            name="basis",
            shape=(4, 4, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=self.stddev),
        )

    def call(self, inputs):
        return inputs[:, None, None, :] * self.basis

    def compute_output_shape(self, input_shape):
        batch, channels = input_shape
        return (batch, 4, 4, channels)


@keras.saving.register_keras_serializable(package="kerasgan")
class BasisProduct(Basis):
    """Inner products of feature maps with learned ones.

    The same as a depthwise 4x4 convolution without padding.

    Call arguments:
        inputs: Float tensor `(batch, 4, 4, channels)`.

    Returns:
        Float tensor `(batch, channels)`.
    """

    # Of 16 inputs.
    stddev = 0.25

    def call(self, inputs):
        return tf.reduce_sum(inputs * self.basis, axis=(1, 2))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])
