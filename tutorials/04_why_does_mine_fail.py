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
# The first failure looks like this. The gray dots are where the data are, the
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
        layers.Dense(
            128, "relu", kernel_initializer=keras.initializers.HeNormal()
        )
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
        fake = self.sample(tf.shape(real)[0])
        with tf.GradientTape() as tape:
            d_loss = tf.reduce_mean(self.discriminator_loss(real, fake))
        weights = self.discriminator.trainable_variables
        gradients = tape.gradient(d_loss, weights)
        self.discriminator_optimizer.apply(gradients, weights)

        with tf.GradientTape() as tape:
            fake = self.sample(tf.shape(real)[0])
            g_loss = tf.reduce_mean(self.generator_loss(fake))
        weights = self.generator.trainable_variables
        gradients = tape.gradient(g_loss, weights)
        self.generator_optimizer.apply(gradients, weights)
        return {"d_loss": d_loss, "g_loss": g_loss}


ring = metrics.modes.ring()
latents = np.random.default_rng(0).normal(size=(1000, 2)).astype("float32")
MOMENTS = 24  # Looked at, 50 steps apart.


def train(gan, seed=0, **settings):
    """Returns the points at each moment, and how many modes they cover."""
    gan.compile(steps_per_execution=50, **settings)
    real = ring.sample(256 * 50 * MOMENTS, seed)
    points = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: points.append(
            gan.generator(latents).numpy()
        )
    )
    gan.fit(real, batch_size=256, callbacks=[watch], verbose=0)
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


figure, grid = pyplot.subplots(1, 6, figsize=(9, 1.7), layout="constrained")
for axes, moment in zip(grid, range(MOMENTS - 6, MOMENTS), strict=True):
    step = 50 * (moment + 1)
    show_points(
        axes, chasing[moment], f"step {step}: {chasing_modes[moment]} of 8"
    )
save(figure, "04_chase.png")

# %% [markdown]
# In none of 24 looks is more than one mode covered, and it is not always the same
# one. This is the chase: the generator moves to where the discriminator believes
# it, the discriminator learns to reject that place, and the generator moves on.
# Momentum carries both past the point where they should stop. Note that **no loss
# shows this**. Count modes, or look at samples of two epochs side by side.
#
# Now the cure, which is one number.

# %%
keras.utils.set_random_seed(0)
calm, calm_modes = train(GAN(), momentum=0.5)
print("modes covered, every 50 steps:", *calm_modes)

# %%
figure, axes = pyplot.subplots(figsize=(6, 2.2), layout="constrained")
steps = 50 * np.arange(1, MOMENTS + 1)
axes.plot(steps, chasing_modes, label="momentum 0.9")
axes.plot(steps, calm_modes, label="momentum 0.5")
axes.set(xlabel="step", ylabel="modes covered", ylim=(-0.3, 8.3))
axes.legend()
save(figure, "04_modes.png")

# %% [markdown]
# ![With momentum 0.5 all eight modes are covered, with 0.9 one or none](figures/04_modes.png)
#
# On harder data less momentum is not enough.
# [Mode collapse, measured](../mode_collapse.md) compares nine remedies on a grid of
# 25 modes, with five seeds each. There, noise on all that the discriminator sees,
# which decays to none, covers 24.6 of them, and the GAN without a remedy 10.8:
# `layers.InstanceNoise`. Showing the discriminator several samples at once
# (`models.PacGAN`; Lin et al., 2018) covers 20.2. For images, try these two
# first, and more data of the rare kinds.
#
# ## 2. The discriminator wins
#
# At the start of training the fakes are far from the data, and the
# discriminator can tell them apart with certainty. Let it train alone against
# fakes that stand still, and look at what reaches the fakes: the gradient of the
# generator's loss with respect to each point. For the loss of Algorithm 1,
# log(1 - D), and for -log D, the chain rule gives, with the score s of a fake:
#
#     | d log(1 - D) / dx |  =    D     * | ds/dx |
#     | d (-log D)   / dx |  =  (1 - D) * | ds/dx |
#
# The better the discriminator, the smaller D at fakes: the first one vanishes.


