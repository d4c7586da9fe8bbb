"""Scores of generators and translators under the protocols of a data set."""

import numpy as np

from kerasgan import metrics, tasks
from kerasgan.data import catalog
from kerasgan.evaluation.subject import OTHER, batches
from kerasgan.metrics.protocols import BLOCK, KINDS, get


def is_measured(dataset, task):
    """Returns whether there are default protocols for a data set and a task.

    Args:
        dataset: str.
        task: str. As on a card.
    """
    if dataset not in catalog.CATALOG:
        return False
    data_set = catalog.get(dataset)
    if tasks.TASKS[task].method == "translate":
        return data_set.has_pairs
    return task in data_set.protocols


def score_images(
    generate, reference, protocols=None, *, task="image", progress=None
):
    """Scores anything that generates images like those of a data set.

    Args:
        generate: Callable like `gan.generate`.
        reference: `ReferenceData`.
        protocols: See `kerasgan.evaluation.score`.
        task: str. Of the model. Defaults to `"image"`.
        progress: See `kerasgan.evaluation.score`.

    Returns:
        See `kerasgan.evaluation.score`.

    Raises:
        ValueError: If a protocol does not fit the task, or there is none by
            default.
    """
    protocols = protocols_of(reference.data_set, task, protocols)
    accuracies, parzens, others = split_by_kind(protocols)
    unfit = [
        p
        for p in protocols
        if isinstance(p, (metrics.PairProtocol, metrics.TextProtocol))
    ]
    if tasks.TASKS[task].condition is None:
        unfit += accuracies
    if unfit:
        raise ValueError(
            f"The protocol {unfit[0].name!r} is for models of another task. "
            f"Received: task={task!r}"
        )
    found = {}
    if others:
        examples = reference.part(reference_split(others))
        feature = tasks.TASKS[task].feature
        found = metrics.evaluate(
            generate,
            batches(
                examples[reference.data_set.image],
                examples[feature] if feature else None,
            ),
            reference.network(others[0].features),
            others,
            condition=tasks.TASKS[task].condition,
            progress=progress,
        )
    for protocol in accuracies:
        found[protocol.name] = conditional_accuracy(
            generate, reference, protocol, progress=progress
        )
    for protocol in parzens:
        found[protocol.name] = parzen(
            generate, reference, protocol, task=task, progress=progress
        )
    return {protocol.name: found[protocol.name] for protocol in protocols}


def parzen(generate, reference, protocol, *, task="image", progress=None):
    """Scores how likely test images are in windows on generated ones.

    Args:
        generate: Callable like `gan.generate`.
        reference: `ReferenceData`.
        protocol: `kerasgan.metrics.ParzenProtocol`.
        task: str. Of the model. Defaults to `"image"`.
        progress: See `kerasgan.evaluation.score`.

    Returns:
        One score, as `kerasgan.evaluation.score` returns it: `value` is a dict
        of `log_likelihood`, `standard_error` and `sigma`.

    Raises:
        ValueError: If the protocol is of another data set.
    """
    if protocol.dataset != reference.data_set.name:
        raise ValueError(
            f"The protocol {protocol.name!r} is of {protocol.dataset}. "
            f"Received: a model of {reference.data_set.name}"
        )
    condition = tasks.TASKS[task].condition
    test = reference.part("test")
    if condition:
        conditions = np.random.default_rng(protocol.seed).choice(
            test[tasks.TASKS[task].feature], protocol.generated
        )
    blocks = []
    for start in range(0, protocol.generated, BLOCK):
        stop = min(start + BLOCK, protocol.generated)
        seed = protocol.seed + start // BLOCK
        if condition:
            given = conditions[start:stop].tolist()
            images = generate(**{condition: given}, seed=seed)
        else:
            images = generate(stop - start, seed=seed)
        blocks.append(protocol.pixels(images))
        if progress is not None:
            progress(stop, protocol.generated)
    validation = reference.images("train")[slice(*protocol.validation)]
    real = reference.images("test")
    return {
        "metric": "parzen",
        "value": metrics.parzen(
            np.concatenate(blocks),
            protocol.pixels(validation),
            protocol.pixels(real),
        ),
        "reference_pictures": len(real),
        "protocol": protocol.describe(),
    }


