import json

import numpy as np
import pytest

from kerasgan.data import catalog
from kerasgan.metrics import (
    PROTOCOLS,
    FeatureNetwork,
    FeatureStatistics,
    Protocol,
    TextProtocol,
    density_coverage,
    evaluate,
    inception_score,
    kernel_distance,
    precision_recall,
    protocols,
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def batches(make_images):
    real = make_images(1500, 1)
    return [real[start : start + 400] for start in range(0, 1500, 400)]


def protocol(score, **changes):
    fields = {
        "name": f"{score}_tiny",
        "features": "tiny",
        "generated": 1200,
        "reference_split": None if score == "is" else "test",
    }
    return Protocol(score=score, **(fields | changes))


def generator(make_images, requested=None):
    def generate(count, seed):
        if requested is not None:
            requested.append((count, seed))
        return make_images(count, 100 + seed, high=230)

    return generate


def test_every_score_is_that_of_its_function(network, make_images, batches):
    requested = []
    scores = evaluate(
        generator(make_images, requested),
        batches,
        network,
        [protocol(score) for score in ("fd", "is", "kd", "pr")],
    )
    assert requested == [(1000, 0), (200, 1)]
    fake = np.concatenate(
        [make_images(1000, 100, high=230), make_images(200, 101, high=230)]
    )
    a = network(np.concatenate(batches)).numpy()
    b, probabilities = network.both(fake)
    b = b.numpy()

    expected = FeatureStatistics.from_features(a).distance(
        FeatureStatistics.from_features(b)
    )
    assert scores["fd_tiny"]["value"] == pytest.approx(expected, rel=1e-6)
    order = np.argsort(np.arange(1200) % 10, kind="stable")
    value, deviation = inception_score(probabilities.numpy()[order])
    assert scores["is_tiny"]["value"] == pytest.approx(value, rel=1e-6)
    assert scores["is_tiny"]["deviation"] == pytest.approx(deviation, rel=1e-4)
    assert scores["pr_tiny"]["value"] == pytest.approx(
        dict(
            zip(
                ("precision", "recall", "density", "coverage"),
                precision_recall(a, b) + density_coverage(a, b),
                strict=True,
            )
        )
    )
    # The subsets are sampled from the images in another order.
    value, deviation = kernel_distance(a, b)
    assert scores["kd_tiny"]["value"] == pytest.approx(
        value, abs=6 * deviation / 10
    )


def test_every_number_carries_its_protocol(network, make_images, batches):
    scores = evaluate(
        generator(make_images), batches, network, protocol("fd", seed=5)
    )
    assert json.loads(json.dumps(scores)) == scores
    entry = scores["fd_tiny"]
    assert entry["metric"] == "fd_tiny"
    assert entry["reference_pictures"] == 1500
    assert entry["protocol"] == {
        "name": "fd_tiny",
        "score": "fd",
        "features": "tiny",
        "features_sha256": "0" * 64,
        "resizer": None,
        "generated": 1200,
        "reference_split": "test",
        "reference_count": None,
        "seed": 5,
        "labels": "data",
    }


def test_seed_moves_every_block(network, make_images, batches):
    requested = []
    evaluate(
        generator(make_images, requested),
        batches,
        network,
        protocol("is", seed=7),
    )
    assert requested == [(1000, 7), (200, 8)]


def test_progress(network, make_images):
    seen = []
    evaluate(
        generator(make_images),
        None,
        network,
        protocol("is"),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1000, 1200), (1200, 1200)]


def test_first_reference_images_only(network, make_images, batches):
    scores = evaluate(
        generator(make_images),
        batches,
        network,
        protocol("fd", reference_count=500),
    )
    a = network(np.concatenate(batches)[:500]).numpy()
    fake = np.concatenate(
        [generator(make_images)(1000, 0), make_images(200, 101, high=230)]
    )
    expected = FeatureStatistics.from_features(a).distance(
        FeatureStatistics.from_features(network(fake).numpy())
    )
    assert scores["fd_tiny"]["reference_pictures"] == 500
    assert scores["fd_tiny"]["value"] == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ValueError, match="needs 1501 .*Received: 1500"):
        evaluate(
            generator(make_images),
            batches,
            network,
            protocol("fd", reference_count=1501),
        )


