"""What all models with class labels share."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import data
from tests import tiny

NAMES = ("Shirt", "Bag", "Boot")


@pytest.fixture(scope="module")
def gan():
    return tiny.cgan(class_names=NAMES)


def test_names_and_numbers_mean_the_same(gan):
    by_name = gan.generate(labels=["Boot", "Shirt", "Boot"], seed=1)
    by_number = gan.generate(labels=np.array([2, 0, 2]), seed=1)
    np.testing.assert_array_equal(by_name, by_number)
    assert (by_name[0] != gan.generate(labels=["Bag"], seed=1)[0]).any()


def test_a_text_that_is_a_name_means_that_class(gan):
    assert gan.class_numbers(["1", "Boot", "2", 0]).tolist() == [1, 2, 2, 0]
    assert tiny.cgan().class_numbers(["1", "0"]).tolist() == [1, 0]
    counted = tiny.cgan(class_names=("1", "2", "12"))
    assert counted.class_numbers(["2", "12", "1", 2]).tolist() == [1, 2, 0, 2]
    # Where names are numbers, another number is a mistake, not a position.
    for wrong in ("0", "3", "01"):
        with pytest.raises(ValueError, match=f"Received: '{wrong}'"):
            counted.class_numbers([wrong])


def test_the_label_stays_with_its_latents(gan):
    labels = [0, 1, 2, 1, 0, 2, 2]
    together = gan.generate(labels=labels, seed=1, batch_size=3)
    latents = gan.seeded_latents(1, 7)
    for row, label in enumerate(labels):
        alone = gan((latents[row : row + 1], tf.constant([label])))
        expected = np.round((np.asarray(alone[0]) + 1) * 127.5)
        assert np.abs(together[row] - expected).max() <= 1


def test_a_larger_count_only_adds_images(gan):
    few, many = gan.generate(3, seed=4), gan.generate(9, seed=4)
    np.testing.assert_array_equal(few, many[:3])


def test_labels_are_sampled_evenly_by_default(gan):
    counts = np.bincount(gan.sample_condition(0, 3000), minlength=3)
    assert counts.min() > 900  # 1000 each, standard deviation 26
    skewed = tiny.cgan(class_frequencies=[6000, 0, 2000])
    counts = np.bincount(skewed.sample_condition(0, 4000), minlength=3)
    assert counts[1] == 0
    assert abs(counts[2] - 1000) < 150  # standard deviation 27
    assert skewed.get_config()["class_frequencies"] == (6000.0, 0.0, 2000.0)


def test_labels_do_not_follow_from_the_latents(gan):
    """The two draws of a seed are different streams."""
    labels = np.asarray(gan.sample_condition(0, 5000), "float64")
    latents = np.asarray(gan.seeded_latents(0, 5000), "float64")
    for column in latents.T:
        assert abs(np.corrcoef(labels, column)[0, 1]) < 0.06


def test_names_are_saved(gan, tmp_path):
    assert tiny.cgan().class_names is None
    gan.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.class_names == NAMES


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "n=None, labels=None"),
        ({"n": 2, "labels": [0, 1]}, r"n=2, labels=\[0, 1\]"),
        ({"n": 0}, "n=0"),
        ({"labels": []}, r"labels=\[\]"),
        ({"labels": 3}, "labels=3"),
        ({"labels": "Boot"}, "labels='Boot'"),
        (
            {"labels": ["boot"]},
            r"\(Shirt, Bag, Boot\). Did you mean 'Boot'\? Received: 'boot'",
        ),
        ({"labels": ["3"]}, "Received: '3'"),
        ({"labels": ["²"]}, "Received: '²'"),
        ({"labels": [0, 3]}, "Received: 3"),
        ({"labels": [-1]}, "Received: -1"),
        ({"labels": [0.5]}, "Received: 0.5"),
        ({"labels": [True]}, "Received: True"),
        ({"labels": [0], "seed": -1}, "seed=-1"),
        ({"labels": [0], "batch_size": 0}, "batch_size=0"),
    ],
)
def test_generate_refuses(gan, arguments, message):
    with pytest.raises(ValueError, match=message):
        gan.generate(**arguments)


def test_without_names_a_name_is_refused():
    with pytest.raises(ValueError, match=r"\(none set\). Received: 'Bag'"):
        tiny.cgan().generate(labels=["Bag"])


@pytest.mark.parametrize(
    "labels, message",
    [
        (np.full(8, 3), "0..2.*from 3 to 3"),
        (np.full(8, -1), "from -1 to -1"),
        (np.arange(8) % 3 + 1, "count from 1: subtract 1"),
        (np.zeros(8, "float32"), "dtype=float32"),
        (np.eye(3, dtype="int32")[np.zeros(8, int)], r"shape=\(8, 3\)"),
    ],
)
def test_bad_labels_are_refused_before_the_first_step(labels, message):
    gan = tiny.cgan()
    gan.compile()
    with pytest.raises(ValueError, match=message):
        gan.fit(tiny.images(8), labels, batch_size=8, verbose=0)
    assert int(gan.discriminator_optimizer.iterations) == 0


def test_images_without_labels_are_refused():
    gan = tiny.cgan()
    gan.compile()
    with pytest.raises(ValueError, match=r"1 part.*float32 of shape \(8, 16"):
        gan.fit(tiny.images(8), batch_size=8, verbose=0)
    with pytest.raises(ValueError, match=r"lengths \[8, 7\]"):
        gan.fit(tiny.images(8), tiny.labels(7), batch_size=7, verbose=0)


def test_exported_model_refuses_labels_of_no_class(gan):
    sample, _ = gan.signatures()["sample"]
    images = sample(tf.constant(3, "int64"), tf.constant([0, 2]))["images"]
    np.testing.assert_array_equal(images, gan.generate(labels=[0, 2], seed=3))
    with pytest.raises(tf.errors.InvalidArgumentError, match="3 is not in"):
        sample(tf.constant(3, "int64"), tf.constant([0, 3]))


def test_evaluation_draws_the_labels_of_the_real_images(gan):
    images, labels = (tf.constant(a) for a in tiny.labelled_images(6))
    state = gan.seed_generator.state.numpy()
    latents = gan.sample_latents(6)
    gan.seed_generator.state.assign(state)
    real, fakes = gan.samples_to_compare((images, labels))
    np.testing.assert_array_equal(real, data.to_uint8(images))
    np.testing.assert_array_equal(fakes, data.to_uint8(gan((latents, labels))))
