"""Turning a finished run into a folder that `zoo.load` reads, and sharing it.

`publish` packs a run: weights, scores, card. `push` puts the folder on the
Hugging Face Hub. `write` makes a folder of any model, without a run.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import tempfile

import numpy as np
from PIL import Image

import kerasgan
import zoo
from kerasgan import (
    checkpoints,
    data,
    evaluation,
    recipes,
    samples,
    training,
    weights,
)
from kerasgan.layers.image_pool import ImagePool
from kerasgan.tasks import TASKS
from zoo import cards, remote

FIRST, BEST = "first.weights.h5", "best.weights.h5"
SAMPLES = "samples.png"
README = "README.md"
FILES = (README, cards.CONFIG, cards.METRICS, cards.WEIGHTS, SAMPLES)
# What a model is shown by beside its samples, where it fits the model.
FIGURES = tuple(evaluation.FIGURES)
COLUMNS = 8

# What the data sets of `kerasgan.data` are, for the cards.
DATA = {
    "fashion_mnist": (
        "Fashion-MNIST, by Xiao, Rasul and Vollgraf (2017), MIT licence: all "
        "60,000 training images, padded with black from 28x28 to 32x32. "
        "https://github.com/zalandoresearch/fashion-mnist"
    ),
    "fluent": (
        "Fluent Emoji, by Microsoft, MIT licence: the training part of the "
        "pairs of flat and rendered emoji. "
        "https://github.com/microsoft/fluentui-emoji"
    ),
    "personas": (
        "Personas, by Draftbit, CC BY 4.0, drawn by DiceBear, MIT licence: the "
        "training part. https://personas.draftbit.com/"
    ),
    "relief": (
        "Blue Marble Next Generation, by NASA Earth Observatory, and shaded "
        "relief of Natural Earth, by Tom Patterson, both in the public domain: "
        "the training part of the patches. "
        "https://visibleearth.nasa.gov/collection/1484/blue-marble"
    ),
}

CARD = """\
# {name}

{description} {architecture}, trained on {dataset}.

![{about_samples}](samples.png)

*{about_samples}*

```python
import zoo

gan = zoo.load("{name}")
{usage}
```

## Scores

{scores}

## Training

| | |
|---|---|
| Recipe | {recipe} |
| Epochs | {epochs} |
| Hours | {hours} on {cores} cores, by the clock |
| Processor | {processor} |
| Precision | {precision}; weights stored in 16 bits |
| Parameters | {parameters} |
| Versions | kerasgan {commit}, Keras {keras}, TensorFlow {tensorflow} |

## What it does badly

{weaknesses}

## Data and licence

{data}

Licence of the weights: {license}.
"""
MEASURED = """\
{table}

The columns beside are yardsticks under the same protocol, which metrics.json
spells out; docs/metrics.md explains each. `epoch 1` is the same model after
its first epoch. Again by `kerasgan evaluate {name}`."""
SHARES = """

What is drawn how often among 10,000 images, as the classifier sees it, and in
brackets how often it sees it in the training images:

{lines}"""
NEIGHBORS = """

Nearest training images of {samples:,} samples, beside {held_out_pictures:,}
real images that it was not trained on (docs/metrics.md, Neighbors):

| Distances in | Median | Median, real | Nearer than median real | Nearer than any real |
|---|---|---|---|---|
{table}"""  # noqa: E501
ARITHMETIC = """

The direction of {value}, the mean latent of {with_it:,} images with them minus
that of {without_it:,} without, added to the latents of {added_to:,} images
without; in brackets a random direction of the same length:

| Times | Shows {value} | Other attributes stay |
|---|---|---|
{table}"""
UNMEASURED = """\
Not measured: kerasgan has no protocol for these data. The weights are those of
epoch {epoch}, which had the lowest `{score}` of the run, {value:.4g}."""
USAGE = {
    "image": "images = gan.generate(16, seed=0)",
    "class-to-image": "images = gan.generate(16, seed=0)",
    "text-to-image": 'images = gan.generate(captions=["..."] * 16, seed=0)',
    "image-to-image": "images = gan.translate(pictures)",
}
# Where a section of the card ends that a person wrote.
END = "(?:## |Licence of the weights: )"
# What the Hub reads at the top of a card.
FRONT_MATTER = """\
---
library_name: keras
tags:
- kerasgan
- gan
- {task}
---

