"""Avatars: attributes by hash, options of both styles, parts and halves."""

import collections
import shutil

import numpy as np
import pytest

from kerasgan import data
from kerasgan.data import avatars, catalog


def everyone():
    return [avatars.attributes_of(f"{n:05d}") for n in range(avatars.COUNT)]


def test_attributes_are_independent_and_even():
    people = everyone()
    for key, values in avatars.ATTRIBUTES.items():
        counts = collections.Counter(person[key] for person in people)
        assert set(counts) == set(values)
        assert max(counts.values()) < 1.1 * avatars.COUNT / len(values)
    both = collections.Counter((p["hair"], p["skin"]) for p in people)
    assert max(both.values()) < 1.2 * avatars.COUNT / 21


def test_people_with_the_same_attributes_are_in_one_part():
    concepts = [avatars.concept_of(person) for person in everyone()]
    counts = collections.Counter(map(avatars.split_of, concepts))
    assert counts == catalog.get("avatars").counts
    train = [c for c in concepts if avatars.split_of(c) == "train"]
    examples = {"concept": np.array([c.encode() for c in train])}
    halves = catalog.get("avatars").halves(examples)
    assert (halves.sum(), (~halves).sum()) == (3978, 3992)
    # No one of the one half has the attributes of one of the other.
    first = {c for c, half in zip(train, halves, strict=True) if half}
    assert not first & set(np.array(train)[~halves])


def test_a_bald_head_shows_no_hair_color():
    person = {**avatars.attributes_of("0"), "hair": "bald"}
    concepts = {
        avatars.concept_of({**person, "hair_color": color})
        for color in avatars.ATTRIBUTES["hair_color"]
    }
    assert len(concepts) == 1
    styles = avatars.ATTRIBUTES["hair"]
    labels = {
        "hair": np.array([styles.index("bald"), styles.index("long")]),
        "hair_color": np.array([2, 2]),
    }
    found = avatars.visible_labels(labels)["hair_color"]
    assert found.tolist() == [catalog.HIDDEN, 2]


def test_both_drawings_have_the_attributes():
    person = {
        "hair": "long",
        "hair_color": "red",
        "skin": "tan",
        "clothing_color": "green",
        "mouth": "laughing",
        "glasses": "glasses",
        "beard": "none",
    }
    first, second = avatars.options_of("7", person)
    assert (first["hair"], second["hair"]) == (["extraLong"], ["full"])
    for one, other in (
        ("hairColor", "hairColor"),
        ("skinColor", "baseColor"),
        ("clothingColor", "shirtColor"),
    ):
        assert first[one] == second[other]
    assert first["hairColor"] == ["e15c66"]
    assert (first["eyes"], second["glassesProbability"]) == (["glasses"], 100)
    assert (first["mouth"], second["mouth"]) == (["bigSmile"], ["laughing"])
    for options in (first, second):
        assert options["facialHairProbability"] == 0
    assert first["seed"] != second["seed"]


def test_a_missing_program_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(OSError, match="`node` is missing"):
        list(avatars.generate_people(1))


@pytest.mark.data
@pytest.mark.rendered
def test_people_are_those_of_the_prepared_set():
    (person,) = (p for p in avatars.generate_people(3) if p["id"] == "00002")
    examples = data.load("avatars", avatars.split_of(person["concept"]))
    (row,) = np.flatnonzero(examples["id"] == b"00002")
    assert examples["concept"][row] == person["concept"].encode()
    for side, drawing in zip(
        ("input", "target"), person["drawings"], strict=True
    ):
        expected = avatars.render(drawing, 64)
        np.testing.assert_array_equal(examples[side][row], expected)
    for key, values in avatars.ATTRIBUTES.items():
        found = values[examples["attributes"][key][row]]
        assert found == person["attributes"][key]


@pytest.mark.data
@pytest.mark.rendered
def test_colors_are_the_same_in_both_styles():
    examples = data.load("avatars", "test")
    labels = examples["attributes"]["clothing_color"]
    for side in ("input", "target"):
        # The middle of the lowest rows is shirt, whatever its pattern.
        shirts = examples[side][:, 60:, 24:40].astype(float).mean((1, 2))
        means = [shirts[labels == n].mean(0) for n in range(6)]
        nearest = np.linalg.norm(shirts[:, None] - means, axis=2).argmin(1)
        assert (nearest == labels).mean() > 0.8, side
