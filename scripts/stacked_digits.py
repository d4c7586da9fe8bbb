"""How many of the 1,000 modes of three stacked images a GAN generates.

    python scripts/stacked_digits.py train RESULTS [METHOD ...] [--seeds 2]
    python scripts/stacked_digits.py table RESULTS

Three random training images are the channels of one (Metz et al., 2017,
https://arxiv.org/abs/1611.02163, section 3.3.1; Srivastava et al., 2017,
https://arxiv.org/abs/1705.07761, section 4.2); a mode is a triple of classes,
which `classifier_fashion_mnist_32` tells in 26,000 generated images. All
methods have DCGAN's networks of width 16, batches of 64 images of 32x32 and as
many steps of the generator; a step of PacGAN reads a batch for each image of a
pack, one of WGAN-GP five. RESULTS is a JSON file as of mode_collapse.py.
"""

import argparse
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf
from mode_collapse import cell

import zoo
from kerasgan import data, metrics, models

SAMPLES = 26_000
CONFIDENCE = 0.999
BATCH, STEPS, WIDTH = 64, 3000, 16


def packed(size):
    def build(**kwargs):
        return models.PacGAN(pack_size=size, **kwargs)

    return build


# The model, and how many batches a step of it takes.
METHODS = {
    "DCGAN": (models.DCGAN, 1),
    "LSGAN": (models.LSGAN, 1),
    "PacGAN, 2": (packed(2), 2),
    "PacGAN, 4": (packed(4), 4),
    "WGAN-GP": (models.WGANGP, 5),
}


def stacks(images, seed, size):
    """Returns an endless stream of batches of images with three channels."""
    grey = tf.constant(images)

    def stack(number):
        rows = tf.random.stateless_uniform(
            (size, 3), (seed, number), maxval=len(images), dtype="int64"
        )
        batch = tf.transpose(tf.gather(grey, rows)[..., 0], (0, 2, 3, 1))
        return data.to_float(batch)

    return tf.data.Dataset.counter().map(stack)


def train(method, images, seed, steps):
    """Trains one model and returns what it generates."""
    keras.utils.set_random_seed(seed)
    build, batches = METHODS[method]
    gan = build(image_size=32, channels=3, width=WIDTH, seed=seed)
    gan.compile()
    dataset = stacks(images, seed, BATCH * batches)
    gan.fit(dataset.prefetch(4), steps_per_epoch=steps, verbose=0)
    return gan.generate(SAMPLES, seed=seed)


def scores(images, network):
    """Returns modes and divergence, and the modes of confident stacks."""

    def classify(grey):
        blocks = range(0, len(grey), 1000)
        found = [network.probabilities(grey[i : i + 1000]) for i in blocks]
        return np.concatenate(found)

    found = metrics.modes.stacked_modes(images, classify)
    sure = metrics.modes.stacked_modes(images, classify, confidence=CONFIDENCE)
    return {
        "modes": found["modes"],
        "reverse_kl": found["reverse_kl"],
        "confident": sure["confident"],
        "confident_modes": sure["modes"],
    }


def run(options):
    path = pathlib.Path(options.results)
    found = json.loads(path.read_text()) if path.exists() else {}
    images = data.load("fashion_mnist", "train", 32)["image"]
    network = zoo.features("fashion_mnist")
    for seed in range(options.seeds):
        for method in options.methods or (*METHODS, "the data"):
            key = f"{method} | {seed}"
            if key in found:
                continue
            if method == "the data":
                made, _ = metrics.modes.stack(images, SAMPLES, seed)
            else:
                made = train(method, images, seed, options.steps)
            found[key] = scores(made, network)
            path.write_text(json.dumps(found, indent=1) + "\n")
            print(key, found[key], flush=True)


def table(options):
    """Prints means and standard errors."""
    found = json.loads(pathlib.Path(options.results).read_text())
    print("| | seeds | modes | divergence | sure | modes, sure |")
    print("|---|---|---|---|---|---|")
    for method in (*METHODS, "the data"):
        runs = [s for key, s in found.items() if key.startswith(f"{method} |")]
        if len(runs) < 2:
            continue
        columns = [
            cell(np.array([s[score] for s in runs]), scale, digits, unit)
            for score, scale, digits, unit in (
                ("modes", 1, 1, ""),
                ("reverse_kl", 1, 3, ""),
                ("confident", 100, 1, " %"),
                ("confident_modes", 1, 1, ""),
            )
        ]
        print(f"| {method} | {len(runs)} | {' | '.join(columns)} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    added = commands.add_parser("train")
    added.add_argument("results")
    added.add_argument("methods", nargs="*")
    added.add_argument("--seeds", type=int, default=2)
    added.add_argument("--steps", type=int, default=STEPS)
    added.set_defaults(run=run)
    added = commands.add_parser("table")
    added.add_argument("results")
    added.set_defaults(run=table)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
