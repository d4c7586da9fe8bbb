"""CUT from flat to 3D emoji, at 64x64.

    kerasgan data prepare fluent
    kerasgan train cut_fluent_64
    kerasgan publish runs/cut_fluent_64 -o zoo/cut_fluent_64

Flat drawings of one half of the concepts and 3D renderings of the other, so no
pair is ever seen. The networks of the paper with six blocks, narrower, and
patches compared after the first and the fifth. Beyond the paper: batches of 4
instead of 1, for a better use of the processor; images are moved instead of
enlarged and cropped, and not mirrored, because the light of 3D emoji comes from
one side; and the averaged generator translates. The epoch whose validation
images are nearest to their targets is kept.

No weights of it are published.
"""

from kerasgan import data
from kerasgan.data import catalog
from kerasgan.models import CUT
from kerasgan.recipes import Recipe, _pairs

DATA = catalog.get("fluent")
SIZE = 64
BATCH_SIZE = 4
EPOCHS = 40
# The flat drawings; of the other concepts there are 1,199 renderings.
STEPS = 1002 // BATCH_SIZE


def build():
    gan = CUT(
        image_size=SIZE,
        generator_width=24,
        discriminator_width=16,
        blocks=6,
        projection_dim=128,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    gan.compile()
    return gan


def batches(first_epoch):
    return data.unpaired(
        DATA.name,
        SIZE,
        BATCH_SIZE,
        augment=data.move,
        first_epoch=first_epoch,
        epochs=EPOCHS - first_epoch,
    )


def recipe():
    return Recipe(
        name="cut_fluent_64",
        dataset=DATA.name,
        description="Turns flat emoji into 3D ones, by contrasting patches.",
        license=DATA.license,
        build=build,
        batches=batches,
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_pairs.similarity_to_targets(DATA.name, SIZE),
        score_every=2,
        sample=_pairs.inputs_and_outputs(DATA.name, SIZE),
    )
