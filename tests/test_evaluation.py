"""Evaluation; tests marked `data` need `kerasgan data prepare`."""

import types

import numpy as np
import pytest

import zoo
from kerasgan import data, evaluation, metrics, model_card, publishing, tasks
from kerasgan.data import catalog, personas
from kerasgan.evaluation import ReferenceData, figures
from kerasgan.metrics import neighbors
from kerasgan.metrics.color_regression import ColorRegression
from kerasgan.models.codes import CodeGAN
from kerasgan.recipes import _images, _pairs
from tests import tiny

HAIR = ("bald", "mohawk")


class Reader:
    """A classifier that reads attributes from the first pixels."""

    name = "reader"
    hash = "0" * 64

    def __init__(self, attributes):
        self.attributes = attributes
        self.classes = attributes.get("class", ())

    def recognize(self, images):
        return {
            name: images[:, 0, column, 0].astype("int64")
            for column, name in enumerate(self.attributes)
        }


def written(*columns):
    """Returns 12x12 images whose first row holds the columns."""
    images = np.full((len(columns[0]), 12, 12, 3), 200, "uint8")
    images[:, 0, : len(columns), 0] = np.stack(columns, axis=1)
    return images


def test_accuracy_of_classes_by_hand(monkeypatch):
    labels = np.array([1, 0, 1, 0])
    monkeypatch.setattr(
        data, "load", lambda *_: {"image": written(labels), "label": labels}
    )
    network = Reader({"class": ("bag", "boot")})
    protocol = metrics.ConditionalAccuracyProtocol(
        "a", "reader", "classes", 2000, ("class",), seed=5
    )
    requested = []

    def generate(labels, seed):
        requested.append((seed, labels[0], labels[-1], len(labels)))
        # Every fifth boot is a bag.
        seen = [0 if i % 5 == 0 else one for i, one in enumerate(labels)]
        return written(np.array(seen))

    found = evaluation.conditional_accuracy(
        generate, ReferenceData("fashion_mnist", 12, [network]), protocol
    )
    assert requested == [(5, 0, 0, 1000), (6, 1, 1, 1000)]
    assert found["value"] == {"class": 0.9, "bag": 1.0, "boot": 0.8}
    assert found["metric"] == "agreement_reader"
    assert found["protocol"]["features_sha256"] == network.hash


def test_parzen_windows_by_hand(monkeypatch):
    """Blocks and seeds, the middle of images, sigma of training images."""
    random = np.random.default_rng(0)
    real = random.integers(0, 256, (60, 6, 6, 1), "uint8")
    parts = {"train": {"image": real[:40]}, "test": {"image": real[40:]}}
    monkeypatch.setattr(data, "load", lambda name, split, size: parts[split])
    protocol = metrics.ParzenProtocol(
        "a", "fashion_mnist", 2, 1500, validation=(10, 30), seed=7
    )
    blocks = {}

    def generate(count, seed):
        draws = np.random.default_rng(seed)
        blocks[seed] = draws.integers(0, 256, (count, 6, 6, 1), "uint8")
        return blocks[seed]

    found = evaluation.score_images(
        generate, ReferenceData("fashion_mnist", 6), protocol
    )["a"]
    assert {seed: len(block) for seed, block in blocks.items()} == {
        7: 1000,
        8: 500,
    }
    samples, validation, test = (
        images[:, 2:4, 2:4] / 255
        for images in (
            np.concatenate([blocks[7], blocks[8]]),
            real[10:30],
            real[40:],
        )
    )
    expected = metrics.parzen(samples, validation, test)
    assert found["value"] == pytest.approx(expected, rel=1e-5)
    assert found["protocol"]["validation"] == [10, 30]
    with pytest.raises(ValueError, match="a model of personas"):
        evaluation.score_images(
            generate, ReferenceData("personas", 64), protocol
        )


