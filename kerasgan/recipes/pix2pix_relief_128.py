"""pix2pix from shaded relief to the satellite's view, at 128x128.

    kerasgan data prepare relief
    kerasgan train pix2pix_relief_128
    kerasgan publish runs/pix2pix_relief_128 -o zoo/pix2pix_relief_128

The paper's networks at half their width, which keeps the weights small. Beyond
the paper: batches of 8 instead of 1, which make a fuller use of a processor,
the averaged generator translates, and the learning rates fall in a straight
line to zero. The epoch whose validation pictures are nearest to their targets
is kept.
"""

import functools

from kerasgan import data
from kerasgan.models import Pix2Pix
from kerasgan.recipes import _pairs

SIZE = 128
BATCH_SIZE = 8


def build():
    return Pix2Pix(
        image_size=SIZE,
        width=32,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )


def recipe():
    return _pairs.pix2pix(
        "pix2pix_relief_128",
        "relief",
        SIZE,
        build,
        functools.partial(data.paired, "relief", SIZE, BATCH_SIZE),
        BATCH_SIZE,
        epochs=80,
        description="Turns a shaded relief map into the satellite's view.",
        license="Apache-2.0",
    )
