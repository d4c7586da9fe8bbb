"""The generator of R3GAN in plain PyTorch.

Huang, Gokaslan, Kuleshov and Tompkin, 2024. https://arxiv.org/abs/2501.05441
"""

import torch
from torch import nn
from torch.nn import functional


def upsample(x):
    """Doubles the resolution, smoothly."""
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], device=x.device) / 4.0
    kernel = torch.outer(line, line).expand(x.shape[1], 1, 4, 4)
    return functional.conv_transpose2d(
        x, kernel, stride=2, padding=1, groups=x.shape[1]
    )


class Block(nn.Module):
    """Adds three convolutions, the second in groups and twice as wide."""

    def __init__(self, maps, group_size):
        super().__init__()
        groups = 2 * maps // group_size
        self.conv0 = nn.Conv2d(maps, 2 * maps, 1)
        self.conv1 = nn.Conv2d(2 * maps, 2 * maps, 3, 1, 1, groups=groups)
        self.conv2 = nn.Conv2d(2 * maps, maps, 1, bias=False)

    def forward(self, x):
        y = functional.leaky_relu(self.conv0(x), 0.2)
        return x + self.conv2(functional.leaky_relu(self.conv1(y), 0.2))


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, to images.

    With classes, labels are integers `(n,)`. Images are `(n, channels, size,
    size)`, in [-1, 1]. `maps` are the feature maps from 4x4 on.
    """

    def __init__(
        self, maps, blocks, group_size, channels, latent_dim, num_classes
    ):
        super().__init__()
        if num_classes:
            self.classes = nn.Embedding(num_classes, latent_dim)
            latent_dim *= 2
        self.sizes = [4 * 2**n for n in range(len(maps))]
        self.dense_4 = nn.Linear(latent_dim, maps[0], bias=False)
        self.basis = nn.Parameter(torch.empty(maps[0], 4, 4))
        below = maps[0]
        for size, above in zip(self.sizes, maps, strict=True):
            if above != below:
                narrow = nn.Conv2d(below, above, 1, bias=False)
                self.add_module(f"up_{size}_conv", narrow)
            for n in range(blocks):
                self.add_module(f"block{n}_{size}", Block(above, group_size))
            below = above
        self.blocks = range(blocks)
        self.images = nn.Conv2d(below, channels, 1, bias=False)

    def forward(self, latents, labels=None):
        if labels is not None:
            latents = torch.cat([latents, self.classes(labels)], dim=1)
        x = self.dense_4(latents)[:, :, None, None] * self.basis
        for size in self.sizes:
            narrow = getattr(self, f"up_{size}_conv", nn.Identity())
            x = upsample(narrow(x)) if size > 4 else x
            for n in self.blocks:
                x = getattr(self, f"block{n}_{size}")(x)
        return self.images(x).clamp(-1.0, 1.0)
