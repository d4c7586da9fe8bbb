"""Converts PyTorch files of tensors to NumPy's format, in its own process.

    python torch_file.py FOLDER SOURCE...

`kerasgan.convert` runs it as a script, because PyTorch and TensorFlow cannot be
loaded into one process on every platform. Only tensors are read: a file with
other objects is refused, with one line on standard error and exit status 2. It
imports PyTorch and NumPy and nothing of kerasgan.
"""

import pathlib
import pickle
import sys

import numpy as np
import torch


def main(folder, *sources):
    """Writes the tensors of each source as float32: 0.npz, 1.npz ...

    Args:
        folder: str. Where to write.
        *sources: str. State dicts written by `torch.save`.

    Raises:
        ValueError: If one holds anything but tensors by name.
    """
    for number, source in enumerate(sources):
        try:
            tensors = read(source)
        except ValueError as error:
            name = pathlib.Path(source).name
            raise ValueError(f"{name}: {error}") from error
        np.savez(pathlib.Path(folder, f"{number}.npz"), **tensors)


def read(source):
    """Returns the tensors of a file as float32 arrays by name.

    Args:
        source: str.

    Raises:
        ValueError: If it holds anything but tensors by name.
    """
    try:
        content = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            "The file holds more than tensors, and reading it would run code "
            "from it. Save the tensors alone, where it was made: "
            "`torch.save(network.state_dict(), ...)`. "
            f"PyTorch's error: {_reason(error)}"
        ) from error
    except Exception as error:  # Damaged files raise many types.
        raise ValueError(
            "The file is damaged, or was not written by `torch.save`. "
            f"PyTorch's error: {type(error).__name__}: {_reason(error)}"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            "The file must hold a state dict, tensors by name. "
            f"Received: {type(content).__name__}"
        )
    others = [
        f"{name} ({type(value).__name__})"
        for name, value in content.items()
        if not isinstance(value, torch.Tensor)
    ]
    if others:
        raise ValueError(
            "The file must hold tensors by name and nothing else; save the "
            "state dict of one network by itself. "
            f"Received: {', '.join(others)}"
        )
    return {
        str(name): tensor.detach().to(torch.float32).numpy()
        for name, tensor in content.items()
    }


def _reason(error):
    """Returns the relevant part of an error message of PyTorch."""
    text = " ".join(str(error).split())
    _, marker, reason = text.partition("WeightsUnpickler error:")
    return (reason if marker else text).strip().split(". ")[0][:200]


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
