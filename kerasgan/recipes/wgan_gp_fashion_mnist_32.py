r"""WGAN-GP on Fashion-MNIST at 32x32.

    kerasgan data prepare fashion_mnist
    kerasgan train wgan_gp_fashion_mnist_32
    kerasgan publish runs/wgan_gp_fashion_mnist_32 \
        -o zoo/wgan_gp_fashion_mnist_32

Beyond the paper, for a short run: one step of the critic to one of the
generator instead of five, at twice the generator's rate (Heusel et al., 2017,
the two time-scale update rule), which is three times the paper's and falls in
a straight line to zero as in the authors' own code for CIFAR-10; and batches of
32 instead of 64. The averaged generator draws. float32, because the processor
that it was trained on is slower in bfloat16.

Trained for 2.2 hours by the clock on 2 cores (Intel(R) Xeon(R) Processor), with
seed 0 at commit f53f33e: FD 0.552 under fd10k_fashion_mnist_test. More is on
the card, zoo/wgan_gp_fashion_mnist_32.
"""

from kerasgan.models import WGANGP
from kerasgan.recipes import _fashion_mnist
from kerasgan.recipes._optimizers import falling_adam

BATCH_SIZE = 32
EPOCHS = 28
STEPS = _fashion_mnist.TRAINING_IMAGES // BATCH_SIZE


def build():
    gan = WGANGP(
        image_size=32,
        channels=1,
        critic_steps=1,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    # The paper's moments; its rate is 1e-4.
    gan.compile(
        falling_adam(STEPS * EPOCHS, rate=6e-4, beta_1=0.0, beta_2=0.9),
        falling_adam(STEPS * EPOCHS, rate=1.2e-3, beta_1=0.0, beta_2=0.9),
    )
    return gan


def recipe():
    return _fashion_mnist.recipe(
        "wgan_gp_fashion_mnist_32", build, BATCH_SIZE, EPOCHS, score_every=2
    )
