"""Protocols: all that a score depends on, under one name.

A Fréchet distance changes with the features, the resizer, the numbers of
pictures and the split that they are compared with. Each `Protocol` fixes all
of it, and `evaluate` returns no number without one.
"""

import dataclasses
import hashlib
import itertools
import json

import numpy as np

from kerasgan.data import cache
from kerasgan.metrics import base, resize
from kerasgan.metrics.frechet import (
    FeatureStatistics,
    FrechetDistance,
    write_npz,
)
from kerasgan.metrics.inception_score import InceptionScore
from kerasgan.metrics.kernel import KernelDistance
from kerasgan.metrics.precision_recall import PrecisionRecall

# Of the arithmetic behind cached reference statistics. A new one makes all
# of them anew.
CACHE_VERSION = 1

# Block i of the generated pictures comes from the seed plus i, so that the
# pictures of a protocol can be made again and never are all in memory.
BLOCK = 1000

# Score by its short name in protocols; each takes (features).
SCORES = {
    "fd": FrechetDistance,
    "is": InceptionScore,
    "kd": KernelDistance,
    "pr": PrecisionRecall,
}

FASHION_MNIST = "classifier_fashion_mnist_32"
PERSONAS = "classifier_personas_64"
RELIEF = "classifier_relief_128"


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Everything that a score depends on but the pictures themselves.

    Args:
        name: str. As printed beside each number.
        score: str. `"fd"` (FID on Inception), `"is"`, `"kd"` (KID on
            Inception) or `"pr"` (precision, recall, density, coverage).
        features: str. The name of the feature network.
        generated: int. How many pictures are generated.
        reference_split: str or None. Split of the data set that generated
            pictures are compared with; None for scores that never look at
            real pictures.
        reference_count: int or None. How many of its pictures, the first
            ones; None for all. Defaults to `None`.
        resizer: str or None. How pictures reach the size of the network; None
            if they must have it. Defaults to `None`.
        seed: int. Block i of 1,000 generated pictures is
            `generate(1000, seed=seed + i)`. Defaults to `0`.
        labels: str. How labels or captions of conditional models are chosen.
            One rule exists: `"data"` draws those of reference pictures, with
            replacement. Defaults to `"data"`.

    Raises:
        ValueError: If a field makes no sense.
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
                "A score needs at least two pictures. Received: generated="
                f"{self.generated}, reference_count={self.reference_count}"
            )
        if (self.reference_split is None) != (self.score == "is"):
            raise ValueError(
                "Every score but the Inception Score is taken against a "
                f"reference split. Received: score={self.score!r}, "
                f"reference_split={self.reference_split!r}"
            )
        if self.labels != "data":
            raise ValueError(
                f'`labels` must be "data". Received: labels={self.labels!r}'
            )

    def describe(self, features):
        """Returns what is stored beside each number.

        Args:
            features: `FeatureNetwork` that was looked through.

        Returns:
            dict of JSON-able values.
        """
        return dataclasses.asdict(self) | {"features_sha256": features.hash}


@dataclasses.dataclass(frozen=True)
class AgreementProtocol:
    """How often a classifier sees in a picture what was asked for.

    Args:
        name: str. As printed beside each number.
        features: str. The name of the classifier.
        asked: str. `"classes"`: as many pictures of each class, class after
            class; `"test captions"`: one picture for each caption of the test
            part, in its order.
        generated: int. How many pictures are generated.
        attributes: Tuple of str. What is looked at, of the classifier's
            attributes.
        seed: int. Block i of 1,000 generated pictures comes from the seed
            plus i. Defaults to `0`.
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
            features: `FeatureNetwork` that was looked through.

        Returns:
            dict of JSON-able values.
        """
        described = dataclasses.asdict(self)
        described["attributes"] = list(self.attributes)
        return described | {"features_sha256": features.hash}