@pytest.fixture
def two_faces(monkeypatch):
    """A test part of three faces, one of them bald."""
    attributes = {
        "hair": np.array(
            [list(personas.HAIR).index(n) for n in HAIR + HAIR[1:]]
        ),
        "hair_color": np.array([3, 4, 5]),
        "eyes": np.array([0, 1, 2]),
    }
    part = {
        "image": written(*attributes.values()),
        "attributes": attributes,
        "caption": np.array([b"bald", b"one", b"two"], object),
    }
    monkeypatch.setattr(data, "load", lambda *_: part)
    return attributes


def test_hair_color_counts_where_hair_shows(two_faces):
    network = Reader({name: () for name in two_faces})
    protocol = metrics.ConditionalAccuracyProtocol(
        "a", "reader", "test captions", 3, ("hair_color", "eyes")
    )

    def generate(captions, seed):
        assert captions == ["bald", "one", "two"]
        wrong = two_faces["hair_color"] + [1, 0, 1]
        return written(two_faces["hair"], wrong, np.array([0, 1, 0]))

    found = evaluation.conditional_accuracy(
        generate, ReferenceData("personas", 12, [network]), protocol
    )
    # The caption of the bald face names no color.
    assert found["value"] == {"hair_color": 0.5, "eyes": 2 / 3}


def test_real_faces_of_the_same_captions(two_faces):
    network = Reader({name: () for name in two_faces})
    protocol = metrics.ConditionalAccuracyProtocol(
        "a", "reader", "test captions", 3, tuple(two_faces)
    )
    reference = ReferenceData("personas", 12, [network])
    found = evaluation.real_baseline(reference, [protocol])
    assert found["a"]["value"] == dict.fromkeys(two_faces, 1.0)


def test_parts_and_networks_are_opened_once(monkeypatch):
    opened = []
    monkeypatch.setattr(data, "load", lambda *part: opened.append(part) or {})
    monkeypatch.setattr(
        metrics.FeatureNetwork, "load", lambda folder: opened.append(folder)
    )
    reference = ReferenceData("fashion_mnist", 32)
    for _ in range(2):
        reference.part("train")
        reference.part("test")
        assert reference.features is None
        reference.network("classifier_fashion_mnist_32")
    assert opened == [
        ("fashion_mnist", "train", 32),
        ("fashion_mnist", "test", 32),
        zoo.folder("classifier_fashion_mnist_32"),
    ]
    assert ReferenceData("fluent", 64).features is None


@pytest.mark.parametrize(
    ("task", "baselines", "others"),
    [
        ("image", ["real"], ["shares", "arithmetic"]),
        ("image", ["real"], ["shares"]),  # Of a collapsed model.
        ("class-to-image", ["real", "truncation 0.8"], ["shares"]),
        ("text-to-image", ["real"], ["shares", "interpolation"]),
        ("image-to-image", ["copy"], []),
    ],
)
def test_what_is_measured_by_task(
    monkeypatch, tmp_path, task, baselines, others
):
    image = np.zeros((8, 8, 3), "uint8")
    reference = types.SimpleNamespace(
        part=lambda split: {"input": image[None]},
        features=Reader({"eyes": ("open", "glasses")}),
    )
    subject = types.SimpleNamespace(
        task=tasks.TASKS[task],
        gan=object(),
        reference=reference,
        translators={},
        unconditional=lambda count, seed: image[None],
    )
    if task == "image-to-image":
        subject.translators = dict.fromkeys(("input", "target"), lambda x: x)

    def resolved(name, given=None):
        assert given in (None, reference)
        return subject

    def stub(result, position):
        def call(*arguments):
            assert arguments[position] is reference
            return result

        return call

    monkeypatch.setattr(evaluation.Subject, "load", resolved)
    monkeypatch.setattr(evaluation, "_score", lambda *_, **__: {"fd": {}})
    for owner, name, result, position in (
        (evaluation.baselines, "pair_baselines", {"copy": {}}, 0),
        (evaluation.baselines, "real_baseline", {}, 0),
        (evaluation, "shares", {}, 1),
        (evaluation, "real_shares", {}, 0),
        (figures, "nearest_training_images", ({}, image), 1),
        (figures, "interpolation", ([], image), 1),
        (figures, "both_ways", image, 1),
    ):
        monkeypatch.setattr(owner, name, stub(result, position))
    pair = ({}, image) if "arithmetic" in others else None
    monkeypatch.setattr(figures, "arithmetic", lambda *_: pair)
    found = evaluation.measure("a", tmp_path, earlier={"epoch 1": "b"})
    assert list(found["yardsticks"]) == [*baselines, "epoch 1"]
    assert set(found) == {"scores", "yardsticks", "neighbors", *others}
    files = {"neighbors.png"} | {f"{name}.png" for name in others}
    if subject.translators:
        files.add("both_ways.png")
    assert {path.name for path in tmp_path.iterdir()} == files - {"shares.png"}


