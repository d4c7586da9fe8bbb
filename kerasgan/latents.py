"""Exploring latents: interpolation, arithmetic, truncation, style mixing.

Functions of arrays return arrays, for `gan.run_in_batches`; functions of a
model return uint8 images.
"""

import numpy as np
import tensorflow as tf

from kerasgan import checks, data
from kerasgan.models import (
    ClassGAN,
    LatentGAN,
    StyledGAN,
    VectorGAN,
)

# The resolutions at which a style acts on pose and shape, on features, and
# on colors and details: Karras et al., 2019, section 3.1.
STYLES = {"coarse": (4, 8), "middle": (16, 32), "fine": (64, 1024)}


def lerp(start, end, steps):
    """Returns points on the straight line from one array to another.

    Suitable for w and for sentence vectors. Between two normal latents, the
    middle of the line has an untypically small norm: use `slerp`.

    Args:
        start: Float array of any shape.
        end: Float array of the same shape.
        steps: int. Number of points, including both ends; at least 2.

    Returns:
        float32 array `(steps, ...)`.

    Raises:
        ValueError: If the shapes differ, or `steps` is less than 2.
    """
    start, end = _ends(start, end, steps)
    return np.stack(
        [(1.0 - t) * start + t * end for t in np.linspace(0.0, 1.0, steps)]
    ).astype("float32")


def slerp(start, end, steps):
    """Returns points on the arc from one latent to another.

    Angle and norm change linearly, so that for latents from a unit normal all
    points have typical norms.

    Args:
        start: Float array `(..., latent_dim)`, none of them zero.
        end: Float array of the same shape, nowhere opposite to `start`.
        steps: int. Number of points, including both ends; at least 2.

    Returns:
        float32 array `(steps, ..., latent_dim)`.

    Raises:
        ValueError: If the shapes differ, `steps` is less than 2, or latents
            are zero or opposite.

    Reference:
        [White, 2016](https://arxiv.org/abs/1609.04468), section 2.1.
    """
    start, end = _ends(start, end, steps)
    between = _arc(start, end)
    return np.stack(
        [between(share) for share in np.linspace(0.0, 1.0, steps)]
    ).astype("float32")


def on_line(start, end, share):
    """Returns a point on each of several straight lines.

    Args:
        start: Float array `(count, ...)`.
        end: Float array of the same shape.
        share: Float array `(count,)`, 0 at the start and 1 at the end.

    Returns:
        float64 array of the shape of `start`.

    Raises:
        ValueError: If the shapes differ.
    """
    start, end = _ends(start, end, 2)
    share = np.reshape(share, (-1,) + (1,) * (start.ndim - 1))
    return start + share * (end - start)


def on_arc(start, end, share):
    """Returns a point on each of several arcs; see `slerp`.

    Args:
        start: Float array `(count, latent_dim)`, none of them zero.
        end: Float array of the same shape, none of them opposite.
        share: Float array `(count,)`, 0 at the start and 1 at the end.

    Returns:
        float64 array of the shape of `start`.

    Raises:
        ValueError: If the shapes differ, or latents are zero or opposite.
    """
    start, end = _ends(start, end, 2)
    return _arc(start, end)(np.reshape(share, (-1, 1)))


def _arc(start, end):
    """Returns the function from a share of the way to points on arcs."""
    lengths = [np.linalg.norm(x, axis=-1, keepdims=True) for x in (start, end)]
    if min(length.min() for length in lengths) == 0.0:
        raise ValueError(
            "`slerp` interpolates directions, and a zero vector has none. "
            "Received: a latent of zeros."
        )
    directions = [start / lengths[0], end / lengths[1]]
    cosine = (directions[0] * directions[1]).sum(axis=-1, keepdims=True)
    if cosine.min() < -1.0 + 1e-9:
        raise ValueError(
            "`slerp` needs latents that are not opposite, because between "
            "those the arc is not unique. Received: opposite latents. "
            "Interpolate via a third one."
        )
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))

    def between(share):
        length = (1.0 - share) * lengths[0] + share * lengths[1]
        # sin(t * angle) / sin(angle), with its limit for the angle 0.
        first, second = (
            s * np.sinc(s * angle / np.pi) / np.sinc(angle / np.pi)
            for s in (1.0 - share, share)
        )
        return length * (first * directions[0] + second * directions[1])

    return between


