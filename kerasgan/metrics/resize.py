"""Resizers by name: a score depends on how pictures reach the network's size.

`tf2015` is TensorFlow 1's bilinear resize, which the 2015 Inception graph
carries inside: corners at whole pixels, no antialiasing.

`clean` is Pillow's bicubic filter on each channel as float32, which
antialiases: Parmar, Zhang and Zhu, "On Aliased Resizing and Surprising
Subtleties in GAN Evaluation", 2022. https://arxiv.org/abs/2104.11222
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


RESIZERS = {"tf2015": tf2015}


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