@pytest.fixture
def toy_of_text(tmp_path):
    folder = tmp_path / "toy"
    publishing.write(
        tiny.seqgan(),
        folder,
        dataset="fluent",
        description="Sentences.",
        license="none",
        recipe="none",
    )
    return folder


def test_text_of_data_without_protocols(toy_of_text):
    assert not evaluation.is_measured("fluent", "text")
    with pytest.raises(ValueError, match="no default protocol for text"):
        evaluation.score(toy_of_text)
    with pytest.raises(ValueError, match="Received: task='text'"):
        evaluation.score(toy_of_text, "fd10k_personas_train")
    with pytest.raises(ValueError, match="no latents.*truncation=0.5"):
        evaluation.score(toy_of_text, truncation=0.5)


@pytest.fixture
def captions(monkeypatch):
    """Three captions, of which two are in the training part."""
    parts = {"train": ["a b", "a b c"], "test": ["c d"]}
    grammar = sum(parts.values(), [])
    monkeypatch.setattr(evaluation.sentences, "_captions", parts.get)
    monkeypatch.setattr(personas, "is_caption", grammar.__contains__)
    return parts


def test_sentences_by_hand(captions):
    found = evaluation.sentences.of_sentences(["a b", "a b", "c d", "d c b"])
    assert found == {
        "grammatical": 0.75,
        "novel": 0.5,
        "grammatical_and_novel": 0.25,
        "different": 0.75,
        "distinct_2": 4 / 5,
        "distinct_4": 0.0,
    }


def test_what_is_measured_of_text(captions, monkeypatch):
    class Writer:
        """Repeats one training caption."""

        def generate(self, count, seed, batch_size):
            return ["a b c"] * count

        def tokens_of(self, sentences):
            return sentences

        def negative_log_likelihood(self, tokens, batch_size):
            assert tokens == captions["test"]
            return np.array([0.5, 1.0])

    subject = types.SimpleNamespace(
        task=tasks.TASKS["text"],
        gan=Writer(),
        reference=ReferenceData("personas", 64),
        translators={},
    )
    monkeypatch.setattr(evaluation.Subject, "load", lambda *_: subject)
    found = evaluation.measure("a", earlier={"epoch 1": "b"})
    assert list(found["yardsticks"]) == ["real", "epoch 1"]
    (name,) = found["scores"]
    assert name == "captions10k_personas_test"
    assert found["scores"] == found["yardsticks"]["epoch 1"]
    entry = found["scores"][name]
    assert entry["protocol"]["generated"] == 10_000
    assert entry["value"]["grammatical"] == 1
    assert entry["value"]["novel"] == 0
    assert entry["value"]["different"] == 1e-4
    assert entry["value"]["nll_test"] == 0.75
    real = found["yardsticks"]["real"][name]["value"]
    assert real["different"] == 1 and "nll_test" not in real
    table = model_card.scores_table(found)
    assert "| nll_test | 0.75 | – | 0.75 |" in table


