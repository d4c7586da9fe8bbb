# %% [markdown]
# # Ask for something
#
# You will request images: by class, and by a sentence. Then you will measure how
# often you get what you requested.
#
# ![Ten classes in ten columns; in each row all have the same latent](figures/06_classes.png)
#
# Everything runs in a minute on two cores, with networks of the package alone.

# %%
import os
from pathlib import Path

import numpy as np
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
# ## Classes
#
# A conditional GAN gives the class y to **both** networks (Mirza and Osindero,
# 2014, [equation 2](https://arxiv.org/abs/1411.1784)):
#
#     V(D, G) = E[log D(x | y)] + E[log(1 - D(G(z | y)))]
#
# The discriminator no longer judges "is this real?" but "is this a real *bag*?".
# A perfect shoe with the label "bag" is rejected, and so the generator learns to
# obey.

# %%
gan = zoo.load("cgan_fashion_mnist_32")
print(*gan.class_names, sep=", ")
images = gan.generate(labels=["Bag", "Bag", "Sneaker"], seed=0)
print(images.shape)

# %% [markdown]
# The latent holds all that the class leaves open. Here each row has one latent
# and each column a class. Do you see what stays within a row?

# %%
rows = np.asarray(gan.seeded_latents(seed=4, count=4))
inputs = gan.inputs(
    np.repeat(rows, 10, axis=0), np.tile(np.arange(10, dtype="int32"), 4)
)
show("06_classes.png", gan.run_in_batches(inputs, 64), columns=10)

# %% [markdown]
# ## Does it obey?
#
# Let a classifier look. *Conditional accuracy* is the share of images in which it
# finds the class that was requested. The classifier errs, too: it is right on
# 93.8 % of the real test images. A model can exceed that, by images that are more
# typical of their class than real ones.

# %%
classifier = zoo.features("fashion_mnist")
labels = np.repeat(np.arange(10), 100)
obeys = {}
for name in ("cgan_fashion_mnist_32", "acgan_fashion_mnist_32"):
    model = zoo.load(name)
    images = model.generate(labels=labels, seed=0)
    right = classifier.recognize(images)["class"] == labels
    obeys[name] = float(right.mean())
    shares = {
        c: right[labels == i].mean() for i, c in enumerate(gan.class_names)
    }
    worst = min(shares, key=shares.get)
    print(f"{name:25} {obeys[name]:.1%}, worst: {worst} {shares[worst]:.0%}")

# %% [markdown]
# A warning about the comparison: ACGAN *trains* its generator to please a
# classifier (Odena et al., 2017, [equation 3](https://arxiv.org/abs/1610.09585)),
# so images that are easy to classify are its goal. Its **95.1** % beat real images,
# and such an accuracy may cost variety. Its recall on its card is 0.53, that of the conditional GAN 0.75.
#
# ## Sentences
#
# `gan_cls_personas_64` takes a caption. A text encoder turns it into a vector,
# which takes the place of the class. Its discriminator learns from a third kind
# of pair: a real image with a **wrong** caption is to be rejected, too
# ([Reed et al., 2016](https://arxiv.org/abs/1605.05396), section 4.2,
# algorithm 1). Without it, the generator is never punished for ignoring the
# text.

# %%
faces = zoo.load("gan_cls_personas_64")
caption = (
    "a smiling person with tan skin, long {} hair, glasses, wearing a {} shirt"
)
requests = [
    caption.format(hair, shirt)
    for shirt in ("blue", "red", "yellow")
    for hair in ("black", "pink", "orange", "white")
]
images = faces.generate(captions=requests, seed=1)
show("06_captions.png", images, columns=4)

# %% [markdown]
# ![Twelve faces: hair colors in the columns, shirt colors in the rows](figures/06_captions.png)
#
# Count again, one attribute at a time, over 64 faces for each sentence.

# %%
judge = zoo.features("personas")


def share(sentence, attribute, value, count=64):
    images = faces.generate(captions=[sentence] * count, seed=2)
    found = judge.recognize(images)[attribute]
    return float((found == judge.attributes[attribute].index(value)).mean())


sentence = caption.format("pink", "blue")
heard = {
    "clothing_color blue": share(sentence, "clothing_color", "blue"),
    "eyes glasses": share(sentence, "eyes", "glasses"),
    "hair_color pink": share(sentence, "hair_color", "pink"),
    "hair long": share(sentence, "hair", "long"),
}
for name, value in heard.items():
    print(f"{name:20} {value:.0%}")

# %% [markdown]
# Large, uniform areas are easy, **100%**; the style of the hair, a shape, is hard,
# **36%**.
#
# What about words that the encoder has never met? It was trained on captions of
# one form and knows only their words.

# %%
unknown = share(
    sentence.replace("blue", "ultramarine"), "clothing_color", "blue"
)
print(f"'ultramarine' in place of 'blue': {unknown:.0%} blue shirts")

# %% [markdown]
# A text-to-image model does not refuse: it gives *something*. A request that it
# does not understand looks like one that it does.
#
# ## Between two sentences
#
# Sentence vectors can be mixed (section 4.3 of the paper trains on such
# mixtures). The latent stays the same, only the text moves.

# %%
path = latents.between_sentences(
    faces,
    "a smiling person with fair skin, long pink hair, open eyes, "
    "wearing a yellow shirt",
    "a person with dark skin, a black mohawk, sunglasses, "
    "wearing a purple shirt, with a frown",
    steps=10,
    seed=5,
)
show("06_between.png", path, columns=10)

# %% [markdown]
# ![Ten faces on the way from one sentence to another](figures/06_between.png)
#
# ## Exercises
#
# 1. Train your own: `kerasgan train --arch cgan --data images/`, where `images/`
#    has a folder for each class.
# 2. Request 100 shirts from both models and from `biggan_fashion_mnist_32`. What does the classifier
#    take the others for? Would you have done better?
# 3. Find two sentences that differ in one word and give the same image. Is it the
#    encoder or the generator that ignores the word? (`faces.encode` tells.)
# 4. Contradict yourself: "a bald head" and "pink hair" in one caption. Who wins?
# 5. With `stylegan_fashion_mnist_32`, request one class at truncations from 1 to
#    0. Plot conditional accuracy against the standard deviation of the pixels.
