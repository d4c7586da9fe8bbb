"""Every model of the zoo, exported, generates the same images."""

import types

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import test_export_formats
from tests.support import marks, served

pytestmark = pytest.mark.zoo


@pytest.fixture(scope="module", params=marks.zoo_models(of_images=True))
def gan(request):
    return zoo.load(request.param)


@pytest.fixture(scope="module")
def exported(gan, tmp_path_factory):
    """Its folder, and what each signature takes and gives, here and there."""
    scratch = tmp_path_factory.mktemp("exported")
    folder = str(scratch / "1")
    gan.export(folder, scores=True)
    inputs, expected = {}, {}
    signatures = {**gan.signatures(), **gan.score_signatures()}
    for name, (function, specs) in signatures.items():
        inputs[name] = served.example_inputs(specs, size=gan.image_shape[0])
        if "captions" in inputs[name]:
            inputs[name]["captions"] = np.resize(captions(gan), 5)
        expected[name] = served.call(function, specs, inputs[name])
    if gan.task == "image-to-image":
        inputs["serving_default"] = served.example_inputs(
            [gan.source_spec], size=gan.image_shape[0]
        )
    found = served.run({folder: inputs}, scratch)[folder]
    return types.SimpleNamespace(
        folder=folder, inputs=inputs, expected=expected, found=found
    )


def captions(gan):
    return [" ".join(gan.vocabulary[:6]), gan.vocabulary[7]]


def test_saved_model_without_kerasgan(gan, exported):
    for name, outputs in exported.expected.items():
        served.assert_alike(exported.found[name], outputs, (gan.name, name))


def test_a_seed_means_the_same(gan, exported):
    """Exported signatures reproduce `generate` and `translate`."""
    # "sample_any" draws labels or codes, too.
    known = exported.inputs
    if gan.task == "image-to-image":
        name = "serving_default"
    else:
        name = "sample_any" if "sample_any" in known else "sample"
    inputs = known[name]
    if gan.task == "text-to-image":
        images = gan.generate(captions=inputs["captions"], seed=3)
    elif gan.task == "image-to-image":
        images = gan.translate(inputs["images"])
    else:
        images = gan.generate(5, seed=3)
    difference = exported.found[name]["images"].astype(int) - images
    assert np.abs(difference).max() <= 1
    assert images.std() > 1


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_other_formats(gan, format, tmp_path):
    size = gan.image_shape[0]
    test_export_formats.check(gan, format, tmp_path / "1", sizes=(size, size))


def test_signatures_have_free_axes_for_batches_alone(gan, exported):
    """And for sizes, where the network takes any."""
    loaded = tf.saved_model.load(exported.folder)
    for signature in loaded.signatures.values():
        for tensor in signature.structured_outputs.values():
            if tensor.dtype == tf.uint8:
                free = gan.task == "image-to-image"
                height, width, channels = gan.image_shape
                assert tensor.shape[0] is None
                assert tuple(tensor.shape[1:]) == (
                    (None, None, channels)
                    if free
                    else (height, width, channels)
                )
