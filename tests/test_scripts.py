"""What scripts compute that a figure rests on."""

import json
import types

import numpy as np
import pytest

import zoo
from kerasgan import data
from tests.support.scripts import script


def entry(metric, value):
    return {"metric": metric, "value": value}


@pytest.fixture
def row(tmp_path, monkeypatch):
    """Returns the last four cells of a model with these metrics."""

    def cells(scores, yardsticks):
        metrics = {
            "scores": scores,
            "yardsticks": yardsticks,
            "training": {"hours": 1.234},
        }
        (tmp_path / "metrics.json").write_text(json.dumps(metrics))
        card = types.SimpleNamespace(
            dataset="personas", parameters={"a": 1_200_000, "b": 400_000}
        )
        monkeypatch.setattr(zoo, "card", lambda name: card)
        monkeypatch.setattr(zoo, "folder", lambda name: tmp_path)
        found = script("leaderboard").row("one")
        assert found[:4] == (
            "[one](../zoo/one/README.md)",
            "personas",
            "1.6 M",
            "1.2",
        )
        return found[4:]

    return cells


def test_rows_of_generating_models(row):
    value = {"class": 0.951, "bag": 0.9}
    scores = {
        "fd10k": entry("fd_a", 0.2741),
        "kd10k": entry("kd_a", 0.1),
        "agreement10k": entry("agreement_a", value),
    }
    real = {"fd10k": entry("fd_a", 0.0132), "kd10k": entry("kd_a", 0.0)}
    first = {"fd10k": entry("fd_a", 95.5), "kd10k": entry("kd_a", 4.0)}
    assert row(scores, {"real": real, "epoch 1": first}) == (
        "`fd10k`<br>`agreement10k`",
        "**FD 0.274**<br>**class 95.1%**",
        "FD 0.013<br>–",
        "epoch 1: FD 95.500<br>–",
    )


def test_rows_of_pairs(row):
    pairs = {"l1": 9.04, "psnr": 20.0, "ssim": 0.84}
    scores = {
        "pairs_a": entry("pairs", pairs),
        "reversed_a": entry("pairs", pairs),
        "cycle_a": entry("cycle", {"input and back": 5.0}),
    }
    plain = {"pairs_a": entry("pairs", pairs | {"l1": 13.1})}
    assert row(scores, {"copy": plain, "color regression": plain}) == (
        "`pairs_a`",
        "**L1 9.0, SSIM 0.840**",
        "–",
        "color regression: L1 13.1, SSIM 0.840",
    )


def test_rows_of_text(row):
    value = {"hair_color": 0.904, "eyes": 0.99}
    scores = {"agreement_a": entry("agreement_a", value)}
    cells = row(scores, {"real": scores})
    assert cells[1] == "**hair color 90%, eyes 99%**"
    assert cells[2] == "hair color 90%, eyes 99%"


def test_rows_of_the_second_classifier(tmp_path, monkeypatch):
    board = script("leaderboard")
    scores = {
        "fd10k_fashion_mnist_test": entry("fd_a", 0.2),
        "agreement10k_fashion_mnist": entry("agreement_a", {"class": 0.9}),
    }
    truncated = {
        "fd10k_fashion_mnist_test": entry("fd_a", 0.1),
        "agreement10k_fashion_mnist": entry("agreement_a", {"class": 0.95}),
    }
    metrics = {"scores": scores, "yardsticks": {"truncation 0.8": truncated}}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    monkeypatch.setattr(zoo, "folder", lambda name: tmp_path)
    monkeypatch.setattr(zoo, "list", lambda: ("one",))
    judge = {
        "fd": {"one": 0.25, "baseline": 0.4, "one, truncation 0.8": 0.15},
        "class_seen": {
            "one": {"class": 0.8, "bag": 0.9, "coat": 0.7},
            "one, truncation 0.8": {"class": 0.85, "bag": 0.75, "coat": 0.95},
        },
    }
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps({"fd": {"baseline": 0.38}, "judge": judge}))
    monkeypatch.setattr(board, "JUDGED", kept)
    assert board.judged().splitlines()[2:] == [
        "| one, truncation 0.8 | 0.100 | 0.150 | 95.0% | 85.0% | bag 75.0% |",
        "| one | 0.200 | 0.250 | 90.0% | 80.0% | coat 70.0% |",
        "| baseline | 0.380 | 0.400 | – | – | – |",
    ]


