"""The zoo: names, cards, loading, and everything that can be wrong there."""

import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

import zoo
from kerasgan import metrics, publishing
from tests import tiny


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A tiny trained model, published, and the model itself."""
    folder = tmp_path_factory.mktemp("zoo") / "dcgan_noise_16"
    model = tiny.by_name("dcgan")
    gan = model.compiled()
    gan.fit(model.dataset(), verbose=0)
    publishing.write(
        gan,
        folder,
        dataset="noise",
        description="Noise.",
        license="none",
        recipe="none",
    )
    return folder, gan


@pytest.fixture
def folder(published, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(published[0], tmp_path / published[0].name)


def change_config(folder, **changes):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config.update(changes)
    path.write_text(json.dumps(config))


def test_a_published_model_draws_what_it_drew(published):
    folder, gan = published
    loaded = zoo.load(folder)
    assert loaded.name == "dcgan_noise_16"
    first = gan.generate(9, seed=4).astype(int)
    assert np.abs(first - loaded.generate(9, seed=4)).max() <= 1


def test_augmentation_is_not_published(tmp_path):
    model = tiny.by_name("ada_dcgan")
    gan = model.compiled()
    gan.fit(model.dataset(), verbose=0)
    publishing.write(
        gan,
        tmp_path / "few",
        dataset="noise",
        description="Noise.",
        license="none",
        recipe="none",
    )
    loaded = zoo.load(tmp_path / "few")
    assert loaded.augment is None and gan.augment is not None
    first = gan.generate(9, seed=4).astype(int)
    assert np.abs(first - loaded.generate(9, seed=4)).max() <= 1
    given = gan.discriminator.get_weights()
    for one, two in zip(given, loaded.discriminator.get_weights(), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-6)


def test_a_loaded_model_trains_and_exports(folder, tmp_path):
    gan = zoo.load(folder)
    before = gan.generate(4, seed=0)
    gan.fit(tiny.by_name("dcgan").dataset(batches=20), verbose=0)
    assert (gan.generate(4, seed=0) != before).any()
    gan.export(tmp_path / "served")
    gan.save(tmp_path / "model.keras")


def test_a_model_loads_under_a_strategy(folder, mirrored):
    with mirrored.scope():
        gan = zoo.load(folder)
    np.testing.assert_array_equal(
        gan.generate(4, seed=0), zoo.load(folder).generate(4, seed=0)
    )


@pytest.mark.slow
@pytest.mark.parametrize("model", tiny.MODELS, ids=lambda model: model.name)
def test_every_architecture_is_published_and_loaded(model, tmp_path):
    gan = model.build()
    publishing.write(
        gan,
        tmp_path / model.name,
        dataset="noise",
        description="Noise.",
        license="none",
        recipe="none",
        sample=model.sample,
    )
    loaded = zoo.load(tmp_path / model.name)
    difference = model.sample(gan).astype(int) - model.sample(loaded)
    # Its weights have 16 bits.
    assert np.abs(difference).max() <= 2


def test_the_average_stands_in_for_the_trained_generator(folder):
    gan = zoo.load(folder)
    for trained, average in zip(
        gan.generator.get_weights(),
        gan.average_generator.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(trained, average)


def test_features_are_loaded_when_they_are_needed(folder, monkeypatch):
    change_config(folder, features="fashion_mnist")
    network, loads = zoo.features("fashion_mnist"), []

    def load(folder):
        loads.append(folder.name)
        return network

    monkeypatch.setattr(metrics.FeatureNetwork, "load", load)
    gan = zoo.load(folder)
    gan.generate(4, seed=0)
    assert loads == []

    def missing(folder):
        raise FileNotFoundError("no weights")

    with monkeypatch.context() as patch:
        patch.setattr(metrics.FeatureNetwork, "load", missing)
        for _ in range(2):  # Of a second call, too, it is the reason.
            with pytest.raises(FileNotFoundError, match="no weights"):
                gan.evaluation_metrics()
    for _ in range(2):
        (metric,) = gan.evaluation_metrics()
        assert loads == ["classifier_fashion_mnist_32"]
    assert metric.name == "fd_classifier_fashion_mnist_32"
    gan = zoo.load(folder)
    gan.compile(metrics=[metric])  # Instead of those of the zoo.
    assert gan.evaluation_metrics() == [metric] and len(loads) == 1


def test_weights_are_stored_small(published):
    folder, gan = published
    kept = sum(
        np.prod(v.shape)
        for network in (gan.average_generator, gan.discriminator)
        for v in network.weights
    )
    # Two bytes a weight, and what HDF5 needs for its tree.
    size = (folder / "model.weights.h5").stat().st_size
    assert size < 2 * kept + 60_000


def test_equal_weights_are_stored_once(folder):
    kernel = "generator/layers/dense/vars/0"
    with h5py.File(folder / "model.weights.h5") as file:
        assert file[kernel] == file[f"average_{kernel}"]
        assert file[kernel] != file["discriminator/layers/dense/vars/0"]


def test_card(folder):
    card = zoo.card(folder)
    assert (card.name, card.task) == ("dcgan_noise_16", "image")
    assert card.image_shape == card.sample_shape == (16, 16, 1)
    assert (
        card.parameters["generator"]
        == zoo.load(folder).generator.count_params()
    )
    with pytest.raises(AttributeError):
        card.name = "other"
    with pytest.raises(TypeError):
        card.scores["new"] = {}


def test_names():
    names = zoo.list()
    assert names == tuple(sorted(names))
    assert set(zoo.list("image")) <= set(names)
    assert "classifier_fashion_mnist_32" in zoo.list("features")
    assert "classifier_fashion_mnist_32" not in names
    assert zoo.list("text") == ("seqgan_captions",)
    with pytest.raises(ValueError, match="Received: task='images'"):
        zoo.list("images")


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(
        ValueError, match="'dcgan_fashion_mnist_32'.*zoo.list()"
    ):
        zoo.load("dcgan_fashion_mnst")
    with pytest.raises(ValueError, match="'dcgan_fashion_mnist_32'"):
        zoo.card("dcgan_fashion_mnist_23")


def test_one_flipped_bit_is_refused(folder):
    path = folder / "model.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(OSError, match="nothing was loaded.*sha256"):
        zoo.load(folder)


def test_a_truncated_file_is_refused(folder):
    path = folder / "model.weights.h5"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(OSError, match="nothing was loaded"):
        zoo.load(folder)


def test_a_missing_file_is_named(folder):
    (folder / "model.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match="model.weights.h5"):
        zoo.load(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ValueError, match="has no config.json"):
        zoo.load(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "is not JSON"),
        ("[1]", "must hold a JSON object"),
        ("{}", "'format' must be of type int"),
        ('{"format": "1"}', "'format' must be of type int"),
    ],
)
def test_a_config_that_is_not_ours_is_refused(folder, content, message):
    (folder / "config.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        zoo.load(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "reads format 1"),
        ({"architecture": "LatentGAN"}, "`architecture` must be one of"),
        ({"architecture": "os.system"}, "`architecture` must be one of"),
        ({"arguments": {"image_size": 16, "lambda": 1}}, "not take lambda"),
        ({"arguments": {"image_size": 20}}, "Received: image_size=20"),
        ({"name": 3}, "'name' must be of type str"),
        ({"sha256": "0" * 64}, "nothing was loaded"),
        ({"features": "../x"}, "The zoo has features for"),
    ],
)
def test_a_changed_config_is_refused(folder, changes, message):
    change_config(folder, **changes)
    with pytest.raises((ValueError, OSError), match=message):
        zoo.load(folder)


def test_the_zoo_answers_without_tensorflow():
    code = (
        "import sys, time; start = time.process_time(); import zoo;"
        "seconds = time.process_time() - start;"
        "names = zoo.list(); [zoo.card(name) for name in names];"
        "assert names and 'tensorflow' not in sys.modules;"
        "assert 'keras' not in sys.modules;"
        "print(seconds)"
    )
    seconds = min(
        float(subprocess.check_output([sys.executable, "-c", code]))
        for _ in range(3)
    )
    assert seconds < 0.2


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["list"], ["card", "dcgan_fashion_mnist_32"], ["--version"]],
)
def test_the_command_answers_without_tensorflow(arguments):
    code = (
        "import sys; from kerasgan import cli\n"
        "try:\n    status = cli.main(sys.argv[1:])\n"
        "except SystemExit as exit:\n    status = exit.code\n"
        "assert not status and 'tensorflow' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        capture_output=True,
    )
