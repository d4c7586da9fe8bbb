"""CycleGAN between flat and 3D emoji, at 64x64.

    kerasgan data prepare fluent
    kerasgan train cyclegan_fluent_64
    kerasgan publish runs/cyclegan_fluent_64 -o zoo/cyclegan_fluent_64

Flat drawings of one half of the concepts and 3D renderings of the other, so no
pair is ever seen. The paper's networks for small images, six blocks, at half
their width. Beyond the paper: batches of 4 instead of 1, for a better use of
the processor; images are moved instead of enlarged and cropped; and the
averaged generators translate. The epoch whose validation images are nearest to
their targets is kept.

Trained for 1.2 hours by the clock on 2 cores (AMD EPYC), with seed 0 at commit
be48f27: L1 11.5, SSIM 0.754 under pairs_fluent_test_64, L1 12.1, SSIM 0.751
under reversed_fluent_test_64. More is on the card, zoo/cyclegan_fluent_64.
"""

from kerasgan import data
from kerasgan.data import catalog
from kerasgan.models import CycleGAN
from kerasgan.recipes import Recipe, _pairs

DATA = catalog.get("fluent")
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


def batches(first_epoch):
    return data.unpaired(
        DATA.name,
        SIZE,
        BATCH_SIZE,
        augment=data.move_and_mirror,
        first_epoch=first_epoch,
        epochs=EPOCHS - first_epoch,
    )


def recipe():
    return Recipe(
        name="cyclegan_fluent_64",
        dataset=DATA.name,
        description="Turns flat emoji into 3D ones and back.",
        license=DATA.license,
        build=build,
        batches=batches,
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_pairs.similarity_to_targets(DATA.name, SIZE),
        score_every=2,
        sample=_pairs.inputs_and_outputs(DATA.name, SIZE),
    )
