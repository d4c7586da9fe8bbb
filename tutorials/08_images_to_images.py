# %% [markdown]
# # Images to images, and shipping
#
# You will draw an emoji and a map, let networks turn them into something else, and
# then take a network out of Python: into a SavedModel, a file for phones and one
# for browsers, and check that each gives the same images.
#
# ![A drawing, what pix2pix makes of it, and what CycleGAN makes of it](figures/08_emoji.png)
#
# It takes a minute on two cores. The last part needs
# `pip install 'kerasgan[onnx,litert]'`.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

import zoo
from kerasgan import data

FIGURES = Path(os.environ.get("KERASGAN_FIGURES", "figures"))


def show(name, images, columns):
    """Saves a grid of images, at twice their size; a notebook shows it."""
    grid = data.grid(images, columns).repeat(2, axis=0).repeat(2, axis=1)
    data.save_png(FIGURES / name, grid)
    return Image.open(FIGURES / name)


# %% [markdown]
# ## With pairs
#
# pix2pix learns from pairs: this input, that output. Its discriminator sees both,
# and its generator also minimizes the distance to the target
# ([Isola et al., 2017](https://arxiv.org/abs/1611.07004), section 3.1):
#
#     min over G, max over D:  E[log D(x, y)] + E[log(1 - D(x, G(x)))]
#                              + 100 E[|y - G(x)|]
#
# `pix2pix_fluent_64` learned to turn flat emoji into three-dimensional ones. Draw
# a flat one: any drawing program will do, and so does Pillow.


# %%
def draw_face(mouth):
    image = Image.new("RGB", (256, 256), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((16, 16, 240, 240), "#ffc93c")
    for x in (88, 168):
        draw.ellipse((x - 16, 80, x + 16, 128), "#402a32")
    if mouth == "smile":
        draw.chord((72, 100, 184, 204), 10, 170, "#bb1d80")
    else:
        draw.ellipse((100, 150, 156, 210), "#bb1d80")
    return np.asarray(image.resize((64, 64), Image.Resampling.LANCZOS))


flat = np.stack([draw_face("smile"), draw_face("surprise")])
pix2pix = zoo.load("pix2pix_fluent_64")
solid = pix2pix.translate(flat)
print(solid.dtype, solid.shape)
inside = (slice(None), slice(10, 18), slice(24, 40))  # The forehead.
shading = {
    name: float(images[inside].std(axis=(1, 2)).mean())
    for name, images in (("drawing", flat), ("pix2pix", solid))
}
for name, value in shading.items():
    print(f"{name}: standard deviation on the forehead {value:.1f} grey levels")

# %% [markdown]
# ## Without pairs
#
# Often there are no pairs: no one has photographed the same horse as a zebra.
# CycleGAN has two generators, one for each direction, and demands that there and
# back is where you started
# ([Zhu et al., 2017](https://arxiv.org/abs/1703.10593), equation 2):
#
#     E[|F(G(x)) - x|] + E[|G(F(y)) - y|]

# %%
cyclegan = zoo.load("cyclegan_fluent_64")
there = cyclegan.translate(flat, to="b")
back = cyclegan.translate(there, to="a")


def l1(a, b):
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


changed, returned = l1(there, flat), l1(back, flat)
print(
    f"there changes {changed:.1f} grey levels, the way back leaves {returned:.1f}"
)
columns = np.stack([flat, solid, there, back], axis=1).reshape(-1, 64, 64, 3)
show("08_emoji.png", columns, columns=4)

# %% [markdown]
# In the columns: the drawing, pix2pix, CycleGAN, and CycleGAN back again. The
# drawing is flat; pix2pix shades the forehead by **6.4** grey levels. Neither
# has seen a drawing of yours: what is far from the training data comes out
# strange. Both cards say what they do badly.
#
# The networks are convolutions, so the size of the input is free, in steps that
# the network needs. Translate at twice the size of training:

# %%
print("sizes are multiples of", pix2pix.size_multiple)
large = np.asarray(Image.fromarray(flat[0]).resize((128, 128)))
print(pix2pix.translate(large[None]).shape)

# %% [markdown]
# ## Shipping: a SavedModel
#
# `export` writes a model that needs neither kerasgan nor Keras, only TensorFlow.
# The seed gives the same images there.

# %%
folder = Path(tempfile.mkdtemp())
gan = zoo.load("dcgan_fashion_mnist_32")
images = gan.generate(16, seed=0).astype(int)
print("signatures:", gan.export(folder / "serving" / "1"))

served = tf.saved_model.load(str(folder / "serving" / "1"))
exported = served.signatures["sample"](
    seed=tf.constant(0, tf.int64), count=tf.constant(16)
)["images"]
differences = {"SavedModel": int(np.abs(exported - images).max())}

# %% [markdown]
# TensorFlow Serving takes this folder, and `kerasgan serve dcgan_fashion_mnist_32`
# answers the same requests without it ([HTTP](../http.md)).
#
# ## Phones and browsers
#
# LiteRT and ONNX files hold the signatures that take numbers alone. There are no
# seeds in them, so give them the latents.

# %%
from ai_edge_litert.interpreter import Interpreter
from onnxruntime import InferenceSession

latents = np.asarray(gan.seeded_latents(seed=0, count=16))

gan.export(folder / "litert", format="litert")
lite = Interpreter(str(folder / "litert" / "model.tflite"))
run = lite.get_signature_runner("serving_default")
differences["LiteRT"] = int(
    np.abs(run(latents=latents)["images"] - images).max()
)

gan.export(folder / "onnx", format="onnx")
onnx_file = folder / "onnx" / "serving_default.onnx"
(found,) = InferenceSession(onnx_file).run(["images"], {"latents": latents})
differences["ONNX"] = int(np.abs(found - images).max())

for name, difference in differences.items():
    print(f"{name:10} differs from generate by at most {difference} of 255")
print(f"the ONNX file has {onnx_file.stat().st_size / 1e6:.1f} MB")

# %% [markdown]
# The ONNX file is what the playground of this project runs in your browser.
#
# ## The hub
#
# A finished run becomes a folder with weights, scores and a card, and that folder
# can be pushed to the Hugging Face Hub, or put on any web server:
#
#     kerasgan publish runs/mine -o models/mine --push hf://user/repository
#     kerasgan generate hf://user/repository -n 16 -o samples.png
#
# Loading such a model never runs code from it ([security](../../SECURITY.md)).
# Weights of other projects come in by `kerasgan convert`
# ([converting](../convert.md)).
#
# ## Exercises
#
# 1. Draw an emoji of your own, with a hat, and translate it. Which parts does the
#    network understand?
# 2. Give pix2pix its own output, five times in a row. What survives?
# 3. Why does CycleGAN need the cycle? What could two generators and two
#    discriminators do without it, and still win?
# 4. Export `stylegan_personas_64` to ONNX and time 1 and 64 images against Keras.
# 5. Train a translation of your own: two folders with files of the same names,
#    `kerasgan train --arch pix2pix --data photographs/ drawings/`.
