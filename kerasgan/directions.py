"""Directions in which images change most, from the weights alone.

Shen and Zhou, "Closed-Form Factorization of Latent Semantics in GANs", 2021.
https://arxiv.org/abs/2007.06600 (SeFa)

The first layer that takes the latents is affine: a step n changes its output by
A n. The unit vectors for which that is longest are the eigenvectors of A^T A
(equation 5). Nothing is sampled or trained. A StyleGAN has such a layer
wherever a style is used, of which all or some are taken together.
"""

import keras
import numpy as np
import tensorflow as tf

from kerasgan import checks, data, latents
from kerasgan.layers.style import ModulatedToRGB
from kerasgan.models import LatentGAN, StyledGAN

# Points from which the standard deviation along a direction is measured.
POINTS = 1024


def directions(gan, count=5, which=None):
    """Returns the directions in which a model's images change most.

    Args:
        gan: A `LatentGAN`; the directions are in w if it has styles, else in
            z.
        count: int. Number of directions, at most all. Defaults to `5`.
        which: Of models with styles: `"coarse"`, `"middle"`, `"fine"` or a
            pair of resolutions, as in `latents.mix_styles`: which layers are
            factorized. Defaults to `None`, all.

    Returns:
        Pair of float32 arrays: orthogonal unit vectors `(count, dim)`, the
        strongest first, their largest component positive; and `(count,)`,
        how far each moves the output of the layers, |A n|.

    Raises:
        TypeError: If the model has no latents.
        ValueError: If there are fewer directions, or `which` is invalid.

    Example:
    ```python
    vectors, _ = directions.directions(gan, which="coarse")
    images = gan.from_styles(styles + 3.0 * vectors[0])
    ```

    Reference:
        [Shen and Zhou, 2021](https://arxiv.org/abs/2007.06600), section 2
    """
    if not isinstance(gan, LatentGAN):
        raise TypeError(
            "Only a model that generates images from latents has directions. "
            f"Received: {type(gan).__name__}"
        )
    checks.positive(count=count)
    if isinstance(gan, StyledGAN):
        weights = _style_weights(gan, which)
    elif which is not None:
        raise ValueError(
            "Only a StyleGAN has layers to choose from. "
            f"Received: which={which!r}, a {type(gan).__name__}"
        )
    else:
        weights = first_weights(gan)
    # Rows of [dim, units] are what a step along one axis adds.
    _, strengths, vectors = np.linalg.svd(
        np.asarray(weights, "float64").T, full_matrices=False
    )
    if count > len(vectors):
        raise ValueError(
            f"There are {len(vectors)} directions. Received: count={count}"
        )
    vectors, strengths = vectors[:count], strengths[:count]
    rows = np.arange(count)
    signs = np.sign(vectors[rows, np.abs(vectors).argmax(axis=1)])
    return (
        (vectors * signs[:, None]).astype("float32"),
        strengths.astype("float32"),
    )


def images_along(
    gan,
    vectors,
    seed=0,
    steps=(-3.0, -1.5, 0.0, 1.5, 3.0),
    which=None,
    labels=None,
    captions=None,
):
    """Returns images of one seed, moved along directions.

    Args:
        gan: A `LatentGAN`.
        vectors: Float array `(count, dim)`, in w if the model has styles,
            else in z.
        seed: int. Of the image. Defaults to `0`.
        steps: Sequence of floats, in standard deviations of random points
            along the direction. Defaults to five from -3 to 3.
        which: Of models with styles: which layers' styles are moved; see
            `directions`. Defaults to `None`, all.
        labels: See `latents.generate_seeds`, of one image.
        captions: See `latents.generate_seeds`, of one image.

    Returns:
        uint8 array `(count, len(steps), height, width, channels)`.

    Raises:
        TypeError: If the model has no latents.
        ValueError: If an argument is invalid.
    """
    has_styles = isinstance(gan, StyledGAN)
    start = latents.seeded(gan, [seed])
    condition = latents.condition_of(gan, [seed], labels, captions)
    others = gan.seeded_latents(0, POINTS)
    if has_styles:
        start = gan.styles(**gan.inputs(start, condition))
        many = None if condition is None else tf.repeat(condition, POINTS)
        others = gan.styles(**gan.inputs(others, many))[:, 0]
        moved = latents.chosen_styles(gan, which).astype("float32")
    spread = np.std(others @ tf.transpose(vectors), axis=0)
    rows = []
    for vector, deviation in zip(vectors, spread, strict=True):
        offsets = np.outer(np.array(steps) * deviation, vector)
        if has_styles:
            offsets = offsets[:, None] * moved[None, :, None]
        points = tf.constant(start.numpy() + offsets, "float32")
        if has_styles:
            found = gan.from_styles(points)
        else:
            same = condition
            if same is not None:
                same = tf.repeat(same, len(steps), axis=0)
            found = gan(gan.inputs(points, same))
        rows.append(data.to_uint8(found))
    return np.stack(rows)


def first_weights(gan):
    """Returns what the first dense layer does to each latent.

    Args:
        gan: A `LatentGAN` without styles.

    Returns:
        Float array `(latent_dim, units)`.

    Raises:
        TypeError: If there is no dense layer that takes the latents.
    """
    network = gan.average_generator
    for layer in network.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None or len(kernel.shape) != 2:
            continue
        if not hasattr(network, "operations"):  # Not a graph of layers.
            if kernel.shape[0] == gan.latent_dim:
                return np.asarray(kernel)
            continue
        # Latents may be only a part of its input, beside labels.
        steps = tf.concat(
            [tf.zeros((1, gan.latent_dim)), tf.eye(gan.latent_dim)], axis=0
        )
        others = [
            tf.zeros((len(steps), *x.shape[1:]), x.dtype)
            for x in network.inputs[1:]
        ]
        part = keras.Model(network.inputs, layer.input)
        found = part([steps, *others]).numpy()
        axes = found[1:] - found[:1]
        if np.any(axes):
            return axes @ np.asarray(kernel)
    raise TypeError(
        "The directions of a model without styles are those of its first dense "
        f"layer. Received: a {type(gan).__name__}, which has none"
    )


def _style_weights(gan, which):
    """Returns the weights of all layers that take styles, `(w_dim, units)`."""
    synthesis = gan.average_generator.synthesis
    chosen = latents.chosen_styles(gan, which)
    sizes = set(np.array(synthesis.style_resolutions)[chosen])
    return np.concatenate(
        [
            np.asarray(layer.style.kernel)
            for layer in synthesis.layers
            # That of the image is used a second time there.
            if hasattr(layer, "style") and not isinstance(layer, ModulatedToRGB)
            if int(layer.name.rpartition("_")[2]) in sizes
        ],
        axis=1,
    )
