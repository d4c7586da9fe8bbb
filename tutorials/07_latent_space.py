# %% [markdown]
# # Latent space
#
# You will walk between faces, give people glasses by adding a vector, mix the
# coarse style of one face with the fine style of another, and search the latent
# that makes a given image.
#
# ![Eight faces without glasses, and one, two and three steps towards them](figures/07_glasses.png)
#
# It takes a minute on two cores, with networks of the package alone.

# %%
import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

import zoo
from kerasgan import data, latents

FIGURES = Path(os.environ.get("KERASGAN_FIGURES", "figures"))


def show(name, images, columns):
    """Saves a grid of images, at twice their size; a notebook shows it."""
    grid = data.grid(images, columns).repeat(2, axis=0).repeat(2, axis=1)
    data.save_png(FIGURES / name, grid)
    return Image.open(FIGURES / name)


# %% [markdown]
# ## Where latents live
#
# A latent z has d numbers, each from a unit normal. Its squared norm is a sum of d
# squares of mean 1, so the norm is near √d, and in high dimensions *very* near:
# its standard deviation is about 0.7, whatever d is. Latents lie on a thin shell.

# %%
gan = zoo.load("dcgan_personas_64")
points = np.asarray(gan.seeded_latents(seed=0, count=1000))
norms = np.linalg.norm(points, axis=1)
print(f"d = {gan.latent_dim}, root {gan.latent_dim**0.5:.2f}")
print(f"norms: mean {norms.mean():.2f}, standard deviation {norms.std():.2f}")

# %% [markdown]
# ## Walking
#
# Two random latents are nearly orthogonal, so the middle of the straight line
# between them has a norm of √(d/2): it is far inside the shell, where the
# generator was never trained. Walk along the arc instead, `slerp`
# ([White, 2016](https://arxiv.org/abs/1609.04468), section 2.1).

# %%
start, end = points[4], points[7]
line = latents.lerp(start, end, steps=11)
arc = latents.slerp(start, end, steps=11)
middle_of_line = float(np.linalg.norm(line[5]))
middle_of_arc = float(np.linalg.norm(arc[5]))
print(f"norm in the middle: line {middle_of_line:.2f}, arc {middle_of_arc:.2f}")
walks = gan.run_in_batches(np.concatenate([line, arc]), 64)
show("07_walk.png", walks, columns=11)

# %% [markdown]
# ![Two rows of eleven faces from one to another, by the line and by the arc](figures/07_walk.png)
#
# Each image on the way is a face, none is a fade of two images. That is evidence
# that the generator did not memorize faces (Radford et al., 2015, section 6.1).
#
# ## Arithmetic
#
# Which direction adds glasses? Average the latents of faces with glasses,
# subtract the average of the others (section 6.3.2). A classifier of faces tells
# which is which.

# %%
classifier = zoo.features("personas")
eyes = classifier.attributes["eyes"]


def eyes_of(images):
    return np.array(eyes)[classifier.recognize(images)["eyes"]]


points = np.asarray(gan.seeded_latents(seed=0, count=3000))
has = eyes_of(gan.run_in_batches(points, 250)) == "glasses"
direction = latents.direction(points[has], points[~has])
random = np.random.default_rng(0).normal(size=direction.shape)
random *= np.linalg.norm(direction) / np.linalg.norm(random)
print(f"{has.mean():.0%} of 3,000 faces wear glasses")

others = np.asarray(gan.seeded_latents(seed=1, count=400))
without = eyes_of(gan.run_in_batches(others, 250)) != "glasses"
others = others[without][:250]
shares = {}
for name, vector in (("glasses", direction), ("random", random)):
    for times in (0, 1, 2, 3):
        points = (others + times * vector).astype("float32")
        found = eyes_of(gan.run_in_batches(points, 250))
        both = (found == "glasses").mean(), (found == "sunglasses").mean()
        shares[name, times] = both
        print(
            f"{times} x {name:8} {both[0]:4.0%} glasses, {both[1]:4.0%} sunglasses"
        )

rows = [
    gan.run_in_batches((others[:8] + times * direction).astype("float32"), 64)
    for times in (0, 1, 2, 3)
]
show("07_glasses.png", np.concatenate(rows), columns=8)

