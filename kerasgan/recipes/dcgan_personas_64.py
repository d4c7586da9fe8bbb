"""DCGAN on drawn faces at 64x64.

    kerasgan data prepare personas
    kerasgan train dcgan_personas_64
    kerasgan publish runs/dcgan_personas_64 -o zoo/dcgan_personas_64

The network of the paper. Beyond it: an R1 penalty, without which the
discriminator tells these flat drawings from generated ones so easily that its
loss goes to nothing and the images stay noise; the averaged generator draws,
and the learning rates fall in a straight line to zero. bfloat16 makes a step
faster (docs/performance.md); the penalty stays float32.

Trained for 0.9 hours by the clock on 2 cores (AMD EPYC), with seed 0 at commit
6c12ba1: FD 9.319 under fd10k_personas_train. More is on the card,
zoo/dcgan_personas_64.
"""

from kerasgan.models import DCGAN
from kerasgan.recipes import _personas
from kerasgan.recipes._optimizers import falling_adam

BATCH_SIZE = 64
EPOCHS = 24
STEPS = _personas.TRAINING_IMAGES // BATCH_SIZE


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
    return _personas.recipe(
        "dcgan_personas_64", build, BATCH_SIZE, EPOCHS, score_every=2
    )
