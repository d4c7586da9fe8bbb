"""Properties that every model has, over the list in tests/tiny.py."""

import json
import math
import pathlib
import re

import keras
import numpy as np
import pytest

from kerasgan.models import base
from tests import golden, tiny
from tests.support import marks, served
from zoo import cards


@pytest.fixture(scope="module", params=marks.models())
def built(request):
    """A model of the list and one of its instances, which no test changes."""
    keras.utils.set_random_seed(0)
    return request.param, request.param.build()


def test_config_names_every_argument(built):
    _, gan = built
    config = gan.get_config()
    arguments = set(base.init_arguments(type(gan)))
    assert {"ema_decay", "seed"} < arguments <= set(config)
    plain = json.loads(json.dumps(gan.arguments()))
    if plain.pop("augment", None) is None:
        cards.check_arguments(plain, "config.json")
    changed = {**config, "ema_decay": 0.25, "seed": 123, "name": "other"}
    assert type(gan).from_config(changed).get_config() == changed


def test_first_weights_have_nothing_in_common(built):
    """An initializer that layers share gives them all the same numbers."""
    _, gan = built
    starts = {}
    for name in (*gan.generator_names, *gan.discriminator_names):
        for v in getattr(gan, name).trainable_variables:
            numbers = v.numpy().ravel()[:4]
            if len(set(numbers.tolist())) > 1:  # Not zeros or ones.
                normed = np.round(numbers / np.abs(numbers).max(), 4)
                starts.setdefault(tuple(normed), []).append(v.path)
    assert len(starts) > 3
    assert not [paths for paths in starts.values() if len(paths) > 1]


def test_same_seed_same_images_whatever_the_batch(built, monkeypatch):
    model, gan = built
    images = model.sample(gan)
    assert images.dtype == np.uint8
    assert len(images) >= 5
    np.testing.assert_array_equal(images, model.sample(gan))
    in_batches = gan.run_in_batches

    def smaller(inputs, batch_size, *function):
        return in_batches(inputs, 2, *function)

    monkeypatch.setattr(gan, "run_in_batches", smaller)
    assert np.abs(images.astype(int) - model.sample(gan)).max() <= 1


def test_export_refuses_a_full_folder(built, tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(OSError, match="must be new or empty"):
        built[1].export(tmp_path)
    assert [p.name for p in pathlib.Path(tmp_path).iterdir()] == ["kept.txt"]


@pytest.mark.parametrize(
    ("model", "argument", "value"),
    [
        pytest.param(model, name, value, id=f"{model.name}-{name}-{value}")
        for model in tiny.MODELS
        for name, values in model.refuses.items()
        for value in values
    ],
)
def test_bad_arguments_are_refused(model, argument, value):
    message = re.escape(f"Received: {argument}={value!r}")
    with pytest.raises(ValueError, match=message):
        model.build(**{argument: value})


@pytest.mark.parametrize(
    "model", [m for m in tiny.MODELS if m.paper], ids=lambda m: m.name
)
def test_paper(model):
    gan = type(model.build()).paper(**model.paper_changes)
    for name, expected in model.paper.items():
        found = getattr(gan, name)
        if isinstance(found, keras.Model):
            shapes = [v.shape for v in found.trainable_variables]
            found = sum(math.prod(shape) for shape in shapes)
        assert found == expected, name


every_model = pytest.mark.parametrize(
    "model", tiny.MODELS, ids=lambda m: m.name
)


@every_model
def test_golden_images(model):
    """Catches a changed layer, order, constant or range conversion."""
    expected = json.loads(golden.path(model).read_text())
    found = golden.images(model)
    assert list(found.shape) == expected["shape"]
    difference = found.astype(int) - np.array(expected["values"])
    assert np.abs(difference).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "variants", [False, pytest.param(True, marks=pytest.mark.variant)]
)
def test_export_runs_in_a_process_without_kerasgan(variants, tmp_path):
    jobs, expected = {}, {}
    for model in tiny.MODELS:
        # Checkpoints are exported by tests/test_export_zoo.py.
        is_variant = model.is_variant or marks.is_published(model)
        if is_variant != variants:
            continue
        gan = model.build()
        golden.ramp(gan)  # The first weights give nothing but grey.
        folder = str(tmp_path / model.name)
        gan.export(folder, scores=True)
        signatures = {**gan.signatures(), **gan.score_signatures()}
        jobs[folder], expected[folder] = {}, {}
        for name, (function, specs) in signatures.items():
            inputs = served.example_inputs(specs)
            jobs[folder][name] = inputs
            expected[folder][name] = served.call(function, specs, inputs)
    found = served.run(jobs, tmp_path)
    for folder, calls in expected.items():
        for name, outputs in calls.items():
            served.assert_alike(found[folder][name], outputs, (folder, name))