def generate_seeds(
    gan, seeds, labels=None, captions=None, truncation=None, batch_size=64
):
    """Returns the first image of each seed, as `generate(1, seed)` gives it.

    Args:
        gan: A `LatentGAN`.
        seeds: Sequence of ints.
        labels: Sequence of classes, one for each image, or `None`. Only of a
            model with classes, where `None` samples one for each seed.
        captions: Sequence of str, one for each image, of a model that takes
            captions; else `None`.
        truncation: float in [-1, 1] or `None`. Defaults to `None`, none.
        batch_size: int. How many to make at once. Defaults to `64`.

    Returns:
        uint8 array `(len(seeds), height, width, channels)`.

    Raises:
        TypeError: If the model has no latents.
        ValueError: If an argument makes no sense.
    """
    latents = seeded(gan, seeds)
    condition = condition_of(gan, seeds, labels, captions)
    if truncation is not None:
        gan.check_truncation(truncation)
        truncation = tf.fill((len(seeds),), float(truncation))
    inputs = gan.inputs(latents, condition, truncation)
    return gan.run_in_batches(inputs, batch_size)


def interpolate(
    gan,
    seeds,
    steps,
    labels=None,
    captions=None,
    truncation=None,
    closed=True,
    batch_size=64,
):
    """Returns images on a path through the images of seeds.

    Args:
        gan: A `LatentGAN`.
        seeds: Sequence of ints, the corners of the path; at least two. With
            several captions exactly one: the latents stay, and the path goes
            through the sentences.
        steps: int. Images from each corner to the next.
        labels: Sequence of one class, that of all images, for a model with
            classes; else `None`.
        captions: Sequence of str for a model that takes captions; else
            `None`.
        truncation: float in [-1, 1] or `None`. Defaults to `None`, none.
        closed: bool. Whether the path returns to its first corner, whose
            image is not repeated at the end. Defaults to `True`.
        batch_size: int. How many to make at once. Defaults to `64`.

    Returns:
        uint8 array `(n, height, width, channels)`.

    Raises:
        TypeError: If the model has no latents.
        ValueError: If there are too few corners, or an argument makes no
            sense.

    Example:
    ```python
    gan = zoo.load("stylegan_personas_64")
    frames = latents.interpolate(gan, [1, 2, 3], steps=30)
    animations.write("faces.webp", frames)
    ```
    """
    corners = seeded(gan, seeds).numpy()
    condition = None
    if isinstance(gan, VectorGAN) and captions and len(captions) > 1:
        if len(seeds) != 1:
            raise ValueError(
                "A path through captions has one seed, whose latents stay. "
                f"Received: {len(seeds)} seeds, {len(captions)} captions"
            )
        condition = _path(gan.encode(captions), steps, lerp, closed)
        points = np.repeat(corners, len(condition), axis=0)
    else:
        if isinstance(gan, ClassGAN) and labels is None:
            raise ValueError(
                "A path has one class, that of all its images. Received: none"
            )
        points = _path(corners, steps, slerp, closed)
        one = condition_of(gan, seeds[:1], labels, captions)
        if one is not None:
            condition = tf.repeat(one, len(points), axis=0)
    if truncation is not None:
        gan.check_truncation(truncation)
        truncation = tf.fill((len(points),), float(truncation))
    inputs = gan.inputs(tf.constant(points), condition, truncation)
    return gan.run_in_batches(inputs, batch_size)


def path(points, steps, between=slerp):
    """Returns a path that visits several points in turn.

    Args:
        points: Float array `(n, ...)`, at least two points.
        steps: int. Number of points from each one to the next, without the
            latter.
        between: `slerp` or `lerp`. Defaults to `slerp`.

    Returns:
        float32 array `((n - 1) * steps + 1, ...)`.

    Raises:
        ValueError: If there are fewer than two points, or `steps` is not
            positive.

    Example:
    ```python
    corners = gan.seeded_latents(seed=0, count=4)
    frames = gan.run_in_batches(latents.path(corners, steps=30), 64)
    ```
    """
    checks.positive(steps=steps)
    points = np.asarray(points, "float64")
    if len(points) < 2:
        raise ValueError(
            "A path needs at least two points. "
            f"Received: points of shape {points.shape}"
        )
    parts = [
        between(start, end, steps + 1)[:-1]
        for start, end in zip(points[:-1], points[1:], strict=True)
    ]
    return np.concatenate([*parts, points[-1:].astype("float32")])


