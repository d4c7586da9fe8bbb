"""Lays the tensors of a file on a network by order, kind and shape.

The tensors are first grouped into units, a kernel with its bias, and the vector
of its spectral normalization, or the vectors of a normalization. Each layer of
the network then takes the first unit that is left and fits, whatever it is
called. What the network has no variable for is expressed by those it has,
without changing the outputs at inference: a bias
before batch normalization is subtracted from its moving mean; normalization
that an exporter has merged into the biases becomes one of mean 0 and variance
1; another epsilon changes the moving variance.
"""

import dataclasses
import math

import numpy as np
from keras import layers

from kerasgan.convert import naming
from kerasgan.convert.checkpoints import Tensor
from kerasgan.convert.tensors import SAME, Layout
from kerasgan.layers.normalization import (
    AffineInstanceNormalization,
    InstanceNormalization,
)

# What a normalization is called here, in PyTorch and in Keras.
PARTS = {
    "scale": ("gamma", "weight"),
    "offset": ("beta", "bias"),
    "mean": ("moving_mean", "running_mean"),
    "variance": ("moving_variance", "running_var"),
}


@dataclasses.dataclass
class Unit:
    """Tensors that belong to one layer.

    Attributes:
        kind: `"kernel"`, `"norm"` or `"other"`.
        name: str. Of the module, or of the first tensor.
        parts: dict of `Tensor`: `"kernel"`, `"bias"`, `"u"`, the vector of
            the power iteration; or `"scale"`, `"offset"`, `"mean"`,
            `"variance"`; or by number.
    """

    kind: str
    name: str
    parts: dict

    @property
    def shape(self):
        """tuple of ints. Of the first tensor."""
        return next(iter(self.parts.values())).shape


def units(tensors):
    """Groups tensors by layer.

    Args:
        tensors: Sequence of `Tensor`, in order.

    Returns:
        List of `Unit`, in order.
    """
    modules = {}
    for tensor in tensors:
        module, leaf = naming.split(tensor.name)
        if leaf not in naming.COUNTERS:
            modules.setdefault(module, []).append(tensor)
    found = []
    for module, members in modules.items():
        members, u = _spectral(members) if module else (members, None)
        if u is not None:
            found.append(_module(module, members)[0])
            found[-1].parts["u"] = u
            continue
        kernels = sum(len(t.shape) > 1 for t in members)
        if module and kernels <= 1:
            found += _module(module, members)
            continue
        # Names that say nothing: a kernel and the vectors that follow it.
        run = []
        for tensor in members:
            if len(tensor.shape) > 1 and run:
                found += _module(run[0].name, run)
                run = []
            run.append(tensor)
        found += _module(run[0].name, run)
    return found


def _spectral(members):
    """Returns a module's tensors without those of spectral normalization.

    Beside a kernel it keeps a vector of one number for each output, u, and in
    some implementations one for each number of an output, or the singular
    value; either as rows of a matrix.

    Args:
        members: List of `Tensor`.

    Returns:
        Pair of the kernel and its bias, and u; or of `members` and `None`.
    """
    kernel = max(members, key=lambda t: t.size)
    if len(kernel.shape) < 2:
        return members, None
    outputs = kernel.shape[0]
    kept, others = [], []
    for tensor in members:
        leaf = naming.split(tensor.name)[1]
        own = tensor is kernel or leaf in ("bias", *naming.VECTORS)
        (kept if own else others).append(tensor)
    inputs = kernel.size // outputs
    rows = all(len(t.shape) < 2 or t.shape[0] == 1 for t in others)
    if not rows or any(t.size not in (outputs, inputs, 1) for t in others):
        return members, None
    vectors = [t for t in others if t.size == outputs]
    # A lone vector may be a bias of another name, many a normalization.
    sure = len(kept) + len(others) > 2 or any(t.shape[1:] for t in vectors)
    if not sure or not 0 < len(vectors) <= 1 + (outputs in (inputs, 1)):
        return members, None
    return kept, vectors[0]


