"""What depends on the device, as if there were a GPU; see docs/gpu.md."""

import types

import keras
import pytest
import tensorflow as tf
from tensorflow.python.framework import config

from kerasgan import training
from tests import tiny


@pytest.fixture
def gpu(monkeypatch):
    """Makes TensorFlow report a GPU, which nothing here computes on."""
    found = tf.config.list_physical_devices()
    device = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")

    def devices(device_type=None):
        every = [*found, device]
        return [d for d in every if device_type in (None, d.device_type)]

    monkeypatch.setattr(tf.config, "list_physical_devices", devices)
    # Another test may have enabled it, and Keras then leaves XLA.
    monkeypatch.setattr(config, "is_op_determinism_enabled", lambda: False)


def test_xla_is_left_to_keras(gpu, tmp_path):
    gan = tiny.by_name("dcgan").compiled()
    assert gan.jit_compile is True
    assert (
        tiny.by_name("dcgan").compiled(jit_compile=False).jit_compile is False
    )
    gan.save(tmp_path / "gan.keras")
    assert gan.get_compile_config()["jit_compile"] is None


def test_a_model_saved_beside_a_gpu_follows_the_device_it_is_on(
    gpu, tmp_path, monkeypatch
):
    tiny.by_name("dcgan").compiled().save(tmp_path / "gan.keras")
    monkeypatch.undo()
    assert keras.saving.load_model(tmp_path / "gan.keras").jit_compile is False


@pytest.mark.parametrize(
    ("requested", "on_gpu", "enabled"),
    [
        (None, False, True),
        (None, True, False),
        (True, True, True),
        (False, False, False),
    ],
)
def test_operations_are_deterministic(
    request, monkeypatch, requested, on_gpu, enabled
):
    """Where that is free, or requested."""
    if on_gpu:
        request.getfixturevalue("gpu")
    calls = []
    monkeypatch.setattr(
        tf.config.experimental, "enable_op_determinism", lambda: calls.append(1)
    )
    monkeypatch.setattr(training, "_train", lambda *arguments: None)
    recipe = types.SimpleNamespace(name="any", epochs=1)
    training.train(recipe, "runs/any", deterministic=requested)
    assert len(calls) == enabled
