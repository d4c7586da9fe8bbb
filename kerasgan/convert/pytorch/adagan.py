"""The mixture of generators of AdaGAN in plain PyTorch.

Tolstikhin et al., 2017. https://arxiv.org/abs/1701.02386
"""

import torch
from torch import nn

from component import Generator as Component


class Generator(nn.Module):
    """The latents of a component, and a number in [0, 1), to its sample.

    The number, last in each row, selects the component.
    """

    def __init__(self, components, component):
        super().__init__()
        self.components = nn.ModuleList(
            Component(**component) for _ in range(components)
        )
        self.register_buffer("shares", torch.ones(components) / components)

    def forward(self, latents):
        latents, chance = latents[:, :-1], latents[:, -1:]
        # The share of each component and of all after it.
        sums = self.shares.flip(0).cumsum(0).flip(0)
        selected = (chance * sums[0] < sums[1:]).sum(dim=1)
        samples = torch.stack([c(latents) for c in self.components])
        return samples[selected, torch.arange(len(latents))]
