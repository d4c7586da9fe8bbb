import tarfile

import numpy as np
import pytest
import tensorflow as tf

from kerasgan.metrics import FrechetDistance, inception, load_inception
from tests.support import inception_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The frozen graph with random weights, as a folder."""
    path = tmp_path_factory.mktemp("inception")
    inception_weights.write_graph(
        path / inception.GRAPH, inception_weights.draw()
    )
    return path


def tiny_arrays(value=2.0):
    """One number for every array, under the port's names."""
    arrays = {
        f"{module}.conv.weight": np.full((1, 1, 1, 1), value, "float32")
        for module in inception.CONVOLUTIONS.values()
    }
    for module in inception.CONVOLUTIONS.values():
        for name, number in (
            ("weight", 3.0),
            ("bias", 5.0),
            ("running_mean", 7.0),
            ("running_var", 0.249),
        ):
            arrays[f"{module}.bn.{name}"] = np.array([number], "float32")
    arrays["fc.weight"] = np.zeros((1, 1), "float32")
    arrays["fc.bias"] = np.zeros(1, "float32")
    return arrays


def test_shapes_and_number_of_weights():
    model = inception.build_inception()
    assert model.output_shape == [(None, 2048), (None, 1008), (None, 1008)]
    assert len(inception.CONVOLUTIONS) == 94
    # keras.applications' InceptionV3 without top has 21,802,784, of which
    # 17,216 channels have three numbers each where folding leaves one.
    assert model.count_params() == (
        21_802_784 - 2 * 17_216 + 2048 * 1008 + 1008
    )
    # Whole names would tell a missing block only by number.
    assert model.get_layer("mixed_7_tower_1_conv_2").kernel.shape == (
        1,
        7,
        192,
        192,
    )


@pytest.mark.parametrize(("flag", "gamma"), [(True, 3.0), (False, 1.0)])
def test_graph_is_read_with_its_flags(tmp_path, flag, gamma):
    path = tmp_path / "graph.pb"
    inception_weights.write_graph(path, tiny_arrays(), flag)
    convolutions, _ = inception.read_graph(path)
    kernel, scale, offset = convolutions["mixed_9/tower_1/mixed/conv_1"]
    # sqrt(0.249 + 0.001) is 0.5.
    assert kernel.item() == 2.0
    assert scale.item() == pytest.approx(gamma / 0.5, rel=1e-6)
    assert offset.item() == pytest.approx(5.0 - 7.0 * gamma / 0.5, rel=1e-6)


def test_graph_inside_its_archive(tmp_path):
    inception_weights.write_graph(tmp_path / inception.GRAPH, tiny_arrays())
    archive = tmp_path / inception.ARCHIVE
    with tarfile.open(archive, "w:gz") as file:
        file.add(tmp_path / inception.GRAPH, inception.GRAPH)
    convolutions, _ = inception.read_graph(archive)
    assert set(convolutions) == set(inception.CONVOLUTIONS)


def test_archive_of_something_else(tmp_path):
    (tmp_path / "other").write_text("")
    archive = tmp_path / "other.tgz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(tmp_path / "other", "other")
    with pytest.raises(OSError, match="does not hold classify_image"):
        load_inception(archive)


def test_cut_archive(tmp_path):
    inception_weights.write_graph(tmp_path / inception.GRAPH, tiny_arrays())
    archive = tmp_path / inception.ARCHIVE
    with tarfile.open(archive, "w:gz") as file:
        file.add(tmp_path / inception.GRAPH, inception.GRAPH)
    archive.write_bytes(archive.read_bytes()[:2000])
    with pytest.raises(OSError, match="inception-2015-12-05.tgz"):
        load_inception(archive)


def test_no_graph_at_all(tmp_path):
    path = tmp_path / "graph.pb"
    path.write_bytes(b"\x00not a graph")
    with pytest.raises(OSError, match="is not a frozen graph"):
        load_inception(path)


def test_graph_of_another_network(tmp_path):
    graph = tf.compat.v1.GraphDef()
    graph.node.add(name="conv/other", op="NoOp")
    path = tmp_path / "graph.pb"
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(OSError, match="no node 'conv/batchnorm'"):
        load_inception(path)


