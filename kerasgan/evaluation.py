"""Measuring a model of the zoo against the data it was trained to draw."""

import numpy as np

import zoo
from kerasgan import data, metrics

# What a model is measured by when nothing is asked, by its data set.
DEFAULT_PROTOCOLS = {
    "fashion_mnist": (
        "fd10k_fashion_mnist_test",
        "kd10k_fashion_mnist_test",
        "pr10k_fashion_mnist_test",
        "is10k_fashion_mnist",
    ),
}
# By task: what the generator is told besides the latents, and the name of
# the data's feature that holds it.
CONDITIONS = {
    "image": (None, None),
    "class-to-image": ("labels", "label"),
    "text-to-image": ("captions", "caption"),
}
BATCH = 500


def evaluate(name, protocols=None, progress=None):
    """Scores a model of the zoo.

    Args:
        name: str or path, as `zoo.load` takes it.
        protocols: str, sequence of str or `None`. Names of
            `kerasgan.metrics.PROTOCOLS`. Defaults to those of the model's
            data set.
        progress: Callable or `None`. Called as `progress(done, total)`.

    Returns:
        dict of protocol name to its score, as
        `kerasgan.metrics.evaluate` gives it.

    Raises:
        ValueError: If there is no such model or protocol.
        OSError: If the data are not prepared.
    """
    card = zoo.card(name)
    if card.task not in CONDITIONS:
        raise ValueError(
            f"{card.name} turns images into others; the protocols here are "
            "for models that draw new ones."
        )
    gan = zoo.load(name)

    def generate(*args, **kwargs):
        return gan.generate(*args, **kwargs, batch_size=BATCH)

    return score(
        generate,
        card.dataset,
        protocols,
        size=card.image_shape[0],
        task=card.task,
        progress=progress,
    )


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
    protocols = _protocols(dataset, protocols)
    condition, feature = CONDITIONS[task]
    split = next(
        (p.reference_split for p in protocols if p.reference_split), "train"
    )
    examples = data.load(dataset, split, size)
    network = _network(protocols[0])

    def batches():
        for start in range(0, len(examples["image"]), BATCH):
            rows = slice(start, start + BATCH)
            images = examples["image"][rows]
            yield (images, examples[feature][rows]) if feature else images

    return metrics.evaluate(
        generate,
        batches(),
        network,
        protocols,
        condition=condition,
        progress=progress,
    )


def class_shares(generate, dataset, count=10_000, seed=0):
    """Returns how often each class is drawn, as a classifier sees it.

    A class that is missing, or far from its share in the data, is what mode
    collapse looks like.

    Args:
        generate: Callable like `gan.generate`.
        dataset: str. `"fashion_mnist"`.
        count: int. Images to draw. Defaults to `10000`.
        seed: int. Of the images. Defaults to `0`.

    Returns:
        dict of class name to its share.
    """
    network = zoo.features(dataset)
    counts = np.zeros(network.num_classes, "int64")
    images = generate(count, seed=seed)
    for start in range(0, count, BATCH):
        seen = network.probabilities(images[start : start + BATCH])
        found = np.argmax(np.asarray(seen), axis=1)
        counts += np.bincount(found, minlength=len(counts))
    shares = counts / count
    return dict(zip(network.classes, shares.tolist(), strict=True))


def real_against_real(dataset, protocols=None, *, size):
    """Scores real training images as if a model had drawn them.

    Args:
        dataset: str. One of `kerasgan.data.NAMES`.
        protocols: See `evaluate`.
        size: int. Height and width of the images.

    Returns:
        See `evaluate`. The training images are drawn without replacement.
    """
    images = data.load(dataset, "train", size)["image"]
    order = np.random.default_rng(0).permutation(len(images))
    position = 0

    def generate(count, seed):
        nonlocal position
        rows = order[position : position + count]
        position += count
        return images[rows]

    return score(generate, dataset, protocols, size=size)


def _protocols(dataset, names):
    if names is None:
        if dataset not in DEFAULT_PROTOCOLS:
            raise ValueError(
                f"There is no usual protocol for {dataset!r}; name one of "
                f"{', '.join(metrics.PROTOCOLS)}."
            )
        names = DEFAULT_PROTOCOLS[dataset]
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in metrics.PROTOCOLS]
    if unknown:
        raise ValueError(
            f"Unknown protocol: {unknown[0]!r}. There are "
            f"{', '.join(metrics.PROTOCOLS)}."
        )
    return [metrics.PROTOCOLS[name] for name in names]


def _network(protocol):
    if protocol.features in zoo.list("features"):
        return metrics.FeatureNetwork.load(zoo.folder(protocol.features))
    return metrics.load_inception()
