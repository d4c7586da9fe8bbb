#!/usr/bin/env bash
# TensorFlow 2.21.0, Keras 3.15.1: a gradient penalty (WGAN-GP, R1) of a network
# with a bilinear resizing.
#
# Expected: the penalty has a gradient for every kernel, or an error says that
# the second derivative of the resizing is missing, as for "bicubic" or "area".
# Seen: no error; the gradient is None for all layers behind the resizing, as if
# the penalty did not depend on them. Optimizers skip None, so they are trained
# without the penalty. With "nearest" all layers have a gradient.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet tensorflow==2.21.0 keras==3.15.1
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" - <<'PYTHON'
import keras
import tensorflow as tf
from keras import layers

images = tf.random.stateless_normal((2, 8, 8, 3), (0, 0))


def kernels_without_gradient(interpolation):
    network = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, use_bias=False, name="before"),
            layers.LeakyReLU(),
            layers.UpSampling2D(interpolation=interpolation),
            layers.Conv2D(4, 3, use_bias=False, name="behind"),
            layers.Flatten(),
            layers.Dense(1, use_bias=False, name="score"),
        ]
    )
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(images)
            scores = network(images)
        gradients_there = inner.gradient(scores, images)
        penalty = tf.reduce_mean(tf.reduce_sum(gradients_there**2, axis=(1, 2, 3)))
    assert penalty > 0
    gradients = outer.gradient(penalty, network.trainable_variables)
    pairs = zip(network.trainable_variables, gradients)
    return [v.path.split("/")[-2] for v, g in pairs if g is None]


found = {i: kernels_without_gradient(i) for i in ("nearest", "bilinear")}
print("TensorFlow", tf.__version__, "Keras", keras.__version__)
print("layers whose penalty gradient is None:", found)
assert found == {"nearest": [], "bilinear": ["behind", "score"]}, "changed"
PYTHON