@pytest.mark.parametrize("condition", ["labels", "captions"])
def test_conditions_follow_the_data(network, make_images, batches, condition):
    # A quarter of the data is of class 3, the rest of class 1.
    words = {"labels": (1, 3), "captions": (b"a boot", b"a coat")}[condition]
    dtype = object if condition == "captions" else np.int64
    # Sorted, as data sets often are.
    values = np.array([words[index < 375] for index in range(1500)], dtype)
    tuples = [
        (batch, values[400 * index : 400 * index + len(batch)])
        for index, batch in enumerate(batches)
    ]
    requested = []

    def generate(seed, **conditions):
        requested.extend(conditions[condition])
        return make_images(len(conditions[condition]), seed)

    evaluate(
        generate,
        tuples,
        network,
        protocol("fd"),
        condition=condition,
        reference_name="sampled",
    )
    expected = {"labels": 3, "captions": "a coat"}[condition]
    assert len(requested) == 1200
    assert type(requested[0]) is type(expected)
    assert requested.count(expected) == pytest.approx(300, abs=60)
    # In no order, and the same from the cache.
    assert requested[:300].count(expected) == pytest.approx(75, abs=30)
    first, requested[:] = list(requested), []
    evaluate(
        generate,
        None,
        network,
        protocol("fd"),
        condition=condition,
        reference_name="sampled",
    )
    assert requested == first


def test_conditions_need_labels(network, make_images, batches):
    with pytest.raises(ValueError, match="of images alone"):
        evaluate(
            generator(make_images),
            batches,
            network,
            protocol("fd"),
            condition="labels",
        )


def test_cache_by_data_protocol_and_network(
    network, make_images, batches, home
):
    def run(data, name, **changes):
        return evaluate(
            generator(make_images),
            data,
            changes.pop("network", network),
            protocol("fd", **changes),
            reference_name=name,
        )["fd_tiny"]["value"]

    first = run(batches, "one")
    assert run(None, "one") == first
    others = [
        run(batches[1:], "two"),
        run(batches, "one", reference_split="train"),
        run(batches, "one", reference_count=900),
        run(
            batches,
            "one",
            network=FeatureNetwork(network.model, "tiny", hash="1" * 64),
        ),
    ]
    assert len(list(home.glob("statistics/*.npz"))) == 1 + len(others)
    assert others[0] != first
    # Without a name nothing is kept.
    run(batches, None)
    assert len(list(home.glob("statistics/*"))) == 1 + len(others)


def test_cache_of_another_version(network, make_images, batches, monkeypatch):
    arguments = generator(make_images), None, network, protocol("fd")
    reference = protocols.Reference.collect(batches, network)
    reference.save(protocols.reference_path("one", "test", None, network))
    evaluate(*arguments, reference_name="one")
    monkeypatch.setattr(protocols, "CACHE_VERSION", -1)
    with pytest.raises(ValueError, match="reference_dataset=None"):
        evaluate(*arguments, reference_name="one")


def test_damaged_cache_is_named(network, make_images):
    path = protocols.reference_path("one", "test", None, network)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a file")
    with pytest.raises(OSError, match=path.name):
        evaluate(
            generator(make_images),
            None,
            network,
            protocol("fd"),
            reference_name="one",
        )


@pytest.mark.parametrize(
    ("generated", "real", "spread"),
    # Other subsets of the larger side, but for the last.
    [(50, 200, 0.1), (200, 50, 0.1), (50, 50, 1e-6)],
)
def test_a_kernel_distance_of_few_images_has_smaller_subsets(
    network, make_images, generated, real, spread
):
    few = protocol("kd", generated=generated)
    scores = evaluate(
        lambda count, seed: make_images(count, 1, high=230),
        [make_images(real, 2)],
        network,
        few,
    )
    fake = network(make_images(generated, 1, high=230)).numpy()
    expected, _ = kernel_distance(
        network(make_images(real, 2)).numpy(), fake, subset_size=50
    )
    assert scores["kd_tiny"]["value"] == pytest.approx(expected, rel=spread)


