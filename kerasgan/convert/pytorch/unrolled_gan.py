"""The generator of Unrolled GAN, for points, in plain PyTorch.

Metz, Poole, Pfau and Sohl-Dickstein, 2017. https://arxiv.org/abs/1611.02163
"""

import torch
from torch import nn


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, to points."""

    def __init__(self, dimensions, units, activation, latent_dim):
        super().__init__()
        self.activation = {"relu": torch.relu, "tanh": torch.tanh}[activation]
        sizes = [latent_dim, *units]
        self.hidden = nn.ModuleList(map(nn.Linear, sizes, units))
        self.points = nn.Linear(sizes[-1], dimensions)

    def forward(self, latents):
        x = latents
        for layer in self.hidden:
            x = self.activation(layer(x))
        return self.points(x)
