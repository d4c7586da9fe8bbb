"""XGAN between two styles of drawn faces, at 64x64.

    kerasgan data prepare avatars
    kerasgan train xgan_personas_64
    kerasgan publish runs/xgan_personas_64 -o zoo/xgan_personas_64

Faces in the style of personas of one half of the people, and in Micah's of the
other half, so no pair is ever seen. The network at three eighths of its width
and an eighth of the length of its embedding, with the cosine distance. Beyond
the paper: batches of 16; the losses of the classifier and the discriminators
count less, as the reconstruction is a mean over pixels here and not a norm; no
mirroring, because Micah's faces look to the right. There is no teacher. The
epoch whose validation images are nearest to their targets is kept.

No weights of it are published.
"""

from kerasgan import data
from kerasgan.data import catalog
from kerasgan.models import CosineXGAN
from kerasgan.recipes import Recipe, _pairs

DATA = catalog.get("avatars")
SIZE = 64
BATCH_SIZE = 16
EPOCHS = 60
# People of the half that gives the targets; the other half has 14 more.
STEPS = 3978 // BATCH_SIZE


def build():
    gan = CosineXGAN(
        image_size=SIZE,
        width=12,
        embedding_dim=128,
        domain_weight=0.05,
        semantic_weight=0.5,
        adversarial_weight=0.05,
        ema_decay=0.999,
        seed=0,
    )
    gan.compile()
    return gan


def batches(first_epoch):
    return data.unpaired(
        DATA.name,
        SIZE,
        BATCH_SIZE,
        augment=None,
        first_epoch=first_epoch,
        epochs=EPOCHS - first_epoch,
    )


def recipe():
    return Recipe(
        name="xgan_personas_64",
        dataset=DATA.name,
        description="Turns drawn faces of one style into another and back.",
        license=DATA.license,
        build=build,
        batches=batches,
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_pairs.similarity_to_targets(DATA.name, SIZE),
        score_every=2,
        sample=_pairs.inputs_and_outputs(DATA.name, SIZE),
    )