def test_graph_of_other_shapes(tmp_path):
    path = tmp_path / "graph.pb"
    inception_weights.write_graph(path, tiny_arrays())
    with pytest.raises(OSError, match="of the shapes"):
        load_inception(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no Inception"):
        load_inception(tmp_path / "nowhere.pb")
    with pytest.raises(FileNotFoundError, match=inception.GRAPH):
        load_inception(tmp_path)


def test_no_network_is_one_clear_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv(inception.VARIABLE, raising=False)
    monkeypatch.setenv("KERASGAN_HOME", str(tmp_path))
    monkeypatch.setattr(inception, "URL", "http://127.0.0.1:9/file.tgz")
    with pytest.raises(OSError, match="`path` or in the variable KERASGAN_INC"):
        load_inception()


@pytest.mark.slow
def test_path_from_the_environment(folder, monkeypatch, make_images):
    monkeypatch.setenv(inception.VARIABLE, str(folder))
    network = load_inception()
    assert network.name == "inception_2015"
    assert network.resizer == "tf2015"
    assert FrechetDistance(network).name == "fid"
    features, probabilities = network.both(make_images(2, size=40))
    assert features.shape == (2, 2048)
    assert probabilities.shape == (2, 1008)
    np.testing.assert_allclose(np.sum(probabilities, 1), [1, 1], rtol=1e-5)


@pytest.mark.slow
def test_grey_images_and_scale(folder, make_images):
    network = load_inception(folder)
    grey = make_images(2, size=20)
    np.testing.assert_array_equal(
        network(grey), network(np.repeat(grey, 3, axis=3))
    )
    # Grey 128 is zero: the first convolution then gives its bias alone.
    layer = network.model.get_layer("conv")
    found = layer(
        network.model.layers[1](np.full((1, 299, 299, 3), 128.0, "float32"))
    )
    expected = np.maximum(layer.bias.numpy(), 0)
    np.testing.assert_allclose(found[0, 5, 5], expected, atol=1e-6)


@pytest.mark.slow
def test_inception_score_leaves_the_bias_out(folder, make_images):
    network = load_inception(folder)
    images = make_images(1, size=299, channels=3)
    unbiased, biased = network.model(images.astype("float32"))[1:]
    np.testing.assert_allclose(
        network.probabilities(images), tf.nn.softmax(unbiased), rtol=1e-4
    )
    bias = network.model.get_layer("logits").weights[0]
    np.testing.assert_allclose(biased - unbiased, bias[None], atol=1e-4)


@pytest.mark.slow
def test_bfloat16_is_not_called_fid(folder, make_images):
    network = load_inception(folder, bfloat16=True)
    assert FrechetDistance(network).name == "fd_inception_2015_bfloat16"
    exact = load_inception(folder)(make_images(2, size=30)).numpy()
    found = network(make_images(2, size=30)).numpy()
    assert not np.array_equal(found, exact)
    np.testing.assert_allclose(found, exact, rtol=0.1, atol=0.05)


@pytest.mark.slow
def test_tf_hub_folder(tmp_path, make_images):
    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.factor = tf.Variable(2.0)

        @tf.function(
            input_signature=[tf.TensorSpec((None, 299, 299, 3), tf.float32)]
        )
        def __call__(self, images):
            means = tf.reduce_mean(images, (1, 2, 3))[:, None, None, None]
            return {
                "pool_3": self.factor * means * tf.ones((1, 1, 1, 2048)),
                "logits": means[:, 0, 0] * tf.ones((1, 1008)),
            }

    tf.saved_model.save(Module(), str(tmp_path / "module"))
    network = load_inception(tmp_path / "module")
    assert network.name == "inception_2015"
    assert (network.num_features, network.num_classes) == (2048, 1008)
    white = np.full((3, 10, 10, 3), 255, np.uint8)
    # Twice (255 - 128) / 128.
    np.testing.assert_allclose(
        network(white), np.full((3, 2048), 2 * 127 / 128), rtol=1e-6
    )
    with pytest.raises(ValueError, match="bfloat16=True"):
        load_inception(tmp_path / "module", bfloat16=True)
