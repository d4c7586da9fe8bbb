"""Perceptual path length: how smoothly images follow their latents.

Karras, Laine and Aila, "A Style-Based Generator Architecture for Generative
Adversarial Networks", 2019. https://arxiv.org/abs/1812.04948, section 4.1

A path through the latent space is divided into short segments, and the
perceptual distance of the images at both ends of a segment, by the square of
its length, is averaged. Few sudden changes between two images make it short.
StyleGAN2 reports it at the ends of paths in w (Karras et al., 2020,
https://arxiv.org/abs/1912.04958, section 3); the authors leave out the shortest
and the longest percent.

Values depend on the distance. The papers' is LPIPS, on the features of VGG-16;
with another distance the name of the score says which.
"""

import numpy as np
import tensorflow as tf

from kerasgan import checks
from kerasgan.latents import on_arc, on_line
from kerasgan.models import LatentGAN, StyledGAN

EPSILON = 1e-4


def perceptual_path_length(
    sample,
    images_of,
    distance,
    count=10_000,
    *,
    space="w",
    sampling="end",
    epsilon=EPSILON,
    trim=True,
    batch_size=32,
    seed=0,
    progress=None,
):
    """Returns the perceptual path length of a generator.

    Args:
        sample: Callable `sample(count, seed)` to a pair: float array of points
            `(count, ...)`, z or w, and a condition with a row for each, or
            `None`. Called twice for each batch; the condition of the first
            points is that of both.
        images_of: Callable from points and condition to float images
            `(count, height, width, channels)` in `[-1, 1]`.
        distance: Callable from two batches of images to a float tensor
            `(count,)`, such as `PerceptualDistance`.
        count: int. Number of segments. Defaults to `10000`.
        space: `"z"`, where paths are arcs, or `"w"`, where they are straight.
            Defaults to `"w"`.
        sampling: `"full"`, segments anywhere on a path, or `"end"`, at its
            start. Defaults to `"end"`.
        epsilon: float. Length of a segment, as a fraction of the path.
            Defaults to `1e-4`.
        trim: bool. Whether the shortest and the longest percent are left out.
            Defaults to `True`.
        batch_size: int. Segments at once. Defaults to `32`.
        seed: int. Of the places on the paths; batch `i` has points of the
            seeds `2 * (seed + i)` and that plus 1. Defaults to `0`.
        progress: Callable `progress(done, total)` or `None`. Defaults to
            `None`.

    Returns:
        float.

    Raises:
        ValueError: If an argument is invalid.

    Reference:
        [Karras et al., 2019](https://arxiv.org/abs/1812.04948), section 4.1,
        equations 2 and 3.
    """
    checks.one_of(("z", "w"), space=space)
    checks.one_of(("full", "end"), sampling=sampling)
    checks.positive(count=count, batch_size=batch_size)
    if not 0.0 < epsilon < 1.0:
        raise ValueError(
            "`epsilon` must be between 0 and 1: it is the fraction of a path "
            f"that a segment takes. Received: epsilon={epsilon!r}"
        )
    random = np.random.default_rng(seed)
    between = on_arc if space == "z" else on_line
    lengths = []
    for batch, first in enumerate(range(0, count, batch_size)):
        rows = min(batch_size, count - first)
        start, condition = sample(rows, 2 * (seed + batch))
        end, _ = sample(rows, 2 * (seed + batch) + 1)
        place = random.uniform(size=rows) * (sampling == "full")
        ends = [
            images_of(
                between(start, end, place + step).astype("float32"), condition
            )
            for step in (0.0, epsilon)
        ]
        found = np.asarray(distance(*ends), "float64") / epsilon**2
        lengths.append(found)
        if progress is not None:
            progress(first + rows, count)
    lengths = np.concatenate(lengths)
    return float(np.mean(trimmed(lengths) if trim else lengths))


def trimmed(lengths):
    """Returns lengths without those beyond the 1st and 99th percentiles.

    Args:
        lengths: Float array `(count,)`.
    """
    low = np.percentile(lengths, 1, method="lower")
    high = np.percentile(lengths, 99, method="higher")
    return lengths[(lengths >= low) & (lengths <= high)]


def path_length_of(
    gan, distance, count=10_000, *, space="w", sampling="end", **options
):
    """Returns the perceptual path length of a model.

    Args:
        gan: A `LatentGAN`; for `space="w"` a `StyledGAN`. Classes and other
            conditions are sampled, the same at both ends of a path.
        distance: See `perceptual_path_length`.
        count: See `perceptual_path_length`.
        space: See `perceptual_path_length`.
        sampling: See `perceptual_path_length`.
        **options: See `perceptual_path_length`.

    Returns:
        float.

    Raises:
        TypeError: If the model has no latents, or for `"w"` no styles.
        ValueError: If its condition cannot be sampled, or an argument is
            invalid.

    Example:
    ```python
    gan = zoo.load("stylegan_personas_64")
    distance = metrics.PerceptualDistance(zoo.features("personas"))
    metrics.path_length_of(gan, distance, count=1000)
    ```
    """
    kind = StyledGAN if space == "w" else LatentGAN
    if not isinstance(gan, kind):
        what = "styles (w)" if space == "w" else "latents"
        raise TypeError(
            f"The path length in {space} needs a model with {what}. "
            f"Received: {type(gan).__name__}"
        )

    def sample(rows, seed):
        seed = checks.as_seed(seed)
        latents = gan.seeded_latents(seed, rows)
        condition = gan.sample_condition(seed, rows)
        if condition is None and gan.condition_spec is not None:
            raise ValueError(
                "The condition of this model cannot be sampled, so it has no "
                f"path length. Received: a {type(gan).__name__}"
            )
        if space == "z":
            return latents.numpy(), condition
        inputs = gan.inputs(latents, condition)
        return gan.styles(**inputs).numpy(), condition

    @tf.function(reduce_retracing=True)
    def images_of(points, condition):
        if space == "w":
            return gan.from_styles(points)
        return gan(gan.inputs(points, condition))

    return perceptual_path_length(
        sample,
        images_of,
        distance,
        count,
        space=space,
        sampling=sampling,
        **options,
    )
