"""DCGAN on drawn faces at 64x64.

    kerasgan data prepare personas
    kerasgan train dcgan_personas_64
    kerasgan publish runs/dcgan_personas_64 -o zoo/dcgan_personas_64

The network of the paper. Beyond it: an R1 penalty, without which the
discriminator separates these flat drawings from generated ones so easily that
its loss vanishes and the images stay noise; the averaged generator is used, and
the learning rates decrease linearly to zero. bfloat16 makes a step faster
(docs/performance.md); the penalty stays float32.

Trained for 0.9 hours by the clock on 2 cores (AMD EPYC), with seed 0 at commit
6c12ba1: FD 9.319 under fd10k_personas_train, FD 138.570 under
fd10k_efficientnet_lite0_train. More is on the card, zoo/dcgan_personas_64.
"""

from kerasgan.data import catalog
from kerasgan.models import DCGAN
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import falling_adam

DATA = catalog.get("personas")
BATCH_SIZE = 64
EPOCHS = 24
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = DCGAN(
        image_size=64,
        r1_gamma=1.0,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    gan.compile(falling_adam(STEPS * EPOCHS), falling_adam(STEPS * EPOCHS))
    return gan


def recipe():
    return Recipe(
        name="dcgan_personas_64",
        dataset=DATA.name,
        description="Generates faces in the style of an avatar set.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA, count=5000),
        score_every=2,
        features=DATA.name,
    )
