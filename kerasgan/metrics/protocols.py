"""Protocols: everything that a score depends on, under one name.

A Fréchet distance changes with the features, the resizer, the numbers of
images and the reference split. Each `Protocol` fixes all of them, and
`evaluate` returns no number without one.
"""

import dataclasses
import hashlib
import json

import numpy as np

from kerasgan import names
from kerasgan.data import cache, catalog
from kerasgan.metrics import base, efficientnet, resize
from kerasgan.metrics.frechet import (
    FeatureStatistics,
    FrechetDistance,
    write_npz,
)
from kerasgan.metrics.inception_score import InceptionScore
from kerasgan.metrics.kernel import KernelDistance
from kerasgan.metrics.precision_recall import PrecisionRecall

# Version of the cached statistics; increment it to recompute them.
CACHE_VERSION = 1

# Block i of the generated images has the seed plus i, so that the images of a
# protocol can be reproduced and are never all in memory.
BLOCK = 1000

# How many images the protocols of the zoo's data sets generate at most.
COUNT = 10_000

# Metrics by their short names in protocols; each takes (features).
SCORES = {
    "fd": FrechetDistance,
    "is": InceptionScore,
    "kd": KernelDistance,
    "pr": PrecisionRecall,
}


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Everything that a score depends on but the images themselves.

    Args:
        name: str. As printed beside each number.
        score: str. `"fd"` (FID on Inception), `"is"`, `"kd"` (KID on
            Inception) or `"pr"` (precision, recall, density, coverage).
        features: str. The name of the feature network.
        generated: int. How many images are generated.
        reference_split: str or None. Split of the data set that generated
            images are compared with; None for scores that need no real
            images.
        reference_count: int or None. How many of its images, the first
            ones; None for all. Defaults to `None`.
        resizer: str or None. How images are resized to that of the network;
            None if they must have its size. Defaults to `None`.
        seed: int. Block i of 1,000 generated images is
            `generate(1000, seed=seed + i)`. Defaults to `0`.
        labels: str. How labels or captions of conditional models are chosen.
            One rule exists: `"data"` samples those of reference images,
            with replacement. Defaults to `"data"`.

    Raises:
        ValueError: If fields contradict each other.
    """

    name: str
    score: str
    features: str
    generated: int
    reference_split: str | None = None
    reference_count: int | None = None
    resizer: str | None = None
    seed: int = 0
    labels: str = "data"

    def __post_init__(self):
        resize.get(self.resizer)
        if self.score not in SCORES:
            raise ValueError(
                f"`score` must be one of {', '.join(SCORES)}. "
                f"Received: score={self.score!r}"
            )
        if self.generated < 2 or (self.reference_count or 2) < 2:
            raise ValueError(
                "A score needs at least two images. Received: generated="
                f"{self.generated}, reference_count={self.reference_count}"
            )
        if (self.reference_split is None) != (self.score == "is"):
            raise ValueError(
                "Every score but the Inception Score needs a reference "
                f"split. Received: score={self.score!r}, "
                f"reference_split={self.reference_split!r}"
            )
        if self.labels != "data":
            raise ValueError(
                f'`labels` must be "data". Received: labels={self.labels!r}'
            )

    def describe(self, features):
        """Returns what is stored beside each number.

        Args:
            features: `FeatureNetwork` of the protocol.

        Returns:
            dict of JSON-able values.
        """
        return dataclasses.asdict(self) | {"features_sha256": features.hash}


@dataclasses.dataclass(frozen=True)
class ConditionalAccuracyProtocol:
    """Share of images in which a classifier finds what was requested.

    Args:
        name: str. As printed beside each number.
        features: str. The name of the classifier.
        asked: str. What is requested. `"classes"`: as many images of each
            class, class after class; `"test captions"`: one image for each
            caption of the test part, in its order.
        generated: int. How many images are generated.
        attributes: Tuple of str. Which attributes of the classifier count.
        seed: int. Block i of 1,000 generated images has the seed plus i.
            Defaults to `0`.
    """

    name: str
    features: str
    asked: str
    generated: int
    attributes: tuple
    seed: int = 0

    def describe(self, features):
        """Returns what is stored beside each number.

        Args:
            features: `FeatureNetwork` of the protocol.

        Returns:
            dict of JSON-able values.
        """
        described = dataclasses.asdict(self)
        described["attributes"] = list(self.attributes)
        return described | {"features_sha256": features.hash}


@dataclasses.dataclass(frozen=True)
class PairProtocol:
    """Distance of translations from their targets, over a whole part.

    Args:
        name: str. As printed beside each number.
        score: str. `"pairs"`: L1, PSNR and SSIM between translations and
            their targets; `"cycle"`: L1 between images and their
            reconstructions after a translation there and back, from either
            side.
        dataset: str. Of `kerasgan.data.NAMES`; one of pairs.
        size: int. Height and width of the images: scores of different
            sizes do not compare.
        translated: str or None. `"input"` or `"target"`: the half of each
            pair that is translated, the other being the target; None for
            cycles, which begin at both.
        split: str. Defaults to `"test"`.
    """

    name: str
    score: str
    dataset: str
    size: int
    translated: str | None
    split: str = "test"

    def describe(self):
        """Returns what is stored beside each number.

        Returns:
            dict of JSON-able values.
        """
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class ParzenProtocol:
    """Log-likelihood of test images in Parzen windows on generated ones.

    Args:
        name: str. As printed beside each number.
        dataset: str. Of `kerasgan.data.NAMES`.
        size: int. Height and width of the middle of each image that is
            compared, without what the data set was padded with.
        generated: int. How many images are generated.
        validation: Tuple of two ints. Rows of the training part that sigma is
            chosen on: the first one, and the first one beyond.
        seed: int. Block i of 1,000 generated images has the seed plus i.
            Defaults to `0`.
    """

    name: str
    dataset: str
    size: int
    generated: int
    validation: tuple
    seed: int = 0

    def describe(self):
        """Returns what is stored beside each number.

        Returns:
            dict of JSON-able values.
        """
        described = dataclasses.asdict(self)
        return described | {"validation": list(self.validation)}

    def pixels(self, images):
        """Returns what is compared of images.

        Args:
            images: uint8 array `(count, height, width, channels)`.

        Returns:
            Float32 array `(count, size, size, channels)` in [0, 1].
        """
        top, left = ((side - self.size) // 2 for side in images.shape[1:3])
        middle = images[:, top : top + self.size, left : left + self.size]
        return np.asarray(middle, "float32") / 255.0


@dataclasses.dataclass(frozen=True)
class TextProtocol:
    """Errors, novelty and likelihood of sentences of a known grammar.

    Args:
        name: str. As printed beside each number.
        dataset: str. Of `kerasgan.data.NAMES`; one with captions.
        generated: int. How many sentences are generated.
        seed: int. Of the sentences. Defaults to `0`.
    """

    name: str
    dataset: str
    generated: int
    seed: int = 0

    def describe(self):
        """Returns what is stored beside each number.

        Returns:
            dict of JSON-able values.
        """
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class PathLengthProtocol:
    """Perceptual path length of a model's latents.

    Args:
        name: str. As printed beside each number.
        features: str. The name of the network whose feature maps are compared,
            by `PerceptualDistance`.
        space: str. `"z"` or `"w"`.
        sampling: str. `"full"` or `"end"`; see `perceptual_path_length`.
        segments: int. How many are compared.
        seed: int. See `perceptual_path_length`. Defaults to `0`.
    """

    name: str
    features: str
    space: str
    sampling: str
    segments: int
    seed: int = 0

    def describe(self, features):
        """Returns what is stored beside each number.

        Args:
            features: `FeatureNetwork` of the protocol.

        Returns:
            dict of JSON-able values.
        """
        return dataclasses.asdict(self) | {"features_sha256": features.hash}


KINDS = (
    Protocol,
    ConditionalAccuracyProtocol,
    PairProtocol,
    ParzenProtocol,
    PathLengthProtocol,
    TextProtocol,
)


def _over_efficientnet():
    """Over features that no model of the zoo was trained with."""
    lite0 = {"features": efficientnet.NAME, "resizer": "clean"}
    return [
        Protocol(
            f"{score}10k_{efficientnet.NAME}_{split}",
            score,
            generated=COUNT,
            reference_split=split,
            **lite0,
        )
        for score in ("fd", "kd")
        for split in ("train", "test")
    ]


def _over_inception():
    inception = {"features": base.INCEPTION, "resizer": "tf2015"}
    train, test = {"reference_split": "train"}, {"reference_split": "test"}
    return [
        # All training images: the convention of most papers since 2018.
        Protocol("fid50k_full", "fd", generated=50_000, **train, **inception),
        Protocol("fid10k_test", "fd", generated=10_000, **test, **inception),
        Protocol("kid50k_full", "kd", generated=50_000, **train, **inception),
        Protocol("kid10k_test", "kd", generated=10_000, **test, **inception),
        Protocol("is50k", "is", generated=50_000, **inception),
        Protocol("is10k", "is", generated=10_000, **inception),
        Protocol("pr10k_test", "pr", generated=10_000, **test, **inception),
    ]


def _of_images(data_set):
    """Returns the protocols of models that generate images like a set's."""
    features = data_set.features[data_set.size]
    protocols = [
        Protocol(
            f"{score}{_short(count)}_{data_set.name}_{split}",
            score,
            features,
            count,
            split,
        )
        for score in ("fd", "kd", "pr")
        for split in ("train", "test")
        # A smaller part is compared with as many generated images.
        for count in [min(COUNT, data_set.counts[split])]
    ]
    # As of StyleGAN, and as of StyleGAN2.
    protocols += [
        PathLengthProtocol(
            f"ppl10k_{data_set.name}_{space}_{sampling}",
            features,
            space,
            sampling,
            COUNT,
        )
        for space, sampling in (("z", "full"), ("w", "full"), ("w", "end"))
    ]
    if data_set.classes:
        protocols += [
            Protocol(f"is10k_{data_set.name}", "is", features, COUNT),
            ConditionalAccuracyProtocol(
                f"agreement10k_{data_set.name}",
                features,
                asked="classes",
                generated=COUNT,
                attributes=("class",),
            ),
        ]
        stored, *_ = data_set.stored_sizes
        # As the authors split MNIST, whose sizes this set has.
        protocols.append(
            ParzenProtocol(
                f"parzen10k_{data_set.name}_test",
                data_set.name,
                stored,
                COUNT,
                validation=(50_000, 51_000),
            )
        )
    if data_set.in_captions:
        count = data_set.counts["test"]
        protocols.append(
            ConditionalAccuracyProtocol(
                f"agreement{_short(count)}_{data_set.name}_test",
                features,
                asked="test captions",
                generated=count,
                attributes=data_set.in_captions,
            )
        )
        protocols.append(
            TextProtocol(
                f"captions{_short(COUNT)}_{data_set.name}_test",
                data_set.name,
                COUNT,
            )
        )
    return protocols


