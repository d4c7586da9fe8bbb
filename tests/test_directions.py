"""Directions by factorization: exact on known weights."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from kerasgan import cli, directions, latents
from tests import tiny


def test_the_first_layer_of_every_model_is_found():
    """Its output is affine in the latents, with exactly these weights."""
    expected = {
        "acgan": "project",
        "cgan": "project",
        "dcgan": "project",
        "gan_cls": "project",
        "infogan": "dense",
        "progan": "dense_4",
        "r3gan": "dense_4",
        "conditional_r3gan": "dense_4",
        "vanilla_gan": "hidden_1",
        "mlp_cgan": None,
    }
    for name, layer in expected.items():
        gan = getattr(tiny, name)()
        found = directions.first_weights(gan)
        assert found.shape[0] == gan.latent_dim, name
        if layer is not None:
            kernel = gan.average_generator.get_layer(layer).kernel.numpy()
            rows = kernel[: gan.latent_dim]
            np.testing.assert_allclose(found, rows, atol=1e-6, err_msg=name)


def test_directions_by_hand():
    gan = tiny.dcgan()
    kernel = gan.average_generator.get_layer("project").kernel
    weights = np.zeros(kernel.shape, "float32")
    # Along (0.6, -0.8, 0, 0) the output moves by 5, along the third axis by 2.
    weights[0, :2], weights[1, :2] = (3.0, 0.0), (-4.0, 0.0)
    weights[2, 1] = -2.0
    kernel.assign(weights)
    vectors, strengths = directions.directions(gan, count=2)
    np.testing.assert_allclose(strengths, [5.0, 2.0], rtol=1e-6)
    expected = [[-0.6, 0.8, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["stylegan", "stylegan2"])
def test_directions_of_styles_are_those_of_the_chosen_layers(name):
    gan = getattr(tiny, name)(image_size=16)
    synthesis = gan.average_generator.synthesis
    strong = np.array([0.5, 0.5, -0.5, 0.5])
    for layer in synthesis.layers:
        if hasattr(layer, "style"):
            kernel = np.zeros(layer.style.kernel.shape, "float32")
            axis = strong if layer.name.endswith("_16") else np.eye(4)[1]
            kernel[:, 0] = (9.0 if "rgb" in layer.name else 1.0) * axis
            layer.style.kernel.assign(kernel)
    fine = directions.directions(gan, 1, which=(16, 16))
    np.testing.assert_allclose(fine[0][0], strong, atol=1e-6)
    coarse = directions.directions(gan, 1, which="coarse")
    np.testing.assert_allclose(coarse[0][0], np.eye(4)[1], atol=1e-6)
    # The layers of the image, which has their styles too, do not count.
    layers = [n for n in dir(synthesis) if n.startswith(("adain", "conv"))]
    count = sum(hasattr(getattr(synthesis, n), "style") for n in layers)
    both = directions.directions(gan, 2)[1]
    assert np.sum(both**2) == pytest.approx(count, rel=1e-5)


def test_images_along_a_direction():
    gan = tiny.dcgan()
    vectors = np.eye(4, dtype="float32")[:2]
    found = directions.images_along(gan, vectors, seed=3, steps=(-2, 0, 1))
    assert found.shape == (2, 3, 16, 16, 1)
    np.testing.assert_array_equal(found[0, 1], gan.generate(1, seed=3)[0])
    many = gan.seeded_latents(0, directions.POINTS).numpy()
    start = gan.seeded_latents(3, 1).numpy()[0]
    points = start + np.outer([-2, 0, 1], [0, np.std(many[:, 1]), 0, 0])
    expected = gan.run_in_batches(points.astype("float32"), 64)
    differences = np.abs(found[1].astype(int) - expected.astype(int))
    assert differences.max() <= 1


def test_only_chosen_styles_are_moved():
    gan = tiny.stylegan2(image_size=16)
    seen = []
    gan.from_styles = lambda styles: (
        seen.append(styles.numpy()) or tf.zeros((len(styles), 16, 16, 1))
    )
    vectors = np.eye(4, dtype="float32")[:1]
    directions.images_along(gan, vectors, 3, (0.0, 5.0), which="coarse")
    (styles,) = seen
    moved = np.any(styles[0] != styles[1], axis=1)
    assert moved.tolist() == [True, True, True, False, False, False]
    start = gan.styles(latents.seeded(gan, [3])).numpy()
    np.testing.assert_allclose(styles[:1], start, atol=1e-6)


def test_a_class_is_that_of_the_seed_or_given():
    gan = tiny.conditional_stylegan2()
    vectors = np.eye(4, dtype="float32")[:1]
    found = directions.images_along(gan, vectors, 3, (0.0,), labels=[2])
    expected = gan.generate(labels=[2], seed=3)
    np.testing.assert_array_equal(found[0], expected)


def test_what_has_no_directions_is_refused():
    with pytest.raises(TypeError, match="Received: Pix2Pix"):
        directions.directions(tiny.pix2pix())
    with pytest.raises(ValueError, match="4 directions. Received: count=5"):
        directions.directions(tiny.dcgan(), count=5)
    with pytest.raises(ValueError, match="layers to choose from"):
        directions.directions(tiny.dcgan(), 1, which="coarse")
    with pytest.raises(ValueError, match="Received: which='large'"):
        directions.directions(tiny.stylegan2(), 1, which="large")


def test_the_command(tmp_path, capsys):
    output = tmp_path / "directions.png"
    command = ["directions", "stylegan_fashion_mnist_32", "-o", str(output)]
    options = ["--count", "2", "--columns", "3", "--styles", "coarse"]
    assert cli.main([*command, *options, "--labels", "Bag"]) == 0
    assert "2 directions of stylegan_fashion" in capsys.readouterr().out
    gan = zoo.load("stylegan_fashion_mnist_32")
    with np.load(output.with_suffix(".npz")) as file:
        vectors, strengths = directions.directions(gan, 2, "coarse")
        np.testing.assert_array_equal(file["directions"], vectors)
        np.testing.assert_array_equal(file["strengths"], strengths)
    assert output.stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pix2pix_fluent_64", "-o", "x.png"], "no directions"),
        (["dcgan_fashion_mnist_32", "-o", "x.gif"], "Received: x.gif"),
        (["gan_cls_personas_64", "-o", "x.png"], "needs --captions"),
    ],
)
def test_the_command_refuses(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["directions", *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
