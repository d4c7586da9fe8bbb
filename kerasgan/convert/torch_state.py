"""Writes the arrays of a `.npz` as a PyTorch state dict, in its own process.

    python torch_state.py SOURCE TARGET

`to_pytorch` runs it as a script, because PyTorch and TensorFlow cannot be
loaded into one process on every platform.
"""

import sys

import numpy as np
import torch


def main(source, target):
    """Writes a state dict.

    Args:
        source: str. A `.npz` of plain arrays.
        target: str. The file to write.
    """
    with np.load(source, allow_pickle=False) as arrays:
        state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    torch.save(state, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
