"""Pretrained models: `zoo.list()`, `zoo.card(name)`, `zoo.load(name)`.

Listing and reading cards does not import TensorFlow.
"""

import functools
import json
import pathlib

from kerasgan import names as _names
from kerasgan.tasks import TASKS as _TASKS
from zoo import cards as _cards
from zoo.cards import Card as Card

_FOLDER = pathlib.Path(__file__).parent

__all__ = ["Card", "card", "features", "folder", "list", "load"]


def list(task=None):
    """Returns the names of the models in the zoo.

    Args:
        task: str or `None`. A key of `kerasgan.tasks.TASKS`, or `"features"`
            for the feature networks of the scores. Defaults to all generative
            models.

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
    known = (*_TASKS, "features")
    if task is not None and task not in known:
        raise ValueError(
            f"`task` must be one of {', '.join(known)}, or None for all. "
            f"{_names.hint(task, known)}Received: task={task!r}"
        )
    requested = _TASKS if task is None else (task,)
    return tuple(sorted(name for name, t in tasks.items() if t in requested))


def card(name):
    """Returns the metadata of a model, without loading it.

    Args:
        name: str or path, as for `load`. From an address only the card is
            fetched.

    Returns:
        A `Card`.

    Raises:
        ValueError: If the name is not in the zoo, or the folder does not
            describe a model.
        OSError: If it is at an address and cannot be fetched.
    """
    return _cards.card(*_cards.read(_find(name, whole=False)))


def load(name):
    """Returns a trained model, ready to generate, train, evaluate and export.

    Loading never runs code from the folder or address; see SECURITY.md.

    Args:
        name: str or path. A name from `zoo.list()`, such as
            `"dcgan_fashion_mnist_32"`; a folder made by `kerasgan publish`;
            the `https://` address of one; or `hf://user/repository`,
            optionally with `@revision`, on the Hugging Face Hub (extra
            `hub`). An address may end in `#sha256=` and the sha256 of
            config.json; any other model is then refused. Downloads are cached
            in `KERASGAN_HOME`, by default `.kerasgan` in the home directory;
            with `KERASGAN_OFFLINE=1` no server is contacted.

    Returns:
        A `GAN`, compiled with its paper's optimizers.

    Raises:
        ValueError: If the name is not in the zoo (one that is
            near is suggested), or the folder does not describe a model.
        OSError: If the weights are missing, are not those of the card, or
            cannot be fetched.

    Example:
    ```python
    gan = zoo.load("dcgan_fashion_mnist_32")
    images = gan.generate(16, seed=0)  # uint8, (16, 32, 32, 1)
    ```
    """
    folder = _find(name)
    config, _ = _cards.read(folder)
    from zoo import loading

    gan = loading.build(folder, config)
    gan.class_names = config["classes"] or None
    gan.compile()
    if config.get("features"):
        features_folder = _features_folder(config["features"])
        gan.evaluate_with(functools.partial(_metrics, features_folder))
    return gan


def features(name):
    """Returns a feature network for the scores of images.

    Args:
        name: str. The data set that it was trained on:
            `"fashion_mnist"` (padded to 32x32), `"personas"` or `"relief"`.
            `zoo.list("features")` gives the folder names.

    Returns:
        A `kerasgan.metrics.FeatureNetwork`.

    Raises:
        ValueError: If the zoo has no such features.
        OSError: If the weights are missing or are not those of the card.
    """
    from kerasgan import metrics

    return metrics.FeatureNetwork.load(_features_folder(name))


def folder(name):
    """Returns the folder of a model or feature network.

    Args:
        name: str or path, as for `load`, or from `zoo.list("features")`. A
            model at an address is fetched.

    Returns:
        `pathlib.Path`.

    Raises:
        ValueError: If the zoo has no such name.
        OSError: If it is at an address and cannot be fetched.
    """
    return _find(name)


def _configs():
    return sorted(_FOLDER.glob("*/config.json"))


def _task(path):
    return json.loads(path.read_text("utf-8")).get("task", "features")


def _find(name, whole=True):
    """Returns the folder of a model; `whole` also fetches the weights."""
    if "://" in str(name):
        from zoo import remote

        return remote.folder(name) if whole else remote.card_folder(name)
    folder = _FOLDER / str(name)
    if str(name) in {path.parent.name for path in _configs()}:
        return folder
    folder = pathlib.Path(name)
    if folder.is_dir():
        if not (folder / _cards.CONFIG).is_file():
            raise ValueError(
                "A model's folder holds config.json and model.weights.h5. "
                f"Received: {folder}, which has no config.json"
            )
        return folder
    raise ValueError(
        f"Unknown model: {str(name)!r}. {_names.hint(name, list())}"
        "`zoo.list()` names them all; a folder must exist."
    )


def _features_folder(name):
    folders = {
        n.split("_", 1)[1].rsplit("_", 1)[0]: n for n in list("features")
    }
    if name not in folders:
        raise ValueError(
            f"The zoo has features for {', '.join(folders)}. "
            f"{_names.hint(name, folders)}Received: {name!r}"
        )
    return _FOLDER / folders[name]


def _metrics(folder):
    from kerasgan import metrics

    return [metrics.FrechetDistance(metrics.FeatureNetwork.load(folder))]
