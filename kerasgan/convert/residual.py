"""The residual networks of SNGAN, BigGAN and their ports.

A generator is a dense layer from latents to 4x4 pixels, blocks of two 3x3
convolutions and a 1x1 one that double an image, each 3x3 one after batch
normalization, and a last normalization and 3x3 convolution. With classes, the
gains and biases of a block's normalization are rows of tables, or linear in an
embedding of the class that all share. A discriminator is blocks of the same
convolutions, a dense layer, and an embedding of the classes.

What belongs to a block is found by the beginning of its names, if blocks have
one each, and else by order.
"""

import collections
import dataclasses
import itertools
import os

import numpy as np

from kerasgan.convert import naming, networks
from kerasgan.convert.checkpoints import Tensor
from kerasgan.convert.networks import NotThis
from kerasgan.convert.tensors import SAME, Layout

KERNEL = Layout(
    lambda s: (s[3], s[2], s[0], s[1]), lambda t: t.transpose(2, 3, 1, 0)
)
DENSE = Layout(lambda s: s[::-1], lambda t: t.T)
# Of PyTorch, in whose order of axes these networks are.
EPSILON = 1e-5
MOST_BLOCKS = 16
# What other names may call the queries and the keys of attention.
KEYS = ("phi", "key")


@dataclasses.dataclass
class Block:
    """The units of one block; tables are gain, bias, gain, bias."""

    convolutions: list
    shortcut: object = None
    statistics: list = dataclasses.field(default_factory=list)
    tables: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Attention:
    """The units of self-attention: theta, phi, g, o; and gamma's tensor."""

    block: int
    convolutions: list
    gamma: Tensor


@dataclasses.dataclass
class Residual:
    """A network as it was understood.

    Attributes:
        widths: List of ints. Feature maps before and after each block.
        blocks: List of `Block`.
        channels: int. Of the images.
        dense: `matching.Unit`.
        embedding: `matching.Unit` of classes, or `None`.
        last: `matching.Unit` of the last convolution of a generator.
        norm: Pair of `matching.Unit`, the last statistics and their gains.
        attention: `Attention` or `None`.
        counts: dict of the name of a statistics' module to a tensor.
        spectral: bool. Whether kernels are spectrally normalized.
    """

    widths: list
    blocks: list
    channels: int
    dense: object
    embedding: object = None
    last: object = None
    norm: tuple = ()
    attention: Attention | None = None
    counts: dict = dataclasses.field(default_factory=dict)
    spectral: bool = False

    @property
    def num_classes(self):
        """int. 0 without classes."""
        if self.embedding is not None:
            return self.embedding.shape[0]
        tables = [t for block in self.blocks for t in block.tables]
        return tables[0].shape[0] if tables else 0

    def described(self):
        """Returns a short description, for messages."""
        return (
            f"{len(self.blocks)} blocks of {', '.join(map(str, self.widths))} "
            "feature maps"
        )


# What is understood of a file


def read_generator(kernels, units):
    """Returns a generator as it was understood, or refuses it.

    Args:
        kernels: List of `networks.Kernel`.
        units: List of `matching.Unit`.

    Returns:
        `Residual`.

    Raises:
        NotThis: If it is none.
    """
    threes, ones, tables = _by_side(kernels, units)
    if not 7 <= len(threes) <= 2 * MOST_BLOCKS or len(threes) % 2 == 0:
        raise NotThis(
            "it has no blocks of two 3x3 kernels each and a last one",
            len(threes),
        )
    threes, pairs = _in_order(threes)
    *within, last = threes
    blocks = [Block(within[i : i + 2]) for i in range(0, len(within), 2)]
    widths = [pairs[0][0], *(pairs[i][1] for i in range(0, len(within), 2))]
    squares = [pairs[i] for i in range(1, len(within), 2)]
    if squares != [(w, w) for w in widths[1:]] or pairs[-1][1] > 64:
        raise NotThis(
            "its second 3x3 kernels do not keep the feature maps of the first",
            len(threes),
        )
    dense = [t for t in tables if t.shape[0] == 16 * widths[0]]
    if not dense:
        raise NotThis(
            f"it has no dense layer from latents to {widths[0]} feature maps "
            "of 4x4 pixels",
            len(threes),
        )
    tables.remove(dense[0])
    found = Residual(
        widths, blocks, channels=pairs[-1][1], dense=dense[0], last=last
    )
    if len(tables) % 2:
        found.embedding = _shared(blocks, tables)
        tables.remove(found.embedding)
    _share(found, tables, "tables")
    for block in found.blocks:
        block.tables = _gains_first(block.tables)
    _take_shortcuts(found, ones, kernels, units)
    _take_norms(found, units)
    found.spectral = _is_spectral(found, units)
    return found


