#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0: random numbers under MirroredStrategy.
#
# Expected: replicas have other rows of the batch, so other noise and other
# dropout masks, as with tf.random and with PyTorch's DistributedDataParallel.
# Seen: keras.random with a SeedGenerator, and keras.layers.Dropout, give every
# replica the same numbers. A GAN that samples its latents so trains on each
# latent once for each replica: with 8 GPUs a batch of 64 has 8 different ones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet tensorflow==2.21.0 keras==3.15.1
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" - <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    generator = keras.random.SeedGenerator(1)
    dropout = keras.layers.Dropout(0.5)


@tf.function
def draw():
    latents = keras.random.normal((4, 100), seed=generator)
    masks = dropout(tf.ones((4, 100)), training=True)
    return latents, masks, tf.random.normal((4, 100))


def same(values):
    first, second = strategy.experimental_local_results(values)
    return bool(np.array_equal(first, second))


draws = [same(values) for values in strategy.run(draw)]
names = "keras.random.normal", "keras.layers.Dropout", "tf.random.normal"
found = dict(zip(names, draws))
print("TensorFlow", tf.__version__, "Keras", keras.__version__)
print("the same numbers on both replicas:", found)
assert draws == [True, True, False], "changed"
PYTHON