"""


def publish(
    run,
    folder,
    *,
    recipe=None,
    about_data=None,
    weaknesses=None,
    commit=None,
    progress=None,
):
    """Packs a finished run: its best weights, its scores, its card.

    The scores are those of the data set's protocols, if kerasgan has some,
    beside those of real images and of the first epoch. What was packed is
    loaded once before it takes the folder's place, and must draw what
    samples.png shows; if anything goes wrong, the folder stays as it was.

    Args:
        run: str or path of the run's folder, made by `kerasgan train`.
        folder: str or path. Where to; its last part is the model's name.
        recipe: str, path or `None`. The run's recipe, name or file; it is
            run. Defaults to the one that the run was made by.
        about_data: str or `None`. What the model was trained on, who made it
            and under which licence. Defaults to what is known of the data
            sets of kerasgan, else to what the present card says.
        weaknesses: str or `None`. What the model does badly, as a person saw
            it. Defaults to what the present card says.
        commit: str or `None`. Of kerasgan, that the run was made by.
            Defaults to the version that the run names.
        progress: Callable or `None`. Called as `progress(done, total)` while
            images are measured.

    Returns:
        str, the sha256 of config.json: what an address may end in.

    Raises:
        ValueError: If the run is not of the recipe, the folder's name is
            none, or something about the model is left to be said.
        OSError: If the run is not finished, or its data are not prepared.
    """
    run, folder = pathlib.Path(run), pathlib.Path(folder).absolute()
    recipe, gan = _recipe(run, recipe)
    check_name(folder.name)
    weaknesses = _told(
        weaknesses,
        folder,
        "What it does badly",
        f"what the model does badly; look at the pictures in {run / 'samples'}",
    )
    about_data = _told(
        about_data or DATA.get(recipe.dataset),
        folder,
        "Data and licence",
        "what the model was trained on, who made it, and under which licence",
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as scratch:
        new = pathlib.Path(scratch, folder.name)
        first = pathlib.Path(scratch, "first", folder.name)
        _write(recipe, gan, run / FIRST, first)
        _write(recipe, gan, run / BEST, new)
        about = training_summary(run, gan.loss_names)
        about["commit"] = commit or about["kerasgan"]
        metrics = {**_measure(new, first, progress), "training": about}
        write_json(new / cards.METRICS, metrics)
        text = _card(new, recipe, metrics, weaknesses, about_data)
        (new / README).write_text(text, "utf-8")
        _check(recipe, new)
        folder.mkdir(exist_ok=True)
        for name in FILES:
            os.replace(new / name, folder / name)
        for name in FIGURES:
            (folder / name).unlink(missing_ok=True)
            if (new / name).is_file():
                os.replace(new / name, folder / name)
    return hashlib.sha256((folder / cards.CONFIG).read_bytes()).hexdigest()


def push(folder, address):
    """Uploads a published folder to the Hugging Face Hub.

    The repository is made if there is none. Nothing but the five files of a
    published folder and its figures leaves this machine.

    Args:
        folder: str or path, as `publish` made it.
        address: str. `hf://user/repository`.

    Returns:
        str, the address with the new commit: exactly what was uploaded.

    Raises:
        ValueError: If the address is not of that form.
        ImportError: If the extra `hub` is not installed.
        OSError: If the Hub refuses.
    """
    repository = repository_of(address)
    folder = pathlib.Path(folder)
    config, _ = cards.read(folder)
    with tempfile.TemporaryDirectory() as scratch:
        figures = [name for name in FIGURES if (folder / name).exists()]
        for name in (*FILES, *figures):
            shutil.copy(cards.own_file(folder, name), scratch)
        readme = pathlib.Path(scratch, README)
        text = FRONT_MATTER.format(**config) + readme.read_text("utf-8")
        readme.write_text(text, "utf-8")
        with remote.one_sentence(address):
            hub = remote.client().HfApi()
            hub.create_repo(repository, exist_ok=True)
            commit = hub.upload_folder(
                repo_id=repository,
                folder_path=scratch,
                commit_message=f"Publish {config['name']} "
                f"(kerasgan {kerasgan.__version__})",
                allow_patterns=[*FILES, *figures],
            )
    return f"{address}@{commit.oid}"


def repository_of(address):
    """Returns the repository of an address that can be pushed to.

    Args:
        address: str. `hf://user/repository`.

    Raises:
        ValueError: If the address is not of that form.
        ImportError: If the extra `hub` is not installed.
    """
    hub = remote.Hub(address)
    if hub.revision:
        raise ValueError(
            "A model is pushed to a repository, not to a revision of it. "
            f"Received: {address}"
        )
    remote.client()
    return hub.repository


def check_name(name):
    """Refuses a name that no model can have.

    Args:
        name: str.

    Raises:
        ValueError: If it is not a plain folder's name.
    """
    if not cards.NAME.fullmatch(name):
        raise ValueError(
            "The folder's name is the model's, and must be made of letters, "
            "digits, '.', '_' and '-', such as dcgan_fashion_mnist_32. "
            f"Received: {name!r}"
        )


def write(
    gan,
    folder,
    *,
    dataset,
    description,
    license,
    recipe,
    classes=(),
    features=None,
    sample=None,
    half=True,
):
    """Writes a model as `zoo.load` reads it.

    The averaged generators take the place of the trained ones, weights are
    stored in 16 bits unless told otherwise, and optimizers are left out. The
    model that is given stays as it is.

    Args:
        gan: A built `GAN`.
        folder: str or path, whose last part is the model's name. Made if
            missing.
        dataset: str. What it was trained on.
        description: str. One sentence.
        license: str. Of the weights.
        recipe: str. What `kerasgan train` takes.
        classes: Sequence of str. Names of the classes. Defaults to none.
        features: str or `None`. What `zoo.features` measures it with.
        sample: Callable from the model to the uint8 images of samples.png.
            `None` from it leaves the file out. Defaults to 64 images of seed
            0.
        half: bool. Whether weights are stored in 16 bits. Defaults to `True`.
    """
    folder = pathlib.Path(folder)
    check_name(folder.absolute().name)
    folder.mkdir(parents=True, exist_ok=True)
    # A copy that was never compiled has no optimizers to be stored, and draws
    # as the loaded model will, whatever the precision of training.
    trained = gan.get_weights()
    gan = type(gan).from_config({**gan.get_config(), "dtype": "float32"})
    gan.set_weights(trained)
    for name in gan.generator_names:
        average = getattr(gan, f"average_{name}")
        getattr(gan, name).set_weights(average.get_weights())
    for layer in gan.layers:
        # What training remembers is large, and nothing to publish.
        if isinstance(layer, ImagePool):
            layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    with tempfile.TemporaryDirectory() as scratch:
        whole = pathlib.Path(scratch, "whole.weights.h5")
        small = pathlib.Path(scratch, "model.weights.h5")
        gan.save_weights(whole)
        weights.compact(whole, small, half)
        content = small.read_bytes()
        gan.load_weights(small)  # It draws as the loaded model will.
    checkpoints.write_atomically(folder / cards.WEIGHTS, content)
    config = {
        "format": cards.FORMAT,
        "name": folder.absolute().name,
        "architecture": type(gan).__name__,
        "arguments": gan.arguments(),
        "task": gan.task,
        "dataset": dataset,
        TASKS[gan.task].shape: list(gan.sample_shape),
        "classes": list(classes),
        "parameters": {
            name: getattr(gan, name).count_params()
            for name in (*gan.generator_names, *gan.discriminator_names)
        },
        "license": license,
        "description": description,
        "recipe": recipe,
        "features": features,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    write_json(folder / cards.CONFIG, config)
    images = sample(gan) if sample else gan.generate(64, seed=0)
    if images is not None:
        path = folder / TASKS[gan.task].samples
        samples.write(path, images, gan.task, COLUMNS)


def write_json(path, content):
    """Writes JSON for people to read.

    Args:
        path: `pathlib.Path`.
        content: What `json` takes.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    checkpoints.write_atomically(path, text.encode())