def _module(name, members):
    """Returns the units of a kernel and the vectors beside it."""
    kernels = [t for t in members if len(t.shape) > 1]
    vectors = [t for t in members if len(t.shape) == 1]
    found = []
    if kernels:
        parts = {"kernel": kernels[0]}
        if len(vectors) % 2:
            named = [t for t in vectors if naming.split(t.name)[1] == "bias"]
            parts["bias"] = (named or vectors)[0]
            vectors = [t for t in vectors if t is not parts["bias"]]
        found.append(Unit("kernel", name, parts))
    # Numbers beside vectors, such as a count of batches.
    longest = max((t.size for t in vectors), default=0)
    single = [t for t in vectors if t.size == 1 < longest]
    vectors = [t for t in vectors if t not in single]
    if vectors:
        found.append(_norm(name, vectors))
    others = [t for t in members if not t.shape] + single + kernels[1:]
    found += [Unit("other", t.name, {"0": t}) for t in others]
    return found


def _norm(name, vectors):
    parts = {}
    leaves = [naming.split(t.name)[1] for t in vectors]
    for leaf, tensor in zip(leaves, vectors, strict=True):
        role = naming.role(leaf)
        if role is None or role in parts:
            parts = dict(zip(PARTS, vectors, strict=False))
            break
        parts[role] = tensor
    order = {role: parts[role] for role in PARTS if role in parts}
    rest = [t for t in vectors if t not in order.values()]
    if rest:
        return Unit("other", name, {str(i): t for i, t in enumerate(vectors)})
    return Unit("norm", name, order)


@dataclasses.dataclass
class Step:
    """A layer with a kernel, and the normalization after it.

    Attributes:
        layer: Keras layer.
        maps: Shape of the feature maps that a dense layer makes or reads.
        reads: bool. Whether a dense layer reads `maps`.
        norm: Keras layer or `None`.
    """

    layer: layers.Layer
    maps: tuple | None = None
    reads: bool = False
    norm: layers.Layer | None = None


def steps(network):
    """Returns the layers of a network that take tensors.

    Args:
        network: A functional `keras.Model` of convolutions, dense layers and
            normalization.

    Returns:
        List of `Step`, in order of execution.
    """
    found, flattened = [], None
    for layer in network.layers:
        if isinstance(layer, layers.Flatten):
            flattened = tuple(layer.input.shape[1:])
        elif isinstance(layer, layers.Reshape):
            dense = found[-1].layer if found else None
            # Codes of classes are reshaped, too.
            if getattr(dense, "units", 0) == math.prod(layer.target_shape):
                found[-1].maps = tuple(layer.target_shape)
        elif hasattr(layer, "kernel"):
            step = Step(layer)
            if isinstance(layer, layers.Dense) and flattened:
                step.maps, step.reads = flattened, True
            found.append(step)
        elif isinstance(
            layer, (layers.BatchNormalization, InstanceNormalization)
        ):
            found[-1].norm = layer
    return found


def forms(step, layout, extra=0):
    """Returns the layouts in which a file may have a layer's kernel.

    Args:
        step: `Step`.
        layout: `"torch"` or `"keras"`.
        extra: int. Inputs of the layer that the file's network may lack.

    Returns:
        List of `Layout`, the most common first.
    """
    torch = layout == "torch"
    if isinstance(step.layer, layers.Dense):
        found = _dense_forms(step, torch, extra)
    elif torch:
        found = [
            Layout(
                lambda s: (s[3], s[2], s[0], s[1]),
                lambda t: t.transpose(2, 3, 1, 0),
            )
        ]
    else:
        found = [SAME]
    if extra and not isinstance(step.layer, layers.Dense):
        turned = isinstance(step.layer, layers.Conv2DTranspose)
        found += [_padded(form, 3 if turned else 2, extra) for form in found]
    return found


def _padded(form, axis, extra):
    """Returns a layout whose tensor lacks the last inputs of a kernel."""

    def shape(full):
        less = tuple(s - extra * (i == axis) for i, s in enumerate(full))
        return form.shape(less)

    def change(tensor):
        widths = [(0, extra * (i == axis)) for i in range(4)]
        return np.pad(form.change(tensor), widths)

    return Layout(shape, change)


