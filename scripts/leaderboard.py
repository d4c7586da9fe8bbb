"""Writes gallery, leaderboard and model cards from the folders of the zoo.

    python scripts/leaderboard.py

The gallery is in README.md, the leaderboard in docs/leaderboard.md. A card
keeps its sections that were written by hand. Scores of the second classifier
come from benchmarks/baseline_scores.json. tests/test_repository.py checks all
pages against the output.
"""

import json
import pathlib

import zoo
from kerasgan import model_card, recipes, tasks
from zoo import cards

ROOT = pathlib.Path(__file__).parent.parent
README = ROOT / "README.md"
LEADERBOARD = ROOT / "docs" / "leaderboard.md"
JUDGED = ROOT / "scripts" / "benchmarks" / "baseline_scores.json"
WIDTH = 265  # Pixels, of a grid of samples in the gallery.
COLUMNS = (
    "Model",
    "Data",
    "Parameters",
    "Hours",
    "Protocol",
    "Score",
    "Real",
    "Baseline",
)
JUDGE_COLUMNS = (
    "",
    "FD",
    "FD, second",
    "Accuracy",
    "Accuracy, second",
    "Lowest accuracy, second",
)
# Scores of a row, by the prefix of their metric. The others are on the cards.
SHOWN = ("fd_", "agreement_", "pairs", "captions")
# The last column has the first of these that was measured.
BASELINES = ("color regression", "epoch 1")
NOTHING = "–"


def shown(entry):
    """Returns a score as text, with its name."""
    value = entry["value"]
    if entry["metric"].startswith("fd_"):
        return f"FD {value:.3f}"
    if entry["metric"] == "pairs":
        return f"L1 {value['l1']:.1f}, SSIM {value['ssim']:.3f}"
    if entry["metric"] == "captions":
        return (
            f"grammatical {value['grammatical']:.1%}, "
            f"novel {value['novel']:.1%}"
        )
    if "class" in value:
        return f"class {value['class']:.1%}"
    shares = [f"{name.replace('_', ' ')} {v:.0%}" for name, v in value.items()]
    return ", ".join(shares)


def measured(name):
    """Returns a model's metrics.json."""
    return json.loads((zoo.folder(name) / "metrics.json").read_text("utf-8"))


def trained(name):
    """Returns the sentence of a recipe's docstring on training and scores."""
    metrics = measured(name)
    training = metrics["training"]
    scores = [
        f"{shown(entry)} under {protocol}"
        for protocol, entry in metrics["scores"].items()
        if entry["metric"].startswith(SHOWN)
    ]
    place = f"{training['cores']} cores ({training['processor']})"
    if "framework" in training:
        place = f"one {training['processor']} in {training['framework']}"
    return (
        f"Trained for {hours(training)} hours by the clock on {place}, with "
        f"seed {training['seed']} at commit {training['commit']}: "
        f"{', '.join(scores)}."
    )


def hours(training):
    """Returns the hours of a training, of a minute still a figure."""
    return f"{training['hours']:.{1 if training['hours'] >= 0.1 else 2}f}"


def row(name):
    """Returns the cells of one model."""
    card = zoo.card(name)
    metrics = measured(name)
    baselines = metrics["yardsticks"]
    lines = []
    for protocol, entry in metrics["scores"].items():
        if protocol.startswith("reversed") or not entry["metric"].startswith(
            SHOWN
        ):
            continue
        real = baselines.get("real", {}).get(protocol)
        others = [
            f"{label}: {shown(baselines[label][protocol])}"
            for label in BASELINES
            if protocol in baselines.get(label, {})
        ]
        lines.append(
            (
                f"`{protocol}`",
                f"**{shown(entry)}**",
                shown(real) if real else NOTHING,
                others[0] if others else NOTHING,
            )
        )
    return (
        f"[{name}](../zoo/{name}/README.md)",
        card.dataset,
        f"{sum(card.parameters.values()) / 1e6:.1f} M",
        hours(metrics["training"]),
        *("<br>".join(cells) for cells in zip(*lines, strict=True)),
    )


def table():
    """Returns the leaderboard as Markdown."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(row, zoo.list())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def first_scores(row):
    """Returns the scores by the zoo's classifier of a row of the second one.

    Args:
        row: str. A name in baseline_scores.json.

    Returns:
        Pair of Fréchet distance and conditional accuracy, each `None` if it
        was not measured.
    """
    name, _, truncation = row.partition(", ")
    if name not in zoo.list():
        return json.loads(JUDGED.read_text("utf-8"))["fd"].get(row), None
    metrics = measured(name)
    scores = metrics["scores"]
    if truncation:
        scores = metrics["yardsticks"][truncation]
    accuracy = scores.get("agreement10k_fashion_mnist")
    return (
        scores["fd10k_fashion_mnist_test"]["value"],
        accuracy and accuracy["value"]["class"],
    )


def judged():
    """Returns the scores of the second classifier as Markdown."""

    def cell(value, form):
        return NOTHING if value is None else format(value, form)

    table = json.loads(JUDGED.read_text("utf-8"))["judge"]
    rows = [JUDGE_COLUMNS, ("---",) * len(JUDGE_COLUMNS)]
    for row, distance in sorted(table["fd"].items(), key=lambda pair: pair[1]):
        first_distance, first_accuracy = first_scores(row)
        by_class = dict(table["class_seen"].get(row, {}))
        accuracy = by_class.pop("class", None)
        lowest = min(by_class, key=by_class.get, default=None)
        rows.append(
            (
                row,
                cell(first_distance, ".3f"),
                f"{distance:.3f}",
                cell(first_accuracy, ".1%"),
                cell(accuracy, ".1%"),
                f"{lowest} {by_class[lowest]:.1%}" if lowest else NOTHING,
            )
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def gallery():
    """Returns the grids of samples of images, each a link to its card."""
    return "\n".join(
        f'<a href="zoo/{name}/README.md"><img src="zoo/{name}/samples.png" '
        f'width="{WIDTH}" alt="{zoo.card(name).description} {name}, not '
        f'selected" title="{name}"></a>'
        for name in zoo.list()
        if tasks.TASKS[zoo.card(name).task].output == "images"
    )


def card(name):
    """Returns the model card of a folder, as kerasgan writes it today."""
    folder = zoo.folder(name)
    recipe, _ = recipes.load(name)
    _, metrics = cards.read(folder)
    by_hand = [
        model_card.from_user_or_card(None, folder, heading, heading)
        for heading in (model_card.WEAKNESSES, model_card.DATA)
    ]
    return model_card.text(folder, recipe, metrics, *by_hand)


def pages():
    """Returns the generated parts of each page: path to name to Markdown."""
    return {
        README: {"gallery": gallery()},
        LEADERBOARD: {"leaderboard": table(), "judge": judged()},
    }


def written(text, parts):
    """Returns a page with its generated parts replaced.

    Args:
        text: str. The page, with comments `<!-- NAME -->` and
            `<!-- /NAME -->` around each part.
        parts: dict of name to Markdown.

    Raises:
        ValueError: If the comments of a part are missing.
    """
    for name, part in parts.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if start not in text or end not in text:
            raise ValueError(f"The page needs the comments {start} and {end}.")
        before, after = text.split(start)[0], text.split(end)[1]
        text = f"{before}{start}\n{part}\n{end}{after}"
    return text


if __name__ == "__main__":
    for path, parts in pages().items():
        path.write_text(written(path.read_text("utf-8"), parts), "utf-8")
    for name in zoo.list():
        (zoo.folder(name) / model_card.README).write_text(card(name), "utf-8")
