"""The discriminator that pix2pix and CycleGAN share."""

import keras
from keras import layers


def build_patchgan(channels, width, normalization, use_bias, name, initializer):
    """Pictures to a map of raw scores, one for each patch of 70x70 pixels.

    C64-C128-C256-C512 in the paper's notation: 4x4 convolutions, the first
    three of stride 2, all followed by LeakyReLU, then one more to a single
    map. A score judges only the patch it sees, so the loss is a texture loss
    and the number of weights does not depend on the picture's size.

    Args:
        channels: int. Of the pictures; of both together if it judges pairs.
        width: int. Feature maps of the first convolution, 64 in the paper.
        normalization: Callable from a name to a layer that normalizes. The
            first and the last convolution have none.
        use_bias: bool. Whether the convolutions before a normalization have
            a bias; one with a shift of its own makes it redundant.
        name: str. Of the network.
        initializer: Config of the kernels' initializer; an initializer
            itself would give kernels of one shape the same numbers.

    Returns:
        A `keras.Model` from pictures `(batch, height, width, channels)` in
        `[-1, 1]`, of 24 pixels or more, to raw scores
        `(batch, height // 8 - 2, width // 8 - 2, 1)`, high for real.

    Reference:
        [Isola et al., 2017](https://arxiv.org/abs/1611.07004), section 6.1.2.
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
    for index, strides in ((1, 2), (2, 2), (3, 1)):
        x = pad(index)(x)
        x = convolution(
            width * 2**index, strides, f"conv_{index}", use_bias=use_bias
        )(x)
        x = normalization(f"norm_{index}")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_{index}")(x)
    x = pad(4)(x)
    scores = convolution(1, 1, "score", dtype="float32")(x)
    return keras.Model(images, scores, name=name)
