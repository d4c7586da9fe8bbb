"""Initialization and output layers that many networks share."""

from keras import layers

# Normal initialization with this standard deviation: Radford et al., 2015,
# section 4; Isola et al., 2017, section 6.2; Zhu et al., 2017, section 7.1;
# Reed et al., 2016, in the authors' release. A config, because one initializer
# object shared by layers would give all of them the same values.
INITIALIZER = {"class_name": "RandomNormal", "config": {"stddev": 0.02}}


def tanh_images(x, name="images"):
    """Returns images in `[-1, 1]`.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        name: str. Name of the layer. Defaults to `"images"`.
    """
    # Float32, so that mixed precision does not round the images.
    return layers.Activation("tanh", dtype="float32", name=name)(x)


def score(x, use_bias=False):
    """Returns one unbounded score for each image.

    Equivalent to a final 4x4 valid convolution without bias, written as a
    dense layer.

    Args:
        x: Keras tensor `(batch, 4, 4, features)`.
        use_bias: bool. Defaults to `False`.
    """
    x = layers.Flatten(name="flatten")(x)
    return score_dense(x, use_bias)


def score_dense(x, use_bias=False):
    """Returns one unbounded score for each vector.

    Args:
        x: Keras tensor `(batch, features)`.
        use_bias: bool. Defaults to `False`.
    """
    return layers.Dense(
        1,
        use_bias=use_bias,
        kernel_initializer=INITIALIZER,
        dtype="float32",
        name="score",
    )(x)
