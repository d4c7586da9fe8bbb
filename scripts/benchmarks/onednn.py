"""What oneDNN gains on this processor, in training and generating.

    python scripts/benchmarks/onednn.py [MODEL|NAME ...] [--rounds 5]

Each model of train_step.py takes training steps, each model of the zoo
generates 64 images at a time, and `inception` computes features. There are two
sides, one process each: without oneDNN (`TF_ENABLE_ONEDNN_OPTS=0`), and with
what kerasgan chooses. They take turns; the table has the medians of the rounds,
and the median and range of the ratio within each. For the speed of processors
without AVX-512, on one that has it, set `ONEDNN_MAX_CPU_ISA=AVX2`: other parts
of TensorFlow do not use AVX-512.
"""

import argparse
import os
import statistics
import time

import train_step
import workers

OFF, DEFAULT = "without", "kerasgan's choice"


class Side:
    """One process, with or without oneDNN."""

    def __init__(self):
        import zoo

        self.zoo, self.training, self.functions = zoo, train_step.Ours(), {}

    def rate(self, name, seconds):
        """Returns images per second."""
        if name in train_step.SIZES:
            return self.training.rate(name, "", "float32", seconds)
        if name not in self.functions:
            self.functions[name] = self.prepare(name)
        images = self.functions[name]
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            count += images()
        return count / (time.perf_counter() - start)

    def prepare(self, name):
        """Returns a function that makes images and returns their number."""
        if name == "inception":
            return inception()
        import generate

        images = generate.Kerasgan().prepare(name, None)
        images(64)
        return lambda: len(images(64))


def inception():
    """Returns a function that computes features, with random weights."""
    import numpy as np

    from kerasgan.metrics import inception

    network = inception.build_inception()
    images = np.random.RandomState(0).randint(0, 256, (10, 299, 299, 3))
    images = images.astype("float32") / 127.5 - 1.0
    network.predict_on_batch(images)
    return lambda: len(images) * bool(len(network.predict_on_batch(images)))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--serve", choices=[OFF, DEFAULT])
    options = parser.parse_args()
    if options.serve:
        os.environ.pop("TF_ENABLE_ONEDNN_OPTS", None)
        if options.serve == OFF:
            os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

        def handler():
            side = Side()
            return lambda *request: side.rate(*request)

        workers.serve(handler)
        return
    import zoo

    names = options.names or [*train_step.SIZES, *zoo.list()]
    sides = {name: workers.Worker(name) for name in (OFF, DEFAULT)}
    print("| | without oneDNN, images/s | with | ratio | range |")
    print("|---|---|---|---|---|")
    for name in names:
        rates = {side: [] for side in sides}
        for number in range(options.rounds + 1):
            for side in sorted(sides, reverse=number % 2):
                rates[side].append(sides[side](name, options.seconds))
        # The first round builds and compiles.
        off, on = rates[OFF][1:], rates[DEFAULT][1:]
        ratios = [b / a for a, b in zip(off, on, strict=True)]
        print(
            f"| {name} | {statistics.median(off):.1f} "
            f"| {statistics.median(on):.1f} | {statistics.median(ratios):.2f} "
            f"| {min(ratios):.2f} to {max(ratios):.2f} |",
            flush=True,
        )
    for side in sides.values():
        side.close()


if __name__ == "__main__":
    main()
