"""LSGAN on Fashion-MNIST at 32x32.

    kerasgan data prepare fashion_mnist
    kerasgan train lsgan_fashion_mnist_32
    kerasgan publish runs/lsgan_fashion_mnist_32 -o zoo/lsgan_fashion_mnist_32

The network of the authors' Torch release with one block less and its width of
64. Beyond the paper: the averaged generator is used, and the learning rates
decrease linearly to zero, which replaces the choice of when to stop. bfloat16
makes a step faster (docs/performance.md).

The published weights are not from this recipe alone: the rates decreased to
zero over 30 epochs, and from the weights kept then, with new optimizers, again
over 5.

Trained for 2.1 hours by the clock on 2 cores (AMD EPYC), with seed 0 at commit
235ce3a: FD 0.373 under fd10k_fashion_mnist_test. More is on the card,
zoo/lsgan_fashion_mnist_32.
"""

from kerasgan.data import catalog
from kerasgan.models import LSGAN
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import falling_adam

DATA = catalog.get("fashion_mnist")
BATCH_SIZE = 64
EPOCHS = 35
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = LSGAN(
        image_size=32,
        channels=1,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    gan.compile(falling_adam(STEPS * EPOCHS), falling_adam(STEPS * EPOCHS))
    return gan


def recipe():
    return Recipe(
        name="lsgan_fashion_mnist_32",
        dataset=DATA.name,
        description="Generates grayscale clothing.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA),
        features=DATA.name,
    )