def direction(with_it, without_it):
    """Returns the direction that adds a property to latents.

    Args:
        with_it: Float array `(n, ...)`, latents of images that have the
            property.
        without_it: Float array `(m, ...)`, of images that do not.

    Returns:
        float32 array `(...)`: the difference of the means. Added to other
        latents it adds the property to their images.

    Raises:
        ValueError: If there are no latents, or their shapes differ.

    Example:
    ```python
    glasses = latents.direction(faces_with_glasses, faces_without)
    images = gan.run_in_batches(others + glasses, 64)
    ```

    Reference:
        [Radford et al., 2015](https://arxiv.org/abs/1511.06434), section 6.3.2,
        where three images on each side are enough.
    """
    with_it = np.asarray(with_it, "float64")
    without_it = np.asarray(without_it, "float64")
    if (
        min(with_it.ndim, without_it.ndim) < 2
        or min(len(with_it), len(without_it)) == 0
        or with_it.shape[1:] != without_it.shape[1:]
    ):
        raise ValueError(
            "A direction needs latents on both sides, `(n, latent_dim)` and "
            "`(m, latent_dim)`. Received: shapes "
            f"{with_it.shape} and {without_it.shape}"
        )
    return (with_it.mean(axis=0) - without_it.mean(axis=0)).astype("float32")


def truncation_row(gan, seed, truncations, n=1, batch_size=64):
    """Returns the same images at several strengths of truncation.

    Args:
        gan: A `StyleGAN` or `StyleGAN2` without classes.
        seed: int. Seed of the images.
        truncations: Sequence of floats in [-1, 1]; the paper shows 1, 0.7,
            0.5, 0, -0.5, -1.
        n: int. Number of images. Defaults to `1`.
        batch_size: int. How many to generate at once. Defaults to `64`.

    Returns:
        uint8 array `(n, len(truncations), height, width, channels)`.

    Raises:
        TypeError: If the model has no styles.
        ValueError: If another argument is invalid.

    Reference:
        [Karras et al., 2019](https://arxiv.org/abs/1812.04948), figure 8.
    """
    _check_styles(gan)
    for truncation in truncations:
        gan.check_truncation(truncation)
    columns = [
        gan.generate(n, seed, batch_size, truncation)
        for truncation in truncations
    ]
    return np.stack(columns, axis=1)


def mix_styles(gan, seeds, other_seeds, which="coarse", truncation=None):
    """Returns images with some of their layers' styles from other images.

    Args:
        gan: A `StyleGAN` or `StyleGAN2` without classes.
        seeds: Sequence of ints, one for each row: the images that are
            changed.
        other_seeds: Sequence of ints, one for each column: the sources of the
            styles.
        which: `"coarse"` (resolutions 4 and 8), `"middle"` (16 and 32),
            `"fine"` (from 64), or a pair of the first and last resolution
            whose styles are replaced. Defaults to `"coarse"`.
        truncation: float in [-1, 1] or `None`. Defaults to `None`, none.

    Returns:
        uint8 array `(len(seeds), len(other_seeds), height, width, channels)`.

    Raises:
        TypeError: If the model has no styles.
        ValueError: If the model has no layers of these resolutions, or
            another argument is invalid.

    Reference:
        [Karras et al., 2019](https://arxiv.org/abs/1812.04948), figure 3.
    """
    _check_styles(gan)
    replaced = chosen_styles(gan, which)
    rows = _styles(gan, seeds, truncation)
    columns = _styles(gan, other_seeds, truncation)
    images = []
    for row in rows:
        mixed = np.where(replaced[None, :, None], columns, row[None])
        images.append(data.to_uint8(gan.from_styles(tf.constant(mixed))))
    return np.stack(images)


def chosen_styles(gan, which):
    """Returns which of a model's styles act at some resolutions.

    Args:
        gan: A `StyledGAN`.
        which: See `mix_styles`; or `None` for all.

    Returns:
        bool array `(layers,)`.

    Raises:
        ValueError: If the model has no layers of these resolutions.
    """
    resolutions = np.array(gan.average_generator.synthesis.style_resolutions)
    if which is None:
        return resolutions > 0
    if isinstance(which, str) and which not in STYLES:
        raise ValueError(
            f"`which` must be one of {', '.join(STYLES)}, or a pair of "
            f"resolutions. Received: which={which!r}"
        )
    first, last = STYLES[which] if isinstance(which, str) else which
    chosen = (resolutions >= first) & (resolutions <= last)
    if not chosen.any():
        raise ValueError(
            "`which` must include a resolution of this model, from 4 to "
            f"{gan.image_size}. Received: which={which!r}, that is {first} to "
            f"{last}"
        )
    return chosen


