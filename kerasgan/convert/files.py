"""Reading other people's files: arrays by name, and nothing that could run."""

import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np


def read(path):
    """Returns the arrays of a file by their names.

    Args:
        path: str or path. A `.npz` of plain arrays, or else a state dict that
            `torch.save` wrote.

    Returns:
        dict of str to float32 array.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If the file is PyTorch's and PyTorch is not installed.
        ValueError: If the file holds anything but arrays by name.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no such file: {path}")
    if path.suffix == ".npz":
        return _read_npz(path)
    if importlib.util.find_spec("torch") is None:
        raise ImportError(
            f"{path.name} is read by PyTorch, which is not installed: "
            "`pip install 'kerasgan[convert]'`. A .npz needs no PyTorch."
        )
    with tempfile.TemporaryDirectory() as scratch:
        target = pathlib.Path(scratch, "tensors.npz")
        script = pathlib.Path(__file__).with_name("torch_file.py")
        result = subprocess.run(
            [sys.executable, str(script), str(path), str(target)],
            capture_output=True,
            text=True,
        )
        if result.returncode == 2:
            raise ValueError(f"{path.name}: {result.stderr.strip()}")
        if result.returncode != 0:
            raise OSError(
                f"PyTorch could not read {path.name}. It says: "
                f"{result.stderr.strip() or f'exit status {result.returncode}'}"
            )
        return _read_npz(target)


def _read_npz(path):
    try:
        # An array of objects would be a pickle.
        with np.load(path, allow_pickle=False) as arrays:
            return {name: np.float32(arrays[name]) for name in arrays.files}
    except (ValueError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ValueError(
            f"{path.name} must hold plain arrays of numbers by name, as "
            f"`numpy.savez` writes them. Received: {error}"
        ) from error
