"""Size and latency of a model in Keras and in every format it is exported to.

    pip install -e '.[litert,onnx]'
    python scripts/benchmarks/serving.py [NAME ...] [--rounds 5]

Each runtime gets the same inputs, as NumPy arrays, and returns uint8 images, as
a NumPy array; one process, the default threads of each runtime except LiteRT,
whose default is one and which gets all processors. The runtimes alternate,
`--calls` calls at a time, after two warm-up calls. Sizes are those of the files
to deploy: the weights of the zoo (in 16 bits, discriminator included), the
whole SavedModel, model.tflite, and the .onnx of the measured signature.
"""

import argparse
import itertools
import os
import pathlib
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import numpy as np
import onnxruntime
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import zoo
from kerasgan import export
from tests.support import served

BATCHES = (1, 64)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=40)
    options = parser.parse_args()
    print("| Model | Runtime | MB | 1: p50, ms | p95 | 64: p50, ms | p95 |")
    print("|---|---|---|---|---|---|---|")
    for name in options.names or zoo.list():
        with tempfile.TemporaryDirectory() as scratch:
            gan = zoo.load(name)
            sizes, sides = prepare(gan, name, pathlib.Path(scratch))
            times = measure(sides, options.rounds, options.calls)
        for side, size in sizes.items():
            cells = [name, side, f"{size / 1e6:.1f}"]
            for batch in BATCHES:
                milliseconds = 1e3 * np.array(times[side, batch])
                cells += [
                    f"{np.percentile(milliseconds, share):.1f}"
                    for share in (50, 95)
                ]
            print(f"| {' | '.join(cells)} |", flush=True)


def prepare(gan, name, folder):
    """Exports a model and loads it with every runtime.

    Args:
        gan: The model.
        name: str. Its name in the zoo, or its folder.
        folder: Path of an empty folder.

    Returns:
        Pair of dicts: runtime to bytes; and runtime and batch size to a
        function without arguments that returns images.
    """
    for format in ("saved_model", "litert", "onnx"):
        gan.export(folder / format, format)
    signature, (_, specs) = next(
        iter(export.portable(gan.signatures()).items())
    )
    graph = folder / "onnx" / f"{signature}.onnx"
    sizes = {
        "Keras": (zoo.folder(name) / "model.weights.h5").stat().st_size,
        "SavedModel": sum(
            path.stat().st_size
            for path in (folder / "saved_model").rglob("*")
            if path.is_file()
        ),
        "LiteRT": (folder / "litert" / "model.tflite").stat().st_size,
        "ONNX": graph.stat().st_size,
    }
    loaded = tf.saved_model.load(str(folder / "saved_model"))
    session = onnxruntime.InferenceSession(str(graph))
    sides = {}
    for batch in BATCHES:
        inputs = served.example_inputs(
            specs, rows=batch, size=gan.image_shape[0]
        )
        # One for each batch size, because a change of size costs time.
        interpreter = Interpreter(
            str(folder / "litert" / "model.tflite"),
            num_threads=os.cpu_count(),
        )
        sides["Keras", batch] = in_keras(gan, inputs, batch)
        sides["SavedModel", batch] = in_tensorflow(
            loaded.signatures[signature], inputs
        )
        sides["LiteRT", batch] = in_litert(
            interpreter.get_signature_runner(signature), inputs
        )
        sides["ONNX", batch] = in_onnx(session, inputs)
    return sizes, sides


def in_keras(gan, inputs, batch):
    if gan.task == "image-to-image":
        return lambda: gan.translate(inputs["images"], batch_size=batch)
    # What `call` takes: one array, a pair, or StyleGAN's dict of names.
    values = tuple(inputs.values())
    if len(values) == 1:
        (values,) = values
    elif hasattr(gan, "styles"):
        values = inputs
    return lambda: gan.run_in_batches(values, batch)


def in_tensorflow(function, inputs):
    def run():
        tensors = {name: tf.constant(v) for name, v in inputs.items()}
        return function(**tensors)["images"].numpy()

    return run


def in_litert(runner, inputs):
    return lambda: runner(**inputs)["images"]


def in_onnx(session, inputs):
    return lambda: session.run(None, inputs)[0]


def measure(sides, rounds, calls):
    """Returns the seconds of each call, by runtime and batch size."""
    expected = {}
    for (runtime, batch), function in sides.items():
        images = function().astype(int)
        function()
        # The runtimes must compute the same images.
        difference = np.abs(images - expected.setdefault(batch, images))
        if difference.max() > 1:
            sys.exit(f"The images of {runtime} differ from those of Keras.")
    times = {side: [] for side in sides}
    for _, (side, function) in itertools.product(range(rounds), sides.items()):
        for _ in range(calls):
            start = time.perf_counter()
            function()
            times[side].append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    main()
