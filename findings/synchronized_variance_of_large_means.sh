#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0: BatchNormalization(synchronized=True), on
# one device, without a strategy, of features with a mean of 1,000 and a standard
# deviation of 0.1, in float32.
#
# Expected: `synchronized` adds up statistics over replicas; where there is one,
# outputs are those of the plain layer, with a standard deviation near 1.
# Seen: the synchronized layer computes E[x^2] - E[x]^2, whose rounding here is
# six times the variance itself, and replaces negative values by zero. Channels
# of the same distribution come out with very different scales, without a
# warning; the plain layer subtracts the mean first, and they agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet tensorflow==2.21.0 keras==3.15.1
TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" - <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf

random = np.random.default_rng(0)
features = random.normal(1000.0, 0.1, (4096, 64)).astype("float32")
exact = features.astype("float64").var(axis=0)
scales = {}
for synchronized in (False, True):
    layer = keras.layers.BatchNormalization(
        synchronized=synchronized, epsilon=1e-5
    )
    outputs = layer(features, training=True).numpy().astype("float64")
    scales[synchronized] = outputs.std(axis=0)
    low, high = scales[synchronized].min(), scales[synchronized].max()
    print(f"synchronized={synchronized}: from {low:.3f} to {high:.3f}")
print("TensorFlow", tf.__version__, "Keras", keras.__version__)
assert 0.009 < exact.min() and exact.max() < 0.011
assert np.abs(scales[False] - 1.0).max() < 0.01, "changed"
assert scales[True].max() > 10.0 and scales[True].min() < 0.6, "changed"
PYTHON
