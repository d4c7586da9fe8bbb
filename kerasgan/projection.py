"""Projection: latents whose image looks like a given one.

Karras, Laine, Aittala, Hellsten, Lehtinen and Aila, "Analyzing and Improving
the Image Quality of StyleGAN", 2020. https://arxiv.org/abs/1912.04958, section
5 and appendix D: gradient descent on a perceptual distance, with noise on w
that falls to zero, and a learning rate that rises and falls.

Abdal, Qin and Wonka, "Image2StyleGAN", 2019. https://arxiv.org/abs/1904.03189:
another w for each layer (W+), and the squared difference of pixels beside the
perceptual distance.

Differences: several starts are optimized together, the best ones of a random
sample; the noise images of StyleGAN stay as they are, so that the model itself
generates the result from the latents.
"""

import dataclasses
import math

import keras
import numpy as np
import tensorflow as tf

from kerasgan import checks, data
from kerasgan.metrics.perceptual import pixel_distance
from kerasgan.models import ClassGAN, LatentGAN, StyledGAN, VectorGAN
from kerasgan.optimizers import Adam

SPACES = ("z", "w", "w+")
# Latents of which the best are starts, and whose range the search keeps in.
CANDIDATES = 256
# Shares of the steps in which the learning rate rises and falls, and in which w
# has noise, of this fraction of its standard deviation at first (appendix D).
RISE, FALL, NOISY, NOISE = 0.05, 0.25, 0.75, 0.05


@dataclasses.dataclass(frozen=True)
class Projection:
    """What `project` found.

    Attributes:
        space: str. `"z"`, `"w"` or `"w+"`.
        points: float32 array: `(1, latent_dim)` latents, or
            `(1, layers, style_dim)` styles.
        condition: Array `(1, ...)` of the label, sentence vector or codes as
            the networks take them, or `None`.
        image: uint8 array `(height, width, channels)`, of these points.
        frames: uint8 array `(n, height, width, channels)`, the search.
        distances: float32 array `(steps,)`, what was minimized.
    """

    space: str
    points: np.ndarray
    condition: np.ndarray | None
    image: np.ndarray
    frames: np.ndarray
    distances: np.ndarray

    def save(self, path):
        """Writes an `.npz` file of the points.

        It holds `latents` or `styles`, the condition if there is one, the
        name of the space, and the distances.

        Args:
            path: str or path.

        Example:
        ```python
        styles = np.load("face.npz")["styles"]
        images = gan.from_styles(styles)  # float32, in [-1, 1]
        ```
        """
        name = "latents" if self.space == "z" else "styles"
        arrays = {name: self.points, "space": self.space}
        if self.condition is not None:
            arrays["condition"] = self.condition
        np.savez(path, **arrays, distances=self.distances)


