"""pix2pix from shaded relief to the satellite's view, at 128x128.

    kerasgan data prepare relief
    kerasgan train pix2pix_relief_128
    kerasgan publish runs/pix2pix_relief_128 -o zoo/pix2pix_relief_128

The paper's networks at half their width, and at most 128 feature maps at low
resolutions: with 256 the training bands were memorized. The receptive field of
a logit is 16x16 pixels, half the share of the image of the paper's 70 of 256:
texture and colors of the validation bands were closer than with 34 or 70.
Beyond the paper: batches of 2 instead of 1; three times its learning rate,
because the run is short, decreasing linearly to zero; and the averaged
generator translates. The epoch whose validation images have the smallest
Fréchet distance to their targets is kept: the one nearest in L1 is the most
blurred.

Trained for 0.3 hours by the clock on 2 cores (Intel(R) Xeon(R) Processor), with
seed 0 at commit c90012f: L1 24.6, SSIM 0.507 under pairs_relief_test_128, FD
7.089 under fd340_relief_test_128. More is on the card, zoo/pix2pix_relief_128.
"""

from kerasgan import data
from kerasgan.data import catalog
from kerasgan.models import Pix2Pix
from kerasgan.recipes import Recipe, _pairs
from kerasgan.recipes._optimizers import falling_adam

DATA = catalog.get("relief")
SIZE = 128
BATCH_SIZE = 2
EPOCHS = 24
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = Pix2Pix(
        image_size=SIZE,
        width=32,
        max_width=128,
        patch_size=16,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    updates = STEPS * EPOCHS
    gan.compile(
        falling_adam(updates, rate=6e-4), falling_adam(updates, rate=6e-4)
    )
    return gan


def batches(first_epoch):
    return data.paired(
        DATA.name,
        SIZE,
        BATCH_SIZE,
        first_epoch=first_epoch,
        epochs=EPOCHS - first_epoch,
    )


def recipe():
    return Recipe(
        name="pix2pix_relief_128",
        dataset=DATA.name,
        description="Turns a shaded relief map into the satellite's view.",
        license=DATA.license,
        build=build,
        batches=batches,
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_pairs.distance_to_targets(DATA.name, SIZE),
        score_every=2,
        sample=_pairs.inputs_and_outputs(DATA.name, SIZE),
        features=DATA.name,
    )
