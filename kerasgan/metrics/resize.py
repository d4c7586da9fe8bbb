"""Resizers by name: a score depends on how images reach the network's size.

`tf2015` is TensorFlow 1's bilinear resize, which the 2015 Inception graph
carries inside: corners at whole pixels, no antialiasing.

`clean` is Pillow's bicubic filter on each channel as float32, which
antialiases: Parmar, Zhang and Zhu, "On Aliased Resizing and Surprising
Subtleties in GAN Evaluation", 2022. https://arxiv.org/abs/2104.11222

`pytorch_fid` is what the package of that name does, which many published
numbers come from: bilinear with corners at half pixels, no antialiasing, and
a scale that differs from the graph's by 256 / 255.
"""

import tensorflow as tf


def tf2015(images, height, width):
    """Resizes as the 2015 Inception graph does.

    Args:
        images: uint8 tensor `(batch, any height, any width, channels)`.
        height: int. Of the result.
        width: int. Of the result.

    Returns:
        float32 tensor `(batch, height, width, channels)` in `[0, 255]`.
    """
    return tf.compat.v1.image.resize_bilinear(
        tf.cast(images, tf.float32),
        (height, width),
        align_corners=False,
        half_pixel_centers=False,
    )


def clean(images, height, width):
    """Resizes as clean-fid does by default.

    Args:
        images: uint8 tensor `(batch, any height, any width, channels)`.
        height: int. Of the result.
        width: int. Of the result.

    Returns:
        float32 tensor `(batch, height, width, channels)` in `[0, 255]`.

    Reference:
        [Parmar et al., 2022](https://arxiv.org/abs/2104.11222), section 4.
    """
    resized = tf.image.resize(
        tf.cast(images, tf.float32),
        (height, width),
        method="bicubic",
        antialias=True,
    )
    # The filter overshoots at edges.
    return tf.clip_by_value(resized, 0.0, 255.0)


def pytorch_fid(images, height, width):
    """Resizes and scales as pytorch-fid does.

    Args:
        images: uint8 tensor `(batch, any height, any width, channels)`.
        height: int. Of the result.
        width: int. Of the result.

    Returns:
        float32 tensor `(batch, height, width, channels)` in `[0, 256]`: after
        (x - 128) / 128 it is pytorch-fid's 2 x / 255 - 1.
    """
    resized = tf.image.resize(
        tf.cast(images, tf.float32), (height, width), method="bilinear"
    )
    return resized * (256.0 / 255.0)


RESIZERS = {"tf2015": tf2015, "clean": clean, "pytorch_fid": pytorch_fid}


def get(name):
    """Returns the resizer of that name, or `None` for `None`.

    Args:
        name: str or None. A key of `RESIZERS`.

    Raises:
        ValueError: If there is no resizer of that name.
    """
    if name is not None and name not in RESIZERS:
        raise ValueError(
            f"Unknown resizer: {name!r}. There are: {', '.join(RESIZERS)}."
        )
    return RESIZERS.get(name)
