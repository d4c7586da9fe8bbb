"""BEGAN on drawn faces at 64x64.

    kerasgan data prepare personas
    kerasgan train began_personas_64
    kerasgan publish runs/began_personas_64 -o zoo/began_personas_64

The paper's network for 64x64 with a width of 16 instead of 128. Beyond the
paper, for a short run: batches of 64 instead of 16, a learning rate of 1e-3, ten
times the paper's largest, and a balance that follows ten times as fast. The
averaged generator is used.
bfloat16 makes a step faster (docs/performance.md).

The published weights were trained by the same settings in PyTorch:
`scripts/train_in_pytorch.py train began`.
"""

from kerasgan.data import catalog
from kerasgan.models import BEGAN
from kerasgan.optimizers import Adam
from kerasgan.recipes import Recipe, _images

DATA = catalog.get("personas")
BATCH_SIZE = 64
EPOCHS = 15
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = BEGAN(
        image_size=64,
        width=16,
        balance_rate=0.01,
        patience=3,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    gan.compile(Adam(1e-3), Adam(1e-3))
    return gan


def recipe():
    return Recipe(
        name="began_personas_64",
        dataset=DATA.name,
        description="Generates faces in the style of an avatar set.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA, count=5000),
        score_every=2,
        features=DATA.name,
    )