def test_a_classifier_is_not_asked_for_what_is_hidden():
    train = script("train_classifier")
    attributes = {"eyes": ("open", "closed"), "hair": ("red", "fair", "none")}
    loss = train.loss_of(attributes)
    logits = np.log([[0.8, 0.2, 0.5, 0.3, 0.2]] * 3).astype("float32")
    labels = np.array([[0, 1], [1, train.HIDDEN], [train.HIDDEN, 2]])
    np.testing.assert_allclose(
        loss(np.tile(labels, 2), logits),
        [-np.log(0.8) - np.log(0.3), -np.log(0.2), -np.log(0.2)],
        rtol=1e-5,
    )

    class Model:
        def predict(self, images, **kwargs):
            return None, logits

    found = train.recognized(Model(), None, labels, attributes)
    assert train.accuracies(found) == {"eyes": 0.5, "hair": 0.0}


def test_pairs_that_training_lacks_are_no_evidence():
    train = script("train_classifier")
    attributes = {"hair": ("cap", "long", "mohawk"), "color": ("pink", "red")}
    # No pink mohawk; under a cap color is hidden.
    labels = np.array([[0, -1], [1, 1], [1, 0], [2, 1]])
    together = train.possible(labels, attributes, ("hair", "color"))
    loss = train.loss_of(attributes, together)
    logits = np.log([[0.5, 0.3, 0.2, 0.6, 0.4]] * 4).astype("float32")
    np.testing.assert_allclose(
        loss(np.concatenate([labels, labels], axis=1), logits),
        [
            -np.log(0.5),
            -np.log(0.3) - np.log(0.4),
            # No mohawk among the pink ones, and no pink among the mohawks.
            -np.log(0.3 / 0.8) - np.log(0.6),
            -np.log(0.2),
        ],
        rtol=1e-4,
    )


def test_colors_are_not_asked_for_where_channels_change_places():
    train = script("train_classifier")
    task = types.SimpleNamespace(
        attributes={"hair": ("a", "b"), "color": ("c", "d")},
        colors=("color",),
        shift=1,
        unevenness=0.0,
        upside_down=False,
    )
    image = np.zeros((4, 4, 3), "uint8") + np.uint8([10, 20, 30])
    augment = train.augmenting(task)
    seen = set()
    for _ in range(60):
        changed, labels = augment(image, np.array([1, 1]))
        changed, labels = np.array(changed), np.array(labels)
        assert labels[[0, 2, 3]].tolist() == [1, 1, 1]
        if (changed == image).all():
            seen.add("same")
        else:
            assert sorted(changed[0, 0]) == [10, 20, 30]
            assert labels[1] == train.HIDDEN
            seen.add("changed")
    assert seen == {"same", "changed"}


def test_pictures_are_uneven_by_every_amount_up_to_the_most():
    train = script("train_classifier")
    task = types.SimpleNamespace(
        attributes={"hair": ("a", "b")},
        colors=(),
        shift=1,
        unevenness=20.0,
        upside_down=False,
    )
    image = np.full((32, 32, 3), 128, "uint8")
    augment = train.augmenting(task)
    found = [np.array(augment(image, np.array([1]))[0]) for _ in range(100)]
    assert {changed.dtype for changed in found} == {np.dtype("uint8")}
    # The contrast of a flat picture is none.
    levels = [changed.mean() - 128 for changed in found]
    assert np.quantile(levels, (0.1, 0.5, 0.9)) == pytest.approx(
        (-16, 0, 16), abs=6
    )
    assert np.abs(levels).max() < 21
    grain = [changed.std() for changed in found]
    assert np.quantile(grain, (0.1, 0.5, 0.9)) == pytest.approx(
        (2, 10, 18), abs=4
    )
    assert max(grain) < 21


def test_places_and_ruggedness_of_satellite_patches(monkeypatch):
    def patches(contrasts, latitudes):
        maps = np.full((len(contrasts), 128, 128, 3), 100, "uint8")
        maps[:, ::2] += np.array(contrasts, "uint8")[:, None, None, None]
        return {
            "input": maps,
            "target": np.zeros_like(maps),
            "latitude": np.array(latitudes, "float32"),
        }

    parts = {
        "train": patches(range(0, 100, 4), [0] * 25),
        # Just below 60 and 42 degrees north, and the farthest south.
        "test": patches((5, 40, 60, 90), (60.0, 42.0, -11.9, -47.4)),
    }
    monkeypatch.setattr(data, "load", lambda _, part, size: parts[part])
    task = script("train_classifier").relief()
    _, labels = task.part("test")
    assert labels.tolist() == [[0, 0], [1, 1], [3, 2], [5, 3]]
    sizes = [len(values) for values in task.attributes.values()]
    assert (labels < sizes).all()
