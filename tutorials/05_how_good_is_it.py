# %% [markdown]
# # How good is it?
#
# You will damage real images in known ways and watch four scores answer. At the
# end you know what a Fréchet distance, a kernel distance, precision and recall
# see and what they miss, how to tell copying from generating, and when a number
# may stand beside one of a paper.
#
# ![Six rows: real images, blurred ones, noisy ones, one class left out, and two models](figures/05_sets.png)
#
# It takes a minute on two cores and needs Fashion-MNIST:
# `kerasgan data prepare fashion_mnist`.

# %%
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

import zoo
from kerasgan import data, metrics

FIGURES = Path(os.environ.get("KERASGAN_FIGURES", "figures"))
COUNT = 2000  # Images in each set. Protocols of papers use 10,000 or 50,000.

# %% [markdown]
# ## What is compared
#
# Pixels are a bad place to compare sets of images: a shirt that is moved by two
# pixels is far from itself. So both sets go through a trained network, and its
# *features* are compared. If that network is Inception, and only then, the
# distance below is called FID. This page uses a small classifier of clothing
# that comes with the package and gives 128 features.

# %%
features = zoo.features("fashion_mnist")
test = data.load("fashion_mnist", split="test")["image"]
train = data.load("fashion_mnist")
reference = test[:COUNT]


