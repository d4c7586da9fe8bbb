import json

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.metrics import FeatureNetwork, InceptionScore, features

CLASSES = ("bag", "boot", "coat")
ATTRIBUTES = {"class": CLASSES}


@pytest.fixture
def folder(tmp_path):
    model = features.build_classifier(8, 1, 3, width=4, convolutions=1)
    path = tmp_path / "classifier_tiny_8"
    features.save_classifier(model, path, path.name, ATTRIBUTES, 4, 1)
    return path


def test_load_gives_what_was_saved(folder, make_images):
    network = FeatureNetwork.load(folder)
    assert network.name == "classifier_tiny_8"
    assert network.image_shape == (8, 8, 1)
    assert network.num_features == 4
    assert network.num_classes == 3
    assert network.classes == CLASSES
    assert network.resizer is None
    assert len(network.hash) == 64
    again = FeatureNetwork.load(folder)
    np.testing.assert_array_equal(
        network(make_images(3)), again(make_images(3))
    )


def test_features_and_probabilities_come_from_one_pass(network, make_images):
    images = make_images(5)
    found, probabilities = network.both(images)
    assert found.dtype == probabilities.dtype == "float32"
    np.testing.assert_array_equal(found, network(images))
    np.testing.assert_array_equal(probabilities, network.probabilities(images))
    np.testing.assert_allclose(
        np.sum(probabilities, axis=1), np.ones(5), rtol=1e-6
    )
    expected, logits = network.model(images, training=False)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    exponentials = np.exp(logits)
    np.testing.assert_allclose(
        probabilities,
        exponentials / exponentials.sum(axis=1, keepdims=True),
        rtol=1e-5,
    )


@pytest.fixture
def faces(tmp_path):
    """A classifier of two attributes, with random weights."""
    keras.utils.set_random_seed(5)
    model = features.build_classifier(8, 3, 5, width=4, convolutions=1)
    draws = np.random.default_rng(0)
    model.set_weights(
        [w + draws.uniform(0, 1, w.shape) for w in model.get_weights()]
    )
    attributes = {"eyes": ("open", "closed"), "hair": ("red", "fair", "none")}
    features.save_classifier(model, tmp_path, "faces", attributes, 4, 1)
    return FeatureNetwork.load(tmp_path)


def test_each_attribute_has_its_own_probabilities(faces, make_images):
    images = make_images(7, channels=3)
    _, logits = faces.model(images, training=False)
    exponentials = np.exp(logits)
    expected = np.concatenate(
        [
            part / part.sum(axis=1, keepdims=True)
            for part in np.split(exponentials, [2], axis=1)
        ],
        axis=1,
    )
    np.testing.assert_allclose(faces.probabilities(images), expected, rtol=1e-5)


def test_recognize_names_the_most_probable_value(faces, make_images):
    images = make_images(7, channels=3)
    _, logits = faces.model(images, training=False)
    found = faces.recognize(images, batch_size=3)
    assert list(found) == ["eyes", "hair"]
    for values, part in zip(
        found.values(), np.split(logits, [2], axis=1), strict=True
    ):
        np.testing.assert_array_equal(values, np.argmax(part, axis=1))


def test_attributes_are_not_classes(faces):
    assert faces.classes == ()
    with pytest.raises(ValueError, match="classify 2 attributes"):
        InceptionScore(faces)


def test_a_name_for_each_logit(network):
    with pytest.raises(ValueError, match="Received: 2 names, 5 logits"):
        FeatureNetwork(network.model, "tiny", "", attributes={"a": ("b", "c")})


def test_value_does_not_depend_on_the_batch(network, make_images):
    images = make_images(6)
    alone = np.concatenate([network(images[i : i + 1]) for i in range(6)])
    np.testing.assert_allclose(alone, network(images), rtol=1e-5, atol=1e-6)


