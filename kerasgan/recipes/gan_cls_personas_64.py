"""GAN-CLS from captions to drawn faces at 64x64.

    kerasgan data prepare personas
    kerasgan train gan_cls_personas_64
    kerasgan publish runs/gan_cls_personas_64 -o zoo/gan_cls_personas_64

The paper's networks at a quarter and half of their widths, which allows for
more steps, and sentence vectors an eighth as long, enough for the small
vocabulary of these captions. Beyond the paper: an R1 penalty, as DCGAN needs on
these drawings; half the learning rate for the discriminator, which otherwise
becomes too strong; the averaged generator is used, and the learning rates
decrease linearly to zero instead of in halves. bfloat16 makes a step faster
(docs/performance.md); the penalty stays float32.

The published weights are not from this recipe alone: the first 20 epochs are
those of e06a634, on an AMD EPYC, with a penalty of 1 and equal rates that
decreased to zero. From the weights kept then, with new optimizers, 10 more
follow this recipe, and then 8, the rates decreasing to zero each time. Of this
recipe itself only the first epoch was run, when 30 were intended (7c706b4).

Trained for 1.3 hours by the clock on 2 cores (Intel(R) Xeon(R) Processor), with
seed 0 at commit f5577c1: hair 73%, hair color 69%, eyes 98%, mouth 97%, skin
96%, clothing color 97%, facial hair 92% under agreement3479_personas_test, FD
4.698 under fd3479_personas_test, FD 83.513 under fd10k_efficientnet_lite0_test.
More is on the card, zoo/gan_cls_personas_64.
"""

from kerasgan.data import catalog
from kerasgan.models import GANCLS, words_of
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import falling_adam

DATA = catalog.get("personas")
BATCH_SIZE = 32
EPOCHS = 38
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    captions = _images.training_data("personas", 64)["caption"]
    gan = GANCLS(
        image_size=64,
        generator_width=32,
        discriminator_width=32,
        sentence_dim=128,
        vocabulary=words_of([text.decode() for text in captions]),
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
        name="gan_cls_personas_64",
        dataset=DATA.name,
        description="Generates the face that a sentence describes.",
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
