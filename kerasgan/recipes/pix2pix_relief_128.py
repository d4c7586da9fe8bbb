"""pix2pix from shaded relief to the satellite's view, at 128x128.

    kerasgan data prepare relief
    kerasgan train pix2pix_relief_128
    kerasgan publish runs/pix2pix_relief_128 -o zoo/pix2pix_relief_128

The paper's networks at half their width, and at most 128 feature maps where
pictures are small: with 256 it learned the training bands by heart. A score
sees 16x16 pixels, half as large a part of a picture as the paper's 70 of 256:
on the validation bands texture and colors came nearer so than with 34 or 70.
Beyond the paper: batches of 2 instead of 1; three times its learning rate,
for so short a run, falling in a straight line to zero; and the averaged
generator translates. The epoch is kept whose validation pictures look most like
their targets, by Fréchet distance: the one nearest in L1 is the most blurred.

Trained for 0.2 hours by the clock on 2 cores (AMD EPYC), with seed 0 at commit
d4f25dc: L1 26.8, SSIM 0.491 under pairs_relief_test_128, FD 7.970 under
fd340_relief_test_128. More is on the card, zoo/pix2pix_relief_128.
"""

import functools

from kerasgan import data
from kerasgan.models import Pix2Pix
from kerasgan.recipes import _pairs

SIZE = 128
BATCH_SIZE = 2


def build():
    return Pix2Pix(
        image_size=SIZE,
        width=32,
        max_width=128,
        patch_size=16,
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
        epochs=24,
        rate=6e-4,
        description="Turns a shaded relief map into the satellite's view.",
        license="Apache-2.0",
        score=_pairs.distance_to_targets("relief", SIZE),
        features="relief",
    )
