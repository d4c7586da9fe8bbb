"""Marks of tests that are repeated for every model of tests/tiny.py."""

import pytest

import zoo


def slow(model):
    """Returns the marks of a slow test of a model's training."""
    variant = (pytest.mark.variant,) if model.is_variant else ()
    return (pytest.mark.slow, *variant)


def is_published(model):
    """Whether a checkpoint is exported by tests/test_export_zoo.py."""
    return any(name.startswith(f"{model.name}_") for name in zoo.list())


def slow_export(model):
    """Returns the marks of a slow test of a model's export."""
    variant = (pytest.mark.variant,) if is_published(model) else ()
    return (pytest.mark.slow, *variant)
