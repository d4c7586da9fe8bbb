#!/usr/bin/env bash
# tf2onnx 1.17.0 with TensorFlow 2.21.0: tf.image.adjust_saturation.
#
# Expected: with a factor of 1 the image itself; tf.image.adjust_hue is converted
# rightly.
# Seen: the graph sorts the channels of each pixel, and puts them back by the
# order of sorting instead of its inverse. Where the two differ, in a third of
# random pixels, the channels are permuted, without a warning.
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


def both(function, values):
    """Returns what TensorFlow and the ONNX graph give."""
    spec = tf.TensorSpec((None, *values.shape[1:]), values.dtype, name="x")
    function = tf.function(function, input_signature=[spec])
    graph, _ = tf2onnx.convert.from_function(
        function, input_signature=[spec], opset=18
    )
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    return function(values).numpy(), session.run(None, {"x": values})[0]


print("TensorFlow", tf.__version__, "tf2onnx", tf2onnx.__version__)
images = np.random.default_rng(0).random((1, 16, 16, 3), "float32")
expected, found = both(lambda x: tf.image.adjust_saturation(x, 1.0), images)
np.testing.assert_allclose(expected, images, atol=1e-5)
moved = np.abs(found - expected).max(axis=-1) > 1e-3
print(f"pixels of other colors: {moved.mean():.0%}")
order = np.argsort(-images, axis=-1)
inverse = np.argsort(order, axis=-1)
assert np.array_equal(moved, (order != inverse).any(axis=-1)), "changed"
assert 0.2 < moved.mean() < 0.5
turned, converted = both(lambda x: tf.image.adjust_hue(x, 0.3), images)
np.testing.assert_allclose(converted, turned, atol=1e-5)
PYTHON
