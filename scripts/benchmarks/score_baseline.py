"""Scores the yardstick of baseline_dcgan.py under the protocol of the zoo.

    python scripts/benchmarks/score_baseline.py FOLDER [--features FOLDER]

Writes scores.json into the folder: the Fréchet distance to the test images
after some epochs. --features takes another classifier than the zoo's, such as
one made by scripts/train_classifier.py with another seed and depth: a judge
that no model was chosen by. --name scores a model of the zoo in the same way,
for the same table.
"""

import argparse
import dataclasses
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

import zoo
from kerasgan import data, metrics

PROTOCOL = "fd10k_fashion_mnist_test"


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
    parser.add_argument("--features", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 4, 10, 20])
    parser.add_argument("--name", nargs="*", default=[])
    options = parser.parse_args()

    folder = options.features or zoo.folder("classifier_fashion_mnist_32")
    features = metrics.FeatureNetwork.load(folder)
    protocol = dataclasses.replace(
        metrics.PROTOCOLS[PROTOCOL], features=features.name
    )
    test = data.load("fashion_mnist", "test", 32)["image"]
    batches = [np.asarray(test[i : i + 500]) for i in range(0, len(test), 500)]

    def score(generate):
        report = metrics.evaluate(generate, batches, features, protocol)
        return report[PROTOCOL]["value"]

    scores = {}
    for epoch in options.epochs:
        path = options.folder / f"generator_{epoch:02d}.keras"
        if path.exists():
            generator = keras.models.load_model(path, compile=False)
            scores[f"baseline, epoch {epoch}"] = score(drawing(generator))
            print(epoch, scores[f"baseline, epoch {epoch}"], flush=True)
    for name in options.name:
        scores[name] = score(zoo.load(name).generate)
        print(name, scores[name], flush=True)
    content = {
        "protocol": protocol.describe(features),
        "fd": scores,
    }
    path = options.folder / f"scores_{features.hash[:8]}.json"
    path.write_text(json.dumps(content, indent=2) + "\n")
    print(path)


if __name__ == "__main__":
    main()
