"""Recipes, cards, documents and the structure of the code are consistent."""

import ast
import configparser
import hashlib
import json
import pathlib
import re

import pytest

import kerasgan
import zoo
from kerasgan import evaluation, metrics, models, recipes, tasks
from tests.support.scripts import script

ROOT = pathlib.Path(__file__).parent.parent
LARGEST = 20 * 2**20
LARGEST_TOGETHER = 90 * 2**20

# A module imports only modules before it.
IMPORT_ORDER = (
    "processor",
    "backend",
    "fetch",
    "plain_json",
    "names",
    "checks",
    "replicas",
    "tasks",
    "random",
    "weights",
    "data",
    "losses",
    "penalties",
    "augment",
    "schedules",
    "optimizers",
    "layers",
    "models",
    "checkpoints",
    "samples",
    "animations",
    "callbacks",
    "run_page",
    "latents",
    "directions",
    "metrics",
    "projection",
    "export",
    "serving",
    "training",
    "classifiers",
    "recipes",
    "zoo",
    "evaluation",
    "model_card",
    "hub_card",
    "publishing",
    "playground",
    "convert",
    "demo",
    "commands",
    "cli",
)
IMPORTS_OUT_OF_ORDER = {
    # `GAN.export` imports the exporter when it is called.
    ("models", "export"),
    # A file of weights for a metric is one of PyTorch.
    ("metrics", "convert"),
    # Recipes score with the classifiers of the zoo.
    ("recipes", "zoo"),
}

# The glossary of CONTRIBUTING.md, as far as a search can tell.
AVOIDED = re.compile(
    r"(?<![a-z])(pictures?|slopes?|yardsticks?|unseen|agreements?|drawn"
    r"|asked\s+for|(?<!standard\s)deviations?)(?![a-z])",
    re.IGNORECASE,
)
# Published names and keys, and a former option in the changelog.
PUBLISHED = re.compile(
    r'agreement(?=[\d_]|\.\.\.)|"yardsticks"|(held_out|reference)_pictures'
    r"|--pictures"
)
SCANNED = (
    "*.md",
    "docs/*.md",
    "docs/tutorials/*.md",
    "scripts/leaderboard.py",
    "scripts/benchmarks/baseline_dcgan.py",
    "scripts/benchmarks/l1_unet.py",
    "scripts/benchmarks/memory.py",
    "scripts/benchmarks/torch_models.py",
    "scripts/benchmarks/train_step.py",
    "scripts/benchmarks/workers.py",
)

every_name = pytest.mark.parametrize("name", zoo.list())


def leaderboard():
    return script("leaderboard")


def kept_scores():
    path = ROOT / "scripts" / "benchmarks" / "baseline_scores.json"
    return json.loads(path.read_text("utf-8"))


def test_every_model_has_a_recipe():
    assert set(zoo.list()) <= set(recipes.names())


@pytest.mark.parametrize("name", sorted({*recipes.names()} - {*zoo.list()}))
def test_a_recipe_says_that_no_weights_of_it_are_published(name):
    assert "No weights of it are published" in recipe_docstring(name)


def recipe_docstring(name):
    """Returns a recipe's docstring on one line."""
    _, text = recipes.load(name)
    return " ".join(ast.get_docstring(ast.parse(text)).split())


def words(path):
    """Returns a page on one line."""
    return " ".join((ROOT / path).read_text("utf-8").split())


def test_the_gallery_and_the_leaderboard_are_made_from_the_folders():
    board = leaderboard()
    for path, parts in board.pages().items():
        text = path.read_text("utf-8")
        assert text == board.written(text, parts)
    rows = re.findall(
        r"^\| \[(\w+)\]", board.LEADERBOARD.read_text("utf-8"), re.M
    )
    assert rows == list(zoo.list())


def test_the_readme_lists_every_architecture():
    table = words("README.md").partition("## Architectures")[2]
    listed = re.findall(r"\| `(\w+)` \|", table.partition("## ")[0])
    assert sorted(listed) == sorted(models.architectures())


def test_pages_quote_the_baseline_as_it_was_scored():
    scores = kept_scores()["fd"]
    text = words("docs/leaderboard.md")
    last = f"{scores['baseline, epoch 20']:.3f}"
    assert f"scores {last} under" in text
    early = [scores[f"baseline, epoch {epoch}"] for epoch in (1, 4, 10)]
    assert "({:.2f}, {:.2f} and {:.2f} after".format(*early) in text
    text = words("README.md")
    own = f"{scores['dcgan_fashion_mnist_32']:.3f}"
    assert f"is {own} under `fd10k_fashion_mnist_test`, and {last} for" in text
    for name in zoo.list():
        if name in scores:
            entry = zoo.card(name).scores["fd10k_fashion_mnist_test"]
            assert entry["value"] == pytest.approx(scores[name], rel=1e-6)


