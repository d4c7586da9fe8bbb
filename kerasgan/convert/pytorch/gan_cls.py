"""The generator of GAN-CLS in plain PyTorch.

Reed et al., 2016. https://arxiv.org/abs/1605.05396
"""

import torch
from torch import nn
from torch.nn import functional

from captions import Bottleneck, TextEncoder


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
        projection_dim,
        encoder=None,
    ):
        super().__init__()
        if encoder:
            self.encoder = TextEncoder(**encoder, sentence_dim=sentence_dim)
        maps = width * image_size // 8
        self.project_text = nn.Linear(sentence_dim, projection_dim)
        self.project = nn.Linear(
            latent_dim + projection_dim, 16 * maps, bias=False
        )
        self.norm_4 = nn.BatchNorm2d(maps)
        self.block_4 = Bottleneck(maps)
        self.sizes = [2**n for n in range(3, image_size.bit_length() - 1)]
        for size in self.sizes:
            up = nn.ConvTranspose2d(maps, maps // 2, 4, 2, 1, bias=False)
            self.add_module(f"up_{size}", up)
            maps //= 2
            self.add_module(f"norm_{size}", nn.BatchNorm2d(maps))
            if size == 8:
                self.block_8 = Bottleneck(maps)
        self.to_image = nn.ConvTranspose2d(maps, channels, 4, 2, 1, bias=False)

    def forward(self, latents, text):
        vectors = text if torch.is_tensor(text) else self.encoder(text)
        text = functional.leaky_relu(self.project_text(vectors), 0.2)
        x = self.project(torch.cat([latents, text], dim=1))
        x = x.unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
        x = self.block_4(self.norm_4(x))
        for size in self.sizes:
            x = getattr(self, f"up_{size}")(x)
            x = getattr(self, f"norm_{size}")(x)
            x = self.block_8(x) if size == 8 else torch.relu(x)
        return torch.tanh(self.to_image(x))
