"""Scores the baseline of baseline_dcgan.py under the protocol of the zoo.

    python scripts/benchmarks/score_baseline.py [FOLDER] [--judge] \\
        [--name NAME ...]

FOLDER holds the baseline's generators. Prints the Fréchet distance to the test
images after some epochs, and stores it in baseline_scores.json, beside this
file. --name scores models of the zoo in the same way, for the same table;
conditional models also truncated, and by conditional accuracy. --judge uses
another classifier than the zoo's, of another width, depth and seed, by which no
model was chosen. It is beside this file, made there by

    python -m kerasgan.classifiers judge_fashion_mnist_32 --width 24 \\
        --convolutions 3 --seed 7 --epochs 5 --float32
"""

import argparse
import dataclasses
import functools
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

import zoo
from kerasgan import data, evaluation, metrics, tasks

PROTOCOL = "fd10k_fashion_mnist_test"
ACCURACY = "agreement10k_fashion_mnist"
HERE = pathlib.Path(__file__).parent
SCORES = HERE / "baseline_scores.json"
JUDGE = HERE / "judge_fashion_mnist_32"


def generate_with(generator):
    """Returns a function like `gan.generate` for a plain Keras generator."""

    def generate(count, seed):
        latents = tf.random.stateless_normal(
            (count, generator.input_shape[-1]), (seed, 0)
        )
        return data.to_uint8(generator.predict(latents, 500, verbose=0))

    return generate


def protocol(name, features):
    """Returns a protocol of the zoo, with other features."""
    return dataclasses.replace(metrics.PROTOCOLS[name], features=features.name)


@functools.cache
def test_batches():
    """Returns pairs of test images and their labels, in batches."""
    test = data.load("fashion_mnist", "test", 32)
    parts = [np.asarray(test[key]) for key in ("image", "label")]
    starts = range(0, len(parts[0]), 500)
    return [tuple(part[i : i + 500] for part in parts) for i in starts]


def distance(generate, features, condition=None):
    """Returns the Fréchet distance of generated images to the test images.

    Args:
        generate: Callable like `gan.generate`.
        features: `FeatureNetwork`.
        condition: `"labels"` for a conditional model, from which the classes
            of the test images are requested. Defaults to `None`.
    """
    return metrics.evaluate(
        generate,
        test_batches(),
        features,
        protocol(PROTOCOL, features),
        condition=condition,
    )[PROTOCOL]["value"]


def scores_of(name, features):
    """Returns the scores of a model of the zoo.

    Args:
        name: str.
        features: `FeatureNetwork`.

    Returns:
        dict of a row's name, which says whether it is truncated, to a pair of
        the distance and of the conditional accuracy, in total and by class;
        `None` for a model without classes.
    """
    gan = zoo.load(name)
    condition = tasks.TASKS[gan.task].condition
    reference = evaluation.ReferenceData("fashion_mnist", 32, [features])
    rows = {}
    for psi in (None, evaluation.TRUNCATION) if condition else (None,):
        generate = functools.partial(
            gan.generate, batch_size=500, truncation=psi
        )
        accuracy = None
        if condition:
            accuracy = evaluation.conditional_accuracy(
                generate, reference, protocol(ACCURACY, features)
            )["value"]
        row = name if psi is None else f"{name}, truncation {psi}"
        rows[row] = distance(generate, features, condition), accuracy
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 4, 10, 20])
    parser.add_argument("--name", nargs="*", default=[])
    options = parser.parse_args()

    features = metrics.FeatureNetwork.load(
        JUDGE if options.judge else zoo.folder("classifier_fashion_mnist_32")
    )
    description = protocol(PROTOCOL, features).describe(features)
    kept = json.loads(SCORES.read_text("utf-8"))
    table = kept.setdefault("judge", {}) if options.judge else kept
    if table.get("protocol") != description:
        table.update({"protocol": description, "fd": {}, "class_seen": {}})

    def keep(row, value, accuracy=None):
        table["fd"][row] = value
        print(f"{row:45} FD {value:.4f}", flush=True)
        if accuracy is not None:
            table["class_seen"][row] = accuracy
            print(f"{row:45} {accuracy}", flush=True)

    for epoch in options.epochs if options.folder else ():
        path = options.folder / f"generator_{epoch:02d}.keras"
        generator = keras.models.load_model(path, compile=False)
        value = distance(generate_with(generator), features)
        keep(f"baseline, epoch {epoch}", value)
    for name in options.name:
        for row, (value, accuracy) in scores_of(name, features).items():
            keep(row, value, accuracy)
    SCORES.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
