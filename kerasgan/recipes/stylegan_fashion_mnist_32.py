r"""StyleGAN on Fashion-MNIST at 32x32, growing from 8x8.

    kerasgan data prepare fashion_mnist
    kerasgan train stylegan_fashion_mnist_32
    kerasgan publish runs/stylegan_fashion_mnist_32 \
        -o zoo/stylegan_fashion_mnist_32

The paper's networks with a sixteenth of its feature maps at each resolution
and at most 256, a mapping network of half the width, and a sixth of its images
at each stage of growth. R1 is weaker than at 1024x1024, where an image has a
thousand times the pixels to spread the slope over. bfloat16 makes a step
faster (docs/performance.md); penalty and fade stay float32.
"""

from kerasgan.models import StyleGAN
from kerasgan.recipes import _fashion_mnist

BATCH_SIZE = 32
EPOCHS = 30


def build():
    gan = StyleGAN(
        image_size=32,
        channels=1,
        latent_dim=256,
        w_dim=256,
        fmap_base=512,
        fmap_max=256,
        stable_images=100_000,
        fade_images=100_000,
        r1_gamma=0.1,
        seed=0,
        dtype="mixed_bfloat16",
    )
    gan.compile()
    return gan


def recipe():
    return _fashion_mnist.recipe(
        "stylegan_fashion_mnist_32",
        build,
        BATCH_SIZE,
        EPOCHS,
        description="Draws grey pictures of clothing, with styles to mix.",
    )
