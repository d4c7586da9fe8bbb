"""Conversion of third-party weights to model folders.

docs/convert.md lists the supported files, and how each was verified.
"""

import functools
import hashlib
import pathlib

import numpy as np
import tensorflow as tf

from kerasgan import models, publishing, weights
from kerasgan.convert import (
    biggan,
    cut,
    cyclegan,
    dcgan,
    files,
    networks,
    pix2pix,
    sngan,
    stylegan,
    stylegan2,
    stylegan2_pickle,
    tensors,
)
from kerasgan.convert.checkpoints import Tensor
from kerasgan.data.folder import decode, find_images
from kerasgan.fetch import printable
from kerasgan.tasks import TASKS

# The networks of each architecture, in the order of their files on the command
# line. The authors' CycleGAN calls these G_A, G_B, D_A and D_B: its D_A is the
# discriminator of the outputs of G_A, images of B.
ROLES = {
    "biggan": ("generator", "discriminator"),
    "cut": ("generator", "discriminator", "projection"),
    "cyclegan": (
        "generator_ab",
        "generator_ba",
        "discriminator_b",
        "discriminator_a",
    ),
    "dcgan": ("generator", "discriminator"),
    "lsgan": ("generator", "discriminator"),
    "wgan_gp": ("generator", "discriminator"),
    "pix2pix": ("generator", "discriminator"),
    "sngan": ("generator", "discriminator"),
    "stylegan": ("generator", "discriminator"),
    "stylegan2": ("generator", "discriminator"),
}

CONVERTERS = {
    "biggan": biggan.convert,
    "cut": cut.convert,
    "cyclegan": cyclegan.convert,
    "dcgan": dcgan.convert,
    "lsgan": functools.partial(dcgan.convert, build=models.LSGAN),
    "wgan_gp": functools.partial(dcgan.convert, build=models.WGANGP),
    "pix2pix": pix2pix.convert,
    "sngan": sngan.convert,
    "stylegan": stylegan.convert,
}

# What recognizes a generator by its structure, to name the nearest.
READERS = {
    "dcgan": dcgan.read_generator,
    "pix2pix": pix2pix.read_generator,
    "cyclegan": cyclegan.read_generator,
    "cut": cut.read_generator,
    "sngan": sngan.read_generator,
    "biggan": biggan.read_generator,
}
# Options that only some architectures have.
OPTIONS = {
    "image_size": ("CycleGAN and CUT", ("cut", "cyclegan")),
    "classes": ("the family of DCGAN", ("dcgan", "lsgan", "wgan_gp")),
}
# Variables and numbers that a model may have beside those of its files: its
# averages, networks without a file, and stores of images.
SPARE_VARIABLES = 1000
MOST_COPIES = 8

# The licences of the original code, which are not those of weights.
LICENSES = {
    "cyclegan": (
        "The code that these networks come from, "
        "pytorch-CycleGAN-and-pix2pix, is under a BSD licence; that says "
        "nothing about weights trained with it."
    ),
    "dcgan": (
        "The code that these networks come from, PyTorch's DCGAN example, is "
        "under the BSD 3-Clause licence; that says nothing about weights "
        "trained with it."
    ),
    "stylegan": (
        "NVIDIA put the networks published with the paper under CC BY-NC 4.0: "
        "not for commercial use, with credit by citing the paper, and with a "
        "note of what was changed. Networks that others trained have the "
        "licence that those others gave them."
    ),
}
LICENSES["pix2pix"] = LICENSES["cyclegan"]
LICENSES["cut"] = (
    "The authors' code, contrastive-unpaired-translation, is under a BSD "
    "licence; that says nothing about weights trained with it."
)
LICENSES["biggan"] = (
    "The code that these networks come from, BigGAN-PyTorch, is under the MIT "
    "licence; that says nothing about weights trained with it."
)
LICENSES["sngan"] = (
    "The authors' code and most of its ports to PyTorch are under the MIT "
    "licence; that says nothing about weights trained with them."
)
LICENSES["stylegan2"] = (
    "NVIDIA published StyleGAN2-ADA's code and networks under the Nvidia "
    "Source Code License: not for commercial use. Networks that others "
    "trained have the licence that those others gave them."
)
LICENSES["lsgan"] = LICENSES["wgan_gp"] = LICENSES["dcgan"]