# %%
fakes = tf.constant(0.05 * latents[:256] + [3.0, 0.0], "float32")


def gradients_at(network, points, saturating):
    with tf.GradientTape() as tape:
        tape.watch(points)
        scores = network(points)
        loss = (
            -tf.nn.softplus(scores) if saturating else tf.nn.softplus(-scores)
        )
    return tape.gradient(loss, points)


def discriminator_alone(r1=0.0, steps=400, every=40):
    """Returns the network, and the mean norms of both gradients at fakes."""
    keras.utils.set_random_seed(1)
    network = perceptron("discriminator")
    optimizer = keras.optimizers.Adam(1e-3, 0.5)
    optimizer.build(network.trainable_variables)
    real = tf.constant(ring.sample(256, seed=1))

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                inner.watch(real)
                real_scores = network(real)
            squared = tf.reduce_sum(
                inner.gradient(real_scores, real) ** 2, axis=1
            )
            loss = tf.reduce_mean(tf.nn.softplus(-real_scores))
            loss += tf.reduce_mean(tf.nn.softplus(network(fakes)))
            loss += 0.5 * r1 * tf.reduce_mean(squared)
        weights = network.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    norms = []
    for number in range(steps + 1):
        if number % every == 0:
            norms.append(
                [
                    float(np.linalg.norm(g, axis=1).mean())
                    for g in (
                        gradients_at(network, fakes, saturating)
                        for saturating in (True, False)
                    )
                ]
            )
        loss = step()
    print(
        f"R1 {r1}: d_loss {loss:.4f}, gradient of log(1 - D) {norms[-1][0]:.1e}, "
        f"of -log D {norms[-1][1]:.1e}"
    )
    return network, np.array(norms)


winner, norms = discriminator_alone()
bounded, bounded_norms = discriminator_alone(r1=1.0)

# %%
figure, axes = pyplot.subplots(figsize=(6, 2.6), layout="constrained")
steps = 40 * np.arange(len(norms))
axes.semilogy(steps, norms[:, 0], "C0", label="log(1 - D)")
axes.semilogy(steps, norms[:, 1], "C1", label="-log D")
axes.semilogy(steps, bounded_norms[:, 0], "C0--", label="log(1 - D), R1")
axes.semilogy(steps, bounded_norms[:, 1], "C1--", label="-log D, R1")
axes.set(xlabel="steps of the discriminator", ylabel="gradient at fakes")
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
save(figure, "04_gradients.png")

# %% [markdown]
# ![The gradient of the saturating loss falls by orders of magnitude](figures/04_gradients.png)
#
# After 400 steps `d_loss` is **0.0006**, and the gradient of log(1 - D) is
# **1.6e-03**, four thousand times smaller than that of -log D.
#
# Two cures are in the figure. The loss **-log D** keeps its gradient: this is why
# nearly every GAN uses it. **R1** (Mescheder et al., 2018, section 4.1; `r1_gamma`
# of `DCGAN`) penalizes the squared gradient of the score at real points, so that
# the discriminator cannot become certain.
#
# To see what it means, let the fakes themselves walk down each gradient, against
# the discriminator that has won.


# %%
def walk(network, saturating, rate=0.02, steps=20):
    points = fakes
    for _ in range(steps):
        points -= rate * gradients_at(network, points, saturating)
    return float(np.linalg.norm(points - fakes, axis=1).mean())


walked = {
    "log(1 - D)": walk(winner, saturating=True),
    "-log D": walk(winner, saturating=False),
    "log(1 - D), R1": walk(bounded, saturating=True),
}
for name, distance in walked.items():
    print(f"{name:15} the fakes moved by {distance:.3f}")

