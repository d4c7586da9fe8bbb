"""Pretrained models: `zoo.list()`, `zoo.card(name)`, `zoo.load(name)`.

Listing and reading cards does not import TensorFlow.
"""

import dataclasses
import difflib
import hashlib
import json
import pathlib
import types

_FOLDER = pathlib.Path(__file__).parent
_FORMAT = 1
_WEIGHTS = "model.weights.h5"
_list = list  # The public `list` hides Python's.

__all__ = ["Card", "card", "features", "folder", "list", "load"]


@dataclasses.dataclass(frozen=True)
class Card:
    """What is known about a trained model.

    Attributes:
        name: str. `<model>_<dataset>_<resolution>`.
        task: str. `"image"`, `"class-to-image"`, `"text-to-image"` or
            `"image-to-image"`.
        architecture: str. Name of the class in `kerasgan.models`.
        dataset: str. What it was trained on.
        image_shape: Tuple of ints `(height, width, channels)`.
        classes: Tuple of str. Names of the classes; empty if there are none.
        parameters: Mapping of network name to its number of parameters.
        license: str. Of the weights.
        description: str. One sentence.
        scores: Mapping of score name to a mapping with its `value`, its
            `protocol` and more. See docs/metrics.md.
        sha256: str. Of the weights file.
        recipe: str. What `kerasgan train` takes to make it again.
    """

    name: str
    task: str
    architecture: str
    dataset: str
    image_shape: tuple
    classes: tuple
    parameters: types.MappingProxyType
    license: str
    description: str
    scores: types.MappingProxyType
    sha256: str
    recipe: str


def list(task=None):
    """Returns the names of the models in the zoo.

    Args:
        task: str or `None`. One of the tasks of `Card`, or `"features"` for
            the networks that scores are measured with. Defaults to all
            generative models.

    Returns:
        Tuple of str, sorted.

    Raises:
        ValueError: If there is no such task.

    Example:
    ```python
    zoo.list("class-to-image")
    ```
    """
    tasks = {path.parent.name: _task(path) for path in _configs()}
    known = sorted({*tasks.values(), "image"})
    if task is not None and task not in known:
        raise ValueError(
            f"`task` must be one of {known}, or None for all. "
            f"Received: task={task!r}"
        )
    wanted = set(known) - {"features"} if task is None else {task}
    return tuple(sorted(name for name, t in tasks.items() if t in wanted))


def card(name):
    """Returns what is known about a model, without loading it.

    Args:
        name: str or path. A name from `zoo.list()`, or a folder of the same
            form.

    Returns:
        A `Card`.

    Raises:
        ValueError: If the name is not in the zoo, or the folder does not
            describe a model.
    """
    return _card(*_config(_find(name)))


def load(name):
    """Returns a trained model, ready to generate, train, measure and export.

    Args:
        name: str or path. A name from `zoo.list()`, such as
            `"dcgan_fashion_mnist_32"`, or a folder of the same form.

    Returns:
        A `GAN`, compiled with its paper's optimizers.

    Raises:
        ValueError: If the name is not in the zoo (the nearest one is
            suggested), or the folder does not describe a model.
        OSError: If the weights are missing or are not those of the card.

    Example:
    ```python
    gan = zoo.load("dcgan_fashion_mnist_32")
    images = gan.generate(16, seed=0)  # uint8, (16, 32, 32, 1)
    ```
    """
    folder = _find(name)
    config, metrics = _config(folder)
    information = _card(config, metrics)
    _check_weights(folder, information.sha256)

    from kerasgan import models

    architectures = models.architectures()
    if information.architecture not in architectures:
        raise ValueError(
            "`architecture` must be one of "
            f"{', '.join(sorted(architectures))}. "
            f"Received: {information.architecture!r} in {folder}"
        )
    arguments = config["arguments"]
    model_class = architectures[information.architecture]
    unknown = set(arguments) - set(models.base.init_arguments(model_class))
    if unknown:
        raise ValueError(
            f"{information.architecture} does not take "
            f"{', '.join(sorted(unknown))}; is the folder from a newer "
            f"version of kerasgan? Received: {folder}"
        )
    gan = model_class(**arguments, name=information.name)
    gan.load_weights(folder / _WEIGHTS)
    gan.class_names = information.classes or None
    gan.compile(metrics=_metrics(config))
    return gan


