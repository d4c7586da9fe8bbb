"""Numbers that are not finite, in the files that other programs read."""

import json
import math

import numpy as np
import pytest

import zoo
from kerasgan import callbacks, cli, metrics, plain_json, run_page
from kerasgan.publishing import training_summary, write_json


def strict(text):
    """Reads JSON as JavaScript and most libraries do."""

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_numbers_that_are_not_finite_are_text():
    found = strict(
        plain_json.dumps(
            {"a": math.inf, "b": [-math.inf, (math.nan, 1.5)], "c": "NaN"}
        )
    )
    assert found == {
        "a": "Infinity",
        "b": ["-Infinity", ["NaN", 1.5]],
        "c": "NaN",
    }
    assert float(found["a"]) == math.inf
    assert math.isnan(float(found["c"]))
    assert plain_json.dumps({"é": 1}, ensure_ascii=False) == '{"é": 1}'


def equal_pairs():
    """Returns the scores of a translator that returns its targets."""
    images = np.random.RandomState(0).randint(0, 256, (3, 16, 16, 3), "uint8")
    pairs = metrics.PairSimilarity()
    pairs.update_state(images, images)
    return {name: float(value) for name, value in pairs.result().items()}


def test_a_log_of_equal_pairs_is_json(tmp_path):
    log = callbacks.JSONLog(tmp_path / "log.jsonl")
    log.on_train_begin()
    scores = equal_pairs()
    assert scores == {"l1": 0.0, "psnr": math.inf, "ssim": 1.0}
    losses = {"g_loss": math.nan}
    for epoch in range(2):
        log.on_epoch_begin(epoch)
        log.on_epoch_end(epoch, {**losses, **scores})
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    entries = [strict(line) for line in lines]
    assert entries[1]["psnr"] == "Infinity" and entries[1]["g_loss"] == "NaN"
    assert entries[1]["ssim"] == 1.0
    # The log is read again: by a resumed run, and by the page.
    log.done = 1
    log.on_train_begin()
    assert len(log.lines) == 1
    text = run_page.write(tmp_path, epochs=2).read_text("utf-8")
    assert "No finite values" in text


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (["NaN", "Infinity", 3.0, 2.0], (4, 2.0)),
        (["Infinity", "NaN"], (1, math.inf)),
    ],
)
def test_the_best_epoch_is_no_nan(tmp_path, values, kept):
    lines = [
        plain_json.dumps({"epoch": i, "seconds": 1.0, "x": value})
        for i, value in enumerate(values, 1)
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    keys = "processor cores precision seed kerasgan keras tensorflow".split()
    (tmp_path / "run.json").write_text(json.dumps(dict.fromkeys(keys)))
    found = training_summary(tmp_path, ("d_loss",))["kept"]
    assert (found["epoch"], found["value"]) == kept


def test_a_model_with_an_infinite_score_is_read(published_folder, capsys):
    path = published_folder / "metrics.json"
    scores = {
        "pairs": {"metric": "pairs", "value": equal_pairs()},
        "psnr": {"metric": "psnr", "value": math.inf},
    }
    write_json(path, {"scores": scores})
    strict(path.read_text())
    assert zoo.card(published_folder).scores == scores
    assert cli.main(["card", str(published_folder)]) == 0
    assert "psnr inf" in capsys.readouterr().out
    assert cli.main(["card", str(published_folder), "--json"]) == 0
    shown = strict(capsys.readouterr().out)["scores"]
    assert shown["pairs"]["value"]["psnr"] == "Infinity"
    path.write_text(path.read_text().replace("Infinity", "much"))
    with pytest.raises(ValueError, match="a number `value`"):
        zoo.card(published_folder)
