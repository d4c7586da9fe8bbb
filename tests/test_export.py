"""Contents of an export, its failures, and the warm-up requests."""

import pathlib
import re
import stat
import sys

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)

import zoo
from kerasgan import cli, export
from tests import golden, tiny
from tests.support import marks, served

ROOT = pathlib.Path(__file__).parents[1]


def prediction_log_class():
    """Returns PredictionLog, from the field numbers of the .proto files."""
    numbers = {
        "PredictionLog": [("predict_log", 6, ".PredictLog")],
        "PredictLog": [("request", 1, ".PredictRequest")],
        "PredictRequest": [
            ("model_spec", 1, ".ModelSpec"),
            ("inputs", 2, ".PredictRequest.InputsEntry"),
        ],
        "ModelSpec": [("name", 1, str), ("signature_name", 3, str)],
        "InputsEntry": [("key", 1, str), ("value", 2, bytes)],
    }
    field = descriptor_pb2.FieldDescriptorProto
    types = {str: field.TYPE_STRING, bytes: field.TYPE_BYTES}
    file = descriptor_pb2.FileDescriptorProto(name="log", syntax="proto3")
    messages = {}
    for name, fields in numbers.items():
        if name == "InputsEntry":
            messages[name] = messages["PredictRequest"].nested_type.add()
            messages[name].options.map_entry = True
        else:
            messages[name] = file.message_type.add()
        messages[name].name = name
        for label, number, kind in fields:
            added = messages[name].field.add(name=label, number=number)
            added.label = (
                field.LABEL_REPEATED
                if label == "inputs"
                else field.LABEL_OPTIONAL
            )
            if kind in types:
                added.type = types[kind]
            else:
                added.type, added.type_name = field.TYPE_MESSAGE, kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("PredictionLog")
    )


def tensor(content):
    """Returns the array of a serialized TensorProto."""
    proto = type(tf.make_tensor_proto(0))
    return tf.make_ndarray(proto.FromString(content))


INPUTS = {
    "seed": np.int64(7),
    "labels": np.array([3, 1], "int32"),
    "captions": np.array([b"a red square"]),
    # Long enough for lengths of two and of three digits.
    "short": np.arange(200, dtype="uint8"),
    "long": np.arange(20_000, dtype="float32").reshape(100, 200),
}


def test_prediction_log_reads_back():
    log = prediction_log_class().FromString(
        export.prediction_log("dcgan", "sample", INPUTS)
    )
    request = log.predict_log.request
    assert request.model_spec.name == "dcgan"
    assert request.model_spec.signature_name == "sample"
    assert set(request.inputs) == set(INPUTS)
    for name, array in INPUTS.items():
        np.testing.assert_array_equal(tensor(request.inputs[name]), array)


@pytest.mark.parity
def test_prediction_log_is_tensorflow_servings():
    logs = pytest.importorskip(
        "tensorflow_serving.apis.prediction_log_pb2",
        reason="in the extra parity",
    )
    found = logs.PredictionLog.FromString(
        export.prediction_log("dcgan", "sample", INPUTS)
    )
    wanted = logs.PredictionLog()
    request = wanted.predict_log.request
    request.model_spec.name = "dcgan"
    request.model_spec.signature_name = "sample"
    for name, array in INPUTS.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    assert found == wanted


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(
            model,
            id=model.name,
            marks=()
            if model.name == "dcgan"
            else marks.slow(model, often=("gan_cls", "pix2pix", "stylegan2")),
        )
        for model in tiny.MODELS
    ],
)
def test_every_signature_has_a_request_that_warms_it_up(model, tmp_path):
    gan = model.build()
    written = gan.export(tmp_path / "1", scores=True)
    assert {*gan.signatures(), *gan.score_signatures()} == set(written)
    loaded = tf.saved_model.load(str(tmp_path / "1"))
    records = tf.data.TFRecordDataset(str(tmp_path / "1" / export.WARMUP))
    names = []
    for record in records.as_numpy_iterator():
        log = prediction_log_class().FromString(record)
        request = log.predict_log.request
        names.append(request.model_spec.signature_name)
        outputs = loaded.signatures[names[-1]](
            **{
                key: tf.constant(tensor(value))
                for key, value in request.inputs.items()
            }
        )
        assert all(len(output) == 1 for output in outputs.values())
    assert names == list(written)


