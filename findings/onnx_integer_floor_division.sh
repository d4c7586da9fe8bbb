#!/usr/bin/env bash
# tf2onnx 1.17.0 with TensorFlow 2.21.0: floor division of integers, such as
# (position - center) // stride.
#
# Expected: -5 // 3 = -2 in the graph, too; the operation is named FloorDiv, and
# floats are rounded down.
# Seen: the graph has ONNX' Div alone, which rounds integers towards zero:
# negative quotients are one too large, without a warning.
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
numbers = np.arange(-6, 7, dtype="int32")
expected, found = both(lambda x: x // 3, numbers)
print("TensorFlow:", expected.tolist(), "ONNX:", found.tolist())
wrong = (numbers < 0) & (numbers % 3 != 0)
assert np.array_equal(expected, numbers // 3)
assert np.array_equal(found, np.where(wrong, expected + 1, expected)), "changed"

floats, converted = both(lambda x: x // 3.0, numbers.astype("float32"))
assert np.array_equal(floats, converted)
PYTHON
