"""Writes the README's leaderboard from the metrics.json of the zoo.

    python scripts/leaderboard.py

tests/test_repository.py holds the README to what this writes.
"""

import json
import pathlib
import re

import zoo

README = pathlib.Path(__file__).parent.parent / "README.md"
MARKS = ("<!-- leaderboard -->", "<!-- /leaderboard -->")
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


def row(name):
    """Returns the cells of one model."""
    card = zoo.card(name)
    metrics = json.loads((zoo.folder(name) / "metrics.json").read_text("utf-8"))
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


def with_table(text):
    """Returns the README's text with the present leaderboard."""
    start, end = map(re.escape, MARKS)
    return re.sub(
        f"{start}.*?{end}",
        lambda _: f"{MARKS[0]}\n{table()}\n{MARKS[1]}",
        text,
        flags=re.S,
    )


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