# %% [markdown]
# In your own training: if `d_loss` is near 0 and stays there, check the loss of
# the generator, then try `r1_gamma=1.0`, instance noise, or a lower rate for the
# discriminator. WGAN (Arjovsky et al., 2017) changes the game instead, so that
# a better critic gives a better gradient. A warning: Adam divides by the size of
# the gradient, so it hides this failure until the gradient is below its
# `epsilon`, 1e-7. Then training stops at once.
#
# ## 3. NaN
#
# One undefined number in one weight, and after the next step all weights are
# `nan`. Three sources account for most cases.


# %%
def value_and_gradient(function, at):
    x = tf.Variable(at)
    with tf.GradientTape() as tape:
        y = function(x)
    return y.numpy(), tape.gradient(y, x).numpy()


log_of_zero = value_and_gradient(lambda s: tf.math.log(tf.sigmoid(s)), -120.0)
by_softplus = value_and_gradient(lambda s: -tf.nn.softplus(-s), -120.0)
print("log(sigmoid(-120)):", *log_of_zero)
print("-softplus(120):    ", *by_softplus)

root_at_zero = value_and_gradient(lambda x: tf.sqrt(tf.reduce_sum(x**2)), [0.0])
with_epsilon = value_and_gradient(
    lambda x: tf.sqrt(tf.reduce_sum(x**2) + 1e-12), [0.0]
)
print("norm of 0:             ", *root_at_zero)
print("norm of 0, with epsilon:", *with_epsilon)

half = tf.constant(300.0, "float16")
print("300 * 300 in float16:", (half * half).numpy())

# %% [markdown]
# * **A logarithm of zero.** In float32, sigmoid(-120) is 0. Write the loss with
#   the score and `softplus`, as in this page, never with D.
# * **A root at zero.** The gradient of a norm is undefined where the norm is
#   zero, and a gradient penalty takes norms. The epsilon must be inside the root.
# * **float16** ends at 65,504. `kerasgan` keeps losses and scores in float32 and
#   scales the loss where the dtype is `mixed_float16`.
#
# Here is the first one in a training: the textbook's formula, typed as it
# stands, and a learning rate that is too high.


# %%
class Textbook(GAN):
    def discriminator_loss(self, real, fake):
        real, fake = (
            tf.sigmoid(self.scores(real)),
            tf.sigmoid(self.scores(fake)),
        )
        return -tf.math.log(real) - tf.math.log(1.0 - fake)


class FirstNonFinite(keras.callbacks.Callback):
    """Stops at the first loss that is infinite or NaN, and says where."""

    step = None

    def on_train_batch_end(self, batch, logs=None):
        if not all(np.isfinite(value) for value in logs.values()):
            self.step = batch + 1
            self.model.stop_training = True


def first_non_finite(gan, rate):
    keras.utils.set_random_seed(0)
    gan.compile(rate=rate)
    stop = FirstNonFinite()
    real = ring.sample(256 * 200, seed=0)
    gan.fit(real, batch_size=256, callbacks=[stop], verbose=0)
    return stop.step


textbook_step = first_non_finite(Textbook(), rate=0.05)
softplus_step = first_non_finite(GAN(), rate=0.05)
print("first non-finite loss, textbook:", textbook_step)
print("first non-finite loss, softplus:", softplus_step)

# %% [markdown]
# `callbacks.StopOnNonFinite()` does the same for any model of this package. To
# find the operation that is guilty, let TensorFlow check each one. It is slow,
# so use it for a few steps only.

# %%
tf.debugging.enable_check_numerics()
try:
    tf.math.log(tf.sigmoid(tf.constant(-120.0)))
except tf.errors.InvalidArgumentError as error:
    guilty = str(error)
    print(next(line for line in guilty.splitlines() if "Log" in line)[:70])
finally:
    tf.debugging.disable_check_numerics()

