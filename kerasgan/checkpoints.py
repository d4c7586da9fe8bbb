"""Checkpoints of a training run: whole, checked, and never half written.

A checkpoint holds every variable that the next step depends on (see
`GAN.training_state`) and a few plain values. It is one file: an .npz archive
followed by the 32 bytes of its SHA-256. It is written beside its final name
and renamed when it is on the disk, so a kill leaves the old one or the new
one, and a damaged one is noticed.
"""

import hashlib
import io
import json
import os
import pathlib
import re
import zipfile

import numpy as np
import tensorflow as tf

DIGEST_BYTES = 32
KEPT = 2


class CorruptCheckpoint(OSError):
    """A checkpoint file that is not what was written."""


def save(folder, gan, epoch, values):
    """Writes a checkpoint and removes all but the last two.

    Args:
        folder: str or path, made if missing.
        gan: A compiled `GAN`.
        epoch: int. How many epochs are done; the checkpoint's number.
        values: dict of plain JSON values to keep with it.

    Returns:
        The file's path.

    Raises:
        OSError: If it cannot be written; the older ones are untouched.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {n: _read(v) for n, v in gan.training_state().items()}
    arrays["values"] = np.array(json.dumps({**values, "epoch": epoch}))
    payload = io.BytesIO()
    np.savez(payload, **arrays)
    payload = payload.getvalue()
    path = folder / f"checkpoint-{epoch:06d}.npz"
    write_atomically(path, payload + hashlib.sha256(payload).digest())
    for old in _files(folder)[:-KEPT]:
        old.unlink()
    return path


def restore(folder, gan):
    """Puts the newest sound checkpoint into a model.

    Args:
        folder: str or path.
        gan: A compiled `GAN` of the same arguments and optimizers.

    Returns:
        Pair of the values kept with it, `None` if there is no checkpoint, and
        the list of the damaged files that were passed over.

    Raises:
        CorruptCheckpoint: If there are checkpoints and all are damaged.
        ValueError: If the checkpoint is of another model.
    """
    damaged = []
    for path in reversed(_files(pathlib.Path(folder))):
        try:
            arrays = _parse(path)
        except CorruptCheckpoint:
            damaged.append(path)
            continue
        values = json.loads(str(arrays.pop("values")))
        _assign(path, arrays, gan.training_state())
        return values, damaged
    if damaged:
        raise CorruptCheckpoint(
            "Every checkpoint of this run is damaged, so it cannot go on; "
            "delete them to start again. Received: "
            + ", ".join(str(p) for p in damaged)
        )
    return None, damaged


def write_atomically(path, content):
    """Writes a file so that it is there whole or not at all.

    Args:
        path: `pathlib.Path`.
        content: bytes.

    Raises:
        OSError: If it cannot be written; what was there before remains.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(
            error.errno,
            f"{error.strerror}; nothing was replaced and the last checkpoint "
            "is intact. Make room and give the same command again",
            str(path),
        ) from error
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _files(folder):
    names = re.compile(r"checkpoint-\d{6,}\.npz")
    return sorted(
        (p for p in folder.glob("checkpoint-*.npz") if names.fullmatch(p.name)),
        key=lambda p: int(p.stem.split("-")[1]),
    )


def _parse(path):
    content = path.read_bytes()
    payload, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    if hashlib.sha256(payload).digest() != digest:
        raise CorruptCheckpoint(f"The checkpoint {path} is damaged.")
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            return dict(archive)
    except (ValueError, zipfile.BadZipFile) as error:
        raise CorruptCheckpoint(f"The checkpoint {path} is damaged.") from error


def _assign(path, arrays, state):
    wrong = sorted(set(arrays) ^ set(state)) or [
        f"{name}: {arrays[name].shape} for {_read(variable).shape}"
        for name, variable in state.items()
        if arrays[name].shape != _read(variable).shape
    ]
    if wrong:
        raise ValueError(
            f"The checkpoint {path} is of another model or optimizer; use "
            f"another folder. Received: {wrong[0]}"
            + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")
        )
    for name, variable in state.items():
        _write(variable, arrays[name])


def _copies(variable):
    """Returns the replicas' own copies, or the one variable that all share."""
    value = getattr(variable, "value", variable)
    on_read = tf.VariableSynchronization.ON_READ
    if getattr(value, "synchronization", None) == on_read:
        return list(getattr(value, "values", [value]))
    return [value]


def _read(variable):
    copies = [copy.numpy() for copy in _copies(variable)]
    return copies[0] if len(copies) == 1 else np.stack(copies)


def _write(variable, array):
    copies = _copies(variable)
    if len(copies) == 1:
        copies[0].assign(array)
        return
    for copy, value in zip(copies, array, strict=True):
        copy.assign(value)
