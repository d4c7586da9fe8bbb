"""The generator of SNGAN in plain PyTorch.

Miyato, Kataoka, Koyama and Yoshida, 2018. https://arxiv.org/abs/1802.05957
"""

import itertools

import torch
from torch import nn
from torch.nn.functional import interpolate


class Norm(nn.Module):
    """Batch normalization, by classes if there are any."""

    def __init__(self, maps, classes):
        super().__init__()
        self.norm = nn.BatchNorm2d(maps, 2e-5, affine=not classes)
        if classes:
            self.gain = nn.Embedding(classes, maps)
            self.bias = nn.Embedding(classes, maps)

    def forward(self, x, labels):
        if labels is None:
            return self.norm(x)
        gain, bias = self.gain(labels), self.bias(labels)
        return self.norm(x) * gain[:, :, None, None] + bias[:, :, None, None]


class Block(nn.Module):
    """Doubles the resolution."""

    def __init__(self, inputs, outputs, classes):
        super().__init__()
        self.norm_1 = Norm(inputs, classes)
        self.conv_1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm_2 = Norm(outputs, classes)
        self.conv_2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, labels):
        y = torch.relu(self.norm_1(x, labels))
        y = self.conv_1(interpolate(y, scale_factor=2))
        y = self.conv_2(torch.relu(self.norm_2(y, labels)))
        return y + interpolate(self.shortcut(x), scale_factor=2)


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, to images.

    With classes, labels are integers `(n,)`. Images are `(n, channels, size,
    size)`, in [-1, 1]. `maps` are the feature maps at 4x4 and after each block.
    """

    def __init__(self, maps, channels, num_classes, latent_dim):
        super().__init__()
        self.dense = nn.Linear(latent_dim, 4 * 4 * maps[0])
        self.blocks = nn.ModuleList(
            Block(below, above, num_classes)
            for below, above in itertools.pairwise(maps)
        )
        self.norm = nn.BatchNorm2d(maps[-1], 2e-5)
        self.to_image = nn.Conv2d(maps[-1], channels, 3, padding=1)

    def forward(self, latents, labels=None):
        x = self.dense(latents).unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
        for block in self.blocks:
            x = block(x, labels)
        return torch.tanh(self.to_image(torch.relu(self.norm(x))))