@dataclasses.dataclass(frozen=True)
class PairProtocol:
    """How near translations are to what they should be, over a whole part.

    Args:
        name: str. As printed beside each number.
        score: str. `"pairs"`: L1, PSNR and SSIM between translations and
            their targets; `"cycle"`: L1 between pictures and what comes back
            after a translation there and back, from either side.
        dataset: str. Of `kerasgan.data.NAMES`; one of pairs.
        size: int. Height and width of the pictures: scores at other sizes do
            not compare.
        translated: str or None. `"input"` or `"target"`: which half of each
            pair the model is given, the other being what should come out;
            None for cycles, which begin at both.
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


KINDS = (Protocol, AgreementProtocol, PairProtocol)

# What captions of personas name, of the attributes of its classifier. They
# name the shirt's pattern too, but not the other cuts.
IN_CAPTIONS = (
    "hair",
    "hair_color",
    "eyes",
    "mouth",
    "skin",
    "clothing_color",
    "facial_hair",
)


def _named():
    inception = {"features": base.INCEPTION, "resizer": "tf2015"}
    classifier = {"features": FASHION_MNIST}
    train, test = {"reference_split": "train"}, {"reference_split": "test"}
    protocols = [
        # All training pictures: the rule of most papers since 2018.
        Protocol("fid50k_full", "fd", generated=50_000, **train, **inception),
        Protocol("fid10k_test", "fd", generated=10_000, **test, **inception),
        Protocol("kid50k_full", "kd", generated=50_000, **train, **inception),
        Protocol("kid10k_test", "kd", generated=10_000, **test, **inception),
        Protocol("is50k", "is", generated=50_000, **inception),
        Protocol("is10k", "is", generated=10_000, **inception),
        Protocol("pr10k_test", "pr", generated=10_000, **test, **inception),
        Protocol("is10k_fashion_mnist", "is", generated=10_000, **classifier),
    ]
    for split in (train, test):
        suffix = f"fashion_mnist_{split['reference_split']}"
        protocols += [
            Protocol(
                f"{score}10k_{suffix}",
                score,
                generated=10_000,
                **split,
                **classifier,
            )
            for score in ("fd", "kd", "pr")
        ]
    protocols.append(
        AgreementProtocol(
            "agreement10k_fashion_mnist",
            FASHION_MNIST,
            asked="classes",
            generated=10_000,
            attributes=("class",),
        )
    )
    # The test part of personas has pairs of hair and color that are nowhere
    # else, so only models that are told what to draw are held to it.
    faces = {"features": PERSONAS}
    protocols += [
        protocol
        for score in ("fd", "kd", "pr")
        for protocol in (
            Protocol(
                f"{score}10k_personas_train",
                score,
                generated=10_000,
                **train,
                **faces,
            ),
            Protocol(
                f"{score}3479_personas_test",
                score,
                generated=3479,
                **test,
                **faces,
            ),
        )
    ]
    protocols.append(
        AgreementProtocol(
            "agreement3479_personas_test",
            PERSONAS,
            asked="test captions",
            generated=3479,
            attributes=IN_CAPTIONS,
        )
    )
    for dataset, size in itertools.product(("fluent", "relief"), (64, 128)):
        name = f"{dataset}_test_{size}"
        here = {"dataset": dataset, "size": size}
        protocols += [
            PairProtocol(f"pairs_{name}", "pairs", translated="input", **here),
            PairProtocol(
                f"reversed_{name}", "pairs", translated="target", **here
            ),
            PairProtocol(f"cycle_{name}", "cycle", translated=None, **here),
        ]
    # Translations of all test inputs against their targets.
    protocols.append(
        Protocol(
            "fd340_relief_test_128",
            "fd",
            features=RELIEF,
            generated=340,
            **test,
        )
    )
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
            f"Unknown protocol: {name!r}. There are: {', '.join(PROTOCOLS)}."
        )
    return PROTOCOLS[name]


@dataclasses.dataclass(frozen=True)
class Reference:
    """What scores need of the real pictures, from one pass over them.

    Args:
        statistics: `FeatureStatistics` of all of them.
        features: float32 array `(at most 10,000, num_features)`, a random
            subset.
        conditions: Array `(pictures,)` of the labels or captions beside them,
            or None.
    """

    statistics: FeatureStatistics
    features: np.ndarray
    conditions: np.ndarray | None = None

    @classmethod
    def collect(cls, batches, features, count=None):
        """Reads real pictures.

        Args:
            batches: Iterable of uint8 batches `(batch, height, width,
                channels)`, or of tuples of such a batch and labels or
                captions.
            features: `FeatureNetwork`.
            count: int or None. Only the first ones; None for all. Defaults to
                `None`.

        Raises:
            ValueError: If there are fewer than `count`, or than two.
        """
        sums = FrechetDistance(features)
        subset = KernelDistance(features)
        conditions = []
        seen = 0
        for batch in batches:
            images, *others = batch if isinstance(batch, tuple) else (batch,)
            kept = len(images) if count is None else count - seen
            found = features(images[:kept])
            sums.update_features(real_features=found)
            subset.update_features(real_features=found)
            if others:
                conditions.append(np.asarray(others[0])[:kept])
            seen += len(found)
            if seen == count:
                break
        if count is not None and seen < count:
            raise ValueError(
                f"The protocol asks for {count} reference pictures. "
                f"Received: {seen}"
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
        """Reads what `save` wrote.

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
    # TensorFlow's strings arrive as objects that hold bytes.
    if conditions.dtype == object:
        return np.array([text.decode("utf-8") for text in conditions])
    return conditions


