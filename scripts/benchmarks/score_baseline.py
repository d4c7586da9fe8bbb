"""Scores the yardstick of baseline_dcgan.py under the protocol of the zoo.

    python scripts/benchmarks/score_baseline.py FOLDER [--name NAME ...]
    python scripts/benchmarks/score_baseline.py FOLDER --judge FOLDER \\
        [--name NAME ...]

FOLDER holds the baseline's generators. Prints the Fréchet distance to the test
images after some epochs, and keeps it in baseline_scores.json, beside this
file. --name scores models of the zoo in the same way, for the same table; for
those that draw by class also the share of images that show the class asked
for. --judge takes another classifier than the zoo's, of another width, depth
and seed, which no model was chosen by. It is not shipped:

    python scripts/train_classifier.py FOLDER --width 24 --convolutions 3 \\
        --seed 7 --epochs 5
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
from kerasgan import data, evaluation, metrics

PROTOCOL = "fd10k_fashion_mnist_test"
AGREEMENT = "agreement10k_fashion_mnist"
SCORES = pathlib.Path(__file__).with_name("baseline_scores.json")


def drawing(generator):
    """Returns a function like `gan.generate` for a plain Keras generator."""

    def generate(count, seed):
        latents = tf.random.stateless_normal(
            (count, generator.input_shape[-1]), (seed, 0)
        )
        return data.to_uint8(generator.predict(latents, 500, verbose=0))

    return generate


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--judge", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 4, 10, 20])
    parser.add_argument("--name", nargs="*", default=[])
    options = parser.parse_args()

    folder = options.judge or zoo.folder("classifier_fashion_mnist_32")
    features = metrics.FeatureNetwork.load(folder)
    protocol, agreement = (
        dataclasses.replace(metrics.PROTOCOLS[name], features=features.name)
        for name in (PROTOCOL, AGREEMENT)
    )
    test = data.load("fashion_mnist", "test", 32)["image"]
    batches = [np.asarray(test[i : i + 500]) for i in range(0, len(test), 500)]

    kept = json.loads(SCORES.read_text("utf-8"))
    table = kept.setdefault("judge", {}) if options.judge else kept
    if table.get("protocol") != protocol.describe(features):
        table.update({"protocol": protocol.describe(features), "fd": {}})

    def keep(name, generate):
        report = metrics.evaluate(generate, batches, features, protocol)
        table["fd"][name] = report[PROTOCOL]["value"]
        print(f"{name:32} FD {table['fd'][name]:.4f}", flush=True)

    for epoch in options.epochs:
        path = options.folder / f"generator_{epoch:02d}.keras"
        generator = keras.models.load_model(path, compile=False)
        keep(f"baseline, epoch {epoch}", drawing(generator))
    for name in options.name:
        gan = zoo.load(name)
        keep(name, functools.partial(gan.generate, batch_size=500))
        if zoo.card(name).task == "class-to-image":
            entry = evaluation.agreement(
                gan.generate, agreement, features, size=32
            )
            table.setdefault("class_seen", {})[name] = entry["value"]
            print(f"{name:32} {entry['value']}", flush=True)
    SCORES.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
