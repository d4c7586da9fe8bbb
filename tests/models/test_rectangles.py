"""Images that are not square: the convolutional models take them."""

import itertools

import keras
import numpy as np
import pytest

from kerasgan import models

SIZES = [(16, 32), (64, 16)]
SMALL = {"channels": 1, "latent_dim": 4, "seed": 7}
WIDTHS = {"generator_width": 8, "discriminator_width": 4}
MODELS = {
    "DCGAN": {"width": 4},
    "LSGAN": {"width": 4},
    "WGAN": {"width": 4, "critic_steps": 2, "long_critic_steps": 2},
    "WGANGP": {"width": 4, "critic_steps": 2},
    "BEGAN": {"width": 3},
    "SkipBEGAN": {"width": 3},
    "CGAN": {"width": 4, "num_classes": 3},
    "ACGAN": {**WIDTHS, "num_classes": 3},
}
# Whose networks differ; the others are of DCGAN's.
OFTEN = ("DCGAN", "BEGAN", "ACGAN")


def build(name, image_size):
    arguments = {**SMALL, **MODELS[name]}
    return getattr(models, name)(image_size=image_size, **arguments)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        pytest.param(
            name,
            size,
            marks=() if name in OFTEN else (pytest.mark.variant,),
            id=f"{name}-{size}",
        )
        for name, size in zip(MODELS, itertools.cycle(SIZES))
    ],
)
def test_rectangles_are_generated_and_trained(name, size, tmp_path):
    gan = build(name, size)
    assert gan.image_shape == (*size, 1)
    gan.compile()
    images = np.random.RandomState(0).uniform(-1, 1, (8, *size, 1))
    arrays = [images.astype("float32")]
    request = {"n": 3}
    if "num_classes" in MODELS[name]:
        arrays.append(np.arange(8) % 3)
        request = {"labels": [0, 1, 2]}
    gan.run_eagerly = True  # Sooner than it is compiled.
    gan.fit(*arrays, batch_size=4, verbose=0)
    made = gan.generate(**request, seed=0)
    assert made.shape == (3, *size, 1)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert again.image_size == size
    np.testing.assert_array_equal(again.generate(**request, seed=0), made)


@pytest.mark.parametrize("name", MODELS)
def test_a_pair_of_equal_sides_is_a_square(name):
    gan, square = build(name, [16, 16]), build(name, 16)
    assert gan.get_config() == {**square.get_config(), "name": gan.name}
    assert [w.path for w in gan.generator.weights] == [
        w.path for w in square.generator.weights
    ]


@pytest.mark.parametrize(
    ("size", "received"),
    [
        ((16, 24), r"image_size\[1\]=24"),
        ((8, 16), r"image_size\[0\]=8"),
        ((16,), r"image_size=\(16,\)"),
        ((16, 16, 3), r"image_size=\(16, 16, 3\)"),
        ((16.0, 16), r"image_size\[0\]=16.0"),
    ],
)
@pytest.mark.parametrize("name", MODELS)
def test_other_rectangles_are_refused(name, size, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        build(name, size)
