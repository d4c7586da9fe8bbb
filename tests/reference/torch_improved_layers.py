"""Layers of "Improved techniques for training GANs", in PyTorch.

Salimans et al., 2016, section 3. https://arxiv.org/abs/1606.03498

Weight normalization (Salimans and Kingma, 2016), minibatch discrimination and
virtual batch normalization, as in the authors' code.
"""

import torch
from torch import nn


class WeightNormDense(nn.Module):
    """gain * kernel / |kernel| of each unit, and a bias."""

    def __init__(self, units_in, units, train_gain=False):
        super().__init__()
        self.weight = nn.Parameter(0.05 * torch.randn(units, units_in))
        self.bias = nn.Parameter(torch.zeros(units))
        if train_gain:
            self.gain = nn.Parameter(torch.ones(units))
        else:
            self.register_buffer("gain", torch.ones(units))

    def directions(self):
        return self.weight / self.weight.norm(dim=1, keepdim=True)

    def forward(self, x):
        return x @ self.directions().T * self.gain + self.bias

    @torch.no_grad()
    def initialize(self, x):
        """Sets gain and bias: outputs for `x` have mean 0 and variance 1."""
        out = x @ self.directions().T
        self.gain.copy_(1.0 / out.std(dim=0, correction=0))
        self.bias.copy_(-out.mean(dim=0) * self.gain)
        return self(x)


class MinibatchDiscrimination(nn.Module):
    """Appends to each row its closeness to the rest, once for each kernel.

    Kernel (in, kernels, dims), normalized over its inputs; log_scale
    (kernels, dims); bias (kernels,).
    """

    def __init__(self, units_in, kernels=100, dims=5):
        super().__init__()
        self.weight = nn.Parameter(0.05 * torch.randn(units_in, kernels, dims))
        self.log_scale = nn.Parameter(torch.zeros(kernels, dims))
        self.bias = nn.Parameter(torch.full((kernels,), -1.0))

    def forward(self, x):
        scale = torch.exp(self.log_scale) / self.weight.norm(dim=0)
        projected = torch.einsum("ni,ikd->nkd", x, self.weight * scale)
        closeness = torch.exp(-distances(projected))
        others = 1.0 - torch.eye(len(x), dtype=x.dtype)
        found = (closeness * others[:, :, None]).sum(dim=1)
        return torch.cat([x, found + self.bias], dim=1)


def distances(projected):
    """L1 over the last axis between all rows: (n, kernels, d) to (n, n, k)."""
    return (projected[:, None] - projected[None]).abs().sum(dim=3)


def halves_closeness(projected):
    """ImageNet's variant, for a batch of real and as many fake images.

    Means over the other rows of the first half, then over those of the
    second: (n, kernels, dims) to (n, 2 * kernels).
    """
    n = len(projected)
    others = 1.0 - torch.eye(n, dtype=projected.dtype)
    closeness = torch.exp(-distances(projected)) * others[:, :, None]
    found = []
    for half in (slice(0, n // 2), slice(n // 2, n)):
        count = others[:, half].sum(dim=1, keepdim=True)
        found.append(closeness[:, half].sum(dim=1) / count)
    return torch.cat(found, dim=1)


class VirtualBatchNorm(nn.Module):
    """Normalizes each image by a reference batch's statistics and its own."""

    def __init__(self, channels, epsilon=1e-5):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))
        self.epsilon = epsilon

    def forward(self, x, reference):
        """Both, normalized; (batch, channels, ...), gradients through both."""
        space = tuple(range(2, x.ndim))
        n = len(reference)
        means, squares = [], []
        for power, found in ((1, means), (2, squares)):
            batch = (reference**power).mean(dim=(0, *space), keepdim=True)
            own = x**power
            own = own.mean(dim=space, keepdim=True) if space else own
            found += [batch, own / (n + 1) + batch * n / (n + 1)]
        shape = (1, -1) + (1,) * len(space)
        outs = []
        for values, mean, square in zip(
            (reference, x), means, squares, strict=True
        ):
            variance = square - mean**2
            out = (values - mean) / torch.sqrt(variance + self.epsilon)
            gamma, beta = self.gamma.reshape(shape), self.beta.reshape(shape)
            outs.append(out * gamma + beta)
        return outs[1], outs[0]