def read_discriminator(kernels, units):
    """Returns a discriminator as it was understood, or refuses it.

    Args:
        kernels: See `read_generator`.
        units: See `read_generator`.

    Returns:
        `Residual`.

    Raises:
        NotThis: If it is none.
    """
    threes, ones, tables = _by_side(kernels, units)
    if not 8 <= len(threes) <= 2 * MOST_BLOCKS or len(threes) % 2:
        raise NotThis("it has no blocks of two 3x3 kernels each", len(threes))
    threes, pairs = _in_order(threes)
    widths = [pairs[0][0], *(pair[1] for pair in pairs[1::2])]
    dense = [t for t in tables if t.shape == (1, widths[-1])]
    others = [t for t in tables if t not in dense]
    if len(dense) != 1 or len(others) > 1:
        raise NotThis(
            f"it has no dense layer from {widths[-1]} features to a score",
            len(threes),
        )
    found = Residual(
        widths,
        [Block(threes[i : i + 2]) for i in range(0, len(threes), 2)],
        channels=widths[0],
        dense=dense[0],
        embedding=others[0] if others else None,
    )
    _take_shortcuts(found, ones, kernels, units)
    found.spectral = _is_spectral(found, units)
    if not found.spectral:
        raise NotThis(
            "its kernels are without the vectors of spectral normalization",
            len(threes),
        )
    return found


def image_size(found, multiples):
    """Returns the size of images and the width of networks of ours.

    Args:
        found: `Residual`.
        multiples: dict of image size to the feature maps, relative to the
            width.

    Raises:
        NotThis: If ours have other feature maps.
    """
    for size, expected in multiples.items():
        width = found.widths[-1] // expected[-1]
        if width and found.widths == [width * m for m in expected]:
            return size, width
    known = "; ".join(
        f"{size}: {', '.join(map(str, m))}" for size, m in multiples.items()
    )
    raise NotThis(
        f"it has {found.described()}; relative to each other ours are, by "
        f"image size, {known}",
        3 * len(found.blocks),
    )


def _by_side(kernels, units):
    """Returns the units of 3x3, of 1x1 and of other kernels."""
    if kernels and kernels[0].layout == "keras":
        raise NotThis("its axes are in the order of Keras, not of PyTorch")
    sides = {3: [], 1: [], 0: []}
    own = [u for u in units if u.kind == "kernel"]
    for kernel, unit in zip(kernels, own, strict=True):
        if kernel.side not in sides or len(kernel.shape) not in (2, 4):
            raise NotThis(
                "it does not consist of 3x3 and 1x1 convolutions and dense "
                "layers",
                len(sides[3]),
            )
        sides[kernel.side].append(unit)
    return sides[3], sides[1], sides[0]


def _in_order(threes):
    """Returns 3x3 kernels in the order of execution, and their feature maps."""
    pairs = [u.shape[1::-1] for u in threes]
    order = networks.chained(pairs)
    if order is None:
        raise NotThis(
            "its 3x3 kernels do not read what those before them make",
            len(threes),
        )
    return [threes[i] for i in order], [pairs[i] for i in order]


def _beginnings(blocks):
    """Returns what the names of each block begin with, or `None`."""
    found = []
    for block in blocks:
        first, second = (u.name.split(".") for u in block.convolutions)
        found.append(".".join([*os.path.commonprefix([first, second]), ""]))
    apart = all(
        not b.startswith(a) for a, b in itertools.permutations(found, 2)
    )
    return found if apart and all(found) else None


