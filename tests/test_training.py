"""A whole run by recipe: what it leaves behind, and that it can go on."""

import json
import pathlib
import random
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from kerasgan import callbacks, checkpoints, training

RECIPE = """
import keras
import numpy as np

from kerasgan import data
from kerasgan.training import Recipe
from tests import tiny

IMAGES = np.random.RandomState(0).randint(0, 256, (64, 16, 16, 1), "uint8")


def build():
    gan = tiny.dcgan()
    gan.compile()
    return gan


def batches(first_epoch):
    return data.stream(
        IMAGES,
        8,
        transform=lambda images, _: data.to_float(images),
        first_epoch=first_epoch,
        epochs=EPOCHS - first_epoch,
    )


def score(gan):
    pixels = gan.generate(16, seed=1).astype("float64")
    return {"distance": abs(pixels.mean() - IMAGES.mean())}


EPOCHS = 4


def recipe():
    return Recipe(
        name="tiny",
        dataset="noise",
        description="Noise.",
        license="none",
        build=build,
        batches=batches,
        steps_per_epoch=8,
        epochs=EPOCHS,
        score=score,
        sample=lambda gan: gan.generate(4, seed=0),
    )
"""

TRAIN = """
import sys
from kerasgan import training
recipe, _ = training.load_recipe(sys.argv[1])
training.train(recipe, sys.argv[2], verbose=0)
"""


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "tiny.py"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def recipe(recipe_file):
    return training.load_recipe(recipe_file)[0]


def state(gan):
    return {n: v.numpy() for n, v in gan.training_state().items()}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def log(folder):
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def without_time(entries):
    return [
        {k: v for k, v in entry.items() if k != "seconds"} for entry in entries
    ]


def test_a_stopped_run_goes_on_to_the_same_end(recipe, tmp_path):
    straight = training.train(recipe, tmp_path / "straight", verbose=0)
    training.train(recipe, tmp_path / "stopped", epochs=1, verbose=0)
    training.train(recipe, tmp_path / "stopped", epochs=3, verbose=0)
    resumed = training.train(recipe, tmp_path / "stopped", verbose=0)

    assert_same(state(straight), state(resumed))
    entries = log(tmp_path / "stopped")
    assert [e["epoch"] for e in entries] == [1, 2, 3, 4]
    assert without_time(entries) == without_time(log(tmp_path / "straight"))
    assert set(entries[0]) == {
        "epoch",
        "seconds",
        "d_loss",
        "g_loss",
        "distance",
    }
    folder = tmp_path / "straight"
    assert sorted(p.name for p in (folder / "samples").iterdir()) == [
        f"epoch_{epoch:04d}.png" for epoch in (1, 2, 3, 4)
    ]
    assert len(list((folder / "checkpoints").iterdir())) == checkpoints.KEPT
    assert list((folder / "tensorboard").rglob("*events*"))
    assert json.loads((folder / "run.json").read_text())["recipe"] == "tiny"


def test_the_best_weights_are_kept_across_a_stop(recipe, tmp_path):
    for epochs in (2, 4):
        last = training.train(recipe, tmp_path, epochs=epochs, verbose=0)
    scores = [entry["distance"] for entry in log(tmp_path)]
    best = recipe.build()
    best.load_weights(tmp_path / "best.weights.h5")
    assert recipe.score(best)["distance"] == pytest.approx(min(scores))
    assert recipe.score(last)["distance"] == pytest.approx(scores[-1])


def test_a_finished_run_stays(recipe, tmp_path, capsys):
    first = training.train(recipe, tmp_path, epochs=1, verbose=0)
    again = training.train(recipe, tmp_path, epochs=1, verbose=0)
    assert_same(state(first), state(again))
    assert "all 1 epochs are done" in capsys.readouterr().out


def test_a_torn_checkpoint_is_named_and_the_one_before_used(recipe, tmp_path):
    training.train(recipe, tmp_path, epochs=2, verbose=0)
    newest = tmp_path / "checkpoints" / "checkpoint-000002.npz"
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="000002.npz is damaged"):
        resumed = training.train(recipe, tmp_path, verbose=0)
    straight = training.train(recipe, tmp_path / "straight", verbose=0)
    assert_same(state(straight), state(resumed))


def test_a_folder_of_another_run_is_refused(recipe, tmp_path):
    training.train(recipe, tmp_path, epochs=1, verbose=0)
    import dataclasses

    other = dataclasses.replace(recipe, seed=5)
    with pytest.raises(ValueError, match="holds another run .*seed"):
        training.train(other, tmp_path, verbose=0)


def test_training_stops_at_the_first_loss_that_is_not_finite(recipe, tmp_path):
    import dataclasses

    def diverging():
        gan = recipe.build()
        gan.compile(keras.optimizers.SGD(1e30), keras.optimizers.SGD(1e30))
        return gan

    broken = dataclasses.replace(recipe, build=diverging)
    with pytest.raises(callbacks.NonFiniteLoss, match="at step . of epoch 1"):
        training.train(broken, tmp_path, verbose=0)
    assert not (tmp_path / "checkpoints").exists()


def test_recipes_are_found_by_name_and_by_file(recipe_file):
    assert "dcgan_fashion_mnist_32" in training.recipes()
    assert not [name for name in training.recipes() if name.startswith("_")]
    recipe, text = training.load_recipe("dcgan_fashion_mnist_32")
    assert recipe.name == "dcgan_fashion_mnist_32"
    assert "def build" in text
    assert training.load_recipe(str(recipe_file))[0].name == "tiny"


def test_what_is_not_a_recipe_is_refused(tmp_path):
    with pytest.raises(ValueError, match="dcgan_fashion_mnist_32.*nothing"):
        training.load_recipe("nothing")
    empty = tmp_path / "empty.py"
    empty.write_text("")
    with pytest.raises(ValueError, match="must have a function"):
        training.load_recipe(empty)


@pytest.mark.slow
def test_killed_runs_end_with_the_same_weights(recipe_file, tmp_path):
    root = pathlib.Path(__file__).parent.parent

    def start(folder):
        return subprocess.Popen(
            [sys.executable, "-c", TRAIN, str(recipe_file), str(folder)],
            cwd=root,
        )

    begin = time.monotonic()
    assert start(tmp_path / "straight").wait() == 0
    duration = time.monotonic() - begin
    chance = random.Random(0)
    for _ in range(5):
        process = start(tmp_path / "killed")
        time.sleep(duration * chance.uniform(0.5, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start(tmp_path / "killed").wait() == 0
    name = "checkpoints/checkpoint-000004.npz"
    first, second = tmp_path / "straight" / name, tmp_path / "killed" / name
    assert first.read_bytes() == second.read_bytes()
    assert without_time(log(tmp_path / "straight")) == without_time(
        log(tmp_path / "killed")
    )
