"""Two logical processors, made before TensorFlow makes one."""

import pytest
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)


@pytest.fixture(scope="session")
def mirrored():
    """One strategy over two replicas; two in one process would clash."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
