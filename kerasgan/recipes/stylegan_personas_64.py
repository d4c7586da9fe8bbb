"""StyleGAN on drawn faces at 64x64, growing from 8x8.

    kerasgan data prepare personas
    kerasgan train stylegan_personas_64
    kerasgan publish runs/stylegan_personas_64 -o zoo/stylegan_personas_64

The paper's networks with a sixteenth of its feature maps at each resolution
and at most 128, a mapping network of half the width, a fifteenth of its images
at each stage of growth, and ten times its learning rate, because the run is
short. It decreases late, each time to a third. R1 is weaker than at 1024x1024,
where the gradient is spread over many more pixels, and stronger than their
number suggests, since a discriminator easily separates these flat drawings from
generated ones. float32, because the processor of the later epochs is slower in
bfloat16.

The published weights are not from this recipe alone: their first 40 epochs
are those of c3a118f, at three times the paper's rate, with an R1 penalty of 2,
in bfloat16 on an AMD EPYC. Then training of the averaged generator and the
discriminator continued with new optimizers. Of this recipe itself only the
first epoch was run.

Trained for 2.8 hours by the clock on 2 cores (Intel(R) Xeon(R) Processor),
with seed 0 at commit c5707f6: FD 14.389 under fd10k_personas_train, FD 94.799
under fd10k_efficientnet_lite0_train. More is on the card,
zoo/stylegan_personas_64.
"""

from kerasgan.data import catalog
from kerasgan.models import StyleGAN
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import late_adam

DATA = catalog.get("personas")
BATCH_SIZE = 32
EPOCHS = 54
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = StyleGAN(
        image_size=64,
        latent_dim=256,
        w_dim=256,
        fmap_base=512,
        fmap_max=128,
        stable_images=40_000,
        fade_images=40_000,
        r1_gamma=1.0,
        seed=0,
    )
    falls = 50 * STEPS, 52 * STEPS
    gan.compile(late_adam(*falls, rate=1e-2), late_adam(*falls, rate=1e-2))
    return gan


def recipe():
    return Recipe(
        name="stylegan_personas_64",
        dataset=DATA.name,
        description="Generates faces in the style of an avatar set, with "
        "styles "
        "to mix.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA, count=5000),
        score_every=2,
        features=DATA.name,
    )
