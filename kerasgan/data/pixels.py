"""Pixel values: conversions, geometry, and checks of training batches.

Inside kerasgan an image is float32 in `[-1, 1]`, height x width x channels;
outside it is uint8 in 0..255. The two conversions are here and nowhere else.
"""

import math
import os

import numpy as np
import tensorflow as tf
from PIL import Image

from kerasgan.checks import sides

# What becomes of an image of another shape.
FITS = CROP, PAD, SQUEEZE = "crop", "pad", "squeeze"

# How far rounding may carry a value outside [-1, 1].
RANGE_TOLERANCE = 1e-3

# 8-bit images scaled to [0, 1] have a black or nearly black value in almost
# every batch. In [-1, 1] the same minimum would mean that the darkest value
# of the whole batch is a grey between 128 and 140 of 255.
UNIT_RANGE_MINIMUM = 0.1

_CHUNK = 512


def to_float(images):
    """Converts uint8 images to the value range of the networks.

    Computes x / 127.5 - 1, so 0 becomes -1 and 255 becomes 1.

    Args:
        images: uint8 tensor or array of any shape, in 0..255.

    Returns:
        float32 tensor of the same shape, in `[-1, 1]`.

    Raises:
        ValueError: If `images` is not uint8.
    """
    images = tf.convert_to_tensor(images)
    if images.dtype != tf.uint8:
        raise ValueError(
            "`to_float` converts uint8 images, because the scale of other "
            f"types is not known. Received: dtype={images.dtype.name}. Cast "
            "values of 0..255 to uint8 first."
        )
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images):
    """Converts float images from the networks to uint8.

    Computes (x + 1) * 127.5 in float32, rounds to the nearest integer (halves
    to the even one) and clips to 0..255. `to_uint8(to_float(x))` is `x`.

    Args:
        images: Float tensor or array of any shape, in `[-1, 1]`.

    Returns:
        uint8 tensor of the same shape.

    Raises:
        ValueError: If `images` is not of a float type.
    """
    images = tf.convert_to_tensor(images)
    if not images.dtype.is_floating:
        raise ValueError(
            "`to_uint8` converts float images in [-1, 1]. "
            f"Received: dtype={images.dtype.name}."
        )
    # bfloat16 has 8 significant bits, too few for the product.
    levels = tf.round((tf.cast(images, tf.float32) + 1.0) * 127.5)
    return tf.cast(tf.clip_by_value(levels, 0.0, 255.0), tf.uint8)


def pad(images, size):
    """Pads images with black to a larger height and width.

    Args:
        images: uint8 tensor in 0..255 or float tensor in `[-1, 1]`,
            `(batch, height, width, channels)`.
        size: int, or pair of height and width of the result. The larger
            half of an odd margin goes below and to the right.

    Returns:
        Tensor `(batch, *size, channels)` of the same type and range.

    Raises:
        ValueError: If an image is larger than `size`.
    """
    images = tf.convert_to_tensor(images)
    height, width = images.shape[1:3]
    new_height, new_width = sides(size)
    if height > new_height or width > new_width:
        raise ValueError(
            "`pad` enlarges the canvas. Received: images of "
            f"{height}x{width} and size={size}. Use `crop` or `resize`."
        )
    black = tf.constant(0 if images.dtype == tf.uint8 else -1, images.dtype)
    margins = _margins((height, width), (new_height, new_width))
    return tf.pad(images, margins, constant_values=black)