def test_memory_does_not_grow_with_the_number_of_images(
    network, make_images, monkeypatch
):
    images = make_images(7)
    expected = network.both(images)
    counts = []
    run = network._compiled

    def counted(part):
        counts.append(len(part))
        return run(part)

    monkeypatch.setattr(network, "_compiled", counted)
    height, width, _ = network.image_shape
    monkeypatch.setattr(features, "MOST_PIXELS", 3 * height * width + 1)
    for one, other in zip(network.both(images), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert counts == [3, 3, 1]
    # In a function, of any number of images, at once.
    compiled = tf.function(network.both)
    np.testing.assert_allclose(compiled(images)[0], expected[0], rtol=1e-4)


def test_scaling_is_inside(folder, make_images):
    # Black is -1 and white is +1 for the first convolution.
    network = FeatureNetwork.load(folder)
    scale = network.model.get_layer("scale")
    found = scale(np.array([0, 255], np.uint8))
    np.testing.assert_allclose(found, [-1.0, 1.0], atol=1e-6)


def test_half_precision_file(tmp_path, make_images):
    model = features.build_classifier(8, 1, 3, width=16)
    sizes, found = {}, {}
    for dtype in ("float32", "float16"):
        path = tmp_path / dtype
        features.save_classifier(model, path, "tiny", ATTRIBUTES, 16, 2, dtype)
        network = FeatureNetwork.load(path)
        assert network.model.dtype == "float32"
        found[dtype] = network(make_images(4)).numpy()
        with h5py.File(path / "model.weights.h5") as file:
            stored = []
            file.visititems(
                lambda _, item, stored=stored: (
                    stored.append(item.nbytes)
                    if isinstance(item, h5py.Dataset)
                    else None
                )
            )
        sizes[dtype] = sum(stored)
    assert sizes["float16"] < 0.6 * sizes["float32"]
    assert not np.array_equal(found["float16"], found["float32"])
    np.testing.assert_allclose(
        found["float16"], found["float32"], atol=0.01, rtol=0.01
    )


def test_weight_too_large_for_half_precision(tmp_path):
    model = features.build_classifier(8, 1, 3, width=2, convolutions=1)
    weights = model.get_weights()
    weights[-1][0] = 1e6
    model.set_weights(weights)
    with pytest.raises(ValueError, match="must be finite and at most 65504"):
        features.save_classifier(
            model, tmp_path, "a", ATTRIBUTES, 2, 1, "float16"
        )


def test_flipped_byte_is_found(folder):
    weights = folder / "model.weights.h5"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(OSError, match="damaged or was replaced"):
        FeatureNetwork.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "dcgan"}, "does not describe a classifier"),
        ({"width": None}, "does not describe a classifier"),
        ({"attributes": CLASSES}, "does not describe a classifier"),
        ({"image_shape": [8, 16, 1]}, "must be square"),
    ],
)
def test_config_that_is_not_ours(folder, change, message):
    path = folder / "config.json"
    config = json.loads(path.read_text()) | change
    config = {key: value for key, value in config.items() if value is not None}
    path.write_text(json.dumps(config))
    with pytest.raises(OSError, match=message):
        FeatureNetwork.load(folder)


def test_config_that_is_no_json(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(OSError, match="is not JSON"):
        FeatureNetwork.load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        FeatureNetwork.load(folder)


def test_floats_are_refused(network, make_images):
    with pytest.raises(TypeError, match="images.dtype=float32"):
        network(make_images(2).astype("float32"))


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 8, 8, 3), (2, 9, 8, 1)])
def test_wrong_shapes_are_refused(network, shape):
    with pytest.raises(ValueError, match="Received: images.shape="):
        network(np.zeros(shape, np.uint8))


def test_grey_is_repeated_to_color(make_images):
    model = features.build_classifier(8, 3, 3, width=4, convolutions=1)
    network = FeatureNetwork(model, "color", hash="")
    grey = make_images(3)
    np.testing.assert_array_equal(
        network(grey), network(np.repeat(grey, 3, axis=3))
    )


def test_unknown_resizer(network):
    with pytest.raises(ValueError, match="Unknown resizer: 'nearest'"):
        FeatureNetwork(network.model, "tiny", "", resizer="nearest")


@pytest.mark.parametrize("size", [4, 12])
def test_image_size_is_a_power_of_two(size):
    with pytest.raises(ValueError, match=f"image_size={size}"):
        features.build_classifier(size, 1, 3)


def test_parameters_of_the_shipped_size():
    # 9 * (1*32 + 32*32 + 32*64 + 64*64 + 64*128 + 128*128) kernels,
    # 4 * 2 * (32 + 64 + 128) of batch normalization, 129 * 10 of the last.
    model = features.build_classifier(32, 1, 10)
    assert model.count_params() == 285_984 + 1_792 + 1_290
    assert model.output_shape == [(None, 128), (None, 10)]
