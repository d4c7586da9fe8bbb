"""LiteRT and ONNX files generate the same images as the exported model."""

import numpy as np
import pytest

from kerasgan import export
from tests import golden, tiny
from tests.support import marks, served


def litert(folder, name, output=None):
    """Returns a signature of an exported LiteRT file, of one output."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(folder / "model.tflite")).get_signature_runner(
        name
    )

    def run(inputs):
        outputs = runner(**inputs)
        return outputs[output or next(iter(outputs))]

    return run


def onnx(folder, name, output=None):
    """Returns a signature of an exported ONNX file, of one output."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"))
    return lambda inputs: session.run(output and [output], inputs)[0]


FORMATS = {"litert": litert, "onnx": onnx}
every_format = pytest.mark.parametrize("format", FORMATS)


def check(gan, format, folder, sizes=(32, 64)):
    """Exports a model and compares every signature, in batches of any size."""
    written = gan.export(folder, format)
    signatures = export.portable(gan.signatures())
    assert written == tuple(signatures) != ()
    for name, (function, specs) in signatures.items():
        run = FORMATS[format](folder, name)
        for rows, size in zip((5, 1), sizes, strict=True):
            inputs = served.example_inputs(specs, rows=rows, size=size)
            expected = served.call(function, specs, inputs)
            found = run(inputs)
            if "images" not in expected:
                (output,) = expected
                served.assert_alike({output: found}, expected, name)
                continue
            expected = expected["images"]
            assert (found.dtype, found.shape) == (np.uint8, expected.shape)
            difference = np.abs(found.astype(int) - expected)
            assert difference.max() <= 1, (name, rows)
            assert expected.std() > 1  # There was something to compare.


@every_format
@pytest.mark.parametrize(
    "model",
    [
        pytest.param(m, id=m.name, marks=marks.slow_export(m))
        for m in tiny.MODELS
    ],
)
def test_same_images(model, format, tmp_path):
    gan = model.build()
    golden.ramp(gan)  # With the initial weights all images are grey.
    check(gan, format, tmp_path / "out")


@every_format
def test_a_fading_resolution(format, tmp_path):
    gan = tiny.progan(
        image_size=16, start_resolution=4, stable_images=10, fade_images=10
    )
    golden.ramp(gan)
    gan.images_seen.assign(16)  # 8x8 has faded in by 60 %.
    assert gan.due_stage() == (8, True)
    check(gan, format, tmp_path / "out")


@every_format
def test_mixed_precision_becomes_float32(format, tmp_path):
    gan, same = tiny.dcgan(dtype="mixed_bfloat16"), tiny.dcgan()
    golden.ramp(gan)
    golden.ramp(same)
    gan.export(tmp_path / "out", format)
    latents = gan.seeded_latents(0, 5)
    found = FORMATS[format](tmp_path / "out", "serving_default")(
        {"latents": latents.numpy()}
    )
    images = same.generate(5, seed=0)
    assert np.abs(found.astype(int) - images).max() <= 1


@every_format
def test_labels_of_no_class_are_refused(format, tmp_path):
    gan = tiny.cgan()
    gan.export(tmp_path / "out", format)
    run = FORMATS[format](tmp_path / "out", "serving_default")
    inputs = {"latents": np.zeros((1, 4), "float32")}
    run({**inputs, "labels": np.array([2], "int32")})
    for label in (3, -1, -3):
        with pytest.raises(Exception, match="[Gg]ather"):
            run({**inputs, "labels": np.array([label], "int32")})
