"""Finds the networks in a file, by their structure.

A file may be one state dict, or hold several of them beside other things, in
nested dictionaries or by the beginning of their names. Each dictionary, and
each beginning, is a candidate; a reader of an architecture looks at its kernels
and says what network it is, or why not.
"""

import dataclasses
import math

from kerasgan.convert import matching
from kerasgan.fetch import printable

MOST_CANDIDATES = 10_000
# A dictionary of this beginning holds the state of an optimizer, whose tensors
# have the shapes of the network's.
OPTIMIZER = "optim"
AVERAGES = ("ema", "average", "avg")


class NotThis(ValueError):
    """The tensors are not those of an architecture.

    Attributes:
        reason: str.
        understood: int. How many kernels fitted until then.
    """

    def __init__(self, reason, understood=0):
        super().__init__(reason)
        self.reason = reason
        self.understood = understood


@dataclasses.dataclass(frozen=True)
class Network:
    """One network of a file.

    Attributes:
        path: str. Where in the file, `""` for the whole of it.
        units: list of `matching.Unit`.
        layout: `"torch"` or `"keras"`.
        epsilon: float. Of batch normalization.
        sizes: What the reader of the architecture found.
    """

    path: str
    units: list
    layout: str
    epsilon: float
    sizes: object


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel as its reader sees it.

    Attributes:
        name: str. Of its tensor.
        shape: tuple of ints, as in the file.
        layout: `"torch"` or `"keras"`.
        bias: int. Length of its bias, 0 without.
    """

    name: str
    shape: tuple
    layout: str
    bias: int = 0

    @property
    def side(self):
        """int. Height and width of the kernel, 0 for dense layers."""
        if len(self.shape) != 4:
            return 0
        sides = self.shape[2:] if self.layout == "torch" else self.shape[:2]
        return sides[0] if sides[0] == sides[1] else -1

    @property
    def outer(self):
        """Pair of ints. The numbers of feature maps, in the file's order."""
        torch = self.layout == "torch"
        if len(self.shape) == 4:
            return self.shape[:2] if torch else self.shape[2:]
        return self.shape if len(self.shape) == 2 else (-1, -1)

    def as_conv(self):
        """Returns inputs and outputs, if it is a convolution or dense."""
        first, second = self.outer
        return (second, first) if self.layout == "torch" else (first, second)

    def as_transposed(self):
        """Returns inputs and outputs, if it is a transposed convolution."""
        first, second = self.outer
        return (first, second) if self.layout == "torch" else (second, first)


def kernels(units, layout):
    """Returns the kernels among units, in order."""
    return [
        Kernel(
            unit.parts["kernel"].name,
            unit.parts["kernel"].shape,
            layout,
            unit.parts["bias"].size if "bias" in unit.parts else 0,
        )
        for unit in units
        if unit.kind == "kernel"
    ]


def norm_of(units):
    """Returns the kind of normalization among units.

    Returns:
        `"batch"`, `"affine_instance"` or `None`.
    """
    norms = [{*unit.parts} for unit in units if unit.kind == "norm"]
    if any({"mean", "variance"} & parts for parts in norms):
        return "batch"
    return "affine_instance" if norms else None


def layout_of(found):
    """Returns in which order the axes of kernels are, by their shapes."""
    torch = keras = 0
    for unit in found:
        shape = unit.shape
        if unit.kind == "kernel" and len(shape) == 4:
            torch += shape[2] == shape[3] <= 8
            keras += shape[0] == shape[1] <= 8
    return "keras" if keras > torch else "torch"


def chained(pairs):
    """Returns an order in which each kernel reads what one before it makes.

    Args:
        pairs: List of pairs of inputs and outputs.

    Returns:
        List of indices, or `None`. The first such order, so that a file that
        is in order stays so.
    """
    budget = 1000
    stack = [([start], {start}) for start in reversed(range(len(pairs)))]
    while stack and budget:
        budget -= 1
        path, used = stack.pop()
        if len(path) == len(pairs):
            return path
        made = pairs[path[-1]][1]
        stack += [
            ([*path, index], used | {index})
            for index in reversed(range(len(pairs)))
            if index not in used and pairs[index][0] == made
        ]
    return None


