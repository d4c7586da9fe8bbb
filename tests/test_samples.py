"""Samples as files, of any number of channels."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasgan import callbacks, models, samples


@pytest.mark.parametrize(
    ("channels", "shape"),
    [
        (1, (18, 8)),
        (2, (18, 16)),
        (3, (18, 8, 3)),
        (4, (18, 8, 4)),
        (5, (18, 40)),
    ],
)
def test_any_number_of_channels_is_written(tmp_path, channels, shape):
    draws = np.random.RandomState(0)
    images = draws.randint(0, 255, (2, 8, 8, channels)).astype("uint8")
    path = tmp_path / "x.png"
    samples.write(path, images, "image", columns=1)
    found = np.asarray(Image.open(path))
    assert found.shape == shape
    if channels in (2, 5):
        # Channel after channel, in grey.
        np.testing.assert_array_equal(found[:8, 8:16], images[0, ..., 1])
    assert samples.matches(path, images, "image", columns=1)
    changed = images.copy()
    changed[1, 3, 3, -1] ^= 128
    assert not samples.matches(path, changed, "image", columns=1)


@pytest.mark.parametrize("channels", [2, 4])
def test_a_run_with_other_channels_than_color(tmp_path, channels):
    gan = models.DCGAN(16, channels=channels, width=4, latent_dim=4, seed=1)
    gan.compile()
    grid = callbacks.SampleGrid(tmp_path / "grid", tensorboard=tmp_path / "tb")
    images = tf.random.stateless_uniform((8, 16, 16, channels), (1, 2), -1, 1)
    gan.fit(images, batch_size=8, callbacks=[grid], verbose=0)
    assert (tmp_path / "grid" / "epoch_0001.png").is_file()
    assert list((tmp_path / "tb").iterdir())


def pix2pix():
    gan = models.Pix2Pix(32, target_channels=1, width=4, patch_size=16, seed=1)
    gan.compile()
    return gan


def pairs(target_channels):
    draws = np.random.RandomState(0)
    return [
        draws.uniform(-1, 1, (2, 32, 32, channels)).astype("float32")
        for channels in (3, target_channels)
    ]


def test_pairs_of_other_channels_are_sampled(tmp_path):
    inputs = np.zeros((2, 32, 32, 3), np.uint8)
    grid = callbacks.SampleGrid(tmp_path, lambda gan: gan.translate(inputs))
    pix2pix().fit(*pairs(1), batch_size=2, callbacks=[grid], verbose=0)
    assert np.asarray(Image.open(tmp_path / "epoch_0001.png")).ndim == 2


def test_samples_that_need_inputs_are_refused_at_once(tmp_path):
    gan = pix2pix()
    before = gan.generator.get_weights()
    with pytest.raises(ValueError, match="image-to-image .* sample=None"):
        gan.fit(
            *pairs(1),
            batch_size=2,
            callbacks=[callbacks.SampleGrid(tmp_path)],
            verbose=0,
        )
    for old, new in zip(before, gan.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_wrong_channels_of_a_pair_name_no_argument():
    with pytest.raises(ValueError, match="`target`.*from 3 to 1 .*model for 3"):
        pix2pix().fit(*pairs(3), batch_size=2)


@pytest.mark.parametrize("channels", [0, -1, 2.5, "3", True])
def test_channels_are_whole_numbers(channels):
    with pytest.raises(ValueError, match=f"Received: channels={channels!r}"):
        models.DCGAN(16, channels=channels)
