"""Recipes for images of one's own: `kerasgan.recipes.for_images`."""

import functools
import math
import os
import pathlib
import re

import keras
import numpy as np

from kerasgan import checks, data, models
from kerasgan.augment import AdaptiveAugmentation, DiffAugment
from kerasgan.data.pixels import CROP, FITS
from kerasgan.metrics.sliced_wasserstein import mean_distance
from kerasgan.models.base import init_arguments
from kerasgan.models.growing import GrowingGAN
from kerasgan.models.stylegan2_presets import settings_for
from kerasgan.names import hint, size_text
from kerasgan.recipes import ARCHITECTURES, Recipe, architecture_of
from kerasgan.schedules import Growth

# How long a run is where nobody says.
STEPS = 20_000
# Steps between checkpoints, samples and scores, at least; but a short run has
# checkpoints all the same, so that a kill costs at most a tenth of it.
SAVED_STEPS = 200
SAVED = 10
# A score takes some seconds, so there are at most so many of a run, of so many
# training images.
SCORES = 25
SCORED = 128
BATCH_SIZES = {"image-to-image": 4}
BATCH_SIZE = 32
AUGMENT = {
    "none": None,
    "enlarge": data.enlarge,
    "jitter": data.jitter,
    "mirror": data.mirror,
    "move": data.move,
    "move_and_mirror": data.move_and_mirror,
}
# What the discriminator sees, of models with this argument.
SEEN = {"ada": AdaptiveAugmentation, "diff_augment": DiffAugment}
RATES = ("lr", "generator_lr", "discriminator_lr")
# What every architecture can be told besides its arguments.
SETTINGS = (
    "name",
    "epochs",
    "batch_size",
    *RATES,
    "channels",
    "augment",
    "fit",
    "skip_broken",
    "seed",
    "dtype",
)
# Arguments of models that follow from the data.
_FROM_DATA = {
    "image_size",
    "num_classes",
    "class_names",
    "class_frequencies",
    "vocabulary",
    "source_channels",
    "target_channels",
}


