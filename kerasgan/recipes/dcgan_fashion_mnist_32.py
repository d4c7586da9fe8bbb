"""DCGAN on Fashion-MNIST at 32x32.

    kerasgan data prepare fashion_mnist
    kerasgan train dcgan_fashion_mnist_32
    kerasgan publish runs/dcgan_fashion_mnist_32 -o zoo/dcgan_fashion_mnist_32

The network of the authors' Torch release with one block less and the width
that it has, 64. Beyond the paper: the averaged generator draws, and the
learning rates fall in a straight line to zero, which takes the place of
choosing when to stop. bfloat16 makes a step faster (docs/performance.md).
Hours, processor and scores are on the card, zoo/dcgan_fashion_mnist_32.
"""

import keras

from kerasgan.models import DCGAN
from kerasgan.recipes import _fashion_mnist
from kerasgan.training import Recipe

BATCH_SIZE = 64
EPOCHS = 30
STEPS = _fashion_mnist.TRAINING_IMAGES // BATCH_SIZE


def build():
    gan = DCGAN(
        image_size=32,
        channels=1,
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
        name="dcgan_fashion_mnist_32",
        dataset="fashion_mnist",
        description="Draws grey pictures of clothing.",
        license=_fashion_mnist.LICENSE,
        build=build,
        batches=_fashion_mnist.image_batches(BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_fashion_mnist.distance_to_training_images,
        features="fashion_mnist",
    )
