"""Recipes, folders, cards and the leaderboard tell one story."""

import ast
import hashlib
import json
import pathlib
import re

import pytest

import zoo
from kerasgan import evaluation, metrics, training
from tests import faults
from tests.scripts import script

ROOT = pathlib.Path(__file__).parent.parent
LARGEST = 20 * 2**20
LARGEST_TOGETHER = 90 * 2**20

every_name = pytest.mark.parametrize("name", zoo.list())


def leaderboard():
    return script("leaderboard")


def kept_scores():
    path = ROOT / "scripts" / "benchmarks" / "baseline_scores.json"
    return json.loads(path.read_text("utf-8"))


def test_models_and_recipes_are_the_same():
    assert set(zoo.list()) == set(training.recipes())


def test_the_gallery_and_the_leaderboard_are_made_from_the_folders():
    text = (ROOT / "README.md").read_text("utf-8")
    assert text == leaderboard().written(text)
    assert re.findall(r"^\| \[(\w+)\]", text, re.M) == list(zoo.list())


def test_the_readme_quotes_the_baseline_as_it_was_scored():
    scores = kept_scores()["fd"]
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert f"scores {scores['baseline, epoch 20']:.3f} under" in text
    early = [scores[f"baseline, epoch {epoch}"] for epoch in (1, 4, 10)]
    assert "({:.2f}, {:.2f} and {:.2f} after".format(*early) in text
    for name in zoo.list():
        if name in scores:
            entry = zoo.card(name).scores["fd10k_fashion_mnist_test"]
            assert entry["value"] == pytest.approx(scores[name], rel=1e-6)


def test_the_second_classifier_is_there_and_as_the_readme_says():
    judge = script("benchmarks/score_baseline").JUDGE
    network = metrics.FeatureNetwork.load(judge)
    table = kept_scores()["judge"]
    assert table["protocol"]["features"] == network.name == judge.name
    assert table["protocol"]["features_sha256"] == network.hash
    own = zoo.folder("classifier_fashion_mnist_32")
    second, first = (
        json.loads((folder / "metrics.json").read_text("utf-8"))
        for folder in (judge, own)
    )
    found = (
        second["test_accuracy_stored"]["class"],
        second["test_recall_by_value"]["class"]["Shirt"],
        first["test_accuracy_stored"],
        first["test_recall_by_class"]["Shirt"],
    )
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert (
        "sees the class of {:.1%} of the real images and of {:.1%} of the real "
        "shirts, the first of {:.1%} and {:.1%}.".format(*found)
        in text
    )
    # It scored all that there is.
    names = {row.partition(", ")[0] for row in table["fd"]}
    assert names >= {name for name in zoo.list() if "fashion_mnist" in name}


@pytest.mark.zoo
@pytest.mark.parametrize("name", [n for n in zoo.list() if "fashion" in n])
def test_the_second_classifier_scores_the_same_again(name):
    scoring = script("benchmarks/score_baseline")
    network = metrics.FeatureNetwork.load(scoring.JUDGE)
    table = kept_scores()["judge"]
    for row, (distance, seen) in scoring.scores_of(name, network).items():
        assert distance == pytest.approx(table["fd"][row], rel=0.01)
        kept = table["class_seen"].get(row)
        assert seen == (kept and pytest.approx(kept, rel=0.01))


@pytest.mark.zoo
def test_the_script_measures_as_cards_do():
    # With the classifier of the cards, of a model that is asked for classes.
    name, protocol = "acgan_fashion_mnist_32", "fd10k_fashion_mnist_test"
    scoring = script("benchmarks/score_baseline")
    network = zoo.features("fashion_mnist")
    distance, _ = scoring.scores_of(name, network)[name]
    text = (zoo.folder(name) / "metrics.json").read_text("utf-8")
    kept = json.loads(text)["scores"][protocol]["value"]
    assert distance == pytest.approx(kept, rel=1e-3)


@every_name
def test_a_folder_is_whole(name):
    folder = zoo.folder(name)
    figures = {p.name for p in folder.iterdir()} & set(evaluation.FIGURES)
    assert sorted({p.name for p in folder.iterdir()} - figures) == [
        "README.md",
        "config.json",
        "metrics.json",
        "model.weights.h5",
        "samples.png",
    ]
    text = (folder / "README.md").read_text("utf-8")
    assert all(f"]({name})" in text for name in figures)
    weights = (folder / "model.weights.h5").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == zoo.card(name).sha256
    assert len(weights) <= LARGEST


@every_name
def test_a_card_shows_the_measured_scores(name):
    folder = zoo.folder(name)
    text = (folder / "README.md").read_text("utf-8")
    kept = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert kept["scores"]
    for protocol, entry in kept["scores"].items():
        assert entry["protocol"]["name"] == protocol
        values = entry["value"]
        values = values if isinstance(values, dict) else {"": values}
        for value in values.values():
            assert f"{value:.4g}" in text
    for part in ("What it does badly", "Data and licence", "Recipe"):
        assert part in text
    assert f"kerasgan train {zoo.card(name).recipe}" in text


@every_name
def test_a_recipe_is_that_of_its_card(name):
    recipe, _ = training.load_recipe(name)
    card = zoo.card(name)
    assert (recipe.name, recipe.dataset) == (card.name, card.dataset)
    assert (recipe.license, recipe.description) == (
        card.license,
        card.description,
    )


@every_name
def test_a_recipe_says_what_came_out(name):
    _, text = training.load_recipe(name)
    docstring = " ".join(ast.get_docstring(ast.parse(text)).split())
    assert leaderboard().trained(name) in docstring


def test_all_weights_together_are_small():
    sizes = [
        (zoo.folder(name) / "model.weights.h5").stat().st_size
        for name in (*zoo.list(), *zoo.list("features"))
    ]
    assert sum(sizes) <= LARGEST_TOGETHER


@pytest.mark.zoo
@every_name
def test_published_scores_are_measured_again(name):
    """Needs `kerasgan data prepare`; the same seeds, so almost equal."""
    kept = json.loads((zoo.folder(name) / "metrics.json").read_text())
    scores = evaluation.score(name)
    assert scores.keys() == kept["scores"].keys()
    for protocol, entry in kept["scores"].items():
        found = scores[protocol]["value"]
        # The spread of rounding on another processor.
        close = pytest.approx(entry["value"], rel=0.01, abs=1e-4)
        assert found == close, protocol


@pytest.mark.zoo
@pytest.mark.parametrize("name", zoo.list("class-to-image"))
def test_scores_with_truncation_are_measured_again(name):
    measured = json.loads((zoo.folder(name) / "metrics.json").read_text())
    psi = evaluation.TRUNCATION
    kept = measured["yardsticks"][f"truncation {psi}"]
    protocol = "agreement10k_fashion_mnist"
    found = evaluation.score(name, protocol, truncation=psi)
    assert found[protocol]["truncation"] == kept[protocol]["truncation"] == psi
    assert found[protocol]["value"] == pytest.approx(
        kept[protocol]["value"], rel=0.01
    )


def test_the_planted_faults_are_still_there_to_plant():
    for fault in faults.read():
        assert fault["code"] in (ROOT / fault["file"]).read_text("utf-8"), fault
        path, name = fault["test"].partition("[")[0].split("::")
        assert f"def {name}(" in (ROOT / path).read_text("utf-8"), fault
    text = (ROOT / "tests" / "README.md").read_text("utf-8")
    assert text == faults.with_table(text)
