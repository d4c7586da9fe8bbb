"""Tutorials run in their short form, and what their pages say is so.

Pages are made by `python scripts/tutorials.py pages docs/tutorials`.
"""

import importlib.util
import math
import os
import pathlib
import pickle
import re
import subprocess
import sys

import pytest

from tests.support.scripts import script

ROOT = pathlib.Path(__file__).parent.parent
SOURCES = sorted((ROOT / "tutorials").glob("*.py"))
PAGES = ROOT / "docs" / "tutorials"
LARGEST_TOGETHER = 2 * 2**20
every_tutorial = pytest.mark.parametrize(
    "source", SOURCES, ids=lambda p: p.stem
)
needs_docs = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("jupytext", "matplotlib"))),
    reason="in the extra docs",
)
# Runs a script, then keeps some of its variables.
KEEPER = """
import pickle, runpy, sys
script, kept, *names = sys.argv[1:]
found = runpy.run_path(script)
with open(kept, "wb") as file:
    pickle.dump([found[name] for name in names], file)
"""


@pytest.fixture
def run(tmp_path):
    """Returns the variables of a tutorial, run in its short form."""

    def variables(number, *names):
        (source,) = (p for p in SOURCES if p.stem.startswith(number))
        figures = tmp_path / "figures"
        subprocess.run(
            [sys.executable, "-c", KEEPER, source, tmp_path / "kept", *names],
            check=True,
            cwd=tmp_path,
            env={
                **os.environ,
                "KERASGAN_SHORT": "1",
                "KERASGAN_FIGURES": str(figures),
                "PYTHONPATH": str(ROOT),
                # Without a screen.
                "MPLBACKEND": "agg",
            },
        )
        assert {path.name for path in figures.iterdir()} == figures_of(source)
        return pickle.loads((tmp_path / "kept").read_bytes())

    return variables


def figures_of(source):
    """Returns the names of the figures in the text of a tutorial or page."""
    return set(re.findall(r"\(figures/([\w.]+)\)", source.read_text("utf-8")))


@pytest.mark.slow
def test_first_images(run):
    same, more, other, by_hand, spreads, distance = run(
        "01",
        "same_seed",
        "first_of_more",
        "other_seed",
        "by_hand_difference",
        "spreads",
        "distance",
    )
    assert max(same, more, by_hand) <= 1
    assert other > 200
    assert spreads[1.0] > spreads[0.7] > spreads[0.4] > 2 * spreads[0.0]
    assert f"{distance:.3f}" == "0.153"


@pytest.mark.slow
@pytest.mark.data
@needs_docs
def test_a_gan_from_nothing(run):
    error, by_network, by_theorem, left, right, d_loss, distances = run(
        "02",
        "error",
        "by_network",
        "by_theorem",
        "left",
        "right",
        "d_loss",
        "distances",
    )
    assert error < 0.03  # Of the discriminator, against proposition 1.
    assert by_theorem == pytest.approx(0.654, abs=0.001)
    assert by_network == pytest.approx(by_theorem, abs=0.01)
    assert 0.35 < len(left) / (len(left) + len(right)) < 0.65
    assert d_loss == pytest.approx(math.log(4), abs=0.05)
    assert distances[-1] < distances[0] / 3  # The images are learned.


@pytest.mark.slow
def test_your_own_folder(run):
    dry, strict, stopped, finished, published, compared, shape = run(
        "03",
        "dry",
        "strict",
        "stopped",
        "finished",
        "published",
        "compared",
        "shape",
    )
    assert strict == 2  # The broken file.
    assert dry == stopped == finished == published == compared == 0
    assert shape == (16, 32, 32, 3)


@pytest.mark.slow
@needs_docs
def test_why_does_mine_fail(run):
    (
        chasing,
        calm,
        norms,
        bounded,
        walked,
        log,
        softplus,
        root,
        epsilon,
        textbook,
        stable,
        guilty,
        uneven,
        refused,
    ) = run(
        "04",
        "chasing_modes",
        "calm_modes",
        "norms",
        "bounded_norms",
        "walked",
        "log_of_zero",
        "by_softplus",
        "root_at_zero",
        "with_epsilon",
        "textbook_step",
        "softplus_step",
        "guilty",
        "unevenness",
        "refused",
    )
    assert max(chasing) <= 2  # Modes are lost with too much momentum,
    assert min(calm[-6:]) >= 6  # and covered with less.
    assert norms[-1, 0] < norms[0, 0] / 20  # The gradient vanishes,
    assert norms[-1, 1] > norms[0, 1]  # that of -log D does not,
    assert bounded[-1, 0] > 20 * norms[-1, 0]  # nor does it with R1.
    assert walked["log(1 - D)"] < walked["-log D"] / 50
    assert walked["log(1 - D), R1"] > 20 * walked["log(1 - D)"]
    # Numbers that leave their range.
    assert log[0] == -math.inf and math.isnan(log[1])
    assert softplus == (-120.0, 1.0)
    assert math.isnan(root[1][0]) and epsilon[1][0] == 0.0
    assert textbook is not None and stable is None
    assert '"Log"' in guilty
    assert uneven["transposed, kernel 3"] == pytest.approx(4.0, rel=0.1)
    assert uneven["transposed, kernel 4"] < 1.2
    assert uneven["resized, kernel 3"] < 1.01
    assert "to_float" in refused[0] and "0 to 255" in refused[1]


