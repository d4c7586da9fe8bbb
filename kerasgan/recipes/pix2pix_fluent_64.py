"""pix2pix from flat to 3D emoji, at 64x64.

    kerasgan data prepare fluent
    kerasgan train pix2pix_fluent_64
    kerasgan publish runs/pix2pix_fluent_64 -o zoo/pix2pix_fluent_64

The paper's networks at half their width, which keeps the weights small. Beyond
the paper: batches of 8 instead of 1, which make a fuller use of a processor,
the averaged generator translates, and the learning rates fall in a straight
line to zero. The epoch whose validation pictures are nearest to their targets
is kept. Hours, processor and scores are on the card, zoo/pix2pix_fluent_64.
"""

from kerasgan.recipes import _pairs


def recipe():
    return _pairs.pix2pix(
        "pix2pix_fluent_64",
        "fluent",
        size=64,
        batch_size=8,
        epochs=80,
        description="Turns a flat emoji into a 3D one.",
        license="MIT",
    )
