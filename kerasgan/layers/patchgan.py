"""The discriminator that pix2pix and CycleGAN share."""

import keras
from keras import layers

# Receptive field to the number of convolutions with normalization.
DEPTHS = {16: 1, 34: 2, 70: 3}


def build_patchgan(
    channels,
    width,
    normalization,
    use_bias,
    name,
    initializer,
    patch_size=70,
):
    """Images to a grid of raw scores, one for each patch of 70x70 pixels.

    C64-C128-C256-C512 in the paper's notation: 4x4 convolutions, the first
    three of stride 2, all followed by LeakyReLU, then one to a single channel.
    For patches of 16x16 pixels it is C64-C128, the first of stride 2. A score
    depends only on its patch, so the loss is a texture loss, and the number of
    weights does not depend on the image size.

    Args:
        channels: int. Channels of the images; for pairs, of both together.
        width: int. Feature maps of the first convolution, 64 in the paper.
        normalization: Callable from a name to a layer that normalizes. The
            first and the last convolution have none.
        use_bias: bool. Whether the convolutions before a normalization have
            a bias, which is redundant if the normalization has a shift.
        name: str. Name of the network.
        initializer: Config of the kernel initializer; one initializer object
            would give kernels of the same shape the same values.
        patch_size: int. `70`, `34` or `16`. Defaults to `70`.

    Returns:
        A `keras.Model` from images `(batch, height, width, channels)` in
        `[-1, 1]`, of 24 pixels or more, to raw scores
        `(batch, height // s - 2, width // s - 2, 1)`, high for real; `s`, the
        product of the strides, is 8, 4 or 2.

    Reference:
        [Isola et al., 2017](https://arxiv.org/abs/1611.07004), sections 4.4
        and 6.1.2.
    """

    def convolution(filters, strides, name, **options):
        # Padding "same" would pad 1 and 2 pixels where the stride is 1.
        return layers.Conv2D(
            filters,
            kernel_size=4,
            strides=strides,
            kernel_initializer=initializer,
            name=name,
            **options,
        )

    def pad(index):
        return layers.ZeroPadding2D(1, name=f"pad_{index}")

    images = keras.Input((None, None, channels), name="images")
    x = convolution(width, 2, "conv_0")(pad(0)(images))
    x = layers.LeakyReLU(0.2, name="leaky_0")(x)
    depth = DEPTHS[patch_size]
    for index in range(1, depth + 1):
        strides = 1 if index == depth else 2
        x = pad(index)(x)
        x = convolution(
            width * 2**index, strides, f"conv_{index}", use_bias=use_bias
        )(x)
        x = normalization(f"norm_{index}")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_{index}")(x)
    x = pad(depth + 1)(x)
    scores = convolution(1, 1, "score", dtype="float32")(x)
    return keras.Model(images, scores, name=name)