# %% [markdown]
# ## 4. Checkerboards
#
# A transposed convolution with stride 2 spreads each input over a square of
# outputs, and the squares overlap. With a kernel of 3 the overlaps are uneven:
# on a line every second output gets two contributions, the others get one; in an
# image 4, 2 or 1 (Odena et al., 2016,
# [Deconvolution and Checkerboard Artifacts](https://distill.pub/2016/deconv-checkerboard/)).
# It is there before any training. Feed a constant into random weights, and look
# at the mean square of many output channels.


# %%
def power(layer):
    """Returns the mean square of outputs for a constant input."""
    keras.utils.set_random_seed(0)
    outputs = layer(np.ones((1, 8, 8, 64), "float32")).numpy()[0]
    return (outputs**2).mean(axis=-1)[4:-4, 4:-4]  # Without the borders.


def up_by_resizing(x):
    x = layers.UpSampling2D(interpolation="nearest")(x)
    return layers.Conv2D(2048, 3, padding="same")(x)


powers = {
    "transposed, kernel 3": power(
        layers.Conv2DTranspose(2048, 3, 2, padding="same")
    ),
    "transposed, kernel 4": power(
        layers.Conv2DTranspose(2048, 4, 2, padding="same")
    ),
    "resized, kernel 3": power(up_by_resizing),
}
unevenness = {}
for name, values in powers.items():
    phases = [values[i::2, j::2].mean() for i in (0, 1) for j in (0, 1)]
    unevenness[name] = float(max(phases) / min(phases))
    print(
        f"{name}: the strongest pixel has {unevenness[name]:.2f} times "
        "the power of the weakest"
    )

# %%
figure, grid = pyplot.subplots(1, 3, figsize=(6, 2.3), layout="constrained")
for axes, (name, values) in zip(grid, powers.items(), strict=True):
    axes.imshow(values / values.mean(), cmap="gray", vmin=0.0, vmax=2.0)
    axes.set(xticks=[], yticks=[])
    axes.set_title(name, fontsize=8)
save(figure, "04_checkerboards.png")

# %% [markdown]
# ![A kernel of 3 makes a grid, a kernel of 4 and resizing do not](figures/04_checkerboards.png)
#
# The cure: a kernel that is a multiple of the stride, as DCGAN's release has
# (4 and 2), or resizing before an ordinary convolution, as ProGAN has. An even
# overlap does not forbid a grid, since training can still make one, but it is no
# longer what the network starts with.
#
# ## 5. Before all this: the data
#
# Most failures are none of these. Look at one batch, printed and as an image.
# The generator ends in tanh, so images must lie in [-1, 1]. This package refuses
# what does not fit, before the first step:

# %%
gan = models.DCGAN(image_size=16, channels=1, width=4)
gan.compile()
levels = np.random.default_rng(0).integers(256, size=(64, 16, 16, 1))
refused = []
for images in (levels.astype("uint8"), levels.astype("float32")):
    try:
        gan.fit(images, verbose=0)
    except ValueError as error:
        refused.append(str(error))
        print(refused[-1], "\n")
gan.fit(data.to_float(levels.astype("uint8")), verbose=0)  # Trains.

# %% [markdown]
# ## Exercises
#
# 1. Give only the generator a momentum of 0.9, then only the discriminator.
#    Which one drives the chase?
# 2. Set `momentum=0.0` for both. Is less always better?
# 3. Write `class Noisy(GAN)`, which overrides `scores` and adds noise to
#    `points`. Does it help against the momentum of 0.9? On the grid,
#    `metrics.modes.grid()`, with a momentum of 0.5?
# 4. In section 2 move the fakes to (1.5, 0), then to (10, 0). How does the time
#    until the gradient is below 1e-7 change?
# 5. Replace `softplus` in section 2 by the losses of WGAN, `fake - real` and
#    `-fake`. Why must the weights be clipped?
# 6. Try kernels of 5 and 6 with stride 2, and of 4 with stride 3. Predict the
#    unevenness before you run it: on a line, count the contributions.
#
# Further: [Why GANs fail](../why_gans_fail.md) solves the smallest games by hand,
# with the circles that the players run in and how R1 stops them.
