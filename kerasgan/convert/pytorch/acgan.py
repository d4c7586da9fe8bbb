"""The generator of an auxiliary classifier GAN in plain PyTorch.

Odena, Olah and Shlens, 2017. https://arxiv.org/abs/1610.09585
"""

import torch
from torch import nn
from torch.nn import functional


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, and labels to images.

    Labels are integers `(n,)`. Images are `(n, channels, height, width)`, in
    [-1, 1].
    """

    def __init__(self, image_size, channels, num_classes, width, latent_dim):
        super().__init__()
        shorter = min(image_size)
        height, wide = (4 * side // shorter for side in image_size)
        self.num_classes = num_classes
        self.sizes = [2**n for n in range(3, shorter.bit_length() - 1)]
        self.first = (height, wide, width)
        self.project = nn.Linear(
            latent_dim + num_classes, height * wide * width
        )
        for size in self.sizes:
            maps = max(width // 2, 1)
            up = nn.ConvTranspose2d(width, maps, 5, 2, 1, bias=False)
            self.add_module(f"up_{size}", up)
            self.add_module(f"norm_{size}", nn.BatchNorm2d(maps))
            width = maps
        self.to_image = nn.ConvTranspose2d(width, channels, 5, 2, 1)

    def forward(self, latents, labels):
        code = functional.one_hot(labels.long(), self.num_classes)
        x = self.project(torch.cat([latents, code.to(latents.dtype)], dim=1))
        x = torch.relu(x).unflatten(1, self.first).permute(0, 3, 1, 2)
        # A kernel of 5 leaves a row and a column too many, the last ones.
        for size in self.sizes:
            x = getattr(self, f"up_{size}")(x)[:, :, :-1, :-1]
            x = torch.relu(getattr(self, f"norm_{size}")(x))
        return torch.tanh(self.to_image(x)[:, :, :-1, :-1])
