"""The generator of StyleGAN2 in plain PyTorch.

Karras, Laine, Aittala, Hellsten, Lehtinen and Aila, 2020.
https://arxiv.org/abs/1912.04958
"""

import math

import torch
from torch import nn
from torch.nn import functional


def activate(x):
    return functional.leaky_relu(x * math.sqrt(2.0), 0.2)


def normalized(x):
    """Every vector at a mean square of one."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


def blur(x):
    """Returns the kernel of [1, 3, 3, 1] along both axes, for each channel."""
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], device=x.device) / 4.0
    return torch.outer(line, line).expand(x.shape[1], 1, 4, 4)


class Dense(nn.Module):
    """A dense layer whose weights are scaled at run time."""

    def __init__(self, inputs, outputs, rate=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.scale, self.rate = rate / math.sqrt(inputs), rate

    def forward(self, x):
        weight, bias = self.weight * self.scale, self.bias * self.rate
        return functional.linear(x, weight, bias)


class Conv(nn.Module):
    """A convolution whose input is scaled by a style, then normalized."""

    def __init__(self, inputs, outputs, style_dim, side=3, size=None, up=False):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.style = Dense(style_dim, inputs)
        self.scale = 1.0 / math.sqrt(inputs * side**2)
        self.up = up
        if size:
            self.register_buffer("noise", torch.empty(1, 1, size, size))
            self.strength = nn.Parameter(torch.empty(()))

    def forward(self, x, w):
        style, weight = self.style(w), self.weight * self.scale
        x = x * style[:, :, None, None]
        if self.up:
            kernel = weight.transpose(0, 1)
            x = functional.conv_transpose2d(x, kernel, stride=2)
            x = functional.conv2d(x, blur(x), padding=1, groups=x.shape[1])
        else:
            x = functional.conv2d(x, weight, padding=weight.shape[-1] // 2)
        bias = self.bias[:, None, None]
        if weight.shape[-1] == 1:
            return x + bias
        squares = style.square() @ weight.square().sum(dim=(2, 3)).T
        x = x * torch.rsqrt(squares + 1e-8)[:, :, None, None]
        return activate(x + self.noise * self.strength + bias)


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
        style_dim,
        mapping_layers,
        num_classes,
        clamp,
    ):
        super().__init__()
        self.sizes = [4 * 2**n for n in range(len(maps))]
        self.bound = math.inf if clamp is None else clamp
        self.num_classes = num_classes
        units = latent_dim
        if num_classes:
            self.classes = Dense(num_classes, style_dim)
            units += style_dim
        self.mapping = nn.ModuleList(
            Dense(style_dim if n else units, style_dim, 0.01)
            for n in range(mapping_layers)
        )
        self.register_buffer("average_w", torch.empty(style_dim))
        self.constant = nn.Parameter(torch.empty(1, maps[0], 4, 4))
        below = maps[0]
        for size, above in zip(self.sizes, maps, strict=True):
            if size > 4:
                conv = Conv(below, above, style_dim, 3, size, up=True)
                self.add_module(f"conv0_{size}", conv)
            conv = Conv(above, above, style_dim, 3, size)
            self.add_module(f"conv1_{size}", conv)
            self.add_module(
                f"to_rgb_{size}", Conv(above, channels, style_dim, 1)
            )
            below = above

    def forward(self, latents, labels=None, truncation=1.0):
        w = normalized(latents)
        if self.num_classes:
            code = functional.one_hot(labels.long(), self.num_classes)
            code = normalized(self.classes(code.to(w.dtype)))
            w = torch.cat([w, code], dim=1)
        for dense in self.mapping:
            w = activate(dense(w))
        w = self.average_w + truncation * (w - self.average_w)
        x, images = self.constant.expand(len(latents), -1, -1, -1), 0.0
        for size in self.sizes:
            if size > 4:
                x = self.clamped(getattr(self, f"conv0_{size}")(x, w))
                images = self.doubled(images)
            x = self.clamped(getattr(self, f"conv1_{size}")(x, w))
            images = images + self.clamped(
                getattr(self, f"to_rgb_{size}")(x, w)
            )
        return images.clamp(-1.0, 1.0)

    def clamped(self, x):
        return x.clamp(-self.bound, self.bound)

    def doubled(self, x):
        return functional.conv_transpose2d(
            x, blur(x), stride=2, padding=1, groups=x.shape[1]
        )