def path_length(gan, reference, protocol, *, progress=None):
    """Scores how smoothly images follow latents.

    Args:
        gan: A `LatentGAN`.
        reference: `ReferenceData`, for its feature network.
        protocol: `kerasgan.metrics.PathLengthProtocol`.
        progress: See `kerasgan.evaluation.score`.

    Returns:
        One score, as `kerasgan.evaluation.score` returns it.

    Raises:
        TypeError: If the model has no latents, or for w no styles.
    """
    network = reference.network(protocol.features)
    value = metrics.path_length_of(
        gan,
        metrics.PerceptualDistance(network),
        protocol.segments,
        space=protocol.space,
        sampling=protocol.sampling,
        seed=protocol.seed,
        progress=progress,
    )
    return {
        "metric": f"ppl_{protocol.features}",
        "value": value,
        "protocol": protocol.describe(network),
    }


def conditional_accuracy(generate, reference, protocol, *, progress=None):
    """Scores how often a classifier finds in images what was requested.

    Args:
        generate: Callable like `gan.generate` of a conditional model.
        reference: `ReferenceData`.
        protocol: `kerasgan.metrics.ConditionalAccuracyProtocol`.
        progress: See `kerasgan.evaluation.score`.

    Returns:
        One score, as `kerasgan.evaluation.score` returns it: `value` is a dict
        of attribute to the share of images that show its requested value, and
        under protocols of classes of each class's name to its share too.
    """
    conditions, requested, _ = _requests(reference, protocol)
    keyword = "labels" if protocol.asked == "classes" else "captions"
    images = []
    for start in range(0, len(conditions), BLOCK):
        block = conditions[start : start + BLOCK]
        seed = protocol.seed + start // BLOCK
        images.append(generate(**{keyword: block}, seed=seed))
        if progress is not None:
            progress(start + len(block), len(conditions))
    return _accuracy(reference, protocol, np.concatenate(images), requested)


def real_accuracy(reference, protocol):
    """Returns the same as `conditional_accuracy` for real images.

    Args:
        reference: `ReferenceData`.
        protocol: See `conditional_accuracy`.
    """
    _, requested, images = _requests(reference, protocol)
    return _accuracy(reference, protocol, images, requested)


def score_pairs(translators, reference, protocols=None):
    """Scores anything that translates one half of the pairs to the other.

    Args:
        translators: dict of `"input"`, the half that is translated, to a
            callable from uint8 images to those of the other half; of
            `"target"` too, for a model of both directions.
        reference: `ReferenceData` of a data set of pairs.
        protocols: See `kerasgan.evaluation.score`.

    Returns:
        See `kerasgan.evaluation.score`.

    Raises:
        ValueError: If a protocol is of another size or data set, or of a
            direction without a translator.
    """
    protocols = pair_protocols(reference, translators, protocols)
    kinds = (metrics.Protocol, metrics.PairProtocol)
    check_kind(protocols, kinds, "image-to-image")
    examples = reference.part("test")
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
                batches(examples["target"]),
                reference.network(protocol.features),
                protocol,
            )
            continue
        here = reference.data_set.name, reference.size
        if (protocol.dataset, protocol.size) != here:
            raise ValueError(
                f"The protocol {protocol.name!r} is of {protocol.dataset} at "
                f"{protocol.size}x{protocol.size}. Received: {here[0]} at "
                f"{here[1]}x{here[1]}"
            )
        if protocol.score == "cycle":
            there = {side: translated(side) for side in ("target", "input")}
            value = {
                f"{side} and back": float(
                    metrics.l1(
                        translators[OTHER[side]](there[side]), examples[side]
                    ).mean()
                )
                for side in ("input", "target")
            }
        else:
            side = protocol.translated
            pairs = metrics.PairSimilarity()
            pairs.update_state(examples[OTHER[side]], translated(side))
            value = {k: float(v) for k, v in pairs.result().items()}
        found[protocol.name] = {
            "metric": protocol.score,
            "value": value,
            "reference_pictures": len(examples["input"]),
            "protocol": protocol.describe(),
        }
    return found


