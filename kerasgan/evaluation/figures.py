"""Figures of a model's card, and the measurements that they show."""

import numpy as np

from kerasgan import data, latents, models
from kerasgan.evaluation.subject import BATCH, OTHER, batches
from kerasgan.metrics import neighbors
from kerasgan.models.codes import CodeGAN

# Files of `kerasgan.evaluation.measure`, with their captions.
FIGURES = {
    "neighbors.png": (
        "The eight images that are nearest to a training image: in each row "
        "an image, its three nearest training images (by features, where "
        "there are features of the data), and its three nearest in pixels."
    ),
    "arithmetic.png": (
        "Faces without glasses, and below them the same with the direction of "
        "glasses added to their latents once, twice and three times."
    ),
    "interpolation.png": (
        "In each row from one caption of the test part to another, with the "
        "same latents. The captions are in metrics.json."
    ),
    "mixing.png": (
        "Style mixing: the images of the top row give their coarse styles "
        "(first three rows), then their middle ones, then their fine ones to "
        "those on the left."
    ),
    "truncation.png": (
        "Truncation: in each row the same latents with psi 1, 0.7, 0.5, 0, "
        "-0.5 and -1."
    ),
    "codes.png": (
        "Continuous codes: along a row one of them goes from -2 to 2, twice "
        "as far as in training. Three rows for the first code, with a noise "
        "and a category of their own, three for the next, and so on."
    ),
    "both_ways.png": (
        "The first test images, translated and back: inputs in the upper "
        "three rows, targets in the lower three."
    ),
}
# The property of faces whose latent direction is measured.
ATTRIBUTE, VALUE = "eyes", "glasses"


def nearest_training_images(samples, reference):
    """Compares samples with their nearest training images.

    Args:
        samples: uint8 array `(count, size, size, channels)`.
        reference: `ReferenceData`.

    Returns:
        Pair of a dict of `"pixels"` (distances in root mean square grey
        levels) and, where the zoo has features of the data, `"features"`, to
        what `kerasgan.metrics.neighbors.compare` returns, with the numbers of
        images; and a uint8 image: in each row a sample, its three nearest
        training images by features, and its three nearest in pixels; the
        eight samples that are nearest of all to a training image.
    """
    training = reference.images("train")
    held_out = reference.images(reference.data_set.held_out_split)
    order = np.random.default_rng(0).permutation(len(held_out))
    held_out = held_out[order[: len(samples)]]
    scale = np.float32(np.sqrt(training[0].size))
    spaces = {"pixels": lambda images: images.astype("float32") / scale}
    network = reference.features
    if network is not None:
        spaces["features"] = lambda images: np.concatenate(
            [network(batch) for batch in batches(images)]
        )
    found, rows = {}, {}
    for space, to_space in spaces.items():
        points = to_space(training)
        rows[space], distances = neighbors.nearest(to_space(samples), points, 3)
        _, of_held_out = neighbors.nearest(to_space(held_out), points)
        found[space] = {
            "samples": len(samples),
            "held_out_pictures": len(held_out),
            "training_pictures": len(training),
            **neighbors.compare(distances[:, 0], of_held_out[:, 0]),
        }
    closest = np.argsort(distances[:, 0], kind="stable")[:8]
    columns = [samples[closest, None]]
    columns += [training[rows[space][closest]] for space in reversed(spaces)]
    images = np.concatenate(columns, axis=1)
    width = images.shape[1]
    return found, data.grid(np.concatenate(images), width)


def arithmetic(
    gan, network, attribute=ATTRIBUTE, value=VALUE, count=1000, seed=0
):
    """Adds a property to images by adding a direction to their latents.

    The direction is the mean latent of the images in which a classifier finds
    the property, minus that of the others. It is added, several times over
    too, to latents of other images without the property.

    Args:
        gan: A model from latents.
        network: `FeatureNetwork` that classifies the attribute.
        attribute: str. Defaults to `"eyes"`.
        value: str. Of the attribute. Defaults to `"glasses"`.
        count: int. Images that it is added to; the direction is from ten
            times as many. Defaults to `1000`.
        seed: int. Of the latents. Defaults to `0`.

    Returns:
        Pair of a dict and a uint8 image. The dict has the settings, the
        number of images with and without the property, and by times the
        direction was added: `shows_it`, the share of images that show the
        property then, `others_kept`, the mean share of other attributes that
        stay, and the same for a random direction of the same length
        (`random_shows_it`, `random_others_kept`). The image has eight columns:
        the images before, then a row for each number of times. `None` if none
        of the images shows the property, or all do, as of a collapsed model.

    Reference:
        [Radford et al., 2015](https://arxiv.org/abs/1511.06434), section 6.3.2.
    """
    wanted = network.attributes[attribute].index(value)

    def recognized(points):
        images = gan.run_in_batches(points, BATCH)
        return images, network.recognize(images)

    points = np.asarray(gan.seeded_latents(seed, 10 * count))
    _, before = recognized(points)
    has_it = before[attribute] == wanted
    if has_it.all() or not has_it.any():
        return None
    direction = latents.direction(points[has_it], points[~has_it])
    control = np.random.default_rng(seed).normal(size=direction.shape)
    control = control / np.linalg.norm(control) * np.linalg.norm(direction)

    points = np.asarray(gan.seeded_latents(seed + 1, 2 * count))
    images, before = recognized(points)
    without = np.flatnonzero(before[attribute] != wanted)[:count]
    points, rows = points[without], [images[without[:8]]]
    before = {name: found[without] for name, found in before.items()}
    result = {
        "attribute": attribute,
        "value": value,
        "features": network.name,
        "seed": seed,
        "with_it": int(has_it.sum()),
        "without_it": int((~has_it).sum()),
        "length": float(np.linalg.norm(direction)),
        "added_to": len(without),
        "times": {},
    }
    for times in (1, 2, 3):
        entry = {}
        for prefix, step in (("", direction), ("random_", control)):
            images, after = recognized(
                (points + times * step).astype("float32")
            )
            entry[f"{prefix}shows_it"] = float(
                np.mean(after[attribute] == wanted)
            )
            kept = [
                np.mean(after[name] == before[name])
                for name in before
                if name != attribute
            ]
            entry[f"{prefix}others_kept"] = float(np.mean(kept))
            if not prefix:
                rows.append(images[:8])
        result["times"][str(times)] = entry
    return result, data.grid(np.concatenate(rows), 8)