def _dense_forms(step, torch, extra):
    if step.maps is None:
        if torch:
            return [Layout(lambda s: s[::-1], lambda t: t.T)]
        return [SAME]
    high, wide, maps = step.maps
    if not step.reads:  # From latents to feature maps.
        if torch:
            return [
                Layout(
                    lambda s: (s[0], maps, high, wide),
                    lambda t: t.transpose(0, 2, 3, 1),
                ),
                Layout(
                    lambda s: s[::-1],
                    lambda t: t.reshape(maps, high, wide, -1).transpose(
                        3, 1, 2, 0
                    ),
                ),
            ]
        return [
            SAME,
            Layout(
                lambda s: (high, wide, maps, s[0]),
                lambda t: t.transpose(3, 0, 1, 2),
            ),
        ]

    def rows(tensor):
        # [outputs, high, wide, maps] to one row for each input.
        flat = tensor.reshape(len(tensor), -1).T
        return np.pad(flat, [(0, extra), (0, 0)])

    if torch:
        return [
            Layout(
                lambda s: (s[1], maps, high, wide),
                lambda t: rows(t.transpose(0, 2, 3, 1)),
            ),
            Layout(
                lambda s: (s[1], maps * high * wide),
                lambda t: rows(
                    t.reshape(-1, maps, high, wide).transpose(0, 2, 3, 1)
                ),
            ),
        ]
    return [
        Layout(lambda s: (s[0] - extra, s[1]), lambda t: rows(t.T)),
        Layout(
            lambda s: (high, wide, maps, s[1]),
            lambda t: rows(t.transpose(3, 0, 1, 2)),
        ),
    ]


def lay(network, found, layout, epsilon=1e-5, extra=0):
    """Finds a unit for each layer of a network.

    Args:
        network: See `steps`.
        found: List of `Unit` of the file.
        layout: `"torch"` or `"keras"`.
        epsilon: float. Of the file's batch normalization.
        extra: See `forms`.

    Returns:
        Pair for `tensors.assign`: dict of name to `Tensor`, and dict of name
        to pairs of variable and `Layout`. A tensor that is missing has a place
        and no tensor; one that is left over has a tensor and no place.
    """
    return _Laying(found, layout, epsilon, extra).lay(steps(network))


