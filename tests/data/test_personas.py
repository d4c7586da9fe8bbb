import collections
import shutil

import numpy as np
import pytest

from kerasgan import data
from kerasgan.data import personas

FACE = {
    "hair": "bobCut",
    "hair_color": "red",
    "eyes": "glasses",
    "mouth": "smile",
    "skin": "fair",
    "clothing_color": "blue",
    "body": "small",
    "facial_hair": "none",
    "nose": "wrinkles",
}


@pytest.mark.parametrize(
    ("changes", "caption"),
    [
        (
            {},
            "a smiling person with fair skin, a red bob cut, glasses, wearing "
            "a blue shirt",
        ),
        (
            {"mouth": "pacifier", "body": "checkered", "hair": "cap"},
            "a person with fair skin, a cap, glasses, wearing a blue "
            "checkered shirt, with a pacifier",
        ),
        (
            {"facial_hair": "goatee", "hair": "long", "eyes": "wink"},
            "a smiling person with fair skin, long red hair, a winking eye, a "
            "goatee, wearing a blue shirt",
        ),
    ],
)
def test_captions_name_what_is_seen(changes, caption):
    assert personas.caption_of({**FACE, **changes}) == caption
    assert personas.is_caption(caption)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a person with fair skin, a red fade, open eyes, wearing a blue shirt",
        "a smiling person with fair skin, a red fade, open eyes, wearing a "
        "blue shirt, with full lips",
        "a smiling person with fair skin, a red fade, open eyes, wearing a "
        "black shirt",
        "a smiling person with fair skin, a fade, open eyes, wearing a blue "
        "shirt",
        "a smiling person with fair skin, a red fade, open eyes, wearing a "
        "blue shirt shirt",
    ],
)
def test_what_no_face_has_is_no_caption(text):
    """Such as no mouth, or two."""
    assert not personas.is_caption(text)


def test_every_value_is_in_some_caption():
    for key, values in personas.ATTRIBUTES.items():
        for value in values:
            caption = personas.caption_of({**FACE, key: value})
            assert personas.is_caption(caption), caption


def test_every_attribute_changes_the_caption_but_the_nose_and_cut():
    for key, values in personas.ATTRIBUTES.items():
        captions = {personas.caption_of({**FACE, key: v}) for v in values}
        expected = {"nose": 1, "body": 2}.get(key, len(values))
        assert len(captions) == expected, key


def test_a_fifth_of_the_visible_pairs_is_held_out():
    styles = [s for s, words in personas.HAIR.items() if "{color}" in words]
    pairs = len(styles) * len(personas.HAIR_COLOR)
    assert (len(personas.HELD_OUT), pairs) == (24, 119)
    by_style = collections.Counter(style for style, _ in personas.HELD_OUT)
    by_color = collections.Counter(color for _, color in personas.HELD_OUT)
    # Each style and each color stays known to the training part.
    assert set(by_style) == set(styles) and max(by_style.values()) == 2
    assert set(by_color) == set(personas.HAIR_COLOR.values())
    assert max(by_color.values()) == 4


def test_a_held_out_pair_is_for_test_alone():
    style, color = sorted(personas.HELD_OUT)[0]
    assert (
        personas.split_of({**FACE, "hair": style, "hair_color": color})
        == "test"
    )
    assert personas.split_of(FACE) in ("train", "validation")


def test_records_are_translated():
    extra = {
        "hair": "bobCut",
        "hairColor": "#e15c66",
        "eyes": "glasses",
        "mouth": "smile",
        "skinColor": "#eeb4a4",
        "clothingColor": "#456dff",
        "body": "small",
        "nose": "wrinkles",
        "facialHair": None,
    }
    assert personas.attributes_of(extra) == FACE


def test_a_missing_program_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(OSError, match="`node` is missing"):
        list(personas.generate_faces(1))


@pytest.mark.data
@pytest.mark.rendered
def test_faces_are_those_of_the_prepared_set():
    (face,) = (f for f in personas.generate_faces(9) if f["id"] == "00004")
    for part in ("train", "validation", "test"):
        examples = data.load("personas", part)
        found = np.flatnonzero(examples["id"] == b"00004")
        if found.size:
            break
    assert part == personas.split_of(face["attributes"])
    caption = personas.caption_of(face["attributes"]).encode()
    assert examples["caption"][found[0]] == caption
    np.testing.assert_array_equal(
        examples["image"][found[0]], personas.render(face["svg"], 64)
    )


@pytest.mark.data
@pytest.mark.rendered
def test_parts_share_neither_held_out_pairs_nor_captions():
    parts = {
        part: data.load("personas", part)
        for part in ("train", "validation", "test")
    }
    pairs, captions = {}, {}
    for part, examples in parts.items():
        attributes = examples["attributes"]
        pairs[part] = {
            (
                personas.ATTRIBUTES["hair"][hair],
                personas.ATTRIBUTES["hair_color"][color],
            )
            for hair, color in zip(
                attributes["hair"], attributes["hair_color"], strict=True
            )
        }
        captions[part] = set(examples["caption"])
    assert pairs["test"] == personas.HELD_OUT
    assert not personas.HELD_OUT & (pairs["train"] | pairs["validation"])
    assert not captions["train"] & captions["validation"]
    assert not captions["train"] & captions["test"]


@pytest.mark.data
def test_the_first_ten_thousand_are_as_varied_as_recorded():
    faces = list(personas.generate_faces(10000))
    captions = [personas.caption_of(face["attributes"]) for face in faces]
    words = {w for c in captions for w in c.replace(",", "").split()}
    assert (len(set(captions)), len(words)) == (9609, 73)


def test_hair_color_is_hidden_where_no_hair_shows():
    styles = personas.ATTRIBUTES["hair"]
    attributes = {
        "hair": np.array([styles.index(s) for s in ("bald", "long", "cap")]),
        "hair_color": np.array([1, 2, 3]),
        "nose": np.array([0, 1, 2]),
    }
    found = personas.visible_labels(attributes)
    assert found["hair_color"].tolist() == [-1, 2, -1]
    assert found["nose"].tolist() == [0, 1, 2]
    assert attributes["hair_color"].tolist() == [1, 2, 3]