def pad_to_multiple(images, multiple, at_least=1):
    """Mirrors images at their edges, to a height and width that a model takes.

    `crop` to the size before undoes it.

    Args:
        images: Array of any type, `(batch, height, width, channels)`.
        multiple: int. What both sides must be divisible by.
        at_least: int. The smallest side. Defaults to `1`.

    Returns:
        NumPy array `(batch, height, width, channels)` of the same type, the
        images in the middle.

    Raises:
        ValueError: If the rank is not 4.

    Example:
    ```python
    padded = data.pad_to_multiple(
        photographs, gan.size_multiple, gan.minimum_size
    )
    images = data.crop(gan.translate(padded), photographs.shape[1:3])
    ```
    """
    images = np.asarray(images)
    if images.ndim != 4:
        raise ValueError(
            "`pad_to_multiple` takes images (batch, height, width, channels). "
            f"Received: shape={images.shape}."
        )
    before = images.shape[1:3]
    after = [-(-max(side, at_least) // multiple) * multiple for side in before]
    return np.pad(images, _margins(before, after), mode="symmetric")


def crop(images, size):
    """Crops images to their middle.

    Args:
        images: Tensor `(batch, height, width, channels)` of any type.
        size: int, or pair of height and width of the result.

    Returns:
        Tensor `(batch, *size, channels)` of the same type.

    Raises:
        ValueError: If an image is smaller than `size`.
    """
    images = tf.convert_to_tensor(images)
    height, width = images.shape[1:3]
    new_height, new_width = sides(size)
    if height < new_height or width < new_width:
        raise ValueError(
            "`crop` reduces the canvas. Received: images of "
            f"{height}x{width} and size={size}. Use `pad` or `resize`."
        )
    return _middle(images, new_height, new_width)


def resize(images, size):
    """Resizes images with an antialiased cubic filter.

    Args:
        images: uint8 tensor in 0..255 or float tensor in `[-1, 1]`,
            `(batch, height, width, channels)`.
        size: int, or pair of height and width of the result.

    Returns:
        Tensor `(batch, *size, channels)` of the same type and range. The
        filter's overshoot is clipped and uint8 is rounded to the nearest.
    """
    images = tf.convert_to_tensor(images)
    if tuple(images.shape[1:3]) == sides(size):
        return images
    resized = tf.image.resize(
        images, sides(size), method="bicubic", antialias=True
    )
    if images.dtype == tf.uint8:
        resized = tf.clip_by_value(tf.round(resized), 0.0, 255.0)
    else:
        resized = tf.clip_by_value(resized, -1.0, 1.0)
    return tf.cast(resized, images.dtype)


def resize_many(images, size):
    """Resizes an array of images in chunks, to limit the memory in use.

    Args:
        images: uint8 or float array `(count, height, width, channels)`.
        size: int, or pair of height and width of the result.

    Returns:
        NumPy array `(count, *size, channels)` of the same type.
    """
    if images.shape[1:3] == sides(size):
        return images
    resized = np.empty(
        (len(images), *sides(size), images.shape[-1]), images.dtype
    )
    for start in range(0, len(images), _CHUNK):
        rows = slice(start, start + _CHUNK)
        resized[rows] = resize(images[rows], size).numpy()
    return resized


def fit_many(images, size, fit):
    """Brings an array of images to one height and width.

    Args:
        images: uint8 or float array `(count, height, width, channels)`.
        size: int, or pair of height and width of the result.
        fit: str. One of `FITS`.

    Returns:
        NumPy array `(count, *size, channels)` of the same type.
    """
    height, width = images.shape[1:3]
    if fit == CROP:
        region = central_region(height, width, size)
        return resize_many(_middle(images, *region), size)
    if fit == SQUEEZE:
        return resize_many(images, size)
    inner = region_within(height, width, size)
    images = resize_many(images, inner)
    return images if inner == sides(size) else pad(images, size).numpy()


def central_region(height, width, size):
    """Returns the largest part of an image that has the shape of a size.

    Args:
        height: int. Of the image.
        width: int. Of the image.
        size: int, or pair of height and width.

    Returns:
        Tuple of height and width.
    """
    rows, columns = sides(size)
    return (
        min(height, max(1, round(width * rows / columns))),
        min(width, max(1, round(height * columns / rows))),
    )


def region_within(height, width, size):
    """Returns the largest part of a size that has the shape of an image.

    Args:
        height: int. Of the image.
        width: int. Of the image.
        size: int, or pair of height and width.

    Returns:
        Tuple of height and width.
    """
    return central_region(*sides(size), (height, width))


def _middle(images, height, width):
    top = (images.shape[1] - height) // 2
    left = (images.shape[2] - width) // 2
    return images[:, top : top + height, left : left + width]


def _margins(before, after):
    """Returns what `pad` of NumPy and TensorFlow takes."""
    firsts = [(new - old) // 2 for old, new in zip(before, after, strict=True)]
    lasts = [
        new - old - first
        for old, new, first in zip(before, after, firsts, strict=True)
    ]
    return [[0, 0], *map(list, zip(firsts, lasts, strict=True)), [0, 0]]


def grid(images, columns, gap=2):
    """Arranges images in rows on a white background.

    Args:
        images: uint8 array in 0..255 or float array in `[-1, 1]`,
            `(count, height, width, channels)`.
        columns: int. Images in a row; the last row may be shorter.
        gap: int. White pixels between images. Defaults to `2`.

    Returns:
        uint8 NumPy array `(grid_height, grid_width, channels)`.

    Raises:
        ValueError: If there is no image, or the rank is not 4.
    """
    images = tf.convert_to_tensor(images)
    if images.shape.rank != 4 or images.shape[0] == 0:
        raise ValueError(
            "`grid` needs at least one image, as (count, height, width, "
            f"channels). Received: shape={tuple(images.shape)}."
        )
    if columns < 1:
        raise ValueError(
            f"`columns` must be at least 1. Received: columns={columns}."
        )
    if images.dtype != tf.uint8:
        images = to_uint8(images)
    images = images.numpy()
    count, height, width, channels = images.shape
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    canvas = np.full(
        (
            rows * (height + gap) - gap,
            columns * (width + gap) - gap,
            channels,
        ),
        255,
        np.uint8,
    )
    for index, image in enumerate(images):
        top = index // columns * (height + gap)
        left = index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    return canvas


def save_png(path, image):
    """Writes one image as a PNG file; missing folders are created.

    Args:
        path: str or path. The file to write.
        image: uint8 array `(height, width, channels)`: 1 channel for grey, 3
            for color, 4 for color with alpha.

    Raises:
        ValueError: If `image` is not such an array.
    """
    image = np.asarray(image)
    if (
        image.dtype != np.uint8
        or image.ndim != 3
        or image.shape[-1] not in (1, 3, 4)
    ):
        raise ValueError(
            "`save_png` writes one uint8 image (height, width, channels) "
            f"with 1, 3 or 4 channels. Received: shape={image.shape}, "
            f"dtype={image.dtype}. `grid` combines several images into one."
        )
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    if image.shape[-1] == 1:
        image = image[:, :, 0]
    Image.fromarray(image).save(path, format="PNG")


def check_images(images, image_shape, name="images"):
    """Checks that a batch of images is valid training data.

    Args:
        images: NumPy array or eager tensor; must be of a float type, of shape
            `(batch, height, width, channels)`, finite and in `[-1, 1]` (to
            within 0.001).
        image_shape: `(height, width, channels)` that the model takes; `None`
            matches any.
        name: str. Name of the batch in the message. Defaults to `"images"`.

    Raises:
        ValueError: If the batch violates one of these rules.
    """
    shape, dtype = _shape_and_dtype(images, name)
    expected = tuple(image_shape)
    wanted = _format_shape(("batch", *expected))
    if len(shape) != 4:
        advice = (
            "Add an axis of length 1 for the channel, or batch the dataset"
            if len(shape) == 3
            else "Batch the dataset once"
        )
        raise ValueError(
            f"`{name}` must have rank 4, {wanted}. "
            f"Received: shape={shape}. {advice}."
        )
    if shape[0] == 0:
        raise ValueError(
            f"`{name}` must hold at least one image. "
            f"Received: shape={shape}. Use a smaller batch size, since "
            "incomplete batches are dropped."
        )
    if not _fits(shape[1:], expected):
        raise ValueError(
            f"`{name}` must have shape {wanted}. Received: shape={shape}. "
            f"{_shape_advice(shape[1:], expected)}"
        )
    if not dtype.is_floating:
        raise ValueError(
            f"`{name}` must be floats in [-1, 1]. Received: "
            f"dtype={dtype.name}. Convert uint8 images with "
            "`kerasgan.data.to_float`."
        )
    values = tf.cast(images, tf.float32).numpy()
    if not np.isfinite(values).all():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        raise ValueError(
            f"`{name}` must be finite. Received: {bad} of {values.size} "
            "values NaN or infinite. Look for a division by zero before it."
        )
    low, high = float(values.min()), float(values.max())
    received = f"Received: values from {low:.4g} to {high:.4g}."
    if low < -1 - RANGE_TOLERANCE or high > 1 + RANGE_TOLERANCE:
        looks_8_bit = low >= 0 and high <= 255
        raise ValueError(
            f"`{name}` must lie in [-1, 1]. {received} "
            + (
                "This looks like 0..255: cast to uint8 and convert with "
                "`kerasgan.data.to_float`."
                if looks_8_bit
                else "Scale the images linearly to [-1, 1]; do not "
                "standardize them."
            )
        )
    if 0 <= low < UNIT_RANGE_MINIMUM:
        raise ValueError(
            f"`{name}` must lie in [-1, 1], black at -1. {received} This "
            "looks like [0, 1]: use `2 * images - 1`."
        )


def check_labels(labels, num_classes=None, name="labels"):
    """Checks that labels are integers of known classes.

    Args:
        labels: NumPy array or eager tensor; must be integers `(batch,)` from
            0 to `num_classes - 1`.
        num_classes: int or `None`. Number of classes. Defaults to any.
        name: str. Name of the batch in the message. Defaults to `"labels"`.

    Raises:
        ValueError: If the batch violates one of these rules.
    """
    shape, dtype = _shape_and_dtype(labels, name)
    allowed = "from 0" + (f" to {num_classes - 1}" if num_classes else "")
    if not dtype.is_integer or len(shape) != 1:
        raise ValueError(
            f"`{name}` must be integers {allowed}, one for each image, "
            f"(batch,). Received: dtype={dtype.name}, shape={shape}. "
            + _label_advice(labels, shape, dtype)
        )
    values = tf.cast(labels, tf.int64).numpy()
    if not values.size:
        return
    low, high = values.min(), values.max()
    if low < 0 or (num_classes and high >= num_classes):
        rule = (
            f"lie in 0..{num_classes - 1}, because the model has "
            f"{num_classes} classes"
            if num_classes
            else "be integers from 0"
        )
        raise ValueError(
            f"`{name}` must {rule}. Received: labels from {low} to {high}."
            + (
                " These seem to count from 1: subtract 1."
                if low == 1 and high == num_classes
                else ""
            )
        )


def _label_advice(labels, shape, dtype):
    """Returns how to make one class number of what was given for each image."""
    numeric = dtype.is_integer or dtype.is_floating or dtype.is_bool
    if dtype == tf.string:
        return "Give each name a number, its position in the list of classes."
    if len(shape) == 2 and shape[1] == 1:
        return "Squeeze the axis of length 1, and cast to int32."
    if len(shape) != 2 or not numeric:
        return "Cast class numbers to int32."
    rows = np.asarray(labels).astype(np.float64)
    if np.all((rows == 0) | (rows == 1)) and np.all(rows.sum(axis=1) == 1):
        return "Undo one-hot coding with argmax."
    return (
        f"These are {shape[1]} labels for each image: choose one of them, or "
        "combine them into one class for each combination that occurs, with "
        "`numpy.unique(labels, axis=0, return_inverse=True)`."
    )


def check_captions(captions, name="captions"):
    """Checks that captions are non-empty strings or finite vectors.

    Args:
        captions: NumPy array or eager tensor: strings `(batch,)`, none of
            them empty, or finite sentence vectors, floats
            `(batch, dimensions)`.
        name: str. Name of the batch in the message. Defaults to
            `"captions"`.

    Raises:
        ValueError: If the batch violates one of these rules.
    """
    shape, dtype = _shape_and_dtype(captions, name)
    if dtype == tf.string:
        if len(shape) != 1:
            raise ValueError(
                f"`{name}` must have rank 1, one string for each image. "
                f"Received: shape={shape}."
            )
        stripped = tf.strings.strip(captions)
        empty = np.flatnonzero(tf.strings.length(stripped).numpy() == 0)
        if empty.size:
            raise ValueError(
                f"`{name}` must not be empty. Received: {empty.size} empty "
                f"of {shape[0]}, the first at {empty[0]}. Drop those "
                "images or describe them."
            )
    elif dtype.is_floating:
        if len(shape) != 2:
            raise ValueError(
                f"`{name}` as sentence vectors must have rank 2, (batch, "
                f"dimensions). Received: shape={shape}."
            )
        if not np.isfinite(tf.cast(captions, tf.float32).numpy()).all():
            raise ValueError(
                f"`{name}` must be finite. Received: sentence vectors with "
                "NaN or infinite values."
            )
    else:
        raise ValueError(
            f"`{name}` must be strings or float sentence vectors. "
            f"Received: dtype={dtype.name}, shape={shape}."
        )


def check_same_length(first, second, names):
    """Checks that two batches have the same length.

    Args:
        first: NumPy array or eager tensor with a batch axis.
        second: Like `first`.
        names: Two strings. Names of the batches in the message.

    Raises:
        ValueError: If their lengths differ.
    """
    lengths = []
    for values, name in zip((first, second), names, strict=True):
        shape, _ = _shape_and_dtype(values, name)
        if not shape:
            raise ValueError(
                f"`{name}` must have a batch axis. Received: a scalar."
            )
        lengths.append(shape[0])
    if lengths[0] != lengths[1]:
        raise ValueError(
            f"`{names[0]}` and `{names[1]}` must have the same length. "
            f"Received: {lengths[0]} and {lengths[1]}."
        )


def _shape_and_dtype(values, name):
    """Returns the shape and the TensorFlow type of an argument."""
    if not isinstance(values, (np.ndarray, tf.Tensor)):
        raise ValueError(
            f"`{name}` must be a tensor or a NumPy array. Received: "
            f"{type(values).__name__}."
        )
    if isinstance(values, np.ndarray) and values.dtype.kind in "USO":
        return values.shape, tf.string
    return tuple(values.shape), tf.as_dtype(values.dtype)


def _fits(shape, expected):
    return all(
        e is None or s == e for s, e in zip(shape, expected, strict=True)
    )


def _format_shape(shape):
    return "(" + ", ".join("any" if s is None else str(s) for s in shape) + ")"


def _shape_advice(shape, expected):
    """Returns how to convert images of `shape` to `expected`."""
    channels_last = (*shape[1:], shape[0])
    if shape[0] in (1, 3) and _fits(channels_last, expected):
        return "Move the channels last: transpose (0, 2, 3, 1)."
    if shape[2] != expected[2] and shape[2] in (1, 3, 4):
        return (
            f"Convert the images from {shape[2]} to {expected[2]} channels, "
            f"or build the model for {shape[2]}."
        )
    return "Resize, crop or pad the images with `kerasgan.data`."
