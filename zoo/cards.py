"""Parses and validates the metadata of an untrusted model folder.

A folder may come from anyone. Invalid metadata is refused here, with a one-line
error, before anything is built from it. SECURITY.md lists what that covers.
"""

import dataclasses
import itertools
import json
import math
import re
import types

from kerasgan.fetch import printable
from kerasgan.plain_json import NOT_FINITE
from kerasgan.tasks import TASKS

CONFIG = "config.json"
METRICS = "metrics.json"
WEIGHTS = "model.weights.h5"

FORMAT = 1
# A vocabulary of some ten thousand words fits.
JSON_LIMIT = 1 << 20
TEXT_LIMIT = 2000
SIDE_LIMIT = 8192
# The length of each field that `Task.shape` may name: height, width and
# channels, the length of a sequence, or the dimensions of a point.
SHAPES = types.MappingProxyType(
    {"image_shape": 3, "sequence_shape": 1, "point_shape": 1}
)
# Valid folder names on every system.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SHA256 = re.compile(r"[0-9a-f]{64}")
FIELDS = types.MappingProxyType(
    {
        "format": int,
        "name": str,
        "architecture": str,
        "arguments": dict,
        "task": str,
        "dataset": str,
        "classes": list,
        "parameters": dict,
        "license": str,
        "description": str,
        "recipe": str,
        "sha256": str,
    }
)


@dataclasses.dataclass(frozen=True)
class Card:
    """Metadata of a trained model.

    Attributes:
        name: str. `<model>_<dataset>_<resolution>`.
        task: str. A key of `kerasgan.tasks.TASKS`, such as `"image"`.
        architecture: str. Name of the class in `kerasgan.models`.
        dataset: str. Name or description of the training data.
        sample_shape: Tuple of ints. `(height, width, channels)` of an image,
            or `(length,)` of a sequence.
        classes: Tuple of str. Names of the classes; empty if there are none.
        parameters: Mapping of network name to its number of parameters.
        license: str. Of the weights.
        description: str. One sentence.
        scores: Mapping of score name to a mapping with its `value`, its
            `protocol` and more. See docs/metrics.md.
        sha256: str. Of the weights file.
        recipe: str. Argument of `kerasgan train` that reproduces the model.
    """

    name: str
    task: str
    architecture: str
    dataset: str
    sample_shape: tuple
    classes: tuple
    parameters: types.MappingProxyType
    license: str
    description: str
    scores: types.MappingProxyType
    sha256: str
    recipe: str

    @property
    def image_shape(self):
        """`sample_shape` of images; `None` if the samples are text."""
        is_image = TASKS[self.task].shape == "image_shape"
        return self.sample_shape if is_image else None


def read(folder):
    """Reads the metadata of a model folder.

    Args:
        folder: `pathlib.Path`, which exists.

    Returns:
        Pair of dicts, of config.json and of metrics.json.

    Raises:
        ValueError: If they do not describe a model.
    """
    config = parse_config(*_content(folder, CONFIG))
    if not (folder / METRICS).exists():
        return config, {}
    return config, parse_metrics(*_content(folder, METRICS))


def card(config, metrics):
    """Returns the `Card` of parsed metadata.

    Args:
        config: dict, as `parse_config` returns it.
        metrics: dict, as `parse_metrics` returns it.
    """
    plain = {
        field.name: config[field.name]
        for field in dataclasses.fields(Card)
        if field.type is str
    }
    return Card(
        scores=types.MappingProxyType(metrics.get("scores", {})),
        sample_shape=tuple(config[TASKS[config["task"]].shape]),
        classes=tuple(config["classes"]),
        parameters=types.MappingProxyType(config["parameters"]),
        **plain,
    )


def own_file(folder, name):
    """Returns the path of a regular file inside a folder.

    Args:
        folder: `pathlib.Path`.
        name: str. Name of the file.

    Returns:
        `pathlib.Path`.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is a link that leads out of the folder, or not a
            regular file.
    """
    path = folder / name
    if not path.exists():
        raise FileNotFoundError(f"There is no {name} in {folder}.")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(
            f"A model's folder must hold its own files. Received: {path}, "
            "which is a link to elsewhere"
        )
    if not path.is_file():
        raise ValueError(f"{path} must be a file.")
    return path