CARD = """\
# {name}

{description}

{samples}## Credit

{credit}

Licence of the weights, as stated at the conversion: {license}.

{about_license}

Trained on: {dataset}.

## Source files

| Network | File | sha256 |
|---|---|---|
{sources}

The conversion changed only the memory layout of the tensors. They are stored
in 32 bits.

{fresh}## Use

```python
import zoo

gan = zoo.load("{name}")  # this folder
{example}
```

{remark}
"""

SAMPLES = """\
![Samples](samples.png)

"""

FRESH = """\
In no file that fits, and therefore randomly initialized: {names}.

"""

REMARKS = {
    "cyclegan": ("Use images of about the size of the training images."),
    "dcgan": "Latents are from a standard normal, as in training.",
    "pix2pix": (
        "The authors translate with dropout and with the statistics of the "
        "image itself: `translate(images, stochastic=True)`. Without it the "
        "moving statistics of training are used, and the result is "
        "deterministic."
    ),
    "stylegan": (
        "The authors' samples have a truncation of 0.7: "
        "`generate(16, seed=0, truncation=0.7)`. The noise maps are those of "
        "the file."
    ),
    "stylegan2": (
        "The authors' samples are often truncated: "
        "`generate(16, seed=0, truncation=0.7)`. The noise maps are those of "
        "the file, as with the authors' `--noise-mode=const`."
    ),
}
REMARKS["cut"] = REMARKS["cyclegan"]
REMARKS["sngan"] = REMARKS["dcgan"]
REMARKS["biggan"] = (
    "Latents are from a standard normal, as in training; `truncation=0.5` "
    "makes images more typical. If the statistics of batch normalization are "
    "those of training, `gan.take_standing_statistics()` improves images."
)
REMARKS["lsgan"] = REMARKS["wgan_gp"] = REMARKS["dcgan"]


def load(architecture, paths, image_size=None, classes=None):
    """Returns a model with third-party weights.

    Args:
        architecture: str. A key of `ROLES`.
        paths: dict of network names, from `ROLES`, to files of PyTorch,
            safetensors, NumPy, Keras or ONNX; for StyleGAN2 the authors'
            pickle. `FILE#NAME` is one of several networks in a file. Networks
            without a file are randomly initialized.
        image_size: int or `None`. Height and width of CycleGAN's or CUT's
            training images, which cannot be inferred from their files.
            Defaults to the paper's.
        classes: int or `None`. Number of classes whose one-hot code a
            generator of DCGAN's family reads after the latents, which cannot
            be inferred either. Such a generator becomes a `CGAN`. Defaults
            to `None`, no classes.

    Returns:
        A `GAN` whose averaged generators are the trained ones; `compile` it
        to continue training.

    Raises:
        ValueError: If a file does not fit; says what was understood of it,
            or lists all tensors that are missing, unknown or of another
            shape.
        OSError: If a file cannot be read.

    Example:
    ```python
    gan = convert.load("cyclegan", {"generator_ab": "horse2zebra.pth"})
    zebras = gan.translate(horses, to="b")
    ```
    """
    gan, laid = _laid(architecture, paths, image_size, classes)
    _assign(gan, laid)
    return gan


