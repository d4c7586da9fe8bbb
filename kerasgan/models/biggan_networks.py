"""The residual networks of BigGAN; see `biggan.py`."""

import functools

import keras
from keras import layers

from kerasgan.layers import residual_blocks as blocks
from kerasgan.layers.common import INITIALIZER, tanh_images
from kerasgan.layers.normalization import (
    MOMENTUM,
    BatchNormalization,
    ConditionalBatchNormalization,
)
from kerasgan.layers.self_attention import SelfAttention
from kerasgan.layers.spectral import (
    SpectralConv2D,
    SpectralDense,
    SpectralEmbedding,
)

# Feature maps relative to the width, by image size: of the generator's dense
# layer and its blocks, and of the discriminator's blocks.
GENERATORS = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
}
DISCRIMINATORS = {
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
}
# How many of the discriminator's blocks, from the first, halve the resolution.
HALVINGS = {32: 2, 64: 4, 128: 5, 256: 6}
INITIALIZERS = {
    "orthogonal": {"class_name": "Orthogonal", "config": {}},
    "normal": INITIALIZER,
}
EPSILON = 1e-6  # Of spectral normalization, in the author's code.


def build_generator(
    image_size,
    channels,
    latent_dim,
    embedding_dim,
    num_classes,
    width,
    attention_size,
    initializer,
    synchronized,
):
    """Latents `(latent_dim,)` and a label to an image in `[-1, 1]`."""
    spectral = {"kernel_initializer": initializer, "epsilon": EPSILON}
    conv = functools.partial(SpectralConv2D, **spectral)
    shortcut = functools.partial(conv, kernel_size=1)
    first, *others = [width * m for m in GENERATORS[image_size]]
    latents = keras.Input((latent_dim,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    if embedding_dim is None:
        chunks = [latents] * (1 + len(others))
        to_norm = functools.partial(
            layers.Embedding, num_classes, embeddings_initializer=initializer
        )
        conditions = [labels] * len(others)
    else:
        chunks = keras.ops.split(latents, 1 + len(others), axis=1)
        embedding = layers.Embedding(
            num_classes,
            embedding_dim,
            embeddings_initializer=initializer,
            name="shared",
        )(labels)
        to_norm = functools.partial(SpectralDense, use_bias=False, **spectral)
        conditions = [
            layers.Concatenate(name=f"join_{number}")([embedding, chunk])
            for number, chunk in enumerate(chunks[1:], 1)
        ]

    x = SpectralDense(4 * 4 * first, **spectral, name="dense")(chunks[0])
    x = layers.Reshape((4, 4, first), name="maps_4")(x)
    for number, filters in enumerate(others, 1):
        normalize = functools.partial(
            conditionally_normalized,
            condition=conditions[number - 1],
            to_norm=to_norm,
            synchronized=synchronized,
        )
        x = blocks.up_block(
            x, filters, f"block_{number}", conv, shortcut, normalize
        )
        x = attended(x, attention_size, spectral)
    x = BatchNormalization(
        momentum=MOMENTUM,
        epsilon=1e-5,
        synchronized=synchronized,
        name="norm",
    )(x)
    x = layers.ReLU(name="relu_last")(x)
    x = conv(channels, name="to_image")(x)
    return keras.Model((latents, labels), tanh_images(x), name="generator")


def conditionally_normalized(x, name, condition, to_norm, synchronized):
    """Batch normalization whose gains start around one, biases around zero.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        name: str. Of the layer.
        condition: Keras tensor, the input of the layers of `to_norm`.
        to_norm: Callable from a length and `name` to a layer.
        synchronized: bool. See `BigGAN`.
    """
    gains = 1.0 + to_norm(x.shape[-1], name=f"{name}_gain")(condition)
    biases = to_norm(x.shape[-1], name=f"{name}_bias")(condition)
    return ConditionalBatchNormalization(synchronized=synchronized, name=name)(
        [x, gains, biases]
    )


def attended(x, size, spectral):
    """Self-attention, if the feature maps have this size."""
    if x.shape[1] != size:
        return x
    return SelfAttention(name="attention", **spectral)(x)


def build_discriminator(
    image_shape, num_classes, width, attention_size, initializer
):
    """An image and a label to one unbounded score, high for real."""
    spectral = {"kernel_initializer": initializer, "epsilon": EPSILON}
    conv = functools.partial(SpectralConv2D, **spectral)
    shortcut = functools.partial(conv, kernel_size=1)
    size = image_shape[0]
    first, *others = [width * m for m in DISCRIMINATORS[size]]
    images = keras.Input(image_shape, name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    x = blocks.first_down_block(images, first, "block_1", conv, shortcut)
    x = attended(x, attention_size, spectral)
    for number, filters in enumerate(others, 2):
        down = number <= HALVINGS[size]
        # Unlike in SNGAN both convolutions have the output's width.
        x = blocks.down_block(
            x, filters, filters, f"block_{number}", conv, shortcut, down
        )
        if down:
            x = attended(x, attention_size, spectral)
    features = blocks.sum_of_features(x)
    head = {**spectral, "dtype": "float32"}
    scores = SpectralDense(1, name="dense", **head)(features)
    embedding = SpectralEmbedding(
        num_classes, features.shape[-1], name="embedding", **head
    )(labels)
    scores = blocks.projection(scores, features, embedding)
    return keras.Model((images, labels), scores, name="discriminator")