@pytest.fixture
def pairs(monkeypatch):
    """Pairs whose target is the input, ten grey levels brighter."""
    draws = np.random.default_rng(0)
    inputs = draws.integers(0, 200, (6, 64, 64, 3), "uint8")
    part = {"input": inputs, "target": inputs + np.uint8(10)}
    monkeypatch.setattr(data, "load", lambda *_: part)
    return part


def brighter(levels):
    return lambda images: (images.astype(int) + levels).astype("uint8")


def test_pairs_by_hand(pairs):
    found = evaluation.score_pairs(
        {"input": brighter(7), "target": brighter(-6)},
        ReferenceData("fluent", 64),
    )
    assert list(found) == [
        "pairs_fluent_test_64",
        "reversed_fluent_test_64",
        "cycle_fluent_test_64",
    ]
    forward, backward, cycle = (entry["value"] for entry in found.values())
    assert forward["l1"] == pytest.approx(3.0)
    assert forward["psnr"] == pytest.approx(20 * np.log10(255 / 3))
    assert backward["l1"] == pytest.approx(4.0)
    assert cycle == {"input and back": 1.0, "target and back": 1.0}
    entry = found["pairs_fluent_test_64"]
    assert entry["reference_pictures"] == 6
    assert entry["protocol"]["size"] == 64


def test_a_model_of_one_direction(pairs):
    reference = ReferenceData("fluent", 64)
    found = evaluation.score_pairs({"input": brighter(10)}, reference)
    assert list(found) == ["pairs_fluent_test_64"]
    assert found["pairs_fluent_test_64"]["value"]["l1"] == 0.0
    for name in ("reversed_fluent_test_64", "cycle_fluent_test_64"):
        with pytest.raises(ValueError, match="does not translate the target"):
            evaluation.score_pairs({"input": brighter(10)}, reference, name)


def test_pairs_of_another_size(pairs):
    with pytest.raises(ValueError, match="fluent at 128x128. Received: fluent"):
        evaluation.score_pairs(
            {}, ReferenceData("fluent", 64), "pairs_fluent_test_128"
        )


def test_baselines_of_pairs(pairs):
    found = evaluation.pair_baselines(
        ReferenceData("fluent", 64),
        ["pairs_fluent_test_64", "cycle_fluent_test_64"],
    )
    assert list(found) == ["copy", "color regression"]
    copied, recolored = (one["pairs_fluent_test_64"] for one in found.values())
    assert copied["value"]["l1"] == 10.0
    # Ten levels more is a polynomial of the color.
    assert recolored["value"]["l1"] == 0.0


def test_color_regression_is_cubic_and_clips():
    draws = np.random.default_rng(1)
    inputs = draws.integers(0, 256, (3, 20, 20, 3), "uint8")
    red, green, blue = np.moveaxis(inputs / 255.0, -1, 0)
    targets = 255 * np.stack([red * green * blue, red**2, blue], axis=-1)
    recolor = ColorRegression.fit(inputs, np.rint(targets).astype("uint8"))
    assert np.abs(recolor(inputs) - np.rint(targets)).max() <= 1
    # Cubes grow beyond white.
    steep = ColorRegression(2.0 * recolor.coefficients)
    expected = np.clip(2.0 * targets, 0, 255)
    assert np.abs(steep(inputs) - expected).max() <= 2
    with pytest.raises(ValueError, match="same height and width"):
        ColorRegression.fit(inputs, targets[:, :10])


def test_nearest_by_hand():
    points = np.array([[0.0, 0.0], [3.0, 4.0], [10.0, 0.0]])
    found, distances = neighbors.nearest([[3.0, 4.0], [9.0, 0.0]], points, 2)
    assert found.tolist() == [[1, 0], [2, 1]]
    np.testing.assert_allclose(
        distances, [[0.0, 5.0], [1.0, 52**0.5]], rtol=1e-6
    )
    with pytest.raises(ValueError, match="count=4"):
        neighbors.nearest(points, points, 4)


