"""What is measured, and on what data: resolved once, then passed on."""

import dataclasses
import functools

import numpy as np

import zoo
from kerasgan import data, metrics, models, tasks
from kerasgan.data import catalog
from zoo import cards, loading

# Images that go through a network at once.
BATCH = 500
# The two halves of a pair.
OTHER = {"input": "target", "target": "input"}


class ReferenceData:
    """A data set at one image size, with its feature networks.

    Parts and networks are opened at first use and kept.

    Args:
        dataset: str. One of `kerasgan.data.NAMES`.
        size: int. Height and width of the images.
        networks: Sequence of `FeatureNetwork` that are used besides those of
            the zoo, found by their names. Defaults to none.

    Raises:
        ValueError: If there is no such data set.
    """

    def __init__(self, dataset, size, networks=()):
        self.data_set = catalog.get(dataset)
        self.size = size
        self._parts = {}
        self._networks = {network.name: network for network in networks}

    def part(self, split):
        """Returns the examples of a part, as `kerasgan.data.load` does.

        Args:
            split: str. `"train"`, `"validation"` or `"test"`.
        """
        if split not in self._parts:
            self._parts[split] = data.load(self.data_set.name, split, self.size)
        return self._parts[split]

    def images(self, split):
        """Returns the real images that generated ones are compared with.

        Args:
            split: str. `"train"`, `"validation"` or `"test"`.

        Returns:
            uint8 array `(count, size, size, channels)`.
        """
        return self.part(split)[self.data_set.image]

    def captions(self, split):
        """Returns the captions of a part.

        Args:
            split: str. `"train"`, `"validation"` or `"test"`.

        Returns:
            List of str.
        """
        return [text.decode("utf-8") for text in self.part(split)["caption"]]

    def network(self, name):
        """Returns a feature network.

        Args:
            name: str. One of `zoo.list("features")`, or
                `"efficientnet_lite0"`; any other name means the 2015
                Inception network.
        """
        if name not in self._networks:
            if name in zoo.list("features"):
                network = metrics.FeatureNetwork.load(zoo.folder(name))
            elif name == metrics.efficientnet.NAME:
                network = metrics.load_efficientnet_lite0()
            else:
                network = metrics.load_inception()
            self._networks[name] = network
        return self._networks[name]

    @property
    def features(self):
        """`FeatureNetwork` of the data at this size, or `None`."""
        name = self.data_set.features.get(self.size)
        return name and self.network(name)


@dataclasses.dataclass(frozen=True)
class Subject:
    """A model of the zoo and the data that it is measured on.

    Attributes:
        card: `zoo.Card`.
        gan: The model, not compiled.
        reference: `ReferenceData` of its data set and image size; of sentences,
            of the size that the data set has by default.
    """

    card: zoo.Card
    gan: models.GAN
    reference: ReferenceData

    @classmethod
    def load(cls, name, reference=None):
        """Finds a model.

        Args:
            name: str or path, as `zoo.load` takes it.
            reference: `ReferenceData` or `None`. That of another model of the
                same data and size. Defaults to a new one.

        Raises:
            ValueError: If there is no such model or data set, or the model
                generates points.
        """
        folder = zoo.folder(name)
        config, scores = cards.read(folder)
        card = cards.card(config, scores)
        output = tasks.TASKS[card.task].output
        if output == "points":
            raise ValueError(
                "Every protocol compares images or sentences. Received: "
                f"{card.name}, whose task is {card.task!r}"
            )
        if reference is None:
            size = card.sample_shape[0]
            if output == "text":
                size = catalog.get(card.dataset).size
            reference = ReferenceData(card.dataset, size)
        return cls(card, loading.build(folder, config), reference)

    @property
    def task(self):
        """The `kerasgan.tasks.Task` of the model."""
        return tasks.TASKS[self.card.task]

    @property
    def translators(self):
        """dict of a half of pairs to a callable that translates it.

        Both halves for models of both ways, `"input"` alone for other models
        of pairs, empty for all others.
        """
        if self.task.method != "translate":
            return {}
        if not isinstance(self.gan, models.TwoWayGAN):
            return {"input": self.gan.translate}
        return {
            "input": functools.partial(self.gan.translate, to="b"),
            "target": functools.partial(self.gan.translate, to="a"),
        }

    def generator(self, truncation=None):
        """Returns a callable like `gan.generate`.

        Args:
            truncation: float or `None`. Psi of all its images. Defaults to
                `None`, no truncation.
        """
        return functools.partial(
            self.gan.generate, batch_size=BATCH, truncation=truncation
        )

    def unconditional(self, count, seed):
        """Returns images without a request: for captions, of random ones.

        Args:
            count: int.
            seed: int. Of latents and captions.

        Returns:
            uint8 array `(count, size, size, channels)`.
        """
        generate = self.generator()
        if self.task.condition != "captions":
            return generate(count, seed=seed)
        captions = np.random.default_rng(seed).choice(
            self.reference.captions("test"), count
        )
        return generate(captions=captions.tolist(), seed=seed)


def batches(images, conditions=None):
    """Yields batches of images, or of pairs of images and conditions.

    Args:
        images: Array `(count, ...)`.
        conditions: Array `(count,)` or `None`. Defaults to `None`.
    """
    for start in range(0, len(images), BATCH):
        rows = slice(start, start + BATCH)
        if conditions is None:
            yield images[rows]
        else:
            yield images[rows], conditions[rows]
