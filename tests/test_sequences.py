"""A model of text goes through all that a model of images goes through.

The toy stands for any model whose samples are sequences; nothing in the core
may need to know that there are images.
"""

import json
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.summary.summary_iterator import summary_iterator

import zoo
from kerasgan import (
    callbacks,
    checkpoints,
    cli,
    data,
    export,
    models,
    publishing,
    recipes,
    samples,
    training,
)
from kerasgan.serving.models import Model
from tests.serving.test_server import fetch, predict, running
from tests.support import served
from tests.support import toy_sequences as toys


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """The toy is one of the architectures that a card may name."""
    architectures = (*models.ARCHITECTURES, toys.ToySequenceGAN)
    monkeypatch.setattr(models, "ARCHITECTURES", architectures)


@pytest.fixture(scope="module")
def published_toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo") / "toy_sentences_5"
    publishing.write(
        toys.build(),
        folder,
        dataset="sentences",
        description="Generates sentences.",
        license="none",
        recipe="none",
    )
    return folder


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "toy" / "1"
    toys.build().export(folder, scores=True)
    return folder


def sampled(gan):
    return gan.generate(9, seed=3)


# Training


def test_it_trains(tmp_path):
    gan = toys.build()
    gan.compile()
    history = gan.fit(toys.tokens(gan), batch_size=16, epochs=2, verbose=0)
    assert set(history.history) == {"d_loss", "g_loss"}
    assert np.isfinite([*history.history.values()]).all()
    found = sampled(gan)
    assert found == sampled(gan)
    assert found != sampled(toys.build())
    assert len(set(found)) > 1
    assert {w for sentence in found for w in sentence.split()} <= {
        *gan.vocabulary
    }


def test_images_are_refused_at_the_door():
    gan = toys.build()
    gan.compile()
    with pytest.raises(ValueError, match="batches of tokens"):
        gan.fit(np.zeros((64, 16, 16, 1), "float32"), batch_size=16)


def test_saved_and_continued(tmp_path):
    gan = toys.build()
    gan.compile()
    gan.fit(toys.tokens(gan), batch_size=16, verbose=0)
    gan.save(tmp_path / "toy.keras")
    again = keras.models.load_model(tmp_path / "toy.keras")
    assert sampled(again) == sampled(gan)
    again.fit(toys.tokens(gan), batch_size=16, verbose=0)


def test_a_restored_run_continues_exactly(tmp_path):
    def trained(gan, epochs):
        gan.compile()
        return lambda: gan.fit(
            tf.data.Dataset.from_tensor_slices(toys.tokens(gan)).batch(16),
            epochs=epochs,
            verbose=0,
        )

    whole = toys.build()
    run = trained(whole, 1)
    run()
    checkpoints.save(tmp_path, whole, 1, {})
    run()
    resumed = toys.build()
    run = trained(resumed, 1)
    values, damaged = checkpoints.restore(tmp_path, resumed)
    assert (values["epoch"], damaged) == (1, [])
    run()
    for first, second in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(first, second, first.path)


# Samples


def test_samples_are_lines_and_stay_so(tmp_path):
    path = tmp_path / "samples.txt"
    samples.write(path, ["a cat", "two\nlines", ""], "text")
    assert path.read_text("utf-8") == "a cat\ntwo lines\n\n"
    assert samples.matches(path, ["a cat", "two\nlines", ""], "text")
    assert not samples.matches(path, ["a cat", "two lines"], "text")


def test_samples_of_images_match_to_one_grey_level(tmp_path):
    path = tmp_path / "samples.png"
    images = np.arange(4 * 16, dtype="uint8").reshape(4, 4, 4, 1) + 9
    samples.write(path, images, "image", columns=2)
    for other, same in (
        (images, True),
        (images + 1, True),
        (images + 2, False),
        (images[:2], False),
    ):
        assert samples.matches(path, other, "image", columns=2) == same


