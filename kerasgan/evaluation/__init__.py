"""Measuring a model of the zoo on the data set that it was trained on.

`score` gives its scores, `measure` everything in metrics.json: scores,
baselines, frequencies of attributes, nearest training images. Models are
chosen by the training and validation parts; here the test part is read, for
published figures.
"""

import pathlib

import numpy as np

from kerasgan import data, metrics
from kerasgan.evaluation import baselines, figures, scores, sentences
from kerasgan.evaluation.baselines import TRUNCATION as TRUNCATION
from kerasgan.evaluation.baselines import pair_baselines as pair_baselines
from kerasgan.evaluation.baselines import real_baseline as real_baseline
from kerasgan.evaluation.figures import FIGURES as FIGURES
from kerasgan.evaluation.scores import (
    conditional_accuracy as conditional_accuracy,
)
from kerasgan.evaluation.scores import is_measured as is_measured
from kerasgan.evaluation.scores import score_images as score_images
from kerasgan.evaluation.scores import score_pairs as score_pairs
from kerasgan.evaluation.subject import ReferenceData as ReferenceData
from kerasgan.evaluation.subject import Subject as Subject
from kerasgan.metrics import PathLengthProtocol

# Samples that are compared with the training images.
SAMPLES = 1000


def score(name, protocols=None, progress=None, truncation=None):
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
    return _score(Subject.load(name), protocols, progress, truncation)


def measure(name, folder=None, earlier=None, progress=None):
    """Measures a finished model completely, for metrics.json and its card.

    Args:
        name: str or path, as `zoo.load` takes it.
        folder: path or `None`. Where those of `FIGURES` that fit the model are
            written. Defaults to nowhere.
        earlier: dict or `None`. Of a name to an earlier state of the model, as
            `zoo.load` takes it, whose scores are a baseline. Defaults to none.
        progress: Callable or `None`. Called as `progress(done, total)`.

    Returns:
        dict of JSON-able values:

        - `scores`: as `score` returns them.
        - `yardsticks`: dict of the name of a baseline to its scores: `real`;
          for class-to-image the same model under `truncation 0.8`; for
          image-to-image `copy` and `color regression`; those of `earlier`.
          Models of text have no more than these two.
        - `shares`: only of models that generate; `drawn` and `real`, the
          frequencies of attribute values as `shares` returns them.
        - `neighbors`: by `pixels` and, where there are features, `features`,
          as `kerasgan.metrics.neighbors.compare` returns it, with the
          numbers of images.
        - `arithmetic`: only of models that generate faces from latents alone,
          as `kerasgan.evaluation.figures.arithmetic` returns it.
        - `codes`: only of models with codes; what each category generates, as
          `kerasgan.evaluation.figures.codes` returns it.
        - `interpolation`: only of models that take captions; the pairs of
          captions of the figure.

    Raises:
        ValueError: If there is no such model, or its data set has no
            protocols.
        OSError: If the data are not prepared.
    """
    subject = Subject.load(name)
    if subject.task.output == "text":
        return _measure_text(subject, earlier or {})
    reference = subject.reference
    found = {"scores": _score(subject, progress=progress)}
    protocols = list(found["scores"])
    translators = subject.translators
    if translators:
        found["yardsticks"] = baselines.pair_baselines(reference, protocols)
        samples = translators["input"](reference.part("test")["input"])
    else:
        found["yardsticks"] = {
            "real": baselines.real_baseline(reference, protocols)
        }
        if subject.task.condition == "labels":
            found["yardsticks"][f"truncation {TRUNCATION}"] = _score(
                subject, progress=progress, truncation=TRUNCATION
            )
        found["shares"] = {
            "drawn": shares(subject.unconditional, reference),
            "real": real_shares(reference),
        }
        samples = subject.unconditional(SAMPLES, seed=0)
    for label, other in (earlier or {}).items():
        found["yardsticks"][label] = _score(
            Subject.load(other, reference), progress=progress
        )
    found["neighbors"], image = figures.nearest_training_images(
        samples, reference
    )
    images = {"neighbors.png": image}
    if figures.has_styles(subject):
        images |= figures.styles(subject.gan)
    if figures.has_codes(subject):
        found["codes"], images["codes.png"] = figures.codes(
            subject.gan, reference.features
        )
    elif not translators and subject.task.condition is None:
        network = reference.features
        if figures.VALUE in network.attributes.get(figures.ATTRIBUTE, ()):
            pair = figures.arithmetic(subject.gan, network)
            if pair is not None:
                found["arithmetic"], images["arithmetic.png"] = pair
    if subject.task.condition == "captions":
        found["interpolation"], image = figures.interpolation(
            subject.gan, reference
        )
        images["interpolation.png"] = image
    if "target" in translators:
        images["both_ways.png"] = figures.both_ways(translators, reference)
    if folder is not None:
        for file, image in images.items():
            data.save_png(pathlib.Path(folder) / file, image)
    return found


