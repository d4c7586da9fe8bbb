"""The generator of InfoGAN in plain PyTorch.

Chen et al., 2016. https://arxiv.org/abs/1606.03657
"""

import math

import torch
from torch import nn


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, uniform in [-1, 1), and codes to images.

    Codes are `(n, code_dim)`: one-hot categories, then values between -1 and
    1. Images are `(n, channels, height, width)`, in [-1, 1].
    """

    def __init__(
        self, image_shape, categorical, continuous, width, units, latent_dim
    ):
        super().__init__()
        height, side, channels = image_shape
        self.first = (height // 4, side // 4, 2 * width)
        inputs = latent_dim + sum(categorical) + continuous
        self.dense = nn.Linear(inputs, units)
        self.norm_dense = nn.BatchNorm1d(units)
        self.project = nn.Linear(units, math.prod(self.first))
        self.norm_project = nn.BatchNorm1d(math.prod(self.first))
        self.up = nn.ConvTranspose2d(2 * width, width, 4, 2, 1)
        self.norm_up = nn.BatchNorm2d(width)
        self.to_image = nn.ConvTranspose2d(width, channels, 4, 2, 1)

    def forward(self, latents, codes):
        x = self.dense(torch.cat([latents, codes], dim=1))
        x = self.project(torch.relu(self.norm_dense(x)))
        x = torch.relu(self.norm_project(x)).unflatten(1, self.first)
        x = self.up(x.permute(0, 3, 1, 2))
        x = self.to_image(torch.relu(self.norm_up(x)))
        return 2.0 * torch.sigmoid(x) - 1.0
