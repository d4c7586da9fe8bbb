"""What StyleGAN needs on many devices, and how training scales here.

    python scripts/benchmarks/scaling.py predict
    python scripts/benchmarks/scaling.py measure

`predict` traces the training step of StyleGAN at each resolution and adds up
the products of all convolutions and dense layers in the graph, two operations
each, and the bytes of all gradients; nothing of it is run. It compares a whole
run with the times that the authors published, and prints what the formula of
docs/scaling.md gives for other hardware.

`measure` trains a DCGAN in one process and in two that are workers of one run,
each held to one core of this machine, with the same number of images for
each; and times sums of plain arrays over the two workers. From the latter it
predicts the former by the formula of docs/scaling.md.
"""

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import numpy as np

RESOLUTIONS = (8, 16, 32, 64, 128, 256, 512, 1024)
BATCH = 4
# Hours of a whole run on so many V100s, in the README of the authors' code.
PUBLISHED = {1: 988, 2: 526, 4: 272, 8: 158}
# Operations a second by the data sheets (without sparsity), and the share of
# them that is achieved: that of the published times, elsewhere an assumption.
DEVICES = {
    "V100, float32": (15.7e12, None),
    "A100, TF32": (156e12, 0.3),
    "H100, bfloat16": (989e12, 0.3),
}
# Bytes a second in one direction: half of what data sheets give for NVLink.
LINKS = {
    "NVLink of a V100": 150e9,
    "NVLink of an A100": 300e9,
    "NVLink of an H100": 450e9,
    "400 Gb/s": 50e9,
    "100 Gb/s": 12.5e9,
    "25 Gb/s": 3.125e9,
    "10 Gb/s": 1.25e9,
}
WIDTH = 32
# Images of each worker.
BATCHES = (8, 16, 32)
ARRAYS = (1, 8, 16)
NUMBERS = (1_000, 100_000, 1_000_000)


def run_operations(counted):
    """Returns the operations of the paper's run of 25 million images.

    Args:
        counted: dict of resolution to the operations for an image.
    """
    total, seen = 0, 0
    for resolution in RESOLUTIONS:
        if resolution == RESOLUTIONS[-1]:
            images = 25_000_000 - seen
        else:
            # Half of them while it fades in, but for the first.
            images = 600_000 if resolution == RESOLUTIONS[0] else 1_200_000
        total += images * counted[resolution]
        seen += images
    return total


def predict():
    """Prints the tables of docs/scaling.md."""
    counted, gradient_bytes = count()
    whole = run_operations(counted)
    rows = [(1 / devices, 1) for devices in PUBLISHED]
    (shared, alone), *_ = np.linalg.lstsq(
        np.array(rows), [*PUBLISHED.values()], rcond=None
    )
    rate = whole / (3600 * shared)
    peak, _ = DEVICES["V100, float32"]
    print(f"\nA run: {whole:.3g} operations")
    print(f"Published: {shared:.0f} h / GPUs + {alone:.0f} h")
    print(f"One V100: {rate / 1e12:.1f} TFLOP/s, {rate / peak:.0%} of its peak")
    print("| GPUs | published, h | by the formula, h |\n|---|---|---|")
    for devices, hours in PUBLISHED.items():
        print(f"| {devices} | {hours} | {shared / devices + alone:.0f} |")

    replicas = 8
    sent = 2 * (replicas - 1) / replicas * gradient_bytes
    image = counted[RESOLUTIONS[-1]]
    print(f"\n{gradient_bytes / 1e6:.0f} MB of gradients, ", end="")
    print(f"{sent / 1e6:.0f} MB through each link in a step of 8 replicas")
    print(
        "| GPU | link | compute, ms | sums, ms | efficiency | knee, images |\n"
        "|---|---|---|---|---|---|"
    )
    for device, (peak, share) in DEVICES.items():
        achieved = peak * share if share else rate
        own = f"NVLink of an {device[:4]}".replace("an V", "a V")
        for link, bandwidth in LINKS.items():
            if "NVLink" in link and link != own:
                continue
            compute, sums = BATCH * image / achieved, sent / bandwidth
            print(
                f"| {device} | {link} | {1e3 * compute:.0f} "
                f"| {1e3 * sums:.1f} | {compute / (compute + sums):.0%} "
                f"| {sums * achieved / image:.2f} |"
            )


