"""Measures throughput and latency of the HTTP server.

    python scripts/benchmarks/serve.py

Starts `kerasgan serve`, and sends requests from this process, by a fixed number
of clients that each wait for the response before the next request. Both share
the machine. Responses are read and counted, not parsed. Prints a table, and the
throughput of the model without HTTP, in batches of 1 and 64.
"""

import argparse
import asyncio
import json
import os
import pathlib
import re
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import aiohttp
import numpy as np

import zoo

# Clients, images in a request.
CASES = [(1, 1), (8, 1), (32, 1), (128, 1), (1, 16), (8, 16), (1, 64), (8, 64)]


def body(latent_dim, images):
    """Returns a request in row format."""
    latents = np.random.RandomState(0).standard_normal((images, latent_dim))
    rows = latents.astype("float32").round(4).tolist()
    return json.dumps({"instances": rows}).encode()


async def load(url, content, clients, seconds):
    """Returns the latency of each request, after a second of warm-up."""
    latencies = []
    start = time.perf_counter() + 1
    end = start + seconds

    async def client(session):
        while (sent := time.perf_counter()) < end:
            async with session.post(url, data=content) as answer:
                await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{answer.status}: {answer.reason}")
            if sent > start:
                latencies.append(time.perf_counter() - sent)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return latencies


async def batches(address):
    """Returns the number of batches so far, and of images in them."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{address}/metrics") as answer:
            text = await answer.text()
    return [
        float(re.search(rf"kerasgan_batch_samples_{what} (\S+)", text)[1])
        for what in ("count", "sum")
    ]


async def measure(address, name, latent_dim, seconds):
    print(
        "| clients | images/request | requests/s | images/s | p50 ms | p95 ms "
        "| p99 ms | images/batch |\n" + "|---" * 8 + "|"
    )
    url = f"{address}/v1/models/{name}:predict"
    for clients, images in CASES:
        content = body(latent_dim, images)
        before = await batches(address)
        latencies = await load(url, content, clients, seconds)
        after = await batches(address)
        rate = len(latencies) / seconds
        p50, p95, p99 = np.percentile(latencies, [50, 95, 99]) * 1000
        count, total = np.subtract(after, before)
        print(
            f"| {clients} | {images} | {rate:.0f} | {rate * images:.0f} "
            f"| {p50:.1f} | {p95:.1f} | {p99:.1f} | {total / count:.1f} |",
            flush=True,
        )


def without_http(gan, seconds):
    """Returns images per second of `generate`, by batch size."""
    rates = {}
    for size in (1, 64):
        gan.generate(size, seed=0, batch_size=size)
        calls, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            gan.generate(size, seed=0, batch_size=size)
            calls += 1
        rates[size] = calls * size / (time.perf_counter() - start)
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="dcgan_fashion_mnist_32")
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    code = "from kerasgan import cli; import sys; sys.exit(cli.main())"
    server = subprocess.Popen(
        [sys.executable, "-c", code, "serve", options.model, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=sys.path[0],
    )
    try:
        address = re.search(r"http://[^;]+", server.stdout.readline())[0]
        latent_dim = json.loads(
            (zoo.folder(options.model) / "config.json").read_text("utf-8")
        )["arguments"]["latent_dim"]
        asyncio.run(
            measure(address, options.model, latent_dim, options.seconds)
        )
    finally:
        server.terminate()
        server.wait()
    rates = without_http(zoo.load(options.model), options.seconds)
    for size, rate in rates.items():
        print(f"Without HTTP, in batches of {size}: {rate:.0f} images/s")


if __name__ == "__main__":
    main()
