"""The generator of a conditional DCGAN in plain PyTorch.

Mirza and Osindero, 2014. https://arxiv.org/abs/1411.1784
"""

import torch
from torch import nn
from torch.nn import functional


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, and labels to images.

    Labels are integers `(n,)`. Every layer has them as feature maps, which are
    one for the class and else zero. Images are `(n, channels, height, width)`,
    in [-1, 1].
    """

    def __init__(self, image_size, channels, num_classes, width, latent_dim):
        super().__init__()
        shorter = min(image_size)
        height, wide = (4 * side // shorter for side in image_size)
        maps = width * shorter // 8
        self.num_classes = num_classes
        self.sizes = [2**n for n in range(3, shorter.bit_length() - 1)]
        self.first = (height, wide, maps)
        self.project = nn.Linear(
            latent_dim + num_classes, height * wide * maps, bias=False
        )
        self.norm_4 = nn.BatchNorm2d(maps)
        for size in self.sizes:
            joined = maps + num_classes
            up = nn.ConvTranspose2d(joined, maps // 2, 4, 2, 1, bias=False)
            self.add_module(f"up_{size}", up)
            self.add_module(f"norm_{size}", nn.BatchNorm2d(maps // 2))
            maps //= 2
        joined = maps + num_classes
        self.to_image = nn.ConvTranspose2d(
            joined, channels, 4, 2, 1, bias=False
        )

    def forward(self, latents, labels):
        code = functional.one_hot(labels.long(), self.num_classes)
        code = code.to(latents.dtype)

        def join(x):
            maps = code[:, :, None, None].expand(-1, -1, *x.shape[2:])
            return torch.cat([x, maps], dim=1)

        x = self.project(torch.cat([latents, code], dim=1))
        x = x.unflatten(1, self.first).permute(0, 3, 1, 2)
        x = torch.relu(self.norm_4(x))
        for size in self.sizes:
            x = getattr(self, f"up_{size}")(join(x))
            x = torch.relu(getattr(self, f"norm_{size}")(x))
        return torch.tanh(self.to_image(join(x)))