def reference_path(name, split, count, features):
    """Returns where the statistics of reference pictures are cached.

    Args:
        name: str. Names the data exactly.
        split: str or None. Of the data.
        count: int or None. How many pictures; None for all.
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
    """Scores generated pictures under one protocol or several.

    Several protocols share the generated pictures, the real ones, and one
    pass of either through the network, so they must ask for the same.

    Args:
        generate: Callable that returns uint8 pictures `(count, height, width,
            channels)`, such as `gan.generate`. Called as `generate(count,
            seed=...)`, or with `condition="labels"` as
            `generate(labels=[...], seed=...)`.
        reference_dataset: Iterable of uint8 batches `(batch, height, width,
            channels)` of the reference split, or of tuples of such a batch
            and labels or captions. Not read where statistics are cached, and
            may be None where nothing is asked of it.
        features: `FeatureNetwork` with the name that the protocols give.
        protocol: str, `Protocol`, or sequence of those.
        condition: str or None. Keyword under which `generate` takes what
            stands beside the reference pictures: `"labels"` or `"captions"`.
            Defaults to `None`.
        reference_name: str or None. Names the data exactly (data set,
            version, preparation, size) in the cache of reference statistics;
            None does not cache. Defaults to `None`.
        insist: bool. Takes a Fréchet distance from fewer pictures than
            features, too. Defaults to `False`.
        progress: Callable or None. Called as `progress(done, total)` after
            each block of generated pictures. Defaults to `None`.

    Returns:
        dict of protocol name to a dict of JSON-able values: `metric`, its
        `value` (for `"pr"` a dict of four), `deviation` for `"is"` and
        `"kd"`, `reference_pictures` but for `"is"`, and `protocol`, all
        fields of the protocol with the sha256 of the features.

    Raises:
        ValueError: If the network or the pictures are not those of the
            protocol, or a Fréchet distance would be taken from fewer pictures
            than features.

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
    asked = [get(one) for one in protocol]
    _check_together(asked, features)
    first = asked[0]
    compared = [one for one in asked if one.score != "is"]
    reference = None
    if compared or condition:
        source = (compared or asked)[0]
        reference = _reference(
            reference_dataset, features, source, reference_name
        )
    metrics = {}
    for one in asked:
        if one.score == "fd":
            pictures = min(one.generated, reference.statistics.count)
            check_count(pictures, features, insist)
            metric = FrechetDistance(features, reference.statistics)
        elif one.score == "is":
            metric = InceptionScore(features)
        else:
            metric = SCORES[one.score](features, reference=reference.features)
        metrics[one.name] = metric
    conditions = None
    if condition:
        conditions = _draw_conditions(reference, first)
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
                f"`generate` must return {stop - start} pictures when asked "
                f"for as many. Received: {len(images)}"
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
    for one in asked:
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
                f"The protocol {one.name!r} looks at more than the generated "
                "pictures; `kerasgan evaluate` takes it. Received: "
                f"{type(one).__name__}"
            )
        if (one.features, one.resizer) != (features.name, features.resizer):
            raise ValueError(
                f"The protocol {one.name!r} looks through the features "
                f"{one.features!r} with resizer={one.resizer!r}. Received: "
                f"features.name={features.name!r}, "
                f"features.resizer={features.resizer!r}"
            )
    pictures = {(one.generated, one.seed) for one in protocols}
    references = {
        (one.reference_split, one.reference_count)
        for one in protocols
        if one.score != "is"
    }
    if len(pictures) > 1 or len(references) > 1:
        raise ValueError(
            "Protocols that are taken together must ask for the same "
            "pictures: number, seed, split. Received: "
            f"{', '.join(one.name for one in protocols)}"
        )


def check_count(pictures, features, insist=False):
    """Refuses a Fréchet distance from fewer pictures than features.

    Args:
        pictures: int. On the side that has fewer.
        features: `FeatureNetwork`.
        insist: bool. Refuses nothing. Defaults to `False`.

    Raises:
        ValueError: If there are fewer pictures than features.
    """
    if pictures >= features.num_features or insist:
        return
    name = base.metric_name("fd", "fid", features)
    other = base.metric_name("kd", "kid", features)
    raise ValueError(
        f"{name} needs at least as many pictures as features: with fewer the "
        "covariance is singular and the value is far too high. Received: "
        f"{pictures} pictures, {features.num_features} features. Use {other}, "
        "which does not depend on the number, or insist: `insist=True`, or "
        "`--insist` on the command line."
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
            f"The protocol {protocol.name!r} compares with real pictures. "
            "Received: reference_dataset=None"
        )
    reference = Reference.collect(batches, features, count)
    if path is not None:
        reference.save(path)
    return reference


def _draw_conditions(reference, protocol):
    if reference.conditions is None:
        raise ValueError(
            "Conditions are drawn from those beside the reference pictures. "
            "Received: a `reference_dataset` of pictures alone"
        )
    draws = np.random.default_rng(protocol.seed)
    return draws.choice(reference.conditions, protocol.generated)


def _values(metric):
    if isinstance(metric, PrecisionRecall):
        values = metric.result().items()
        return {"value": {name: float(value) for name, value in values}}
    if isinstance(metric, FrechetDistance):
        return {"value": float(metric.result())}
    value, deviation = metric.score()
    return {"value": value, "deviation": deviation}