def _of_pairs(data_set):
    """Returns the protocols of models that translate a set's inputs."""
    protocols = []
    for size in (64, 128):
        name = f"{data_set.name}_test_{size}"
        here = {"dataset": data_set.name, "size": size}
        protocols += [
            PairProtocol(f"pairs_{name}", "pairs", translated="input", **here),
            PairProtocol(
                f"reversed_{name}", "pairs", translated="target", **here
            ),
            PairProtocol(f"cycle_{name}", "cycle", translated=None, **here),
        ]
        # Too few images for the Fréchet distance over these features.
        count = data_set.counts["test"]
        protocols.append(
            Protocol(
                f"kd{count}_{efficientnet.NAME}_{name}",
                "kd",
                efficientnet.NAME,
                count,
                "test",
                resizer="clean",
            )
        )
        if size in data_set.features:
            # Translations of all test inputs against their targets.
            protocols.append(
                Protocol(
                    f"fd{count}_{name}",
                    "fd",
                    data_set.features[size],
                    count,
                    "test",
                )
            )
    return protocols


def _short(count):
    return "10k" if count == COUNT else str(count)


def _named():
    protocols = _over_inception() + _over_efficientnet()
    for data_set in catalog.CATALOG.values():
        of = _of_pairs if data_set.has_pairs else _of_images
        protocols += of(data_set)
    return {protocol.name: protocol for protocol in protocols}


