"""StackGAN from captions to drawn faces at 128x128.

    kerasgan data prepare personas
    kerasgan train stackgan_stage_one_personas_64
    kerasgan train stackgan_personas_128
    kerasgan publish runs/stackgan_personas_128 -o zoo/stackgan_personas_128

Stage II on a trained stage I, whose weights it reads from
`runs/stackgan_stage_one_personas_64` and includes in its own. The paper's
networks for 128x128, two residual blocks, at a sixth and a quarter of their
widths; all else as in stage I. The score that chooses an epoch is that of
images reduced to 64x64.

No weights of it are published.
"""

import pathlib

from kerasgan.data import catalog
from kerasgan.models import StackGAN
from kerasgan.recipes import (
    Recipe,
    _images,
    stackgan_stage_one_personas_64,
)
from kerasgan.recipes._optimizers import falling_adam

DATA = catalog.get("personas")
SIZE = 128
BATCH_SIZE = 32
EPOCHS = 10
STEPS = DATA.counts["train"] // BATCH_SIZE
FIRST = pathlib.Path("runs/stackgan_stage_one_personas_64/best.weights.h5")


def build():
    if not FIRST.exists():
        raise FileNotFoundError(
            f"Stage I must be trained before: {FIRST} is missing. Run "
            "`kerasgan train stackgan_stage_one_personas_64` in this folder."
        )
    first = stackgan_stage_one_personas_64.build()
    first.load_weights(FIRST)
    gan = StackGAN.from_stage_one(
        first,
        image_size=SIZE,
        generator_width=20,
        discriminator_width=16,
        blocks=2,
    )
    updates = STEPS * EPOCHS
    gan.compile(falling_adam(updates), falling_adam(updates, rate=1e-4))
    return gan


def recipe():
    return Recipe(
        name="stackgan_personas_128",
        dataset=DATA.name,
        description="Generates the face that a sentence describes, in two "
        "stages.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS, "caption", SIZE),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(
            DATA, captions=True, count=5000, size=SIZE
        ),
        score_every=2,
        sample=_images.of_first_captions,
        features=DATA.name,
    )