def explain(architecture, paths, image_size=None, classes=None):
    """Describes where the tensors of third-party files would go.

    Args:
        architecture: See `load`.
        paths: See `load`.
        image_size: See `load`.
        classes: See `load`.

    Returns:
        str: the model, and for each network a table of tensor, layer and
        shape, with a note where a value is computed. Tensors without a layer
        and layers without a tensor are in it, too.

    Raises:
        ValueError: If the files hold no such network.
        OSError: If a file cannot be read.
    """
    gan, laid = _laid(architecture, paths, image_size, classes)
    arguments = ", ".join(f"{k}={v!r}" for k, v in gan.arguments().items())
    lines = [f"{type(gan).__name__}({arguments})"]
    for role, (found, places) in laid.items():
        rows = [("tensor", "layer", "shape", "note")]
        for name in dict.fromkeys([*places, *found]):
            variable, _ = places.get(name, (None, None))
            layer = "none"
            if variable is not None:
                layer = ".".join(variable.path.split("/")[-2:])
            tensor = found.get(name)
            shape = "missing" if tensor is None else str(tuple(tensor.shape))
            note = tensor.note if isinstance(tensor, Tensor) else ""
            rows.append((printable(name), layer, shape, note))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines += ["", role]
        for row in rows:
            cells = [c.ljust(w) for c, w in zip(row, (*widths, 0), strict=True)]
            lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _laid(architecture, paths, image_size, classes):
    """Returns the model, and the argument of `tensors.assign`."""
    check_roles(architecture, paths)
    options = {"image_size": image_size, "classes": classes}
    options = {k: v for k, v in options.items() if v is not None}
    for name, value in options.items():
        what, architectures = OPTIONS[name]
        if architecture not in architectures:
            raise ValueError(
                f"`{name}` is for {what} alone; for the others it follows "
                f"from the files. Received: {name}={value} for {architecture}"
            )
    if architecture == "stylegan2":
        pickled = {r: stylegan2_pickle.read(p) for r, p in paths.items()}
        return stylegan2.convert(pickled)
    sources = files.sources(paths)
    given = [t for s in sources.values() for t in s.checkpoint.tensors]
    limit = weights.Limit(
        MOST_COPIES * len(given) + SPARE_VARIABLES,
        MOST_COPIES * sum(t.size for t in given) + weights.SPARE_NUMBERS,
    )
    if architecture == "stylegan":
        sources = {
            role: {
                tensor.name: tensor.read() for tensor in s.checkpoint.tensors
            }
            for role, s in sources.items()
        }
    try:
        with tf.variable_creator_scope(limit):
            return CONVERTERS[architecture](sources, **options)
    except networks.NotThis as error:
        raise ValueError(f"{error}{_nearest(architecture, sources)}") from error


def _nearest(architecture, sources):
    """Returns a sentence about the architecture nearest to a file."""
    understood = {}
    for name, read in READERS.items():
        if name == architecture:
            continue
        for role, source in sources.items():
            if role.startswith("generator"):
                try:
                    networks.find(source.checkpoint, read, source.place)
                except networks.NotThis as error:
                    understood[name] = error.understood
                else:
                    return f" It is a generator of {name}."
    best = max(understood, key=understood.get)
    if not understood[best]:
        return ""
    return (
        f" The nearest other architecture is {best}, of which "
        f"{understood[best]} kernels fit."
    )


def _assign(gan, laid):
    tensors.assign(laid)
    for name in gan.generator_names:
        # StyleGAN2's files have both.
        if f"average_{name}" in laid:
            continue
        pairs = zip(
            getattr(gan, f"average_{name}").variables,
            getattr(gan, name).variables,
            strict=True,
        )
        for average, variable in pairs:
            average.assign(variable)


def check_roles(architecture, paths):
    """Refuses an unknown architecture or network.

    Args:
        architecture: str.
        paths: dict whose keys are names of networks.

    Raises:
        ValueError: If one is not in `ROLES`, or there is no generator.
    """
    if architecture not in ROLES:
        raise ValueError(
            f"There are converters for {', '.join(ROLES)}. "
            f"Received: {architecture!r}"
        )
    roles = ROLES[architecture]
    for role in paths:
        if role not in roles:
            raise ValueError(
                f"The networks of {architecture} are {', '.join(roles)}. "
                f"Received: {role!r}"
            )
    if not any(role.startswith("generator") for role in paths):
        raise ValueError(
            "The file of a generator is required. "
            f"Received: {', '.join(paths) or 'no file'}"
        )


