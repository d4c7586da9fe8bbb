"""BEGAN on drawn faces at 64x64: balanced, and collapsed.

    kerasgan data prepare personas
    kerasgan train began_personas_64
    kerasgan publish runs/began_personas_64 -o zoo/began_personas_64

The paper's network with skip connections and vanishing residuals, without which
the generator did not follow the discriminator in 3,000 steps, at a width of 24
instead of 128. Beyond the paper, for a short run: a learning rate five times
its largest, constant in the first half of the run and falling to zero in the
second instead of halved where M stalls; residuals that vanish over 2,000 steps
instead of 16,000; and a balance that follows ten times as fast. The diversity
ratio is the largest that the paper shows, and the averaged generator is used.
bfloat16 makes a step faster (docs/performance.md).

The losses reach their balance after three epochs, at k = 0.02, with one face
for all latents. The paper saw such collapses at high learning rates. The run
was stopped after 8 epochs, in which M kept falling and the distance rose again;
the weights are those after 6, when the rate was still constant.

Trained for 1.4 hours by the clock on 2 cores (AMD EPYC), with seed 0 at commit
21a0b3a: FD 85.674 under fd10k_personas_train. More is on the card,
zoo/began_personas_64.
"""

from kerasgan.data import catalog
from kerasgan.models import SkipBEGAN
from kerasgan.recipes import Recipe, _images
from kerasgan.recipes._optimizers import late_falling_adam

DATA = catalog.get("personas")
BATCH_SIZE = 16
EPOCHS = 12
STEPS = DATA.counts["train"] // BATCH_SIZE


def build():
    gan = SkipBEGAN(
        image_size=64,
        residual_steps=2000,
        width=24,
        diversity_ratio=0.7,
        balance_rate=0.01,
        patience=0,
        ema_decay=0.999,
        seed=0,
        dtype="mixed_bfloat16",
    )
    updates = STEPS * EPOCHS
    gan.compile(
        late_falling_adam(updates, rate=5e-4, beta_1=0.9),
        late_falling_adam(updates, rate=5e-4, beta_1=0.9),
    )
    return gan


def recipe():
    return Recipe(
        name="began_personas_64",
        dataset=DATA.name,
        description="Generates one face of an avatar set: a collapse to study.",
        license=DATA.license,
        build=build,
        batches=_images.batches(DATA, BATCH_SIZE, EPOCHS),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        score=_images.distance_to_training_images(DATA, count=5000),
        score_every=2,
        features=DATA.name,
    )
