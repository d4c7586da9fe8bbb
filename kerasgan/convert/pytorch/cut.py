"""The generator of CUT in plain PyTorch.

Park, Efros, Zhang and Zhu, 2020. https://arxiv.org/abs/2007.15651
"""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import instance_norm as norm


def convolution(inputs, outputs, side):
    """A convolution that mirrors its input at the borders."""
    return nn.Conv2d(
        inputs, outputs, side, padding=side // 2, padding_mode="reflect"
    )


def halved(x):
    """Blurs with [1, 2, 1] / 4 along both axes, keeps every second value."""
    x = functional.pad(x, (1, 1, 1, 1), mode="reflect")
    return functional.avg_pool2d(functional.avg_pool2d(x, 2, 1), 2)


def doubled(x):
    """Blurs between the values with [1, 3, 3, 1] / 4 along both axes."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear")


class Generator(nn.Module):
    """Images to images, both `(n, channels, height, width)` in [-1, 1].

    Height and width are multiples of 4, of at least 8.
    """

    def __init__(self, channels, width, blocks):
        super().__init__()
        self.blocks = blocks
        self.from_image = convolution(channels, width, 7)
        self.down_1 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.down_2 = nn.Conv2d(2 * width, 4 * width, 3, padding=1)
        for block in range(blocks):
            for half in (0, 1):
                conv = convolution(4 * width, 4 * width, 3)
                self.add_module(f"residual_{block}_{half}", conv)
        self.up_1 = nn.Conv2d(4 * width, 2 * width, 3, padding=1)
        self.up_2 = nn.Conv2d(2 * width, width, 3, padding=1)
        self.to_image = convolution(width, channels, 7)

    def forward(self, images):
        x = torch.relu(norm(self.from_image(images)))
        x = halved(torch.relu(norm(self.down_1(x))))
        x = halved(torch.relu(norm(self.down_2(x))))
        for block in range(self.blocks):
            y = getattr(self, f"residual_{block}_0")(x)
            y = getattr(self, f"residual_{block}_1")(torch.relu(norm(y)))
            x = x + norm(y)
        x = torch.relu(norm(self.up_1(doubled(x))))
        x = torch.relu(norm(self.up_2(doubled(x))))
        return torch.tanh(self.to_image(x))