def project(
    gan,
    image,
    distance,
    space=None,
    steps=300,
    learning_rate=0.1,
    labels=None,
    captions=None,
    starts=4,
    pixel_weight=1.0,
    seed=0,
    frames=60,
    progress=None,
):
    """Searches latents whose image is like a given one.

    Args:
        gan: A `LatentGAN`.
        image: uint8 array `(height, width, channels)`, of the model's shape.
        distance: Callable from float images `(n, height, width, channels)` in
            `[-1, 1]` and one image `(1, height, width, channels)` to a float
            tensor `(n,)`, such as `kerasgan.metrics.PerceptualDistance`.
        space: str. `"z"`, the latents; of models with styles `"w"`, one style
            for all layers, or `"w+"`, one for each, which comes nearer to any
            image but need not look like one of the model's when it is
            changed. Defaults to `"w"` where there is one.
        steps: int. Of the search; for `"w+"` the first half of them in w.
            Defaults to `300`.
        learning_rate: float. At most, of Adam. Defaults to `0.1`.
        labels: Sequence of one class, or `None`, for a model with classes.
            Defaults to `None`: that of the best start.
        captions: Sequence of one caption, for a model that takes captions.
            Defaults to `None`.
        starts: int. How many points are optimized, the best ones of a random
            sample; the best one of all is returned. Defaults to `4`.
        pixel_weight: float. Weight of the mean squared difference of pixels
            in `[-1, 1]`, added to the distance. Defaults to `1.0`.
        seed: int. Of all random numbers. Defaults to `0`.
        frames: int. Images of the search, at most. Defaults to `60`.
        progress: Callable `progress(done, steps)` or `None`. Defaults to
            `None`.

    Returns:
        `Projection`.

    Raises:
        TypeError: If the model has no latents, or no styles for w.
        ValueError: If an argument is invalid, or the image is not of the
            model's shape.

    Example:
    ```python
    gan = zoo.load("stylegan_personas_64")
    distance = metrics.PerceptualDistance(zoo.features("personas"))
    found = projection.project(gan, face, distance, space="w+")
    data.save_png("found.png", found.image)
    ```

    Reference:
        [Karras et al., 2020](https://arxiv.org/abs/1912.04958), appendix D;
        [Abdal et al., 2019](https://arxiv.org/abs/1904.03189), section 4.
    """
    space = _space_of(gan, space)
    checks.positive(steps=steps, starts=starts, frames=frames)
    checks.weight(learning_rate=learning_rate, pixel_weight=pixel_weight)
    if np.shape(image) != gan.image_shape or np.asarray(image).dtype != "uint8":
        raise ValueError(
            "The image must be of the model's shape, uint8 "
            f"{gan.image_shape}. Received: {np.asarray(image).dtype} "
            f"{np.shape(image)}"
        )
    target = data.to_float(tf.constant(image)[None])

    @tf.function
    def compare(points, condition):
        images = _images(gan, space, points, condition)
        pixels = pixel_distance(images, target)
        return images, distance(images, target) + pixel_weight * pixels

    points, condition, layers = _sampled(gan, space, labels, captions, seed)
    # Latents stay in the range of samples; w has noise, as a fraction of the
    # norm of its standard deviation.
    limits = (points.min(), points.max()) if space == "z" else None
    spread = np.sqrt(((points - points.mean(0)) ** 2).sum(-1).mean())
    noise = 0.0 if space == "z" else NOISE * spread
    values = np.concatenate(
        [
            compare(_for_layers(points[rows], layers), _rows(condition, rows))[
                1
            ]
            for rows in _batches(len(points))
        ]
    )
    best = np.argsort(values)[:starts]
    points, condition = points[best], _rows(condition, best)

    random = np.random.default_rng(seed)
    kept, shown = [], []
    every = math.ceil(steps / frames)
    for step in range(steps):
        if step == 0 or (space == "w+" and step == steps // 2):
            if step:
                # From here on each layer has its own.
                points = _for_layers(points, layers)
            variable = keras.Variable(points)
            descend = _descent(compare, variable, layers, condition, limits)
        share = step / steps
        strength = noise * max(0.0, 1.0 - share / NOISY) ** 2
        numbers = random.standard_normal(points.shape, "float32")
        images, values = descend(
            tf.constant(learning_rate * _rate(share), "float32"),
            tf.constant(strength * numbers, "float32"),
        )
        points = variable.numpy()
        kept.append(np.min(values))
        if (step + 1) % every == 0 or step + 1 == steps:
            shown.append(data.to_uint8(images[np.argmin(values)]))
        if progress is not None:
            progress(step + 1, steps)

    points = _for_layers(points, layers)
    images, values = compare(points, condition)
    row = np.argsort(values)[:1]
    condition = _rows(condition, row)
    return Projection(
        space,
        np.asarray(points)[row],
        None if condition is None else np.asarray(condition),
        data.to_uint8(images).numpy()[row[0]],
        np.stack(shown),
        np.array(kept, "float32"),
    )


def _space_of(gan, space):
    """Returns the space to search in, and refuses one that is not there."""
    if not isinstance(gan, LatentGAN):
        raise TypeError(
            "Only a model that generates images from latents can find those of "
            f"an image. Received: {type(gan).__name__}"
        )
    has_styles = isinstance(gan, StyledGAN)
    if space is None:
        return "w" if has_styles else "z"
    checks.one_of(SPACES, space=space)
    if space != "z" and not has_styles:
        raise TypeError(
            f"Only a StyleGAN has the space {space}; search in z. "
            f"Received: {type(gan).__name__}"
        )
    return space


def _sampled(gan, space, labels, captions, seed):
    """Returns random points, the condition of each, and the number of layers.

    The first point in w is their mean.
    """
    latents = gan.seeded_latents(checks.as_seed(seed), CANDIDATES)
    condition = _condition(gan, labels, captions, seed)
    if space == "z":
        return latents.numpy(), condition, None
    styles = gan.styles(**gan.inputs(latents, condition)).numpy()
    points = styles[:, :1].astype("float32")
    points[0] = points.mean(axis=0)
    return points, condition, styles.shape[1]


def _condition(gan, labels, captions, seed):
    """Returns the condition of each candidate as networks take it."""
    given = {"labels": labels, "captions": captions}
    taken = {
        "labels": isinstance(gan, ClassGAN),
        "captions": isinstance(gan, VectorGAN),
    }
    for name, value in given.items():
        if value is not None and (not taken[name] or len(value) != 1):
            what = "one of its" if taken[name] else "no"
            raise ValueError(
                f"This model takes {what} {name}. Received: {name}={value!r}"
            )
    if labels is not None:
        return tf.repeat(tf.constant(gan.class_numbers(labels)), CANDIDATES)
    if captions is not None:
        return tf.repeat(gan.encode(captions), CANDIDATES, axis=0)
    condition = gan.sample_condition(checks.as_seed(seed), CANDIDATES)
    if condition is None and gan.condition_spec is not None:
        raise ValueError(
            "The image must come with its caption, from which this model "
            "generates. Received: captions=None"
        )
    return condition


def _images(gan, space, points, condition):
    if space == "z":
        return gan(gan.inputs(points, condition))
    return gan.from_styles(points)


def _for_layers(points, layers):
    """Returns one style for all layers as one for each; others unchanged."""
    if layers is None or points.shape[1] == layers:
        return points
    return tf.repeat(points, layers, axis=1)


def _descent(compare, variable, layers, condition, limits):
    """Returns the function that takes a step of all points."""
    adam = Adam()
    adam.build([variable])

    @tf.function
    def descend(rate, noise):
        with tf.GradientTape() as tape:
            points = _for_layers(variable.value + noise, layers)
            images, values = compare(points, condition)
            total = tf.reduce_sum(values)
        adam.learning_rate.assign(rate)
        adam.apply(tape.gradient(total, [variable]), [variable])
        if limits is not None:
            variable.assign(tf.clip_by_value(variable.value, *limits))
        return images, values

    return descend


def _rate(share):
    """Returns the fraction of the learning rate after a share of the steps."""
    fall = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1.0 - share) / FALL))
    return fall * min(1.0, (share + 0.01) / RISE)


def _rows(condition, rows):
    if condition is None or isinstance(rows, slice):
        return condition if condition is None else condition[rows]
    return tf.gather(condition, rows)


def _batches(count, size=64):
    return [slice(i, min(i + size, count)) for i in range(0, count, size)]
