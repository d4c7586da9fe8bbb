"""Memory during training, and the time to the first step.

    python scripts/benchmarks/memory.py [MODEL ...] [--steps 2000]

Trains each of the tiny models of the tests with `gan.fit` in its own process.
The table has the seconds from the start of the process to the end of the first
step, imports and compilation included, then the resident memory every 250
steps and its peak, in MB. Networks are tiny, so that a leak is visible; most of
the memory is TensorFlow itself.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[2]
EVERY = 250


def measure(model, steps):
    """Trains a model in a separate process.

    Args:
        model: str. A name in tests/tiny.py.
        steps: int. A multiple of 250.

    Returns:
        dict: `first_step`, in seconds from the start of the process;
        `resident`, bytes every 250 steps; and `peak`, bytes.
    """
    command = [sys.executable, __file__, model, "--steps", str(steps)]
    result = subprocess.run(
        [*command, "--started", str(time.time())],
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def train(model, steps, started):
    """Trains a model in this process and prints the measurements."""
    sys.path.insert(0, str(ROOT))
    import keras

    from tests import tiny

    found = {"first_step": None, "resident": []}

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            found["first_step"] = found["first_step"] or time.time() - started

        def on_epoch_end(self, epoch, logs=None):
            found["resident"].append(resident())

    description = tiny.by_name(model)
    description.compiled().fit(
        description.dataset().repeat(),
        steps_per_epoch=EVERY,
        epochs=steps // EVERY,
        verbose=0,
        callbacks=[Watch()],
    )
    found["peak"] = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(found))


def resident():
    """Returns the resident memory of this process, in bytes."""
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.started:
        train(options.models[0], options.steps, options.started)
        return
    sys.path.insert(0, str(ROOT))
    if not options.models:
        from tests import tiny

        options.models = [model.name for model in tiny.MODELS]
    columns = range(EVERY, options.steps + 1, EVERY)
    print(f"| Model | first step, s | {' | '.join(map(str, columns))} | peak |")
    print("|---" * (len(columns) + 3) + "|")
    for model in options.models:
        found = measure(model, options.steps)
        sizes = [*found["resident"], found["peak"]]
        cells = [f"{found['first_step']:.1f}"]
        cells += [f"{size / 1e6:.1f}" for size in sizes]
        print(f"| {model} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
