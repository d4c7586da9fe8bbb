"""Reads third-party files as tensors by name, without running code in them.

The format follows from the content, not from the name.
"""

import dataclasses
import pathlib

from kerasgan.convert import (
    keras_file,
    npz_file,
    onnx_file,
    safetensors_file,
    torch_file,
)
from kerasgan.convert.checkpoints import Checkpoint
from kerasgan.convert.networks import NotThis, find, one


def read(path):
    """Returns the tensors of a file.

    Args:
        path: str or path of a file of PyTorch, safetensors, NumPy (`.npz`),
            Keras (`.h5`, `.weights.h5`, `.keras`) or ONNX.

    Returns:
        `Checkpoint`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, too large for what it holds, or of no
            known format.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no such file: {path}")
    try:
        return _reader(path)(path)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _reader(path):
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"PK") or path.suffix == ".npz":
        names = npz_file.names(path)
        if any(name.rpartition("/")[2] == "data.pkl" for name in names):
            return torch_file.read
        if keras_file.WEIGHTS in names:
            return keras_file.read_archive
        return npz_file.read
    if start.startswith(b"\x89HDF"):
        return keras_file.read
    if start[:1] == b"\x80":
        return torch_file.read
    if start[8:9] == b"{":
        return safetensors_file.read
    if path.suffix == ".onnx":
        return onnx_file.read
    raise ValueError(
        "The file is damaged, or of no known format: PyTorch, safetensors, "
        "NumPy's .npz, Keras' .h5 and .keras, ONNX (by the name .onnx). "
        f"Received: {start[:8]!r} at its beginning"
    )


@dataclasses.dataclass
class Source:
    """A file, or a place in it, that a network is to be read from.

    Attributes:
        role: str. The network of the model.
        name: str. Of the file, for messages.
        place: str. Where in the file, `""` for all of it.
        checkpoint: `Checkpoint`.
    """

    role: str
    name: str
    place: str
    checkpoint: Checkpoint
    path: str | None = None

    def network(self, read, what):
        """Returns the network of this role.

        Args:
            read: See `networks.find`.
            what: str. Description of the network, for messages.

        Returns:
            `networks.Network`.

        Raises:
            ValueError: If there is none, or more than one.
        """
        try:
            found = one(find(self.checkpoint, read, self.place), what)
        except NotThis as error:
            raise NotThis(
                f"{self.name}:{self.surroundings()} This is not {what}: "
                f"{error.reason}.",
                error.understood,
            ) from error
        self.path = found.path
        return found

    def surroundings(self):
        """Returns a sentence about what else is in the file, or `""`."""
        text = ""
        if self.checkpoint.others:
            text += (
                " The file holds more than tensors, which was not built: "
                f"{', '.join(self.checkpoint.others[:5])}."
            )
        if self.checkpoint.content:
            text += f" The file holds {self.checkpoint.content}."
        return text

    def other(self, read):
        """Returns another network of the file, or `None`.

        It is one that lies beside the one of `network`, if it is the only one.

        Args:
            read: See `networks.find`.
        """
        if not self.path:
            return None
        try:
            found = find(self.checkpoint, read)
        except NotThis:
            return None
        inside = f"{self.path}."
        found = [
            n
            for n in found
            if not f"{n.path}.".startswith(inside)
            and not inside.startswith(f"{n.path}." if n.path else "")
        ]
        return found[0] if len(found) == 1 else None


def without_place(path):
    """Returns the file of a path that may end in `#` and a place in it."""
    text = str(path)
    return text if pathlib.Path(text).exists() else text.partition("#")[0]


def sources(paths):
    """Reads the files of networks.

    Args:
        paths: dict of role to path, or to a path and `#` and a place in the
            file.

    Returns:
        dict of role to `Source`. A file given twice is read once.

    Raises:
        See `read`.
    """
    found, checkpoints = {}, {}
    for role, path in paths.items():
        text = without_place(path)
        place = str(path)[len(text) + 1 :]
        if text not in checkpoints:
            checkpoints[text] = read(text)
        name = pathlib.Path(text).name
        found[role] = Source(role, name, place, checkpoints[text])
    return found
