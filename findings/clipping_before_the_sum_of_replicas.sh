#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0: clipping of gradients on replicas.
#
# Expected: a global batch gives the same update on one device and on two, as
# with every other argument of an optimizer: gradients are summed, then clipped,
# so that an update is never longer than the rate times `global_clipnorm`.
# Seen: each replica clips its own gradient, and the sum of the clipped ones is
# applied. With losses divided by the number of replicas, as they must be, two
# gradients of 6 and -2, clipped to 1, give an update of 0 instead of 1; with
# 6 and 6 one of 2. So a setting that holds on one GPU means another on eight.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet tensorflow==2.21.0 keras==3.15.1
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" - <<'PYTHON'
import keras
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)


def update(strategy, gradients):
    """Returns how far one step of SGD of rate 1 goes down."""
    with strategy.scope():
        weight = keras.Variable(0.0)
        optimizer = keras.optimizers.SGD(1.0, global_clipnorm=1.0)
        optimizer.build([weight])

    @tf.function(autograph=False)
    def step():
        context = tf.distribute.get_replica_context()
        count = context.num_replicas_in_sync
        own = gradients
        if count == 2:
            first = context.replica_id_in_sync_group == 0
            own = tf.where(first, gradients[:1], gradients[1:])
        optimizer.apply([tf.reduce_sum(own)], [weight])

    strategy.run(step)
    return -float(weight.numpy())


one = tf.distribute.OneDeviceStrategy("CPU:0")
two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
pairs = [[6.0, -2.0], [6.0, 6.0]]
found = [[update(s, tf.constant(p)) for p in pairs] for s in (one, two)]
print("TensorFlow", tf.__version__, "Keras", keras.__version__)
print("updates on one device and on two:", found)
assert found == [[1.0, 1.0], [0.0, 2.0]], "changed"
PYTHON