def training_summary(run, loss_names):
    """Returns what a run's folder tells about its training.

    Args:
        run: `pathlib.Path` of the run's folder.
        loss_names: Sequence of str. What the model's training reports.

    Returns:
        dict of `epochs`, `hours` (of this run alone on the clock), `kept` (the
        epoch of the best weights, its score's name and its value),
        `processor`, `cores`, `precision` and the versions used.
    """
    about = json.loads((run / "run.json").read_text("utf-8"))
    lines = (run / "log.jsonl").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    seconds = sum(entry["seconds"] for entry in entries)
    # After the losses come the scores, and the first one decides.
    known = {"epoch", "seconds", *loss_names}
    scored = [entry for entry in entries if set(entry) - known]
    score = next(name for name in scored[0] if name not in known)
    best = min(scored, key=lambda entry: entry[score])
    return {
        "epochs": entries[-1]["epoch"],
        "hours": round(seconds / 3600, 2),
        "kept": {"epoch": best["epoch"], "score": score, "value": best[score]},
        **{
            key: about[key]
            for key in (
                "processor",
                "cores",
                "precision",
                "seed",
                "kerasgan",
                "keras",
                "tensorflow",
            )
        },
    }


def scores_table(metrics):
    """Returns the scores beside their yardsticks, as Markdown.

    Args:
        metrics: dict of `scores` and `yardsticks`.
    """
    columns = {"this model": metrics["scores"], **metrics["yardsticks"]}
    lines = [
        "| Protocol | Score | " + " | ".join(columns) + " |",
        "|---" * (2 + len(columns)) + "|",
    ]
    for protocol, entry in metrics["scores"].items():
        measured = [scores.get(protocol) for scores in columns.values()]
        several = isinstance(entry["value"], dict)
        for name in entry["value"] if several else [entry["metric"]]:
            cells = [
                "–"
                if one is None
                else f"{one['value'][name] if several else one['value']:.4g}"
                for one in measured
            ]
            lines.append(f"| `{protocol}` | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _recipe(run, given):
    """Returns the recipe of a run, after a look at whether it is; a model."""
    for name in ("run.json", "log.jsonl", FIRST, BEST):
        if not (run / name).is_file():
            raise FileNotFoundError(
                f"{run} is not the folder of a finished run, which "
                f"`kerasgan train` makes: there is no {name}."
            )
    about = json.loads((run / "run.json").read_text("utf-8"))
    if given is None:
        built_in = about["recipe"] in recipes.names()
        given = about["recipe"] if built_in else run / "recipe.py"
    recipe, _ = recipes.load(given)
    gan = training.build(recipe)
    now = {
        "recipe": recipe.name,
        "architecture": type(gan).__name__,
        "arguments": json.loads(json.dumps(gan.arguments())),
    }
    for key, value in now.items():
        if about[key] != value:
            raise ValueError(
                f"The run in {run} was not made by this recipe: its {key} "
                f"must be {about[key]}. Received: {value}"
            )
    return recipe, gan


def _told(given, folder, heading, what):
    """Returns what a person says, now or on the present card."""
    path = folder / README
    if not given and path.is_file():
        text = path.read_text("utf-8")
        found = re.search(rf"## {heading}\n\n(.+?)\n\n{END}", text, re.S)
        given = found and found[1]
    if not given:
        option = {"What it does badly": "--weaknesses"}.get(heading, "--data")
        raise ValueError(
            f"A card says {what}. No one can know that but you: `{option}`."
        )
    return given


def _write(recipe, gan, path, folder):
    gan.load_weights(path)
    write(
        gan,
        folder,
        dataset=recipe.dataset,
        description=recipe.description,
        license=recipe.license,
        recipe=recipe.name,
        classes=recipe.classes,
        features=recipe.features,
        sample=recipe.sample,
    )


def _measure(folder, first, progress):
    """Returns scores and yardsticks, if there is a protocol for the data."""
    card = zoo.card(folder)
    if not evaluation.is_measured(card.dataset, card.task):
        return {}
    metrics = evaluation.measure(folder, figures=folder, progress=progress)
    metrics["yardsticks"]["epoch 1"] = evaluation.evaluate(
        first, progress=progress
    )
    return metrics


def _card(folder, recipe, metrics, weaknesses, about_data):
    """Returns the text of the model card."""
    config, _ = cards.read(folder)
    if "scores" in metrics:
        scores = MEASURED.format(table=scores_table(metrics), **config)
        scores += _details(metrics)
        for name, shown in evaluation.FIGURES.items():
            if (folder / name).is_file():
                scores += f"\n\n![{shown}]({name})\n\n*{shown}*"
    else:
        scores = UNMEASURED.format(**metrics["training"]["kept"])
    usage = USAGE[config["task"]]
    height, width, channels = config["image_shape"]
    if config["task"] != "image-to-image":
        usage += f"  # uint8, (16, {height}, {width}, {channels})"
    about_samples = (
        "Drawn as the recipe says, not selected."
        if recipe.sample
        else "`gan.generate(64, seed=0)`, not selected."
    )
    parameters = ", ".join(
        f"{name} {count:,}" for name, count in config["parameters"].items()
    )
    epochs = metrics["training"]["epochs"]
    stopped = f" --epochs {epochs}" if epochs < recipe.epochs else ""
    command = f"`kerasgan train {recipe.name}{stopped}`"
    if recipe.name not in recipes.names():
        command = f"`{recipe.name}`, the author's own"
    fields = {**config, **metrics["training"]}
    fields |= {"parameters": parameters, "recipe": command}
    return CARD.format(
        **fields,
        about_samples=about_samples,
        usage=usage,
        scores=scores,
        weaknesses=weaknesses,
        data=about_data,
    )


def _details(metrics):
    """Returns what was measured beside scores, as Markdown."""
    text = ""
    if "shares" in metrics:
        drawn, real = metrics["shares"]["drawn"], metrics["shares"]["real"]
        lines = [
            f"- {attribute}: "
            + ", ".join(
                f"{value} {share:.1%} ({real[attribute][value]:.1%})"
                for value, share in values.items()
            )
            for attribute, values in drawn.items()
        ]
        text += SHARES.format(lines="\n".join(lines))
    if "neighbors" in metrics:
        rows = [
            f"| {space} | {found['median']:.4g} | "
            f"{found['held_out_median']:.4g} | "
            f"{found['nearer_than_median']:.1%} | "
            f"{found['nearer_than_any']:.1%} |"
            for space, found in metrics["neighbors"].items()
        ]
        first = next(iter(metrics["neighbors"].values()))
        text += NEIGHBORS.format(table="\n".join(rows), **first)
    if "arithmetic" in metrics:
        found = metrics["arithmetic"]
        rows = [
            f"| {times} | {one['shows_it']:.1%} ({one['random_shows_it']:.1%}) "
            f"| {one['others_kept']:.1%} ({one['random_others_kept']:.1%}) |"
            for times, one in found["times"].items()
        ]
        text += ARITHMETIC.format(table="\n".join(rows), **found)
    return text


def _check(recipe, folder):
    """Loads what was packed, and compares what it draws."""
    gan = zoo.load(folder)
    images = recipe.sample(gan) if recipe.sample else gan.generate(64, seed=0)
    if images is None:
        return
    drawn = data.grid(images, COLUMNS).astype(int)
    with Image.open(folder / SAMPLES) as picture:
        kept = np.asarray(picture).reshape(drawn.shape)
    if np.abs(drawn - kept).max() > 1:
        raise OSError(
            f"The packed model does not draw what {SAMPLES} shows, so nothing "
            "was published. Is the recipe's `sample` the same in every call?"
        )
