"""DCGAN on Fashion-MNIST at 32x32.

    kerasgan data prepare fashion_mnist
    kerasgan train dcgan_fashion_mnist_32
    kerasgan publish runs/dcgan_fashion_mnist_32 -o zoo/dcgan_fashion_mnist_32

The network of the authors' Torch release with one block less and the width
that it has, 64. Beyond the paper: the averaged generator draws, and the
learning rates fall in a straight line to zero, which takes the place of
choosing when to stop. bfloat16 makes a step faster (docs/performance.md).

The published weights did not come of this recipe alone: the rates fell to zero
over 30 epochs (8713a9d, on an AMD EPYC), and from the weights kept then, with
fresh optimizers, anew over 12, and once more over 16. From nothing only its
first epoch was run, when 42 were meant (8119769).

Trained for 1.5 hours by the clock on 2 cores (Intel(R) Xeon(R) Processor), with
seed 0 at commit 8119769: FD 0.224 under fd10k_fashion_mnist_test. More is on
the card, zoo/dcgan_fashion_mnist_32.
"""

from kerasgan.models import DCGAN
from kerasgan.recipes import _fashion_mnist
from kerasgan.recipes._optimizers import falling_adam

BATCH_SIZE = 64
EPOCHS = 58
STEPS = _fashion_mnist.TRAINING_IMAGES // BATCH_SIZE


def build():
    gan = DCGAN(
        image_size=32,
        channels=1,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    gan.compile(falling_adam(STEPS * EPOCHS), falling_adam(STEPS * EPOCHS))
    return gan


def recipe():
    return _fashion_mnist.recipe(
        "dcgan_fashion_mnist_32", build, BATCH_SIZE, EPOCHS
    )