def _share(found, units, name):
    """Gives the blocks equally many of the units; returns what is left."""
    blocks = found.blocks
    beginnings = _beginnings(blocks)
    if beginnings is None:
        count = len(units) // len(blocks)
        shares = [
            units[i * count : (i + 1) * count] for i in range(len(blocks))
        ]
    else:
        shares = [
            [u for u in units if u.name.startswith(b)] for b in beginnings
        ]
    for block, share in zip(blocks, shares, strict=True):
        setattr(block, name, share)
    counts = {len(share) for share in shares}
    taken = {id(u) for share in shares for u in share}
    left = [u for u in units if id(u) not in taken]
    expected = {"tables": (0, 2, 4), "statistics": (2,)}[name]
    if len(counts) > 1 or not counts <= {*expected}:
        raise NotThis(
            f"its blocks have {', '.join(map(str, sorted(counts)))} {name} "
            f"each, not {' or '.join(map(str, expected))}",
            2 * len(blocks),
        )
    if name == "tables" and left:
        raise NotThis(
            f"it has {len(left)} dense layers or tables besides",
            2 * len(blocks),
        )
    return left


def _shared(blocks, tables):
    """Returns the embedding that is not of one block."""
    beginnings = tuple(_beginnings(blocks) or ())
    outside = [t for t in tables if not t.name.startswith(beginnings)]
    if len(outside) != 1:
        inputs = collections.Counter(t.shape[1] for t in tables)
        outside = [t for t in tables if inputs[t.shape[1]] == 1]
    if len(outside) != 1:
        raise NotThis(
            f"it has {len(tables)} dense layers or tables of classes, not two "
            "for each normalization",
            2 * len(blocks),
        )
    return outside[0]


def _gains_first(tables):
    """Returns tables with gains before biases, as far as names say it."""
    if len(tables) != 4:
        return tables
    ordered = []
    for pair in zip(tables[::2], tables[1::2], strict=True):
        roles = [naming.role(u.name.rpartition(".")[2]) for u in pair]
        swapped = roles[0] == "offset" and roles[1] != "offset"
        ordered += pair[::-1] if swapped else pair
    return ordered


