"""The residual networks of SNGAN; see `sngan.py`.

Those of the authors' code, which names no layers; names here are paths of saved
weights.
"""

import functools

from keras import layers

from kerasgan.layers import residual_blocks as blocks
from kerasgan.layers.common import tanh_images
from kerasgan.layers.normalization import (
    MOMENTUM,
    BatchNormalization,
    ConditionalBatchNormalization,
)
from kerasgan.layers.spectral import SpectralConv2D, SpectralDense

# Feature maps relative to the width, by image size: of the generator's dense
# layer and its blocks, and of the discriminator's blocks.
GENERATORS = {
    32: (1, 1, 1, 1),
    64: (16, 8, 4, 2, 1),
    128: (16, 16, 8, 4, 2, 1),
}
DISCRIMINATORS = {
    32: (1, 1, 1, 1),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
}
# How many of the discriminator's blocks, from the first, halve the resolution.
HALVINGS = {32: 2, 64: 5, 128: 5}
EPSILON = 2e-5  # Of batch normalization.
# Glorot's, with a gain of the square root of two in residual branches.
GLOROT = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform"},
}
RESIDUAL = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_avg", "distribution": "uniform"},
}


def batch_normalized(x, name, synchronized):
    """Batch normalization with the authors' constants."""
    return BatchNormalization(
        momentum=MOMENTUM,
        epsilon=EPSILON,
        synchronized=synchronized,
        name=name,
    )(x)


def class_normalized(x, name, labels, num_classes, synchronized):
    """Batch normalization with a gain and a bias for each class."""
    table = functools.partial(layers.Embedding, num_classes, x.shape[-1])
    gains = table(embeddings_initializer="ones", name=f"{name}_gain")
    biases = table(embeddings_initializer="zeros", name=f"{name}_bias")
    return ConditionalBatchNormalization(EPSILON, synchronized, name=name)(
        [x, gains(labels), biases(labels)]
    )


def generated_images(latents, widths, channels, normalize, synchronized):
    """Latents `(latent_dim,)` to images in `[-1, 1]`.

    Args:
        latents: Keras tensor `(batch, latent_dim)`.
        widths: Sequence of ints. Feature maps at 4x4, and of each block.
        channels: int. Of the images.
        normalize: Callable from feature maps and `name` to feature maps.
        synchronized: bool. Of the last, unconditional normalization.
    """
    conv = functools.partial(
        layers.Conv2D,
        kernel_size=3,
        padding="same",
        kernel_initializer=RESIDUAL,
    )
    shortcut = functools.partial(
        layers.Conv2D, kernel_size=1, kernel_initializer=GLOROT
    )
    first, *others = widths
    x = layers.Dense(4 * 4 * first, kernel_initializer=GLOROT, name="dense")(
        latents
    )
    x = layers.Reshape((4, 4, first), name="maps_4")(x)
    for number, filters in enumerate(others, 1):
        x = blocks.up_block(
            x, filters, f"block_{number}", conv, shortcut, normalize
        )
    x = batch_normalized(x, "norm", synchronized)
    x = layers.ReLU(name="relu_last")(x)
    x = conv(channels, kernel_initializer=GLOROT, name="to_image")(x)
    return tanh_images(x)


def scored(images, widths, halvings):
    """Images to unbounded scores, high for real, and to features.

    As in the authors' code a block's first convolution has the feature maps of
    its input, and the last layer a bias from 64x64 on.

    Args:
        images: Keras tensor `(batch, height, width, channels)`.
        widths: Sequence of ints. Feature maps of each block.
        halvings: int. How many blocks halve the resolution.

    Returns:
        Pair of Keras tensors, `(batch, 1)` and `(batch, features)`.
    """
    conv = functools.partial(SpectralConv2D, kernel_initializer=RESIDUAL)
    shortcut = functools.partial(
        SpectralConv2D, kernel_size=1, kernel_initializer=GLOROT
    )
    first, *others = widths
    x = blocks.first_down_block(images, first, "block_1", conv, shortcut)
    for number, filters in enumerate(others, 2):
        hidden, down = x.shape[-1], number <= halvings
        x = blocks.down_block(
            x, hidden, filters, f"block_{number}", conv, shortcut, down
        )
    features = blocks.sum_of_features(x)
    score = SpectralDense(
        1,
        use_bias=images.shape[1] > 32,
        kernel_initializer=GLOROT,
        dtype="float32",
        name="dense",
    )
    return score(features), features
