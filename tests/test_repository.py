"""Recipes, folders, cards and the leaderboard tell one story."""

import ast
import hashlib
import importlib.util
import json
import pathlib
import re

import pytest

import zoo
from kerasgan import evaluation, training
from tests import faults

ROOT = pathlib.Path(__file__).parent.parent
LARGEST = 20 * 2**20
LARGEST_TOGETHER = 90 * 2**20

every_name = pytest.mark.parametrize("name", zoo.list())


def leaderboard():
    path = ROOT / "scripts" / "leaderboard.py"
    specification = importlib.util.spec_from_file_location("board", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_models_and_recipes_are_the_same():
    assert set(zoo.list()) == set(training.recipes())


def test_the_gallery_and_the_leaderboard_are_made_from_the_folders():
    text = (ROOT / "README.md").read_text("utf-8")
    assert text == leaderboard().written(text)
    assert re.findall(r"^\| \[(\w+)\]", text, re.M) == list(zoo.list())


def test_the_readme_quotes_the_baseline_as_it_was_scored():
    path = ROOT / "scripts" / "benchmarks" / "baseline_scores.json"
    scores = json.loads(path.read_text("utf-8"))["fd"]
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert f"scores {scores['baseline, epoch 20']:.3f} under" in text
    early = [scores[f"baseline, epoch {epoch}"] for epoch in (1, 4, 10)]
    assert "({:.2f}, {:.2f} and {:.2f} after".format(*early) in text
    for name in zoo.list():
        if name in scores:
            entry = zoo.card(name).scores["fd10k_fashion_mnist_test"]
            assert entry["value"] == pytest.approx(scores[name], rel=1e-6)


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
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert metrics["scores"]
    for protocol, entry in metrics["scores"].items():
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
    metrics = json.loads((zoo.folder(name) / "metrics.json").read_text())
    scores = evaluation.evaluate(name)
    assert scores.keys() == metrics["scores"].keys()
    for protocol, entry in metrics["scores"].items():
        found = scores[protocol]["value"]
        # The spread of rounding on another processor.
        close = pytest.approx(entry["value"], rel=0.01, abs=1e-4)
        assert found == close, protocol


@pytest.mark.zoo
@pytest.mark.parametrize("name", zoo.list("class-to-image"))
def test_scores_with_truncation_are_measured_again(name):
    metrics = json.loads((zoo.folder(name) / "metrics.json").read_text())
    psi = evaluation.TRUNCATION
    kept = metrics["yardsticks"][f"truncation {psi}"]
    protocol = "agreement10k_fashion_mnist"
    found = evaluation.evaluate(name, protocol, truncation=psi)
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
