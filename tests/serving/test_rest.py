"""JSON requests and responses, against TensorFlow Serving's documentation."""

import base64
import io
import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kerasgan.serving import Limits, rest
from kerasgan.serving.models import Model, Signature


def signature(inputs, outputs):
    """Returns a signature of those shapes and types, with nothing to run."""
    kinds = [
        {
            name: tf.TensorSpec(shape, dtype, name)
            for name, (shape, dtype) in specs.items()
        }
        for specs in (inputs, outputs)
    ]
    return Signature(None, *kinds)


IMAGES = {"images": ((None, 2, 2, 1), "uint8")}
HALF_PLUS_THREE = signature(
    {"x": ((None,), "float32")}, {"y": ((None,), "float32")}
)
NAMED = signature(
    {
        "tag": ((None,), "string"),
        "signal": ((None, 5), "int32"),
        "sensor": ((None, 2, 2), "int64"),
    },
    IMAGES,
)
LATENTS = signature({"latents": ((None, 3), "float32")}, IMAGES)
LABELS = signature({"labels": ((None,), "int32")}, IMAGES)
CAPTIONS = signature({"captions": ((None,), "string")}, IMAGES)
SAMPLE = signature({"seed": ((), "int64"), "count": ((), "int32")}, IMAGES)
SOURCES = signature({"images": ((None, None, None, 3), "uint8")}, IMAGES)


def read(content, served=LATENTS, **limits):
    """Returns the `Request` of a body, given as bytes or as what it says."""
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    signatures = {"serving_default": served, "sample": SAMPLE}
    return rest.read_request(content, signatures, Limits(**limits))


def written(outputs, row_format):
    return json.loads(rest.write_response(outputs, row_format))


def refusal(content, served=LATENTS, **limits):
    with pytest.raises(rest.Refusal) as caught:
        read(content, served, **limits)
    return caught.value