def test_nearest_is_that_of_all_distances():
    draws = np.random.default_rng(0)
    queries = draws.normal(size=(300, 5)).astype("float32") + 100
    points = draws.normal(size=(400, 5)).astype("float32") + 100
    apart = np.linalg.norm(queries[:, None] - points, axis=2)
    found, distances = neighbors.nearest(queries, points, 3)
    np.testing.assert_array_equal(found, np.argsort(apart, axis=1)[:, :3])
    np.testing.assert_allclose(distances, np.sort(apart, axis=1)[:, :3], 1e-3)


def test_copies_stand_out():
    found = neighbors.compare([0.0, 0.5, 2.0, 3.0], [1.0, 2.5, 4.0])
    assert found == {
        "median": 1.25,
        "smallest": 0.0,
        "held_out_median": 2.5,
        "held_out_smallest": 1.0,
        "nearer_than_median": 0.75,
        "nearer_than_any": 0.5,
    }


def test_copies_of_training_images_are_found(monkeypatch):
    draws = np.random.default_rng(0)
    parts = {
        name: {"target": draws.integers(0, 256, (40, 16, 16, 3), "uint8")}
        for name in ("train", "test")
    }
    monkeypatch.setattr(data, "load", lambda _, part, size: parts[part])
    # Sixteen copies, of which every pixel is two levels off, and noise.
    samples = draws.integers(0, 256, (32, 16, 16, 3), "uint8")
    samples[:16] = np.clip(parts["train"]["target"][:16], 0, 253) + 2
    found, image = figures.nearest_training_images(
        samples, ReferenceData("fluent", 16)
    )
    # The copies, and by chance a few others.
    assert 0.5 <= found["pixels"]["nearer_than_any"] < 0.6
    assert 1.9 < found["pixels"]["smallest"] <= 2.0
    assert found["pixels"]["training_pictures"] == 40
    assert image.shape == (8 * 18 - 2, 4 * 18 - 2, 3)
    # In the figure a copy is beside what it copies.
    first, nearest = image[:16, :16].astype(int), image[:16, 18:34]
    assert np.abs(first - nearest).max() <= 2


class Face:
    """A model with glasses where the first latent is above one."""

    def seeded_latents(self, seed, count):
        draws = np.random.default_rng(seed)
        return draws.normal(size=(count, 10)).astype("float32")

    def run_in_batches(self, points, batch_size):
        return written(points[:, 0] > 1.0, points[:, 1] > 0.0)


def test_arithmetic_adds_glasses():
    network = Reader({"eyes": ("open", "glasses"), "hair": ("long", "short")})
    found, image = figures.arithmetic(Face(), network, count=400)
    assert found["with_it"] + found["without_it"] == 4000
    assert found["with_it"] == pytest.approx(0.159 * 4000, rel=0.1)
    assert found["added_to"] == 400
    # The mean of a normal above one, minus that below one.
    assert found["length"] == pytest.approx(1.525 + 0.288, rel=0.05)
    once, _, thrice = found["times"].values()
    assert once["shows_it"] == pytest.approx(0.75, abs=0.06)
    assert thrice["shows_it"] > 0.99
    assert once["others_kept"] > 0.9
    assert once["random_shows_it"] < 0.3
    assert image.shape == (4 * 14 - 2, 8 * 14 - 2, 3)


@pytest.mark.parametrize("share", [0, 1])
def test_no_arithmetic_of_a_collapsed_model(share):
    class OneFace(Face):
        def run_in_batches(self, points, batch_size):
            rows = np.full(len(points), share)
            return written(rows, rows)

    network = Reader({"eyes": ("open", "glasses"), "hair": ("long", "short")})
    assert figures.arithmetic(OneFace(), network, count=10) is None


class Coded(CodeGAN):
    """A model whose second category always gives glasses, its first half."""

    categorical, continuous = (2,), 1

    def __init__(self):
        pass

    def sweep(self, code, columns=10, rows=8, seed=None):
        if code == 1:
            return written(np.zeros(rows * columns, int))
        glasses = np.ones((rows, 2), int)
        glasses[::2, 0] = 0
        return written(glasses.ravel())