class _Laying:
    def __init__(self, found, layout, epsilon, extra):
        self.layout, self.epsilon, self.extra = layout, epsilon, extra
        self.kernels = [unit for unit in found if unit.kind == "kernel"]
        self.norms = [unit for unit in found if unit.kind == "norm"]
        self.tensors = {t.name: t for u in found for t in u.parts.values()}
        self.places = {}

    def lay(self, network_steps):
        taken = self.choose(network_steps)
        merged = not self.norms
        for step, unit in zip(network_steps, taken, strict=True):
            if unit is None:
                self.missing(f"{step.layer.name}.kernel", step.layer.kernel)
                continue
            bias = unit.parts.get("bias")
            self.place_kernel(step, unit.parts["kernel"])
            if step.layer.use_bias:
                self.place_bias(step, bias, unit.name)
                bias = None
            self.place_norm(step, bias, merged)
        return self.tensors, self.places

    def choose(self, network_steps):
        """Returns a unit for each step, those that do not fit in order."""
        left = list(self.kernels)
        taken = []
        for step in network_steps:
            shapes = self.shapes(step)
            fits = (u for u in left if u.parts["kernel"].shape in shapes)
            unit = next(fits, None)
            taken.append(unit)
            if unit is not None:
                left.remove(unit)
        for number, unit in enumerate(taken):
            if unit is None and left:
                taken[number] = left.pop(0)
        return taken

    def shapes(self, step):
        full = tuple(step.layer.kernel.shape)
        options = forms(step, self.layout, self.extra)
        return [form.shape(full) for form in options]

    def missing(self, name, variable):
        self.places[name] = (variable, SAME)

    def derived(self, tensor, shape, load, note):
        """Replaces a tensor by one computed from it, or adds one."""
        name = tensor if isinstance(tensor, str) else tensor.name
        self.tensors[name] = Tensor(name, shape, load, note)
        return name

    def place_kernel(self, step, tensor):
        options = forms(step, self.layout, self.extra)
        full = tuple(step.layer.kernel.shape)
        fits = [f for f in options if f.shape(full) == tensor.shape]
        self.places[tensor.name] = (step.layer.kernel, (fits or options)[0])

    def place_bias(self, step, tensor, name):
        variable = step.layer.bias
        size = variable.shape[0]
        if tensor is None:
            name = self.derived(
                f"{name}.bias", (size,), lambda: np.zeros(size), "zeros"
            )
            self.places[name] = (variable, SAME)
        elif step.maps and not step.reads:
            high, wide, maps = step.maps
            if tensor.shape == (maps,):
                form = Layout(
                    lambda _: (maps,), lambda t: np.tile(t, high * wide)
                )
            elif self.layout == "torch":
                form = Layout(
                    lambda s: s,
                    lambda t: t.reshape(maps, high, wide).transpose(1, 2, 0),
                )
            else:
                form = SAME
            self.places[tensor.name] = (variable, form)
        else:
            self.places[tensor.name] = (variable, SAME)

    def place_norm(self, step, bias, merged):
        norm = step.norm
        if norm is None:
            return  # A bias without a place is reported as unknown.
        if isinstance(norm, layers.BatchNormalization):
            size = norm.gamma.shape[0]
            if merged and (bias is not None or step.layer.use_bias):
                self.place_merged(norm, bias, size)
                return
            self.place_batch(norm, self.next_norm(size), bias)
            return
        if bias is not None:
            self.ignore(bias)
        if isinstance(norm, AffineInstanceNormalization):
            size = norm.gamma.shape[0]
            self.place_parts(norm, self.next_norm(size), ("scale", "offset"))
        else:
            # Old files have running statistics, which are not used.
            plain = [
                u for u in self.norms if {*u.parts} <= {"mean", "variance"}
            ]
            for old in plain:
                self.norms.remove(old)
                for tensor in old.parts.values():
                    self.ignore(tensor)

    def ignore(self, tensor):
        del self.tensors[tensor.name]

    def next_norm(self, size):
        """Returns the first normalization of this size that is left."""
        fits = (u for u in self.norms if u.shape == (size,))
        unit = next(fits, None)
        if unit is not None:
            self.norms.remove(unit)
        return unit

    def place_parts(self, norm, unit, roles):
        keras = self.layout == "keras"
        for role in roles:
            ours, torch_name = PARTS[role]
            variable = getattr(norm, ours)
            if unit is None:
                self.missing(f"{norm.name}.{ours}", variable)
                continue
            tensor = unit.parts.get(role)
            affine = {"scale", "offset"} & {*unit.parts}
            absent = not affine or (keras and role in ("scale", "offset"))
            if tensor is None and role in ("scale", "offset") and absent:
                value = float(role == "scale")
                name = self.derived(
                    f"{unit.name}.{ours if keras else torch_name}",
                    tuple(variable.shape),
                    lambda v=value, s=variable.shape: np.full(s, v),
                    "ones" if value else "zeros",
                )
                self.places[name] = (variable, SAME)
            elif tensor is None:
                name = ours if keras else torch_name
                self.missing(f"{unit.name}.{name}", variable)
            else:
                self.places[tensor.name] = (variable, SAME)

    def place_batch(self, norm, unit, bias):
        self.place_parts(norm, unit, tuple(PARTS))
        if unit is None:
            return
        mean, variance = (unit.parts.get(r) for r in ("mean", "variance"))
        if bias is not None and mean is not None:
            if bias.shape == mean.shape:
                self.ignore(bias)
                self.derived(
                    mean,
                    mean.shape,
                    lambda: mean.read() - bias.read(),
                    f"less {bias.name}",
                )
        if variance is not None and self.epsilon != norm.epsilon:
            change = self.epsilon - norm.epsilon
            self.derived(
                variance,
                variance.shape,
                lambda: variance.read() + np.float32(change),
                f"epsilon {self.epsilon:g}",
            )

    def place_merged(self, norm, bias, size):
        values = {
            "gamma": np.ones(size),
            "beta": np.zeros(size),
            "moving_mean": np.zeros(size),
            "moving_variance": np.full(size, 1.0 - norm.epsilon),
        }
        if bias is not None:
            del values["beta"]
            self.places[bias.name] = (norm.beta, SAME)
        for ours, value in values.items():
            name = self.derived(
                f"{norm.name}.{ours}", (size,), lambda v=value: v, "merged"
            )
            self.places[name] = (getattr(norm, ours), SAME)
