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

from kerasgan.recipes import _pairs


def recipe():
    return _pairs.pix2pix(
        "pix2pix_relief_128",
        "relief",
        size=128,
        batch_size=8,
        epochs=80,
        description="Turns a shaded relief map into the satellite's view.",
        license="Apache-2.0",
    )