PROTOCOLS = _named()


def get(name):
    """Returns a protocol.

    Args:
        name: str, a key of `PROTOCOLS`, or a protocol, which is returned as
            it is.

    Raises:
        ValueError: If there is no protocol of that name.
    """
    if isinstance(name, KINDS):
        return name
    if name not in PROTOCOLS:
        raise ValueError(
            f"Unknown protocol: {name!r}. {names.hint(name, PROTOCOLS)}"
            f"There are: {', '.join(PROTOCOLS)}."
        )
    return PROTOCOLS[name]


@dataclasses.dataclass(frozen=True)
class Reference:
    """What scores need to know of the real images, from one pass over them.

    Args:
        statistics: `FeatureStatistics` of all of them.
        features: float32 array `(at most 10,000, num_features)`, a random
            subset.
        conditions: Array `(images,)` of their labels or captions, or None.
    """

    statistics: FeatureStatistics
    features: np.ndarray
    conditions: np.ndarray | None = None

    @classmethod
    def collect(cls, batches, features, count=None):
        """Computes it from real images.

        Args:
            batches: Iterable of uint8 batches `(batch, height, width,
                channels)`, or of tuples of such a batch and labels or
                captions.
            features: `FeatureNetwork`.
            count: int or None. How many, the first ones; None for all.
                Defaults to `None`.

        Raises:
            ValueError: If there are fewer than `count`, or fewer than two.
        """
        sums = FrechetDistance(features)
        subset = KernelDistance(features)
        conditions = []
        read = 0
        for batch in batches:
            images, *others = batch if isinstance(batch, tuple) else (batch,)
            kept = len(images) if count is None else count - read
            found = features(images[:kept])
            sums.update_features(real_features=found)
            subset.update_features(real_features=found)
            if others:
                conditions.append(np.asarray(others[0])[:kept])
            read += len(found)
            if read == count:
                break
        if count is not None and read < count:
            raise ValueError(
                f"The protocol needs {count} reference images. Received: {read}"
            )
        return cls(
            sums.statistics("real"),
            subset.real.result(),
            _plain(np.concatenate(conditions)) if conditions else None,
        )

    def save(self, path):
        """Writes an `.npz` file that `load` reads.

        Args:
            path: path. Its folder is made if missing.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            "mu": self.statistics.mean,
            "sigma": self.statistics.covariance,
            "count": np.int64(self.statistics.count),
            "features": self.features,
        }
        if self.conditions is not None:
            arrays["conditions"] = self.conditions
        write_npz(path, arrays)

    @classmethod
    def load(cls, path):
        """Reads a file of `save`.

        Args:
            path: path.

        Raises:
            OSError: If the file is damaged.
        """
        statistics = FeatureStatistics.load(path)
        with np.load(path, allow_pickle=False) as file:
            return cls(
                statistics,
                file["features"],
                file["conditions"] if "conditions" in file.files else None,
            )


def _plain(conditions):
    # Strings of TensorFlow are objects that hold bytes.
    if conditions.dtype == object:
        return np.array([text.decode("utf-8") for text in conditions])
    return conditions


def reference_path(name, split, count, features):
    """Returns where the statistics of reference images are cached.

    Args:
        name: str. Identifies the data exactly.
        split: str or None. Of the data.
        count: int or None. How many images; None for all.
        features: `FeatureNetwork`.

    Returns:
        `pathlib.Path` below `kerasgan.data.cache.home()`.
    """
    identity = {
        "data": name,
        "split": split,
        "count": count,
        "features": features.hash,
        "resizer": features.resizer,
        "version": CACHE_VERSION,
    }
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
    file = f"{features.name}-{split}-{digest[:16]}.npz"
    return cache.home() / "statistics" / file


def evaluate(
    generate,
    reference_dataset,
    features,
    protocol,
    *,
    condition=None,
    reference_name=None,
    insist=False,
    progress=None,
):
    """Scores generated images under one protocol or several.

    Several protocols share the generated images, the real ones, and one
    pass of both through the network, so they must agree on them.

    Args:
        generate: Callable that returns uint8 images `(count, height, width,
            channels)`, such as `gan.generate`. Called as `generate(count,
            seed=...)`, or with `condition="labels"` as
            `generate(labels=[...], seed=...)`.
        reference_dataset: Iterable of uint8 batches `(batch, height, width,
            channels)` of the reference split, or of tuples of such a batch
            and labels or captions. Not read where statistics are cached;
            may be None where no protocol needs it.
        features: `FeatureNetwork` with the name that the protocols give.
        protocol: str, `Protocol`, or sequence of those.
        condition: str or None. Keyword of `generate` for the labels or
            captions of reference images: `"labels"` or `"captions"`.
            Defaults to `None`.
        reference_name: str or None. Identifies the data exactly (data set,
            version, preparation, size) in the cache of reference statistics;
            None does not cache. Defaults to `None`.
        insist: bool. Allows a Fréchet distance from fewer images than
            features. Defaults to `False`.
        progress: Callable or None. Called as `progress(done, total)` after
            each block of generated images. Defaults to `None`.

    Returns:
        dict of protocol name to a dict of JSON-able values: `metric`, its
        `value` (for `"pr"` a dict of four), `deviation` for `"is"` and
        `"kd"`, `reference_pictures` but for `"is"`, and `protocol`, all
        fields of the protocol with the sha256 of the features.

    Raises:
        ValueError: If the network or the images are not those of the
            protocol, or a Fréchet distance would be computed from fewer
            images than features.

    Example:
    ```python
    scores = evaluate(
        gan.generate,
        test_batches,
        FeatureNetwork.load(folder),
        ["fd10k_fashion_mnist_test", "kd10k_fashion_mnist_test"],
    )
    print(scores["fd10k_fashion_mnist_test"]["value"])
    ```
    """
    if isinstance(protocol, (str, *KINDS)):
        protocol = [protocol]
    protocols = [get(one) for one in protocol]
    _check_together(protocols, features)
    first = protocols[0]
    compared = [one for one in protocols if one.score != "is"]
    reference = None
    if compared or condition:
        source = (compared or protocols)[0]
        reference = _reference(
            reference_dataset, features, source, reference_name
        )
    metrics = {}
    for one in protocols:
        if one.score == "fd":
            fewer = min(one.generated, reference.statistics.count)
            check_count(fewer, features, insist)
            metric = FrechetDistance(features, reference.statistics)
        elif one.score == "is":
            metric = InceptionScore(features)
        else:
            metric = SCORES[one.score](features, reference=reference.features)
        metrics[one.name] = metric
    conditions = None
    if condition:
        conditions = _sample_conditions(reference, first)
    for start in range(0, first.generated, BLOCK):
        stop = min(start + BLOCK, first.generated)
        seed = first.seed + start // BLOCK
        if condition:
            given = conditions[start:stop].tolist()
            images = generate(**{condition: given}, seed=seed)
        else:
            images = generate(stop - start, seed=seed)
        if len(images) != stop - start:
            raise ValueError(
                f"`generate` must return the requested {stop - start} images. "
                f"Received: {len(images)}"
            )
        found, probabilities = features.both(images)
        for metric in metrics.values():
            if isinstance(metric, InceptionScore):
                metric.update_probabilities(probabilities)
            else:
                metric.update_features(fake_features=found)
        if progress is not None:
            progress(stop, first.generated)
    report = {}
    for one in protocols:
        entry = {"metric": metrics[one.name].name}
        entry |= _values(metrics[one.name])
        if one.score != "is":
            entry["reference_pictures"] = reference.statistics.count
        report[one.name] = entry | {"protocol": one.describe(features)}
    return report


def _check_together(protocols, features):
    if not protocols:
        raise ValueError("Give at least one protocol. Received: none")
    for one in protocols:
        if not isinstance(one, Protocol):
            raise ValueError(
                f"The protocol {one.name!r} needs more than generated images; "
                "use `kerasgan evaluate`. Received: "
                f"{type(one).__name__}"
            )
        if (one.features, one.resizer) != (features.name, features.resizer):
            raise ValueError(
                f"The protocol {one.name!r} is over the features "
                f"{one.features!r} with resizer={one.resizer!r}. Received: "
                f"features.name={features.name!r}, "
                f"features.resizer={features.resizer!r}"
            )
    generated = {(one.generated, one.seed) for one in protocols}
    references = {
        (one.reference_split, one.reference_count)
        for one in protocols
        if one.score != "is"
    }
    if len(generated) > 1 or len(references) > 1:
        raise ValueError(
            "Protocols that are evaluated together must have the same "
            "images: number, seed, split. Received: "
            f"{', '.join(one.name for one in protocols)}"
        )


def check_count(count, features, insist=False):
    """Refuses a Fréchet distance from fewer images than features.

    Args:
        count: int. Images on the side that has fewer.
        features: `FeatureNetwork`.
        insist: bool. Allows it. Defaults to `False`.

    Raises:
        ValueError: If there are fewer images than features.
    """
    if count >= features.num_features or insist:
        return
    name = base.metric_name("fd", "fid", features)
    other = base.metric_name("kd", "kid", features)
    raise ValueError(
        f"{name} needs at least as many images as features: with fewer the "
        "covariance is singular and the value is far too high. Received: "
        f"{count} images, {features.num_features} features. Use {other}, "
        "which does not depend on the number and which `kerasgan compare A B` "
        "gives, or insist: `insist=True`, or `--insist` on the command line."
    )


def _reference(batches, features, protocol, name):
    split, count = protocol.reference_split, protocol.reference_count
    if name is None:
        path = None
    else:
        path = reference_path(name, split, count, features)
        if path.exists():
            return Reference.load(path)
    if batches is None:
        raise ValueError(
            f"The protocol {protocol.name!r} compares with real images. "
            "Received: reference_dataset=None"
        )
    reference = Reference.collect(batches, features, count)
    if path is not None:
        reference.save(path)
    return reference


def _sample_conditions(reference, protocol):
    if reference.conditions is None:
        raise ValueError(
            "Conditions are sampled from those of the reference images. "
            "Received: a `reference_dataset` of images alone"
        )
    random = np.random.default_rng(protocol.seed)
    return random.choice(reference.conditions, protocol.generated)


def _values(metric):
    if isinstance(metric, PrecisionRecall):
        values = metric.result().items()
        return {"value": {name: float(value) for name, value in values}}
    if isinstance(metric, FrechetDistance):
        return {"value": float(metric.result())}
    value, stddev = metric.score()
    return {"value": value, "deviation": stddev}
