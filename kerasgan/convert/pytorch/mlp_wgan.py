"""The generator of the Wasserstein GAN of dense layers in plain PyTorch.

Arjovsky, Chintala and Bottou, 2017. https://arxiv.org/abs/1701.07875
"""

import math

import torch
from torch import nn


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, to images.

    Images are `(n, channels, height, width)`, roughly in [-1, 1].
    """

    def __init__(self, image_shape, units, latent_dim):
        super().__init__()
        self.image_shape = image_shape
        self.hidden_1 = nn.Linear(latent_dim, units)
        self.hidden_2 = nn.Linear(units, units)
        self.hidden_3 = nn.Linear(units, units)
        self.to_image = nn.Linear(units, math.prod(image_shape))

    def forward(self, latents):
        x = torch.relu(self.hidden_1(latents))
        x = torch.relu(self.hidden_2(x))
        x = self.to_image(torch.relu(self.hidden_3(x)))
        return x.unflatten(1, self.image_shape).permute(0, 3, 1, 2)
