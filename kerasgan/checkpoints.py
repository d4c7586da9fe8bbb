"""Checkpoints of a training run: written atomically, verified by checksum.

A checkpoint holds every variable that the next step depends on (see
`GAN.training_state`) and a few plain values. It is one file: an .npz archive
followed by the 32 bytes of its SHA-256. It is written to a temporary name and
renamed when it is on the disk, so a killed process leaves the old or the new
one, and damage is detected.

With several workers, per-replica state (an image pool) is gathered from all of
them, and only the chief writes.
"""

import contextlib
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
    """A checkpoint file whose checksum or content is wrong."""


def save(folder, gan, epoch, values):
    """Writes a checkpoint and removes all but the last two.

    All workers must call it, because state is gathered from all; the chief
    writes.

    Args:
        folder: str or path, made if missing.
        gan: A compiled `GAN`.
        epoch: int. Number of completed epochs; the number of the checkpoint.
        values: dict of plain JSON values to store with it.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        OSError: If it cannot be written; the older ones are untouched.
    """
    folder = pathlib.Path(folder)
    path = folder / f"checkpoint-{epoch:06d}.npz"
    strategy = gan.distribute_strategy
    arrays = {n: _read(v, strategy) for n, v in gan.training_state().items()}
    if not is_chief(strategy):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    arrays["values"] = np.array(json.dumps({**values, "epoch": epoch}))
    payload = io.BytesIO()
    np.savez(payload, **arrays)
    payload = payload.getvalue()
    write_atomically(path, payload + hashlib.sha256(payload).digest())
    for old in _files(folder)[:-KEPT]:
        old.unlink()
    return path


def restore(folder, gan):
    """Restores the newest intact checkpoint into a model.

    Args:
        folder: str or path.
        gan: A compiled `GAN` of the same arguments and optimizers.

    Returns:
        Pair of the values stored with it, `None` if there is no checkpoint,
        and the list of damaged files that were skipped.

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
        _assign(path, arrays, gan)
        return values, damaged
    if damaged:
        raise CorruptCheckpoint(
            "Every checkpoint of this run is damaged, so it cannot be "
            "resumed; delete them to start again. Received: "
            + ", ".join(str(p) for p in damaged)
        )
    return None, damaged


def newest(folder):
    """Returns the number of the newest checkpoint.

    Args:
        folder: str or path.

    Returns:
        int, the number of completed epochs, 0 if there is no checkpoint.
    """
    files = _files(pathlib.Path(folder))
    return int(files[-1].stem.split("-")[1]) if files else 0


def is_chief(strategy):
    """Returns whether this process is the one that writes.

    Args:
        strategy: A `tf.distribute.Strategy`.

    Returns:
        bool. `True` without workers; with several, on the chief, or on the
        first worker if the cluster has no chief.
    """
    resolver = strategy.cluster_resolver
    if resolver is None:
        return True
    if "chief" in resolver.cluster_spec().jobs:
        return resolver.task_type == "chief"
    # A cluster of one process has no task id.
    return not resolver.task_id


@contextlib.contextmanager
def replacing(path):
    """Yields a temporary path to write, which is then renamed to `path`.

    A partial file of a killed process is overwritten the next time.

    Args:
        path: `pathlib.Path`.

    Yields:
        `pathlib.Path` in the same folder.

    Raises:
        OSError: If it cannot be written; the previous file remains.
    """
    # The suffix stays, because Keras requires `.weights.h5`.
    partial = path.with_name(f".part_{path.name}")
    try:
        yield partial
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(
            error.errno,
            f"{reason}; nothing was replaced and the last checkpoint "
            "is intact. Make room and give the same command again",
            str(path),
        ) from error
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def write_atomically(path, content):
    """Writes a file atomically.

    Args:
        path: `pathlib.Path`.
        content: bytes.

    Raises:
        OSError: If it cannot be written; the previous file remains.
    """
    with replacing(path) as partial:
        partial.write_bytes(content)


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


def _assign(path, arrays, gan):
    state = gan.training_state()
    strategy = gan.distribute_strategy
    shapes = {name: _shape(v, strategy) for name, v in state.items()}
    wrong = sorted(set(arrays) ^ set(state)) or [
        f"{name}: {arrays[name].shape} for {shape}"
        for name, shape in shapes.items()
        if arrays[name].shape != shape
    ]
    if wrong:
        raise ValueError(
            f"The checkpoint {path} is of another model, optimizer or number "
            f"of replicas; use another folder. Received: {wrong[0]}"
            + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")
        )
    for name, variable in state.items():
        if not _differs(variable, strategy):
            variable.assign(arrays[name])
            continue
        rows = zip(_replicas(strategy), variable.value.values, strict=True)
        for replica, copy in rows:
            copy.assign(arrays[name][replica])


def _differs(variable, strategy):
    """Returns whether each replica has its own value."""
    on_read = tf.VariableSynchronization.ON_READ
    return (
        strategy.num_replicas_in_sync > 1
        and getattr(variable.value, "synchronization", None) == on_read
    )


def _replicas(strategy):
    """Returns the ids of the replicas of this process, among all."""
    numbers = strategy.run(
        lambda: tf.distribute.get_replica_context().replica_id_in_sync_group
    )
    return [int(n) for n in strategy.experimental_local_results(numbers)]


def _shape(variable, strategy):
    shape = tuple(variable.shape)
    if _differs(variable, strategy):
        return (strategy.num_replicas_in_sync, *shape)
    return shape


def _read(variable, strategy):
    """Returns the value, or the stacked values of all replicas."""
    if not _differs(variable, strategy):
        return variable.numpy()
    own = strategy.run(lambda: tf.convert_to_tensor(variable.value)[None])
    return strategy.gather(own, axis=0).numpy()
