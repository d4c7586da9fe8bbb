"""ACGAN on Fashion-MNIST at 32x32, by class.

    kerasgan data prepare fashion_mnist
    kerasgan train acgan_fashion_mnist_32
    kerasgan publish runs/acgan_fashion_mnist_32 -o zoo/acgan_fashion_mnist_32

The paper's networks for CIFAR-10, the generator at half its width. Beyond the
paper: the averaged generator draws, and the learning rates
fall in a straight line to zero. Hours, processor and scores
are on the card, zoo/acgan_fashion_mnist_32.
"""

import keras

from kerasgan.models import ACGAN
from kerasgan.recipes import _fashion_mnist
from kerasgan.training import Recipe

BATCH_SIZE = 64
EPOCHS = 25
STEPS = _fashion_mnist.TRAINING_IMAGES // BATCH_SIZE


def build():
    gan = ACGAN(
        image_size=32,
        num_classes=10,
        channels=1,
        generator_width=192,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    rate = keras.optimizers.schedules.PolynomialDecay(
        2e-4, STEPS * EPOCHS, end_learning_rate=0.0
    )
    gan.compile(
        keras.optimizers.Adam(rate, 0.5, epsilon=1e-8),
        keras.optimizers.Adam(rate, 0.5, epsilon=1e-8),
    )
    return gan


def recipe():
    return Recipe(
        name="acgan_fashion_mnist_32",
        dataset="fashion_mnist",
        description="Draws grey pictures of clothing of the class asked for.",
        license=_fashion_mnist.LICENSE,
        build=build,
        batches=_fashion_mnist.labelled_batches(BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_fashion_mnist.distance_to_training_images,
        sample=_fashion_mnist.eight_of_each_class,
        classes=_fashion_mnist.CLASSES,
        features="fashion_mnist",
    )
