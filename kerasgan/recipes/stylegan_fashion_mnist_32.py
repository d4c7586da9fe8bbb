r"""StyleGAN on Fashion-MNIST at 32x32, by class, growing from 8x8.

    kerasgan data prepare fashion_mnist
    kerasgan train stylegan_fashion_mnist_32
    kerasgan publish runs/stylegan_fashion_mnist_32 \
        -o zoo/stylegan_fashion_mnist_32

The paper's networks with class labels, as its code has them, a sixteenth
of its feature maps at each resolution, a mapping network of a quarter of the
width, a fifteenth of its images at each stage of growth, and three times its
learning rate, because the run is short, until it decreases after 17 and 25
epochs. R1 is weaker than at 1024x1024, where the gradient is spread over a
thousand times as many pixels. bfloat16 makes a step faster
(docs/performance.md); penalty and fade stay float32.

Trained for 3.3 hours by the clock on 2 cores (Intel(R) Xeon(R) Processor), with
seed 0 at commit 5a20c0a: FD 0.143 under fd10k_fashion_mnist_test, class 93.3%
under agreement10k_fashion_mnist. More is on the card,
zoo/stylegan_fashion_mnist_32.
"""

from kerasgan.data import catalog
from kerasgan.models import ConditionalStyleGAN
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import late_adam

DATA = catalog.get("fashion_mnist")
BATCH_SIZE = 32
EPOCHS = 28
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = ConditionalStyleGAN(
        image_size=32,
        channels=1,
        num_classes=10,
        latent_dim=128,
        w_dim=128,
        fmap_base=512,
        fmap_max=128,
        stable_images=40_000,
        fade_images=40_000,
        r1_gamma=0.1,
        seed=0,
        dtype="mixed_bfloat16",
    )
    falls = [STEPS * 17, STEPS * 25]
    gan.compile(late_adam(*falls), late_adam(*falls))
    return gan


def recipe():
    return Recipe(
        name="stylegan_fashion_mnist_32",
        dataset=DATA.name,
        description="Generates grayscale clothing of a requested class, "
        "with styles to mix.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS, "label"),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA),
        score_every=2,
        sample=_images.eight_of_each_class,
        classes=DATA.classes,
        features=DATA.name,
    )
