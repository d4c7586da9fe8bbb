"""BEGAN: the mirror, whose weight k is a tensor here.

Berthelot, Schumm and Metz, 2017. https://arxiv.org/abs/1703.10717

The order of updates is that of kerasgan/models/began.py.
"""

import torch

from scripts.twins import (
    Average,
    Base,
    adam,
    descend,
    detached,
    to_device,
    uniform,
)
from tests.reference import torch_began
from tests.reference.torch_began import reconstruction_loss
from tests.support import names, parity


class Balance(torch.nn.Module):
    """k, and what halves the learning rates: the mean of M of each epoch."""

    def __init__(self):
        super().__init__()
        for name, value in (
            ("k", 0.0),
            ("lowest", 1e4),
            ("stalled", 0.0),
            ("sum", 0.0),
            ("count", 0.0),
        ):
            self.register_buffer(name, torch.tensor(value))


class Twin(Base):
    recipe = "began_personas_64"
    data = "personas"
    batch_size = 64
    values = staticmethod(names.began)

    def __init__(
        self,
        device,
        total_images,
        width=16,
        image_size=64,
        rate=1e-3,
        balance_rate=0.01,
        diversity_ratio=0.5,
        patience=3,
    ):
        self.device = device
        self.balance_rate = balance_rate
        self.diversity_ratio = diversity_ratio
        self.patience = patience
        self.generator, self.discriminator = to_device(
            device,
            torch_began.Generator(image_size, 3, width),
            torch_began.Discriminator(image_size, 3, width),
        )
        networks = self.generator, self.discriminator
        for network in networks:
            first_weights(network)
        self.optimizers = [
            adam(network, rate, betas=(0.9, 0.999)) for network in networks
        ]
        self.average = Average(self.generator)
        self.balance = Balance().to(device)

    def networks(self):
        return {**super().networks(), "balance": self.balance}

    def sample_latents(self, count):
        return uniform(count, 64, self.device)

    def step(self, images, labels):
        generator, discriminator = self.generator, self.discriminator
        generator_optimizer, discriminator_optimizer = self.optimizers
        balance = self.balance
        fakes = generator(self.sample_latents(len(images))).detach()
        real_loss = reconstruction_loss(discriminator, images)
        fake_loss = reconstruction_loss(discriminator, fakes)
        d_loss = real_loss - balance.k * fake_loss
        descend(d_loss, discriminator_optimizer)

        latents = self.sample_latents(len(images))
        g_loss = reconstruction_loss(discriminator, generator(latents))
        descend(g_loss, generator_optimizer)
        self.average.follow(generator, latents)

        with torch.no_grad():
            difference = self.diversity_ratio * real_loss - g_loss
            convergence = real_loss + torch.abs(difference)
            k = balance.k + self.balance_rate * difference
            balance.k.copy_(torch.clamp(k, 0.0, 1.0))
            balance.sum += convergence
            balance.count += 1.0
        return detached(
            d_loss=d_loss,
            g_loss=g_loss,
            convergence=convergence,
            balance=balance.k.clone(),
        )

    @torch.no_grad()
    def end_epoch(self):
        """Halves both rates after `patience` epochs without a lower mean."""
        balance = self.balance
        if not self.patience:
            return
        mean = balance.sum / balance.count
        is_lower = mean < balance.lowest
        balance.lowest.copy_(torch.where(is_lower, mean, balance.lowest))
        stalled = torch.where(is_lower, 0.0, balance.stalled + 1.0)
        factor = torch.where(stalled < self.patience, 1.0, 0.5)
        balance.stalled.copy_(stalled % self.patience)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"].mul_(factor)
        balance.sum.zero_()
        balance.count.zero_()

    def give(self, gan):
        for name, network in super().networks().items():
            parity.give(self.values(network), getattr(gan, name))
        gan.balance.assign(float(self.balance.k))
        gan.lowest.assign(float(self.balance.lowest))
        gan.stalled.assign(float(self.balance.stalled))


def first_weights(network):
    """Initializes as kerasgan does: Glorot's uniform kernels, biases 0."""
    for module in network.modules():
        if getattr(module, "weight", None) is not None:
            torch.nn.init.xavier_uniform_(module.weight)
            torch.nn.init.zeros_(module.bias)
