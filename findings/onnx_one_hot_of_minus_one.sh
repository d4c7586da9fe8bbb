#!/usr/bin/env bash
# tf2onnx 1.17.0 with TensorFlow 2.21.0: tf.one_hot of an index of -1, as data
# sets mark images without a class.
#
# Expected: a row of zeros, as in TensorFlow, whose documentation says so of
# indices outside of [0, depth).
# Seen: the graph has ONNX' OneHot, which counts negative indices from the end:
# -1 becomes the last class, without a warning. Indices that are too large give
# zeros in both.
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
labels = np.array([-1, 0, 2, 3], "int32")
expected, found = both(lambda x: tf.one_hot(x, 3), labels)
print("TensorFlow:", expected.tolist(), "ONNX:", found.tolist())
assert not expected[0].any() and not expected[3].any()
assert np.array_equal(found[1:], expected[1:])
assert found[0].tolist() == [0.0, 0.0, 1.0], "changed"
PYTHON
