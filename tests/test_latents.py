"""Paths, arithmetic, truncation and style mixing."""

import numpy as np
import pytest
import tensorflow as tf

from kerasgan import data, latents
from tests import tiny


def normal(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape)


def test_lerp_by_hand():
    found = latents.lerp([0.0, 2.0], [4.0, 0.0], 3)
    np.testing.assert_allclose(found, [[0, 2], [2, 1], [4, 0]])
    assert found.dtype == np.float32


def test_slerp_by_hand():
    """A quarter turn in three steps; the length goes from 1 to 3."""
    found = latents.slerp([1.0, 0.0], [0.0, 3.0], 3)
    half = 2 * np.sqrt(0.5)
    np.testing.assert_allclose(found, [[1, 0], [half, half], [0, 3]], atol=1e-6)


def test_slerp_keeps_lengths_where_lerp_shortens():
    start, end = normal(2, 5, 100)
    arc = np.linalg.norm(latents.slerp(start, end, 9), axis=-1)
    line = np.linalg.norm(latents.lerp(start, end, 9), axis=-1)
    ends = np.stack([np.linalg.norm(x, axis=-1) for x in (start, end)])
    np.testing.assert_allclose(arc, latents.lerp(*ends, 9), rtol=1e-5)
    assert (line[4] < 0.85 * arc[4]).all()


def test_slerp_turns_evenly():
    points = latents.slerp(*normal(2, 50), 7).astype("float64")
    points /= np.linalg.norm(points, axis=-1, keepdims=True)
    angles = np.arccos((points[1:] * points[:-1]).sum(-1))
    np.testing.assert_allclose(angles, angles.mean(), rtol=1e-4)


def test_slerp_of_equal_latents_stays():
    z = normal(4)
    np.testing.assert_allclose(
        latents.slerp(z, z, 3), np.stack([z] * 3), rtol=1e-5
    )


def test_paths_without_an_answer_are_refused():
    with pytest.raises(ValueError, match="opposite"):
        latents.slerp([1.0, 0.0], [-2.0, 0.0], 3)
    with pytest.raises(ValueError, match="zeros"):
        latents.slerp([0.0, 0.0], [1.0, 0.0], 3)
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        latents.lerp([1.0, 0.0], [1.0, 0.0, 0.0], 3)
    with pytest.raises(ValueError, match="steps=1"):
        latents.lerp([1.0], [2.0], 1)
    with pytest.raises(ValueError, match=r"shape \(1, 4\)"):
        latents.path(normal(1, 4), 3)


def test_path_visits_its_points():
    corners = normal(3, 6)
    found = latents.path(corners, 4)
    assert found.shape == (9, 6)
    np.testing.assert_allclose(found[::4], corners, rtol=1e-5)
    straight = latents.path(corners, 4, latents.lerp)
    np.testing.assert_allclose(
        straight[2], (corners[0] + corners[1]) / 2, rtol=1e-5
    )


def test_direction_by_hand():
    found = latents.direction([[1, 5], [3, 7]], [[1, 1], [1, 1], [1, 1]])
    np.testing.assert_allclose(found, [1, 5])
    with pytest.raises(ValueError, match=r"\(0, 2\)"):
        latents.direction(np.zeros((0, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"\(1, 2\) and \(1, 3\)"):
        latents.direction(np.zeros((1, 2)), np.zeros((1, 3)))


def stylegan():
    """A model whose styles matter: they start near zero."""
    gan = tiny.stylegan(image_size=16, start_resolution=16)
    for weight in gan.average_generator.weights:
        if "adain" in weight.path and "kernel" in weight.path:
            weight.assign(3.0 * weight)
    gan.average_generator.average_w.assign(normal(gan.w_dim) / 10)
    return gan


def test_truncation_row():
    gan = stylegan()
    row = latents.truncation_row(gan, 3, [1.0, 0.7, 0.0], n=2)
    assert row.shape == (2, 3, 16, 16, 1)
    np.testing.assert_array_equal(row[:, 0], gan.generate(2, seed=3))
    np.testing.assert_array_equal(
        row[:, 1], gan.generate(2, seed=3, truncation=0.7)
    )
    np.testing.assert_array_equal(row[0, 2], row[1, 2])
    assert (row[0, 0] != row[1, 0]).any()
    with pytest.raises(ValueError, match="truncation=2"):
        latents.truncation_row(gan, 3, [2.0])


def test_mixing_all_styles_gives_the_other_image():
    gan = stylegan()
    mixed = latents.mix_styles(gan, [1, 2], [5, 6, 7], (4, 16))
    assert mixed.shape == (2, 3, 16, 16, 1)
    others = np.concatenate([gan.generate(1, seed=s) for s in (5, 6, 7)])
    for row in mixed:
        assert np.abs(row.astype(int) - others).max() <= 1


def test_mixed_styles_come_from_the_named_layers():
    gan = stylegan()
    seen = []
    original = gan.from_styles
    gan.from_styles = lambda styles: seen.append(styles) or original(styles)
    latents.mix_styles(gan, [1], [2], "middle", truncation=0.5)
    psi = tf.constant([0.5])
    first, other = (
        gan.styles(gan.seeded_latents(seed, 1), truncation=psi).numpy()
        for seed in (1, 2)
    )
    # Resolutions 4, 4, 8, 8 and then 16, 16.
    np.testing.assert_allclose(seen[0][:, :4], first[:, :4], rtol=1e-6)
    np.testing.assert_allclose(seen[0][:, 4:], other[:, 4:], rtol=1e-6)
    latents.mix_styles(gan, [1], [1, 2], "coarse")
    assert np.array_equal(seen[1][0, 4:], seen[1][1, 4:])
    assert not np.array_equal(seen[1][0, :4], seen[1][1, :4])


def test_mixing_where_there_is_nothing_to_mix():
    gan = stylegan()
    with pytest.raises(ValueError, match="from 4 to 16.*which='fine'"):
        latents.mix_styles(gan, [1], [2], "fine")
    with pytest.raises(ValueError, match="which='rough'"):
        latents.mix_styles(gan, [1], [2], "rough")
    with pytest.raises(TypeError, match="Received: DCGAN"):
        latents.mix_styles(tiny.dcgan(), [1], [2])
    with pytest.raises(ValueError, match="num_classes=3"):
        latents.truncation_row(tiny.conditional_stylegan(), 1, [1.0])


def test_between_sentences():
    gan = tiny.vector_gan_cls()
    start, end = tiny.sentence_vectors(2)
    images = latents.between_sentences(gan, start, end, 5, seed=3)
    assert images.shape == (5, 16, 16, 1)
    noise = tf.repeat(gan.seeded_latents(np.int64(3), 1), 3, axis=0)
    vectors = np.stack([start, (start + end) / 2, end])
    expected = data.to_uint8(gan((noise, vectors))).numpy().astype(int)
    assert np.abs(images[[0, 2, 4]] - expected).max() <= 1
    with pytest.raises(TypeError, match="Received: DCGAN"):
        latents.between_sentences(tiny.dcgan(), start, end, 5)


def test_between_captions():
    gan = tiny.gan_cls()
    ends = ["a red square on the left", "a blue square on the right"]
    images = latents.between_sentences(gan, *ends, 2, seed=3)
    expected = latents.between_sentences(gan, *gan.encode(ends), 2, seed=3)
    np.testing.assert_array_equal(images, expected)