def test_the_first_signature_is_the_default_one(tmp_path):
    """A client that names none gets translations to the set b."""
    gan = tiny.cyclegan()
    golden.ramp(gan)
    gan.export(tmp_path / "1")
    loaded = tf.saved_model.load(str(tmp_path / "1"))
    images = tiny.images_to_translate(2)
    outputs = loaded.signatures["serving_default"](images=tf.constant(images))
    difference = outputs["images"].numpy().astype(int) - gan.translate(images)
    assert np.abs(difference).max() <= 1
    assert set(loaded.signatures) == {
        "serving_default",
        "translate_to_a",
        "translate_to_b",
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dcgan", "gan_cls"])
def test_no_weight_is_written_twice(name, tmp_path):
    gan = tiny.by_name(name).build()
    gan.export(tmp_path / "1")
    written = tf.train.list_variables(str(tmp_path / "1/variables/variables"))
    networks = [*gan.average_generators]
    if name == "gan_cls":
        networks.append(gan.text_encoder)
    assert sorted(list(shape) for key, shape in written if "VALUE" in key) == (
        sorted(list(v.shape) for n in networks for v in n.weights)
    )


def test_scores_are_the_discriminators():
    gan = tiny.conditional_stylegan()
    golden.ramp(gan)
    images = gan.generate(labels=[0, 1, 2, 2], seed=1)
    signatures = gan.score_signatures()
    function, _ = signatures["scores"]
    found = function(tf.constant(images), tf.constant([0, 1, 2, 2]))["scores"]
    every = gan.discriminator(tf.cast(images, "float32") / 127.5 - 1.0).numpy()
    expected = every[range(4), [0, 1, 2, 2]]
    assert expected.std() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_any_classes_are_those_of_generate():
    gan = tiny.cgan(class_frequencies=[0.2, 0.0, 0.8])
    golden.ramp(gan)
    function, _ = gan.signatures()["sample_any"]
    outputs = function(tf.constant(4, "int64"), tf.constant(20))
    assert set(outputs["labels"].numpy()) == {0, 2}
    difference = outputs["images"].numpy().astype(int) - gan.generate(
        20, seed=4
    )
    assert np.abs(difference).max() <= 1


def test_vectors_of_captions_are_those_of_encode():
    gan = tiny.gan_cls()
    captions = list(tiny.captions(4))
    function, _ = gan.signatures()["encode"]
    found = function(tf.constant(captions))["sentence_vectors"]
    np.testing.assert_allclose(found, gan.encode(captions), rtol=1e-6)


def test_portable_signatures_take_numbers_alone():
    names = {
        name: tuple(export.portable(tiny.by_name(name).build().signatures()))
        for name in ("dcgan", "cgan", "gan_cls", "pix2pix", "stylegan")
    }
    assert names == {
        "dcgan": ("serving_default",),
        "cgan": ("serving_default",),
        "gan_cls": ("from_vectors",),
        "pix2pix": ("translate",),
        "stylegan": ("serving_default", "truncated"),
    }


def documented():
    """Returns the table of docs/serving.md: class to signature to tensors."""
    text = (ROOT / "docs" / "serving.md").read_text("utf-8")
    text = text.split("<!-- signatures -->")[1].split("<!-- /")[0]
    table, classes = {}, []
    for row in text.strip().splitlines()[2:]:
        models, signature, inputs, outputs = row.strip("|").split("|")
        classes = re.findall(r"`(\w+)`", models) or classes
        for name in classes:
            table.setdefault(name, {})[signature.strip(" `")] = (
                re.findall(r"`(\w+)` (\w+) \(([\w, ]*)\)", inputs),
                re.findall(r"`(\w+)`", outputs),
            )
    return table


@pytest.mark.parametrize("model", marks.models())
def test_the_documented_signatures_are_those_there_are(model):
    gan = model.build()
    signatures = {**gan.signatures(), **gan.score_signatures()}
    found = {}
    for name, (function, specs) in signatures.items():
        inputs = [export.example(s, gan.sample_shape) for s in specs]
        outputs = function(*(tf.constant(array) for array in inputs))
        found[name] = (
            [(s.name, s.dtype.name, s.shape.rank) for s in specs],
            list(outputs),
        )
    expected = {
        name: (
            [(n, kind, len(axes.split())) for n, kind, axes in inputs],
            outputs,
        )
        for name, (inputs, outputs) in documented()[type(gan).__name__].items()
    }
    assert found == expected


# Whole, or not at all


def fail(*arguments):
    raise RuntimeError("disk full")


def test_nothing_is_left_of_an_export_that_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "prediction_log", fail)
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "1", tmp_path / "empty"):
        with pytest.raises(RuntimeError, match="disk full"):
            tiny.dcgan().export(folder)
    assert list(tmp_path.iterdir()) == [tmp_path / "empty"]
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_new_folder_is_whole_and_readable_by_others(tmp_path):
    """A server may run as another user."""
    new, empty = tmp_path / "models" / "dcgan" / "1", tmp_path / "empty"
    empty.mkdir()
    for folder in (new, empty):
        with export.new_folder(folder) as unfinished:
            (unfinished / "file").write_text("whole")
            assert not (folder / "file").exists()
        assert (folder / "file").read_text() == "whole"
    assert served.files_below(tmp_path) == ["empty/file", "models/dcgan/1/file"]
    reference = tmp_path / "other"
    reference.mkdir()
    assert stat.S_IMODE(new.stat().st_mode) == stat.S_IMODE(
        reference.stat().st_mode
    )


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "1").write_text("mine")
    with pytest.raises(OSError, match="must be new or empty"):
        tiny.dcgan().export(tmp_path / "1")
    assert (tmp_path / "1").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "tflite"}, "Received: format='tflite'"),
        ({"format": "onnx", "scores": True}, "`scores` needs"),
    ],
)
def test_what_a_format_cannot_do_is_refused(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        tiny.dcgan().export(tmp_path / "1", **arguments)
    assert not any(tmp_path.iterdir())


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'kerasgan\[onnx\]'"):
        tiny.dcgan().export(tmp_path / "1", "onnx")
    assert not any(tmp_path.iterdir())


def test_the_command_says_what_a_format_lacks(capsys, tmp_path):
    folder = tmp_path / "1"
    status = cli.main(
        ["export", "dcgan_fashion_mnist_32", str(folder), "--format", "litert"]
    )
    out = capsys.readouterr().out
    assert status == 0
    assert "signatures: serving_default\n" in out
    assert "without: sample (litert holds neither" in out
    assert served.files_below(folder) == ["model.tflite"]


@pytest.mark.slow
def test_the_examples_of_the_documentation_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gan = zoo.load("dcgan_fashion_mnist_32")
    gan.export("serving/1")
    gan.export("litert", "litert")
    gan.export("onnx", "onnx")
    text = (ROOT / "docs" / "serving.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    found = []
    for block in blocks:
        scope = {}
        exec(block, scope)
        found.append(np.asarray(scope["images"]).astype(int))
        assert scope["images"].dtype == np.uint8
    served_images, by_litert, by_onnx = found
    assert np.abs(served_images - gan.generate(16, seed=0)).max() <= 1
    assert np.abs(by_litert - by_onnx).max() <= 1