# %% [markdown]
# One step gives glasses to **28%** of the faces, the random vector of the same
# length to **6%**. That is the control: without it we would know only that
# *something* changed. Then something unplanned happens. Three steps leave **9%**
# with glasses and **89%** with sunglasses: the direction is one of "more on the
# eyes", and what lies farther along it has another name. A direction is a
# tendency, not a switch, and a figure of eight chosen faces would not have told.
#
# ## Styles
#
# StyleGAN has a second latent, w, that goes into each layer separately. So the
# layers of low resolution can get another w than those of high resolution (Karras
# et al., 2019, section 3.1). Rows: whose coarse style, resolutions 4 and 8, is
# replaced. Columns: where it comes from.

# %%
stylegan = zoo.load("stylegan_personas_64")
mixed = {
    which: latents.mix_styles(stylegan, [1, 2, 3], [4, 5, 6, 7], which)
    for which in ("coarse", "middle", "fine")
}
own = latents.generate_seeds(stylegan, [1, 2, 3]).astype(float)
sources = latents.generate_seeds(stylegan, [4, 5, 6, 7]).astype(float)
changes = {}
for which, images in mixed.items():
    images = images.astype(float)
    to_row = np.abs(images - own[:, None]).mean()
    to_column = np.abs(images - sources[None]).mean()
    changes[which] = to_row, to_column
    print(
        f"{which:7} replaced: {to_row:4.1f} grey levels from the row's face, "
        f"{to_column:4.1f} from the column's"
    )
show("07_styles.png", mixed["coarse"].reshape(-1, 64, 64, 3), columns=4)

# %% [markdown]
# ![Three rows of four faces: features of the row, shape of the column](figures/07_styles.png)
#
# ## The other way: from an image to its latent
#
# The generator is differentiable. To find the latent of an image x, minimize
# |G(z) - x|² over z by gradient descent, from several starts (Lipton and
# Tripathi, 2017, [Precise Recovery of Latent
# Vectors](https://arxiv.org/abs/1702.04782)). First an image that the generator
# made itself, so that a perfect answer exists; then one that it could not have
# made: a face whose halves come from two people.


# %%
def project(target, starts=8, steps=150):
    """Returns the best latent and its error in grey levels."""
    target = data.to_float(target[None])
    z = tf.Variable(gan.seeded_latents(seed=9, count=starts))
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build([z])

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            errors = tf.reduce_mean((gan(z) - target) ** 2, axis=(1, 2, 3))
            loss = tf.reduce_sum(errors)
        optimizer.apply(tape.gradient(loss, [z]), [z])
        return errors

    for _ in range(steps):
        errors = step()
    best = int(tf.argmin(errors))
    return z[best : best + 1], float(tf.sqrt(errors[best])) * 127.5


made = gan.generate(2, seed=20)
halves = np.concatenate([made[0][:, :32], made[1][:, 32:]], axis=1)
targets, found, errors = [made[0], halves], [], []
for target in targets:
    z, error = project(target)
    found.append(gan.run_in_batches(z, 1)[0])
    errors.append(error)
print(f"its own image: error {errors[0]:.1f} grey levels")
print(f"two halves:    error {errors[1]:.1f} grey levels")
columns = [targets[0], found[0], targets[1], found[1]]
show("07_projection.png", np.stack(columns), columns=4)

# %% [markdown]
# ![A face and its projection; a face of two halves and its projection](figures/07_projection.png)
#
# The errors, **3.4** and **23.7** grey levels, tell how far an image is from all that
# the model can make. Some use
# it to find anomalies: train on healthy images, and what cannot be projected is
# suspect.
#
# ## Exercises
#
# 1. Interpolate the two latents by `lerp` and scale each point to the norm √d. How
#    does it differ from `slerp`?
# 2. Find the direction from red to green shirts. Does it keep the glasses?
# 3. Only three latents on each side are enough, says the paper. How good is a
#    direction from three? Plot the share against their number.
# 4. Project with one start in place of eight, five times. How often is the
#    result bad? What does that say about the error surface?
# 5. Project a face of `stylegan_personas_64` into `dcgan_personas_64`. What is
#    lost?
