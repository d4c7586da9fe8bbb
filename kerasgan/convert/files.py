"""Reads third-party files as arrays by name, without running code in them."""

import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy as np


def read(paths):
    """Returns the arrays of files by their names.

    Args:
        paths: dict of any key to a path: a `.npz` of plain arrays, or else a
            state dict written by `torch.save`.

    Returns:
        dict of the same keys to dicts of name to float32 array.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If a file is PyTorch's and PyTorch is not installed.
        ValueError: If a file holds anything but arrays by name.
    """
    paths = {key: pathlib.Path(path) for key, path in paths.items()}
    for path in paths.values():
        if not path.is_file():
            raise FileNotFoundError(f"There is no such file: {path}")
    states = {k: p for k, p in paths.items() if p.suffix != ".npz"}
    with tempfile.TemporaryDirectory() as scratch:
        if states:
            _copy_states(list(states.values()), scratch)
        copies = {
            k: pathlib.Path(scratch, f"{n}.npz") for n, k in enumerate(states)
        }
        return {
            key: _read_npz(copies.get(key, path)) for key, path in paths.items()
        }


def _copy_states(paths, folder):
    """Converts PyTorch files to 0.npz, 1.npz ... in a folder."""
    if importlib.util.find_spec("torch") is None:
        raise ImportError(
            f"{paths[0].name} is read by PyTorch, which is not installed: "
            "`pip install 'kerasgan[convert]'`. A .npz needs no PyTorch."
        )
    script = pathlib.Path(__file__).with_name("torch_file.py")
    result = subprocess.run(
        [sys.executable, str(script), folder, *map(str, paths)],
        capture_output=True,
        text=True,
    )
    if result.returncode == 2:
        raise ValueError(result.stderr.strip())
    if result.returncode != 0:
        raise OSError(
            f"PyTorch could not read {', '.join(p.name for p in paths)}: "
            f"{result.stderr.strip()} (exit status {result.returncode})"
        )


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
