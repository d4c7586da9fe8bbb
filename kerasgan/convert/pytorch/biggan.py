"""The generator of BigGAN in plain PyTorch.

Brock, Donahue and Simonyan, 2019. https://arxiv.org/abs/1809.11096
Weights are stored with their spectral norm divided out.
"""

import itertools

import torch
from torch import nn
from torch.nn.functional import interpolate, max_pool2d


class Norm(nn.Module):
    """Batch normalization whose gains and biases depend on a condition."""

    def __init__(self, maps, layer):
        super().__init__()
        self.norm = nn.BatchNorm2d(maps, affine=False)
        self.gain, self.bias = layer(maps), layer(maps)

    def forward(self, x, condition):
        gain = 1.0 + self.gain(condition)[:, :, None, None]
        return self.norm(x) * gain + self.bias(condition)[:, :, None, None]


class Block(nn.Module):
    """Doubles the resolution."""

    def __init__(self, inputs, outputs, layer):
        super().__init__()
        self.norm_1 = Norm(inputs, layer)
        self.conv_1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm_2 = Norm(outputs, layer)
        self.conv_2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, condition):
        y = torch.relu(self.norm_1(x, condition))
        y = self.conv_1(interpolate(y, scale_factor=2))
        y = self.conv_2(torch.relu(self.norm_2(y, condition)))
        return y + interpolate(self.shortcut(x), scale_factor=2)


class Attention(nn.Module):
    """Adds to each pixel a weighted mean over all, of a quarter as many."""

    def __init__(self, maps):
        super().__init__()
        eighth, half = max(maps // 8, 1), max(maps // 2, 1)
        self.theta = nn.Conv2d(maps, eighth, 1, bias=False)
        self.phi = nn.Conv2d(maps, eighth, 1, bias=False)
        self.g = nn.Conv2d(maps, half, 1, bias=False)
        self.o = nn.Conv2d(half, maps, 1, bias=False)
        self.share = nn.Parameter(torch.empty(()))

    def forward(self, x):
        queries = self.theta(x).flatten(2)
        keys = max_pool2d(self.phi(x), 2).flatten(2)
        values = max_pool2d(self.g(x), 2).flatten(2)
        weights = torch.softmax(queries.transpose(1, 2) @ keys, dim=2)
        mean = (values @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])
        return x + self.share * self.o(mean)


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, and labels to images.

    Labels are integers `(n,)`. Images are `(n, channels, size, size)`, in
    [-1, 1]. `maps` are the feature maps at 4x4 and after each block;
    `attention` is the size of those that are attended to, or none.
    """

    def __init__(
        self, maps, channels, num_classes, embedding_dim, latent_dim, attention
    ):
        super().__init__()
        if embedding_dim:
            self.shared = nn.Embedding(num_classes, embedding_dim)
            latent_dim //= len(maps)

        def layer(outputs):
            if not embedding_dim:
                return nn.Embedding(num_classes, outputs)
            inputs = embedding_dim + latent_dim
            return nn.Linear(inputs, outputs, bias=False)

        self.dense = nn.Linear(latent_dim, 4 * 4 * maps[0])
        self.blocks = nn.ModuleList(
            Block(below, above, layer)
            for below, above in itertools.pairwise(maps)
        )
        self.attended = attention
        sizes = {8 * 2**n: above for n, above in enumerate(maps[1:])}
        if attention in sizes:
            self.attention = Attention(sizes[attention])
        self.norm = nn.BatchNorm2d(maps[-1])
        self.to_image = nn.Conv2d(maps[-1], channels, 3, padding=1)

    def forward(self, latents, labels):
        conditions = [labels] * len(self.blocks)
        if hasattr(self, "shared"):
            latents, *others = latents.chunk(1 + len(self.blocks), dim=1)
            shared = self.shared(labels)
            conditions = [torch.cat([shared, part], 1) for part in others]
        x = self.dense(latents).unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
        for block, condition in zip(self.blocks, conditions, strict=True):
            x = block(x, condition)
            if x.shape[2] == self.attended:
                x = self.attention(x)
        return torch.tanh(self.to_image(torch.relu(self.norm(x))))
