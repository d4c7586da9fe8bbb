#!/usr/bin/env bash
# LiteRT (ai-edge-litert 2.3.0) with TensorFlow 2.21.0: softplus and log-sigmoid,
# the losses of GANs, of scores beyond 89, in float32.
#
# Expected: softplus(100) = 100 and log_sigmoid(-100) = -100, as in TensorFlow,
# which computes them without overflow.
# Seen: the converter writes log(1 + exp(x)) and the logarithm of a sigmoid; the
# file gives infinity, without a warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet tensorflow==2.21.0 ai-edge-litert==2.3.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" - <<'PYTHON'
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter


def both(function, values):
    """Returns what TensorFlow and the LiteRT file give."""
    spec = tf.TensorSpec(values.shape, tf.float32)
    function = tf.function(function, input_signature=[spec])
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()]
    )
    interpreter = Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    (given,), (made,) = (
        interpreter.get_input_details(),
        interpreter.get_output_details(),
    )
    interpreter.set_tensor(given["index"], values)
    interpreter.invoke()
    return function(values).numpy(), interpreter.get_tensor(made["index"])


scores = np.array([80.0, 100.0], "float32")
for function, sign in ((tf.nn.softplus, 1), (tf.math.log_sigmoid, -1)):
    expected, found = both(function, sign * scores)
    print(function.__name__, expected.tolist(), found.tolist())
    np.testing.assert_allclose(expected, sign * scores)
    np.testing.assert_allclose(found[0], sign * 80.0, rtol=1e-5)
    assert found[1] == sign * np.inf, "changed"
PYTHON
