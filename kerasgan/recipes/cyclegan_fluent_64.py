"""CycleGAN between flat and 3D emoji, at 64x64.

    kerasgan data prepare fluent
    kerasgan train cyclegan_fluent_64
    kerasgan publish runs/cyclegan_fluent_64 -o zoo/cyclegan_fluent_64

Flat drawings of one half of the concepts and 3D renderings of the other, so no
pair is ever seen. The paper's networks for small pictures, six blocks, at half
their width. Beyond the paper: batches of 4 instead of 1, which make a fuller
use of a processor, pictures are moved about instead of enlarged and cut, and
averaged generators translate. The epoch whose validation pictures are nearest
to their targets is kept.

Trained for 1.2 hours by the clock on 2 cores (AMD EPYC), with seed 0 at commit
be48f27: L1 11.5, SSIM 0.754 under pairs_fluent_test_64, L1 12.1, SSIM 0.751
under reversed_fluent_test_64. More is on the card, zoo/cyclegan_fluent_64.
"""

import functools

from kerasgan import data
from kerasgan.models import CycleGAN
from kerasgan.recipes import _pairs

SIZE = 64
BATCH_SIZE = 4
EPOCHS = 40
# The flat drawings; of the other concepts there are 1,199 renderings.
STEPS = 1002 // BATCH_SIZE


def build():
    gan = CycleGAN(
        image_size=SIZE,
        width=32,
        blocks=6,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    gan.compile()
    return gan


def recipe():
    return _pairs.recipe(
        "cyclegan_fluent_64",
        "fluent",
        SIZE,
        build,
        functools.partial(
            data.unpaired,
            "fluent",
            SIZE,
            BATCH_SIZE,
            augment=data.move_and_mirror,
        ),
        STEPS,
        EPOCHS,
        description="Turns flat emoji into 3D ones and back.",
        license="MIT",
    )
