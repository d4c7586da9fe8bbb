"""Tiny recipes, and runs of them in processes of their own, to be killed."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).parents[2]

RECIPE = """
import atexit
import os

import keras
import numpy as np

from kerasgan import data
from kerasgan.recipes import Recipe
from tests import tiny

EPOCHS = {epochs}
STEPS = 4
built = []


def build():
    gan = {build}
    gan.compile({optimizers})
    built.append(gan)
    return gan


def batches(first_epoch):
    rows = STEPS * tiny.BATCH
    return data.stream_groups(
        tuple(
            (part,) for part in tiny.by_name({name!r}).arrays(rows)
        ),
        tiny.BATCH,
        first_epoch=first_epoch,
        epochs=EPOCHS - first_epoch,
    )


def score(gan):
    pixels = tiny.by_name({name!r}).sample(gan).astype("float64")
    mean = keras.metrics.Mean()
    mean.update_state(pixels.std())
    return {{"distance": abs(float(mean.result()) - 60.0)}}


def recipe():
    return Recipe(
        name="tiny",
        dataset="noise",
        description="Noise.",
        license="none",
        build=build,
        batches=batches,
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=score,
        sample=tiny.by_name({name!r}).sample,
    )


@atexit.register
def dump():
    # What this process ended with, for the test to compare.
    if "DUMP" in os.environ and built:
        gan = built[0]
        networks = [
            *gan.generators, *gan.average_generators, *gan.discriminators
        ]
        weights = [w.numpy() for n in networks for w in n.weights]
        np.savez(os.environ["DUMP"], *weights)
"""

MODELS = {
    "dcgan": "tiny.dcgan(synchronized=True)",
    # Learning rates fall in the second half of the epochs.
    "cyclegan": "tiny.cyclegan()",
    # 32 images an epoch: 8x8 begins within the ninth, ends fading later.
    "progan": (
        "tiny.progan(start_resolution=4, stable_images=272, fade_images=200)"
    ),
}


def write_recipe(folder, name, epochs, optimizers=""):
    """Writes a recipe file and returns its path.

    Args:
        folder: Path.
        name: str. One of `MODELS`.
        epochs: int.
        optimizers: str. Arguments of `compile`, as code.
    """
    path = folder / f"{name}.py"
    path.write_text(
        RECIPE.format(
            name=name, build=MODELS[name], epochs=epochs, optimizers=optimizers
        )
    )
    return path


def start(recipe, folder, *options, **environment):
    """Starts `kerasgan train` and returns the process, its output piped."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "kerasgan.cli", "train"),
            *(str(recipe), "-o", str(folder), *options),
        ],
        cwd=ROOT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_workers(recipe, folder, dumps):
    """Starts two workers that find each other on this machine.

    Args:
        recipe: Path.
        folder: Path of the run.
        dumps: Two paths, where each writes the weights that it ends with.

    Returns:
        Two processes, the chief first.
    """
    sockets = [socket.socket() for _ in dumps]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    addresses = ["{}:{}".format(*one.getsockname()) for one in sockets]
    for one in sockets:
        one.close()
    return [
        start(
            recipe,
            folder,
            "--strategy=multiworker",
            DUMP=str(dump),
            TF_CONFIG=json.dumps(
                {
                    "cluster": {"worker": addresses},
                    "task": {"type": "worker", "index": index},
                }
            ),
        )
        for index, dump in enumerate(dumps)
    ]


def finish(process, seconds=120):
    """Waits for a process and returns its status and its last line."""
    try:
        _, errors = process.communicate(timeout=seconds)
    finally:
        process.kill()
    lines = errors.strip().splitlines() or [""]
    return process.returncode, lines[-1]


def kill(process):
    """Ends a process at once, as a power failure would."""
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()


def epochs_done(folder):
    """Returns the number of the newest checkpoint, 0 if there is none."""
    paths = (folder / "checkpoints").glob("checkpoint-*.npz")
    return max((int(p.stem.split("-")[1]) for p in paths), default=0)


def wait_for_epoch(folder, epoch, process, seconds=120):
    """Waits until a run has come that far, or its process has ended."""
    end = time.monotonic() + seconds
    while epochs_done(folder) < epoch and process.poll() is None:
        if time.monotonic() > end:
            raise TimeoutError(f"The run did not reach epoch {epoch}.")
        time.sleep(0.02)


def log(folder):
    """Returns the entries of a run's log, without the times."""
    lines = (folder / "log.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    return [
        {k: v for k, v in entry.items() if k != "seconds"} for entry in entries
    ]


def left(folder):
    """Returns what a run has left that must be the same in any other.

    Args:
        folder: Path of the run.

    Returns:
        dict of file name to bytes, list or dict, event files by name alone.
    """
    found = {"log": log(folder)}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".h5":
            found[name] = _arrays(path)
        elif path.suffix in (".npz", ".png", ".py", ".part"):
            found[name] = path.read_bytes()
        elif "events" in name:
            found.setdefault("events", []).append(name.rsplit(".", 1)[1])
    found.get("events", []).sort()
    return found


def _arrays(path):
    arrays = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[...].tobytes()

    with h5py.File(path) as file:
        file.visititems(keep)
    return arrays


def assert_same_weights(first, second):
    """Compares what two processes dumped, to the last bit."""
    with np.load(first) as first, np.load(second) as second:
        assert first.files == second.files
        for name in first.files:
            np.testing.assert_array_equal(first[name], second[name], name)
