# %% [markdown]
# # Why does mine fail?
#
# You will break a GAN in four ways, on purpose, see what each failure looks
# like, measure it, and cure it. Here is what to look for:
#
# | What you see | What it is | What to try first |
# |---|---|---|
# | All samples are alike; which ones they are changes from epoch to epoch | [modes are lost](#1-modes-are-lost) | less momentum, instance noise, PacGAN |
# | `d_loss` falls to 0, `g_loss` rises, the samples remain noise | [the discriminator wins](#2-the-discriminator-wins) | the loss -log D, R1, a slower discriminator |
# | A loss is `nan` | [a number left its range](#3-nan) | losses of scores, epsilon in roots, a lower rate |
# | A fine grid lies over every image | [checkerboards](#4-checkerboards) | a kernel that the stride divides, or resizing |
# | Gray or garbled images from the first epoch, good losses | [wrong range](#5-before-all-this-the-data) | look at one batch |
#
# The first failure looks like this. The gray rings are where the data are, the
# red points are what the generator makes, at six moments of one training:
#
# ![Six moments: the generated points jump between a few of the eight modes](figures/04_chase.png)
#
# No data set is needed, and everything takes three minutes on two cores. It
# helps to have read [A GAN from nothing](02_a_gan_from_nothing.md).

# %%
import os
from pathlib import Path

import keras
import matplotlib
import numpy as np
import tensorflow as tf
from keras import layers
from matplotlib import pyplot
from PIL import Image

from kerasgan import data, metrics, models

SHORT = "KERASGAN_SHORT" in os.environ  # Fewer steps, as the tests run it.
FIGURES = Path(os.environ.get("KERASGAN_FIGURES", "figures"))
FIGURES.mkdir(parents=True, exist_ok=True)
matplotlib.rcParams.update({"figure.dpi": 110, "font.size": 9})


def save(figure, name):
    figure.savefig(FIGURES / name)
    pyplot.close(figure)
    return Image.open(FIGURES / name)


# %% [markdown]
# ## A patient that is quick to examine
#
# Images are slow to train on, and nobody knows what their modes are. So we use
# points in the plane: eight small normals on a circle. What is generated can be
# seen at a glance and counted by `metrics.modes`: a point is of *high quality*
# within three standard deviations of a mode, and a mode is *covered* if it has
# such a point.
#
# The class is that of [A GAN from nothing](02_a_gan_from_nothing.md), with three
# places to change it: what the discriminator is shown, and both losses.


# %%
def perceptron(name):
    hidden = [
        layers.Dense(128, "relu", kernel_initializer=keras.initializers.HeNormal())
        for _ in range(3)
    ]
    outputs = {"generator": 2, "discriminator": 1}[name]
    return keras.Sequential(
        [keras.Input((2,)), *hidden, layers.Dense(outputs)], name=name
    )


class GAN(keras.Model):
    """The GAN of Goodfellow et al. (2014), for points in the plane."""

    def __init__(self):
        super().__init__()
        self.generator = perceptron("generator")
        self.discriminator = perceptron("discriminator")

    def compile(self, rate=1e-3, momentum=0.5, **kwargs):
        super().compile(optimizer=None, jit_compile=False, **kwargs)
        self.generator_optimizer = keras.optimizers.Adam(rate, momentum)
        self.discriminator_optimizer = keras.optimizers.Adam(rate, momentum)

    def sample(self, count):
        return self.generator(tf.random.normal((count, 2)))

    def scores(self, points):
        return self.discriminator(points)

    def discriminator_loss(self, real, fake):
        return tf.nn.softplus(-self.scores(real)) + tf.nn.softplus(
            self.scores(fake)
        )

    def generator_loss(self, fake):
        return tf.nn.softplus(-self.scores(fake))  # -log D

    def train_step(self, real):
        fake = self.sample(len(real))
        with tf.GradientTape() as tape:
            d_loss = tf.reduce_mean(self.discriminator_loss(real, fake))
        weights = self.discriminator.trainable_variables
        gradients = tape.gradient(d_loss, weights)
        self.discriminator_optimizer.apply(gradients, weights)

        with tf.GradientTape() as tape:
            fake = self.sample(len(real))
            g_loss = tf.reduce_mean(self.generator_loss(fake))
        weights = self.generator.trainable_variables
        gradients = tape.gradient(g_loss, weights)
        self.generator_optimizer.apply(gradients, weights)
        return {"d_loss": d_loss, "g_loss": g_loss}


ring = metrics.modes.ring()
latents = np.random.default_rng(0).normal(size=(1000, 2)).astype("float32")
MOMENTS = 24 if SHORT else 60  # Looked at, 50 steps apart.


def train(gan, seed=0, **settings):
    """Returns the points at each moment, and how many modes they cover."""
    gan.compile(steps_per_execution=50, **settings)
    real = ring.sample(256 * 50 * MOMENTS, seed)
    batches = tf.data.Dataset.from_tensor_slices(real)
    batches = batches.batch(256, drop_remainder=True)
    points = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: points.append(
            gan.generator(latents).numpy()
        )
    )
    gan.fit(batches, callbacks=[watch], verbose=0)
    modes = [metrics.modes.modes_covered(p, ring)["modes"] for p in points]
    return points, modes


# %% [markdown]
# ## 1. Modes are lost
#
# Give both optimizers the momentum that is right for classifiers, 0.9, instead
# of DCGAN's 0.5 (Adam's `beta_1`; Radford et al., 2015, section 4).

# %%
keras.utils.set_random_seed(0)
chasing, chasing_modes = train(GAN(), momentum=0.9)
print("modes covered, every 50 steps:", *chasing_modes)

# %%
def show_points(axes, points, title):
    axes.plot(*ring.centers.T, "o", color="0.8", markersize=11)
    axes.plot(*points.T, ".", color="C3", markersize=1.5)
    axes.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), xticks=[], yticks=[])
    axes.set(aspect="equal")
    axes.set_title(title, fontsize=8)


figure, grid = pyplot.subplots(1, 6, figsize=(9, 1.8), layout="constrained")
for axes, moment in zip(grid, range(MOMENTS - 6, MOMENTS), strict=True):
    step = 50 * (moment + 1)
    show_points(
        axes, chasing[moment], f"step {step}: {chasing_modes[moment]} of 8"
    )
save(figure, "04_chase.png")

# %%
keras.utils.set_random_seed(0)
calm, calm_modes = train(GAN(), momentum=0.5)
print("modes covered, every 50 steps:", *calm_modes)
keras.utils.set_random_seed(0)
calmer, calmer_modes = train(GAN(), momentum=0.0)
print("modes covered, every 50 steps:", *calmer_modes)


class Noisy(GAN):
    """Noise on all that the discriminator sees, that decays to none."""

    def __init__(self):
        super().__init__()
        self.seen = self.add_weight(name="seen", shape=(), trainable=False)
        self.seen.assign(0.0)

    def scores(self, points):
        level = 0.5 * tf.maximum(0.0, 1.0 - self.seen / (25.0 * MOMENTS))
        return self.discriminator(
            points + level * tf.random.normal(tf.shape(points))
        )

    def train_step(self, real):
        self.seen.assign_add(1.0)
        return super().train_step(real)


keras.utils.set_random_seed(0)
noisy, noisy_modes = train(Noisy(), momentum=0.9)
print("modes covered, every 50 steps:", *noisy_modes)
keras.utils.set_random_seed(0)
noisy, noisy_modes = train(Noisy(), momentum=0.5)
print("modes covered, every 50 steps:", *noisy_modes)
