"""A whole run by recipe: what it leaves behind, and that it can go on."""

import dataclasses
import json
import pathlib
import pickle
import random
import re
import subprocess
import sys
import time
import types

import keras
import numpy as np
import pytest
from tensorflow.python.summary.summary_iterator import summary_iterator

import zoo
from kerasgan import callbacks, checkpoints, cli, recipes, training
from tests.support import runs

ROOT = pathlib.Path(__file__).parents[1]

RECIPE = """
import keras
import numpy as np

from kerasgan import data
from kerasgan.recipes import Recipe
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


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "tiny.py"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def recipe(recipe_file):
    return recipes.load(recipe_file)[0]


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
    distances = iter([1.0, 4.0, 3.0, 2.0])
    recipe = dataclasses.replace(
        recipe, score=lambda gan: {"distance": next(distances)}
    )
    first = training.train(recipe, tmp_path, epochs=1, verbose=0)
    training.train(recipe, tmp_path, epochs=2, verbose=0)
    training.train(recipe, tmp_path, verbose=0)
    best = recipe.build()
    best.load_weights(tmp_path / "best.weights.h5")
    for mine, its in zip(first.weights, best.weights, strict=True):
        np.testing.assert_array_equal(mine, its, err_msg=mine.path)


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
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    epochs = [json.loads(line)["epoch"] for line in lines]
    assert epochs == list(range(1, recipe.epochs + 1))  # Each of them once.


def test_a_folder_of_another_run_is_refused(recipe, tmp_path):
    training.train(recipe, tmp_path, epochs=1, verbose=0)
    other = dataclasses.replace(recipe, seed=5)
    with pytest.raises(ValueError, match="holds another run .*seed"):
        training.train(other, tmp_path, verbose=0)


def test_training_stops_at_the_first_loss_that_is_not_finite(recipe, tmp_path):
    def diverging():
        gan = recipe.build()
        gan.compile(keras.optimizers.SGD(1e30), keras.optimizers.SGD(1e30))
        return gan

    broken = dataclasses.replace(recipe, build=diverging)
    with pytest.raises(callbacks.NonFiniteLoss, match="at step . of epoch 1"):
        training.train(broken, tmp_path, verbose=0)
    assert not (tmp_path / "checkpoints").exists()


def test_listing_recipes_does_not_import_tensorflow():
    program = (
        "import sys; from kerasgan import recipes; recipes.names(); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_recipes_are_found_by_name_and_by_file(recipe_file):
    assert "dcgan_fashion_mnist_32" in recipes.names()
    assert not [name for name in recipes.names() if name.startswith("_")]
    recipe, text = recipes.load("dcgan_fashion_mnist_32")
    assert recipe.name == "dcgan_fashion_mnist_32"
    assert "def build" in text
    assert recipes.load(str(recipe_file))[0].name == "tiny"


def block_of_the_docs(word):
    """Returns the block of code in docs/training.md that has a word."""
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    (block,) = [block for block in blocks if word in block]
    return block


def test_trackers_in_the_docs_are_callbacks(tmp_path, monkeypatch):
    logged = []
    keras_part = types.ModuleType("wandb.integration.keras")
    keras_part.WandbMetricsLogger = keras.callbacks.Callback
    wandb = types.ModuleType("wandb")
    wandb.init = lambda **options: logged.append(options)
    trackio = types.ModuleType("trackio")
    trackio.log = lambda logs, step: logged.append((logs, step))
    for name, module in (
        ("wandb", wandb),
        ("wandb.integration", types.ModuleType("wandb.integration")),
        ("wandb.integration.keras", keras_part),
        ("trackio", trackio),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    (tmp_path / "tracked.py").write_text(block_of_the_docs("wandb"))
    recipe, _ = recipes.load(tmp_path / "tracked.py")
    (tracker,) = recipe.callbacks()
    assert isinstance(tracker, keras.callbacks.Callback)
    assert logged.pop()["resume"] == "allow"
    names = {}
    exec(block_of_the_docs("trackio"), names)
    names["Tracker"]().on_epoch_end(2, {"d_loss": 1.0})
    assert logged == [({"d_loss": 1.0}, 3)]


def test_the_recipe_in_the_docs_goes_on_from_published_weights(tmp_path):
    (tmp_path / "further.py").write_text(block_of_the_docs('"further"'))
    recipe, _ = recipes.load(tmp_path / "further.py")
    before, _ = recipes.load("dcgan_fashion_mnist_32")
    assert (recipe.name, recipe.epochs) == ("further", 12)
    gan, published = recipe.build(), zoo.load("dcgan_fashion_mnist_32")
    np.testing.assert_array_equal(gan.generate(2, 0), published.generate(2, 0))
    optimizers = gan.generator_optimizer, gan.discriminator_optimizer
    assert optimizers[0] is not optimizers[1]
    updates = before.steps_per_epoch * recipe.epochs
    for optimizer in optimizers:
        for update, rate in ((0, 2e-4), (updates // 2, 1e-4), (updates, 0.0)):
            optimizer.iterations.assign(update)
            np.testing.assert_allclose(optimizer.learning_rate, rate, 1e-6)


def test_what_is_not_a_recipe_is_refused(tmp_path):
    with pytest.raises(ValueError, match="dcgan_fashion_mnist_32.*nothing"):
        recipes.load("nothing")
    empty = tmp_path / "empty.py"
    empty.write_text("")
    with pytest.raises(ValueError, match="must have a function"):
        recipes.load(empty)


FAULTY = {
    "name.py": ("x = 1\ny = z\n", "name.py, line 2: NameError: name 'z'"),
    "syntax.py": ("x = 1\ny = = 2\n", "syntax.py, line 2: SyntaxError"),
    "call.py": (
        "def recipe():\n    return {}['name']\n",
        "call.py, line 2: KeyError: 'name'",
    ),
    "size.py": (
        "from kerasgan import models\nmodels.DCGAN(image_size=20)\n",
        "size.py, line 2: ValueError: `image_size` must",
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_an_error_in_a_recipe_names_file_and_line(name, tmp_path, capsys):
    text, message = FAULTY[name]
    (tmp_path / name).write_text(text)
    assert cli.main(["train", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_an_error_in_a_run_names_the_line_of_the_recipe(
    recipe_file, tmp_path, capsys
):
    text = recipe_file.read_text().replace("IMAGES.mean()", "mean()")
    text += "\n\ndef mean():\n    return images.mean()\n"
    recipe_file.write_text(text)
    run = tmp_path / "run"
    assert cli.main(["train", str(recipe_file), "-o", str(run)]) == 2
    line = 1 + text[: text.index("images.mean()")].count("\n")
    assert f"tiny.py, line {line}: NameError" in capsys.readouterr().err


def test_what_is_returned_must_be_a_recipe(recipe_file, tmp_path):
    empty = tmp_path / "empty.py"
    empty.write_text("def recipe():\n    return 3\n")
    with pytest.raises(ValueError, match="must return .* Received: int"):
        recipes.load(empty)
    text = recipe_file.read_text()
    recipe_file.write_text(text.replace("EPOCHS = 4", "EPOCHS = 0"))
    with pytest.raises(recipes.RecipeError, match="Received: epochs=0"):
        recipes.load(recipe_file)


def test_a_recipe_may_hold_a_dataclass_and_what_pickles(recipe_file):
    head = "from __future__ import annotations\n\nimport dataclasses\n"
    body = """

