"""Runs folders that `to_pytorch` wrote, in a process without kerasgan."""

import functools
import json
import subprocess
import sys

import numpy as np

SCRIPT = """
import importlib
import json
import os
import sys

import numpy as np
import torch

torch.set_num_threads(1)
sys.path.insert(0, "")
for line in sys.stdin:
    folder, source, target, weights = json.loads(line)
    os.chdir(folder)
    sys.path[0] = folder
    # Those of the folder before.
    for path in os.listdir(folder):
        if path.endswith(".py"):
            sys.modules.pop(path.removesuffix(".py"), None)
    importlib.invalidate_caches()
    import generator

    tensors = {
        name: torch.from_numpy(values)
        if values.dtype.kind != "U"
        else values.tolist()
        for name, values in np.load(source).items()
    }
    results = {}
    for name in weights:
        loaded = generator.load(name)
        with torch.no_grad():
            samples = loaded(**tensors)
        results[name] = samples.numpy()
        if hasattr(generator, "to_uint8"):
            results[name + ".uint8"] = generator.to_uint8(samples).numpy()
        if hasattr(loaded, "sentences"):
            results[name + ".text"] = loaded.sentences(samples)
    with open("README.md") as page:
        example = page.read().split("```python")[1].split("```")[0]
    names = {"images": tensors.get("images")}
    exec(example, names)
    shown = (names.get(name) for name in ("images", "points", "tokens"))
    results["page"] = next(x for x in shown if x is not None).numpy()
    packages = {name.partition(".")[0] for name in sys.modules}
    assert not packages & {"kerasgan", "keras", "tensorflow"}, packages
    np.savez(target, **results)
    print(flush=True)
"""


@functools.cache
def process():
    """Returns the process, which waits for folders."""
    # Isolated: neither this folder nor PYTHONPATH. It ends with this one.
    return subprocess.Popen(
        [sys.executable, "-I", "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(folder, weights, scratch, **inputs):
    """Returns the samples of each file of weights, images channels last.

    Args:
        folder: path.
        weights: list of str. Files in the folder.
        scratch: path of a folder for temporary files.
        **inputs: Arrays by the names of `forward`'s arguments.

    Returns:
        dict of arrays by file; of uint8 under that name and `.uint8`, of
        sentences under `.text`; and under `page` those of the example of the
        folder's page.
    """
    source, target = scratch / "inputs.npz", scratch / "images.npz"
    np.savez(source, **inputs)
    paths = map(str, (folder, source, target))
    pytorch = process()
    pytorch.stdin.write(json.dumps([*paths, weights]) + "\n")
    pytorch.stdin.flush()
    if not pytorch.stdout.readline():
        process.cache_clear()
        raise AssertionError(f"PyTorch failed: exit status {pytorch.wait()}")
    with np.load(target) as samples:
        found = dict(samples)
    return {
        name: array.transpose(0, 2, 3, 1) if array.ndim == 4 else array
        for name, array in found.items()
    }