def parse_config(content, where):
    """Parses and validates config.json.

    Args:
        content: bytes.
        where: str or path. Its name in error messages.

    Returns:
        dict. Every field of `FIELDS`, and the one that `Task.shape` names, is
        there and of its type.

    Raises:
        ValueError: If it does not describe a model.
    """
    config = _parse(content, where)
    for field, kind in FIELDS.items():
        # Not isinstance: True is an int there.
        if type(config.get(field)) is not kind:
            raise _wrong(
                where,
                field,
                f"must be of type {kind.__name__}",
                config.get(field),
            )
    if config["format"] != FORMAT:
        raise ValueError(
            f"This version of kerasgan reads format {FORMAT}. Received: "
            f"format {config['format']} in {where}"
        )
    if not NAME.fullmatch(config["name"]):
        rule = (
            "must be a folder's name: letters, digits, '.', '_' and '-', at "
            "most 100, the first a letter or digit"
        )
        raise _wrong(where, "name", rule, config["name"])
    if config["task"] not in TASKS:
        rule = f"must be one of {', '.join(TASKS)}"
        raise _wrong(where, "task", rule, config["task"])
    if not SHA256.fullmatch(config["sha256"]):
        rule = "must be 64 hexadecimal digits"
        raise _wrong(where, "sha256", rule, config["sha256"])
    field = TASKS[config["task"]].shape
    shape = config.get(field)
    if (
        type(shape) is not list
        or len(shape) != SHAPES[field]
        or not all(type(n) is int and 1 <= n <= SIDE_LIMIT for n in shape)
    ):
        rule = (
            f"must be a list of length {SHAPES[field]} of whole numbers from "
            f"1 to {SIDE_LIMIT}"
        )
        raise _wrong(where, field, rule, shape)
    if not all(type(name) is str for name in config["classes"]):
        raise _wrong(where, "classes", "must be text", config["classes"])
    counts = config["parameters"]
    if not all(type(count) is int and count >= 0 for count in counts.values()):
        raise _wrong(where, "parameters", "must be whole numbers", counts)
    if type(config.get("features")) not in (str, type(None)):
        raise _wrong(where, "features", "must be text", config["features"])
    check_arguments(config["arguments"], where)
    return config


def check_arguments(arguments, where):
    """Refuses arguments of a model that are more than plain values.

    Args:
        arguments: dict, from JSON.
        where: str or path. Its name in error messages.

    Raises:
        ValueError: If a value is none of number, text, boolean, null, a list
            of those, or a list of such lists.
    """
    plain = dict(arguments)
    # The arguments of AdaGAN's components, which it checks itself.
    nested = plain.get("component_arguments")
    if type(nested) is dict:
        del plain["component_arguments"]
        plain |= {f"component_arguments.{n}": v for n, v in nested.items()}
    for name, value in plain.items():
        items = [value]
        for _ in range(2):
            lists = (i if type(i) is list else [i] for i in items)
            items = [*itertools.chain.from_iterable(lists)]
        if any(type(item) in (list, dict) for item in items):
            rule = (
                "must be plain values, lists of them or lists of such lists, "
                "because no object is ever deserialized from it"
            )
            raise _wrong(where, f"arguments.{name}", rule, value)


def parse_metrics(content, where):
    """Parses and validates metrics.json.

    Args:
        content: bytes.
        where: str or path. Its name in error messages.

    Returns:
        dict. If there are `scores`, each has a `metric` and a `value`, which
        is a number or a dict of numbers. Only these may be infinite or NaN;
        see `kerasgan.plain_json`.

    Raises:
        ValueError: If it does not hold scores.
    """
    metrics = _parse(content, where)
    scores = metrics.get("scores", {})
    if type(scores) is not dict:
        raise _wrong(where, "scores", "must be a JSON object", scores)
    for name, score in scores.items():
        value = score.get("value") if type(score) is dict else None
        values = value.values() if type(value) is dict else [value]
        if not all(
            type(v) in (int, float) or v in NOT_FINITE for v in values
        ) or (type(score.get("metric")) is not str):
            rule = "must have a `metric`, which is text, and a number `value`"
            raise _wrong(where, f"scores.{name}", rule, score)
        if type(value) is dict:
            score["value"] = {key: _number(v) for key, v in value.items()}
        else:
            score["value"] = _number(value)
    return metrics


def _content(folder, name):
    path = own_file(folder, name)
    with open(path, "rb") as file:
        return file.read(JSON_LIMIT + 1), path


def _parse(content, where):
    """Returns a JSON object of printable text and finite numbers."""
    if len(content) > JSON_LIMIT:
        raise ValueError(f"{where} must be at most {JSON_LIMIT:,} bytes long.")
    try:
        found = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError(f"{where} is nested too deeply.") from None
    except ValueError as error:
        raise ValueError(f"{where} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(
            f"{where} must hold a JSON object. Received: {type(found).__name__}"
        )
    waiting = [found]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            # Other characters can rewrite the contents of a terminal.
            if not value.isprintable() or len(value) > TEXT_LIMIT:
                raise ValueError(
                    f"Text in {where} must be printable and at most "
                    f"{TEXT_LIMIT:,} characters long. Received: "
                    f"{printable(value, 60)}"
                )
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"Numbers in {where} must be finite.")
        elif isinstance(value, int) and abs(value) >= 1 << 63:
            raise ValueError(f"Whole numbers in {where} must fit 64 bits.")
    return found


def _number(value):
    """Returns a number, which is text in the file if it is not finite."""
    return float(value) if type(value) is str else value


def _no_constant(name):
    raise ValueError(f"{name} is not a JSON number")


def _wrong(where, field, rule, value):
    return ValueError(
        f"{where} does not describe a model of kerasgan: {field!r} {rule}. "
        f"Received: {printable(repr(value))}"
    )