def convert(
    architecture,
    paths,
    folder,
    *,
    license,
    credit,
    dataset="not stated",
    image_size=None,
    classes=None,
    images=None,
):
    """Converts third-party weights to a folder for `zoo.load`.

    Args:
        architecture: See `load`.
        paths: See `load`.
        folder: str or path, whose last part becomes the name of the model.
        license: str. Of the weights, as their authors state it.
        credit: str. Authors and source of the weights.
        dataset: str. The training data. Defaults to `"not stated"`.
        image_size: See `load`.
        classes: See `load`.
        images: str or path or `None`. Images to translate for samples.png, a
            file or a folder. Defaults to none.

    Returns:
        tuple of str: the networks without a file, which are randomly
        initialized.

    Raises:
        ValueError: If a file does not fit, or a text is empty or more than a
            line.
        OSError: If a file cannot be read, or the folder is not empty.

    Example:
    ```python
    convert.convert(
        "cyclegan",
        {"generator_ab": "horse2zebra.pth"},
        "models/horse2zebra",
        license="not stated",
        credit="Zhu, Park, Isola and Efros, pytorch-CycleGAN-and-pix2pix",
    )
    gan = zoo.load("models/horse2zebra")
    ```
    """
    texts = {"license": license, "credit": credit, "dataset": dataset}
    for name, text in texts.items():
        if not text.strip() or not text.isprintable():
            raise ValueError(
                f"`{name}` must be one line of text, for the card; write "
                f"'not stated' if it is unknown. Received: {text!r}"
            )
    folder = pathlib.Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(
            f"The folder must be new or empty. Received: {folder}"
        )
    gan, laid = _laid(architecture, paths, image_size, classes)
    _assign(gan, laid)
    given = tuple(laid)
    names = (*gan.generator_names, *gan.discriminator_names)
    names += tuple(r for r in ROLES[architecture] if r not in names)
    fresh = tuple(name for name in names if name not in given)
    task = "Translates images" if _translates(gan) else "Generates images"
    plain = {role: files.without_place(path) for role, path in paths.items()}
    files_used = ", ".join(
        dict.fromkeys(pathlib.Path(path).name for path in plain.values())
    )
    description = f"{task}; {type(gan).__name__} converted from {files_used}."
    samples = _samples(gan, given, images)
    publishing.write(
        gan,
        folder,
        dataset=dataset,
        description=description,
        license=license,
        recipe="",
        sample=lambda _: samples,
        half=False,
    )
    sources = "\n".join(
        f"| {role} | {pathlib.Path(path).name} | `{_sha256(path)}` |"
        for role, path in plain.items()
    )
    card = CARD.format(
        name=folder.absolute().name,
        description=description,
        samples="" if samples is None else SAMPLES,
        credit=credit,
        license=license,
        about_license=LICENSES[architecture],
        dataset=dataset,
        sources=sources,
        fresh=FRESH.format(names=", ".join(fresh)) if fresh else "",
        example=_example(gan, given),
        remark=REMARKS[architecture],
    )
    (folder / "README.md").write_text(card, "utf-8")
    return fresh


def _translates(gan):
    return TASKS[gan.task].method == "translate"


def _direction(gan, given):
    """Returns the arguments of `translate` for the converted direction."""
    if "generator_ab" not in gan.generator_names:
        return {}
    return {"to": "b" if "generator_ab" in given else "a"}


def _samples(gan, given, images):
    """Returns the uint8 images of samples.png, or `None`."""
    if not _translates(gan):
        if gan.image_size <= 128:
            return gan.generate(64, seed=0)
        # The feature maps of larger batches would need gigabytes.
        return gan.generate(16, seed=0, batch_size=2)
    if images is None:
        return None
    images = pathlib.Path(images)
    paths = find_images(images) if images.is_dir() else [images]
    sources = np.stack(
        [decode(p, gan.image_size, gan.source_channels) for p in paths[:16]]
    )
    results = gan.translate(sources, **_direction(gan, given))
    channels = max(sources.shape[-1], results.shape[-1])
    pairs = [
        np.broadcast_to(image, (*image.shape[:2], channels))
        for pair in zip(sources, results, strict=True)
        for image in pair
    ]
    return np.stack(pairs)


def _example(gan, given):
    if not _translates(gan):
        return "images = gan.generate(16, seed=0)"
    direction = "".join(
        f', {key}="{value}"' for key, value in _direction(gan, given).items()
    )
    return f"images = gan.translate(images{direction})  # uint8"


def _sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
