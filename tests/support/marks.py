"""Marks of tests that are repeated for every model of tests/tiny.py."""

import pytest


def slow(model):
    """Returns the marks of a slow test of a model."""
    variant = (pytest.mark.variant,) if model.is_variant else ()
    return (pytest.mark.slow, *variant)