def recipe(architecture, images, size, **settings):
    """Returns a recipe; see `kerasgan.recipes.for_images`."""
    model = _model(architecture)
    _check_source(model, images)
    given = _checked(model, size, settings)
    read = functools.partial(_reader(model), images, size, **_reading(given))
    details = _from_data(model, images, size, given)
    # Refuses its arguments before all images are read.
    first = model(**details)
    count = len(read(1, epochs=1, augment=None))
    batch_size = given.get("batch_size", _batch_size(first, count))
    if batch_size > count:
        raise ValueError(
            "A batch must not be larger than the data. "
            f"Received: batch_size={batch_size}, {count} images"
        )
    steps = count // batch_size
    epochs = given.get("epochs", math.ceil(STEPS / steps))
    seed = given.get("seed", 0)
    if issubclass(model, GrowingGAN):
        total = steps * batch_size * epochs
        details = _shared_out(first, total) | details
    elif issubclass(model, models.StyleGAN2):
        details = settings_for(size, batch_size) | details
    elif issubclass(model, models.R3GAN):
        # Their schedules are over the whole of a run that is longer.
        details = {"burn_in_steps": math.ceil(steps * epochs / 2)} | details
    examples = functools.cache(functools.partial(_examples, read, count))
    every = math.ceil(SAVED_STEPS / steps)
    return Recipe(
        name=given.get("name", _name(architecture, images, size)),
        dataset=_dataset(images),
        description=f"Trained on {_dataset(images)}.",
        license="not stated",
        build=functools.partial(
            _build, model, details, given, read, batch_size
        ),
        batches=lambda first_epoch: read(
            batch_size,
            seed=seed,
            first_epoch=first_epoch,
            epochs=epochs - first_epoch,
        ),
        steps_per_epoch=steps,
        epochs=epochs,
        score=functools.partial(_score, examples=examples),
        score_every=max(every, math.ceil(epochs / SCORES)),
        save_every=min(every, max(1, epochs // SAVED)),
        sample=functools.partial(_sample, examples=examples),
        classes=_classes(model, images),
        settings={
            "images": _names(images),
            "batch_size": batch_size,
            **_side_by_side(images),
            **{k: given[k] for k in (*RATES, "augment", "fit") if k in given},
        },
        seed=seed,
    )


def text(architecture, images, size, **settings):
    """Returns the text of a recipe file that gives the same recipe.

    Args:
        architecture: See `recipe`.
        images: See `recipe`.
        size: See `recipe`.
        **settings: See `recipe`.
    """
    pairs = isinstance(images, data.SideBySide)
    sides = [
        side
        if side in data.NAMES and not pairs
        else str(pathlib.Path(side).resolve())
        for side in _sides(images)
    ]
    source = repr(sides if len(sides) > 1 else sides[0])
    if pairs:
        source = f"data.SideBySide({source}, {images.input!r})"
    arguments = [repr(architecture), source, repr(size)]
    lines = [f"        {value},\n" for value in arguments]
    lines += [f"        {name}={v!r},\n" for name, v in settings.items()]
    name = ARCHITECTURES[architecture_of(architecture)]
    imported = "data, recipes" if pairs else "recipes"
    return (
        f'"""{name} on images of one\'s own."""'
        f"\n\nfrom kerasgan import {imported}\n\n\ndef recipe():\n"
        f"    return recipes.for_images(\n{''.join(lines)}    )\n"
    )


def _model(architecture):
    return getattr(models, ARCHITECTURES[architecture_of(architecture)])


def _sides(images):
    """Returns the folders, or names of data sets, that are read."""
    if isinstance(images, data.SideBySide):
        return (images.folder,)
    return images if isinstance(images, (tuple, list)) else (images,)


def _check_source(model, images):
    """Refuses what is not as many folders as the task has, before reading."""
    sides = _sides(images)
    known = [side for side in sides if str(side) in data.NAMES]
    pairs = model.task == "image-to-image"
    if isinstance(images, data.SideBySide):
        known = []
        if not pairs:
            raise ValueError(
                f"{model.__name__} trains on single images; side by side they "
                "are for pix2pix, cyclegan, cut and fastcut. Received: pairs "
                f"side by side in {str(images.folder)!r}"
            )
    elif not known and len(sides) != (2 if pairs else 1):
        raise ValueError(
            f"{model.__name__} trains on "
            + (
                "two folders of images, or on one whose files show both side "
                "by side (`--side-by-side left`, `data.SideBySide(folder)`)"
                if pairs
                else "one folder of images"
            )
            + f". Received: {', '.join(map(str, sides))}"
        )
    for side in sides:
        if side not in known and not pathlib.Path(side).is_dir():
            what = "is a file" if os.path.exists(side) else "does not exist"
            raise FileNotFoundError(
                f"A folder of images is needed. {hint(side, data.NAMES)}"
                f"Received: {str(side)!r}, which {what}."
            )


def _checked(model, size, settings):
    """Returns the settings, of which each one is known and makes sense."""
    own = [n for n in init_arguments(model) if n not in _FROM_DATA]
    known = list(dict.fromkeys([*SETTINGS, *own]))
    for name in settings:
        if name not in known:
            raise ValueError(
                f"{model.__name__} has the settings {', '.join(known)}. "
                f"{hint(name, known)}Received: {name}"
            )
    checks.sides(size)
    checks.positive(
        **{k: settings[k] for k in ("epochs", "batch_size") if k in settings}
    )
    for name in RATES:
        value = settings.get(name, 1.0)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            value = math.nan
        if not 0.0 < value < math.inf:
            raise ValueError(
                f"`{name}` must be a positive number. "
                f"Received: {name}={settings[name]!r}"
            )
    augment = [*AUGMENT, *(SEEN if "augment" in own else ())]
    checks.one_of(augment, augment=settings.get("augment", "none"))
    checks.one_of(FITS, fit=settings.get("fit", CROP))
    checks.one_of((True, False), skip_broken=settings.get("skip_broken", True))
    return settings


def _reader(model):
    if model.task == "image-to-image":
        return data.paired if model.paired else data.unpaired
    if "labels" in model.part_names:
        return data.labelled
    return data.captioned if model.task == "text-to-image" else data.images


def _reading(given):
    options = {
        "channels": given.get("channels", 3),
        "skip_broken": given.get("skip_broken", True),
        "fit": given.get("fit", CROP),
    }
    if given.get("augment") in AUGMENT:
        options["augment"] = AUGMENT[given["augment"]]
    return options


def _from_data(model, images, size, given):
    """Returns the arguments of the model."""
    channels = given.get("channels", 3)
    names = init_arguments(model)
    found = {
        "image_size": size,
        "channels": channels,
        "source_channels": channels,
        "target_channels": channels,
        "num_classes": len(_classes(model, images)),
    }
    found = {name: value for name, value in found.items() if name in names}
    if "vocabulary" in names:
        options = {**_reading(given), "augment": None}
        captions = data.captioned(images, size, 1, epochs=1, **options)
        found["vocabulary"] = models.words_of(
            [text.decode() for _, (text,) in captions.as_numpy_iterator()]
        )
    own = {n: v for n, v in given.items() if n in names or n == "dtype"}
    if own.pop("augment", None) in SEEN:
        layer = SEEN[given["augment"]](seed=given.get("seed", 0))
        own["augment"] = keras.saving.serialize_keras_object(layer)
    return {**found, "seed": 0, **own}


def _classes(model, images):
    if "labels" not in model.part_names:
        return ()
    return data.class_names(images)


def _batch_size(gan, count):
    """Returns the default, of fewer images at most all of them."""
    if (shares := gan.batch_shares) > 1:
        return max(1, min(BATCH_SIZE, count // shares)) * shares
    size = min(BATCH_SIZES.get(gan.task, BATCH_SIZE), count)
    if isinstance(gan, models.PacGAN):
        return max(1, size // gan.pack_size) * gan.pack_size
    return size


def _shared_out(gan, total):
    """Returns the arguments by which growth takes the images of a run."""
    growth = Growth.over(total, gan.start_resolution, gan.image_size)
    return {
        "stable_images": growth.stable_images,
        "fade_images": growth.fade_images,
    }


def _build(model, arguments, given, read, batch_size):
    gan = model(**arguments)
    if isinstance(gan, models.VanillaGAN):
        gan.adapt(read(batch_size, epochs=1, augment=None))
    optimizers = []
    for optimizer, own in zip(gan.default_optimizers(), RATES[1:], strict=True):
        rate = given.get(own, given.get("lr"))
        if rate is not None:
            config = {**optimizer.get_config(), "learning_rate": rate}
            optimizer = type(optimizer).from_config(config)
        optimizers.append(optimizer)
    gan.compile(*optimizers)
    return gan


def _name(architecture, images, size):
    names = [re.sub(r"[^\w.-]+", "_", name) for name in _names(images)]
    shape = str(size) if checks.is_whole(size) else size_text(tuple(size))
    return "_".join([architecture_of(architecture), *names, shape])


def _side_by_side(images):
    if isinstance(images, data.SideBySide):
        return {"input": images.input}
    return {}


def _names(images):
    return [pathlib.Path(side).resolve().name for side in _sides(images)]


def _dataset(images):
    if isinstance(images, str) and images in data.NAMES:
        return images
    # No name of a data set that kerasgan has protocols for.
    names = [f"own {n}" if n in data.NAMES else n for n in _names(images)]
    return " and ".join(names)


def _examples(read, count):
    """Returns parts of the first examples: uint8 images, labels, captions."""
    batches = read(min(count, SCORED), epochs=1, augment=None)
    batch = next(iter(batches))
    parts = batch if isinstance(batch, tuple) else (batch,)
    return [
        data.to_uint8(part).numpy() if part.dtype == "float32" else part.numpy()
        for part in parts
    ]


def _score(gan, examples):
    """Returns the distance to training images; see `for_images`."""
    parts = examples()
    images = parts[0]
    if gan.task == "image":
        pairs = [(images, gan.generate(len(images), seed=1))]
    elif gan.task == "image-to-image":
        pairs = [(parts[1], gan.translate(images))]
        if isinstance(gan, models.TwoWayGAN):
            pairs.append((images, gan.translate(parts[1], to="a")))
    else:
        condition = _condition(gan, parts[1])
        pairs = [(images, gan.generate(**condition, seed=1))]
    distances = [mean_distance(*pair) for pair in pairs]
    return {"swd_train": sum(distances) / len(distances)}


def _condition(gan, values):
    if gan.task == "class-to-image":
        return {"labels": values.tolist()}
    return {"captions": [text.decode() for text in values]}


def _sample(gan, examples):
    """Returns samples of the same inputs in every call, rows of eight."""
    if gan.task == "image":
        return gan.generate(64, seed=0)
    if gan.task == "class-to-image":
        labels = np.arange(min(gan.num_classes, 8)).repeat(8)
        return gan.generate(labels=labels.tolist(), seed=0)
    parts = examples()
    if gan.task == "text-to-image":
        return gan.generate(**_condition(gan, parts[1][:64]), seed=0)
    rows = []
    for start in range(0, min(16, len(parts[0])), 8):
        inputs, targets = (part[start : start + 8] for part in parts)
        rows += [inputs, gan.translate(inputs), targets]
        if isinstance(gan, models.TwoWayGAN):
            rows.append(gan.translate(targets, to="a"))
    return np.concatenate(rows)
