"""Copies a PyTorch file of tensors to NumPy's format, in its own process.

    python torch_file.py SOURCE TARGET

`kerasgan.convert` runs it so, because PyTorch and TensorFlow do not load into
one process everywhere. Only tensors are read: a file that asks for anything
else is refused, with one line on standard error and exit status 2. It imports
PyTorch and NumPy and nothing of kerasgan.
"""

import pickle
import sys

import numpy as np
import torch


def main(source, target):
    """Writes the tensors of `source` to `target`, as float32.

    Args:
        source: str. A state dict that `torch.save` wrote.
        target: str. The .npz to write.

    Raises:
        ValueError: If the file holds anything but tensors by name.
    """
    try:
        content = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            "The file holds more than tensors, and to read that would run "
            "code that came with it. Where it was made, save the tensors "
            "alone: `torch.save(network.state_dict(), ...)`. "
            f"PyTorch says: {_first_sentence(error)}"
        ) from error
    except (EOFError, RuntimeError, ValueError) as error:
        raise ValueError(
            "The file is damaged, or was not written by `torch.save`. "
            f"PyTorch says: {_first_sentence(error)}"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            "The file must hold a state dict, tensors by name. "
            f"Received: {type(content).__name__}"
        )
    others = {
        str(name): type(value).__name__
        for name, value in content.items()
        if not isinstance(value, torch.Tensor)
    }
    if others:
        found = ", ".join(f"{n} ({kind})" for n, kind in others.items())
        raise ValueError(
            "The file must hold tensors by name and nothing else; save the "
            f"state dict of one network by itself. Received: {found}"
        )
    arrays = {
        str(name): tensor.detach().to(torch.float32).numpy()
        for name, tensor in content.items()
    }
    np.savez(target, **arrays)


def _first_sentence(error):
    """Returns the part of PyTorch's message that says what was wrong."""
    text = " ".join(str(error).split())
    _, marker, reason = text.partition("WeightsUnpickler error:")
    return (reason if marker else text).strip().split(". ")[0][:200]


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
