"""ProGAN on Fashion-MNIST at 32x32, growing from 4x4.

    kerasgan data prepare fashion_mnist
    kerasgan train progan_fashion_mnist_32
    kerasgan publish runs/progan_fashion_mnist_32 -o zoo/progan_fashion_mnist_32

The paper's networks with a sixteenth of its feature maps at each
resolution, a twentieth of its images at each stage of growth, and three times
its learning rate, for so short a run, until the rate falls near the end.

Trained for 4.7 hours by the clock on 2 cores (Intel(R) Xeon(R) Processor), with
seed 0 at commit e510812: FD 0.198 under fd10k_fashion_mnist_test. More is on
the card, zoo/progan_fashion_mnist_32, also of its last four epochs, which went
on from published weights, and of the pauses in these hours.
"""

from kerasgan.models import ProGAN
from kerasgan.optimizers import Adam
from kerasgan.recipes import _fashion_mnist

BATCH_SIZE = 32
EPOCHS = 24
STEPS = _fashion_mnist.TRAINING_IMAGES // BATCH_SIZE


def build():
    gan = ProGAN(
        image_size=32,
        channels=1,
        latent_dim=128,
        fmap_base=512,
        fmap_max=128,
        stable_images=40_000,
        fade_images=40_000,
        seed=0,
        dtype="mixed_bfloat16",
    )
    # Three times the paper's rate, and its moments.
    gan.compile(Adam(3e-3, 0.0, 0.99), Adam(3e-3, 0.0, 0.99))
    return gan


def recipe():
    return _fashion_mnist.recipe(
        "progan_fashion_mnist_32", build, BATCH_SIZE, EPOCHS, score_every=2
    )
