# %% [markdown]
# # Your own folder
#
# You will train on a folder of images, watch the run, stop it and resume it, and
# end with a model that has a name, a card and scores. Only the folder's name has
# to change for yours.
#
# ![Samples of the run, from its first epoch to its last](figures/03_progress.png)
#
# It takes three minutes on two cores. Real results take hours, or a graphics card:
# this page shows the way, not the best images.

# %%
import contextlib
import os
import shlex
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import zoo
from kerasgan import cli, data

SHORT = "KERASGAN_SHORT" in os.environ  # Fewer epochs, as the tests run it.
FIGURES = Path(os.environ.get("KERASGAN_FIGURES", "figures")).resolve()
FIGURES.mkdir(parents=True, exist_ok=True)

folder = Path(tempfile.mkdtemp())
os.chdir(folder)


def kerasgan(line):
    """Runs what you would type in a shell."""
    print("$ kerasgan", line)
    with contextlib.redirect_stderr(sys.stdout):
        return cli.main(shlex.split(line))


# %% [markdown]
# ## A folder
#
# You have none at hand? Then let a model of the zoo fill one: 640 faces. So that
# it is like a real folder, some files are larger than the others, one is gray,
# and one is broken.

# %%
faces = zoo.load("stylegan_personas_64").generate(640, seed=0)
images = folder / "images"
images.mkdir()
for number, face in enumerate(faces):
    image = Image.fromarray(face)
    if number % 10 == 0:
        image = image.resize((96, 80))
    if number == 5:
        image = image.convert("L")
    image.save(images / f"{number:04}.png")
(images / "broken.png").write_bytes(b"This is not an image.")
print(len(list(images.iterdir())), "files")

# %% [markdown]
# How many do you need? Some hundred images give something, some thousand something
# good. What matters most is that they are *alike*: one kind of thing, in one
# position.
#
# ## First a dry run
#
# It builds the model, reads every file's header and a batch, and says what would
# happen. Nothing is trained.

# %%
epochs = 3 if SHORT else 40
command = (
    "train --arch dcgan --data images --size 32 -o run "
    f"--set epochs={epochs} width=24 batch_size=32 augment=mirror"
)
dry = kerasgan(command + " --dry-run")

# %% [markdown]
# The broken file is skipped, with a warning that counts such files. It may be a
# sign of a broken copy. Where every file must be sound, say so, and it is an
# error:

# %%
strict = kerasgan(command + " skip_broken=false --dry-run")
print("status", strict)
(images / "broken.png").unlink()

# %% [markdown]
# `--size` is that of training, always square unless you give two numbers. Other
# shapes are cropped to their middle (`--fit crop`). `augment=mirror` doubles the
# data, which is right for faces and wrong for letters.
#
# ## Train, stop, resume
#
# `--epochs 2` stops after two epochs, as a power failure would. The same command
# resumes, and the result is that of a run that was never stopped, to the last
# bit.

# %%
stopped = kerasgan(command + " --epochs 2")
finished = kerasgan(command)
print(*sorted(path.name for path in (folder / "run").iterdir()))

# %% [markdown]
# Open `run/index.html` in a browser: losses, scores and samples, which update
# while the run goes on. Here are samples of the same eight latents at four moments:

# %%
grids = sorted((folder / "run" / "samples").glob("*.png"))
chosen = [grids[i] for i in np.linspace(0, len(grids) - 1, 4).astype(int)]
rows = [np.asarray(Image.open(path).convert("RGB"))[:32] for path in chosen]
width = min(row.shape[1] for row in rows)
grid = np.concatenate([row[:, :width] for row in rows])
grid = grid.repeat(2, axis=0).repeat(2, axis=1)
data.save_png(FIGURES / "03_progress.png", grid)
Image.open(FIGURES / "03_progress.png")

# %% [markdown]
# After 800 steps there is a face, and it is nearly the same one everywhere. The
# log tells why: `d_loss` falls to **0.0401** while `g_loss` rises to **5.5713**. The
# discriminator has learned the 640 images by heart and wins.
# [Why does mine fail?](04_why_does_mine_fail.md) shows this failure and what to do;
# the exercises below apply it here. More steps, more images and a penalty on the
# discriminator all help.
#
# ## A model with a name
#
# `publish` packs the best weights of a run with a card. The card says what the
# data were and what the model does badly, and you have to say it: nobody else
# knows.

# %%
published = kerasgan(
    'publish run -o models/my_faces --data "Faces of stylegan_personas_64" '
    '--weaknesses "Trained for minutes; features are blurred."'
)
card = (folder / "models" / "my_faces" / "README.md").read_text("utf-8")
print(card.splitlines()[0])

# %% [markdown]
# From now on it is used like a model of the zoo, by its folder in place of a
# name, in Python and on the command line.

# %%
gan = zoo.load(folder / "models" / "my_faces")
shape = gan.generate(16, seed=0).shape
print(shape)
generated = kerasgan("generate models/my_faces --seeds 0-63 -o generated/")

# %% [markdown]
# Is it any good? `compare` gives the scores of two folders. With `--features` left
# out it fetches Inception, for FID and its relatives. Without features there is
# the sliced Wasserstein distance alone, which compares patches at several sizes;
# lower is better. [How good is it?](05_how_good_is_it.md) explains the others.

# %%
compared = kerasgan("compare images generated --features none")

# %% [markdown]
# ## Exercises
#
# 1. Take a folder of your own, 300 photographs of one thing or more. Start with
#    `--dry-run` at `--size 32`, then train over a lunch break.
# 2. Kill a run with Ctrl-C in the middle of an epoch and start it again. What is
#    lost? Compare the last lines of `run/log.jsonl` with those of a run that was
#    not killed.
# 3. Train again, `-o run2`, with `r1_gamma=1.0` in `--set`. How do `d_loss` and the
#    samples change? Then with 2,000 faces in place of 640.
# 4. Train the same folder with `--arch sngan` and `--arch began`. Which samples
#    are better after the same time, which after the same epochs?
# 5. `kerasgan animate run -o progress.webp` animates the samples. At which epoch
#    does the first face appear?
# 6. Fine-tune instead of starting from nothing: `zoo.load("dcgan_personas_64")`,
#    `compile()`, and `fit` on `data.images("images", size=64, batch_size=32)`.