def test_the_second_classifier_is_there_and_as_the_leaderboard_says():
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
    assert (
        "accuracy is {:.1%} on the real images and {:.1%} on the real shirts; "
        "that of the first is {:.1%} and {:.1%}.".format(*found)
        in words("docs/leaderboard.md")
    )
    # It scored every model of Fashion-MNIST.
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
    # With the classifier of the cards, for a class-conditional model.
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
        tasks.TASKS[zoo.card(name).task].samples,
    ]
    text = (folder / "README.md").read_text("utf-8")
    assert all(f"]({name})" in text for name in figures)
    weights = (folder / "model.weights.h5").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == zoo.card(name).sha256
    assert len(weights) <= LARGEST


@every_name
def test_a_folder_is_installed(name):
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    patterns = setup["options.package_data"]["zoo"].split(", ")
    folder = zoo.folder(name)
    found = {path for p in patterns for path in folder.parent.glob(p)}
    assert found >= set(folder.iterdir())


@every_name
def test_a_card_is_as_kerasgan_writes_it(name):
    text = (zoo.folder(name) / "README.md").read_text("utf-8")
    # If not: python scripts/leaderboard.py
    assert text == leaderboard().card(name)


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
    recipe, _ = recipes.load(name)
    card = zoo.card(name)
    assert (recipe.name, recipe.dataset) == (card.name, card.dataset)
    assert (recipe.license, recipe.description) == (
        card.license,
        card.description,
    )


@every_name
def test_a_recipe_says_what_came_out(name):
    assert leaderboard().trained(name) in recipe_docstring(name)


def test_a_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {kerasgan.__version__}\n" in text


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
    scores = evaluation.score(name, list(kept["scores"]))
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


def slug(heading):
    """Returns the anchor that GitHub gives to a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.strip().replace(" ", "-")


@pytest.mark.parametrize(
    "path",
    sorted(
        str(path.relative_to(ROOT))
        for pattern in ("*.md", "docs/**/*.md", "zoo/*/*.md")
        for path in ROOT.glob(pattern)
    ),
)
def test_links_of_a_page_have_targets(path):
    text = (ROOT / path).read_text("utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    links = re.findall(r"\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"", text)
    for link in map("".join, links):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / path).parent / name if name else ROOT / path
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.M)
            assert anchor in map(slug, headings), link


def imported(path):
    """Yields the parts of the project that a module imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "kerasgan":
            names = [f"kerasgan.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "zoo":
                yield package
            elif package == "kerasgan" and rest:
                yield rest.partition(".")[0]


def test_imports_follow_the_order_of_the_parts():
    found = set()
    for path in [*ROOT.glob("kerasgan/**/*.py"), *ROOT.glob("zoo/*.py")]:
        package, part, *_ = path.relative_to(ROOT).with_suffix("").parts
        part = package if package == "zoo" else part
        if part == "__init__":
            continue
        found |= {(part, other) for other in imported(path) if other != part}
    assert {part for pair in found for part in pair} <= set(IMPORT_ORDER)
    backwards = {
        (part, other)
        for part, other in found
        if IMPORT_ORDER.index(other) > IMPORT_ORDER.index(part)
    }
    assert backwards <= IMPORTS_OUT_OF_ORDER


def test_contributing_names_the_parts_in_their_order():
    text = words("CONTRIBUTING.md").partition("imports only")[2]
    named = re.findall(r"`(\w+)`", text.partition(". ")[0])
    assert named == list(IMPORT_ORDER)


def test_the_glossary_is_kept():
    found = []
    for path in sorted(p for scan in SCANNED for p in ROOT.glob(scan)):
        text = PUBLISHED.sub("", path.read_text("utf-8"))
        if path.suffix == ".md":
            # The glossary itself, and the gallery, whose words are the cards'.
            for part in ("glossary", "gallery"):
                start, end = f"<!-- {part} -->", f"<!-- /{part} -->"
                text = re.sub(f"{start}.*{end}", "", text, flags=re.S)
        for match in AVOIDED.finditer(text):
            found.append(f"{path.relative_to(ROOT)}: {match[0]!r}")
    assert not found, "\n".join(found)