def _take_shortcuts(found, ones, kernels, units):
    """Finds each block's 1x1 kernel, and the four of attention."""
    beginnings = _beginnings(found.blocks) or [""] * len(found.blocks)
    left = list(ones)
    steps = itertools.pairwise(found.widths)
    for block, start, step in zip(found.blocks, beginnings, steps, strict=True):
        for unit in left:
            fits = unit.shape[1::-1] == step and unit.name.startswith(start)
            # Those of attention have no bias.
            if fits and ("bias" in unit.parts or len(left) % 4):
                block.shortcut = unit
                left.remove(unit)
                break
    if not left:
        return
    named = {u.name: i for i, u in enumerate(units)}
    ours = [u for u in left if len(left) == 4]
    thin = [u for u in ours if u.shape[0] < u.shape[1]]
    if len(thin) != 3:
        raise NotThis(
            f"it has {len(left)} 1x1 kernels besides those of the blocks",
            2 * len(found.blocks),
        )
    (outputs,) = [u for u in ours if u not in thin]
    maps = outputs.shape[0]
    thin.sort(key=lambda u: u.shape[0])
    queries, keys, values = thin
    words = [u.name.rpartition(".")[2].lower() for u in (queries, keys)]
    if [any(k in word for k in KEYS) for word in words] == [True, False]:
        queries, keys = keys, queries
    expected = [maps // 8, maps // 8, maps // 2]
    # The block before it in the file, or the only one of this width.
    last = sum(
        named[b.convolutions[0].name] < named[queries.name]
        for b in found.blocks
    )
    places = [i for i, w in enumerate(found.widths[1:]) if w == maps]
    if last - 1 in places:
        places = [last - 1]
    scalars = [
        tensor
        for unit in units
        for tensor in unit.parts.values()
        if tensor.size == 1 and unit.kind != "kernel"
    ]
    common = outputs.name.rpartition(".")[0]
    scalars = [t for t in scalars if naming.split(t.name)[0] == common]
    if (
        [u.shape[0] for u in (queries, keys, values)] != expected
        or len(places) != 1
        or len(scalars) != 1
    ):
        raise NotThis(
            "four 1x1 kernels besides those of the blocks are not the "
            "attention of BigGAN",
            2 * len(found.blocks),
        )
    found.attention = Attention(
        places[0], [queries, keys, values, outputs], scalars[0]
    )


def _take_norms(found, units):
    """Finds the statistics of each block and the last normalization."""
    norms = [u for u in units if u.kind == "norm"]
    statistics = [u for u in norms if "mean" in u.parts]
    affine = [u for u in norms if "scale" in u.parts]
    beginnings = _beginnings(found.blocks)
    ordered = statistics
    if beginnings is None:
        ordered = statistics[: 2 * len(found.blocks)]
    left = _share(found, ordered, "statistics")
    last = left or statistics[len(ordered) :]
    gains = affine
    if found.blocks[0].tables:
        gains = [u for u in affine if "mean" not in u.parts] or affine
    elif len(affine) != len(statistics):
        gains = []
    if len(last) != 1 or not gains:
        raise NotThis(
            f"it has {len(statistics)} normalizations with statistics and "
            f"{len(affine)} with gains, which are not two for each block and "
            "a last one",
            2 * len(found.blocks),
        )
    gain = last[0] if "scale" in last[0].parts else gains[0]
    found.norm = (last[0], gain)
    modules = {u.name for u in statistics}
    for unit in units:
        if unit.kind == "other":
            for tensor in unit.parts.values():
                module = naming.split(tensor.name)[0]
                if tensor.size == 1 and module in modules:
                    found.counts[module] = tensor


def _is_spectral(found, units):
    """Returns whether all kernels are spectrally normalized."""
    tables = [t for b in found.blocks for t in b.tables]
    own = [u for u in units if u.kind == "kernel"]
    plain = [u for u in own if "u" not in u.parts]
    if len(plain) == len(own):
        return False
    allowed = tables if found.embedding is None else [found.embedding]
    if any(u not in allowed for u in plain):
        raise NotThis(
            f"only {len(own) - len(plain)} of its {len(own)} kernels have "
            "vectors of spectral normalization",
            2 * len(found.blocks),
        )
    return True


def both(files, generator, discriminator, size_of):
    """Returns the networks of a model.

    Args:
        files: dict of `"generator"` and optionally `"discriminator"` to
            `networks.Source`.
        generator: Pair of a reader and a description of what it reads.
        discriminator: Like `generator`.
        size_of: Callable from a discriminator to image size and width.

    Returns:
        Pair of `networks.Network`, the second `None` without discriminator.

    Raises:
        ValueError: If there is no such network, or if the two do not belong
            together.
    """
    found = files["generator"].network(*generator)
    if "discriminator" in files:
        other = files["discriminator"].network(*discriminator)
    else:
        other = files["generator"].other(discriminator[0])
    if other is not None:
        blocks, read = len(found.sizes.blocks), other.sizes
        ours = (4 << blocks, found.sizes.channels, found.sizes.num_classes)
        theirs = (size_of(read)[0], read.channels, read.num_classes)
        if ours != theirs:
            raise ValueError(
                "Both networks must be for images of the same size, channels "
                "and number of classes; omit the discriminator. Received: "
                f"{ours} and {theirs}"
            )
    return found, other


# Where the tensors go


def laid(gan, generator, discriminator=None):
    """Returns a model, and the argument of `tensors.assign`.

    Args:
        gan: `SNGAN` or `BigGAN`.
        generator: `networks.Network` whose sizes are a `Residual`.
        discriminator: Like `generator`, or `None`.
    """
    places = {"generator": lay_generator(gan.generator, generator)}
    if discriminator is not None:
        places["discriminator"] = lay_discriminator(
            gan.discriminator, discriminator
        )
    return gan, places


class Laying:
    """Collects tensors and their places, for `tensors.assign`.

    Args:
        units: List of `matching.Unit` of the file's network.
        epsilon: float. Of the file's batch normalization.
    """

    def __init__(self, units, epsilon):
        self.epsilon = epsilon
        self.tensors = {t.name: t for u in units for t in u.parts.values()}
        self.places = {}

    @property
    def result(self):
        return self.tensors, self.places

    def place(self, tensor, variable, layout=SAME):
        self.places[tensor.name] = (variable, layout)

    def computed(self, tensor, shape, load, note, name=None):
        """Adds a tensor computed from another, which it replaces."""
        if name is None:
            self.tensors.pop(tensor.name, None)
        name = name or tensor.name
        self.tensors[name] = Tensor(name, shape, load, note)
        return self.tensors[name]

    def layer(self, layer, unit, first=False):
        """Lays a kernel, its bias and its vector u.

        Args:
            layer: Keras layer.
            unit: `matching.Unit`.
            first: bool. Whether its outputs are feature maps of 4x4 pixels.
        """
        kernel = unit.parts["kernel"]
        outputs = layer.kernel.shape[-1]

        def turned(vector):
            # [maps, 4, 4] to [4, 4, maps].
            return vector.reshape(-1, 4, 4).transpose(1, 2, 0).ravel()

        if len(kernel.shape) == 4:
            self.place(kernel, layer.kernel, KERNEL)
        elif first:
            rows = Layout(
                DENSE.shape,
                lambda t: t.reshape(-1, 4, 4, t.shape[1]).transpose(3, 1, 2, 0),
            )
            self.place(kernel, layer.kernel, rows)
        else:
            self.place(kernel, layer.kernel, DENSE)
        vector = Layout(lambda s: s, turned) if first else SAME
        if layer.use_bias:
            bias = unit.parts.get("bias")
            if bias is None:
                bias = self.computed(
                    None,
                    (outputs,),
                    lambda: np.zeros(outputs),
                    "zeros",
                    f"{unit.name}.bias",
                )
            self.place(bias, layer.bias, vector)
        self.vector(layer, unit, vector)

    def vector(self, layer, unit, layout=SAME):
        """Lays the vector u of spectral normalization, if there is one."""
        if "u" in unit.parts:
            u = unit.parts["u"]
            change = layout.change
            flat = Layout(lambda _: u.shape, lambda t: change(t.ravel()))
            self.place(u, layer.u, flat)

    def table(self, layer, unit):
        """Lays an embedding of classes."""
        self.place(unit.parts["kernel"], _table_of(layer), SAME)
        self.vector(layer, unit)

    def tables(self, gains, biases, units):
        """Lays the tables of gains and biases of a normalization.

        Args:
            gains: Keras layer.
            biases: Keras layer.
            units: List of both `matching.Unit`, or of one that has both.
        """
        if len(units) == 2:
            for layer, unit in zip((gains, biases), units, strict=True):
                if hasattr(layer, "kernel"):
                    self.layer(layer, unit)
                else:
                    self.table(layer, unit)
            return
        both = units[0].parts["kernel"]
        del self.tensors[both.name]
        rows, columns = both.shape
        for half, layer in enumerate((gains, biases)):
            part = self.computed(
                None,
                (rows, columns // 2),
                lambda half=half: np.split(both.read(), 2, axis=1)[half],
                f"half of {both.name}",
                f"{both.name}[{half}]",
            )
            self.place(part, _table_of(layer))

    def statistics(self, norm, unit, count=None):
        """Lays the mean and variance of batch normalization.

        Args:
            norm: Keras layer of batch normalization.
            unit: `matching.Unit`.
            count: `Tensor` or `None`. Number of batches whose statistics were
                added up, if it is not 0.
        """
        change = np.float32(self.epsilon - norm.epsilon)
        batches = 1.0
        if count is not None:
            del self.tensors[count.name]
            batches = max(1.0, float(count.read().reshape(())))
        note = "" if batches == 1.0 else f"sum of {batches:g} batches"
        for role, variable, more in (
            ("mean", norm.moving_mean, np.float32(0)),
            ("variance", norm.moving_variance, change),
        ):
            tensor = unit.parts[role]
            shifted = f"epsilon {self.epsilon:g}" if more else ""
            if note or shifted:
                tensor = self.computed(
                    tensor,
                    tensor.shape,
                    lambda t=tensor, m=more: t.read() / batches + m,
                    ", ".join(filter(None, (note, shifted))),
                )
            self.place(tensor, variable)

    def gains(self, norm, unit):
        self.place(unit.parts["scale"], norm.gamma)
        self.place(unit.parts["offset"], norm.beta)


def _table_of(layer):
    return layer.kernel if hasattr(layer, "kernel") else layer.embeddings


def lay_generator(network, found):
    """Returns where a generator's tensors go.

    Args:
        network: Keras model of SNGAN or BigGAN.
        found: `networks.Network` whose sizes are a `Residual`.

    Returns:
        Pair for `tensors.assign`.
    """
    layer, read = network.get_layer, found.sizes
    laying = Laying(found.units, found.epsilon)
    laying.layer(layer("dense"), read.dense, first=True)
    if read.embedding is not None:
        laying.table(layer("shared"), read.embedding)
    for number, block in enumerate(read.blocks, 1):
        name = f"block_{number}"
        for half, unit in enumerate(block.convolutions, 1):
            laying.layer(layer(f"{name}_conv_{half}"), unit)
        _lay_shortcut(laying, layer(f"{name}_shortcut"), block)
        per_norm = len(block.tables) // 2
        for half, unit in enumerate(block.statistics):
            norm = layer(f"{name}_norm_{half + 1}")
            count = read.counts.get(unit.name)
            laying.statistics(getattr(norm, "norm", norm), unit, count)
            if not per_norm:
                laying.gains(norm, unit)
                continue
            laying.tables(
                layer(f"{name}_norm_{half + 1}_gain"),
                layer(f"{name}_norm_{half + 1}_bias"),
                block.tables[half * per_norm : (half + 1) * per_norm],
            )
    statistics, gains = read.norm
    count = read.counts.get(statistics.name)
    laying.statistics(layer("norm"), statistics, count)
    laying.gains(layer("norm"), gains)
    _lay_attention(laying, network, read)
    laying.layer(layer("to_image"), read.last)
    return laying.result


def lay_discriminator(network, found):
    """Returns where a discriminator's tensors go; see `lay_generator`."""
    layer, read = network.get_layer, found.sizes
    laying = Laying(found.units, found.epsilon)
    for number, block in enumerate(read.blocks, 1):
        name = f"block_{number}"
        for half, unit in enumerate(block.convolutions, 1):
            laying.layer(layer(f"{name}_conv_{half}"), unit)
        if block.shortcut is not None:
            laying.layer(layer(f"{name}_shortcut"), block.shortcut)
    laying.layer(layer("dense"), read.dense)
    if read.embedding is not None:
        laying.table(layer("embedding"), read.embedding)
    _lay_attention(laying, network, read)
    return laying.result


def _lay_shortcut(laying, layer, block):
    if block.shortcut is not None:
        laying.layer(layer, block.shortcut)
        return
    # The input itself, by a kernel that copies it.
    maps = layer.kernel.shape[-1]
    name = block.convolutions[0].name
    for part, shape, load, variable, layout in (
        ("kernel", (maps, maps, 1, 1), np.eye, layer.kernel, KERNEL),
        ("bias", (maps,), np.zeros, layer.bias, SAME),
    ):
        tensor = laying.computed(
            None,
            shape,
            lambda load=load, shape=shape: load(maps).reshape(shape),
            "the input itself",
            f"{name}[shortcut {part}]",
        )
        laying.place(tensor, variable, layout)


def _lay_attention(laying, network, read):
    if read.attention is None:
        return
    ours = network.get_layer("attention")
    layers = (ours.queries, ours.keys, ours.values, ours.outputs)
    pairs = zip(layers, read.attention.convolutions, strict=True)
    for layer, unit in pairs:
        laying.layer(layer, unit)
    gamma = read.attention.gamma
    laying.place(gamma, ours.gamma, Layout(lambda _: gamma.shape, np.ravel))