def count():
    """Counts a step at each resolution, and prints the table.

    Returns:
        Pair of a dict of resolution to the operations for an image, and the
        bytes of all gradients at the last one.
    """
    import tensorflow as tf

    from kerasgan import models

    print("| Resolution | GFLOP an image | MB of gradients | arrays |")
    print("|---|---|---|---|")
    counted = {}
    for resolution in RESOLUTIONS:
        gan = models.StyleGAN.paper(
            image_size=resolution, start_resolution=resolution
        )
        gan.compile()
        spec = tf.TensorSpec((BATCH, resolution, resolution, 3), "float32")
        step = tf.function(gan.train_step).get_concrete_function(spec)
        networks = (gan.generator, gan.discriminator)
        arrays = [v for n in networks for v in n.trainable_variables]
        gradient_bytes = 4 * int(sum(np.prod(v.shape) for v in arrays))
        counted[resolution] = operations(step.graph) / BATCH
        print(
            f"| {resolution} | {counted[resolution] / 1e9:.1f} "
            f"| {gradient_bytes / 1e6:.1f} | {len(arrays)} |",
            flush=True,
        )
    return counted, gradient_bytes


def operations(graph):
    """Returns the operations of all products in a graph.

    Args:
        graph: A `tf.Graph` whose shapes are all known.

    Returns:
        int, two for each product and its addition.

    Raises:
        ValueError: If products are hidden in a branch or a loop.
    """
    library = graph.as_graph_def().library.function
    inside = {node.op for function in library for node in function.node_def}
    if hidden := inside & {"MatMul", *_KERNELS}:
        raise ValueError(
            "Products in branches and loops cannot be counted. "
            f"Received: {sorted(hidden)}"
        )
    total = 0
    for op in graph.get_operations():
        if op.type == "MatMul":
            rows, inner = op.inputs[0].shape
            if op.get_attr("transpose_a"):
                rows, inner = inner, rows
            total += 2 * rows * inner * op.outputs[0].shape[1]
        elif op.type in _KERNELS:
            kernel, pixels = _KERNELS[op.type]
            tensors = [*op.inputs, *op.outputs]
            height, width, channels, _ = tensors[kernel].shape
            if op.type.startswith("Depthwise"):
                channels = 1  # Each channel is computed from one.
            places = tensors[pixels].shape.num_elements()
            total += 2 * places * height * width * channels
    return total


# Where, among the inputs and then the outputs of an operation, the kernel is,
# and the feature maps on the output side of the convolution.
_KERNELS = {
    "Conv2D": (1, 2),
    "Conv2DBackpropInput": (1, 2),
    "Conv2DBackpropFilter": (3, 2),
    "DepthwiseConv2dNative": (1, 2),
    "DepthwiseConv2dNativeBackpropInput": (1, 2),
    "DepthwiseConv2dNativeBackpropFilter": (3, 2),
}


