#!/usr/bin/env bash
# TensorFlow 2.21.0, Keras 3.15.1: keras.remat, which recomputes activations in
# the backward pass to save memory, around layers that have a state.
#
# Expected: the gradient belongs to the forward pass, as with
# torch.utils.checkpoint, which restores the random state; a step updates the
# moving averages of batch normalization once.
# Seen: no error; the backward pass takes the next random numbers, so that the
# gradient of Dropout has another mask than its output (of 1,000 values half
# agree), and the moving averages are updated twice. Both eagerly and in a graph;
# keras.RematScope("full") around the layer does the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet tensorflow==2.21.0 keras==3.15.1
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" - <<'PYTHON'
import keras
import tensorflow as tf

ones = tf.ones((1, 1000))
dropout = keras.layers.Dropout(0.5, seed=0)
with keras.RematScope("full"):
    scoped = keras.layers.Dropout(0.5, seed=0)


def agreement(function):
    # Of ones, the output of dropout and its gradient are the same numbers.
    with tf.GradientTape() as tape:
        tape.watch(ones)
        output = function(ones)
    gradient = tape.gradient(output, ones)
    return tf.reduce_mean(tf.cast(output == gradient, "float32"))


plain = lambda x: dropout(x, training=True)
remat = keras.remat(plain)
found = {
    "plain": float(agreement(plain)),
    "remat": float(agreement(remat)),
    "remat in a graph": float(tf.function(lambda: agreement(remat))()),
    "scope": float(agreement(lambda x: scoped(x, training=True))),
}
norm = keras.layers.BatchNormalization(momentum=0.9)
agreement(keras.remat(lambda x: norm(x, training=True)))
mean = float(norm.moving_mean[0])  # Of ones: 0.1 after one update.
print("TensorFlow", tf.__version__, "Keras", keras.__version__)
print("output and gradient agree in:", found, "moving mean:", round(mean, 3))
assert found.pop("plain") == 1.0, "changed"
assert all(0.4 < share < 0.6 for share in found.values()), "changed"
assert abs(mean - 0.19) < 1e-3, "changed"
PYTHON