@pytest.mark.slow
@pytest.mark.data
def test_how_good_is_it(run):
    table, bias, medians = run("05", "table", "bias", "medians")
    real = table["real"]
    for name, scores in table.items():
        if name != "real":
            assert scores["FD"] > 2 * real["FD"], name
            assert scores["KD"] > real["KD"], name
    # What is left out is seen by recall alone.
    without = table["without shoes"]
    assert without["precision"] > real["precision"] - 0.05
    assert without["recall"] < real["recall"] - 0.1
    assert table["noisy"]["precision"] < real["precision"] - 0.1
    assert table["vanilla_gan"]["recall"] < 0.3
    distances = [distance for distance, _ in bias.values()]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 10 * distances[-1]
    assert max(abs(kernel) for _, kernel in bias.values()) < 0.005
    copies, held_out = (
        medians["copies, moved by a pixel"],
        medians["held-out real images"],
    )
    assert copies < 0.8 * held_out
    assert medians["samples"] > 0.9 * held_out


@pytest.mark.slow
def test_ask_for_something(run):
    obeys, heard, unknown = run("06", "obeys", "heard", "unknown")
    assert (
        obeys["acgan_fashion_mnist_32"] > obeys["cgan_fashion_mnist_32"] > 0.9
    )
    assert heard["clothing_color blue"] > 0.95 > 0.6 > heard["hair long"]
    assert unknown < 0.1


@pytest.mark.slow
def test_latent_space(run):
    norms, line, arc, shares, changes, errors = run(
        "07",
        "norms",
        "middle_of_line",
        "middle_of_arc",
        "shares",
        "changes",
        "errors",
    )
    assert norms.std() == pytest.approx(0.5**0.5, abs=0.05)
    assert line < 0.8 * norms.mean() < arc
    # Glasses after one step, sunglasses after three; neither at random.
    assert shares["glasses", 0][0] == 0.0
    assert shares["glasses", 1][0] > 3 * shares["random", 1][0]
    assert shares["glasses", 3][0] < shares["glasses", 1][0]
    assert shares["glasses", 3][1] > 2 * shares["random", 3][1]
    # Coarse styles carry the shape: the face becomes that of the column.
    assert changes["coarse"][0] > changes["fine"][0]
    assert errors[0] < 0.3 * errors[1]


@pytest.mark.slow
def test_images_to_images(run):
    for package in ("ai_edge_litert", "onnxruntime", "tf2onnx"):
        pytest.importorskip(package)
    shading, changed, returned, differences = run(
        "08", "shading", "changed", "returned", "differences"
    )
    assert shading["drawing"] == 0.0 and shading["pix2pix"] > 2.0
    assert returned < changed
    assert max(differences.values()) <= 1


# Pages


@every_tutorial
def test_a_page_says_what_its_tutorial_says(source):
    pytest.importorskip("jupytext", reason="in the extra docs")
    tutorials = script("tutorials")
    silent = [""] * len(tutorials.cells(source.stem))
    text = (PAGES / f"{source.stem}.md").read_text("utf-8")
    assert without_outputs(text) == tutorials.page(source.stem, silent)


def without_outputs(text):
    return re.sub(r"```text\n.*?\n```\n\n?", "", text, flags=re.S)


@every_tutorial
def test_bold_numbers_of_a_page_are_printed_on_it(source):
    text = (PAGES / f"{source.stem}.md").read_text("utf-8")
    outputs = "\n".join(re.findall(r"```text\n(.*?)\n```", text, re.S))
    for number in re.findall(r"\*\*(-?[\d.,]*\d)[^*]{0,6}\*\*", text):
        assert re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", outputs), (
            number
        )


@every_tutorial
def test_figures_of_a_page_are_there_and_described(source):
    page = PAGES / f"{source.stem}.md"
    figures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text("utf-8"))
    assert figures
    for described, path in figures:
        assert len(described.split()) > 3
        assert (PAGES / path).is_file()


def test_figures_are_used_and_small():
    used = set().union(*map(figures_of, SOURCES))
    files = list((PAGES / "figures").iterdir())
    assert {path.name for path in files} == used
    assert sum(path.stat().st_size for path in files) < LARGEST_TOGETHER


@every_tutorial
def test_a_tutorial_begins_with_what_is_seen_and_ends_with_exercises(source):
    text = source.read_text("utf-8")
    first, *_, last = text.split("# %%")[1:]
    assert "You will" in first and "![" in first
    assert "## Exercises" in last
    assert source.stem in (PAGES / "README.md").read_text("utf-8")


def test_notebooks_have_the_cells_and_the_figures(tmp_path):
    pytest.importorskip("jupytext", reason="in the extra docs")
    import nbformat

    tutorials = script("tutorials")
    tutorials.write_notebooks(tmp_path)
    assert len(list(tmp_path.iterdir())) == len(SOURCES)
    for source in SOURCES:
        found = nbformat.read(tmp_path / f"{source.stem}.ipynb", 4)
        nbformat.validate(found)
        code = [c for c in found.cells if c.cell_type == "code"]
        assert [c.source for c in code] == [
            c.source
            for c in tutorials.cells(source.stem)
            if c.cell_type == "code"
        ]
        shown = sum(len(c.outputs) for c in code)
        assert shown == len(figures_of(source))
