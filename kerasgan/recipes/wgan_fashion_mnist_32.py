"""WGAN on Fashion-MNIST at 32x32.

    kerasgan data prepare fashion_mnist
    kerasgan train wgan_fashion_mnist_32
    kerasgan publish runs/wgan_fashion_mnist_32 -o zoo/wgan_fashion_mnist_32

The authors' networks with one block less and a width of 48 instead of 64.
Beyond the paper, for a short run: a learning rate four times the paper's, and
critic steps of 32 images instead of 64. The averaged generator is used.
bfloat16 makes a step faster (docs/performance.md).

The published weights were trained by the same settings in PyTorch:
`scripts/train_in_pytorch.py train wgan`.

Trained for 0.03 hours by the clock on one NVIDIA H100 80GB HBM3 in PyTorch
2.11.0+cu130, with seed 0 at commit 7b047e9: FD 4.006 under
fd10k_fashion_mnist_test. More is on the card, zoo/wgan_fashion_mnist_32.
"""

import keras

from kerasgan.data import catalog
from kerasgan.models import WGAN
from kerasgan.recipes import Recipe, _images

DATA = catalog.get("fashion_mnist")
CRITIC_STEPS = 5
BATCH_SIZE = 32 * CRITIC_STEPS
EPOCHS = 11
STEPS = DATA.counts["train"] // BATCH_SIZE


def rmsprop():
    return keras.optimizers.RMSprop(2e-4, rho=0.99, epsilon=1e-16)


def build():
    gan = WGAN(
        image_size=32,
        channels=1,
        width=48,
        critic_steps=CRITIC_STEPS,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    gan.compile(rmsprop(), rmsprop())
    return gan


def recipe():
    return Recipe(
        name="wgan_fashion_mnist_32",
        dataset=DATA.name,
        description="Generates grayscale clothing.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA),
        score_every=2,
        features=DATA.name,
    )
