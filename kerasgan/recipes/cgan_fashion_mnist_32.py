"""CGAN on Fashion-MNIST at 32x32, by class.

    kerasgan data prepare fashion_mnist
    kerasgan train cgan_fashion_mnist_32
    kerasgan publish runs/cgan_fashion_mnist_32 -o zoo/cgan_fashion_mnist_32

The convolutional form. Beyond the papers: the averaged generator is used, and
the learning rates decrease linearly to zero.

The published weights are not from this recipe alone: the rates decreased to
zero over 25 epochs (593f543, on an AMD EPYC), and from the weights kept then,
with new optimizers, again over 12. Of this recipe itself only the first epoch
was run.

Trained for 2.2 hours by the clock on 2 cores (Intel(R) Xeon(R) Processor), with
seed 0 at commit b692cec: FD 0.141 under fd10k_fashion_mnist_test, class 92.1%
under agreement10k_fashion_mnist. More is on the card,
zoo/cgan_fashion_mnist_32.
"""

from kerasgan.data import catalog
from kerasgan.models import CGAN
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import falling_adam

DATA = catalog.get("fashion_mnist")
BATCH_SIZE = 64
EPOCHS = 37
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = CGAN(
        image_size=32,
        num_classes=10,
        channels=1,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    gan.compile(falling_adam(STEPS * EPOCHS), falling_adam(STEPS * EPOCHS))
    return gan


def recipe():
    return Recipe(
        name="cgan_fashion_mnist_32",
        dataset=DATA.name,
        description="Generates grayscale clothing of a requested class.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS, "label"),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA),
        sample=_images.eight_of_each_class,
        classes=DATA.classes,
        features=DATA.name,
    )