def test_what_each_category_generates():
    network = Reader({"eyes": ("open", "glasses")})
    found, image = figures.codes(Coded(), network, count=400)
    assert found == [
        [{"eyes": {"open": 0.5, "glasses": 0.5}}, {"eyes": {"glasses": 1.0}}]
    ]
    assert image.shape == (3 * 14 - 2, 10 * 14 - 2, 3)


def test_shares_of_attributes():
    network = Reader({"eyes": ("open", "glasses"), "hair": ("a", "b", "c")})
    network.name = "classifier_personas_64"
    reference = ReferenceData("personas", 64, [network])

    def generate(count, seed):
        assert (count, seed) == (4, 3)
        return written(np.array([0, 0, 0, 1]), np.array([2, 2, 0, 0]))

    assert evaluation.shares(generate, reference, count=4, seed=3) == {
        "eyes": {"open": 0.75, "glasses": 0.25},
        "hair": {"a": 0.5, "b": 0.0, "c": 0.5},
    }


def test_halves_of_faces_do_not_overlap(monkeypatch):
    images = written(np.arange(100))
    monkeypatch.setattr(data, "load", lambda *_: {"image": images})
    network = types.SimpleNamespace(name="classifier_personas_64")
    seen = types.SimpleNamespace()

    def score(generate, batches, network, protocols):
        seen.generated = generate(protocols[0].generated, 0)
        seen.reference = np.concatenate(list(batches))
        return {"fd10k_personas_train": {"protocol": protocols[0]}}

    monkeypatch.setattr(metrics, "evaluate", score)
    found = evaluation.real_baseline(
        ReferenceData("personas", 12, [network]), "fd10k_personas_train"
    )
    assert found["fd10k_personas_train"]["protocol"].generated == 50
    both = np.concatenate([seen.generated, seen.reference])[:, 0, 0, 0]
    assert sorted(both) == list(range(100))
    assert list(both) != list(range(100))


@pytest.mark.data
def test_the_classifier_is_as_good_as_its_card_says():
    network = zoo.features("fashion_mnist")
    test = data.load("fashion_mnist", "test", 32)
    seen = np.concatenate(
        [
            np.argmax(network.probabilities(test["image"][i : i + 500]), axis=1)
            for i in range(0, 10_000, 500)
        ]
    )
    accuracy = (seen == test["label"]).mean()
    assert accuracy >= 0.925
    assert network.classes == data.class_names("fashion_mnist")


@pytest.mark.data
def test_real_images_are_near_real_ones():
    scores = evaluation.real_baseline(ReferenceData("fashion_mnist", 32))
    entry = scores["fd10k_fashion_mnist_test"]
    assert 0 < entry["value"] < 0.05
    assert entry["reference_pictures"] == 10_000
    assert entry["protocol"]["features_sha256"]


@pytest.mark.data
def test_anchors_of_parzen_windows():
    """docs/metrics.md has more of them."""
    reference = ReferenceData("fashion_mnist", 32)
    protocol = metrics.PROTOCOLS["parzen10k_fashion_mnist_test"]
    real = evaluation.real_baseline(reference, protocol.name)
    value = real[protocol.name]["value"]
    assert value["log_likelihood"] == pytest.approx(357.6, abs=0.1)
    assert value["sigma"] == pytest.approx(0.167, abs=0.001)

    mean = reference.images("train").mean(0).round().astype("uint8")
    found = evaluation.score_images(
        lambda count, seed: np.repeat(mean[None], count, 0), reference, protocol
    )
    assert found[protocol.name]["value"]["log_likelihood"] == pytest.approx(
        -156.2, abs=0.1
    )


