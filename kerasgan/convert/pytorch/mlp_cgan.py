"""The generator of the first conditional GAN, of dense layers, in PyTorch.

Mirza and Osindero, 2014. https://arxiv.org/abs/1411.1784
"""

import math

import torch
from torch import nn
from torch.nn import functional


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, uniform in [0, 1), and labels to images.

    Labels are integers `(n,)`. Images are `(n, channels, height, width)`, in
    [-1, 1].
    """

    def __init__(self, image_shape, num_classes, latent_dim):
        super().__init__()
        self.image_shape, self.num_classes = image_shape, num_classes
        self.from_latents = nn.Linear(latent_dim, 200)
        self.from_label = nn.Linear(num_classes, 1000)
        self.joint = nn.Linear(1200, 1200)
        self.to_image = nn.Linear(1200, math.prod(image_shape))

    def forward(self, latents, labels):
        code = functional.one_hot(labels.long(), self.num_classes)
        parts = [self.from_latents(latents), self.from_label(code.float())]
        x = torch.relu(self.joint(torch.relu(torch.cat(parts, dim=1))))
        x = 2.0 * torch.sigmoid(self.to_image(x)) - 1.0
        return x.unflatten(1, self.image_shape).permute(0, 3, 1, 2)
