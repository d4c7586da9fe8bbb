"""Marks of tests that are repeated for every model of tests/tiny.py."""

import json
import pathlib

import pytest

import zoo
from kerasgan.convert import to_pytorch
from tests import tiny


def models():
    """Returns the models of tests/tiny.py as parameters, variants marked."""
    return [
        pytest.param(
            model,
            marks=(pytest.mark.variant,) if model.is_variant else (),
            id=model.name,
        )
        for model in tiny.MODELS
    ]


def slow(model, often=None):
    """Returns the marks of a slow test of a model.

    Args:
        model: A `tiny.Tiny`.
        often: Names of the models that need the test; it is a variant of all
            others. Defaults to all that are no variants themselves.
    """
    is_variant = model.is_variant if often is None else model.name not in often
    return (pytest.mark.slow, *((pytest.mark.variant,) if is_variant else ()))


def zoo_models(of_images=False):
    """Returns all names, a variant if one before has the same generator."""
    sources, found, params = to_pytorch.sources(), set(), []
    for name in zoo.list():
        if of_images and not zoo.card(name).image_shape:
            continue
        path = pathlib.Path(zoo.__file__).parent / name / "config.json"
        architecture = json.loads(path.read_text("utf-8"))["architecture"]
        source, _ = sources[architecture]
        is_first = source not in found
        found.add(source)
        marks = () if is_first else (pytest.mark.variant,)
        params.append(pytest.param(name, marks=marks))
    return params


def is_published(model):
    """Whether a checkpoint is exported by tests/test_export_zoo.py."""
    names = (n for n in zoo.list() if zoo.card(n).image_shape)
    return any(name.startswith(f"{model.name}_") for name in names)


def slow_export(model):
    """Returns the marks of a slow test of a model's export."""
    return slow(model, often=() if is_published(model) else None)


def by_name(names, *often):
    """Returns names as parameters, those not in `often` marked as variants."""
    return [
        pytest.param(
            name, marks=() if name in often else (pytest.mark.variant,)
        )
        for name in names
    ]
