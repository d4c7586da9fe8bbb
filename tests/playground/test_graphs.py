"""The ONNX files of the page: the same images, at half the size."""

import json
import types

import numpy as np
import onnx
import pytest
import tensorflow as tf

import zoo
from kerasgan import export
from kerasgan.playground import graphs, onnx_files
from tests import golden, tiny

ROWS = 3


def ramped(build, **changes):
    """Returns a model whose weights are 16-bit floats, as in the zoo."""
    gan = build(**changes)
    golden.ramp(gan)
    for weight in gan.weights:
        weight.assign(np.asarray(weight).astype("float16"))
    return gan


def sessions(gan):
    """Returns each graph as a function of inputs by name."""
    import onnxruntime

    found = {}
    for name, (function, specs) in graphs.of(gan).items():
        content, _ = onnx_files.convert(gan, function, specs)
        session = onnxruntime.InferenceSession(content)
        found[name] = lambda inputs, s=session: s.run(None, inputs)[0]
    return found


def conditions(gan, condition):
    """Returns a condition under the name and in the form of the graphs."""
    if hasattr(gan, "num_classes") and condition is not None:
        return {"classes": np.eye(gan.num_classes, dtype="float32")[condition]}
    names = {"codes": "codes", "captions": "sentence_vectors"}
    return {
        names[key]: np.asarray(condition)
        for key in names
        if condition is not None
        and gan.condition_spec.name in (key, names[key])
    }


def images_of(gan, run, latents, condition=None, truncation=1.0):
    inputs = {"latents": np.asarray(latents), **conditions(gan, condition)}
    if "styles" not in run:
        return run["images"](inputs)
    psi = np.full(len(latents), truncation, "float32")
    return run["images"](
        {"styles": run["styles"]({**inputs, "truncation": psi})}
    )


def assert_alike(found, expected):
    assert found.dtype == np.uint8 and found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert expected.std() > 0.2  # There is something to compare.


def check(gan):
    run = sessions(gan)
    if gan.task == "image-to-image":
        shape = (ROWS, gan.image_size, gan.image_size, gan.source_channels)
        images = np.random.RandomState(0).randint(0, 256, shape)
        images = images.astype("uint8")
        card = types.SimpleNamespace(dataset="noise")
        directions = graphs.controls(gan, card)["directions"]
        for direction in directions:
            option = {"to": direction["to"]} if len(directions) > 1 else {}
            found = run[direction["graph"]]({"images": images})
            assert_alike(found, gan.translate(images, **option))
        return
    seed = tf.constant(5, "int64")
    latents = gan.seeded_latents(seed, ROWS)
    if gan.task == "text-to-image":
        captions = ["a red square", "a blue square", "on the left"]
        vectors = run["encode"](
            {"tokens": np.asarray(gan.tokenizer(captions), "int32")}
        )
        np.testing.assert_allclose(vectors, gan.encode(captions), atol=1e-5)
        found = images_of(gan, run, latents, vectors)
        assert_alike(found, gan.generate(captions=captions, seed=5))
        return
    sample = getattr(gan, "sample_condition", lambda *_: None)
    found = images_of(gan, run, latents, sample(seed, ROWS))
    assert_alike(found, gan.generate(n=ROWS, seed=5))


@pytest.mark.parametrize(
    "build", [tiny.dcgan, tiny.cgan], ids=["dcgan", "cgan"]
)
def test_same_images(build):
    check(ramped(build))


@pytest.mark.slow
@pytest.mark.parametrize("model", tiny.MODELS, ids=lambda m: m.name)
def test_same_images_of_every_model(model):
    gan = ramped(model.build)
    if not graphs.is_shown(gan):
        pytest.skip("no images from captions, classes or seeds")
    check(gan)


