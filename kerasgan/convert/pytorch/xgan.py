"""An autoencoder of XGAN, from one domain to the other, in plain PyTorch.

Royer et al., 2017. https://arxiv.org/abs/1711.05139
"""

import torch
from torch import nn
from torch.nn import functional


def down(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)


def up(inputs, outputs):
    return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)


def norm(maps):
    return nn.InstanceNorm2d(maps, affine=True)


class Generator(nn.Module):
    """Images of one domain to images of the other.

    Images are `(n, channels, image_size, image_size)`, in [-1, 1].
    """

    def __init__(self, image_size, channels, width, embedding_dim):
        super().__init__()
        side = image_size // 16
        self.first = (side, side, 16 * width)
        maps = [channels, width, 2 * width, 4 * width, 8 * width]
        for n in (1, 2, 3, 4):
            self.add_module(f"down_{n}", down(maps[n - 1], maps[n]))
            self.add_module(f"norm_down_{n}", norm(maps[n]))
        values = side * side * maps[4]
        self.dense = nn.Linear(values, embedding_dim, bias=False)
        self.embedding = nn.Linear(embedding_dim, embedding_dim, bias=False)
        self.project = nn.Linear(embedding_dim, 2 * values, bias=False)
        self.norm_project = norm(2 * maps[4])
        for n in (1, 2, 3):
            self.add_module(f"up_{n}", up(2 * maps[5 - n], maps[5 - n]))
            self.add_module(f"norm_up_{n}", norm(maps[5 - n]))
        self.to_image = up(2 * width, channels)

    def forward(self, images):
        x = images
        for n in (1, 2, 3, 4):
            x = getattr(self, f"norm_down_{n}")(getattr(self, f"down_{n}")(x))
            x = functional.leaky_relu(x, 0.2)
        x = self.dense(x.permute(0, 2, 3, 1).flatten(1))
        x = self.embedding(functional.leaky_relu(x, 0.2))
        x = self.project(torch.relu(x)).unflatten(1, self.first)
        x = torch.relu(self.norm_project(x.permute(0, 3, 1, 2)))
        for n in (1, 2, 3):
            x = getattr(self, f"norm_up_{n}")(getattr(self, f"up_{n}")(x))
            x = torch.relu(x)
        return torch.tanh(self.to_image(x))
