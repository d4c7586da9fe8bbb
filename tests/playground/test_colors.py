"""Contrast of the page's colors, as docs/playground.md lists it."""

import pathlib
import re

import numpy as np
import pytest

from kerasgan import playground

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "playground.md"
CSS = (playground.PAGE / "style.css").read_text("utf-8")
TEXT, PARTS = 4.5, 3.0
# Foreground, background and the least ratio of their luminances by WCAG 2.2:
# success criteria 1.4.3, texts, and 1.4.11, parts of controls.
USES = {
    ("front", "back"): TEXT,
    ("quiet", "back"): TEXT,
    ("accent", "back"): TEXT,
    ("front", "soft"): TEXT,
    ("quiet", "soft"): TEXT,
    ("on-accent", "accent"): TEXT,
    ("line", "back"): PARTS,
    ("bad", "back"): PARTS,
}


def colors(scheme):
    """Returns the colors by name; dark ones replace those of the light page."""
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.S)
    text = light if scheme == "light" else light + dark
    return dict(re.findall(r"--([\w-]+): (#\w+);", text))


def luminance(color):
    """Returns the relative luminance of `#rgb` or `#rrggbb`, by WCAG 2.2."""
    digits = color[1:]
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    levels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [
        x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4
        for x in levels
    ]
    return np.dot((0.2126, 0.7152, 0.0722), linear)


def contrast(first, second):
    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


def test_the_formula():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    # The darkest grey that is no text on white, an example of WCAG's authors.
    assert contrast("#777", "#fff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pair", "least"), USES.items())
def test_contrast(scheme, pair, least):
    found = colors(scheme)
    assert contrast(*(found[name] for name in pair)) >= least


def test_all_colors_are_among_them():
    rules = re.sub(r":root \{.*?\}", "", CSS, flags=re.S)
    assert set(re.findall(r"var\(--([\w-]+)\)", rules)) == {
        name for pair in USES for name in pair
    }
    # The brush is black around white, so that it is seen on any image.
    blocks = re.findall(r"([^{}]+) \{([^{}]*)\}", rules)
    fixed = [selector.strip() for selector, text in blocks if "#" in text]
    assert fixed == [".cursor"]


def test_the_document_lists_them():
    row = r"\| `([\w-]+)` on `([\w-]+)`" + 3 * r" \| ([\d.]+)"
    assert re.findall(row, DOCUMENT.read_text("utf-8")) == [
        (
            *pair,
            f"{least:.1f}",
            *(
                f"{contrast(*(colors(scheme)[n] for n in pair)):.1f}"
                for scheme in ("light", "dark")
            ),
        )
        for pair, least in USES.items()
    ]
