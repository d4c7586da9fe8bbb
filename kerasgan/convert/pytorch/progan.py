"""The generator of ProGAN, fully grown, in plain PyTorch.

Karras, Aila, Laine and Lehtinen, 2018. https://arxiv.org/abs/1710.10196
"""

import math

import torch
from torch import nn
from torch.nn import functional

SQRT2 = math.sqrt(2.0)


def pixel_norm(x):
    """Every vector of features at a mean square of one."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


class Conv(nn.Module):
    """A convolution whose weights are scaled at run time."""

    def __init__(self, inputs, outputs, side, gain=SQRT2):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.scale = gain / math.sqrt(inputs * side**2)

    def forward(self, x):
        padding = self.weight.shape[-1] // 2
        weight = self.weight * self.scale
        return functional.conv2d(x, weight, self.bias, padding=padding)


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, to images.

    Images are `(n, channels, size, size)`, in [-1, 1]. `maps` are the feature
    maps from 4x4 to the full size.
    """

    def __init__(self, maps, channels, latent_dim):
        super().__init__()
        self.sizes = [4 * 2**n for n in range(len(maps))]
        self.first = (4, 4, maps[0])
        self.dense_4 = nn.Linear(latent_dim, 16 * maps[0], bias=False)
        self.scale = SQRT2 / 4 / math.sqrt(latent_dim)
        self.bias_4 = nn.ParameterDict({"bias": torch.empty(maps[0])})
        self.conv_4 = Conv(maps[0], maps[0], 3)
        for size, below, above in zip(
            self.sizes[1:], maps[:-1], maps[1:], strict=True
        ):
            self.add_module(f"conv0_{size}", Conv(below, above, 3))
            self.add_module(f"conv1_{size}", Conv(above, above, 3))
        self.to_rgb = Conv(maps[-1], channels, 1, gain=1.0)

    def forward(self, latents):
        x = self.scale * self.dense_4(pixel_norm(latents))
        x = x.unflatten(1, self.first).permute(0, 3, 1, 2)
        x = x + self.bias_4["bias"][:, None, None]
        x = pixel_norm(functional.leaky_relu(x, 0.2))
        x = pixel_norm(functional.leaky_relu(self.conv_4(x), 0.2))
        for size in self.sizes[1:]:
            x = functional.interpolate(x, scale_factor=2)
            for name in (f"conv0_{size}", f"conv1_{size}"):
                x = functional.leaky_relu(getattr(self, name)(x), 0.2)
                x = pixel_norm(x)
        return self.to_rgb(x).clamp(-1.0, 1.0)