def test_weights_of_16_bits_stay_so():
    gan = ramped(tiny.dcgan)
    ((function, specs),) = graphs.of(gan).values()
    content, count = onnx_files.convert(gan, function, specs)
    assert count == gan.average_generator.count_params()
    weights = stored(content)
    assert sum(weights["float16"]) == count
    # Shapes and the like, but no weight.
    assert sum(weights.get("float32", [])) < 20
    # Values of more bits are kept.
    largest = max(
        gan.average_generator.weights, key=lambda w: w.shape.num_elements()
    )
    largest.assign(np.asarray(largest) + 1e-6)
    content, _ = onnx_files.convert(gan, function, specs)
    assert largest.shape.num_elements() in stored(content)["float32"]


def stored(content):
    """Returns the sizes of the arrays in a file, by type."""
    found = {}
    for array in onnx.load_from_string(content).graph.initializer:
        values = onnx.numpy_helper.to_array(array)
        found.setdefault(values.dtype.name, []).append(values.size)
    return found


def test_classes_are_mixed_where_they_are_looked_up():
    gan = ramped(tiny.conditional_stylegan)
    run = sessions(gan)
    latents = gan.seeded_latents(tf.constant(0, "int64"), ROWS)
    inputs = {
        "latents": latents.numpy(),
        "truncation": np.ones(ROWS, "float32"),
        "classes": np.tile(np.float32([0.25, 0.75, 0]), (ROWS, 1)),
    }
    found = run["styles"](inputs)
    assert_alike(
        images_of(gan, run, latents, np.full(ROWS, 2)),
        gan.generate(labels=[2] * ROWS, seed=0),
    )
    table = gan.average_generator.mapping.classes.embeddings
    rows = np.asarray(table)
    table.assign([0.25 * rows[0] + 0.75 * rows[1], rows[1], rows[2]])
    expected = gan.styles(latents, tf.zeros(ROWS, "int32"))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_labels_that_are_numbers_cannot_be_mixed():
    gan = tiny.cgan()
    specs = [tf.TensorSpec((None,), "int32", "labels")]
    with pytest.raises(ValueError, match="mixed where networks look up"):
        onnx_files.convert(
            gan, lambda labels: tf.sqrt(tf.cast(labels, "float32")), specs
        )


def test_controls_follow_from_the_task():
    found = {
        build.func.__name__
        if hasattr(build, "func")
        else build.__name__: graphs.controls(
            build(), types.SimpleNamespace(dataset="noise")
        )
        for build in (
            tiny.dcgan,
            tiny.biggan,
            tiny.progan,
            tiny.stylegan,
            tiny.gan_cls,
            tiny.cyclegan,
        )
    }
    json.dumps(found)
    assert found["DCGAN"]["truncation"] == {"kind": "latents", "mean": 0.0}
    assert found["BigGAN"]["truncation"]["kind"] == "threshold"
    assert found["ProGAN"]["truncation"] is None
    assert found["BigGAN"]["classes"]["names"] == ["0", "1", "2"]
    styles = found["stylegan"]
    assert styles["truncation"] == {"kind": "styles"}
    assert styles["styles"] == {"coarse": [0, 1, 2, 3]}  # 4 and 8.
    assert styles["classes"] is styles["captions"] is None
    assert found["GANCLS"]["captions"]["vocabulary"][:2] == ["a", "square"]
    assert [
        (d["graph"], d["to"], d["source"])
        for d in found["CycleGAN"]["directions"]
    ] == [
        ("translate_to_b", "b", "a"),
        ("translate_to_a", "a", "b"),
    ]


def test_which_models_are_shown():
    assert graphs.is_shown(tiny.gan_cls())
    assert not graphs.is_shown(tiny.vector_gan_cls())
    assert not graphs.is_shown(tiny.unrolled_gan())


def test_example_captions_have_words_that_the_model_knows():
    from kerasgan.data import catalog

    gan = zoo.load("gan_cls_personas_64")
    captions = catalog.get("personas").example_captions
    tokens = gan.tokenizer([*captions]).numpy()
    assert len(captions) > 1 and not (tokens == 1).any()


def test_float32_copies_are_converted():
    gan = tiny.dcgan(dtype="mixed_bfloat16")
    golden.ramp(gan)
    for weight in gan.weights:
        weight.assign(np.asarray(weight).astype("float16"))
    check(export.in_float32(gan))
