"""The generator of the improved GAN, of dense layers, in plain PyTorch.

Salimans et al., 2016. https://arxiv.org/abs/1606.03498
"""

import math

import torch
from torch import nn
from torch.nn import functional


class WeightNormLinear(nn.Module):
    """A linear layer whose weight vectors are divided by their lengths."""

    def __init__(self, inputs, units):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(units, inputs))
        self.gain = nn.Parameter(torch.ones(units))
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, x):
        squared = self.weight.square().sum(dim=1, keepdim=True)
        weight = self.weight * (squared + 1e-6).rsqrt() * self.gain[:, None]
        return functional.linear(x, weight, self.bias)


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, as in training, to images.

    Images are `(n, channels, height, width)`, in [-1, 1].
    """

    def __init__(self, image_shape, units, latent_dim):
        super().__init__()
        self.image_shape = image_shape
        self.numbers = range(1, len(units) + 1)
        for number, outputs in enumerate(units, 1):
            dense = nn.Linear(latent_dim, outputs, bias=False)
            norm = nn.BatchNorm1d(outputs, eps=1e-6, affine=False)
            self.add_module(f"dense_{number}", dense)
            self.add_module(f"norm_{number}", norm)
            bias = nn.Parameter(torch.zeros(outputs))
            self.register_parameter(f"bias_{number}", bias)
            latent_dim = outputs
        self.to_image = WeightNormLinear(units[-1], math.prod(image_shape))

    def forward(self, latents):
        x = latents
        for number in self.numbers:
            x = getattr(self, f"dense_{number}")(x)
            x = getattr(self, f"norm_{number}")(x)
            x = functional.softplus(x + getattr(self, f"bias_{number}"))
        x = 2.0 * torch.sigmoid(self.to_image(x)) - 1.0
        return x.unflatten(1, self.image_shape).permute(0, 3, 1, 2)
