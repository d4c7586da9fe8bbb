"""The generator of StyleGAN, fully grown, in plain PyTorch.

Karras, Laine and Aila, 2019. https://arxiv.org/abs/1812.04948
"""

import math

import torch
from torch import nn
from torch.nn import functional


class Scaled(nn.Module):
    """A convolution or dense layer whose weights are scaled at run time."""

    def __init__(self, inputs, outputs, side=0, gain=1.0, rate=1.0, bias=True):
        super().__init__()
        shape = (outputs, inputs, side, side) if side else (outputs, inputs)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None
        self.scale = gain * rate / math.sqrt(inputs * max(side, 1) ** 2)
        self.rate = rate

    def forward(self, x):
        weight = self.weight * self.scale
        bias = None if self.bias is None else self.bias * self.rate
        if weight.ndim == 2:
            return functional.linear(x, weight, bias)
        padding = weight.shape[-1] // 2
        return functional.conv2d(x, weight, bias, padding=padding)


class Finish(nn.Module):
    """Noise, bias, activation, and the style of w."""

    def __init__(self, maps, size, w_dim):
        super().__init__()
        self.register_buffer("noise", torch.empty(1, 1, size, size))
        self.scale = nn.Parameter(torch.empty(maps))
        self.bias = nn.Parameter(torch.empty(maps))
        self.style = Scaled(w_dim, 2 * maps)

    def forward(self, x, w):
        x = x + self.noise * self.scale[:, None, None]
        x = functional.leaky_relu(x + self.bias[:, None, None], 0.2)
        scale, shift = self.style(w)[:, :, None, None].chunk(2, dim=1)
        return functional.instance_norm(x, eps=1e-8) * (scale + 1.0) + shift


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, to images.

    With classes, labels are integers `(n,)`. Truncation is a number: 1 for the
    image itself, 0 for the average one. Images are `(n, channels, size, size)`,
    in [-1, 1]. `maps` are the feature maps from 4x4 to the full size.
    """

    def __init__(
        self,
        maps,
        channels,
        latent_dim,
        w_dim,
        mapping_layers,
        truncation_layers,
        num_classes,
    ):
        super().__init__()
        self.sizes = [4 * 2**n for n in range(len(maps))]
        self.truncation_layers = truncation_layers
        self.classes = None
        units = latent_dim
        if num_classes:
            self.classes = nn.Embedding(num_classes, latent_dim)
            units += latent_dim
        self.mapping = nn.ModuleList(
            Scaled(w_dim if n else units, w_dim, 0, math.sqrt(2.0), 0.01)
            for n in range(mapping_layers)
        )
        self.register_buffer("average_w", torch.empty(w_dim))
        self.constant = nn.Parameter(torch.empty(1, maps[0], 4, 4))
        gain = math.sqrt(2.0)
        below = maps[0]
        for size, above in zip(self.sizes, maps, strict=True):
            if size > 4:
                conv = Scaled(below, above, 3, gain, bias=False)
                self.add_module(f"conv0_{size}", conv)
            self.add_module(f"finish0_{size}", Finish(above, size, w_dim))
            conv = Scaled(above, above, 3, gain, bias=False)
            self.add_module(f"conv1_{size}", conv)
            self.add_module(f"finish1_{size}", Finish(above, size, w_dim))
            below = above
        self.to_rgb = Scaled(below, channels, 1)
        line = torch.tensor([1.0, 2.0, 1.0]) / 4.0
        self.register_buffer("line", torch.outer(line, line), persistent=False)

    def forward(self, latents, labels=None, truncation=1.0):
        x = latents
        if self.classes is not None:
            x = torch.cat([x, self.classes(labels)], dim=1)
        x = x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)
        for dense in self.mapping:
            x = functional.leaky_relu(dense(x), 0.2)
        truncated = self.average_w + truncation * (x - self.average_w)
        layers = 2 * len(self.sizes)
        coarse = min(self.truncation_layers, layers)
        styles = [truncated] * coarse + [x] * (layers - coarse)
        x = self.constant.expand(len(latents), -1, -1, -1)
        for index, size in enumerate(self.sizes):
            first, second = styles[2 * index : 2 * index + 2]
            if size > 4:
                x = functional.interpolate(x, scale_factor=2)
                x = self.blur(getattr(self, f"conv0_{size}")(x))
            x = getattr(self, f"finish0_{size}")(x, first)
            x = getattr(self, f"conv1_{size}")(x)
            x = getattr(self, f"finish1_{size}")(x, second)
        return self.to_rgb(x).clamp(-1.0, 1.0)

    def blur(self, x):
        kernel = self.line.expand(x.shape[1], 1, 3, 3)
        return functional.conv2d(x, kernel, padding=1, groups=x.shape[1])
