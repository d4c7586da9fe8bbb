r"""InfoGAN on Fashion-MNIST at 32x32.

    kerasgan data prepare fashion_mnist
    kerasgan train infogan_fashion_mnist_32
    kerasgan publish runs/infogan_fashion_mnist_32 \
        -o zoo/infogan_fashion_mnist_32

The paper's codes for MNIST, one of ten categories and two continuous ones, and
its networks at 3/4 of their width; the dense layers have 104 units instead of
1024. Beyond the paper: the discriminator's learning rate is half of its, since
it won otherwise; the averaged generator is used, and the rates decrease
linearly to zero.

The published weights were trained by the same settings in PyTorch:
`scripts/train_in_pytorch.py train infogan`.
"""

from kerasgan.data import catalog
from kerasgan.models import InfoGAN
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import falling_adam

DATA = catalog.get("fashion_mnist")
BATCH_SIZE = 128
EPOCHS = 18
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = InfoGAN(
        image_size=32,
        channels=1,
        width=48,
        dense_width=104,
        ema_decay=0.999,
        seed=0,
    )
    gan.compile(
        falling_adam(STEPS * EPOCHS, rate=1e-3),
        falling_adam(STEPS * EPOCHS, rate=1e-4),
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
        score_every=2,
        sample=categories,
        features=DATA.name,
    )
