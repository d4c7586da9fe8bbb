"""Measuring on the real data sets; needs `kerasgan data prepare`."""

import numpy as np
import pytest

import zoo
from kerasgan import data, evaluation
from kerasgan.recipes import _fashion_mnist

NAME = "dcgan_fashion_mnist_32"


@pytest.mark.data
def test_the_classifier_is_as_good_as_its_card_says():
    network = zoo.features("fashion_mnist")
    test = data.load("fashion_mnist", "test", 32)
    seen = np.concatenate(
        [
            np.argmax(network.probabilities(test["image"][i : i + 500]), axis=1)
            for i in range(0, 10_000, 500)
        ]
    )
    accuracy = (seen == test["label"]).mean()
    assert accuracy >= 0.925
    assert network.classes == data.class_names("fashion_mnist")


@pytest.mark.data
def test_real_images_are_near_real_ones():
    scores = evaluation.real_against_real("fashion_mnist", size=32)
    entry = scores["fd10k_fashion_mnist_test"]
    assert 0 < entry["value"] < 0.05
    assert entry["reference_pictures"] == 10_000
    assert entry["protocol"]["features_sha256"]


@pytest.mark.data
def test_noise_is_far_and_a_missing_class_is_seen():
    def noise(count, seed):
        draws = np.random.default_rng(seed)
        return draws.integers(0, 256, (count, 32, 32, 1), "uint8")

    scores = evaluation.score(
        noise, "fashion_mnist", "fd10k_fashion_mnist_test", size=32
    )
    assert scores["fd10k_fashion_mnist_test"]["value"] > 50

    test = data.load("fashion_mnist", "test", 32)
    without_bags = test["image"][test["label"] != 8]

    def drawn(count, seed):
        rows = np.random.default_rng(seed).integers(0, len(without_bags), count)
        return without_bags[rows]

    shares = evaluation.class_shares(drawn, "fashion_mnist", count=2000)
    assert shares["Bag"] < 0.01
    assert min(v for name, v in shares.items() if name != "Bag") > 0.05
    scores = evaluation.score(
        drawn, "fashion_mnist", "fd10k_fashion_mnist_test", size=32
    )
    assert scores["fd10k_fashion_mnist_test"]["value"] > 1


@pytest.mark.data
def test_training_streams_hold_the_padded_training_images():
    batches = _fashion_mnist.image_batches(64, epochs=2)
    first = next(iter(batches(0))).numpy()
    assert first.shape == (64, 32, 32, 1)
    assert first.dtype == np.float32
    assert (first[:, :2] == -1).all()
    assert (first[:, -2:] == -1).all()
    assert first.max() > 0.9
    assert (next(iter(batches(0))).numpy() == first).all()
    assert (next(iter(batches(1))).numpy() != first).any()


def test_unknown_protocols_and_data_are_refused():
    with pytest.raises(ValueError, match="Unknown protocol: 'fid'"):
        evaluation.score(None, "fashion_mnist", "fid", size=32)
    with pytest.raises(ValueError, match="no usual protocol for 'faces'"):
        evaluation.score(None, "faces", size=32)
