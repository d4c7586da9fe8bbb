"""The generator of DCGAN, LSGAN, WGAN and WGAN-GP in plain PyTorch.

Radford, Metz and Chintala, 2015. https://arxiv.org/abs/1511.06434
"""

import torch
from torch import nn


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, to images.

    Images are `(n, channels, height, width)`, in [-1, 1].
    """

    def __init__(self, image_size, channels, width, latent_dim):
        super().__init__()
        shorter = min(image_size)
        height, wide = (4 * side // shorter for side in image_size)
        maps = width * shorter // 8
        self.sizes = [2**n for n in range(3, shorter.bit_length() - 1)]
        self.first = (height, wide, maps)
        self.project = nn.Linear(latent_dim, height * wide * maps, bias=False)
        self.norm_4 = nn.BatchNorm2d(maps)
        for size in self.sizes:
            up = nn.ConvTranspose2d(maps, maps // 2, 4, 2, 1, bias=False)
            self.add_module(f"up_{size}", up)
            self.add_module(f"norm_{size}", nn.BatchNorm2d(maps // 2))
            maps //= 2
        self.to_image = nn.ConvTranspose2d(maps, channels, 4, 2, 1, bias=False)

    def forward(self, latents):
        x = self.project(latents).unflatten(1, self.first)
        x = torch.relu(self.norm_4(x.permute(0, 3, 1, 2)))
        for size in self.sizes:
            x = getattr(self, f"up_{size}")(x)
            x = torch.relu(getattr(self, f"norm_{size}")(x))
        return torch.tanh(self.to_image(x))
