"""Writes the README's gallery and leaderboard from the folders of the zoo.

    python scripts/leaderboard.py

What a second classifier makes of the models of clothing comes from
benchmarks/baseline_scores.json. tests/test_repository.py holds the README to
what this writes.
"""

import json
import pathlib

import zoo

README = pathlib.Path(__file__).parent.parent / "README.md"
JUDGED = README.parent / "scripts" / "benchmarks" / "baseline_scores.json"
WIDTH = 265  # Pixels, of a sheet of samples in the gallery.
COLUMNS = (
    "Model",
    "Data",
    "Parameters",
    "Hours",
    "Protocol",
    "Score",
    "Real",
    "Yardstick",
)
JUDGE_COLUMNS = (
    "",
    "FD",
    "FD, second",
    "Class seen",
    "Class seen, second",
    "Least seen class, second",
)
# Scores that a row shows, by how the name of their metric begins. The others
# are on the cards.
SHOWN = ("fd_", "agreement_", "pairs")
# What stands in the last column, the first of them that was measured.
YARDSTICKS = ("color regression", "epoch 1")
NOTHING = "–"


def shown(entry):
    """Returns a score with its unit, for people to read."""
    value = entry["value"]
    if entry["metric"].startswith("fd_"):
        return f"FD {value:.3f}"
    if entry["metric"] == "pairs":
        return f"L1 {value['l1']:.1f}, SSIM {value['ssim']:.3f}"
    if "class" in value:
        return f"class {value['class']:.1%}"
    shares = [f"{name.replace('_', ' ')} {v:.0%}" for name, v in value.items()]
    return ", ".join(shares)


def measured(name):
    """Returns a model's metrics.json."""
    return json.loads((zoo.folder(name) / "metrics.json").read_text("utf-8"))


def trained(name):
    """Returns how a model was trained, as its recipe's docstring says it."""
    metrics = measured(name)
    training = metrics["training"]
    scores = [
        f"{shown(entry)} under {protocol}"
        for protocol, entry in metrics["scores"].items()
        if entry["metric"].startswith(SHOWN)
    ]
    return (
        f"Trained for {training['hours']:.1f} hours by the clock on "
        f"{training['cores']} cores ({training['processor']}), with seed "
        f"{training['seed']} at commit {training['commit']}: "
        f"{', '.join(scores)}."
    )


def row(name):
    """Returns the cells of one model."""
    card = zoo.card(name)
    metrics = measured(name)
    yardsticks = metrics["yardsticks"]
    lines = []
    for protocol, entry in metrics["scores"].items():
        if protocol.startswith("reversed") or not entry["metric"].startswith(
            SHOWN
        ):
            continue
        real = yardsticks.get("real", {}).get(protocol)
        others = [
            f"{label}: {shown(yardsticks[label][protocol])}"
            for label in YARDSTICKS
            if protocol in yardsticks.get(label, {})
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
        f"[{name}](zoo/{name}/README.md)",
        card.dataset,
        f"{sum(card.parameters.values()) / 1e6:.1f} M",
        f"{metrics['training']['hours']:.1f}",
        *("<br>".join(cells) for cells in zip(*lines, strict=True)),
    )


def table():
    """Returns the leaderboard as Markdown."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(row, zoo.list())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def both_scores(row):
    """Returns how the zoo's classifier scored what the second one scored.

    Args:
        row: str. A name in baseline_scores.json.

    Returns:
        Pair of distance and share of images of the class asked for, `None`
        where it was not measured.
    """
    name, _, truncation = row.partition(", ")
    if name not in zoo.list():
        return json.loads(JUDGED.read_text("utf-8"))["fd"].get(row), None
    metrics = measured(name)
    scores = metrics["scores"]
    if truncation:
        scores = metrics["yardsticks"][truncation]
    agreement = scores.get("agreement10k_fashion_mnist")
    return (
        scores["fd10k_fashion_mnist_test"]["value"],
        agreement and agreement["value"]["class"],
    )


def judged():
    """Returns the scores of a second classifier as Markdown."""

    def cell(value, form):
        return NOTHING if value is None else format(value, form)

    table = json.loads(JUDGED.read_text("utf-8"))["judge"]
    rows = [JUDGE_COLUMNS, ("---",) * len(JUDGE_COLUMNS)]
    for row, distance in sorted(table["fd"].items(), key=lambda pair: pair[1]):
        own_distance, own_share = both_scores(row)
        seen = dict(table["class_seen"].get(row, {}))
        share = seen.pop("class", None)
        least = min(seen, key=seen.get, default=None)
        rows.append(
            (
                row,
                cell(own_distance, ".3f"),
                f"{distance:.3f}",
                cell(own_share, ".1%"),
                cell(share, ".1%"),
                NOTHING if least is None else f"{least} {seen[least]:.1%}",
            )
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def gallery():
    """Returns the sheets of samples, each a link to its card."""
    return "\n".join(
        f'<a href="zoo/{name}/README.md"><img src="zoo/{name}/samples.png" '
        f'width="{WIDTH}" alt="{zoo.card(name).description} {name}, not '
        f'selected" title="{name}"></a>'
        for name in zoo.list()
    )


def written(text):
    """Returns the README's text with its gallery and its tables as of now."""
    parts = {"gallery": gallery(), "leaderboard": table(), "judge": judged()}
    for name, part in parts.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if start not in text or end not in text:
            raise ValueError(f"The README needs the marks {start} and {end}.")
        before, after = text.split(start)[0], text.split(end)[1]
        text = f"{before}{start}\n{part}\n{end}{after}"
    return text


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
