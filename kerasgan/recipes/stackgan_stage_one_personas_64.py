"""Stage I of StackGAN, from captions to drawn faces at 64x64.

    kerasgan data prepare personas
    kerasgan train stackgan_stage_one_personas_64

The first half of stackgan_personas_128, which reads the folder of this run.
The paper's networks at a fifth and half of their widths, with short latents,
and sentence vectors an eighth as long, enough for the small vocabulary of these
captions. Beyond the paper, as for gan_cls_personas_64: an R1 penalty, half the
learning rate for the discriminator, the averaged generator, and learning rates
that decrease linearly to zero instead of in halves.

No weights of it are published; those of stackgan_personas_128 include its
generator.
"""

from kerasgan.data import catalog
from kerasgan.models import StackGANStageOne, words_of
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import falling_adam

DATA = catalog.get("personas")
SIZE = 64
BATCH_SIZE = 32
EPOCHS = 22
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    captions = _images.training_data(DATA.name, SIZE)["caption"]
    gan = StackGANStageOne(
        image_size=SIZE,
        vocabulary=words_of([text.decode() for text in captions]),
        generator_width=24,
        discriminator_width=32,
        latent_dim=32 + 64,
        sentence_dim=128,
        condition_dim=64,
        encoder_width=128,
        r1_gamma=3.0,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    updates = STEPS * EPOCHS
    gan.compile(falling_adam(updates), falling_adam(updates, rate=1e-4))
    return gan


def recipe():
    return Recipe(
        name="stackgan_stage_one_personas_64",
        dataset=DATA.name,
        description="Generates the small face that a sentence describes.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS, "caption"),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(
            DATA, captions=True, count=5000
        ),
        score_every=4,
        sample=_images.of_first_captions,
        features=DATA.name,
    )
