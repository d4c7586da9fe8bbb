"""The generator of the first GAN, of dense layers, in plain PyTorch.

Goodfellow et al., 2014. https://arxiv.org/abs/1406.2661
"""

import torch
from torch import nn


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, as in training, to images.

    Images are `(n, channels, height, width)`, in [-1, 1].
    """

    def __init__(self, image_shape, units, latent_dim):
        super().__init__()
        height, width, channels = image_shape
        self.image_shape = (height, width, channels)
        self.hidden_1 = nn.Linear(latent_dim, units)
        self.hidden_2 = nn.Linear(units, units)
        self.to_image = nn.Linear(units, height * width * channels)

    def forward(self, latents):
        x = torch.relu(self.hidden_1(latents))
        x = torch.relu(self.hidden_2(x))
        x = 2.0 * torch.sigmoid(self.to_image(x)) - 1.0
        return x.unflatten(1, self.image_shape).permute(0, 3, 1, 2)
