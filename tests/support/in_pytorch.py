"""Runs a folder that `to_pytorch` wrote, in a process without kerasgan."""

import subprocess
import sys

import numpy as np

SCRIPT = """
import sys

import numpy as np
import torch

folder, source, target, *weights = sys.argv[1:]
sys.path.insert(0, folder)
from generator import load, to_uint8

inputs = np.load(source)
tensors = {name: torch.from_numpy(inputs[name]) for name in inputs.files}
results = {}
for name in weights:
    generator = load(f"{folder}/{name}")
    with torch.no_grad():
        images = generator(**tensors)
    results[name] = images.numpy()
    results[name + ".uint8"] = to_uint8(images).numpy()
packages = {name.partition(".")[0] for name in sys.modules}
assert not packages & {"kerasgan", "keras", "tensorflow"}, packages
np.savez(target, **results)
"""


def run(folder, weights, scratch, **inputs):
    """Returns the images of each file of weights, channels last.

    Args:
        folder: path.
        weights: list of str. Files in the folder.
        scratch: path of a folder for temporary files.
        **inputs: Arrays by the names of `forward`'s arguments.

    Returns:
        dict of arrays by file; of uint8 under that name and `.uint8`.
    """
    source, target = scratch / "inputs.npz", scratch / "images.npz"
    np.savez(source, **inputs)
    # Isolated: neither this folder nor PYTHONPATH.
    command = [sys.executable, "-I", "-c", SCRIPT, folder, source, target]
    subprocess.run([*map(str, command), *weights], check=True)
    with np.load(target) as images:
        return {n: images[n].transpose(0, 2, 3, 1) for n in images.files}
