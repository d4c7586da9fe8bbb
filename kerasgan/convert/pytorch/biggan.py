"""The generator of BigGAN in plain PyTorch.

Brock, Donahue and Simonyan, 2019. https://arxiv.org/abs/1809.11096
Weights are stored with their spectral norm divided out.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional


class Norm(nn.Module):
    """Batch normalization whose gains and biases depend on a condition."""

    def __init__(self, maps, condition):
        super().__init__()
        self.norm = nn.BatchNorm2d(maps, affine=False)
        self.gain = nn.Linear(condition, maps, bias=False)
        self.bias = nn.Linear(condition, maps, bias=False)

    def forward(self, x, condition):
        gain = 1.0 + self.gain(condition)[:, :, None, None]
        return self.norm(x) * gain + self.bias(condition)[:, :, None, None]


class Block(nn.Module):
    """Doubles the resolution."""

    def __init__(self, inputs, outputs, condition):
        super().__init__()
        self.norm_1 = Norm(inputs, condition)
        self.conv_1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm_2 = Norm(outputs, condition)
        self.conv_2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, condition):
        y = torch.relu(self.norm_1(x, condition))
        y = self.conv_1(functional.interpolate(y, scale_factor=2))
        y = self.conv_2(torch.relu(self.norm_2(y, condition)))
        return y + functional.interpolate(self.shortcut(x), scale_factor=2)


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, and labels to images.

    Labels are integers `(n,)`. Images are `(n, channels, size, size)`, in
    [-1, 1]. `maps` are the feature maps at 4x4 and after each block.
    """

    def __init__(self, maps, channels, num_classes, embedding_dim, latent_dim):
        super().__init__()
        chunk = latent_dim // len(maps)
        self.first = (4, 4, maps[0])
        self.shared = nn.Embedding(num_classes, embedding_dim)
        self.dense = nn.Linear(chunk, 4 * 4 * maps[0])
        self.blocks = nn.ModuleList(
            Block(below, above, embedding_dim + chunk)
            for below, above in itertools.pairwise(maps)
        )
        self.norm = nn.BatchNorm2d(maps[-1])
        self.to_image = nn.Conv2d(maps[-1], channels, 3, padding=1)

    def forward(self, latents, labels):
        first, *others = latents.chunk(1 + len(self.blocks), dim=1)
        embedding = self.shared(labels)
        x = self.dense(first).unflatten(1, self.first).permute(0, 3, 1, 2)
        for block, chunk in zip(self.blocks, others, strict=True):
            x = block(x, torch.cat([embedding, chunk], dim=1))
        return torch.tanh(self.to_image(torch.relu(self.norm(x))))
