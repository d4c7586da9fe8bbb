"""InfoGAN: the mirror, with the paper's codes for MNIST.

Chen et al., 2016. https://arxiv.org/abs/1606.03657
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
from tests.reference import torch_infogan
from tests.reference.torch_steps import cross_entropy
from tests.support import names

CATEGORIES, CONTINUOUS, NOISE = 10, 2, 62


class Twin(Base):
    recipe = "infogan_fashion_mnist_32"
    data = "fashion_mnist"
    batch_size = 128

    def __init__(
        self,
        device,
        total_images,
        width=48,
        dense_width=104,
        image_size=32,
        generator_rate=1e-3,
        discriminator_rate=1e-4,
    ):
        self.device = device
        latent_dim = NOISE + CATEGORIES + CONTINUOUS
        self.generator, self.discriminator = to_device(
            device,
            torch_infogan.Generator(image_size, width, dense_width, latent_dim),
            torch_infogan.Discriminator(
                image_size,
                width,
                dense_width,
                max(dense_width // 8, 1),
                CATEGORIES,
                CONTINUOUS,
            ),
        )
        rates = generator_rate, discriminator_rate
        networks = self.generator, self.discriminator
        for network in networks:
            first_weights(network)
        self.falling = [
            adam(network, rate, betas=(0.5, 0.999))
            for network, rate in zip(networks, rates, strict=True)
        ]
        self.average = Average(self.generator)

    def sample_latents(self, count):
        """Returns noise, one-hot categories and continuous codes."""
        numbers = torch.randint(CATEGORIES, (count, 1), device=self.device)
        categories = torch.zeros(count, CATEGORIES, device=self.device)
        return (
            uniform(count, NOISE, self.device),
            categories.scatter_(1, numbers, 1.0),
            uniform(count, CONTINUOUS, self.device),
        )

    def step(self, images, labels):
        generator, discriminator = self.generator, self.discriminator
        generator_optimizer, discriminator_optimizer = self.falling
        latents = self.sample_latents(len(images))
        fakes = generator(torch.cat(latents, dim=1)).detach()
        # The mirror's pixels are from 0 to 1. Q sees fakes alone.
        real_features = discriminator.trunk(0.5 * images + 0.5)
        real_scores = discriminator.scores(real_features)
        fake_scores, outputs = discriminator(fakes)
        d_loss = cross_entropy(real_scores, 1.0)
        d_loss += cross_entropy(fake_scores, 0.0)
        bounds = information(outputs, latents)
        descend(
            d_loss - sum(bounds),
            discriminator_optimizer,
        )

        latents = self.sample_latents(len(images))
        joined = torch.cat(latents, dim=1)
        fake_scores, outputs = discriminator(generator(joined))
        g_loss = cross_entropy(fake_scores, 1.0)
        bounds = information(outputs, latents)
        descend(g_loss - sum(bounds), generator_optimizer)
        self.average.follow(generator, joined)
        return detached(
            d_loss=d_loss,
            g_loss=g_loss,
            categorical_mi=bounds[0],
            continuous_mi=bounds[1],
        )

    def values(self, mirror):
        return names.infogan(mirror, CATEGORIES)


def information(outputs, latents):
    """Returns the means of both bounds on the mutual information."""
    _, categorical, continuous = latents
    bounds = torch_infogan.mutual_information(outputs, categorical, continuous)
    return [bound.mean() for bound in bounds]


def first_weights(network):
    """Initializes as kerasgan and the authors do: N(0, 0.02), biases 0."""
    norms = torch.nn.modules.batchnorm._BatchNorm
    for module in network.modules():
        if getattr(module, "weight", None) is not None:
            mean = 1.0 if isinstance(module, norms) else 0.0
            torch.nn.init.normal_(module.weight, mean, 0.02)
            torch.nn.init.zeros_(module.bias)