def test_a_callback_writes_lines(tmp_path):
    gan = toys.build()
    gan.compile()
    events = tmp_path / "events"
    grid = callbacks.SampleGrid(tmp_path / "x", sampled, tensorboard=events)
    gan.fit(toys.tokens(gan), batch_size=16, verbose=0, callbacks=[grid])
    (path,) = (tmp_path / "x").iterdir()
    assert path.name == "epoch_0001.txt"
    lines = path.read_text("utf-8").splitlines()
    assert lines == sampled(gan)
    (file,) = events.iterdir()
    (value,) = (v for e in summary_iterator(str(file)) for v in e.summary.value)
    assert value.tag == "samples"
    assert [s.decode() for s in value.tensor.string_val] == lines


def test_a_run_by_recipe(tmp_path):
    pretrained = []

    def build():
        gan = toys.build()
        gan.compile()
        return gan

    recipe = recipes.Recipe(
        name="toy",
        dataset="sentences",
        description="Generates sentences.",
        license="none",
        build=build,
        batches=lambda first: data.stream(
            toys.tokens(toys.build()),
            16,
            transform=lambda tokens, _: tokens,
            first_epoch=first,
            epochs=2 - first,
        ),
        steps_per_epoch=4,
        epochs=2,
        score=lambda gan: {"different": -len(set(sampled(gan)))},
        sample=sampled,
        pretrain=pretrained.append,
    )
    training.train(recipe, tmp_path / "run", epochs=1, verbose=0)
    gan = training.train(recipe, tmp_path / "run", verbose=0)
    # Before the first epoch, and not when the run is resumed.
    assert len(pretrained) == 1
    unbroken = training.train(recipe, tmp_path / "other", verbose=0)
    assert sampled(gan) == sampled(unbroken)
    written = sorted(p.name for p in (tmp_path / "run" / "samples").iterdir())
    assert written == ["epoch_0001.txt", "epoch_0002.txt"]


# The zoo


def test_published_and_loaded(published_toy):
    config = json.loads((published_toy / "config.json").read_text())
    assert config["sequence_shape"] == [5]
    assert "image_shape" not in config
    card = zoo.card(published_toy)
    assert (card.task, card.sample_shape, card.image_shape) == (
        "text",
        (5,),
        None,
    )
    gan = zoo.load(published_toy)
    assert gan.vocabulary == toys.VOCABULARY
    assert sampled(gan) == sampled(toys.build())
    lines = (published_toy / "samples.txt").read_text("utf-8").splitlines()
    assert lines == gan.generate(64, seed=0)
    assert not (published_toy / "samples.png").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "image"}, "'image_shape' must be a list of length 3"),
        ({"task": "image", "image_shape": [5, 5, 1]}, "its task must be text"),
        ({"sequence_shape": [6]}, r"its sequence_shape must be \[5\]"),
        ({"sequence_shape": [5, 1]}, "'sequence_shape' must be a list"),
        ({"architecture": "SequenceGAN"}, "`architecture` must be one of"),
    ],
)
def test_a_card_that_lies_is_refused(published_toy, tmp_path, changes, message):
    folder = tmp_path / "toy"
    folder.mkdir()
    for path in published_toy.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    with pytest.raises(ValueError, match=message):
        zoo.load(folder)


