"""Spectral normalization in PyTorch, and what SNGAN and BigGAN share.

Miyato, Kataoka, Koyama and Yoshida, 2018. https://arxiv.org/abs/1802.05957

A weight is divided by its largest singular value, sigma. Its matrix has one
row for each output (an embedding: for each class). The layer keeps the vector
u of the power iteration, one number for each row, from N(0, 1). Every forward
pass takes one iteration (Algorithm 1),

    v = unit(u W),  u = unit(W v),  sigma = u W v,

with unit(x) = x / (|x| + 1e-12). u and v are constants for the gradient, sigma
is not: so the gradient of any loss is orthogonal to the weight. In training
mode the new u is kept, else it is only used.

Weights are cast to the type of the input, so that a network may compute in
bfloat16 while weights, singular values and statistics stay in float32.

Layouts: images (batch, channels, height, width), kernels (out, in, height,
width), those of Linear (out, in), of Embedding (classes, features).
"""

import contextlib

import torch
from torch import nn
from torch.nn import functional

from .torch_names import names_of_layers


def unit(x):
    """Vectors along the last axis, divided by their norms."""
    return x / (x.norm(dim=-1, keepdim=True) + 1e-12)


def largest(matrix, u):
    """The largest singular value and the next u, after one power iteration.

    Args:
        matrix: (..., rows, columns).
        u: (..., rows), of any norm.
    """
    with torch.no_grad():
        v = unit(torch.einsum("...r,...rc->...c", u, matrix))
        u = unit(torch.einsum("...rc,...c->...r", matrix, v))
    return (torch.einsum("...rc,...c->...r", matrix, v) * u).sum(-1), u


def cast(weight, x):
    return None if weight is None else weight.to(x.dtype)


class Linear(nn.Linear):
    def kernel(self):
        return self.weight

    def forward(self, x):
        return functional.linear(x, cast(self.kernel(), x), cast(self.bias, x))


class Conv2d(nn.Conv2d):
    def kernel(self):
        return self.weight

    def forward(self, x):
        kernel, bias = cast(self.kernel(), x), cast(self.bias, x)
        return self._conv_forward(x, kernel, bias)


class ConvTranspose2d(nn.ConvTranspose2d):
    def kernel(self):
        return self.weight

    def forward(self, x):
        return functional.conv_transpose2d(
            x,
            cast(self.kernel(), x),
            cast(self.bias, x),
            self.stride,
            self.padding,
            self.output_padding,
        )


class Embedding(nn.Embedding):
    def kernel(self):
        return self.weight

    def forward(self, labels):
        return functional.embedding(labels, self.kernel())