def _candidates(tensors):
    """Yields places in a file with their tensors, the whole first."""
    waiting = [("", tensors)]
    for _ in range(MOST_CANDIDATES):
        if not waiting:
            return
        path, inside = waiting.pop(0)
        descend = yield path, inside
        if not descend:
            continue
        groups = {}
        start = len(path) + 1 if path else 0
        for tensor in inside:
            name = tensor.name.replace("/", ".")
            key, separator, _ = name[start:].partition(".")
            if separator and not key.lower().startswith(OPTIMIZER):
                key = f"{path}.{key}" if path else key
                groups.setdefault(key, []).append(tensor)
        waiting += [(k, t) for k, t in groups.items() if len(t) > 1]


def find(checkpoint, read, only=""):
    """Returns the networks of an architecture in a file.

    Args:
        checkpoint: `Checkpoint`.
        read: Callable from a list of `Kernel` and a list of units to sizes
            and the number of kernels that do not fit; raises `NotThis`.
        only: str. A place in the file to look in. Defaults to all of it.

    Returns:
        List of `Network`, not empty: those in which the most kernels fit.

    Raises:
        NotThis: If there is none; with what was understood.
    """
    tensors = [
        tensor
        for tensor in checkpoint.tensors
        if not only or tensor.name.replace("/", ".").startswith(f"{only}.")
    ]
    if not tensors:
        raise NotThis("it holds no tensor")
    found, best = [], None
    search = _candidates(tensors)
    path, inside = next(search)
    while True:
        descend = True
        units = matching.units(_once(inside))
        layout = checkpoint.layout or layout_of(units)
        try:
            sizes, faults = read(kernels(units, layout), units)
        except NotThis as error:
            if best is None or error.understood > best.understood:
                best = NotThis(
                    f"{error.reason}. Understood so far: "
                    f"{described(units, layout)}",
                    error.understood,
                )
        else:
            descend = faults > 0
            network = Network(path, units, layout, checkpoint.epsilon, sizes)
            found.append((faults, network))
        try:
            path, inside = search.send(descend)
        except StopIteration:
            break
    if not found:
        raise best
    fewest = min(faults for faults, _ in found)
    found = [network for faults, network in found if faults == fewest]
    # The same tensors may be found again under their common beginning.
    outermost = []
    for network in found:
        if not any(_inside(network.path, o.path) for o in outermost):
            outermost.append(network)
    return outermost


def _once(tensors):
    """Returns tensors without those that are another under a second name.

    A module that is the attribute of two others is twice in a state dict.
    """
    found = {tensor.place or tensor.name: tensor for tensor in tensors[::-1]}
    return list(found.values())[::-1]


def _inside(path, other):
    return not other or path == other or path.startswith(f"{other}.")


def one(found, what):
    """Returns the network to convert, of those that fit.

    Of a network and its moving average it is the average, by name.

    Raises:
        ValueError: If there are several.
    """
    if len(found) > 1:
        averages = [
            network
            for network in found
            if any(word in network.path.lower() for word in AVERAGES)
        ]
        found = averages if len(averages) == 1 else found
    if len(found) > 1:
        places = ", ".join(printable(network.path) for network in found)
        raise ValueError(
            f"The file has several networks that are {what}: {places}. Name "
            "one of them after the file: FILE#NAME"
        )
    return found[0]


def described(units, layout, most=6):
    """Returns a short description of tensors, for messages."""
    shown = kernels(units, layout)
    texts = [
        f"{k.side}x{k.side} {k.outer[0]}-{k.outer[1]}"
        if len(k.shape) == 4
        else f"dense {'-'.join(map(str, k.shape))}"
        for k in shown[:most]
    ]
    norms = sum(unit.kind == "norm" for unit in units)
    numbers = sum(math.prod(t.shape) for u in units for t in u.parts.values())
    return (
        f"{len(shown)} kernels ({', '.join(texts)}"
        f"{' ...' if len(shown) > most else ''}), {norms} normalizations "
        f"({norm_of(units) or 'none'}), {numbers:,} numbers, axes in the order "
        f"of {layout}"
    )
