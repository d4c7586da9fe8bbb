"""A model of points goes through all that a model of images goes through."""

import json

import numpy as np
import pytest
import tensorflow as tf

import zoo
from kerasgan import (
    callbacks,
    cli,
    data,
    publishing,
    recipes,
    samples,
    training,
)
from tests import tiny
from tests.serving.test_server import predict, running
from tests.support import served


@pytest.fixture(scope="module")
def published_points(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo") / "unrolled_normals_2"
    publishing.write(
        tiny.unrolled_gan(),
        folder,
        dataset="normals",
        description="Generates points.",
        license="none",
        recipe="none",
    )
    return folder


def sampled(gan):
    return gan.generate(9, seed=3)


def test_seeds_batches_and_numbers():
    gan = tiny.unrolled_gan()
    points = sampled(gan)
    assert (points.shape, points.dtype) == ((9, 2), np.float32)
    np.testing.assert_array_equal(points, sampled(gan))
    np.testing.assert_allclose(
        gan.generate(9, seed=3, batch_size=2), points, atol=1e-6
    )
    np.testing.assert_allclose(gan.generate(5, seed=3), points[:5], atol=1e-6)
    assert (gan.generate(9, seed=4) != points).any()
    with pytest.raises(ValueError, match="Received: n=0"):
        gan.generate(0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:, :1], r"\(batch, 2\).*shape \(4, 1\)"),
        (lambda x: x[0], r"shape \(2,\)"),
        (lambda x: x.astype("int32"), "int32 of shape"),
        (lambda x: (x, x), "2 part"),
        (lambda x: x * np.nan, "8 that are not"),
    ],
)
def test_other_data_are_refused(change, message):
    gan = tiny.unrolled_gan()
    batch = tf.nest.map_structure(tf.constant, change(tiny.points(4)))
    with pytest.raises(ValueError, match=message):
        gan.check_batch(batch)


def test_later_batches_are_checked_in_the_stream():
    gan = tiny.unrolled_gan()
    gan.compile()
    points = tiny.points(8)
    points[6, 1] = np.inf
    with pytest.raises(ValueError, match="Received: 1 that are not"):
        gan.fit(points, batch_size=4, shuffle=False, verbose=0)


def test_samples_are_lines_of_numbers(tmp_path):
    path = tmp_path / "samples.txt"
    points = np.array([[0.5, -1.25], [1e-9, 3.0]], "float32")
    samples.write(path, points, "points")
    assert path.read_text("utf-8") == "0.5 -1.25\n1e-09 3\n"
    assert samples.matches(path, points, "points")
    assert samples.matches(path, points + 1e-5, "points")
    assert not samples.matches(path, points + 0.01, "points")
    assert not samples.matches(path, points[:1], "points")


def test_a_run_by_recipe(tmp_path):
    def build():
        gan = tiny.unrolled_gan()
        gan.compile()
        return gan

    recipe = recipes.Recipe(
        name="points",
        dataset="normals",
        description="Generates points.",
        license="none",
        build=build,
        batches=lambda first: data.stream(
            tiny.points(64),
            16,
            transform=lambda points, _: points,
            first_epoch=first,
            epochs=2 - first,
        ),
        steps_per_epoch=4,
        epochs=2,
        score=lambda gan: {"spread": -float(np.std(sampled(gan)))},
        sample=sampled,
    )
    training.train(recipe, tmp_path / "run", epochs=1, verbose=0)
    gan = training.train(recipe, tmp_path / "run", verbose=0)
    unbroken = training.train(recipe, tmp_path / "other", verbose=0)
    np.testing.assert_array_equal(sampled(gan), sampled(unbroken))
    written = sorted(p.name for p in (tmp_path / "run" / "samples").iterdir())
    assert written == ["epoch_0001.txt", "epoch_0002.txt"]


def test_a_callback_writes_to_tensorboard(tmp_path):
    gan = tiny.unrolled_gan()
    gan.compile()
    events = tmp_path / "events"
    grid = callbacks.SampleGrid(tmp_path / "x", sampled, tensorboard=events)
    gan.fit(tiny.points(8), batch_size=8, verbose=0, callbacks=[grid])
    (path,) = (tmp_path / "x").iterdir()
    assert samples.matches(path, sampled(gan), "points")
    assert len(list(events.iterdir())) == 1


def test_published_and_loaded(published_points):
    expected = tiny.unrolled_gan()
    config = json.loads((published_points / "config.json").read_text())
    assert config["point_shape"] == [2]
    card = zoo.card(published_points)
    assert (card.task, card.sample_shape) == ("points", (2,))
    gan = zoo.load(published_points)
    np.testing.assert_allclose(sampled(gan), sampled(expected), atol=5e-3)
    path = published_points / "samples.txt"
    assert samples.matches(path, gan.generate(64, seed=0), "points")


def test_the_command_generates_points(published_points, tmp_path, capsys):
    path = tmp_path / "x.txt"
    name = str(published_points)
    assert cli.main(["generate", name, "--seed", "3", "-o", str(path)]) == 0
    assert "16 points of unrolled_normals_2" in capsys.readouterr().out
    expected = zoo.load(published_points).generate(16, seed=3)
    np.testing.assert_allclose(np.loadtxt(path), expected, rtol=1e-4)
    assert cli.main(["card", name]) == 0
    assert "point_shape: 2\n" in capsys.readouterr().out


def test_exported_and_served(tmp_path):
    gan = tiny.unrolled_gan(name="toy")
    folder = tmp_path / "1"
    gan.export(folder, scores=True)
    inputs = {"seed": np.int64(3), "count": np.int32(9)}
    points = tiny.points(4)
    calls = {"sample": inputs, "scores": {"points": points}}
    found = served.run({str(folder): calls}, tmp_path)[str(folder)]
    np.testing.assert_allclose(found["sample"]["points"], sampled(gan), 1e-4)
    expected = gan.discriminator(points)[:, 0]
    np.testing.assert_allclose(found["scores"]["scores"], expected, 1e-4)
    from kerasgan.serving.models import Model

    with running([Model.of(gan, scores=True)]) as (_, port):
        content = {
            "signature_name": "sample",
            "inputs": {"seed": 3, "count": 9},
        }
        status, answer = predict(port, "toy", content)
    assert status == 200
    np.testing.assert_allclose(answer["outputs"], sampled(gan), rtol=1e-4)
