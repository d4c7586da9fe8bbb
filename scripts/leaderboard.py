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
    "Score",
    "Protocol",
    "Real",
    "Epoch 1",
)


def row(name):
    """Returns the cells of one model."""
    card = zoo.card(name)
    metrics = json.loads((zoo.folder(name) / "metrics.json").read_text("utf-8"))
    protocol, score = next(iter(metrics["scores"].items()))
    yardsticks = metrics["yardsticks"]
    return (
        f"[{name}](zoo/{name}/README.md)",
        card.dataset,
        f"{sum(card.parameters.values()) / 1e6:.1f} M",
        f"{metrics['training']['hours']:.1f}",
        f"**{score['value']:.3f}**",
        f"`{protocol}`",
        f"{yardsticks['real'][protocol]['value']:.3f}",
        f"{yardsticks['epoch 1'][protocol]['value']:.3f}",
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