def measure(rounds):
    """Prints measured and predicted steps of one and of two workers."""
    steps = {(n, b): [] for n in (1, 2) for b in BATCHES}
    sums = {(a, n): [] for a in ARRAYS for n in NUMBERS}
    for _ in range(rounds):
        for processes in (1, 2):
            found = run(processes)
            arrays, total = found["arrays"], found["bytes"]
            for batch, seconds in zip(BATCHES, found["steps"], strict=True):
                steps[processes, batch].append(seconds)
            for key, seconds in zip(sums, found["sums"], strict=processes == 2):
                sums[key].append(seconds)
    sums = {key: statistics.median(values) for key, values in sums.items()}
    # Seconds for each sum, for each array and for each byte sent.
    rows = [(1, a, 4 * a * n) for a, n in sums]
    costs, *_ = np.linalg.lstsq(np.array(rows), [*sums.values()], rcond=None)
    formula = "{:.2e} + {:.2e} * arrays + {:.2e} * bytes".format(*costs)
    print(f"Sums over two workers: seconds = {formula}\n")
    print("| Arrays | bytes of each | ms | by the formula |")
    print("|---|---|---|---|")
    for (many, numbers), seconds in sums.items():
        expected = np.dot(costs, (1, many, 4 * many * numbers))
        print(
            f"| {many} | {4 * numbers} | {1e3 * seconds:.2f} "
            f"| {1e3 * expected:.2f} |"
        )
    # Each optimizer has a sum of its own.
    sent = np.dot(costs, (2, arrays, total))
    print(f"\nDCGAN, {arrays} arrays of gradients, {total / 1e6:.2f} MB")
    print(
        "| Images each | 1 worker, ms | 2, ms | by the formula | efficiency |"
    )
    print("|---|---|---|---|---|")
    for batch in BATCHES:
        one, two = (statistics.median(steps[n, batch]) for n in (1, 2))
        print(
            f"| {batch} | {1e3 * one:.1f} | {1e3 * two:.1f} "
            f"| {1e3 * (one + sent):.1f} | {one / two:.0%} |"
        )


def run(processes):
    """Runs so many workers, each on a core of its own."""
    sockets = [socket.socket() for _ in range(processes)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    addresses = ["{}:{}".format(*one.getsockname()) for one in sockets]
    for one in sockets:
        one.close()
    started = []
    for index in range(processes):
        place = {
            "cluster": {"worker": addresses},
            "task": {"type": "worker", "index": index},
        }
        command = [sys.executable, __file__, "work", "--core", str(index)]
        started.append(
            subprocess.Popen(
                command,
                env={**os.environ, "TF_CONFIG": json.dumps(place)},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
    answers = [process.communicate()[0] for process in started]
    return json.loads(answers[0].splitlines()[-1])


def work(core):
    """Times steps and sums in this process and prints them."""
    # Before TensorFlow counts the cores it may use.
    os.sched_setaffinity(0, {core})
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    replicas = strategy.num_replicas_in_sync
    from kerasgan import models

    with strategy.scope():
        gan = models.DCGAN(image_size=32, channels=1, width=WIDTH, seed=0)
        gan.compile()
    found = {"steps": [], "sums": []}
    for batch in BATCHES:
        images = np.random.default_rng(0).uniform(
            -1, 1, (batch * replicas, 32, 32, 1)
        )
        images = images.astype("float32")
        dataset = tf.data.Dataset.from_tensors(images).repeat()
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        dataset = dataset.with_options(options)
        gan.fit(dataset, steps_per_epoch=2, verbose=0)
        iterator = iter(strategy.experimental_distribute_dataset(dataset))

        def step(iterator=iterator):
            logs = gan.train_function(iterator)
            return float(tf.reduce_sum(next(iter(logs.values()))))

        found["steps"].append(median(step))
    if replicas > 1:
        for arrays in ARRAYS:
            for numbers in NUMBERS:
                found["sums"].append(median(summing(strategy, arrays, numbers)))
    networks = (gan.generator, gan.discriminator)
    variables = [v for n in networks for v in n.trainable_variables]
    found["arrays"] = len(variables)
    found["bytes"] = int(sum(4 * np.prod(v.shape) for v in variables))
    print(json.dumps(found))


def summing(strategy, arrays, numbers):
    """Returns a function that sums arrays over the workers once."""
    import tensorflow as tf

    values = [tf.ones(numbers) for _ in range(arrays)]

    def sum_all():
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, values)

    function = tf.function(lambda: strategy.run(sum_all))
    return lambda: [float(v[0]) for v in function()]


def median(function, calls=15):
    """Returns the median time of a call."""
    function()
    times = []
    # The same number on every worker: a sum waits for all.
    for _ in range(calls):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["predict", "measure", "work"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.what == "predict":
        predict()
    elif options.what == "measure":
        measure(options.rounds)
    else:
        work(options.core)


if __name__ == "__main__":
    main()
