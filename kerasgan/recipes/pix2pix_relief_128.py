"""pix2pix from shaded relief to the satellite's view, at 128x128.

    kerasgan data prepare relief
    kerasgan train pix2pix_relief_128
    kerasgan publish runs/pix2pix_relief_128 -o zoo/pix2pix_relief_128

The paper's networks at half their width, which keeps the weights small. Beyond
the paper: batches of 8 instead of 1, which make a fuller use of a processor,
the averaged generator translates, and the learning rates fall in a straight
line to zero. The epoch whose validation pictures are nearest to their targets
is kept. Hours, processor and scores are on the card, zoo/pix2pix_relief_128.
"""

import keras

from kerasgan import data
from kerasgan.data import splits
from kerasgan.models import Pix2Pix
from kerasgan.recipes import _pairs
from kerasgan.training import Recipe

SIZE = 128
BATCH_SIZE = 8
EPOCHS = 80
STEPS = splits.COUNTS["relief"]["train"] // BATCH_SIZE


def build():
    gan = Pix2Pix(
        image_size=SIZE,
        width=32,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    rate = keras.optimizers.schedules.PolynomialDecay(
        2e-4, STEPS * EPOCHS, end_learning_rate=0.0
    )
    gan.compile(
        keras.optimizers.Adam(rate, 0.5, epsilon=1e-8),
        keras.optimizers.Adam(rate, 0.5, epsilon=1e-8),
    )
    return gan


def batches(first_epoch):
    return data.paired(
        "relief",
        SIZE,
        BATCH_SIZE,
        first_epoch=first_epoch,
        epochs=EPOCHS - first_epoch,
    )


def recipe():
    return Recipe(
        name="pix2pix_relief_128",
        dataset="relief",
        description="Turns a shaded relief map into the satellite's view.",
        license="Apache-2.0",
        build=build,
        batches=batches,
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_pairs.similarity_to_targets("relief", SIZE),
        score_every=2,
        sample=_pairs.inputs_and_outputs("relief", SIZE),
    )