def png(array, format="PNG"):
    """Returns a uint8 array as a file in TensorFlow Serving's base64."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, format, lossless=True)
    return {"b64": base64.b64encode(file.getvalue()).decode()}


# Examples of the documentation of TensorFlow Serving


def test_the_documented_half_plus_three():
    request = read({"instances": [1.0, 2.0, 5.0]}, HALF_PLUS_THREE)
    answer = {"y": request.inputs["x"] / 2 + 3}
    assert written(answer, request.row_format) == {
        "predictions": [3.5, 4.0, 5.5]
    }


def test_the_documented_formats_say_the_same():
    by_row = read(
        {
            "instances": [
                {
                    "tag": "foo",
                    "signal": [1, 2, 3, 4, 5],
                    "sensor": [[1, 2], [3, 4]],
                },
                {
                    "tag": "bar",
                    "signal": [3, 4, 1, 2, 5],
                    "sensor": [[4, 5], [6, 8]],
                },
            ]
        },
        NAMED,
    )
    by_column = read(
        {
            "inputs": {
                "tag": ["foo", "bar"],
                "signal": [[1, 2, 3, 4, 5], [3, 4, 1, 2, 5]],
                "sensor": [[[1, 2], [3, 4]], [[4, 5], [6, 8]]],
            }
        },
        NAMED,
    )
    assert (by_row.row_format, by_column.row_format) == (True, False)
    assert by_row.samples == by_column.samples == 2
    for name, value in by_row.inputs.items():
        np.testing.assert_array_equal(value, by_column.inputs[name])
    assert by_row.inputs["tag"].tolist() == [b"foo", b"bar"]
    assert by_row.inputs["signal"].dtype == np.int32
    assert by_row.inputs["sensor"].dtype == np.int64
    assert by_row.inputs["sensor"][1].tolist() == [[4, 5], [6, 8]]


def test_the_documented_base64():
    captions = [{"b64": "aW1hZ2UgYnl0ZXM="}, "sea"]
    request = read({"instances": captions}, CAPTIONS)
    assert request.inputs["captions"].tolist() == [b"image bytes", b"sea"]
    request = read({"instances": [{"captions": captions[0]}]}, CAPTIONS)
    assert request.inputs["captions"].tolist() == [b"image bytes"]
    # As there, padding may be missing and lines may be broken.
    request = read({"inputs": [{"b64": "aW1hZ2\nUgYnl0ZXM"}]}, CAPTIONS)
    assert request.inputs["captions"].tolist() == [b"image bytes"]


def test_a_single_output_has_no_name_and_several_have():
    y, z = np.float32([3.5, 4.0]), np.int32([[1, 2], [3, 4]])
    assert written({"y": y}, True) == {"predictions": [3.5, 4.0]}
    assert written({"y": y}, False) == {"outputs": [3.5, 4.0]}
    assert written({"y": y, "z": z}, True) == {
        "predictions": [{"y": 3.5, "z": [1, 2]}, {"y": 4.0, "z": [3, 4]}]
    }
    assert written({"y": y, "z": z}, False) == {
        "outputs": {"y": [3.5, 4.0], "z": [[1, 2], [3, 4]]}
    }


def test_outputs_of_every_type():
    assert rest.write_response({"y": np.float32([0.2, 3.0])}, True) == (
        b'{"predictions":[0.2,3.0]}'
    )
    assert rest.write_response(
        {"y": np.float32([np.nan, np.inf, 2])}, True
    ) == (b'{"predictions": [NaN, Infinity, 2.0]}')
    images = np.arange(8, dtype="uint8").reshape(2, 2, 2, 1)
    assert written({"images": images}, True)["predictions"] == images.tolist()
    assert written({"n": np.int64(7)}, False) == {"outputs": 7}
    text = np.array([b"\x00\xff", b"b"], object)
    assert written({"png_bytes": text}, True) == {
        "predictions": [{"b64": "AP8="}, {"b64": "Yg=="}]
    }
    assert written({"text": text[1:]}, True) == {"predictions": ["b"]}


def test_an_output_without_rows_needs_columns():
    for outputs in (
        {"n": np.int64(7)},
        {"y": np.zeros(2), "z": np.zeros(3)},
    ):
        with pytest.raises(rest.Refusal, match="request whole tensors"):
            rest.write_response(outputs, True)


def test_status_and_metadata_are_as_documented():
    model = Model("half_plus_three", 123, {"serving_default": HALF_PLUS_THREE})
    assert rest.status(model) == {
        "model_version_status": [
            {
                "version": "123",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    vector = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert rest.metadata(model) == {
        "model_spec": {
            "name": "half_plus_three",
            "signature_name": "",
            "version": "123",
        },
        "metadata": {
            "signature_def": {
                "signature_def": {
                    "serving_default": {
                        "inputs": {
                            "x": {
                                "dtype": "DT_FLOAT",
                                "tensor_shape": vector,
                                "name": "serving_default_x:0",
                            }
                        },
                        "outputs": {
                            "y": {
                                "dtype": "DT_FLOAT",
                                "tensor_shape": vector,
                                "name": "serving_default_y:0",
                            }
                        },
                        "method_name": "tensorflow/serving/predict",
                        "defaults": {},
                    }
                }
            }
        },
    }


# Extensions


def test_a_seed_and_a_count_are_columns():
    content = {
        "signature_name": "sample",
        "inputs": {"seed": 2**63 - 1, "count": 5, "more": "is not looked at"},
    }
    request = read(content)
    assert request.samples == 5
    assert request.inputs["seed"] == 2**63 - 1
    assert request.inputs["seed"].shape == ()


def test_a_signature_that_is_not_named_is_the_default():
    assert read({"instances": [[1, 2, 3]]}).signature is LATENTS
    content = {"signature_name": "", "instances": [[1, 2, 3]]}
    assert read(content).signature is LATENTS


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_encoded_images_are_their_pixels(format):
    pixels = np.random.RandomState(0).randint(0, 256, (2, 3, 4, 3), "uint8")
    encoded = [png(image, format) for image in pixels]
    for content in (
        {"instances": encoded},
        {"instances": [{"images": e} for e in encoded]},
        {"inputs": encoded},
        {"inputs": {"images": encoded}},
        {"instances": pixels.tolist()},
    ):
        np.testing.assert_array_equal(
            read(content, SOURCES).inputs["images"], pixels
        )


def test_images_become_as_many_channels_as_the_model_has():
    grey = np.full((2, 2), 7, "uint8")
    request = read({"instances": [png(grey)]}, SOURCES)
    assert request.inputs["images"].tolist() == [[[[7] * 3] * 2] * 2]


NESTED = b'{"instances": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be JSON"),
        (b"{", "must be JSON"),
        (b"latents=1", "must be JSON"),
        (b'{"instances": [[1, 2, NaN]]}', "must be JSON"),
        (b'{"instances": [[1, 2, Infinity]]}', "must be JSON"),
        (b'{"instances": ["\xff\xfe"]}', "must be JSON"),
        (b'{"instances": ["\\ud800"]}', "must be JSON"),
        (NESTED, "must be JSON"),
        (b"[[1, 2, 3]]", "a JSON object. Received: a list"),
        (b"null", "a JSON object. Received: null"),
        ({}, "Received: neither"),
        ({"instance": [[1, 2, 3]]}, "Received: neither"),
        ({"instances": [[1, 2, 3]], "inputs": [[1, 2, 3]]}, "both"),
        ({"instances": []}, "at least one entry. Received: an empty list"),
        ({"instances": 3}, "at least one entry. Received: 3"),
        ({"instances": {"latents": [[1, 2, 3]]}}, "Received: an object"),
        ({"instances": [[1, 2]]}, r"\[\?, 3\]. Received: shape \[1, 2\]"),
        ({"instances": [1, 2, 3]}, r"Received: shape \[3\]"),
        ({"instances": [[[1, 2, 3]]]}, "Received: a list in it"),
        ({"instances": [[1, 2, 3], [1, 2]]}, "lists of different lengths"),
        ({"instances": [[1, 2, 3], 4]}, "lists of different lengths"),
        ({"instances": [[1, 2, "3"]]}, "Received: a string in it"),
        ({"instances": [[1, 2, None]]}, "Received: null in it"),
        ({"instances": [[1, 2, True]]}, "Received: true in it"),
        ({"instances": [[1, 2, 1e39]]}, "that float32 can hold"),
        (b'{"instances": [[1, 2, 1e999]]}', "."),
        ({"instances": [[1, 2, 10**400]]}, "."),
        ({"instances": [{"latent": [1, 2, 3]}]}, "latents. Received.*'latent'"),
        ({"instances": [{"latents": [1, 2, 3], "x": 1}]}, "with latents."),
        ({"instances": [{"latents": [1, 2, 3]}, [1, 2, 3]]}, "entry 1: a list"),
        ({"instances": [{"b64": "aaaa"}]}, "Received: an object in it"),
        ({"inputs": {"latent": [[1, 2, 3]]}}, "must have latents"),
        ({"inputs": {}}, "must have latents. Received: an empty object"),
        ({"inputs": dict.fromkeys(map(str, range(99)))}, "'4', 94 more"),
        ({"inputs": {"latents": []}}, r"Received: shape \[0\]"),
        ({"inputs": {"latents": [[]]}}, r"Received: shape \[1, 0\]"),
        ({"inputs": None}, "Received: null in it"),
        ({"inputs": [[1, 2, 3]] * 65}, "1 to 64 samples. Received: 65"),
        ({"signature_name": 3, "inputs": []}, "must be a string. Received: 3"),
        ({"signature_name": None, "inputs": []}, "must be a string"),
    ],
)
def test_bad_bodies(content, message):
    answer = refusal(content)
    assert answer.status == 400
    assert str(answer)
    if message != ".":
        with pytest.raises(rest.Refusal, match=message):
            raise answer
    # One sentence, and not the client's own body again.
    assert len(str(answer)) < 300
    assert "\n" not in str(answer)


@pytest.mark.parametrize(
    ("served", "content", "message"),
    [
        (LABELS, {"instances": [1.0]}, "Received: 1.0 in it"),
        (LABELS, {"instances": [True]}, "Received: true in it"),
        (LABELS, {"instances": [2**31]}, "that int32 can hold"),
        (LABELS, {"instances": [2**64 - 1]}, "that int32 can hold"),
        (LABELS, {"instances": [10**30]}, "."),
        (LABELS, {"instances": ["Bag"]}, "Received: a string in it"),
        (CAPTIONS, {"instances": [3]}, "Received: 3 in it"),
        (
            CAPTIONS,
            {"instances": [{"b64": 3}]},
            "must be an object|with captions",
        ),
        (
            CAPTIONS,
            {"instances": ["a", {"b65": "aaaa"}]},
            "Received in entry 0",
        ),
        (CAPTIONS, {"inputs": [{"b64": "a"}]}, "broken base64"),
        (CAPTIONS, {"inputs": [{"b64": "*aaa"}]}, "broken base64"),
        (CAPTIONS, {"inputs": {"captions": [{"b": "a"}]}}, '{"b64": string}'),
        (NAMED, {"instances": ["foo"]}, "takes tag, signal, sensor"),
        (NAMED, {"inputs": ["foo"]}, "takes tag, signal, sensor"),
        (
            NAMED,
            {
                "inputs": {
                    "tag": ["a"],
                    "signal": [[1] * 5] * 2,
                    "sensor": [[[1] * 2] * 2],
                }
            },
            r"same number of rows.*Received: \[1, 2\]",
        ),
        (SAMPLE, {"instances": [{"seed": 1, "count": 1}]}, "use `inputs`"),
        (SAMPLE, {"inputs": {"seed": 1}}, "must have seed, count"),
        (SAMPLE, {"inputs": {"seed": [1], "count": 1}}, r"shape \[\]"),
        (SAMPLE, {"inputs": {"seed": 1, "count": 0}}, "Received: 0"),
        (SAMPLE, {"inputs": {"seed": 1, "count": -1}}, "Received: -1"),
        (
            SAMPLE,
            {"inputs": {"seed": 1, "count": 2**31 - 1}},
            "1 to 64 samples",
        ),
        (SAMPLE, {"inputs": {"seed": 1, "count": 10**18}}, "that int32 can"),
        (SAMPLE, {"inputs": {"seed": 2**63, "count": 1}}, "that int64 can"),
        (
            SOURCES,
            {"instances": [{"b64": "aaaa"}]},
            "whole PNG, JPEG or WebP",
        ),
        (SOURCES, {"inputs": {"b64": "aaaa"}}, "."),
        (SOURCES, {"instances": [[[[0, 0, 256]]]]}, "that uint8 can hold"),
        (SOURCES, {"instances": [[[[0, 0, -1]]]]}, "that uint8 can hold"),
        (SOURCES, {"instances": [[[[0, 0, 0.5]]]]}, "Received: 0.5 in it"),
        (SOURCES, {"instances": [[[[0, 0]]]]}, r"shape \[1, 1, 1, 2\]"),
    ],
)
def test_bad_inputs_of_other_types(served, content, message):
    answer = refusal(content, served)
    assert answer.status == 400
    if message != ".":
        with pytest.raises(rest.Refusal, match=message):
            raise answer
    assert len(str(answer)) < 300


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just({"b64": "aW1n"}),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["latents", "labels", "images", "b64", "seed"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


# The fixtures of all tests, which nothing here changes.
MANY = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@MANY
@given(
    served=st.sampled_from([LATENTS, LABELS, CAPTIONS, NAMED, SOURCES, SAMPLE]),
    key=st.sampled_from(["instances", "inputs"]),
    value=VALUES,
)
def test_any_json_is_understood_or_refused_in_a_sentence(served, key, value):
    try:
        request = read({key: value}, served)
    except rest.Refusal as refusal:
        assert refusal.status == 400
        assert 10 < len(str(refusal)) < 400
    else:
        for name, spec in served.inputs.items():
            array = request.inputs[name]
            assert spec.shape.is_compatible_with(array.shape)
            assert spec.dtype == tf.as_dtype(array.dtype)


@MANY
@given(st.binary(max_size=50))
def test_any_bytes_are_understood_or_refused(content):
    with pytest.raises(rest.Refusal):
        read(content)


def test_bytes_that_are_no_images_are_not_decoded():
    served = signature({"bytes": ((None, 3), "uint8")}, IMAGES)
    assert read({"inputs": [[1, 2, 3]]}, served).samples == 1
    answer = refusal({"inputs": [{"b64": "AAAA"}]}, served)
    assert "must be uint8 of shape [?, 3]" in str(answer)


def test_outputs_of_any_rank_are_described():
    outputs = {"y": tf.TensorSpec(None, "string")}
    model = Model("any", 1, {"run": Signature(None, {}, outputs)})
    (found,) = rest.metadata(model)["metadata"]["signature_def"].values()
    assert found["run"]["outputs"]["y"]["tensor_shape"] == {
        "dim": [],
        "unknown_rank": True,
    }
    assert not model.signatures["run"].joinable


def test_an_unknown_signature_is_not_found():
    answer = refusal({"signature_name": "x" * 500, "inputs": []})
    assert answer.status == 404
    assert len(str(answer)) < 200
    assert "sample, serving_default" in str(answer)


def test_an_image_is_measured_before_it_is_decoded():
    black = png(np.zeros((3000, 3000, 3), "uint8"))
    small = png(np.zeros((3, 3, 3), "uint8"))
    assert len(black["b64"]) < 50_000
    answer = refusal({"instances": [black]}, SOURCES)
    assert "3000x3000 pixels" in str(answer)
    # The limit is for all of them together.
    two = {"instances": [small, small]}
    assert read(two, SOURCES, max_pixels=18).samples == 2
    assert "3x3 pixels" in str(refusal(two, SOURCES, max_pixels=17))


def test_images_of_different_sizes_are_refused():
    images = [png(np.zeros((size, 3, 3), "uint8")) for size in (3, 4)]
    answer = refusal({"instances": images}, SOURCES)
    assert "[(3, 3), (4, 3)]" in str(answer)


def test_a_broken_image_is_refused():
    content = base64.b64decode(png(np.zeros((9, 9, 3), "uint8"))["b64"])
    for broken in (content[:-30], b"GIF89a", b"%!PS-Adobe-3.0 EPSF-3.0\n"):
        encoded = {"b64": base64.b64encode(broken).decode()}
        answer = refusal({"instances": [encoded]}, SOURCES)
        assert "whole PNG, JPEG or WebP" in str(answer)


def test_encoded_images_need_one_or_three_channels():
    served = signature({"images": ((None, None, None, 4), "uint8")}, IMAGES)
    answer = refusal({"instances": [png(np.zeros((2, 2, 3), "uint8"))]}, served)
    assert "has 4 channels" in str(answer)


def test_only_samples_are_joined():
    scores = signature(
        {"images": ((None, 2, 2, 1), "uint8")}, {"scores": ((None,), "float32")}
    )
    sentences = signature(
        {"tokens": ((None, 3), "int32")},
        {"sentences": ((None,), "string"), "tokens": ((None, 3), "int32")},
    )
    whole = signature(
        {"tokens": ((None, 3), "int32")}, {"text": ((), "string")}
    )
    assert LATENTS.joinable and SOURCES.joinable and sentences.joinable
    assert not scores.joinable and not whole.joinable
    assert scores.by_row
    assert not SAMPLE.joinable and not SAMPLE.by_row
