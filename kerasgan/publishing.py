"""Packs finished runs into folders that `zoo.load` reads, and uploads them.

`publish` packs a run: weights, scores, card. `push` uploads the folder to the
Hugging Face Hub. `write` makes a folder of any model, without a run.
"""

import hashlib
import json
import math
import os
import pathlib
import shutil
import tempfile

import kerasgan
import zoo
from kerasgan import (
    checkpoints,
    evaluation,
    hub_card,
    model_card,
    plain_json,
    recipes,
    samples,
    training,
    weights,
)
from kerasgan.tasks import TASKS
from zoo import cards, remote

FIRST, BEST = "first.weights.h5", "best.weights.h5"
README = model_card.README
# Figures besides the samples, where they fit the model.
FIGURES = tuple(evaluation.FIGURES)


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
    beside those of the baselines and of the first epoch. Before it replaces
    the folder, the packed model is loaded once and must generate the samples
    again; if anything fails, the folder stays as it was.

    Args:
        run: str or path of the run's folder, made by `kerasgan train`.
        folder: str or path. Destination; its last part is the model's name.
        recipe: str, path or `None`. The run's recipe, name or file; its code
            is executed. Defaults to the one of the run.
        about_data: str or `None`. Source, authors and licence of the training
            data. Defaults to those of the data sets of kerasgan, else to the
            present card.
        weaknesses: str or `None`. What the model does badly, as its author
            saw it. Defaults to the present card.
        commit: str or `None`. Of kerasgan during the run. Defaults to the
            version that the run names.
        progress: Callable or `None`. Called as `progress(done, total)` while
            the model is measured.

    Returns:
        str, the sha256 of config.json: what an address may end in.

    Raises:
        ValueError: If the run is not of the recipe, the folder's name cannot
            be a model's, or a section of the card is missing.
        OSError: If the run is not finished, or its data are not prepared.
    """
    run, folder = pathlib.Path(run), pathlib.Path(folder).absolute()
    recipe, gan = _recipe(run, recipe)
    check_name(folder.name)
    weaknesses = model_card.from_user_or_card(
        weaknesses,
        folder,
        model_card.WEAKNESSES,
        f"what the model does badly (see {run / 'samples'})",
    )
    about_data = model_card.from_user_or_card(
        about_data or model_card.credit(recipe.dataset),
        folder,
        model_card.DATA,
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
        text = model_card.text(new, recipe, metrics, weaknesses, about_data)
        (new / README).write_text(text, "utf-8")
        _check(recipe, new)
        folder.mkdir(exist_ok=True)
        for name in files(gan.task):
            os.replace(new / name, folder / name)
        for name in FIGURES:
            (folder / name).unlink(missing_ok=True)
            if (new / name).is_file():
                os.replace(new / name, folder / name)
    return sha256_of(folder)


def sha256_of(folder):
    """Returns the sha256 of config.json, which identifies a model.

    Args:
        folder: `pathlib.Path`.
    """
    return hashlib.sha256((folder / cards.CONFIG).read_bytes()).hexdigest()


def push(folder, address, base_model=None):
    """Uploads a published folder to the Hugging Face Hub.

    The repository is made if there is none. Only the five files of a
    published folder and its figures are uploaded. The card gets the Hub's
    metadata and loads the model from its new address.

    Args:
        folder: str or path, as `publish` made it.
        address: str. `hf://user/repository`.
        base_model: str or `None`. `user/repository` of the weights that it was
            trained from, if they are on the Hub. Defaults to `None`.

    Returns:
        str, the address with the new commit, which identifies the upload.

    Raises:
        ValueError: If the address or the base model is not of that form, or
            the card does not show how to load the model.
        ImportError: If the extra `hub` is not installed.
        OSError: If the Hub refuses.
    """
    repository = repository_of(address)
    if base_model is not None:
        repository_of(f"hf://{base_model}")
    folder = pathlib.Path(folder)
    config, _ = cards.read(folder)
    with tempfile.TemporaryDirectory() as scratch:
        figures = [name for name in FIGURES if (folder / name).exists()]
        published = [*files(config["task"]), *figures]
        for name in published:
            shutil.copy(cards.own_file(folder, name), scratch)
        text = hub_card.text(folder, address, sha256_of(folder), base_model)
        pathlib.Path(scratch, README).write_text(text, "utf-8")
        with remote.one_sentence(address):
            hub = remote.client().HfApi()
            hub.create_repo(repository, exist_ok=True)
            commit = hub.upload_folder(
                repo_id=repository,
                folder_path=scratch,
                commit_message=f"Publish {config['name']} "
                f"(kerasgan {kerasgan.__version__})",
                allow_patterns=published,
            )
    return f"{address}@{commit.oid}"


def files(task):
    """Returns the names of the files of a published folder.

    Args:
        task: str. Of the model.

    Returns:
        Tuple of str, without figures.
    """
    shown = TASKS[task].samples
    return README, cards.CONFIG, cards.METRICS, cards.WEIGHTS, shown


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
            "A model is pushed to a repository, not to a revision. "
            f"Received: {address}"
        )
    remote.client()
    return hub.repository


def check_name(name):
    """Refuses a name that cannot be a model's.

    Args:
        name: str.

    Raises:
        ValueError: If it is not a plain folder name.
    """
    if not cards.NAME.fullmatch(name):
        raise ValueError(
            "The name of the folder is that of the model, and must consist of "
            "letters, digits, '.', '_' and '-', such as "
            "dcgan_fashion_mnist_32. "
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
    """Writes a model as a folder that `zoo.load` reads.

    Averaged networks replace the trained ones, weights are stored in 16 bits
    by default, and optimizers are left out. The given model stays as it is.

    Args:
        gan: A built `GAN`.
        folder: str or path, whose last part is the model's name. Made if
            missing.
        dataset: str. Name of the training data.
        description: str. One sentence.
        license: str. Of the weights.
        recipe: str. What `kerasgan train` takes.
        classes: Sequence of str. Names of the classes. Defaults to none.
        features: str or `None`. Argument of `zoo.features` for its metric.
        sample: Callable from the model to its samples, uint8 images or str.
            If it returns `None`, there is no file of samples. Defaults to 64
            samples of seed 0.
        half: bool. Whether weights are stored in 16 bits. Defaults to `True`.
    """
    folder = pathlib.Path(folder)
    check_name(folder.absolute().name)
    folder.mkdir(parents=True, exist_ok=True)
    gan = without_training(gan)
    for name in (*gan.generator_names, *gan.discriminator_names):
        average = getattr(gan, f"average_{name}", None)
        if average is not None:
            getattr(gan, name).set_weights(average.get_weights())
    gan.clear_memory()
    with tempfile.TemporaryDirectory() as scratch:
        whole = pathlib.Path(scratch, "whole.weights.h5")
        small = pathlib.Path(scratch, "model.weights.h5")
        gan.save_weights(whole)
        weights.compact(whole, small, half)
        content = small.read_bytes()
        gan.load_weights(small)  # Samples are those of the loaded model.
    checkpoints.write_atomically(folder / cards.WEIGHTS, content)
    task = TASKS[gan.task]
    config = {
        "format": cards.FORMAT,
        "name": folder.absolute().name,
        "architecture": type(gan).__name__,
        "arguments": gan.arguments(),
        "task": gan.task,
        "dataset": dataset,
        task.shape: list(gan.sample_shape),
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
    shown = _samples(gan, sample)
    if shown is not None:
        samples.write(folder / task.samples, shown, gan.task)


def without_training(gan):
    """Returns a copy of a model without what only its training needs.

    It has neither optimizers nor augmentation, and computes in float32 as a
    loaded model does.

    Args:
        gan: A built `GAN`.
    """
    config = {**gan.get_config(), "dtype": "float32"}
    left_out = set()
    if config.get("augment") is not None:
        config["augment"] = None
        left_out = {id(v) for v in gan.augment.weights}
    copy = type(gan).from_config(config)
    kept = [v.numpy() for v in gan.weights if id(v) not in left_out]
    copy.set_weights(kept)
    return copy


def write_json(path, content):
    """Writes indented JSON.

    Args:
        path: `pathlib.Path`.
        content: A value that `json` can write.
    """
    text = plain_json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    checkpoints.write_atomically(path, text.encode())


def training_summary(run, loss_names):
    """Summarizes the training from the folder of a run.

    Args:
        run: `pathlib.Path` of the run's folder.
        loss_names: Sequence of str. Losses that the model reports.

    Returns:
        dict of `epochs`, `hours` (wall time), `kept` (epoch of the best
        weights, name and value of its score), `processor`, `cores`,
        `precision` and the versions used; `framework` and `twin` of a run
        that was made in PyTorch (scripts/train_in_pytorch.py).
    """
    about = json.loads((run / "run.json").read_text("utf-8"))
    lines = (run / "log.jsonl").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    seconds = sum(entry["seconds"] for entry in entries)
    # The scores follow the losses, and the first one decides.
    known = {"epoch", "seconds", "resolution", *loss_names}
    scored = [entry for entry in entries if set(entry) - known]
    score = next(name for name in scored[0] if name not in known)
    values = [float(entry[score]) for entry in scored]
    best = values.index(min(values, key=lambda v: (math.isnan(v), v)))
    return {
        "epochs": entries[-1]["epoch"],
        "hours": round(seconds / 3600, 2),
        "kept": {
            "epoch": scored[best]["epoch"],
            "score": score,
            "value": values[best],
        },
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
                "framework",
                "twin",
            )
            if key in about
        },
    }


def _recipe(run, given):
    """Loads the run's recipe, checks that they match, and builds the model."""
    for name in ("run.json", "log.jsonl", FIRST, BEST):
        if not (run / name).is_file():
            raise FileNotFoundError(
                f"{run} is not the folder of a finished run of "
                f"`kerasgan train`: there is no {name}."
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
    """Returns scores and baselines, if there is a protocol for the data."""
    card = zoo.card(folder)
    if not evaluation.is_measured(card.dataset, card.task):
        return {}
    return evaluation.measure(
        folder, folder, earlier={"epoch 1": first}, progress=progress
    )


def _samples(gan, sample):
    """Returns the samples that represent a model, or `None`."""
    return sample(gan) if sample else gan.generate(64, seed=0)


def _check(recipe, folder):
    """Loads what was packed, and compares its samples with the file's."""
    gan = zoo.load(folder)
    shown = _samples(gan, recipe.sample)
    if shown is None:
        return
    task = TASKS[gan.task]
    if not samples.matches(folder / task.samples, shown, gan.task):
        raise OSError(
            "The packed model does not generate the samples of "
            f"{task.samples}, so nothing was published. Does the recipe's "
            "`sample` return the same in every call?"
        )
