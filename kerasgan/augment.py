"""Augmentation of what a discriminator sees, for training on few images.

Zhao, Liu, Lin, Zhu and Han, "Differentiable Augmentation for Data-Efficient GAN
Training", 2020. https://arxiv.org/abs/2006.10738

Karras, Aittala, Hellsten, Laine, Lehtinen and Aila, "Training Generative
Adversarial Networks with Limited Data", 2020. https://arxiv.org/abs/2006.06676

With few images a discriminator learns them by heart. Here it sees each image,
real or generated, in both players' steps, only after random changes, new for
each image and each pass. Gradients flow through them to the generator, which
therefore learns the images as they are, as long as the changes can be told from
the data: those of `DiffAugment` are always on and mild; those of
`AdaptiveAugmentation` are strong, and each is on with a probability p that
follows how much the discriminator overfits.

The functions take their random numbers, the layers sample them. Both work in
float32, with static shapes, and have gradients of any order. `kerasgan.data`
has augmentations of the data themselves, which the generator learns too.

Differences from the authors' code: ADA pads all images by as much as it ever
does, instead of what the batch at hand needs, so that shapes are static.
"""

import functools
import math

import keras
import numpy as np
import tensorflow as tf

from kerasgan import checks, random, replicas

# What `diff_augment` takes: uniform in [0, 1).
DIFF_AUGMENT_NUMBERS = (
    "brightness",
    "saturation",
    "contrast",
    "shift_y",
    "shift_x",
    "cutout_y",
    "cutout_x",
)
# What `ada` takes: uniform in [0, 1), and from a unit normal. Each operation
# has a coin besides, uniform in [0, 1), by the name `<operation>_coin`.
ADA_UNIFORM = (
    "flip",
    "turn",
    "shift_x",
    "shift_y",
    "rotation_before",
    "rotation_after",
    "luma_flip",
    "hue",
)
ADA_NORMAL = (
    "scale",
    "stretch",
    "move_x",
    "move_y",
    "brightness",
    "contrast",
    "saturation",
)
ADA_OPERATIONS = (
    "flip",
    "turn",
    "shift",
    "scale",
    "rotation_before",
    "stretch",
    "rotation_after",
    "move",
    "brightness",
    "contrast",
    "luma_flip",
    "hue",
    "saturation",
)
# The lowpass of the wavelet sym6, by which ADA resamples. Its even shifts are
# orthonormal, so that an image that does not move does not change.
SYM6 = np.array(
    [
        0.015404109327027373,
        0.0034907120842174702,
        -0.11799011114819057,
        -0.048311742585633,
        0.4910559419267466,
        0.787641141030194,
        0.3379294217276218,
        -0.07263752278646252,
        -0.021060292512300564,
        0.04472490177066578,
        0.0017677118642428036,
        -0.007800708325034148,
    ]
)
# Pixels around an image that its downsampling needs.
_BORDER = len(SYM6) // 2


def diff_augment(images, numbers, policy):
    """Returns images with random colors, moved and with a square cut out.

    Args:
        images: Float tensor `(batch, height, width, channels)` in `[-1, 1]`,
            of 1 or 3 channels.
        numbers: dict of `DIFF_AUGMENT_NUMBERS` to float32 tensors `(batch,)`,
            uniform in [0, 1).
        policy: str. Names of changes, separated by commas, in their order:
            `"color"` adds -0.5 to 0.5 to all values, multiplies the distance
            of each pixel from its gray by 0 to 2, and that of all values from
            their mean by 0.5 to 1.5. `"translation"` moves by up to an eighth
            of each side, `"cutout"` erases a rectangle of half the sides whose
            center is anywhere in the image; both leave zeros, mid-gray.

    Returns:
        Float32 tensor of the same shape; colors may leave `[-1, 1]`.

    Raises:
        ValueError: If a name is unknown, or there are other channels.

    Reference:
        [Zhao et al., 2020](https://arxiv.org/abs/2006.10738), section 3, and
        the authors' code
    """
    check_channels(images.shape)
    images = tf.cast(images, "float32")
    for name in names_of(policy):
        images = _CHANGES[name](images, numbers)
    return images