def between_sentences(gan, start, end, steps, seed=None, batch_size=64):
    """Returns images of interpolations between two sentences.

    All have the same latents, so that only the text changes.

    Args:
        gan: A `VectorGAN`.
        start: str, or float array `(sentence_dim,)`.
        end: Like `start`.
        steps: int. Number of images, including both ends; at least 2.
        seed: int or `None`. Seed of the latents. Defaults to a random seed.
        batch_size: int. How many to generate at once. Defaults to `64`.

    Returns:
        uint8 array `(steps, height, width, channels)`.

    Raises:
        TypeError: If the model does not take sentences.
        ValueError: If the model has no text encoder and is given strings, or
            another argument is invalid.

    Reference:
        [Reed et al., 2016](https://arxiv.org/abs/1605.05396), section 5.4.
    """
    if not isinstance(gan, VectorGAN):
        raise TypeError(
            "Interpolating sentences needs a model that takes sentences. "
            f"Received: {type(gan).__name__}"
        )
    ends = [
        gan.encode([end])[0] if isinstance(end, str) else end
        for end in (start, end)
    ]
    vectors = lerp(*ends, steps)
    gan.check_vectors(vectors)
    latents = tf.repeat(
        gan.seeded_latents(checks.as_seed(seed), 1), steps, axis=0
    )
    return gan.run_in_batches((latents, vectors), batch_size)


def seeded(gan, seeds):
    """Returns the first latents of each seed.

    Args:
        gan: A `LatentGAN`.
        seeds: Sequence of ints.

    Returns:
        Float32 tensor `(len(seeds), latent_dim)`.

    Raises:
        TypeError: If the model has no latents.
        ValueError: If there are no seeds.
    """
    if not isinstance(gan, LatentGAN):
        raise TypeError(
            "Only a model that generates images from latents has seeds. "
            f"Received: {type(gan).__name__}"
        )
    if len(seeds) == 0:
        raise ValueError("There must be at least one seed. Received: none")
    return tf.concat(
        [gan.seeded_latents(checks.as_seed(seed), 1) for seed in seeds], axis=0
    )


def condition_of(gan, seeds, labels=None, captions=None):
    """Returns the condition of each image as networks take it.

    Args:
        gan: A `LatentGAN`.
        seeds: Sequence of ints, one for each image.
        labels: See `generate_seeds`.
        captions: See `generate_seeds`.

    Returns:
        Tensor with a row for each image, or `None`.

    Raises:
        ValueError: If there are not as many.
    """
    if isinstance(gan, VectorGAN):
        condition = gan.encode(captions)
    elif isinstance(gan, ClassGAN) and labels is not None:
        condition = tf.constant(gan.class_numbers(labels))
    else:
        drawn = [gan.sample_condition(checks.as_seed(s), 1) for s in seeds]
        condition = None if drawn[0] is None else tf.concat(drawn, axis=0)
    if condition is not None and len(condition) != len(seeds):
        raise ValueError(
            "There must be a class or caption for each image. "
            f"Received: {len(condition)} for {len(seeds)} images"
        )
    return condition


def _path(points, steps, between, closed):
    if len(points) < 2:
        raise ValueError(
            f"A path needs at least two corners. Received: {len(points)}"
        )
    if not closed:
        return path(points, steps, between)
    points = np.concatenate([points, points[:1]])
    return path(points, steps, between)[:-1]


def _ends(start, end, steps):
    start, end = np.asarray(start, "float64"), np.asarray(end, "float64")
    if start.shape != end.shape:
        raise ValueError(
            "Both ends must have the same shape. "
            f"Received: {start.shape} and {end.shape}"
        )
    checks.positive(steps=steps)
    if steps < 2:
        raise ValueError(
            "`steps` must be at least 2, because both ends are included. "
            f"Received: steps={steps}"
        )
    return start, end


def _check_styles(gan):
    if not isinstance(gan, StyledGAN):
        raise TypeError(
            f"Only a StyleGAN has styles. Received: {type(gan).__name__}"
        )
    if isinstance(gan, ClassGAN):
        raise ValueError(
            "The model must have no classes, because a seed does not "
            f"determine a class. Received: num_classes={gan.num_classes}"
        )


def _styles(gan, seeds, truncation):
    """Returns the styles `(n, layers, w_dim)` of the first image of seeds."""
    latents = seeded(gan, seeds)
    if truncation is not None:
        gan.check_truncation(truncation)
        truncation = tf.fill((len(seeds),), float(truncation))
    return np.asarray(gan.styles(latents, truncation=truncation), "float32")
