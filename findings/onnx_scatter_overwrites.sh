#!/usr/bin/env bash
# tf2onnx 1.17.0 with TensorFlow 2.21.0: tf.scatter_nd with an index that occurs
# twice, as in histograms and pooling by segments.
#
# Expected: both values are added, as TensorFlow documents; ONNX' ScatterND can
# do it, by reduction="add".
# Seen: the graph's ScatterND has no reduction, and the last value overwrites the
# first, without a warning. tf.math.unsorted_segment_sum of the same is right.
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
values = np.array([1.0, 2.0, 3.0], "float32")
places = np.array([0, 0, 2])
expected, found = both(
    lambda x: tf.scatter_nd(places[:, None], x, (4,)), values
)
print("TensorFlow:", expected.tolist(), "ONNX:", found.tolist())
assert expected.tolist() == [3.0, 0.0, 3.0, 0.0]
assert found.tolist() == [2.0, 0.0, 3.0, 0.0], "changed"

for sums in both(lambda x: tf.math.unsorted_segment_sum(x, places, 4), values):
    assert np.array_equal(sums, expected)
PYTHON