@dataclasses.dataclass
class Settings:
    epochs: int = 3
    sizes: dataclasses.KW_ONLY = None


"""
    text = recipe_file.read_text().replace(
        "EPOCHS = 4", "EPOCHS = Settings().epochs"
    )
    recipe_file.write_text(
        head + text.replace("IMAGES =", body + "IMAGES =", 1)
    )
    recipe, _ = recipes.load(recipe_file)
    assert recipe.epochs == 3
    settings = sys.modules[recipe.build.__module__].Settings()
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_a_folder_without_a_checkpoint_may_be_claimed_again(recipe, tmp_path):
    other = dataclasses.replace(recipe, name="other")
    training._claim(tmp_path, other, training.build(other), chief=True)
    training.train(recipe, tmp_path, epochs=1, verbose=0)
    assert json.loads((tmp_path / "run.json").read_text())["recipe"] == "tiny"


def test_every_checkpoint_torn_is_an_error_and_nothing_is_lost(
    recipe, tmp_path
):
    training.train(recipe, tmp_path, epochs=2, verbose=0)
    for path in (tmp_path / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    before = runs.left(tmp_path)
    with pytest.raises(checkpoints.CorruptCheckpoint, match="000002.*000001"):
        training.train(recipe, tmp_path, verbose=0)
    assert runs.left(tmp_path) == before


def test_more_epochs_than_the_recipe_has_are_refused(recipe, tmp_path):
    for epochs in (0, 5):
        with pytest.raises(ValueError, match=f"has 4.*epochs={epochs}"):
            training.train(recipe, tmp_path / "run", epochs, verbose=0)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_what_depends_on_the_length_of_a_run_survives_a_stop(tmp_path):
    """CycleGAN's learning rates fall in the last half of all epochs."""
    path = runs.write_recipe(tmp_path, "cyclegan", epochs=4)
    recipe, _ = recipes.load(path)
    training.train(recipe, tmp_path / "straight", verbose=0)
    training.train(recipe, tmp_path / "stopped", epochs=2, verbose=0)
    training.train(recipe, tmp_path / "stopped", verbose=0)
    straight, stopped = (
        runs.left(tmp_path / name) for name in ("straight", "stopped")
    )
    assert straight == stopped


