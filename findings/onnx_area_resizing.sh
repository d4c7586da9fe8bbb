#!/usr/bin/env bash
# tf2onnx 1.17.0 with TensorFlow 2.21.0: tf.image.resize(method="area").
#
# Expected: a graph that averages, or an error that ONNX' Resize has no such
# mode (LiteRT's converter refuses it).
# Seen: conversion without a warning, to Resize with mode "nearest": the images
# of TensorFlow and of the graph are not alike. Halving a checkerboard gives grey
# in TensorFlow, and black or white alone in ONNX.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet tensorflow==2.21.0 tf2onnx==1.17.0 \
  onnxruntime==1.32.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx

board = np.indices((8, 8)).sum(axis=0) % 2
images = board[None, :, :, None].astype(np.float32)
halve = tf.function(
    lambda x: tf.image.resize(x, (4, 4), method="area"),
    input_signature=[tf.TensorSpec((None, 8, 8, 1), tf.float32, name="x")],
)
graph, _ = tf2onnx.convert.from_function(
    halve, input_signature=halve.input_signature, opset=18
)
resize = [n for n in graph.graph.node if n.op_type == "Resize"]
modes = [a.s.decode() for n in resize for a in n.attribute if a.name == "mode"]
session = onnxruntime.InferenceSession(graph.SerializeToString())
(found,) = session.run(None, {"x": images})
expected = halve(images).numpy()
print("TensorFlow", tf.__version__, "tf2onnx", tf2onnx.__version__)
print("levels in TensorFlow:", np.unique(expected), "in ONNX:", np.unique(found))
print("modes of Resize:", modes)
assert np.unique(expected).tolist() == [0.5]
assert set(np.unique(found)) <= {0.0, 1.0}, "changed"
PYTHON