def features_of(images):
    parts = np.split(images, len(images) // 250)
    return np.concatenate([features(part) for part in parts]).astype("float64")


reference_features = features_of(reference)
print("features of the reference:", reference_features.shape)

# %% [markdown]
# ## Sets with known faults
#
# Real images of the training split are the best that a model could do. Then
# three kinds of damage, and two models of the zoo.


# %%
def blurred(images):
    blur = ImageFilter.GaussianBlur(1.0)
    soft = [Image.fromarray(image[..., 0]).filter(blur) for image in images]
    return np.stack([np.asarray(image) for image in soft])[..., None]


random = np.random.default_rng(0)
real = train["image"][:COUNT]
noise = random.normal(0.0, 20.0, real.shape)
is_shoe = np.isin(train["label"], (5, 7, 9))  # Sandal, sneaker, ankle boot.

sets = {
    "real": real,
    "blurred": blurred(real),
    "noisy": np.clip(real + noise, 0, 255).astype("uint8"),
    "without shoes": train["image"][~is_shoe][:COUNT],
    "dcgan": zoo.load("dcgan_fashion_mnist_32").generate(COUNT, seed=0),
    "vanilla_gan": zoo.load("vanilla_gan_fashion_mnist_32").generate(
        COUNT, seed=0
    ),
}


def show(name, images, columns):
    """Saves a grid of images, at twice their size; a notebook shows it."""
    grid = data.grid(images, columns).repeat(2, axis=0).repeat(2, axis=1)
    data.save_png(FIGURES / name, grid)
    return Image.open(FIGURES / name)


rows = np.concatenate([images[:16] for images in sets.values()])
show("05_sets.png", rows, columns=16)

# %% [markdown]
# ## Four scores
#
# * The **Fréchet distance** fits a normal to each set of features, with means m
#   and covariances C, and gives
#   |m1 - m2|² + trace(C1 + C2 - 2 (C1 C2)^(1/2))
#   ([Heusel et al., 2017](https://arxiv.org/abs/1706.08500), equation 6).
# * The **kernel distance** is the squared maximum mean discrepancy with the kernel
#   (x·y / d + 1)³ ([Bińkowski et al., 2018](https://arxiv.org/abs/1801.01401),
#   section 4), without a bias.
# * **Precision** is the share of generated images that lie among the real ones:
#   within the distance from a real image to its third real neighbor. **Recall**
#   is the share of real images that lie among the generated ones
#   ([Kynkäänniemi et al., 2019](https://arxiv.org/abs/1904.06991), equation 1).


# %%
def scores(images):
    found = features_of(images)
    statistics = metrics.FeatureStatistics.from_features
    precision, recall = metrics.precision_recall(reference_features, found)
    return {
        "FD": statistics(reference_features).distance(statistics(found)),
        "KD": metrics.kernel_distance(
            reference_features, found, subsets=20, subset_size=500
        )[0],
        "precision": precision,
        "recall": recall,
    }


table = {name: scores(images) for name, images in sets.items()}
print(f"{'':16}{'FD':>8}{'KD':>9}{'precision':>11}{'recall':>8}")
for name, found in table.items():
    print(
        f"{name:16}{found['FD']:8.3f}{found['KD']:9.4f}"
        f"{found['precision']:11.3f}{found['recall']:8.3f}"
    )

# %% [markdown]
# Read the table by its columns.
#
# * The first row is **not zero**: two samples of the same distribution differ, by
#   a Fréchet distance of **0.073**. No model can do better than this row. Always
#   compute it.
# * **Precision** is low where single images are wrong, with blur and noise. The
#   set without shoes has precise images, and its precision, **0.886**, does not
#   see the fault.
# * **Recall** sees it: what is left out cannot be covered. The vanilla GAN has a
#   recall of **0.153**: rather clear images of few kinds. Blurred and noisy images
#   cover nothing real either, so a low recall alone does not prove lost modes:
#   read it beside precision.
# * The distances see everything, and do not say what it is. Leaving out a third
#   of the data and blurring all of it have distances of the same size.
#
# ## The number of images is part of the score
#
# A Fréchet distance from few images is too high, since the covariances are badly
# known. Real against real, so the truth is 0:

# %%
many_reference, many_real = (
    features_of(test[:4000]),
    features_of(train["image"][:4000]),
)
bias = {}
for count in (250, 500, 1000, 2000, 4000):
    a, b = many_reference[:count], many_real[:count]
    statistics = metrics.FeatureStatistics.from_features
    distance = statistics(a).distance(statistics(b))
    kernel = metrics.kernel_distance(a, b, subsets=20, subset_size=200)[0]
    bias[count] = distance, kernel
    print(f"{count:5} images: FD {distance:.3f}, KD {kernel:+.5f}")

# %% [markdown]
# Doubling the number about halves the Fréchet distance of a *perfect* model. So
# never compare distances of different numbers of images, and use the kernel
# distance where there are few: it is as often below zero as above.
#
# ## Does it copy?
#
# A model that returns its training images has perfect scores. So look at the
# nearest training image of each sample, in features: in pixels a copy that was
# moved by one pixel would be far away.

# %%
pool = train["image"][:6000]
pool_features = features_of(pool)


def nearest(found):
    squared = (
        (found**2).sum(1)[:, None]
        - 2.0 * found @ pool_features.T
        + (pool_features**2).sum(1)
    )
    return squared.argmin(axis=1), np.sqrt(np.maximum(squared.min(axis=1), 0.0))


samples = sets["dcgan"][:1000]
position, distance = nearest(features_of(samples))
_, held_out_distance = nearest(reference_features[:1000])
_, copied_distance = nearest(features_of(np.roll(pool[:1000], 1, axis=2)))
medians = {
    "samples": float(np.median(distance)),
    "held-out real images": float(np.median(held_out_distance)),
    "copies, moved by a pixel": float(np.median(copied_distance)),
}
for name, median in medians.items():
    print(f"{name:26} median distance to the nearest {median:.2f}")
pairs = np.concatenate([samples[:16], pool[position[:16]]])
show("05_neighbors.png", pairs, columns=16)

# %% [markdown]
# ![Sixteen samples, and below each its nearest training image](figures/05_neighbors.png)
#
# The samples are a little farther from the training images (**1.20**) than new real
# images are (**1.09**). Copies, even moved ones, are nearer (**0.72**). This model does not copy.
#
# ## May I compare it with a paper?
#
# Only if all of these are equal:
#
# 1. the features, to the file: Inception of December 2015 for FID;
# 2. the resizer to 299x299, and that images are rounded to bytes before it;
# 3. the number of generated images, and the reference split and its number;
# 4. truncation, and that no sample was selected.
#
# This package writes all that into the *protocol* of each score:
# `fd10k_fashion_mnist_test` is no FID, says so, and compares only with itself.
# `kerasgan evaluate NAME` measures a model of the zoo again;
# `kerasgan compare A B` two folders. [Metrics](../metrics.md) has every reference
# and tolerance.
#
# ## Exercises
#
# 1. Replace the reference by the same 2,000 images in another order, then by
#    another 2,000. Which scores change?
# 2. Generate `biggan_fashion_mnist_32` at truncation 1 and 0.8. Which of the four
#    scores improve? Which one tells you the price?
# 3. Make a set of 100 real images, each repeated 20 times. Which score notices?
# 4. Repeat `copied_distance` with pixels in place of features. Does the moved
#    copy still look like a copy?
# 5. Write a set that has a better Fréchet distance than `dcgan` and that you
#    would never publish.
