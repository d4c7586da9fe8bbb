r"""SNGAN with the projection discriminator on Fashion-MNIST at 32x32, by class.

    kerasgan data prepare fashion_mnist
    kerasgan train sngan_fashion_mnist_32

The authors' networks and settings for CIFAR-10, the generator at half its
width: five steps of the discriminator on 64 images each for one of the
generator on 128, and learning rates that decrease linearly to zero. Beyond the
papers: the averaged generator is used; no noise is added to the images.

No weights of it are published: only its first steps were run. The same training
in PyTorch is `scripts/train_in_pytorch.py train sngan`.
"""

from kerasgan.data import catalog
from kerasgan.models import ConditionalSNGAN
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import falling_adam

DATA = catalog.get("fashion_mnist")
DISCRIMINATOR_STEPS = 5
BATCH_SIZE = 64 * DISCRIMINATOR_STEPS
EPOCHS = 100
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = ConditionalSNGAN(
        image_size=32,
        num_classes=10,
        channels=1,
        generator_width=128,
        discriminator_width=128,
        discriminator_steps=DISCRIMINATOR_STEPS,
        generator_factor=2,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    updates = STEPS * EPOCHS
    gan.compile(
        falling_adam(updates, beta_1=0.0, beta_2=0.9),
        falling_adam(updates * DISCRIMINATOR_STEPS, beta_1=0.0, beta_2=0.9),
    )
    return gan


def recipe():
    return Recipe(
        name="sngan_fashion_mnist_32",
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