def protocols_of(data_set, task, names=None):
    """Returns the protocols of a model that generates images.

    Args:
        data_set: `kerasgan.data.catalog.DataSet`.
        task: str. Of the model.
        names: str, sequence of str or protocols, or `None` for the default.

    Returns:
        List of protocols.

    Raises:
        ValueError: If there is none of a name, or none by default.
    """
    if names is None:
        if task not in data_set.protocols:
            raise ValueError(
                f"There is no default protocol for {task} on "
                f"{data_set.name!r}; name one of "
                f"{', '.join(metrics.PROTOCOLS)}."
            )
        names = data_set.protocols[task]
    if isinstance(names, (str, *KINDS)):
        names = [names]
    return [get(name) for name in names]


def pair_protocols(reference, directions, names=None):
    """Returns the protocols of a model that translates.

    Args:
        reference: `ReferenceData` of a data set of pairs.
        directions: Collection of the halves that are translated.
        names: str, sequence of str or protocols, or `None` for the default.

    Returns:
        List of protocols.

    Raises:
        ValueError: If there is none of a name.
    """
    if names is None:
        suffix = f"{reference.data_set.name}_test_{reference.size}"
        names = [f"pairs_{suffix}"]
        if "target" in directions:
            names += [f"reversed_{suffix}", f"cycle_{suffix}"]
        over_features = f"fd{reference.data_set.counts['test']}_{suffix}"
        if over_features in metrics.PROTOCOLS:
            names.append(over_features)
    names = [names] if isinstance(names, str) else names
    return [get(name) for name in names]


def check_kind(protocols, kind, task):
    """Refuses protocols that are not for a task.

    Args:
        protocols: Sequence of protocols.
        kind: Class or classes of the protocols that are.
        task: str.

    Raises:
        ValueError: If there is another one.
    """
    for protocol in protocols:
        if not isinstance(protocol, kind):
            raise ValueError(
                f"The protocol {protocol.name!r} is for models of another "
                f"task. Received: task={task!r}"
            )


def split_by_kind(protocols):
    """Returns protocols of conditional accuracy, Parzen windows, and the rest.

    Args:
        protocols: Sequence of protocols.
    """
    accuracies, parzens = (
        [p for p in protocols if isinstance(p, kind)]
        for kind in (
            metrics.ConditionalAccuracyProtocol,
            metrics.ParzenProtocol,
        )
    )
    others = [p for p in protocols if p not in (*accuracies, *parzens)]
    return accuracies, parzens, others


def reference_split(protocols):
    """Returns the part that protocols compare with.

    Args:
        protocols: Sequence of `Protocol`.
    """
    splits = (p.reference_split for p in protocols if p.reference_split)
    return next(splits, "train")


def _requests(reference, protocol):
    """Returns conditions, the values they request, and real images of them."""
    examples = reference.part("test")
    images = reference.images("test")
    if protocol.asked == "classes":
        count = len(reference.network(protocol.features).classes)
        labels = np.repeat(np.arange(count), protocol.generated // count)
        # The test part has as many of each class, so it stands for them.
        order = np.argsort(examples["label"], kind="stable")
        return labels.tolist(), {"class": labels}, images[order]
    from kerasgan.data import personas  # Needs TFDS, as its data do.

    return (
        reference.captions("test"),
        personas.visible_labels(examples["attributes"]),
        images,
    )


def _accuracy(reference, protocol, images, requested):
    network = reference.network(protocol.features)
    found = network.recognize(images)
    value = {}
    for attribute in protocol.attributes:
        right = requested[attribute]
        named = right >= 0  # -1 where the caption does not name it.
        value[attribute] = float(
            np.mean(found[attribute][named] == right[named])
        )
    if list(value) == ["class"]:
        value |= {
            name: float(
                np.mean(found["class"][requested["class"] == label] == label)
            )
            for label, name in enumerate(network.classes)
        }
    return {
        "metric": f"agreement_{network.name}",
        "value": value,
        "reference_pictures": len(images),
        "protocol": protocol.describe(network),
    }
