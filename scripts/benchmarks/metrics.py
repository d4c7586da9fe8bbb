"""Compares the speed of the metrics with that of common packages.

    pip install torch==2.13.0 && pip install -e '.[test,parity]'
    python scripts/benchmarks/metrics.py
    python scripts/benchmarks/metrics.py --part end_to_end --images 10000

Everything runs in one process on random weights, which cost as much as the
published ones, in alternating rounds, so that other load on the machine affects
all sides. Reports medians and the range of the rounds.

Parts: `features` (Inception, images a second, ours in float32, bfloat16 and
under XLA, pytorch-fid), `root` (the Fréchet distance at 2,048 features, ours
and with scipy.linalg.sqrtm), `end_to_end` (evaluation of generated images
against statistics of as many, peak memory), `bfloat16` (how far the distance
of generated to real clothing changes when Inception runs in bfloat16;
needs the data set fashion_mnist).
"""

import argparse
import os
import pathlib
import resource
import statistics
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import numpy as np
import scipy.linalg
import tensorflow as tf

from kerasgan import metrics
from kerasgan.metrics import inception
from tests.support import inception_weights


def rounds(contenders, count, unit):
    """Times functions alternately; prints and returns medians by name."""
    times = {name: [] for name in contenders}
    for function in contenders.values():
        function()
    for _ in range(count):
        for name, function in contenders.items():
            start = time.perf_counter()
            amount = function()
            seconds = time.perf_counter() - start
            rate = seconds if unit == "s" else amount / seconds
            times[name].append(rate)
    medians = {}
    for name, values in times.items():
        medians[name] = statistics.median(values)
        print(
            f"  {name:28} {medians[name]:8.2f} {unit}"
            f"  ({min(values):.2f} to {max(values):.2f})"
        )
    return medians


def peak_memory():
    """Returns the peak resident memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _pytorch_fid(arrays):
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        # See the fixture `torchvision` in tests/metrics/conftest.py.
        for name in [n for n in sys.modules if n.startswith("torchvision")]:
            del sys.modules[name]
        _pytorch_fid.library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            _pytorch_fid.library.define(
                f"{name}(Tensor dets, Tensor scores, float iou) -> Tensor"
            )
    from pytorch_fid import inception as theirs

    tensors = {k: torch.from_numpy(v) for k, v in arrays.items()}
    theirs.load_state_dict_from_url = lambda *_, **__: tensors
    network = theirs.InceptionV3([3]).eval()

    def run(images):
        batch = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            return network(batch)[0].flatten(1).numpy()

    return run


def features(options):
    print(f"Inception features, batches of {options.batch_size}, images/s")
    arrays = inception_weights.draw()
    images = np.random.default_rng(0).integers(
        0, 256, (options.batch_size, 32, 32, 3), np.uint8
    )
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / inception.GRAPH
        inception_weights.write_graph(path, arrays)
        exact = metrics.load_inception(path, "pytorch_fid")
        half = metrics.load_inception(path, "pytorch_fid", bfloat16=True)
    compiled = tf.function(exact._run, jit_compile=True)
    theirs = _pytorch_fid(arrays)
    networks = {
        "kerasgan float32": exact,
        "kerasgan bfloat16": half,
        "kerasgan float32, XLA": lambda batch: compiled(batch)[0],
        "pytorch-fid float32": theirs,
    }

    def run(network):
        def one_batch():
            np.asarray(network(images))
            return len(images)

        return one_batch

    contenders = {name: run(network) for name, network in networks.items()}
    rates = rounds(contenders, options.rounds, "/s")
    base = rates["pytorch-fid float32"]
    for name, rate in rates.items():
        print(f"  {name:28} {rate / base:8.2f} times pytorch-fid")
    difference = np.abs(exact(images).numpy() - theirs(images)).max()
    print(f"  largest difference of a feature {difference:.1e}")


def root(options):
    print(f"Fréchet distance at {options.width} features, s")
    random = np.random.default_rng(0)
    width = options.width
    # Like pool3: not negative, eigenvalues over many orders of magnitude.
    mixing = random.normal(size=(width, width)) / np.sqrt(width)
    mixing *= np.logspace(0, -2, width)
    sides = []
    for seed in (1, 2):
        noise = np.random.default_rng(seed).normal(size=(2 * width, width))
        sides.append(np.maximum(noise @ mixing * (1 + 0.1 * seed), 0))
    a, b = map(metrics.FeatureStatistics.from_features, sides)
    values = {}

    def ours():
        values["ours"] = a.distance(b)

    def with_sqrtm():
        product = scipy.linalg.sqrtm(a.covariance @ b.covariance)
        difference = a.mean - b.mean
        values["sqrtm"] = (
            difference @ difference
            + np.trace(a.covariance + b.covariance)
            - 2 * np.trace(product).real
        )

    times = rounds(
        {"kerasgan": ours, "scipy.linalg.sqrtm": with_sqrtm},
        options.root_rounds,
        "s",
    )
    ratio = times["scipy.linalg.sqrtm"] / times["kerasgan"]
    print(f"  {ratio:.1f} times faster; values {values}")


def end_to_end(options):
    count = options.images
    name = options.network
    print(f"{count} images against stored statistics, {name}")
    if name == "inception":
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / inception.GRAPH
            inception_weights.write_graph(path, inception_weights.draw())
            network = metrics.load_inception(path)
        shape = (32, 32, 3)
    else:
        network = metrics.FeatureNetwork.load(name)
        shape = network.image_shape
    random = np.random.default_rng(0)

    def draw(count, seed=None):
        return random.integers(0, 256, (count, *shape), np.uint8)

    reference = metrics.FeatureStatistics(
        np.zeros(network.num_features), np.eye(network.num_features), count
    )
    metric = metrics.FrechetDistance(network, reference)
    before = peak_memory()
    start = time.perf_counter()
    for _ in range(0, count, options.batch_size):
        metric.update_state(fake_images=draw(options.batch_size))
    float(metric.result())
    seconds = time.perf_counter() - start
    print(
        f"  {seconds:.1f} s, {count / seconds:.1f} images/s, peak memory "
        f"{peak_memory():.0f} MB ({before:.0f} MB before)"
    )


def bfloat16(options):
    import zoo
    from kerasgan import data

    # A few more than features, so that the covariances are regular.
    count = 2100
    real = data.load("fashion_mnist", "test", 32)["image"][:count]
    fakes = zoo.load("dcgan_fashion_mnist_32").generate(count, seed=0)
    print(f"Distance of {count} generated to {count} real images of clothing")
    values = {}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / inception.GRAPH
        inception_weights.write_graph(path, inception_weights.draw())
        for name, half in (("float32", False), ("bfloat16", True)):
            network = metrics.load_inception(path, bfloat16=half)
            metric = metrics.FrechetDistance(network)
            for start in range(0, count, options.batch_size):
                rows = slice(start, start + options.batch_size)
                metric.update_state(fakes[rows], real[rows])
            values[name] = float(metric.result())
            print(f"  {name:28} {values[name]:.6g}")
    difference = values["bfloat16"] / values["float32"] - 1
    print(f"  bfloat16 differs by {difference:+.2%}")


def main():
    parts = {
        "features": features,
        "root": root,
        "end_to_end": end_to_end,
        "bfloat16": bfloat16,
    }
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--part", choices=parts, action="append")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--root-rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument(
        "--network", default="inception", help="or the folder of a classifier"
    )
    options = parser.parse_args()
    for name in options.part or parts:
        parts[name](options)


if __name__ == "__main__":
    main()
