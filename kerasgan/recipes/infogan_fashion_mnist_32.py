r"""InfoGAN on Fashion-MNIST at 32x32.

    kerasgan data prepare fashion_mnist
    kerasgan train infogan_fashion_mnist_32
    kerasgan publish runs/infogan_fashion_mnist_32 \
        -o zoo/infogan_fashion_mnist_32

The paper's codes for MNIST, one of ten categories and two continuous ones, and
its networks at 3/8 of their width; the dense layers have 192 units instead of
1024. Narrow layers need higher learning rates: at the paper's 1e-3 and 2e-4
these networks generate noise, at 4e-3 and 1e-3 clothing within 400 steps.
Beyond the paper: the averaged generator is used, and the learning rates
decrease linearly to zero. In longer runs the discriminator wins: with 30 epochs
the distance is least after 4, and eighteen times as high at the end.

Trained for 0.3 hours by the clock on 2 cores (AMD EPYC), with seed 0 at commit
1b5cb41: FD 0.547 under fd10k_fashion_mnist_test. More is on the card,
zoo/infogan_fashion_mnist_32.
"""

from kerasgan.data import catalog
from kerasgan.models import InfoGAN
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import falling_adam

DATA = catalog.get("fashion_mnist")
BATCH_SIZE = 64
EPOCHS = 8
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = InfoGAN(
        image_size=32,
        channels=1,
        width=24,
        dense_width=192,
        ema_decay=0.999,
        seed=0,
    )
    gan.compile(
        falling_adam(STEPS * EPOCHS, rate=4e-3),
        falling_adam(STEPS * EPOCHS, rate=1e-3),
    )
    return gan


def categories(gan):
    """Returns images of seed 0, a row of eight for each category."""
    numbers = [number for number in range(10) for _ in range(8)]
    return gan.generate(codes={"categorical": numbers}, seed=0)


def recipe():
    return Recipe(
        name="infogan_fashion_mnist_32",
        dataset=DATA.name,
        description=(
            "Generates grayscale clothing by codes that it found itself."
        ),
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA),
        sample=categories,
        features=DATA.name,
    )
