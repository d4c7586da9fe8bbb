"""LSGAN: the mirror of DCGAN with least squares.

Mao et al., 2017, equation 9. https://arxiv.org/abs/1611.04076
"""

import torch

from scripts.twins import Average, Base, adam, descend, detached, to_device
from tests.reference import torch_dcgan
from tests.reference.torch_steps import squared_error
from tests.support import names


class Twin(Base):
    recipe = "lsgan_fashion_mnist_32"
    data = "fashion_mnist"
    batch_size = 64
    values = staticmethod(names.dcgan)

    def __init__(
        self, device, total_images, width=64, image_size=32, rate=2e-4
    ):
        self.device = device
        self.generator, self.discriminator = to_device(
            device,
            torch_dcgan.Generator(image_size, 1, width),
            torch_dcgan.Discriminator(image_size, 1, width),
        )
        self.falling = [
            adam(network, rate, betas=(0.5, 0.999))
            for network in (self.generator, self.discriminator)
        ]
        self.average = Average(self.generator)

    def sample_latents(self, count):
        return torch.randn(count, 100, device=self.device)

    def step(self, images, labels):
        generator, discriminator = self.generator, self.discriminator
        generator_optimizer, discriminator_optimizer = self.falling
        latents = self.sample_latents(len(images))
        fakes = generator(latents)
        # Two passes, so that batch statistics never mix real and fake.
        d_loss = 0.5 * squared_error(discriminator(images), 1.0)
        d_loss += 0.5 * squared_error(discriminator(fakes.detach()), 0.0)
        descend(d_loss, discriminator_optimizer)

        g_loss = 0.5 * squared_error(discriminator(fakes), 1.0)
        descend(g_loss, generator_optimizer)
        self.average.follow(generator, latents)
        return detached(d_loss=d_loss, g_loss=g_loss)
