"""StyleGAN2 on drawn faces at 64x64.

    kerasgan data prepare personas
    kerasgan train stylegan2_personas_64

The settings that the authors' code has for this size and batch (`auto`), with
half of the paper's length of w, an eighth of its feature maps at each
resolution and at most 192, and an average that follows twice as fast, because
the run is short.

No weights of it are published: only its first steps were run. PyTorch's mirror
of it, with adaptive augmentation, has faces without sharp mouths after 480,000
images (`scripts/train_in_pytorch.py train stylegan2`).
"""

from kerasgan.data import catalog
from kerasgan.models import StyleGAN2
from kerasgan.models.stylegan2_presets import decay_for
from kerasgan.recipes import Recipe, _images

DATA = catalog.get("personas")
BATCH_SIZE = 64
EPOCHS = 54
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = StyleGAN2.auto(
        image_size=64,
        batch_size=BATCH_SIZE,
        latent_dim=256,
        style_dim=256,
        channel_base=4096,
        channel_max=192,
        ema_decay=decay_for(10_000),
        seed=0,
    )
    gan.compile()
    return gan


def recipe():
    return Recipe(
        name="stylegan2_personas_64",
        dataset=DATA.name,
        description="Generates faces in the style of an avatar set, with "
        "styles to mix, without growing.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA, count=5000),
        score_every=2,
        features=DATA.name,
    )
