"""DCGAN and StyleGAN learn; the other seven show it in tests of their own."""

import keras
import numpy as np
import pytest

from kerasgan import models
from tests.support import clothes


def dcgan():
    gan = models.DCGAN(16, 1, latent_dim=16, width=16, ema_decay=0.98, seed=1)
    gan.compile()
    return gan


def stylegan():
    gan = models.StyleGAN(
        16,
        1,
        latent_dim=16,
        w_dim=16,
        fmap_base=256,
        fmap_max=32,
        stable_images=6400,
        fade_images=6400,
        r1_gamma=0.1,
        ema_decay=0.98,
        seed=1,
    )
    gan.compile()
    return gan


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(("build", "epochs"), [(dcgan, 8), (stylegan, 5)])
def test_learns_trousers_and_bags(build, epochs):
    """Nine of ten images are near a real one, and both classes occur."""
    keras.utils.set_random_seed(2)
    images, labels = clothes.trousers_and_bags()
    gan = build()

    def generated():
        found = clothes.classes(
            gan.generate(200, seed=0), images[:1000], labels
        )
        return [np.mean(found == label) for label in (-1, 0, 1)]

    assert generated()[0] > 0.9
    gan.fit(images[:6400], batch_size=64, epochs=epochs, verbose=0)
    none, trousers, bags = generated()
    assert none <= 0.1
    assert min(trousers, bags) >= 0.1
