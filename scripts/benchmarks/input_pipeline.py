"""Measures how fast the input pipeline delivers images.

    python scripts/benchmarks/input_pipeline.py

Made-up images of the zoo's sizes, through `kerasgan.data`, without a model.
Prints images per second, the median, smallest and largest of the rounds, and
the median per second of processor time, which other work on the machine does
not change much. The pipeline is to be at least ten times as fast as training,
so that it takes less than a tenth of the processor: 9,000 images a second at
32x32, where a DCGAN of width 64 trains on about 900.
"""

import argparse
import os
import statistics
import tempfile
import time

import numpy as np

from kerasgan import data


def images(count, size, channels):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (count, size, size, channels), np.uint8)


def mapped(folder, array):
    """The same images in a file that is mapped into memory."""
    path = os.path.join(folder, "images")
    array.tofile(path)
    return np.memmap(path, np.uint8, "r", shape=array.shape)


def rate(dataset, images_per_batch, seconds):
    """Images per second, and per processor second, after a first batch."""
    iterator = iter(dataset)
    next(iterator)
    batches, start, busy = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        next(iterator)
        batches += 1
    count = batches * images_per_batch
    elapsed, busy = time.perf_counter() - start, time.process_time() - busy
    return count / elapsed, count / busy


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    grey_32 = images(60000, 32, 1)
    color_64 = images(8000, 64, 3)
    with tempfile.TemporaryDirectory() as folder:
        file_64 = mapped(folder, color_64)
        many = {"epochs": 10**6}
        cases = {
            "images 32x32x1": (data.images(grey_32, 32, 64, **many), 64),
            "images 64x64x3": (data.images(color_64, 64, 64, **many), 64),
            "images 64x64x3, mirrored": (
                data.images(color_64, 64, 64, augment=data.mirror, **many),
                64,
            ),
            "images 64x64x3, from a file": (
                data.images(file_64, 64, 64, **many),
                64,
            ),
            "paired 64x64x3, batch 16, jitter": (
                data.paired((color_64, color_64), 64, 16, **many),
                16,
            ),
            "unpaired 64x64x3, batch 1, jitter": (
                data.unpaired((color_64, color_64), 64, 1, **many),
                1,
            ),
        }
        rates = {name: [] for name in cases}
        for _ in range(arguments.rounds):
            for name, case in cases.items():
                rates[name].append(rate(*case, arguments.seconds))
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} processors, load {load:.1f}; images/s")
    for name, values in rates.items():
        elapsed, busy = zip(*values, strict=True)
        print(
            f"{name:36}{statistics.median(elapsed):>9,.0f}"
            f"   ({min(elapsed):,.0f} to {max(elapsed):,.0f})"
            f"   {statistics.median(busy):,.0f} per processor second"
        )


if __name__ == "__main__":
    main()
