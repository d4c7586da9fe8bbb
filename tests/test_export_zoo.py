"""Every model of the zoo, exported, generates the same images."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import test_export_formats
from tests.support import served

pytestmark = pytest.mark.zoo


@pytest.fixture(scope="module", params=zoo.list())
def gan(request):
    return zoo.load(request.param)


def test_saved_model_without_kerasgan(gan, tmp_path):
    folder = str(tmp_path / "1")
    gan.export(folder, scores=True)
    jobs, expected = {folder: {}}, {}
    signatures = {**gan.signatures(), **gan.score_signatures()}
    for name, (function, specs) in signatures.items():
        inputs = served.example_inputs(specs, size=gan.image_shape[0])
        jobs[folder][name] = inputs
        expected[name] = served.call(function, specs, inputs)
    found = served.run(jobs, tmp_path)[folder]
    for name, outputs in expected.items():
        served.assert_alike(found[name], outputs, (gan.name, name))


def test_a_seed_means_the_same(gan, tmp_path):
    """Exported signatures reproduce `generate` and `translate`."""
    folder = str(tmp_path / "1")
    gan.export(folder)
    seed = np.int64(11)
    if gan.task == "image":
        name, inputs = "sample", {"seed": seed, "count": np.int32(6)}
        images = gan.generate(6, seed=11)
    elif gan.task == "class-to-image":
        name, inputs = "sample_any", {"seed": seed, "count": np.int32(6)}
        images = gan.generate(6, seed=11)
    elif gan.task == "text-to-image":
        captions = [" ".join(gan.vocabulary[:6]), gan.vocabulary[7]]
        name, inputs = "sample", {"seed": seed, "captions": captions}
        images = gan.generate(captions=captions, seed=11)
    else:
        spec = gan.source_spec
        inputs = served.example_inputs([spec], size=gan.image_shape[0])
        name = "serving_default"
        images = gan.translate(inputs["images"])
    found = served.run({folder: {name: inputs}}, tmp_path)[folder][name]
    difference = found["images"].astype(int) - images
    assert np.abs(difference).max() <= 1
    assert images.std() > 1


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_other_formats(gan, format, tmp_path):
    size = gan.image_shape[0]
    test_export_formats.check(gan, format, tmp_path / "1", sizes=(size, size))


def test_signatures_have_free_axes_for_batches_alone(gan, tmp_path):
    """And for sizes, where the network takes any."""
    gan.export(tmp_path / "1")
    loaded = tf.saved_model.load(str(tmp_path / "1"))
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