def features(name):
    """Returns a network whose features images can be compared by.

    Args:
        name: str. `"fashion_mnist"`: a classifier of Fashion-MNIST padded to
            32x32, in the zoo as `classifier_fashion_mnist_32`.

    Returns:
        A `kerasgan.metrics.FeatureNetwork`.

    Raises:
        ValueError: If the zoo has no such features.
        OSError: If the weights are missing or are not those of the card.
    """
    from kerasgan import metrics

    folders = {
        n.split("_", 1)[1].rsplit("_", 1)[0]: n for n in list("features")
    }
    if name not in folders:
        raise ValueError(
            f"The zoo has features for {', '.join(folders)}. Received: {name!r}"
        )
    return metrics.FeatureNetwork.load(_FOLDER / folders[name])


def folder(name):
    """Returns where a model or feature network of the zoo lies.

    Args:
        name: str. From `zoo.list()` or `zoo.list("features")`; or a folder.

    Returns:
        `pathlib.Path`.

    Raises:
        ValueError: If the zoo has no such name.
    """
    return _find(name)


def _configs():
    return sorted(_FOLDER.glob("*/config.json"))


def _task(path):
    return json.loads(path.read_text("utf-8")).get("task", "features")


def _find(name):
    folder = _FOLDER / str(name)
    if str(name) in {path.parent.name for path in _configs()}:
        return folder
    folder = pathlib.Path(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ValueError(
                "A model's folder holds config.json and model.weights.h5. "
                f"Received: {folder}, which has no config.json"
            )
        return folder
    near = difflib.get_close_matches(str(name), list(), n=1, cutoff=0.0)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise ValueError(
        f"Unknown model: {str(name)!r}. {hint}`zoo.list()` names them all; "
        "a folder must exist."
    )


def _config(folder):
    """Reads the two files of a model's folder, and trusts neither."""
    config = _json(folder / "config.json")
    fields = {
        "format": int,
        "name": str,
        "architecture": str,
        "arguments": dict,
        "task": str,
        "dataset": str,
        "image_shape": _list,
        "classes": _list,
        "parameters": dict,
        "license": str,
        "description": str,
        "recipe": str,
        "sha256": str,
    }
    for field, kind in fields.items():
        if not isinstance(config.get(field), kind):
            raise ValueError(
                f"{folder / 'config.json'} does not describe a model of "
                f"kerasgan: {field!r} must be of type {kind.__name__}. "
                f"Received: {config.get(field)!r}"
            )
    if config["format"] != _FORMAT:
        raise ValueError(
            f"This version of kerasgan reads format {_FORMAT}. Received: "
            f"format {config['format']} in {folder}"
        )
    path = folder / "metrics.json"
    return config, _json(path) if path.is_file() else {}


def _json(path):
    try:
        content = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(
            f"{path} must hold a JSON object. Received: "
            f"{type(content).__name__}"
        )
    return content


def _card(config, metrics):
    return Card(
        scores=types.MappingProxyType(metrics.get("scores", {})),
        image_shape=tuple(config["image_shape"]),
        classes=tuple(config["classes"]),
        parameters=types.MappingProxyType(config["parameters"]),
        **{
            field: config[field]
            for field in (
                "name",
                "task",
                "architecture",
                "dataset",
                "license",
                "description",
                "sha256",
                "recipe",
            )
        },
    )


def _check_weights(folder, sha256):
    path = folder / _WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(
            f"The weights are missing: {path}. Install the package again, or "
            "copy the whole folder."
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise OSError(
            f"The weights in {path} are not those of the card, so nothing was "
            "loaded; the file is damaged or was replaced. Received: "
            f"sha256 {found[:16]}..., expected {sha256[:16]}..."
        )


def _metrics(config):
    if not config.get("features"):
        return []
    from kerasgan import metrics

    return [metrics.FrechetDistance(features(config["features"]))]
