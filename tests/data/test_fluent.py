import numpy as np
import pytest
from PIL import Image

from kerasgan import data
from kerasgan.data import fluent


@pytest.mark.parametrize(
    ("name", "base", "tone", "concept"),
    [
        ("man-golfing-medium-light", "man-golfing", "medium-light", "golfing"),
        ("man-golfing-medium", "man-golfing", "medium", "golfing"),
        ("woman-golfing-light", "woman-golfing", "light", "golfing"),
        ("golfing-default", "golfing", "default", "golfing"),
        ("red-apple", "red-apple", "", "red-apple"),
        ("mango", "mango", "", "mango"),
    ],
)
def test_names_are_taken_apart(name, base, tone, concept):
    assert fluent.split_tone(name) == (base, tone)
    assert fluent.concept_of(name) == concept


def test_all_tones_and_genders_are_in_one_part():
    parts = {
        fluent.split_of(f"{gender}-golfing-{tone}")
        for gender in fluent.GENDERS
        for tone in (*fluent.TONES, fluent.DEFAULT_TONE)
    }
    assert len(parts) == 1


def test_names_are_matched_by_code_points():
    code_points = {
        "waving-hand": ["1f44b"],
        "writing-hand": ["270d", "fe0f"],
        "man-pilot": ["1f468", "200d", "2708", "fe0f"],
        "new-moon": ["1f311"],
    }
    flat = [
        "waving-hand-default",
        "waving-hand-medium-light",
        "writing-hand-dark",
        "man-pilot-medium",
        "new-moon",
        "unknown",
    ]
    rendered = [
        "1f44b",
        "1f44b-1f3fc",
        "270d-1f3ff",
        "1f468-1f3fd-200d-2708-fe0f",
        "1f311",
    ]
    assert fluent.match_names(flat, rendered, code_points) == {
        "man-pilot-medium": "1f468-1f3fd-200d-2708-fe0f",
        "new-moon": "1f311",
        "waving-hand-default": "1f44b",
        "waving-hand-medium-light": "1f44b-1f3fc",
        "writing-hand-dark": "270d-1f3ff",
    }


def grey(level):
    return np.full(3, float(level))


@pytest.mark.parametrize("swapped", [False, True])
def test_tones_are_paired_by_color(swapped):
    pairs = {"hand-medium": "m", "hand-medium-light": "l", "hand-dark": "d"}
    flat = {"hand-medium": grey(100), "hand-medium-light": grey(160)}
    # All renderings are brighter than all drawings, so distances that are not
    # squared tie.
    levels = [190, 250] if not swapped else [250, 190]
    rendered = {"m": grey(levels[0]), "l": grey(levels[1])}
    corrected, count = fluent.correct_tones(
        pairs, flat.__getitem__, rendered.__getitem__
    )
    assert count == int(swapped)
    assert corrected["hand-dark"] == "d"
    assert corrected["hand-medium"] == ("l" if swapped else "m")
    assert corrected["hand-medium-light"] == ("m" if swapped else "l")
    assert pairs["hand-medium"] == "m"


def test_oblong_images_become_square_on_white():
    image = Image.new("LA", (32, 48), (0, 255))
    received = fluent.on_white_square(image)
    assert received.shape == (128, 128, 3)
    # 8 of 48 columns on each side are white, 21 of 128 pixels; the filter
    # reaches 8 pixels over the edge.
    assert (received[:, :13] == 255).all() and (received[:, -13:] == 255).all()
    assert (received[:, 30:98] == 0).all()


@pytest.mark.data
def test_the_packages_have_the_recorded_pairs_and_swaps():
    images = fluent.Images()
    toned = [
        name
        for name in images.pairs
        if fluent.split_tone(name)[1] in fluent.TONES
    ]
    assert (len(images.pairs), len(toned)) == (2861, 1347)
    _, swapped = fluent.correct_tones(
        images.pairs, images.flat_color, images.rendered_color
    )
    assert swapped == 265


@pytest.mark.data
def test_prepared_tones_follow_the_drawings():
    brightness = {}
    for part in ("train", "validation", "test"):
        examples = data.load("fluent", part)
        means = [examples[key].mean((1, 2, 3)) for key in ("input", "target")]
        for name, *values in zip(examples["name"], *means, strict=True):
            brightness[name.decode()] = values
    checked = 0
    for name, lighter in brightness.items():
        base, tone = fluent.split_tone(name)
        darker = brightness.get(f"{base}-medium")
        # Where the drawings hardly differ, shading decides.
        if tone == "medium-light" and abs(lighter[0] - darker[0]) > 2:
            assert (lighter[0] > darker[0]) == (lighter[1] > darker[1]), name
            checked += 1
    assert checked > 200


@pytest.mark.data
def test_copying_the_input_has_the_recorded_error():
    # At 128 pixels, corrected tones, test part: 13.5.
    examples = data.load("fluent", "test")
    difference = examples["input"].astype(float) - examples["target"]
    assert np.abs(difference).mean() == pytest.approx(13.5, abs=0.1)


@pytest.mark.data
def test_parts_share_no_concept():
    concepts = [
        set(data.load("fluent", part)["concept"])
        for part in ("train", "validation", "test")
    ]
    assert not concepts[0] & concepts[1]
    assert not concepts[0] & concepts[2]
    assert not concepts[1] & concepts[2]
