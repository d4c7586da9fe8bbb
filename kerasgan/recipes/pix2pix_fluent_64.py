"""pix2pix from flat to 3D emoji, at 64x64.

    kerasgan data prepare fluent
    kerasgan train pix2pix_fluent_64
    kerasgan publish runs/pix2pix_fluent_64 -o zoo/pix2pix_fluent_64

The paper's width at high resolutions, and at most 64 feature maps at low ones:
with more the training concepts are memorized. The receptive field of a logit is
16x16 pixels, the same share of 64 as the paper's 70 of 256. The weight of L1,
by which these pairs are scored, is 1,000 instead of 100. Beyond the paper:
batches of 8 instead of 1, for a better use of the processor; images are moved
instead of enlarged and cropped, and not mirrored, as light falls from one side;
the averaged generator translates; and the learning rates decrease linearly to
zero. The epoch whose validation images are nearest to their targets is kept.

Trained for 0.1 hours by the clock on 2 cores (Intel(R) Xeon(R) Processor), with
seed 0 at commit 46067cd: L1 9.8, SSIM 0.788 under pairs_fluent_test_64. More is
on the card, zoo/pix2pix_fluent_64.
"""

from kerasgan import data
from kerasgan.data import catalog
from kerasgan.models import Pix2Pix
from kerasgan.recipes import Recipe, _pairs
from kerasgan.recipes._optimizers import falling_adam

DATA = catalog.get("fluent")
SIZE = 64
BATCH_SIZE = 8
EPOCHS = 20
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = Pix2Pix(
        image_size=SIZE,
        max_width=64,
        patch_size=16,
        l1_weight=1000.0,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    updates = STEPS * EPOCHS
    gan.compile(falling_adam(updates), falling_adam(updates))
    return gan


def batches(first_epoch):
    return data.paired(
        DATA.name,
        SIZE,
        BATCH_SIZE,
        augment=data.move,
        first_epoch=first_epoch,
        epochs=EPOCHS - first_epoch,
    )


def recipe():
    return Recipe(
        name="pix2pix_fluent_64",
        dataset=DATA.name,
        description="Turns a flat emoji into a 3D one.",
        license=DATA.license,
        build=build,
        batches=batches,
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_pairs.similarity_to_targets(DATA.name, SIZE),
        score_every=2,
        sample=_pairs.inputs_and_outputs(DATA.name, SIZE),
    )