def names_of(policy):
    """Returns the names in a policy.

    Args:
        policy: str. Names separated by commas.

    Raises:
        ValueError: If there is none, or one that is unknown.
    """
    names = policy.split(",") if isinstance(policy, str) else [policy]
    if not set(names) <= set(_CHANGES):
        raise ValueError(
            f"`policy` must be names of {list(_CHANGES)}, separated by commas. "
            f"Received: policy={policy!r}"
        )
    return names


def check_channels(shape):
    """Refuses images that are neither grayscale nor in color.

    Args:
        shape: Sequence, `(batch, height, width, channels)`.

    Raises:
        ValueError: If there are other channels than 1 or 3.
    """
    if len(shape) != 4 or shape[3] not in (1, 3):
        raise ValueError(
            "Images to augment must have 1 channel, or 3 of color, because "
            "colors are changed too. Received: images of shape "
            f"{tuple(shape)}"
        )


def _color(images, numbers):
    brightness, saturation, contrast = (
        numbers[name][:, None, None, None]
        for name in ("brightness", "saturation", "contrast")
    )
    images += brightness - 0.5
    gray = tf.reduce_mean(images, axis=3, keepdims=True)
    images = gray + 2.0 * saturation * (images - gray)
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + (0.5 + contrast) * (images - mean)


def _translation(images, numbers):
    down = _shifts(numbers["shift_y"], images.shape[1])
    right = _shifts(numbers["shift_x"], images.shape[2])
    return tf.einsum("boi,bpj,bijc->bopc", down, right, images)


def _shifts(numbers, size):
    """Returns matrices `(batch, size, size)` that shift, filling in zeros."""
    limit = int(size / 8 + 0.5)
    steps = tf.floor(numbers * (2 * limit + 1)) - limit
    sources = tf.range(size) - tf.cast(steps, "int32")[:, None]
    # A row whose source is outside is zero.
    return tf.one_hot(sources, size)


def _cutout(images, numbers):
    rows = _inside(numbers["cutout_y"], images.shape[1])
    columns = _inside(numbers["cutout_x"], images.shape[2])
    kept = 1.0 - rows[:, :, None] * columns[:, None, :]
    return images * kept[..., None]


