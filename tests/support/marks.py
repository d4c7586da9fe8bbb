"""Marks of tests that are repeated for every model of tests/tiny.py."""

import pytest

import zoo
from tests import tiny


def slow(model):
    """Returns the marks of a slow test of a model's training."""
    variant = (pytest.mark.variant,) if model.is_variant else ()
    return (pytest.mark.slow, *variant)


def of_images():
    """Returns the names in the zoo that tests/test_export_zoo.py exports."""
    return [name for name in zoo.list() if zoo.card(name).image_shape]


def is_published(model):
    """Whether a checkpoint is exported by tests/test_export_zoo.py."""
    return any(name.startswith(f"{model.name}_") for name in of_images())


def slow_export(model):
    """Returns the marks of a slow test of a model's export."""
    if is_published(model):
        return (pytest.mark.slow, pytest.mark.variant)
    return slow(model)


def by_name(names):
    """Returns names of models as parameters, those of variants marked."""
    variants = {model.name: model.is_variant for model in tiny.MODELS}
    # What has no tiny model of its own changes little of another one.
    return [
        pytest.param(
            name,
            marks=(pytest.mark.variant,) if variants.get(name, True) else (),
        )
        for name in names
    ]
