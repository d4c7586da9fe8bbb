"""What scripts compute that a figure rests on."""

import json
import types

import numpy as np
import pytest
import tensorflow as tf

import zoo
from kerasgan import losses, metrics
from tests.support.scripts import SCRIPTS, script


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


def trained(monkeypatch, **training):
    """Returns the leaderboard's sentence on a training."""
    board = script("leaderboard")
    scores = {"fd10k": entry("fd_a", 0.2741)}
    training = {"cores": 16, "seed": 0, "commit": "abc", **training}
    metrics = {"scores": scores, "training": training}
    monkeypatch.setattr(board, "measured", lambda name: metrics)
    return board.trained("one")


def test_the_sentence_on_a_training(monkeypatch):
    assert trained(monkeypatch, hours=1.99, processor="Xeon") == (
        "Trained for 2.0 hours by the clock on 16 cores (Xeon), with seed 0 at "
        "commit abc: FD 0.274 under fd10k."
    )
    assert trained(
        monkeypatch, hours=0.03, processor="H100", framework="PyTorch 2.11"
    ) == (
        "Trained for 0.03 hours by the clock on one H100 in PyTorch 2.11, with "
        "seed 0 at commit abc: FD 0.274 under fd10k."
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


@pytest.mark.parametrize(
    ("noise", "on_real", "expected"),
    [
        (0.0, True, (0.739, 0.506, 0.446)),
        (0.5, True, (0.449, 0.053, 2.7e-5)),
        (0.5, False, (0.582, 0.200, 0.011)),
        (1.0, True, (0.113, 5.3e-6, 0.0)),
    ],
)
def test_orbits_of_the_dirac_gan(noise, on_real, expected):
    """Radii of docs/why_gans_fail.md; noise on one side is not enough."""
    game = script("why_gans_fail")

    def updates(theta, psi):
        return game.non_saturating(theta, psi, noise, on_real)

    radii = np.hypot(*game.orbit(updates, 2000).T)[[100, 500, 2000]]
    assert radii == pytest.approx(expected, rel=0.02, abs=1e-9)


def test_other_orbits():
    game = script("why_gans_fail")
    radii = np.hypot(*game.orbit(game.with_r1, 2000).T)
    assert radii[[100, 500]] == pytest.approx([0.218, 7.0e-4], rel=0.01)
    clipped = game.orbit(game.wasserstein, 2000, limit=0.5)
    assert np.hypot(*clipped.T)[2000] == pytest.approx(0.568, rel=0.01)


def test_gradients_of_both_generator_losses():
    game = script("why_gans_fail")
    scores = tf.Variable([-8.0, 0.0, 4.0])
    for gradient, loss in (
        (game.saturating_gradient, losses.minimax_generator_loss),
        (game.non_saturating_gradient, losses.non_saturating_generator_loss),
    ):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(loss(scores))
        np.testing.assert_allclose(
            tape.gradient(value, scores), gradient(scores.numpy()), atol=1e-6
        )


def test_independent_scores_are_of_the_part_of_a_card():
    scores = script("independent_scores")
    wanted = {
        "dcgan_personas_64": ["fd10k_{}_train", "kd10k_{}_train"],
        "gan_cls_personas_64": ["fd10k_{}_test", "kd10k_{}_test"],
        "pix2pix_relief_128": ["kd340_{}_relief_test_128"],
    }
    assert wanted.keys() <= set(scores.names())
    assert not any("fashion" in name for name in scores.names())
    assert "seqgan_captions" not in scores.names()
    for name, forms in wanted.items():
        found = scores.protocols_of(zoo.card(name))
        assert found == [form.format("efficientnet_lite0") for form in forms]
        assert metrics.PROTOCOLS.keys() >= set(found)
        # The part whose images its other scores compare with.
        kept = zoo.card(name).scores
        parts = {
            kept[protocol]["protocol"]["reference_split"]
            for protocol in kept
            if protocol.startswith("fd")
        }
        assert {metrics.PROTOCOLS[p].reference_split for p in found} == parts


def test_few_images(monkeypatch):
    few = script("few_images")
    images = np.random.RandomState(0).randint(0, 256, (80, 32, 32, 1), "uint8")
    monkeypatch.setattr(
        few, "distance", lambda gan: {"fd_fashion_mnist_train": 2.0}
    )
    gan = few.build("ADA", 0, width=4)
    points = few.curve(gan, images, 32, steps=4, points=1)
    (point,) = points
    assert point["images"] == 128 and np.isfinite(point["score_others"])
    assert point["p"] == 0.0 or point["p"] == pytest.approx(0.0064)
    assert point["score_seen"] == few.mean_score(gan, images[:32])
    results = {"ADA 0": points, "ADA 1": points, "none 0": points}
    assert few.summary(results) == {"ADA": [2.0, 2.0], "none": [2.0]}


def test_no_place_of_two_parts():
    """Domain adaptation: no pixel of the globe is in two parts."""
    adaptation = script("domain_adaptation")
    land = np.zeros((2700, 5400), bool)
    land[:, ::2] = True
    land[1000:1200] = False  # Water alone, within the latitudes.
    seen = np.zeros(land.shape, int)
    found = {}
    for part, top, left in adaptation.coasts(land):
        window = (slice(top, top + 64), slice(left, left + 64))
        number = 2 ** found.setdefault(part, len(found))
        assert not np.any(seen[window] & ~number)
        seen[window] |= number
    assert set(found) == {"source", "target", "validation", "test"}
    rows = np.flatnonzero(seen.any(axis=1))
    assert rows[0] >= 30 * 15 and rows[-1] < (90 + 56) * 15
    # A patch has five percent of land, on at least six of its rows.
    assert not seen[1060:1140].any()


def test_scores_of_segmentation():
    adaptation = script("domain_adaptation")
    found = np.array([[True, True, False, False]])
    masks = np.array([[True, False, False, False]])
    scores = adaptation.agreement(found, masks)
    assert scores == {
        "accuracy": 0.75,
        "iou_water": pytest.approx(2 / 3),
        "iou_land": 0.5,
        "mean_iou": pytest.approx(7 / 12),
    }
    runs = {f"CUT, {seed}": {"test": scores} for seed in range(3)}
    (row,) = adaptation.rows(runs)
    assert row == "| CUT | 75.0 ± 0.0 | 66.7 ± 0.0 | 50.0 ± 0.0 | 58.3 ± 0.0 |"
    runs["CUT, 2"] = {"test": dict.fromkeys(scores, 0.0)}
    (row,) = adaptation.rows(runs)
    assert row.startswith("| CUT | 50.0 ± 25.0 |")


def test_colors_of_other_images():
    adaptation = script("domain_adaptation")
    random = np.random.RandomState(0)
    images = random.randint(100, 120, (4, 8, 8, 3)).astype("uint8")
    others = random.randint(40, 80, (6, 8, 8, 3)).astype("uint8")
    found = adaptation.with_colors_of(images, others)
    assert (found.shape, found.dtype) == (images.shape, np.uint8)
    axes = (0, 1, 2)
    np.testing.assert_allclose(found.mean(axes), others.mean(axes), atol=0.3)
    np.testing.assert_allclose(found.std(axes), others.std(axes), atol=0.5)


def test_a_segmenter_learns_where_it_is_bright():
    adaptation = script("domain_adaptation")
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (64, 1, 2, 1)).astype("uint8")
    images = np.tile(images, (1, 16, 8, 3))
    masks = images[..., 0] > 127
    model = adaptation.segmenter(images, masks, seed=0, epochs=30)
    found = adaptation.predicted(model, images)
    assert adaptation.agreement(found, masks)["accuracy"] > 0.8


def test_stacked_digits(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(SCRIPTS)  # It imports another one.
    digits = script("stacked_digits")
    images = np.random.RandomState(0).randint(0, 256, (80, 32, 32, 1), "uint8")
    monkeypatch.setattr(digits.data, "load", lambda *_: {"image": images})
    monkeypatch.setattr(digits, "SAMPLES", 60)
    monkeypatch.setattr(digits, "BATCH", 4)
    monkeypatch.setattr(digits, "WIDTH", 2)
    # Of several batches a step.
    assert digits.train("PacGAN, 2", images, 0, 1).shape == (60, 32, 32, 3)
    options = types.SimpleNamespace(
        results=str(tmp_path / "results.json"), methods=["the data"], seeds=2
    )
    digits.run(options)
    found = json.loads((tmp_path / "results.json").read_text())
    assert list(found) == ["the data | 0", "the data | 1"]
    assert all(0 < scores["modes"] <= 60 for scores in found.values())
    capsys.readouterr()
    digits.run(options)  # Nothing is missing.
    assert capsys.readouterr().out == ""
    digits.table(options)
    (row,) = capsys.readouterr().out.splitlines()[2:]
    assert row.startswith("| the data | 2 | ")
