"""Other people's weights as folders of the zoo.

docs/convert.md says which files fit, and what was checked.
"""

import hashlib
import pathlib

import numpy as np

from kerasgan import publishing
from kerasgan.convert import cyclegan, dcgan, files, pix2pix, stylegan, tensors
from kerasgan.data.folder import decode, find_images

# What each architecture's files are, in the order in which they are given.
# PyTorch's CycleGAN calls these G_A, G_B, D_A and D_B: its D_A judges what
# its G_A makes, pictures of B.
ROLES = {
    "cyclegan": (
        "generator_ab",
        "generator_ba",
        "discriminator_b",
        "discriminator_a",
    ),
    "dcgan": ("generator", "discriminator"),
    "pix2pix": ("generator", "discriminator"),
    "stylegan": ("generator", "discriminator"),
}

CONVERTERS = {
    "cyclegan": cyclegan.convert,
    "dcgan": dcgan.convert,
    "pix2pix": pix2pix.convert,
    "stylegan": stylegan.convert,
}

# What is known of the licences, which is not that of anybody's weights.
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

CARD = """\
# {name}

{description}

{samples}## Whose weights these are

{credit}

Licence of the weights, as stated by whoever converted them: {license}.

{about_license}

Trained on: {dataset}.

## Where they come from

| Network | File | sha256 |
|---|---|---|
{sources}

Changed by the conversion: the order of the numbers, nothing else. They are
stored in 32 bits.

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
In no file, and therefore random as at the start of training: {names}.

"""

REMARKS = {
    "cyclegan": (
        "Give pictures of about the size that the networks were trained with."
    ),
    "dcgan": "Normal latents, as in training.",
    "pix2pix": (
        "The authors translate with dropout and with the statistics of the "
        "picture itself: that is `translate(images, stochastic=True)`. "
        "Without it the moving statistics of training are used, and the same "
        "picture always gives the same result."
    ),
    "stylegan": (
        "The authors' own samples have a truncation of 0.7: "
        "`generate(16, seed=0, truncation=0.7)`. The noise maps are those of "
        "the file."
    ),
}


def load(architecture, paths, image_size=None):
    """Returns a model with other people's weights.

    Args:
        architecture: str. `"cyclegan"`, `"dcgan"`, `"pix2pix"` or
            `"stylegan"`.
        paths: dict of the networks' names, from `ROLES`, to their files: a
            state dict of PyTorch, or a `.npz` of arrays by name. What is
            absent keeps its random first weights.
        image_size: int or `None`. Height and width to train CycleGAN with,
            which its files do not show. Defaults to the paper's.

    Returns:
        A `GAN` whose averaged generators are the trained ones; `compile` it
        to train on.

    Raises:
        ValueError: If a file does not fit; all tensors that are missing, not
            known or misshapen are named at once.
        OSError: If a file cannot be read.

    Example:
    ```python
    gan = convert.load("cyclegan", {"generator_ab": "horse2zebra.pth"})
    zebras = gan.translate(horses, to="b")
    ```
    """
    return _load(architecture, paths, image_size)[0]


def _load(architecture, paths, image_size=None):
    """Returns the model and the names of the networks that have weights."""
    check_roles(architecture, paths)
    options = {}
    if image_size is not None:
        if architecture != "cyclegan":
            raise ValueError(
                "`image_size` is for CycleGAN alone; the files of the others "
                f"show it. Received: image_size={image_size} for "
                f"{architecture}"
            )
        options["image_size"] = image_size
    gan, found = CONVERTERS[architecture](files.read(paths), **options)
    tensors.assign(found)
    for name in gan.generator_names:
        average = getattr(gan, f"average_{name}")
        average.set_weights(getattr(gan, name).get_weights())
    return gan, tuple(found)


def check_roles(architecture, paths):
    """Refuses an architecture or a network that is not known.

    Args:
        architecture: str.
        paths: dict whose keys are the networks' names.

    Raises:
        ValueError: If one is not among `ROLES`, or there is no generator.
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
            "There must be the file of a generator. "
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
    pictures=None,
):
    """Writes other people's weights as a folder that `zoo.load` takes.

    Args:
        architecture: See `load`.
        paths: See `load`.
        folder: str or path, whose last part becomes the model's name.
        license: str. Of the weights, as their authors give it.
        credit: str. Whose weights they are and where they are from.
        dataset: str. What they were trained on. Defaults to `"not stated"`.
        image_size: See `load`.
        pictures: str or path or `None`. Pictures to translate for samples.png,
            a file or a folder. Defaults to none.

    Returns:
        tuple of str: the networks that were in no file and have random first
        weights.

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
    said = {"license": license, "credit": credit, "dataset": dataset}
    for name, text in said.items():
        if not text.strip() or not text.isprintable():
            raise ValueError(
                f"`{name}` must be a line of text, for the card; say "
                f"'not stated' where nobody has. Received: {text!r}"
            )
    folder = pathlib.Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(
            f"The folder must be new or empty. Received: {folder}"
        )
    gan, given = _load(architecture, paths, image_size)
    names = (*gan.generator_names, *gan.discriminator_names)
    fresh = tuple(name for name in names if name not in given)
    task = "Turns images into others" if _translates(gan) else "Draws images"
    files_used = ", ".join(pathlib.Path(path).name for path in paths.values())
    description = f"{task}; {type(gan).__name__} converted from {files_used}."
    samples = _samples(gan, given, pictures)
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
        for role, path in paths.items()
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
    return gan.task == "image-to-image"


def _direction(gan, given):
    """Returns the arguments of `translate` for the direction that is there."""
    if "generator_ab" not in gan.generator_names:
        return {}
    return {"to": "b" if "generator_ab" in given else "a"}


def _samples(gan, given, pictures):
    """Returns the uint8 images of samples.png, or `None`."""
    if not _translates(gan):
        if gan.image_size <= 128:
            return gan.generate(64, seed=0)
        # The maps of more at once would fill gigabytes.
        return gan.generate(16, seed=0, batch_size=2)
    if pictures is None:
        return None
    pictures = pathlib.Path(pictures)
    paths = find_images(pictures) if pictures.is_dir() else [pictures]
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
    return f"images = gan.translate(pictures{direction})  # uint8"


def _sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
