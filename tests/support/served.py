"""Runs exported models where nothing but TensorFlow can be imported."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import tensorflow as tf

# In `sys.modules` None means "cannot be imported". The last argument is a JSON
# object of folders to signatures to files of inputs.
SERVE = """
import json, sys
for name in ("kerasgan", "zoo", "keras", "tf_keras", "tensorflow_datasets",
             "PIL"):
    sys.modules[name] = None
import numpy as np
import tensorflow as tf
for folder, calls in json.loads(sys.argv[1]).items():
    loaded = tf.saved_model.load(folder)
    for name, file in calls.items():
        with np.load(file) as inputs:
            arguments = {k: tf.constant(inputs[k]) for k in inputs}
        outputs = loaded.signatures[name](**arguments)
        outputs = {k: v.numpy() for k, v in outputs.items()}
        # Arrays of objects would be pickled.
        outputs = {k: v.astype(bytes) if v.dtype == object else v
                   for k, v in outputs.items()}
        np.savez(f"{file}.out.npz", **outputs)
"""


def run(jobs, scratch):
    """Calls signatures of SavedModels in a process with TensorFlow alone.

    Args:
        jobs: dict of folder to a dict of signature name to a dict of inputs.
        scratch: Path of a folder for files.

    Returns:
        dict like `jobs`, of outputs in place of inputs.
    """
    files, count = {}, 0
    for folder, calls in jobs.items():
        files[folder] = {}
        for name, inputs in calls.items():
            files[folder][name] = str(scratch / f"inputs_{count}.npz")
            np.savez(files[folder][name], **inputs)
            count += 1
    subprocess.run(
        [sys.executable, "-c", SERVE, json.dumps(files)],
        check=True,
        cwd=scratch,  # So that the sources would not be found either.
    )
    return {
        folder: {
            name: dict(np.load(f"{file}.out.npz"))
            for name, file in calls.items()
        }
        for folder, calls in files.items()
    }


def example_inputs(specs, seed=1, rows=5, size=32):
    """Returns inputs of a signature.

    Args:
        specs: List of `tf.TensorSpec`.
        seed: int. Of the random numbers.
        rows: int. How long each batch is.
        size: int. Of images, where the specs do not fix it.

    Returns:
        dict of name to array.
    """
    random = np.random.RandomState(seed)
    # Scalar inputs.
    numbers = {"seed": 3, "count": rows, "truncation": 0.7}
    inputs = {}
    for spec in specs:
        shape = [n or (size if i else rows) for i, n in enumerate(spec.shape)]
        if spec.name in numbers:
            value = numbers[spec.name]
        elif spec.dtype == tf.string:
            value = np.resize(["a red square", "a blue one"], shape)
            inputs[spec.name] = value
            continue
        elif spec.dtype == tf.uint8:
            value = random.randint(0, 256, shape)
        elif spec.dtype.is_integer:
            value = random.randint(0, 2, shape)
        else:
            value = random.standard_normal(shape)
        inputs[spec.name] = np.asarray(value, spec.dtype.as_numpy_dtype)
    return inputs


def call(function, specs, inputs):
    """Returns what a signature's function gives for inputs, as arrays."""
    outputs = function(*(tf.constant(inputs[s.name]) for s in specs))
    arrays = {name: tensor.numpy() for name, tensor in outputs.items()}
    return {
        name: array.astype(bytes) if array.dtype == object else array
        for name, array in arrays.items()
    }


def assert_alike(found, expected, message=""):
    """Images to one grey level, whole numbers exactly, others nearly."""
    assert found.keys() == expected.keys(), message
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, (message, name)
        assert found[name].shape == array.shape, (message, name)
        if name == "images":
            difference = found[name].astype(int) - array
            assert np.abs(difference).max() <= 1, (message, name)
        elif array.dtype.kind == "S":
            np.testing.assert_array_equal(found[name], array, str(message))
        else:
            np.testing.assert_allclose(
                found[name], array, rtol=1e-4, atol=1e-4, err_msg=message
            )


def files_below(folder):
    """Returns the paths of all files in a folder, relative, sorted."""
    folder = pathlib.Path(folder)
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file()
    )
