"""Baselines: the same scores of real images and of simple translations."""

import dataclasses

import numpy as np

from kerasgan import metrics
from kerasgan.evaluation import scores
from kerasgan.evaluation.subject import OTHER, batches
from kerasgan.metrics.color_regression import ColorRegression
from kerasgan.metrics.protocols import BLOCK

# Psi of a baseline of models of classes. Of 0.9, 0.8 and 0.7 it brings CGAN
# and ACGAN on clothing nearest to the training images.
TRUNCATION = 0.8


def pair_baselines(reference, protocols=None):
    """Scores what every image-to-image model should beat.

    Args:
        reference: `ReferenceData` of a data set of pairs.
        protocols: See `kerasgan.evaluation.score`; those of cycles are left
            out. Defaults to those of a model of both directions.

    Returns:
        dict of `"copy"`, the input as it is, and `"color regression"`, each
        pixel recolored by a `ColorRegression` fitted to the training part, to
        scores; with protocols over features also `"real"`, images of the
        validation part in place of translations.
    """
    protocols = [
        protocol
        for protocol in scores.pair_protocols(reference, OTHER, protocols)
        if getattr(protocol, "score", None) != "cycle"
    ]
    train = reference.part("train")
    translators = {
        "copy": {side: lambda images: images for side in OTHER},
        "color regression": {
            side: ColorRegression.fit(train[side], train[other])
            for side, other in OTHER.items()
        },
    }
    found = {
        name: scores.score_pairs(both, reference, protocols)
        for name, both in translators.items()
    }
    over_features = [
        p for p in protocols if not isinstance(p, metrics.PairProtocol)
    ]
    if over_features:
        # Patches of the test part share pixels, so its halves would flatter.
        real = reference.images("validation")
        found["real"] = scores.score_pairs(
            {"input": lambda images: real}, reference, over_features
        )
    return found


def real_baseline(reference, protocols=None):
    """Scores real images in place of generated ones.

    Training images, sampled without replacement, where the reference part has
    their distribution. Where it differs, as the test part of personas does,
    one random half of the reference part against the other half. Under
    protocols of conditional accuracy, the real images of the same requests.

    Args:
        reference: `ReferenceData`.
        protocols: See `kerasgan.evaluation.score`. Defaults to those of
            models without conditions.

    Returns:
        See `kerasgan.evaluation.score`. `reference_pictures` and the
        protocol's `generated` give the number of images on either side.
    """
    protocols = scores.protocols_of(reference.data_set, "image", protocols)
    accuracies, parzens, others = scores.split_by_kind(protocols)
    found = {}
    if others:
        split = scores.reference_split(others)
        real = reference.images(split)
        order = np.random.default_rng(0)
        if split == reference.data_set.held_out_split:
            stand_in = reference.images("train")
            stand_in = stand_in[order.permutation(len(stand_in))]
        else:
            real = real[order.permutation(len(real))]
            half = len(real) // 2
            stand_in, real = real[:half], real[half:]
            others = [
                dataclasses.replace(one, generated=half) for one in others
            ]
        position = 0

        def generate(count, seed):
            nonlocal position
            position += count
            return stand_in[position - count : position]

        network = reference.network(others[0].features)
        found = metrics.evaluate(generate, batches(real), network, others)
    for protocol in accuracies:
        found[protocol.name] = scores.real_accuracy(reference, protocol)
    for protocol in parzens:
        found[protocol.name] = scores.parzen(
            lambda count, seed: reference.images("train")[seed * BLOCK :][
                :count
            ],
            reference,
            protocol,
        )
    return {protocol.name: found[protocol.name] for protocol in protocols}
