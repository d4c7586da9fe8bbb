"""What all tests share: two logical devices, and one strategy over them."""

import os
import shutil
import sys
import types

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras  # noqa: E402
import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402

from tests.support import long  # noqa: E402

# Must be set before TensorFlow starts its devices.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)


@pytest.hookimpl(tryfirst=True)  # Before they are chosen by marker.
def pytest_collection_modifyitems(items):
    names = long.read()
    for item in items:
        if item.nodeid in names:
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def mirrored():
    """The one strategy of two replicas; a second object would clash."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef):
    # Those of functions follow `same_first_weights`; others are the same
    # whichever test is the first to use them.
    if fixturedef.scope != "function":
        keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def same_first_weights():
    keras.utils.set_random_seed(0)
    if "torch" in sys.modules:  # The first weights of mirrors.
        sys.modules["torch"].manual_seed(0)
        # Tests run side by side, and more threads than cores are slow.
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Keeps the user's cache out of the tests."""
    monkeypatch.setenv(
        "KERASGAN_HOME", str(tmp_path_factory.getbasetemp() / "cache")
    )


@pytest.fixture(scope="session")
def published_once(tmp_path_factory):
    """The folder of a tiny model, published; for `published_folder`."""
    from kerasgan import publishing
    from tests import tiny

    folder = tmp_path_factory.mktemp("published") / "dcgan_noise_16"
    publishing.write(
        tiny.by_name("dcgan").build(),
        folder,
        dataset="noise",
        description="Noise.",
        license="none",
        recipe="none",
    )
    return folder


@pytest.fixture
def published_folder(published_once, tmp_path):
    """A copy of a tiny model's folder, for a test to break."""
    return shutil.copytree(published_once, tmp_path / published_once.name)


class _Missing(type):
    """Any name below it is another one of these."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Missing(name, (object,), {})


@pytest.fixture(scope="session")
def tfgan():
    """tensorflow-gan 2.1.0, with the names that newer packages took away.

    TensorFlow 2.16 dropped `tf.estimator`, and tensorflow_hub does not import
    without pkg_resources, which setuptools 82 dropped. TF-GAN reads both when
    it is imported; none of what is compared here calls either.
    """
    import tensorflow.compat.v1 as v1

    # The module is wrapped, and hands out what its inner one has.
    wrapped = v1.__dict__.get("_tfmw_wrapped_module")
    if wrapped is None:
        wrapped = object.__getattribute__(v1, "_tfmw_wrapped_module")
    tf.estimator = wrapped.estimator = _Missing("estimator", (), {})
    sys.modules.setdefault("tensorflow_hub", types.ModuleType("tensorflow_hub"))
    return pytest.importorskip("tensorflow_gan", reason="in the extra parity")
