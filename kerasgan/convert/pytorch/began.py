"""The generator of BEGAN, with and without skips, in plain PyTorch.

Berthelot, Schumm and Metz, 2017. https://arxiv.org/abs/1703.10717
"""

import torch
from torch import nn
from torch.nn import functional


class Layer(nn.Conv2d):
    """A convolution, of whose input a share may be carried on."""

    def __init__(self, inputs, outputs, carry=False):
        super().__init__(inputs, outputs, 3, padding=1)
        self.register_buffer("carry", torch.zeros(()) if carry else None)

    def forward(self, x):
        y = functional.elu(super().forward(x))
        return y if self.carry is None else torch.lerp(y, x, self.carry)


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, uniform in [-1, 1), to images.

    Images are `(n, channels, height, width)`, roughly in [-1, 1].
    """

    def __init__(self, image_size, channels, width, latent_dim, skips):
        super().__init__()
        shorter = min(image_size)
        height, wide = (8 * side // shorter for side in image_size)
        self.first, self.skips = (height, wide, width), skips
        self.sizes = [2**n for n in range(3, shorter.bit_length())]
        self.project = nn.Linear(latent_dim, height * wide * width)
        for size in self.sizes:
            joined = width * (2 if skips and size > 8 else 1)
            first = Layer(joined, width, skips and joined == width)
            self.add_module(f"decode_{size}_1", first)
            self.add_module(f"decode_{size}_2", Layer(width, width, skips))
        self.decoded = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, latents):
        x = self.project(latents).unflatten(1, self.first).permute(0, 3, 1, 2)
        first = x
        for size in self.sizes:
            if size > 8:
                x = functional.interpolate(x, scale_factor=2)
                if self.skips:
                    skip = functional.interpolate(first, scale_factor=size // 8)
                    x = torch.cat([x, skip], dim=1)
            x = getattr(self, f"decode_{size}_1")(x)
            x = getattr(self, f"decode_{size}_2")(x)
        return self.decoded(x)