def _inside(numbers, size):
    """Returns where a cut of half the size is, `(batch, size)`, as 0 and 1."""
    cut = int(size / 2 + 0.5)
    # With an even size the center is the first pixel of the second half, and
    # may lie behind the last one.
    centers = tf.floor(numbers * (size + 1 - cut % 2))
    after = tf.range(size, dtype="float32") - (centers[:, None] - cut // 2)
    return tf.cast((after >= 0) & (after < cut), "float32")


_CHANGES = {"color": _color, "translation": _translation, "cutout": _cutout}


def ada(images, numbers, p):
    """Returns images that are moved, turned, scaled and recolored at random.

    The authors' default, `bgc`: a flip, quarter turns and whole-pixel shifts
    (b); scales, rotations and shifts of any size (g); brightness, contrast,
    inverted luma, hue and saturation (c). Beyond its border an image is
    continued by its reflection.

    Args:
        images: Float tensor `(batch, height, width, channels)` in `[-1, 1]`,
            of 1 or 3 channels.
        numbers: dict of float32 tensors `(batch,)`: `ADA_UNIFORM`, uniform in
            [0, 1); `ADA_NORMAL`, from a unit normal; and of each of
            `ADA_OPERATIONS` the name and `_coin`, uniform in [0, 1).
        p: Float or float32 scalar tensor, not negative. The probability of
            each operation; above 1 all are always on.

    Returns:
        Float32 tensor of the same shape; values may leave `[-1, 1]`.

    Raises:
        ValueError: If there are other channels.

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/2006.06676), appendix B,
        and the authors' code
    """
    check_channels(images.shape)
    images = tf.cast(images, "float32")
    p = tf.convert_to_tensor(p, "float32")
    return _recolored(_moved(images, numbers, p), numbers, p)


def _chosen(numbers, operation, chance, value, otherwise):
    """Returns a value for the images whose coin is below the chance."""
    coins = numbers[f"{operation}_coin"]
    return tf.where(coins < chance, value, otherwise)


def _moved(images, numbers, p):
    height, width = images.shape[1:3]
    # From coordinates in the result to those in the image, (x, y, 1) from the
    # center. The image is flipped first, so its matrix is the last to apply.
    flip = _chosen(numbers, "flip", p, tf.floor(2.0 * numbers["flip"]), 0.0)
    turn = _chosen(numbers, "turn", p, tf.floor(4.0 * numbers["turn"]), 0.0)
    shift_x, shift_y = (
        _chosen(
            numbers,
            "shift",
            p,
            tf.round((2.0 * numbers[name] - 1.0) * 0.125 * size),
            0.0,
        )
        for name, size in (("shift_x", width), ("shift_y", height))
    )
    scale = _chosen(numbers, "scale", p, 2.0 ** (0.2 * numbers["scale"]), 1.0)
    # Then p is the probability that at least one of both is on.
    chance = 1.0 - tf.sqrt(tf.maximum(1.0 - p, 0.0))
    before, after = (
        _chosen(
            numbers,
            name,
            chance,
            math.pi * (2.0 * numbers[name] - 1.0),
            0.0,
        )
        for name in ("rotation_before", "rotation_after")
    )
    stretch = _chosen(
        numbers, "stretch", p, 2.0 ** (0.2 * numbers["stretch"]), 1.0
    )
    move_x, move_y = (
        _chosen(numbers, "move", p, 0.125 * size * numbers[name], 0.0)
        for name, size in (("move_x", width), ("move_y", height))
    )
    matrices = (
        _scaling(1.0 - 2.0 * flip, tf.ones_like(flip)),
        _rotation(0.5 * math.pi * turn),
        _translating(-shift_x, -shift_y),
        _scaling(1.0 / scale, 1.0 / scale),
        _rotation(before),
        _scaling(1.0 / stretch, stretch),
        _rotation(after),
        _translating(-move_x, -move_y),
    )
    return _resampled(images, functools.reduce(tf.matmul, matrices))


def _matrix(*rows):
    """Returns matrices `(batch, 3, 3)`; the last row is (0, 0, 1)."""
    zero = tf.zeros_like(rows[0][0])
    rows = (*rows, (zero, zero, zero + 1.0))
    return tf.stack([tf.stack(row, axis=-1) for row in rows], axis=1)


def _scaling(x, y):
    zero = tf.zeros_like(x)
    return _matrix((x, zero, zero), (zero, y, zero))


def _rotation(angle):
    zero = tf.zeros_like(angle)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    return _matrix((cosine, -sine, zero), (sine, cosine, zero))


def _translating(x, y):
    zero = tf.zeros_like(x)
    return _matrix((zero + 1.0, zero, x), (zero, zero + 1.0, y))


def _resampled(images, matrices):
    """Transforms images at twice their resolution, against aliasing.

    Args:
        images: Float32 tensor `(batch, height, width, channels)`.
        matrices: Float32 tensor `(batch, 3, 3)`, from coordinates (x, y, 1)
            in the result to those in the images, in pixels from the center.
    """
    height, width, channels = images.shape[1:]
    fine = _along_both(images, _upsampling(height), _upsampling(width))
    rows, columns = fine.shape[1:3]
    # Half a pixel: the upsampled image has its first pixel where the image
    # has it, its center not where the image has it.
    y = (np.arange(2 * (height + _BORDER)) + 1.0 - height - _BORDER) / 2.0
    x = (np.arange(2 * (width + _BORDER)) + 1.0 - width - _BORDER) / 2.0
    grid = np.stack([*np.meshgrid(x, y), np.ones((len(y), len(x)))])
    points = tf.constant(grid.reshape(3, -1), "float32")
    # [batch, 3, points]
    places = 2.0 * tf.matmul(
        matrices, tf.broadcast_to(points, (tf.shape(images)[0], *points.shape))
    )
    x = places[:, 0] + (columns / 2.0 - 1.0)
    y = places[:, 1] + (rows / 2.0 - 1.0)
    pixels = tf.reshape(fine, (-1, rows * columns, channels))
    found = 0.0
    for top in (tf.floor(y), tf.floor(y) + 1.0):
        for left in (tf.floor(x), tf.floor(x) + 1.0):
            # Bilinear, with zeros outside.
            weights = (1.0 - tf.abs(y - top)) * (1.0 - tf.abs(x - left))
            is_inside = (
                (top >= 0.0)
                & (top <= rows - 1.0)
                & (left >= 0.0)
                & (left <= columns - 1.0)
            )
            weights = tf.where(is_inside, weights, 0.0)
            top_row = tf.clip_by_value(top, 0.0, rows - 1.0)
            left_column = tf.clip_by_value(left, 0.0, columns - 1.0)
            index = tf.cast(top_row, "int32") * columns + tf.cast(
                left_column, "int32"
            )
            found += weights[..., None] * tf.gather(pixels, index, batch_dims=1)
    found = tf.reshape(found, (-1, grid.shape[1], grid.shape[2], channels))
    return _along_both(found, _downsampling(height), _downsampling(width))


def _along_both(images, vertical, horizontal):
    """Applies matrices `(outputs, inputs)` to columns and to rows."""
    images = tf.einsum("oi,bijc->bojc", vertical, images)
    return tf.einsum("pj,bojc->bopc", horizontal, images)


@functools.lru_cache(maxsize=32)
def _upsampling(size):
    """Returns the matrix that reflects at the borders and upsamples.

    Array `(6 * size - 4, size)`: the image between as much of its reflection
    as there is; then zeros between all pixels, and the filter.
    """
    sources = np.pad(np.arange(size), size - 1, mode="reflect")
    matrix = np.zeros((2 * len(sources), size), "float32")
    for place, source in enumerate(sources):
        for tap, weight in enumerate(SYM6):
            row = 2 * place + tap - (_BORDER - 1)
            if 0 <= row < len(matrix):
                matrix[row, source] += math.sqrt(2.0) * weight
    return matrix


@functools.lru_cache(maxsize=32)
def _downsampling(size):
    """Returns the matrix that filters, takes every second pixel and crops.

    Array `(size, 2 * (size + 6))`: the inverse of upsampling for an image that
    has not moved.
    """
    matrix = np.zeros((size, 2 * (size + _BORDER)), "float32")
    for row in range(size):
        first = 2 * row + 1
        matrix[row, first : first + len(SYM6)] = SYM6 / math.sqrt(2.0)
    return matrix


def _recolored(images, numbers, p):
    """Changes the luma, the mean of the channels, and the rest of a color."""

    def chosen(operation, value, otherwise):
        found = _chosen(numbers, operation, p, value, otherwise)
        return found[:, None, None, None]

    brightness = chosen("brightness", 0.2 * numbers["brightness"], 0.0)
    contrast = chosen("contrast", 2.0 ** (0.5 * numbers["contrast"]), 1.0)
    flip = chosen("luma_flip", tf.floor(2.0 * numbers["luma_flip"]), 0.0)
    hue = chosen("hue", math.pi * (2.0 * numbers["hue"] - 1.0), 0.0)
    saturation = chosen("saturation", 2.0 ** numbers["saturation"], 1.0)

    luma = tf.reduce_mean(images, axis=3, keepdims=True)
    chroma = images - luma
    # The product of the axis of gray, (1, 1, 1) / sqrt(3), and the chroma.
    aside = tf.roll(chroma, 1, axis=3) - tf.roll(chroma, -1, axis=3)
    turned = tf.cos(hue) * chroma + tf.sin(hue) * aside / math.sqrt(3.0)
    luma = (1.0 - 2.0 * flip) * (luma + brightness)
    return contrast * (luma + saturation * turned)


class Augmentation(random.Seeded, keras.layers.Layer):
    """Base class of what a model takes as `augment`.

    A subclass overrides `augmented` and, if it adapts, `observe`. It belongs
    to one model, which builds it.

    Args:
        seed: int or `None`. Seed of the random numbers. Defaults to `None`, a
            random one.
        **kwargs: See `keras.layers.Layer`: `name`.

    Call arguments:
        images: Float tensor `(batch, height, width, channels)` in `[-1, 1]`,
            of 1 or 3 channels.
        training: bool. Whether images are changed. Defaults to `False`.

    Returns:
        Float32 tensor of the same shape.

    Raises:
        ValueError: If there are other channels.
    """

    def __init__(self, seed=None, **kwargs):
        # Float32 also under mixed precision, like the input images.
        super().__init__(dtype="float32", trainable=False, **kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        check_channels(input_shape)

    def call(self, images, training=False):
        return self.augmented(images) if training else images

    def augmented(self, images):
        """Returns the images of a training step, changed."""
        raise NotImplementedError

    def observe(self, scores):
        """Adapts to the discriminator, after each of its steps.

        Args:
            scores: Float tensor, the raw scores of real images, positive for
                those that it takes for real.
        """

    def get_config(self):
        config = super().get_config()
        del config["dtype"], config["trainable"]
        return {**config, "seed": self.seed}


@keras.saving.register_keras_serializable(package="kerasgan")
class DiffAugment(Augmentation):
    """Mild augmentation that is always on; see `diff_augment`.

    Args:
        policy: str. Some of `"color"`, `"translation"` and `"cutout"`, in their
            order, separated by commas. The authors take all for a few hundred
            images; `"translation,cutout"` for BigGAN, and `"color,cutout"` for
            StyleGAN2, on all of CIFAR-10. Defaults to
            `"color,translation,cutout"`.
        seed: int or `None`. Seed of the random numbers. Defaults to `None`, a
            random one.
        **kwargs: See `keras.layers.Layer`: `name`.

    Call arguments:
        images: See `Augmentation`.
        training: See `Augmentation`.

    Returns:
        See `Augmentation`.

    Raises:
        ValueError: If a name is unknown, or there are other channels.

    Example:
    ```python
    gan = DCGAN(image_size=32, augment=DiffAugment(seed=0))
    gan.compile()
    gan.fit(data.images("faces/", size=32, batch_size=32), epochs=1000)
    ```

    Reference:
        [Zhao et al., 2020](https://arxiv.org/abs/2006.10738)
    """

    def __init__(self, policy="color,translation,cutout", seed=None, **kwargs):
        names_of(policy)
        super().__init__(seed=seed, **kwargs)
        self.policy = policy

    def augmented(self, images):
        names = DIFF_AUGMENT_NUMBERS
        shape = (tf.shape(images)[0], len(names))
        uniform = random.uniform(self.seed_generator, shape)
        numbers = dict(zip(names, tf.unstack(uniform, axis=1), strict=True))
        return diff_augment(images, numbers, self.policy)

    def get_config(self):
        return {**super().get_config(), "policy": self.policy}


@keras.saving.register_keras_serializable(package="kerasgan")
class AdaptiveAugmentation(Augmentation):
    """Strong augmentation, as often as the discriminator overfits; see `ada`.

    A discriminator that has learned the real images by heart gives almost all
    of them a positive score. The mean sign of these scores is compared with
    `target` after every `interval` discriminator steps, and p, the probability
    of each change, takes a step up or down. p starts at 0 and never falls
    below. It is saved with the model.

    The score of a critic (`WGANGP`, `ProGAN`) has no zero that separates real
    from fake, and so its sign says nothing about overfitting: there
    `DiffAugment` is the better choice.

    Args:
        target: float. The mean sign at which p stays as it is. Defaults to
            `0.6`.
        kimg: float. Thousands of real images after which p has moved by 1, if
            always in one direction. The authors take 100 for fine-tuning.
            Defaults to `500`.
        interval: int. Discriminator steps from one change of p to the next.
            Defaults to `4`.
        seed: int or `None`. Seed of the random numbers. Defaults to `None`, a
            random one.
        **kwargs: See `keras.layers.Layer`: `name`.

    Call arguments:
        images: See `Augmentation`.
        training: See `Augmentation`.

    Returns:
        See `Augmentation`.

    Raises:
        ValueError: If an argument is invalid, or there are other channels.

    Example:
    ```python
    gan = StyleGAN2.auto(64, augment=AdaptiveAugmentation(seed=0))
    gan.compile()
    gan.fit(data.images("faces/", size=64, batch_size=32), epochs=1000)
    gan.augment.p.numpy()  # How often each change is made now.
    ```

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/2006.06676), section 3.1
    """

    def __init__(self, target=0.6, kimg=500, interval=4, seed=None, **kwargs):
        checks.fraction(target=target)
        checks.weight(kimg=kimg)
        if kimg == 0:
            raise ValueError(
                "`kimg` must be positive, because p moves by the number of "
                f"images divided by it. Received: kimg={kimg!r}"
            )
        checks.positive(interval=interval)
        super().__init__(seed=seed, **kwargs)
        self.target = target
        self.kimg = kimg
        self.interval = interval

    def build(self, input_shape):
        super().build(input_shape)

        def variable(name):
            return self.add_weight(
                name=name,
                shape=(),
                initializer="zeros",
                trainable=False,
                aggregation="only_first_replica",
            )

        self.p = variable("p")
        # Since p was last changed: on all replicas.
        self.sign_sum = variable("sign_sum")
        self.images = variable("images")
        self.steps = variable("steps")

    def augmented(self, images):
        count = tf.shape(images)[0]
        coins = [f"{name}_coin" for name in ADA_OPERATIONS]
        names = (*ADA_UNIFORM, *coins)
        uniform = random.uniform(self.seed_generator, (count, len(names)))
        normal = random.normal(self.seed_generator, (count, len(ADA_NORMAL)))
        values = [*tf.unstack(uniform, axis=1), *tf.unstack(normal, axis=1)]
        numbers = dict(zip((*names, *ADA_NORMAL), values, strict=True))
        return ada(images, numbers, self.p.value)

    def observe(self, scores):
        signs = tf.reduce_sum(tf.sign(tf.cast(scores, "float32")))
        count = tf.cast(tf.size(scores), "float32")
        signs, count = replicas.total([signs, count])
        signs += self.sign_sum.value
        count += self.images.value
        steps = self.steps.value + 1.0
        direction = tf.sign(signs / count - self.target)
        moved = self.p.value + direction * count / (1000.0 * self.kimg)
        is_due = steps >= self.interval
        self.p.assign(tf.where(is_due, tf.maximum(moved, 0.0), self.p.value))
        for variable, value in (
            (self.sign_sum, signs),
            (self.images, count),
            (self.steps, steps),
        ):
            variable.assign(tf.where(is_due, 0.0, value))

    def get_config(self):
        return {
            **super().get_config(),
            "target": self.target,
            "kimg": self.kimg,
            "interval": self.interval,
        }
