# %% [markdown]
# # First images
#
# You will generate clothing and faces with networks that come with the package:
# no training, no download, no graphics card. At the end you know what a seed
# and a latent are, what truncation trades, and where to read how good a model
# is.
#
# ![64 images of clothing, seed 0, not selected](figures/01_clothing.png)
#
# Everything takes half a minute on two cores.

# %%
import os
from pathlib import Path

import numpy as np
from PIL import Image

import zoo
from kerasgan import data

FIGURES = Path(os.environ.get("KERASGAN_FIGURES", "figures"))


def show(name, images, columns):
    """Saves a grid of images, at twice their size; a notebook shows it."""
    grid = data.grid(images, columns).repeat(2, axis=0).repeat(2, axis=1)
    data.save_png(FIGURES / name, grid)
    return Image.open(FIGURES / name)


# %% [markdown]
# ## What is there
#
# The zoo is a list of names. A name says architecture, data set and size.

# %%
for name in zoo.list("image"):
    print(f"{name:32}{zoo.card(name).description}")

# %% [markdown]
# ## Generate
#
# `zoo.load` returns a `keras.Model` with its weights. `generate` returns images
# as a NumPy array of bytes: count, height, width, channels.

# %%
gan = zoo.load("dcgan_fashion_mnist_32")
images = gan.generate(64, seed=0)
print(type(images).__name__, images.dtype, images.shape)
show("01_clothing.png", images, columns=8)

# %% [markdown]
# These are the first 64 images of seed 0. None was left out, and some are bad:
# look for shirts with three sleeves and for shoes that dissolve. Selected samples
# say little about a model, so this package shows none.
#
# ## Seeds
#
# The same seed gives the same images, on any day and with any batch size. A
# larger number of images only adds to them.

# %%
again = gan.generate(64, seed=0, batch_size=16)
more = gan.generate(80, seed=0)
other = gan.generate(64, seed=1)


def difference(a, b):
    return int(np.abs(a.astype(int) - b.astype(int)).max())


same_seed = difference(images, again)
first_of_more = difference(images, more[:64])
other_seed = difference(images, other)
print(f"largest difference, same seed:    {same_seed} of 255")
print(f"the first 64 of 80:               {first_of_more} of 255")
print(f"another seed:                     {other_seed} of 255")

# %% [markdown]
# (A difference of 1 can occur: sums of another order round otherwise.)
#
# What does the seed decide? A GAN's generator is a function without any
# randomness. Its input is a *latent*, here 100 numbers from a unit normal, and
# its output is an image. The seed makes the latents.

# %%
latents = gan.seeded_latents(seed=0, count=64)
by_hand = data.to_uint8(gan(latents)).numpy()
by_hand_difference = difference(by_hand, images)
print("latents", latents.shape)
print("largest difference from generate:", by_hand_difference, "of 255")
print(f"mean {np.mean(latents):.2f}, standard deviation {np.std(latents):.2f}")

# %% [markdown]
# ## Typical or diverse
#
# Latents near zero give typical images. *Truncation* multiplies latents by a
# number psi below 1 (for StyleGAN, it moves the inner latent w to its mean;
# [Karras et al., 2019](https://arxiv.org/abs/1812.04948), appendix B). Below, the
# same 16 faces at psi 1, 0.7, 0.4 and 0.

# %%
faces = zoo.load("stylegan_personas_64")
rows, spreads = [], {}
for psi in (1.0, 0.7, 0.4, 0.0):
    row = faces.generate(16, seed=3, truncation=psi)
    rows.append(row)
    spreads[psi] = float(row.astype("float64").std(axis=0).mean())
    print(f"psi {psi}: mean standard deviation of a pixel {spreads[psi]:.1f}")
show("01_truncation.png", np.concatenate(rows), columns=16)

# %% [markdown]
# ![Sixteen faces in four rows, more and more alike](figures/01_truncation.png)
#
# In the last row all are the same face, the mean one. Quality and variety are a
# trade, which [How good is it?](05_how_good_is_it.md) measures.
#
# ## How good is it?
#
# Each model has a card with its scores, the data, the licence and what it does
# badly. On the command line, `kerasgan card dcgan_fashion_mnist_32`.

# %%
card = zoo.card("dcgan_fashion_mnist_32")
distance = card.scores["fd10k_fashion_mnist_test"]["value"]
print(f"{sum(card.parameters.values()):,} parameters, licence {card.license}")
print(f"Fréchet distance {distance:.3f} under fd10k_fashion_mnist_test")

# %% [markdown]
# The same from a shell:
#
#     kerasgan list
#     kerasgan generate dcgan_fashion_mnist_32 -n 64 --seed 0 -o samples.png
#
# ## Exercises
#
# 1. Find the worst image of seeds 0 to 9 (640 images). How would you describe
#    what is wrong with it to a program?
# 2. Generate the same seed with `lsgan_fashion_mnist_32`. Are the images alike?
#    Should they be?
# 3. `truncation=-1.0` is allowed. What do you expect, for DCGAN and for
#    StyleGAN? Try it.
# 4. Give the generator the latent `np.zeros((1, 100), "float32")` and one of
#    `10 * latents[:1]`. Why are both images bad in different ways?
