#!/usr/bin/env bash
# TensorFlow 2.21.0 on a processor: the gradient of tf.nn.conv2d with two groups
# (a kernel of half the channels), with TF_ENABLE_ONEDNN_OPTS set to 1 and to 0.
#
# Expected: the variable changes speed and the last bits, as TensorFlow's own
# message says ("slightly different numerical results").
# Seen: it decides whether such a layer can be trained. With 1 there are gradients
# of any order; with 0 InvalidArgumentError says that CPUs do not support them,
# while the forward pass works. Under jit_compile=True both are the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet tensorflow==2.21.0
cat > "$folder/gradient.py" <<'PYTHON'
import os
import sys

import numpy as np
import tensorflow as tf

kernel = tf.random.stateless_normal((3, 3, 2, 4), (1, 2))
images = tf.random.stateless_normal((2, 8, 8, 4), (3, 4))

def convolve(images):
    return tf.nn.conv2d(images, kernel, strides=1, padding="SAME")

def penalty(images):
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = tf.reduce_sum(convolve(images) ** 2)
    return tf.reduce_sum(tape.gradient(score, images) ** 2)

def second(images):
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        loss = penalty(images)
    return tape.gradient(loss, kernel)

assert np.isfinite(convolve(images)).all()
compiled = tf.function(second, jit_compile=True)(images)
onednn = os.environ["TF_ENABLE_ONEDNN_OPTS"]
try:
    plain = tf.function(second)(images)
except tf.errors.InvalidArgumentError as error:
    assert "grouped convolutions are not supported on CPU" in str(error)
    found = "raises"
else:
    np.testing.assert_allclose(plain, compiled, rtol=1e-4)
    found = "same as XLA"
print("TensorFlow", tf.__version__, "oneDNN", onednn, found)
assert found == sys.argv[1], "changed"
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3
TF_ENABLE_ONEDNN_OPTS=1 "$folder/bin/python" "$folder/gradient.py" "same as XLA"
TF_ENABLE_ONEDNN_OPTS=0 "$folder/bin/python" "$folder/gradient.py" "raises"