def _measure_text(subject, earlier):
    found = _score(subject)
    protocols = scores.protocols_of(subject.reference.data_set, "text")
    yardsticks = {"real": {p.name: sentences.real(p) for p in protocols}}
    for label, other in earlier.items():
        yardsticks[label] = _score(Subject.load(other, subject.reference))
    return {"scores": found, "yardsticks": yardsticks}


def shares(generate, reference, count=10_000, seed=0):
    """Returns the frequency of each attribute value in generated images.

    As a classifier recognizes them. A value that is missing, or far from its
    share in the data, is a sign of mode collapse.

    Args:
        generate: Callable like `gan.generate`.
        reference: `ReferenceData` of a data set with a classifier.
        count: int. Images to generate. Defaults to `10000`.
        seed: int. Of the images. Defaults to `0`.

    Returns:
        dict of attribute (`"class"` for Fashion-MNIST) to a dict of each
        value's name to its share.
    """
    return _shares(generate(count, seed=seed), reference.features)


def real_shares(reference, count=10_000):
    """Returns the same as `shares` for real images.

    Args:
        reference: See `shares`.
        count: int. Images of the training part. Defaults to `10000`.
    """
    images = reference.images("train")
    rows = np.random.default_rng(0).permutation(len(images))[:count]
    return _shares(images[rows], reference.features)


def _score(subject, protocols=None, progress=None, truncation=None):
    translators = subject.translators
    if translators:
        if truncation is not None:
            raise ValueError(
                f"{subject.card.name} translates images and has no latents to "
                f"truncate. Received: truncation={truncation!r}"
            )
        return scores.score_pairs(translators, subject.reference, protocols)
    if subject.task.output == "text":
        if truncation is not None:
            raise ValueError(
                f"{subject.card.name} generates sentences and has no latents "
                f"to truncate. Received: truncation={truncation!r}"
            )
        chosen = scores.protocols_of(
            subject.reference.data_set, "text", protocols
        )
        scores.check_kind(chosen, metrics.TextProtocol, "text")
        return {p.name: sentences.score(subject.gan, p) for p in chosen}
    protocols = scores.protocols_of(
        subject.reference.data_set, subject.task.name, protocols
    )
    paths = [p for p in protocols if isinstance(p, PathLengthProtocol)]
    if paths and truncation is not None:
        raise ValueError(
            "A path length is of all latents, without truncation. "
            f"Received: {paths[0].name!r}, truncation={truncation!r}"
        )
    images = [p for p in protocols if p not in paths]
    found = {}
    if images:
        found = scores.score_images(
            subject.generator(truncation),
            subject.reference,
            images,
            task=subject.task.name,
            progress=progress,
        )
    for protocol in paths:
        found[protocol.name] = scores.path_length(
            subject.gan, subject.reference, protocol, progress=progress
        )
    if truncation is not None:
        for entry in found.values():
            entry["truncation"] = truncation
    return found


def _shares(images, network):
    found = network.recognize(images)
    return {
        attribute: {
            value: float(np.mean(found[attribute] == index))
            for index, value in enumerate(values)
        }
        for attribute, values in network.attributes.items()
    }
