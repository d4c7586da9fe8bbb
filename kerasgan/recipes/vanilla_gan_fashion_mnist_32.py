r"""The first GAN on Fashion-MNIST at 32x32.

    kerasgan data prepare fashion_mnist
    kerasgan train vanilla_gan_fashion_mnist_32
    kerasgan publish runs/vanilla_gan_fashion_mnist_32 \
        -o zoo/vanilla_gan_fashion_mnist_32

The authors' settings for MNIST with fewer units, 512 and 96 instead of 1200 and
240. Beyond them: images of 32x32 with a black border; the momentum increases
over this shorter run instead of over 250 epochs; the averaged generator is
used.

Trained for 1.4 hours by the clock on 2 cores (AMD EPYC), with seed 0 at commit
235ce3a: FD 3.904 under fd10k_fashion_mnist_test. More is on the card,
zoo/vanilla_gan_fashion_mnist_32.
"""

from kerasgan import data
from kerasgan.data import catalog
from kerasgan.models import VanillaGAN
from kerasgan.optimizers import DecayToFloor, RampedSGD
from kerasgan.recipes import Recipe, _images

DATA = catalog.get("fashion_mnist")
BATCH_SIZE = 100
EPOCHS = 100
STEPS = DATA.counts["train"] // BATCH_SIZE


def sgd():
    rate = DecayToFloor(0.1, 1.000004, floor=1e-6)
    return RampedSGD(rate, last_epoch=EPOCHS, steps_per_epoch=STEPS)


def build():
    gan = VanillaGAN(
        image_size=32,
        generator_units=512,
        discriminator_units=96,
        ema_decay=0.999,
        seed=0,
    )
    examples = _images.training_data(DATA.name, DATA.size)
    gan.adapt(data.to_float(examples[DATA.image]))
    gan.compile(sgd(), sgd())
    return gan


def recipe():
    return Recipe(
        name="vanilla_gan_fashion_mnist_32",
        dataset=DATA.name,
        description="Generates grayscale clothing.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA),
        score_every=5,
        save_every=5,
        features=DATA.name,
    )
