"""Builds a model from an untrusted folder.

The class is one of `kerasgan.models`, found by name in a fixed list; its
arguments are plain values; the weights are arrays of numbers. While the model
is built, it may not become larger than its weights file, so that a line in
config.json cannot claim all memory.
"""

import tensorflow as tf

from kerasgan import fetch, models, weights
from kerasgan.tasks import TASKS
from zoo import cards

# Variables that are not in the weights file, such as trackers of losses.
SPARE_VARIABLES = 100
SPARE_NUMBERS = 100_000


def check_weights(folder, sha256):
    """Refuses a weights file that is not the one of the card.

    Args:
        folder: `pathlib.Path`.
        sha256: str.

    Returns:
        `pathlib.Path` of the weights file.

    Raises:
        FileNotFoundError: If there are no weights.
        OSError: If the sha256 differs.
        ValueError: If the file is a link out of the folder, or too large.
    """
    try:
        path = cards.own_file(folder, cards.WEIGHTS)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"The weights are missing: {folder / cards.WEIGHTS}. Install the "
            "package again, or copy the whole folder."
        ) from None
    if path.stat().st_size > fetch.LIMIT:
        raise ValueError(f"{path} must be at most {fetch.LIMIT:,} bytes long.")
    found = fetch.digest(path)
    if found != sha256:
        raise OSError(
            f"The weights in {path} are not those of the card, so nothing was "
            "loaded; the file is damaged or was replaced. Received: "
            f"sha256 {found[:16]}..., expected {sha256[:16]}..."
        )
    return path


def build(folder, config):
    """Returns the model of a folder with its weights, not compiled.

    Args:
        folder: `pathlib.Path`.
        config: dict, as `cards.parse_config` returns it.

    Raises:
        ValueError: If the folder does not describe a model, or its weights
            are those of another one.
        OSError: If the weights are missing or are not those of the card.
    """
    path = check_weights(folder, config["sha256"])
    model_class = _model_class(folder, config)
    arrays, numbers = weights.check_plain(path)
    limit = weights.Limit(arrays + SPARE_VARIABLES, numbers + SPARE_NUMBERS)
    source = f"{config['architecture']} in {folder}"
    try:
        with tf.variable_creator_scope(limit):
            gan = model_class(**config["arguments"], name=config["name"])
    except (ValueError, MemoryError):
        raise
    except Exception as error:
        text = fetch.printable(" ".join(str(error).split()))
        raise ValueError(
            f"The arguments do not make a model: {text}. Received: {source}"
        ) from error
    try:
        gan.load_weights(path)
    except Exception as error:
        text = fetch.printable(" ".join(str(error).split()))
        raise ValueError(
            f"The weights do not fit the model: {text}. Received: {source}"
        ) from error
    _check_card(gan, config, folder)
    return gan


def _model_class(folder, config):
    architectures = models.architectures()
    if config["architecture"] not in architectures:
        raise ValueError(
            "`architecture` must be one of "
            f"{', '.join(sorted(architectures))}. Received: "
            f"{fetch.printable(config['architecture'])!r} in {folder}"
        )
    model_class = architectures[config["architecture"]]
    unknown = set(config["arguments"]) - set(
        models.base.init_arguments(model_class)
    )
    if unknown:
        raise ValueError(
            f"{config['architecture']} does not take "
            f"{fetch.printable(', '.join(sorted(unknown)))}; is the folder "
            f"from a newer version of kerasgan? Received: {folder}"
        )
    return model_class


def _check_card(gan, config, folder):
    """Refuses a card that contradicts the model."""
    counts = {
        name: getattr(gan, name).count_params()
        for name in (*gan.generator_names, *gan.discriminator_names)
    }
    for field, found in (
        ("task", gan.task),
        (TASKS[gan.task].shape, list(gan.sample_shape)),
        ("parameters", counts),
    ):
        if (received := config.get(field)) != found:
            raise ValueError(
                f"The card is not of this model: its {field} must be {found}. "
                f"Received: {fetch.printable(str(received))} in {folder}"
            )
