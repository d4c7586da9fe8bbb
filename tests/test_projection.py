"""Projection: an image of a model is found again."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from kerasgan import cli, data, metrics, models, projection
from tests import tiny


def psnr(first, second):
    error = np.mean((first.astype(float) - second) ** 2)
    return 10 * np.log10(255**2 / error)


def same(found, expected):
    """To rounding, which depends on the batch."""
    difference = found.astype(int) - expected.astype(int)
    assert np.abs(difference).max() <= 1


@pytest.fixture(scope="module")
def clothing():
    """A checkpoint, and the distance of its data."""
    network = zoo.features("fashion_mnist")
    distance = metrics.PerceptualDistance(network)
    return zoo.load("dcgan_fashion_mnist_32"), distance


def test_an_image_of_the_model_is_found_again(clothing):
    gan, distance = clothing
    image = gan.generate(1, seed=5)[0]
    calls = []
    found = projection.project(
        gan,
        image,
        distance,
        steps=60,
        starts=2,
        frames=5,
        progress=lambda *call: calls.append(call),
    )
    # Random images are at some 10 dB.
    assert psnr(found.image, image) > 20
    assert found.distances[-1] < 0.35 * found.distances[0]
    assert calls == [(i + 1, 60) for i in range(60)]
    # The latents alone give the image again.
    assert (found.space, found.points.shape) == ("z", (1, 100))
    again = data.to_uint8(gan(found.points)).numpy()
    same(again[0], found.image)
    assert found.frames.shape == (5, 32, 32, 1)
    assert psnr(found.frames[-1], image) > 5 + psnr(found.frames[0], image)


def styled(**changes):
    """A tiny StyleGAN2 whose styles change its images."""
    arguments = {"image_size": 16, "channel_base": 128, "channel_max": 8}
    gan = tiny.stylegan2(**arguments, **changes)
    for weight in gan.average_generator.synthesis.weights:
        if "kernel" in weight.path:
            weight.assign(3.0 * weight)
    return gan


def search(gan, image, **options):
    options = {"pixel_weight": 0.0, "steps": 40, **options}
    return projection.project(gan, image, metrics.pixel_distance, **options)


def test_w_is_found_and_w_plus_comes_nearer():
    gan = styled()
    # Each layer has a style of its own, so w alone does not reach it.
    styles = gan.styles(gan.seeded_latents(3, 6)).numpy()
    mixed = styles[np.arange(6), np.arange(6)][None]
    image = data.to_uint8(gan.from_styles(mixed))[0].numpy()
    w = search(gan, image, space="w")
    plus = search(gan, image, space="w+", steps=120)
    assert w.points.shape == plus.points.shape == (1, 6, 4)
    assert (w.points == w.points[:, :1]).all()
    assert (plus.points != plus.points[:, :1]).any()
    assert plus.distances[-1] < 0.97 * w.distances[-1] < w.distances[0]
    for found in (w, plus):
        again = data.to_uint8(gan.from_styles(found.points))[0]
        same(again.numpy(), found.image)


def test_the_search_in_w_begins_at_the_mean():
    gan = styled()
    latents = gan.seeded_latents(0, projection.CANDIDATES)
    mean = gan.styles(latents).numpy()[:, 0].mean(axis=0)
    target = tf.constant(np.tile(mean, (1, 6, 1)))
    image = data.to_uint8(gan.from_styles(target))[0].numpy()
    found = search(gan, image, steps=1, starts=1, learning_rate=0.0)
    np.testing.assert_allclose(found.points[0, 0], mean, atol=1e-5)


def test_a_class_is_given_or_found():
    gan = tiny.cgan()
    for weight in gan.average_generator.trainable_weights:
        weight.assign(tf.random.stateless_normal(weight.shape, (1, 2)))
    image = gan.generate(labels=[2], seed=9)[0]
    given = search(gan, image, steps=2, labels=[1])
    assert given.condition.tolist() == [1]
    found = search(gan, image, steps=2)
    assert found.condition.shape == (1,)
    assert found.distances[0] <= given.distances[0]


def test_uniform_latents_stay_in_their_range():
    gan = tiny.began()
    image = np.full((16, 16, 1), 255, "uint8")
    found = search(gan, image, steps=20, learning_rate=1.0)
    assert 0.9 < np.abs(found.points).max() <= 1.0


def test_the_file_holds_what_the_model_takes(tmp_path):
    gan = tiny.conditional_stylegan2()
    image = gan.generate(labels=[2], seed=9)[0]
    path = tmp_path / "found.npz"
    for space, name in (("w", "styles"), ("z", "latents")):
        found = search(gan, image, steps=1, space=space)
        found.save(path)
        with np.load(path) as file:
            assert str(file["space"]) == space
            np.testing.assert_array_equal(file[name], found.points)
            assert file["condition"].shape == (1,)
            assert file["distances"].shape == (1,)


def test_what_cannot_be_projected_is_refused():
    gan = tiny.dcgan()
    image = np.zeros((16, 16, 1), "uint8")
    with pytest.raises(TypeError, match="Received: Pix2Pix"):
        search(tiny.pix2pix(), image)
    with pytest.raises(TypeError, match="space w; search in z"):
        search(gan, image, space="w")
    for wrong in (image[..., 0], image[:8], image / 255.0):
        with pytest.raises(ValueError, match=r"uint8 \(16, 16, 1\)"):
            search(gan, wrong)
    with pytest.raises(ValueError, match="takes no labels"):
        search(gan, image, labels=[1])
    with pytest.raises(ValueError, match="one of its labels"):
        search(tiny.cgan(), image, labels=[1, 2])
    with pytest.raises(ValueError, match="come with its caption"):
        search(tiny.gan_cls(), image)
    for name, value in (("steps", 0), ("starts", 0), ("learning_rate", -1)):
        with pytest.raises(ValueError, match=f"Received: {name}={value}"):
            search(gan, image, **{name: value})


# The command


def test_the_command_writes_image_latents_and_search(tmp_path, capsys):
    image = zoo.load("dcgan_fashion_mnist_32").generate(1, seed=5)[0]
    source, output = tmp_path / "a coat.png", tmp_path / "found.png"
    data.save_png(source, image)
    command = ["project", "dcgan_fashion_mnist_32", str(source)]
    assert cli.main([*command, "-o", str(output), "--steps", "4"]) == 0
    assert "dB; z of dcgan_fashion_mnist_32 in" in capsys.readouterr().out
    found = np.asarray(Image.open(output))
    assert found.shape == (32, 32)
    with np.load(output.with_suffix(".npz")) as file:
        gan = zoo.load("dcgan_fashion_mnist_32")
        again = data.to_uint8(gan(file["latents"]))[0, :, :, 0]
        same(again.numpy(), found)
    with Image.open(output.with_suffix(".webp")) as search:
        # The image on the left, the search on the right.
        assert (search.n_frames, search.size) == (4, (64, 32))
        left = np.asarray(search.convert("L"))[:, :32]
    np.testing.assert_array_equal(left, image[..., 0])


PERSON = "a smiling person"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dcgan_fashion_mnist_32", "no.png", "-o", "x.png"], "no image"),
        (["dcgan_fashion_mnist_32", "a.png", "-o", "a.png"], "overwrite"),
        (["dcgan_fashion_mnist_32", "a.png", "-o", "x.jpg"], "a .png file"),
        (["pix2pix_fluent_64", "a.png", "-o", "x.png"], "no latents to find"),
        (["gan_cls_personas_64", "a.png", "-o", "x.png"], "needs --captions"),
        (
            ["dcgan_fashion_mnist_32", "a.png", "-o", "x.png", "--labels", "1"],
            "takes no --labels",
        ),
        (
            ["dcgan_fashion_mnist_32", "a.png", "-o", "x.png", "--space", "w"],
            "search in z",
        ),
        (
            ["dcgan_fashion_mnist_32", "a.png", "-o", "x.png"]
            + ["--distance", "inception"],
            "inception",
        ),
    ],
)
def test_the_command_refuses(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data.save_png("a.png", np.zeros((9, 9, 1), "uint8"))
    assert cli.main(["project", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_data_without_a_classifier_need_the_package(monkeypatch, tmp_path):
    from kerasgan.commands import explore

    card = zoo.card("dcgan_fashion_mnist_32")
    distance = explore._distance(None, card)
    assert distance.network.name == "classifier_fashion_mnist_32"
    assert explore._distance("pixels", card) is metrics.pixel_distance
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    own = json.loads(json.dumps({"dataset": "mine", "image_shape": [32, 32]}))
    with pytest.raises(OSError, match=r"pip install 'kerasgan\[features\]'"):
        explore._distance(None, type("Card", (), own))


def test_models_without_latents_have_none():
    assert not issubclass(models.CycleGAN, models.LatentGAN)
