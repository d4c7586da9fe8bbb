"""ProGAN on Fashion-MNIST at 32x32, growing from 4x4.

    kerasgan data prepare fashion_mnist
    kerasgan train progan_fashion_mnist_32
    kerasgan publish runs/progan_fashion_mnist_32 -o zoo/progan_fashion_mnist_32

The paper's networks with a sixteenth of its feature maps at each resolution, a
twentieth of its images at each stage of growth, and three times its learning
rate, because the run is short. bfloat16 makes a step faster on processors that
support it.

The published weights are not from this recipe alone: their rate decreased
to a third after 16.5 epochs, again after 20, and was reset for the last two. Of
this recipe itself only the first epoch was run.

Trained for 5.1 hours by the clock on 2 cores (Intel(R) Xeon(R) Processor), with
seed 0 at commit 3dba000: FD 0.169 under fd10k_fashion_mnist_test. More is on
the card, zoo/progan_fashion_mnist_32, also of the pauses in these hours.
"""

from kerasgan.data import catalog
from kerasgan.models import ProGAN
from kerasgan.optimizers import Adam
from kerasgan.recipes import Recipe, _images

DATA = catalog.get("fashion_mnist")
BATCH_SIZE = 32
EPOCHS = 24
STEPS = DATA.counts["train"] // BATCH_SIZE


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
    # Three times the paper's rate; its moments.
    gan.compile(Adam(3e-3, 0.0, 0.99), Adam(3e-3, 0.0, 0.99))
    return gan


def recipe():
    return Recipe(
        name="progan_fashion_mnist_32",
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
