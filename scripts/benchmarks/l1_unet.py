"""Baseline of image-to-image models: the same U-Net on L1 alone.

    python scripts/benchmarks/l1_unet.py relief 128
    python scripts/benchmarks/l1_unet.py fluent 64

The generator of the recipe pix2pix_<dataset>_<size>, with its data, batches and
optimizer, without a discriminator: the difference to pix2pix is the effect of
the adversarial loss. Trained for 9 minutes on 2 cores, measured in processor
time, so that other processes do not matter. The scores of its averaged weights
on the test split are written to l1_unet_scores.json, in the format of
metrics.json.
"""

import argparse
import json
import pathlib
import time

import keras
import tensorflow as tf

from kerasgan import evaluation, recipes
from kerasgan.models import Pix2Pix

SCORES = pathlib.Path(__file__).with_name("l1_unet_scores.json")
CORES = 2


class L1UNet(Pix2Pix):
    """pix2pix without its discriminator."""

    def train_step(self, batch):
        inputs, targets = batch
        with tf.GradientTape() as tape:
            outputs = self.generator(inputs, training=True)
            loss = tf.reduce_mean(tf.abs(targets - outputs))
        self.minimize(tape, loss, self.generator, self.generator_optimizer)
        self.update_average()
        nothing = tf.zeros(())
        return self.report(d_loss=nothing, g_loss=nothing, l1_loss=loss)


class StopAfter(keras.callbacks.Callback):
    """Stops training after a number of seconds of processor time."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def on_train_begin(self, logs=None):
        self.start = time.process_time()

    def on_batch_end(self, batch, logs=None):
        if time.process_time() - self.start > self.seconds:
            self.model.stop_training = True


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("dataset", choices=["fluent", "relief"])
    parser.add_argument("size", type=int, choices=[64, 128])
    parser.add_argument("--minutes", type=float, default=9.0)
    options = parser.parse_args()
    dataset, size = options.dataset, options.size

    recipe, _ = recipes.load(f"pix2pix_{dataset}_{size}")
    given = recipe.build()
    keras.utils.set_random_seed(recipe.seed)
    gan = L1UNet.from_config(
        {**given.get_config(), "dtype": given.dtype_policy.name}
    )
    gan.compile()  # The recipe's learning rates end with its epochs.
    history = gan.fit(
        recipe.batches(0),
        steps_per_epoch=recipe.steps_per_epoch,
        epochs=10_000,
        verbose=2,
        callbacks=[StopAfter(60 * CORES * options.minutes)],
    )
    names = [f"pairs_{dataset}_test_{size}"]
    if (dataset, size) == ("relief", 128):
        names.append("fd340_relief_test_128")
    found = {
        "minutes_on_two_cores": options.minutes,
        "epochs": len(history.epoch),
        "seed": recipe.seed,
        "scores": evaluation.score_pairs(
            {"input": gan.translate},
            evaluation.ReferenceData(dataset, size),
            names,
        ),
    }
    scores = json.loads(SCORES.read_text("utf-8")) if SCORES.exists() else {}
    scores[f"{dataset}_{size}"] = found
    SCORES.write_text(json.dumps(scores, indent=2) + "\n", "utf-8")
    for name, entry in found["scores"].items():
        print(name, entry["value"])


if __name__ == "__main__":
    main()