@pytest.mark.data
def test_noise_is_far_and_a_missing_class_is_noticed():
    def noise(count, seed):
        draws = np.random.default_rng(seed)
        return draws.integers(0, 256, (count, 32, 32, 1), "uint8")

    reference = ReferenceData("fashion_mnist", 32)
    protocol = "fd10k_fashion_mnist_test"
    scores = evaluation.score_images(noise, reference, protocol)
    assert scores["fd10k_fashion_mnist_test"]["value"] > 50

    test = reference.part("test")
    without_bags = test["image"][test["label"] != 8]

    def clothing(count, seed):
        rows = np.random.default_rng(seed).integers(0, len(without_bags), count)
        return without_bags[rows]

    shares = evaluation.shares(clothing, reference, count=2000)["class"]
    assert shares["Bag"] < 0.01
    assert min(v for name, v in shares.items() if name != "Bag") > 0.05
    scores = evaluation.score_images(clothing, reference, protocol)
    assert scores["fd10k_fashion_mnist_test"]["value"] > 1


@pytest.mark.data
def test_training_streams_hold_the_padded_training_images():
    batches = _images.batches(catalog.get("fashion_mnist"), 64, epochs=2)
    first = next(iter(batches(0))).numpy()
    assert first.shape == (64, 32, 32, 1)
    assert first.dtype == np.float32
    assert (first[:, :2] == -1).all()
    assert (first[:, -2:] == -1).all()
    assert first.max() > 0.9
    assert (next(iter(batches(0))).numpy() == first).all()
    assert (next(iter(batches(1))).numpy() != first).any()


def test_epochs_of_a_translator_are_chosen_by_look_or_by_nearness(monkeypatch):
    random = np.random.default_rng(0)
    targets = random.integers(0, 256, (200, 128, 128, 3), "uint8")
    targets //= random.integers(1, 9, (200, 1, 1, 1), "uint8")
    examples = {"input": np.zeros_like(targets), "target": targets}
    parts = []

    def load(dataset, part, size):
        parts.append(part)
        return examples

    class Translator:
        def __init__(self, outputs):
            self.outputs = outputs
            self.start = 0

        def translate(self, images):
            rows = np.arange(self.start, self.start + len(images))
            self.start = (self.start + len(images)) % len(targets)
            return self.outputs[rows]

    monkeypatch.setattr(data, "load", load)
    by_look = _pairs.distance_to_targets("relief", 128)
    by_nearness = _pairs.similarity_to_targets("relief", 128)
    # All textures, each at another place; and each without its texture.
    moved = Translator(np.roll(targets, 1, axis=0))
    means = targets.mean(axis=(1, 2), keepdims=True)
    blurred = Translator(
        np.broadcast_to(np.rint(means).astype("uint8"), targets.shape)
    )

    def first(scores):
        return next(iter(scores.values()))

    assert first(by_look(moved)) < 0.01 < first(by_look(blurred))
    assert first(by_nearness(blurred)) < first(by_nearness(moved))
    assert list(by_look(moved)) == [
        "fd_relief_validation",
        *by_nearness(moved),
    ]
    assert set(parts) == {"validation"}


def test_unknown_protocols_and_data_are_refused():
    with pytest.raises(ValueError, match="Unknown protocol: 'fid'"):
        evaluation.score_images(None, ReferenceData("fashion_mnist", 32), "fid")
    with pytest.raises(ValueError, match="no default protocol for image on"):
        evaluation.score_images(None, ReferenceData("fluent", 64))
    with pytest.raises(ValueError, match="Unknown data set: 'a'"):
        ReferenceData("a", 32)
    assert not evaluation.is_measured("a", "image")
    assert not evaluation.is_measured("personas", "image-to-image")
    assert evaluation.is_measured("relief", "image-to-image")


@pytest.mark.parametrize(
    "name",
    [
        "agreement10k_fashion_mnist",
        "captions10k_personas_test",
        "pairs_fluent_test_64",
    ],
)
def test_protocols_of_models_with_an_input(name):
    reference = ReferenceData("fashion_mnist", 32)
    with pytest.raises(ValueError, match=f"{name}.*Received: task='image'"):
        evaluation.score_images(None, reference, name)