def test_the_command_generates_lines(published_toy, tmp_path, capsys):
    path = tmp_path / "x.txt"
    name = str(published_toy)
    assert cli.main(["generate", name, "--seed", "3", "-o", str(path)]) == 0
    assert "16 texts of toy_sentences_5" in capsys.readouterr().out
    lines = path.read_text("utf-8").splitlines()
    assert lines == zoo.load(published_toy).generate(16, seed=3)
    assert cli.main(["card", name]) == 0
    assert "sequence_shape: 5\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "x.png"], "must be a .txt"),
        (["-o", "x.txt", "--labels", "1"], "takes -n. Received: --labels"),
        (["-o", "x.txt", "--truncation", "1"], "Received: --truncation"),
        (["-o", "x.txt", "--columns", "4"], "Received: --columns"),
    ],
)
def test_options_of_images_are_refused(
    published_toy, tmp_path, monkeypatch, capsys, options, message
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["generate", str(published_toy), *options]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


# Export and serving


def test_exported_where_there_is_no_kerasgan(exported, tmp_path):
    gan = toys.build()
    latents = gan.seeded_inputs(3, 9).numpy()
    inputs = {"seed": np.int64(3), "count": np.int32(9)}
    calls = {"sample": inputs, "serving_default": {"latents": latents}}
    found = served.run({str(exported): calls}, tmp_path)[str(exported)]
    sentences = [s.decode() for s in found["sample"]["sentences"]]
    assert sentences == sampled(gan)
    tokens = found["sample"]["tokens"]
    assert (tokens.dtype, tokens.shape) == (np.int32, (9, 5))
    np.testing.assert_array_equal(tokens, found["serving_default"]["tokens"])


@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_other_formats_give_tokens(format, tmp_path):
    from tests.test_export_formats import FORMATS

    gan = toys.build()
    assert gan.export(tmp_path / "out", format) == ("serving_default",)
    latents = gan.seeded_inputs(3, 9)
    tokens = FORMATS[format](tmp_path / "out", "serving_default", "tokens")(
        {"latents": latents.numpy()}
    )
    np.testing.assert_array_equal(tokens, gan.to_samples(gan(latents)))


def test_what_returns_text_is_not_portable():
    gan = toys.build()

    def to_text(tokens):
        return {"sentences": gan.sentences(tokens)}

    specs = [tf.TensorSpec((None, 5), "int32", "tokens")]
    signatures = {**gan.signatures(), "to_text": (to_text, specs)}
    assert tuple(export.portable(signatures)) == ("serving_default",)


def test_the_server_answers_with_sentences(exported):
    gan = toys.build(name="toy")
    latents = gan.seeded_inputs(3, 9).numpy().round(4)
    expected = gan.to_samples(gan(latents)).numpy().tolist()
    ours, theirs = Model.of(gan, scores=True), Model.from_saved_model(exported)
    for model in (ours, theirs):
        assert model.signatures["serving_default"].joinable
        assert not model.signatures["sample"].joinable
        assert not model.signatures["scores"].joinable
        with running([model]) as (_, port):
            content = {
                "signature_name": "sample",
                "inputs": {"seed": 3, "count": 9},
            }
            status, answer = predict(port, "toy", content)
            assert status == 200
            assert answer["outputs"]["sentences"] == sampled(gan)
            tokens = np.array(answer["outputs"]["tokens"])
            rows = predict(port, "toy", {"instances": latents.tolist()})
            assert rows == (200, {"predictions": expected})
            content = {
                "signature_name": "scores",
                "instances": tokens.tolist(),
            }
            status, answer = predict(port, "toy", content)
            assert status == 200
            np.testing.assert_allclose(
                answer["predictions"],
                gan.discriminator(tf.one_hot(tokens, gan.num_tokens))[:, 0],
                rtol=1e-4,
            )
            _, body = fetch(port, "/v1/models/toy/metadata")
            found = json.loads(body)["metadata"]["signature_def"]
            outputs = found["signature_def"]["sample"]["outputs"]
            assert outputs["sentences"]["dtype"] == "DT_STRING"
            assert outputs["tokens"]["dtype"] == "DT_INT32"


def test_the_command_serves_sentences(exported):
    """In a process that knows no class of the toy."""
    code = "from kerasgan import cli; import sys; sys.exit(cli.main())"
    content = {"signature_name": "sample", "inputs": {"seed": 3, "count": 9}}
    with subprocess.Popen(
        [sys.executable, "-c", code, "serve", str(exported), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline()
            port = re.match(r"Serving toy at http://\S+:(\d+);", line)[1]
            status, answer = predict(int(port), "toy", content)
        finally:
            process.terminate()
    assert status == 200
    assert answer["outputs"]["sentences"] == sampled(toys.build())
