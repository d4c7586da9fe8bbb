"""The generator of pix2pix, a U-Net, in plain PyTorch.

Isola, Zhu, Zhou and Efros, 2017. https://arxiv.org/abs/1611.07004
"""

import torch
from torch import nn
from torch.nn import functional


class Generator(nn.Module):
    """Images to images, both `(n, channels, height, width)` in [-1, 1].

    Layers are numbered by the height of their outputs. Dropout, which is for
    training, is left out.
    """

    def __init__(
        self, image_size, source_channels, target_channels, width, max_width
    ):
        super().__init__()
        self.sizes = [
            2**n for n in reversed(range(image_size.bit_length() - 1))
        ]
        maps = [min(width * 2**n, max_width) for n in range(len(self.sizes))]
        below = source_channels
        for size, count in zip(self.sizes, maps, strict=True):
            down = nn.Conv2d(below, count, 4, 2, 1, bias=False)
            self.add_module(f"down_{size}", down)
            if 1 < size < image_size // 2:
                self.add_module(f"down_norm_{size}", nn.BatchNorm2d(count))
            below = count
        for size, count in zip(self.sizes[-2::-1], maps[-2::-1], strict=True):
            up = nn.ConvTranspose2d(below, count, 4, 2, 1, bias=False)
            self.add_module(f"up_{size}", up)
            self.add_module(f"up_norm_{size}", nn.BatchNorm2d(count))
            below = 2 * count
        self.to_image = nn.ConvTranspose2d(below, target_channels, 4, 2, 1)

    def forward(self, images):
        x, skips = images, []
        for size in self.sizes:
            if skips:
                x = functional.leaky_relu(x, 0.2)
            x = getattr(self, f"down_{size}")(x)
            if 1 < size < self.sizes[0]:
                x = getattr(self, f"down_norm_{size}")(x)
            skips.append(x)
        skips.pop()
        for size in self.sizes[-2::-1]:
            x = getattr(self, f"up_{size}")(torch.relu(x))
            x = getattr(self, f"up_norm_{size}")(x)
            x = torch.cat([skips.pop(), x], dim=1)
        return torch.tanh(self.to_image(torch.relu(x)))
