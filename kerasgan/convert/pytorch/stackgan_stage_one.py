"""The first generator of StackGAN in plain PyTorch.

Zhang et al., 2017. https://arxiv.org/abs/1612.03242
"""

import torch
from torch import nn
from torch.nn import functional

from captions import Bottleneck, TextEncoder


class Condition(nn.Module):
    """Samples a condition from a normal around a sentence vector."""

    def __init__(self, sentence_dim, units):
        super().__init__()
        self.moments = nn.Linear(sentence_dim, 2 * units)

    def forward(self, vectors, noise):
        moments = functional.leaky_relu(self.moments(vectors), 0.2)
        mean, log_sigma = moments.chunk(2, dim=1)
        return mean + log_sigma.exp() * noise


def doubled(x):
    return functional.interpolate(x, scale_factor=2.0)


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, and text to images.

    Text is a list of captions, or sentence vectors `(n, sentence_dim)`. Images
    are `(n, channels, image_size, image_size)`, in [-1, 1].
    """

    def __init__(
        self,
        image_size,
        channels,
        width,
        latent_dim,
        sentence_dim,
        condition_dim,
        encoder=None,
    ):
        super().__init__()
        if encoder:
            self.encoder = TextEncoder(**encoder, sentence_dim=sentence_dim)
        maps = width * image_size // 8
        self.split = [latent_dim - condition_dim, condition_dim]
        self.condition = Condition(sentence_dim, condition_dim)
        self.project = nn.Linear(latent_dim, 16 * maps)
        self.norm_project = nn.BatchNorm1d(16 * maps)
        self.block_4 = Bottleneck(maps)
        self.sizes = [2**n for n in range(3, image_size.bit_length() - 1)]
        for size in self.sizes:
            up = nn.Conv2d(maps, maps // 2, 3, 1, 1, bias=False)
            self.add_module(f"up_{size}", up)
            maps //= 2
            self.add_module(f"norm_{size}", nn.BatchNorm2d(maps))
            if size == 8:
                self.block_8 = Bottleneck(maps)
        self.to_image = nn.Conv2d(maps, channels, 3, 1, 1, bias=False)

    def forward(self, latents, text):
        vectors = text if torch.is_tensor(text) else self.encoder(text)
        noise, noise_of_condition = latents.split(self.split, dim=1)
        condition = self.condition(vectors, noise_of_condition)
        x = self.project(torch.cat([condition, noise], dim=1))
        x = self.norm_project(x).unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
        x = self.block_4(x)
        for size in self.sizes:
            x = getattr(self, f"up_{size}")(doubled(x))
            x = getattr(self, f"norm_{size}")(x)
            x = self.block_8(x) if size == 8 else torch.relu(x)
        return torch.tanh(self.to_image(doubled(x)))
