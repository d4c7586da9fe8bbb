"""WGAN-GP on Fashion-MNIST at 32x32.

    kerasgan data prepare fashion_mnist
    kerasgan train wgan_gp_fashion_mnist_32
    kerasgan publish runs/wgan_gp_fashion_mnist_32 -o zoo/wgan_gp_fashion_mnist_32

Five steps of the critic to one of the generator, as in the paper. Beyond the
paper: twice its learning rate, falling in a straight line to zero, as the
authors' own code does on CIFAR-10; batches of 32 instead of 64, which is twice
as many steps for the same work; the averaged generator draws. bfloat16
makes a step faster (docs/performance.md); the penalty stays float32. Hours,
processor and scores are on the card, zoo/wgan_gp_fashion_mnist_32.
"""

import keras

from kerasgan.models import WGANGP
from kerasgan.recipes import _fashion_mnist
from kerasgan.training import Recipe

BATCH_SIZE = 5 * 32
EPOCHS = 40
STEPS = _fashion_mnist.TRAINING_IMAGES // BATCH_SIZE


def build():
    gan = WGANGP(
        image_size=32,
        channels=1,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    gan.compile(adam(STEPS * EPOCHS), adam(5 * STEPS * EPOCHS))
    return gan


def adam(updates):
    """Returns the paper's optimizer with a rate that reaches zero."""
    rate = keras.optimizers.schedules.PolynomialDecay(
        2e-4, updates, end_learning_rate=0.0
    )
    return keras.optimizers.Adam(rate, 0.0, 0.9, epsilon=1e-8)


def recipe():
    return Recipe(
        name="wgan_gp_fashion_mnist_32",
        dataset="fashion_mnist",
        description="Draws grey pictures of clothing.",
        license=_fashion_mnist.LICENSE,
        build=build,
        batches=_fashion_mnist.image_batches(BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_fashion_mnist.distance_to_training_images,
        score_every=2,
        features="fashion_mnist",
    )
