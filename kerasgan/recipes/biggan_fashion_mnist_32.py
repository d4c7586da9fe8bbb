r"""BigGAN on Fashion-MNIST at 32x32, by class.

    kerasgan data prepare fashion_mnist
    kerasgan train biggan_fashion_mnist_32
    kerasgan publish runs/biggan_fashion_mnist_32 -o zoo/biggan_fashion_mnist_32

The network of the author's PyTorch code for CIFAR-10 at half its width, with
what the paper adds: a shared embedding of the class, latents in chunks, and
orthogonal first weights; neither attention nor orthogonal regularization. Four
steps of the discriminator on 64 images each (there, 50) for one of the
generator. The run is short: the average has a decay of 0.999, and the learning
rates decrease linearly to zero in its second half.

The published weights were trained by the same settings in PyTorch, with
standing statistics: `scripts/train_in_pytorch.py train biggan`.

Trained for 0.1 hours by the clock on one NVIDIA H100 80GB HBM3 in PyTorch
2.11.0+cu130, with seed 0 at commit 7b047e9: FD 0.097 under
fd10k_fashion_mnist_test, class 95.1% under agreement10k_fashion_mnist. More is
on the card, zoo/biggan_fashion_mnist_32.
"""

from kerasgan.data import catalog
from kerasgan.models import BigGAN
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import late_falling_adam

DATA = catalog.get("fashion_mnist")
DISCRIMINATOR_STEPS = 4
BATCH_SIZE = 64 * DISCRIMINATOR_STEPS
EPOCHS = 32
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = BigGAN(
        image_size=32,
        num_classes=10,
        channels=1,
        width=32,
        latent_dim=128,
        embedding_dim=128,
        attention_size=None,
        discriminator_steps=DISCRIMINATOR_STEPS,
        orthogonal_weight=0.0,
        ema_start=1000,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    updates = STEPS * EPOCHS
    gan.compile(
        late_falling_adam(updates),
        late_falling_adam(updates * DISCRIMINATOR_STEPS),
    )
    return gan


def recipe():
    return Recipe(
        name="biggan_fashion_mnist_32",
        dataset=DATA.name,
        description="Generates grayscale clothing of a requested class, with "
        "a trade-off between quality and variety.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS, "label"),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA),
        sample=_images.eight_of_each_class,
        classes=DATA.classes,
        features=DATA.name,
    )