def test_fewer_images_than_features(network, make_images, batches):
    few = protocol("fd", generated=network.num_features - 1)
    arguments = generator(make_images), batches, network
    with pytest.raises(ValueError, match="5 images, 6 features. Use kd_tiny"):
        evaluate(*arguments, few)
    scores = evaluate(*arguments, few, insist=True)
    assert scores["fd_tiny"]["value"] > 0
    with pytest.raises(ValueError, match="5 images"):
        evaluate(
            generator(make_images), [batches[0][:5]], network, protocol("fd")
        )


def test_network_of_another_protocol(network, make_images, batches):
    with pytest.raises(ValueError, match="features.name='tiny'"):
        evaluate(generator(make_images), batches, network, "fid10k_test")


def test_protocols_of_other_images_together(network, make_images, batches):
    for change in (
        {"generated": 1300},
        {"seed": 1},
        {"reference_split": "train"},
    ):
        pair = [protocol("fd"), protocol("kd", **change)]
        with pytest.raises(ValueError, match="the same images"):
            evaluate(generator(make_images), batches, network, pair)
    with pytest.raises(ValueError, match="at least one protocol"):
        evaluate(generator(make_images), batches, network, [])


def test_generator_that_returns_too_few(network, make_images, batches):
    with pytest.raises(ValueError, match="1000 images. Received: 999"):
        evaluate(
            lambda count, seed: make_images(count - 1),
            batches,
            network,
            protocol("fd"),
        )


def test_unknown_protocol(network, make_images):
    with pytest.raises(
        ValueError, match="Unknown protocol: 'fid'.*fid10k_test"
    ):
        evaluate(generator(make_images), None, network, "fid")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"score": "fid"}, "score='fid'"),
        ({"generated": 1}, "generated=1"),
        ({"reference_count": 1}, "reference_count=1"),
        ({"reference_split": None}, "reference_split=None"),
        ({"score": "is"}, "reference_split='test'"),
        ({"labels": "even"}, "labels='even'"),
        ({"resizer": "nearest"}, "Unknown resizer"),
    ],
)
def test_protocols_that_make_no_sense(changes, message):
    fields = {
        "name": "a",
        "score": "fd",
        "features": "tiny",
        "generated": 10,
        "reference_split": "test",
    }
    with pytest.raises(ValueError, match=message):
        Protocol(**(fields | changes))


def test_counts_are_those_of_the_data():
    tests = {
        name: one.generated
        for name, one in PROTOCOLS.items()
        if "_test" in name
        and hasattr(one, "generated")
        and not isinstance(one, TextProtocol)
    }
    for dataset in ("personas", "relief"):
        counts = {n for name, n in tests.items() if dataset in name}
        assert counts == {catalog.get(dataset).counts["test"]}


@pytest.mark.parametrize(
    "name", ["agreement10k_fashion_mnist", "pairs_fluent_test_64"]
)
def test_protocols_of_more_than_generated_images(network, make_images, name):
    with pytest.raises(ValueError, match=f"{name}.*`kerasgan evaluate`"):
        evaluate(generator(make_images), None, network, name)
    with pytest.raises(ValueError, match=f"{name}.*`kerasgan evaluate`"):
        evaluate(generator(make_images), None, network, PROTOCOLS[name])


def test_named_protocols():
    fid = PROTOCOLS["fid50k_full"]
    assert (fid.generated, fid.reference_split, fid.resizer) == (
        50_000,
        "train",
        "tf2015",
    )
    ours = PROTOCOLS["fd10k_fashion_mnist_test"]
    assert (ours.generated, ours.reference_split, ours.resizer) == (
        10_000,
        "test",
        None,
    )
    assert ours.features == "classifier_fashion_mnist_32"
    # Whoever says FID means Inception.
    for name, one in PROTOCOLS.items():
        assert name == one.name
        if not isinstance(one, Protocol):
            assert name.startswith(
                (
                    "agreement",
                    "captions",
                    "cycle",
                    "pairs",
                    "parzen",
                    "ppl",
                    "reversed",
                )
            )
            continue
        assert name.startswith(("fid", "kid")) == (
            one.features == "inception_2015" and one.score in ("fd", "kd")
        )