def test_tensorboard_has_each_epoch_once(recipe, tmp_path):
    training.train(recipe, tmp_path, epochs=2, verbose=0)
    # As a kill before the second checkpoint would leave it.
    (tmp_path / "checkpoints" / "checkpoint-000002.npz").unlink()
    training.train(recipe, tmp_path, epochs=3, verbose=0)
    found = []
    for path in (tmp_path / "tensorboard").iterdir():
        for event in summary_iterator(str(path)):
            found += [(event.step, value.tag) for value in event.summary.value]
    tags = ("d_loss", "distance", "g_loss", "samples")
    assert sorted(found) == [(e, tag) for e in (1, 2, 3) for tag in tags]


@pytest.mark.slow
@pytest.mark.parametrize("name", runs.MODELS)
def test_killed_runs_end_with_the_same_weights(name, tmp_path):
    """Seven kills, at any moment: while it starts, trains, scores, writes."""
    recipe = runs.write_recipe(tmp_path, name, epochs=40)
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    begin = time.monotonic()
    process = runs.start(recipe, straight, DUMP=str(tmp_path / "straight.npz"))
    runs.wait_for_epoch(straight, 1, process)
    starting = time.monotonic() - begin
    assert runs.finish(process)[0] == 0
    training_time = time.monotonic() - begin - starting
    chance = random.Random(name)
    for number in range(7):
        done = runs.epochs_done(killed)
        process = runs.start(recipe, killed)
        if number % 3:
            runs.wait_for_epoch(killed, done + 1, process)
            time.sleep(chance.uniform(0, training_time / 16))
        else:
            time.sleep(chance.uniform(0.2, starting))
        assert process.poll() is None, "It was not killed: it had ended."
        runs.kill(process)
    process = runs.start(recipe, killed, DUMP=str(tmp_path / "killed.npz"))
    assert runs.finish(process)[0] == 0
    runs.assert_same_weights(tmp_path / "straight.npz", tmp_path / "killed.npz")
    assert runs.left(straight) == runs.left(killed)


@pytest.mark.slow
def test_a_full_disk_stops_a_run_that_then_goes_on(tmp_path):
    recipe = runs.write_recipe(tmp_path, "dcgan", epochs=40)
    process = runs.start(recipe, tmp_path / "straight")
    assert runs.finish(process)[0] == 0
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only who may mount a file system can fill one")
    try:
        process = runs.start(recipe, disk / "run")
        runs.wait_for_epoch(disk / "run", 2, process)
        with open(disk / "filler", "wb", buffering=0) as file:
            with pytest.raises(OSError, match="No space"):
                while True:
                    file.write(bytes(4096))
        status, message = runs.finish(process)
        assert status == 2
        assert "No space left on device" in message
        assert "the last checkpoint is intact" in message
        assert 2 <= runs.epochs_done(disk / "run") < 40
        (disk / "filler").unlink()
        assert runs.finish(runs.start(recipe, disk / "run"))[0] == 0
        assert runs.left(disk / "run") == runs.left(tmp_path / "straight")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
