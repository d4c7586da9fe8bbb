"""Measuring a model of the zoo against the data it was trained to draw.

`evaluate` gives its scores, `measure` all that metrics.json holds: scores,
the same of yardsticks, what is drawn how often, and whether training pictures
are copied. Models are chosen by the training and validation parts; what is
here reads the test part, for figures that are published.
"""

import dataclasses
import functools
import pathlib

import numpy as np

import zoo
from kerasgan import data, latents, metrics, models
from kerasgan.data import personas
from kerasgan.metrics import neighbors
from kerasgan.metrics.color_regression import ColorRegression
from kerasgan.metrics.protocols import BLOCK, get

# What a drawing model is measured by when nothing is asked, by data set and
# task. The first one is what the leaderboard shows.
DEFAULT_PROTOCOLS = {
    ("fashion_mnist", "image"): (
        "fd10k_fashion_mnist_test",
        "kd10k_fashion_mnist_test",
        "pr10k_fashion_mnist_test",
        "is10k_fashion_mnist",
    ),
    ("fashion_mnist", "class-to-image"): (
        "fd10k_fashion_mnist_test",
        "kd10k_fashion_mnist_test",
        "pr10k_fashion_mnist_test",
        "is10k_fashion_mnist",
        "agreement10k_fashion_mnist",
    ),
    ("personas", "image"): (
        "fd10k_personas_train",
        "kd10k_personas_train",
        "pr10k_personas_train",
    ),
    ("personas", "text-to-image"): (
        "agreement3479_personas_test",
        "fd3479_personas_test",
        "kd3479_personas_test",
        "pr3479_personas_test",
    ),
}
# By task: what the generator is told besides the latents, and the name of
# the data's feature that holds it.
CONDITIONS = {
    "image": (None, None),
    "class-to-image": ("labels", "label"),
    "text-to-image": ("captions", "caption"),
}
# Figures that `measure` can make besides samples, with what they show.
FIGURES = {
    "neighbors.png": (
        "The eight images that are nearest to a training picture: in each row "
        "an image, its three nearest training pictures (by features, where "
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
    "both_ways.png": (
        "The first test pictures, translated and back: inputs in the upper "
        "three rows, targets in the lower three."
    ),
}
BATCH = 500
# Psi of a yardstick of models of classes. Of 0.9, 0.8 and 0.7 it brings CGAN
# and ACGAN on clothing nearest to the training images.
TRUNCATION = 0.8
# Samples that are looked for among the training pictures.
SAMPLES = 1000
# Real pictures of the same kind as the training part that are not in it. The
# test part of personas is of another kind: pairs that training lacks.
UNSEEN = {
    "fashion_mnist": "test",
    "fluent": "test",
    "personas": "validation",
    "relief": "test",
}


def evaluate(name, protocols=None, progress=None, truncation=None):
    """Scores a model of the zoo.

    Args:
        name: str or path, as `zoo.load` takes it.
        protocols: str, sequence of str or `None`. Names of
            `kerasgan.metrics.PROTOCOLS`. Defaults to those of the model's
            data set and task.
        progress: Callable or `None`. Called as `progress(done, total)`.
        truncation: float or `None`. Psi, as the model's `generate` takes it.
            Defaults to `None`, no truncation.

    Returns:
        dict of protocol name to its score: `metric`, `value` (a number, or a
        dict of them), `protocol` and more; see docs/metrics.md. With
        truncation also `truncation`.

    Raises:
        ValueError: If there is no such model or protocol, or the model takes
            no such truncation.
        OSError: If the data are not prepared.
    """
    card = zoo.card(name)
    return _evaluate(card, zoo.load(name), protocols, progress, truncation)


def measure(name, figures=None, progress=None):
    """Measures a finished model completely, for metrics.json and its card.

    Args:
        name: str or path, as `zoo.load` takes it.
        figures: path or `None`. A folder for those of `FIGURES` that fit the
            model. Defaults to none.
        progress: Callable or `None`. Called as `progress(done, total)`.

    Returns:
        dict of JSON-able values:

        - `scores`: as `evaluate` returns them.
        - `yardsticks`: dict of a name to scores as in `scores`: `real`; for
          class-to-image the same model under `truncation 0.8`; for
          image-to-image `copy` and `color regression`.
        - `shares`: only of drawing models; `drawn` and `real`, how often a
          classifier sees each value of each attribute, as `shares` returns
          it.
        - `neighbors`: by `pixels` and, where there are features, `features`,
          as `kerasgan.metrics.neighbors.compare` returns it, with the
          numbers of pictures.
        - `arithmetic`: only of models that draw faces from latents alone, as
          `arithmetic` returns it.
        - `interpolation`: only of models that take captions; the pairs of
          captions of the figure.

    Raises:
        ValueError: If there is no such model, or its data set is none that
            models are measured on.
        OSError: If the data are not prepared.
    """
    card = zoo.card(name)
    gan = zoo.load(name)
    size = card.image_shape[0]
    found = {"scores": _evaluate(card, gan, None, progress)}
    if card.task == "image-to-image":
        found["yardsticks"] = pair_yardsticks(
            card.dataset, list(found["scores"]), size=size
        )
        inputs = data.load(card.dataset, "test", size)["input"]
        samples = _translators(gan)["input"](inputs)
    else:
        generate = _generating(gan)
        found["yardsticks"] = {
            "real": real_against_real(
                card.dataset, list(found["scores"]), size=size
            )
        }
        if card.task == "class-to-image":
            found["yardsticks"][f"truncation {TRUNCATION}"] = _evaluate(
                card, gan, None, progress, TRUNCATION
            )
        found["shares"] = {
            "drawn": shares(_any(generate, card), card.dataset),
            "real": real_shares(card.dataset, size=size),
        }
        samples = _any(generate, card)(SAMPLES, seed=0)
    found["neighbors"], picture = nearest_training_pictures(
        samples, card.dataset, size=size
    )
    pictures = {"neighbors.png": picture, **_figures(gan)}
    if (card.dataset, card.task) == ("personas", "image"):
        found["arithmetic"], picture = arithmetic(gan)
        pictures["arithmetic.png"] = picture
    if card.task == "text-to-image":
        found["interpolation"], picture = _interpolation(gan)
        pictures["interpolation.png"] = picture
    if "target" in _translators(gan):
        pictures["both_ways.png"] = _both_ways(gan, card.dataset, size)
    if figures is not None:
        for file, picture in pictures.items():
            data.save_png(pathlib.Path(figures) / file, picture)
    return found


def is_measured(dataset, task):
    """Returns whether there are usual protocols for a data set and a task.

    Args:
        dataset: str.
        task: str. As on a card.
    """
    if task == "image-to-image":
        return dataset in ("fluent", "relief")
    return (dataset, task) in DEFAULT_PROTOCOLS


def score(
    generate, dataset, protocols=None, *, size, task="image", progress=None
):
    """Scores whatever draws images like those of a data set.

    Args:
        generate: Callable like `gan.generate`.
        dataset: str. One of `kerasgan.data.NAMES`.
        protocols: See `evaluate`.
        size: int. Height and width of the images.
        task: str. Of the model. Defaults to `"image"`.
        progress: See `evaluate`.

    Returns:
        See `evaluate`.
    """
    protocols = _protocols(dataset, task, protocols)
    agreements = [
        p for p in protocols if isinstance(p, metrics.AgreementProtocol)
    ]
    others = [p for p in protocols if p not in agreements]
    wrong = [p for p in protocols if isinstance(p, metrics.PairProtocol)]
    if task == "image":
        wrong += agreements
    if wrong:
        raise ValueError(
            f"The protocol {wrong[0].name!r} is for models that are given "
            f"something to draw. Received: task={task!r}"
        )
    network = _network(protocols[0])
    found = {}
    if others:
        condition, feature = CONDITIONS[task]
        examples = data.load(dataset, _split(others), size)
        found = metrics.evaluate(
            generate,
            _batches(examples["image"], examples[feature] if feature else None),
            network,
            others,
            condition=condition,
            progress=progress,
        )
    for protocol in agreements:
        found[protocol.name] = agreement(
            generate, protocol, network, size=size, progress=progress
        )
    return {protocol.name: found[protocol.name] for protocol in protocols}


def agreement(generate, protocol, network, *, size, progress=None):
    """Returns how often a classifier sees what was asked for.

    Args:
        generate: Callable like `gan.generate` of a conditional model.
        protocol: `kerasgan.metrics.AgreementProtocol`.
        network: `FeatureNetwork` of the protocol.
        size: int. Height and width of the images.
        progress: See `evaluate`.

    Returns:
        One score, as `evaluate` returns it: `value` is a dict of attribute to
        the share of images that show what was asked for, and under protocols
        of classes of each class's name to its share too.
    """
    conditions, asked, _ = _asked(protocol, network, size)
    keyword = "labels" if protocol.asked == "classes" else "captions"
    images = []
    for start in range(0, len(conditions), BLOCK):
        given = conditions[start : start + BLOCK]
        seed = protocol.seed + start // BLOCK
        images.append(generate(**{keyword: given}, seed=seed))
        if progress is not None:
            progress(start + len(given), len(conditions))
    return _agreement(protocol, network, np.concatenate(images), asked)


def score_pairs(translators, dataset, protocols=None, *, size):
    """Scores whatever turns one half of the pairs of a data set into the other.

    Args:
        translators: dict of `"input"`, the half that is translated, to a
            callable from uint8 images to those of the other half; of
            `"target"` too, for a model that goes both ways.
        dataset: str. `"fluent"` or `"relief"`.
        protocols: See `evaluate`.
        size: int. Height and width of the images.

    Returns:
        See `evaluate`.

    Raises:
        ValueError: If a protocol is of another size or data set, or of a
            direction that there is no translator for.
    """
    if protocols is None:
        protocols = _usual_pairs(dataset, size, translators)
    protocols = _protocols(dataset, "image-to-image", protocols)
    examples = data.load(dataset, "test", size)
    outputs = {}

    def translated(side):
        if side not in translators:
            raise ValueError(
                f"This model does not translate the {side} of pairs; it takes "
                f"the {' and the '.join(translators)}."
            )
        if side not in outputs:
            outputs[side] = translators[side](examples[side])
        return outputs[side]

    found = {}
    for protocol in protocols:
        if not isinstance(protocol, metrics.PairProtocol):
            found |= metrics.evaluate(
                lambda count, seed: translated("input")[:count],
                _batches(examples["target"]),
                _network(protocol),
                protocol,
            )
            continue
        if (protocol.dataset, protocol.size) != (dataset, size):
            raise ValueError(
                f"The protocol {protocol.name!r} is of {protocol.dataset} at "
                f"{protocol.size}x{protocol.size}. Received: {dataset} at "
                f"{size}x{size}"
            )
        if protocol.score == "cycle":
            there = {side: translated(side) for side in ("target", "input")}
            value = {
                f"{side} and back": float(
                    metrics.l1(
                        translators[_OTHER[side]](there[side]), examples[side]
                    ).mean()
                )
                for side in ("input", "target")
            }
        else:
            side = protocol.translated
            pairs = metrics.PairSimilarity()
            pairs.update_state(examples[_OTHER[side]], translated(side))
            value = {k: float(v) for k, v in pairs.result().items()}
        found[protocol.name] = {
            "metric": protocol.score,
            "value": value,
            "reference_pictures": len(examples["input"]),
            "protocol": protocol.describe(),
        }
    return found


_OTHER = {"input": "target", "target": "input"}


def pair_yardsticks(dataset, protocols=None, *, size):
    """Scores what every image-to-image model should beat.

    Args:
        dataset: str. `"fluent"` or `"relief"`.
        protocols: See `evaluate`; of those for cycles nothing is said.
            Defaults to those of a model that goes both ways.
        size: int. Height and width of the images.

    Returns:
        dict of `"copy"`, the input as it is, and `"color regression"`, each
        pixel recolored by a `ColorRegression` fitted to the training part, to
        scores as `evaluate` returns them; with protocols over features also
        `"real"`, pictures of the validation part in place of translations.
    """
    protocols = protocols or _usual_pairs(dataset, size, _OTHER)
    protocols = [
        protocol
        for protocol in _protocols(dataset, "image-to-image", protocols)
        if getattr(protocol, "score", None) != "cycle"
    ]
    train = data.load(dataset, "train", size)
    translators = {
        "copy": {side: lambda images: images for side in _OTHER},
        "color regression": {
            side: ColorRegression.fit(train[side], train[other])
            for side, other in _OTHER.items()
        },
    }
    found = {
        name: score_pairs(both, dataset, protocols, size=size)
        for name, both in translators.items()
    }
    over_features = [
        p for p in protocols if not isinstance(p, metrics.PairProtocol)
    ]
    if over_features:
        # Patches of the test part share pixels, so its halves would flatter.
        real = data.load(dataset, "validation", size)["target"]
        found["real"] = score_pairs(
            {"input": lambda images: real}, dataset, over_features, size=size
        )
    return found


def real_against_real(dataset, protocols=None, *, size):
    """Scores real images as if a model had drawn them.

    Those of Fashion-MNIST are training images, drawn without replacement. The
    parts of personas differ on purpose, so there one random half of the
    reference part is scored against the other half. What was asked for under
    protocols of agreement is looked for in the real images of it.

    Args:
        dataset: str. `"fashion_mnist"` or `"personas"`.
        protocols: See `evaluate`. Defaults to those without conditions.
        size: int. Height and width of the images.

    Returns:
        See `evaluate`. `reference_pictures` and the protocol's `generated`
        say how many images there were on either side.
    """
    protocols = _protocols(dataset, "image", protocols)
    agreements = [
        p for p in protocols if isinstance(p, metrics.AgreementProtocol)
    ]
    others = [p for p in protocols if p not in agreements]
    network = _network(protocols[0])
    found = {}
    if others:
        split = _split(others)
        reference = data.load(dataset, split, size)["image"]
        order = np.random.default_rng(0)
        if UNSEEN[dataset] == split:
            drawn = data.load(dataset, "train", size)["image"]
            drawn = drawn[order.permutation(len(drawn))]
        else:
            reference = reference[order.permutation(len(reference))]
            half = len(reference) // 2
            drawn, reference = reference[:half], reference[half:]
            others = [
                dataclasses.replace(one, generated=half) for one in others
            ]
        position = 0

        def generate(count, seed):
            nonlocal position
            position += count
            return drawn[position - count : position]

        found = metrics.evaluate(generate, _batches(reference), network, others)
    for protocol in agreements:
        _, asked, images = _asked(protocol, network, size)
        found[protocol.name] = _agreement(protocol, network, images, asked)
    return {protocol.name: found[protocol.name] for protocol in protocols}


def shares(generate, dataset, count=10_000, seed=0):
    """Returns how often each thing is drawn, as a classifier sees it.

    A value that is missing, or far from its share in the data, is what mode
    collapse looks like.

    Args:
        generate: Callable like `gan.generate`.
        dataset: str. `"fashion_mnist"` or `"personas"`.
        count: int. Images to draw. Defaults to `10000`.
        seed: int. Of the images. Defaults to `0`.

    Returns:
        dict of attribute (`"class"` for Fashion-MNIST) to a dict of each
        value's name to its share.
    """
    return _shares(generate(count, seed=seed), zoo.features(dataset))


def real_shares(dataset, count=10_000, *, size):
    """Returns the same as `shares` for real images.

    Args:
        dataset: See `shares`.
        count: int. Images of the training part. Defaults to `10000`.
        size: int. Height and width of the images.

    Returns:
        See `shares`.
    """
    images = data.load(dataset, "train", size)["image"]
    rows = np.random.default_rng(0).permutation(len(images))[:count]
    return _shares(images[rows], zoo.features(dataset))


def nearest_training_pictures(samples, dataset, *, size):
    """Looks for samples among the training pictures.

    Args:
        samples: uint8 array `(count, size, size, channels)`.
        dataset: str. One of `kerasgan.data.NAMES`.
        size: int. Height and width of the images.

    Returns:
        Pair of a dict of `"pixels"` (distances in root mean square grey
        levels) and, where the zoo has features of the data, `"features"`, to
        what `kerasgan.metrics.neighbors.compare` returns, with the numbers of
        pictures; and a uint8 image: in each row a sample, its three nearest
        training pictures by features, and its three nearest in pixels; the
        eight samples that are nearest of all to a training picture.
    """
    key = "image" if dataset in ("fashion_mnist", "personas") else "target"
    training = data.load(dataset, "train", size)[key]
    unseen = data.load(dataset, UNSEEN[dataset], size)[key]
    order = np.random.default_rng(0).permutation(len(unseen))
    unseen = unseen[order[: len(samples)]]
    scale = np.float32(np.sqrt(training[0].size))
    spaces = {"pixels": lambda images: images.astype("float32") / scale}
    network = _network_of_size(dataset, size)
    if network is not None:
        spaces["features"] = lambda images: _features(network, images)
    found, rows = {}, {}
    for space, to_space in spaces.items():
        points = to_space(training)
        rows[space], distances = neighbors.nearest(to_space(samples), points, 3)
        _, of_unseen = neighbors.nearest(to_space(unseen), points)
        found[space] = {
            "samples": len(samples),
            "held_out_pictures": len(unseen),
            "training_pictures": len(training),
            **neighbors.compare(distances[:, 0], of_unseen[:, 0]),
        }
    closest = np.argsort(distances[:, 0], kind="stable")[:8]
    columns = [samples[closest, None]]
    columns += [training[rows[space][closest]] for space in reversed(spaces)]
    pictures = np.concatenate(columns, axis=1)
    width = pictures.shape[1]
    return found, data.grid(np.concatenate(pictures), width)


def arithmetic(gan, attribute="eyes", value="glasses", count=1000, seed=0):
    """Puts a property on faces by adding a direction to their latents.

    The direction is the mean latent of the pictures that a classifier sees
    the property on, minus that of the others. It is added, several times over
    too, to the latents of other pictures, which do not show the property.

    Args:
        gan: A model of 64x64 faces from latents.
        attribute: str. Of the classifier of personas. Defaults to `"eyes"`.
        value: str. Of the attribute. Defaults to `"glasses"`.
        count: int. Pictures that it is added to; the direction is from ten
            times as many. Defaults to `1000`.
        seed: int. Of the latents. Defaults to `0`.

    Returns:
        Pair of a dict and a uint8 image. The dict has the settings, the
        number of pictures on either side, and by times the direction was
        added: `shows_it`, the share of pictures that show the property then,
        `others_kept`, the mean share of other attributes that stay, and the
        same for a random direction of the same length (`random_shows_it`,
        `random_others_kept`). The image has eight columns of pictures: as
        they were, then a row for each number of times.

    Raises:
        ValueError: If the property is on none of the pictures, or on all.

    Reference:
        [Radford et al., 2015](https://arxiv.org/abs/1511.06434), section 6.3.2.
    """
    network = zoo.features("personas")
    wanted = network.attributes[attribute].index(value)

    def seen(points):
        images = gan.run_in_batches(points, BATCH)
        return images, network.recognize(images)

    points = np.asarray(gan.seeded_latents(seed, 10 * count))
    _, before = seen(points)
    has_it = before[attribute] == wanted
    direction = latents.direction(points[has_it], points[~has_it])
    draws = np.random.default_rng(seed).normal(size=direction.shape)
    control = draws / np.linalg.norm(draws) * np.linalg.norm(direction)

    points = np.asarray(gan.seeded_latents(seed + 1, 2 * count))
    images, before = seen(points)
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
            images, after = seen((points + times * step).astype("float32"))
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


def _evaluate(card, gan, protocols, progress, truncation=None):
    size = card.image_shape[0]
    if card.task == "image-to-image":
        if truncation is not None:
            raise ValueError(
                f"{card.name} turns images into others and has no latents to "
                f"truncate. Received: truncation={truncation!r}"
            )
        return score_pairs(
            _translators(gan), card.dataset, protocols, size=size
        )
    found = score(
        _generating(gan, truncation),
        card.dataset,
        protocols,
        size=size,
        task=card.task,
        progress=progress,
    )
    if truncation is not None:
        for entry in found.values():
            entry["truncation"] = truncation
    return found


def _figures(gan):
    """Returns the figures that are of one architecture."""
    if not isinstance(gan, models.StyleGAN) or gan.num_classes:
        return {}
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


def _interpolation(gan):
    captions = _captions("test")[:8]
    pairs = list(zip(captions[::2], captions[1::2], strict=True))
    rows = [
        latents.between_sentences(gan, *pair, steps=8, seed=0) for pair in pairs
    ]
    return [list(pair) for pair in pairs], data.grid(np.concatenate(rows), 8)


def _both_ways(gan, dataset, size):
    examples = data.load(dataset, "test", size)
    rows = []
    for side, translate in _translators(gan).items():
        pictures = examples[side][:8]
        there = translate(pictures)
        rows += [pictures, there, _translators(gan)[_OTHER[side]](there)]
    return data.grid(np.concatenate(rows), 8)


def _generating(gan, truncation=None):
    return functools.partial(
        gan.generate, batch_size=BATCH, truncation=truncation
    )


def _any(generate, card):
    """Returns a function of count and seed, whatever must be asked for."""
    if card.task != "text-to-image":
        return generate
    captions = _captions("test")

    def any_of_captions(count, seed):
        chosen = np.random.default_rng(seed).choice(captions, count)
        return generate(captions=chosen.tolist(), seed=seed)

    return any_of_captions


def _translators(gan):
    if not isinstance(gan, models.TranslationGAN):
        return {}
    if not isinstance(gan, models.CycleGAN):
        return {"input": gan.translate}
    return {
        "input": lambda images: gan.translate(images, to="b"),
        "target": lambda images: gan.translate(images, to="a"),
    }


def _usual_pairs(dataset, size, translators):
    names = [f"pairs_{dataset}_test_{size}"]
    if "target" in translators:
        names += [
            f"reversed_{dataset}_test_{size}",
            f"cycle_{dataset}_test_{size}",
        ]
    if f"fd340_{dataset}_test_{size}" in metrics.PROTOCOLS:
        names.append(f"fd340_{dataset}_test_{size}")
    return names


def _protocols(dataset, task, names):
    if names is None:
        if (dataset, task) not in DEFAULT_PROTOCOLS:
            raise ValueError(
                f"There is no usual protocol for {task} on {dataset!r}; name "
                f"one of {', '.join(metrics.PROTOCOLS)}."
            )
        names = DEFAULT_PROTOCOLS[dataset, task]
    names = [names] if isinstance(names, str) else list(names)
    return [get(name) for name in names]


def _split(protocols):
    splits = (p.reference_split for p in protocols if p.reference_split)
    return next(splits, "train")


def _network(protocol):
    if protocol.features in zoo.list("features"):
        return metrics.FeatureNetwork.load(zoo.folder(protocol.features))
    return metrics.load_inception()


def _network_of_size(dataset, size):
    name = f"classifier_{dataset}_{size}"
    if name not in zoo.list("features"):
        return None
    return metrics.FeatureNetwork.load(zoo.folder(name))


def _batches(images, conditions=None):
    for start in range(0, len(images), BATCH):
        rows = slice(start, start + BATCH)
        if conditions is None:
            yield images[rows]
        else:
            yield images[rows], conditions[rows]


def _features(network, images):
    return np.concatenate([network(batch) for batch in _batches(images)])


def _shares(images, network):
    return {
        name: dict(
            zip(
                values,
                (
                    np.bincount(found, minlength=len(values)) / len(found)
                ).tolist(),
                strict=True,
            )
        )
        for (name, values), found in zip(
            network.attributes.items(),
            network.recognize(images).values(),
            strict=True,
        )
    }


def _captions(split):
    found = data.load("personas", split)["caption"]
    return [caption.decode("utf-8") for caption in found]


def _asked(protocol, network, size):
    """Returns conditions, what they ask for, and real images of the same."""
    if protocol.asked == "classes":
        examples = data.load("fashion_mnist", "test", size)
        count = len(network.classes)
        labels = np.repeat(np.arange(count), protocol.generated // count)
        # The test part has as many of each class, so it stands for them.
        order = np.argsort(examples["label"], kind="stable")
        asked = {"class": labels}
        return labels.tolist(), asked, examples["image"][order]
    examples = data.load("personas", "test", size)
    asked = dict(examples["attributes"])
    hair = personas.ATTRIBUTES["hair"]
    shows = np.array(["{color}" in personas.HAIR[style] for style in hair])
    asked["hair_color"] = np.where(
        shows[asked["hair"]], asked["hair_color"], -1
    )
    return _captions("test"), asked, examples["image"]


def _agreement(protocol, network, images, asked):
    found = network.recognize(images)
    value = {}
    for attribute in protocol.attributes:
        right = asked[attribute]
        told = right >= 0  # Not where the caption says nothing.
        value[attribute] = float(np.mean(found[attribute][told] == right[told]))
    if list(value) == ["class"]:
        value |= {
            name: float(
                np.mean(found["class"][asked["class"] == label] == label)
            )
            for label, name in enumerate(network.classes)
        }
    return {
        "metric": f"agreement_{network.name}",
        "value": value,
        "reference_pictures": len(images),
        "protocol": protocol.describe(network),
    }
