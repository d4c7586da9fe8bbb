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

import functools

from kerasgan import data
from kerasgan.data import splits
from kerasgan.models import Pix2Pix
from kerasgan.recipes import _pairs
from kerasgan.recipes._optimizers import falling_adam

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
    gan.compile(falling_adam(STEPS * EPOCHS), falling_adam(STEPS * EPOCHS))
    return gan


def recipe():
    return _pairs.recipe(
        "pix2pix_relief_128",
        "relief",
        SIZE,
        build,
        functools.partial(data.paired, "relief", SIZE, BATCH_SIZE),
        STEPS,
        EPOCHS,
        description="Turns a shaded relief map into the satellite's view.",
        license="Apache-2.0",
    )