class Spectral:
    """A layer above whose kernel is divided by its largest singular value."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("u", torch.randn(len(self.matrix())))
        # The kernel of `all_at_once`.
        self.prepared = None

    def matrix(self):
        """(outputs, all others)."""
        return self.weight.flatten(1)

    def kernel(self):
        if self.prepared is not None:
            return self.prepared
        sigma, u = largest(self.matrix(), self.u)
        if self.training:
            self.u.copy_(u)
        return self.weight / sigma


class SpectralLinear(Spectral, Linear):
    pass


class SpectralConv2d(Spectral, Conv2d):
    pass


class SpectralConvTranspose2d(Spectral, ConvTranspose2d):
    def matrix(self):
        # Its kernels are (in, out, height, width).
        return self.weight.transpose(0, 1).flatten(1)


class SpectralEmbedding(Spectral, Embedding):
    pass


class Statistics(nn.Module):
    """Batch normalization without gain and bias."""

    affine = False

    def __init__(self, channels, epsilon=1e-5):
        super().__init__()
        self.epsilon = epsilon
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        for name, value in ("weight", 1.0), ("bias", 0.0):
            array = torch.full((channels,), value)
            if self.affine:
                setattr(self, name, nn.Parameter(array))
            else:
                # In float32, also where the input is not.
                self.register_buffer(name, array, persistent=False)

    def forward(self, x):
        return functional.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            eps=self.epsilon,
        )


class BatchNorm(Statistics):
    affine = True


def modulated(x, gain, bias):
    """Gains and biases (batch, channels) of maps."""
    gain, bias = (a.to(x.dtype)[:, :, None, None] for a in (gain, bias))
    return x * gain + bias


def doubled(x):
    """Every pixel twice, in both directions."""
    return functional.interpolate(x, scale_factor=2)


class Network(nn.Module):
    """What generators and discriminators share.

    Attributes:
        precision: The type in which maps are computed, None for the weights'.
    """

    precision = None

    def lowered(self, x):
        return x if self.precision is None else x.to(self.precision)

    def raised(self, x):
        return x if self.precision is None else x.float()

    def name_map(self):
        """Role ("layer.attribute") to parameter name."""
        renamed = {
            (Embedding, "weight"): "embeddings",
            (Statistics, "weight"): "gamma",
            (Statistics, "bias"): "beta",
            (Statistics, "running_mean"): "moving_mean",
            (Statistics, "running_var"): "moving_variance",
        }
        names = {}
        for role, name in names_of_layers(self).items():
            path, _, own = name.rpartition(".")
            module = self.get_submodule(path)
            for (kind, weight), attribute in renamed.items():
                if isinstance(module, kind) and own == weight:
                    role = f"{role.rpartition('.')[0]}.{attribute}"
            names[role or name] = name
        return names


def to_maps(x):
    """Rows to 4x4 maps, in the order height, width, channels, as Keras."""
    return x.unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)


def hinge_loss(real_scores, fake_scores):
    """Of the discriminator; the sum of both halves, each a mean."""
    real = torch.relu(1.0 - real_scores).mean()
    return real + torch.relu(1.0 + fake_scores).mean()


def step_all(average, network, decay):
    """One step of an exponential average, of weights and of all buffers.

    Args:
        average: Follows.
        network: Of the same structure.
        decay: A number or a tensor without axes; 0 copies.
    """
    with torch.no_grad():
        means = list(average.state_dict().values())
        values = list(network.state_dict().values())
        torch._foreach_mul_(means, decay)
        torch._foreach_add_(means, torch._foreach_mul(values, 1.0 - decay))


def rows_of(layer):
    """`Spectral.matrix` in the order of channels-last memory.

    The order of columns is all the same to u and sigma.
    """
    if isinstance(layer, SpectralConv2d):
        return layer.weight.permute(0, 2, 3, 1).flatten(1)
    return layer.matrix()


@contextlib.contextmanager
def all_at_once(network):
    """Normalizes all weights of a network for one forward pass within.

    The same as layer by layer, but to rounding, in fewer and larger steps: all
    matrices of one shape in one. A graphics card would spend half of its time
    on starting small ones.
    """
    groups = {}
    for layer in network.modules():
        if isinstance(layer, Spectral):
            groups.setdefault((type(layer), layer.weight.shape), []).append(
                layer
            )
    for (kind, shape), layers in groups.items():
        matrices = torch.stack([rows_of(layer) for layer in layers])
        vectors = [layer.u for layer in layers]
        sigma, u = largest(matrices, torch.stack(vectors))
        if network.training:
            torch._foreach_copy_(vectors, list(u.unbind()))
        kernels = matrices / sigma[:, None, None]
        if kind is SpectralConv2d:
            out, channels, height, width = shape
            kernels = network.lowered(kernels)
            kernels = kernels.reshape(-1, out, height, width, channels)
            kernels = kernels.permute(0, 1, 4, 2, 3)
        elif kind is SpectralConvTranspose2d:
            out = shape[1], shape[0], *shape[2:]
            kernels = network.lowered(kernels).reshape(-1, *out)
            kernels = kernels.transpose(1, 2)
        for layer, kernel in zip(layers, kernels.unbind(), strict=True):
            layer.prepared = kernel
    try:
        yield
    finally:
        for layers in groups.values():
            for layer in layers:
                layer.prepared = None