def interpolation(gan, reference):
    """Interpolates between the first captions of the test part.

    Args:
        gan: A model of captions.
        reference: `ReferenceData`.

    Returns:
        Pair of the list of pairs of captions, and a uint8 image with a row for
        each.
    """
    captions = reference.captions("test")[:8]
    pairs = list(zip(captions[::2], captions[1::2], strict=True))
    rows = [
        latents.between_sentences(gan, *pair, steps=8, seed=0) for pair in pairs
    ]
    found = [list(pair) for pair in pairs]
    return found, data.grid(np.concatenate(rows), 8)


def styles(gan):
    """Returns the figures of an unconditional StyleGAN.

    Args:
        gan: `kerasgan.models.StyledGAN`.

    Returns:
        dict of file to uint8 image.
    """
    seeds, others = (0, 1, 2), (3, 4, 5, 6, 7)
    rows = []
    for first, last in latents.STYLES.values():
        if first <= gan.image_size:
            mixed = latents.mix_styles(gan, seeds, others, (first, last))
            own = [gan.generate(1, seed=seed) for seed in seeds]
            rows.append(np.concatenate([np.stack(own), mixed], axis=1))
    sources = [gan.generate(1, seed=seed)[0] for seed in others]
    top = np.stack([np.full_like(sources[0], 255), *sources])
    mixing = np.concatenate([top, *np.concatenate(rows)])
    truncated = latents.truncation_row(gan, 0, (1, 0.7, 0.5, 0, -0.5, -1), n=8)
    return {
        "mixing.png": data.grid(mixing, 1 + len(others)),
        "truncation.png": data.grid(np.concatenate(truncated), 6),
    }


def has_styles(subject):
    """Returns whether `styles` is for this model.

    Args:
        subject: `Subject`.
    """
    return (
        isinstance(subject.gan, models.StyledGAN)
        and subject.task.condition is None
    )


def has_codes(subject):
    """Returns whether `codes` is for this model.

    Args:
        subject: `Subject`.
    """
    return isinstance(subject.gan, CodeGAN) and bool(
        subject.reference.features and subject.reference.features.attributes
    )


def codes(gan, network, count=1000, seed=0):
    """Counts what each category generates, and sweeps the continuous codes.

    Args:
        gan: `CodeGAN`.
        network: `FeatureNetwork` that recognizes attributes.
        count: int. Images of each category. Defaults to `1000`.
        seed: int. Of the images. Defaults to `0`.

    Returns:
        Pair of a list, for each categorical code a list, for each category a
        dict of attribute to a dict of value to its share, more than 1 %, the
        greatest first; and a uint8 image.
    """
    found = []
    for code, categories in enumerate(gan.categorical):
        swept = gan.sweep(code, rows=count, seed=seed)
        swept = swept.reshape(count, categories, *swept.shape[1:])
        found.append(
            [
                _greatest(network, swept[:, category])
                for category in range(categories)
            ]
        )
    first = len(gan.categorical)
    rows = [
        gan.sweep(code, rows=3, seed=seed)
        for code in range(first, first + gan.continuous)
    ]
    images = np.concatenate(rows) if rows else gan.generate(1, seed=seed)
    return found, data.grid(images, columns=10)


def _greatest(network, images, least=0.01):
    """Returns the shares of recognized values, the greatest first."""
    recognized = network.recognize(images)
    found = {}
    for attribute, values in network.attributes.items():
        counts = np.bincount(recognized[attribute], minlength=len(values))
        shares = counts / len(images)
        found[attribute] = {
            values[i]: float(shares[i])
            for i in np.argsort(-shares, kind="stable")
            if shares[i] > least
        }
    return found


def both_ways(translators, reference):
    """Translates the first test images of either half, and back.

    Args:
        translators: dict of both halves to callables; see `score_pairs`.
        reference: `ReferenceData` of a data set of pairs.

    Returns:
        uint8 image.
    """
    examples = reference.part("test")
    rows = []
    for side, translate in translators.items():
        images = examples[side][:8]
        there = translate(images)
        rows += [images, there, translators[OTHER[side]](there)]
    return data.grid(np.concatenate(rows), 8)
