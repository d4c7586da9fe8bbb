"""SNGAN with projection on Fashion-MNIST at 32x32.

For scripts/train_in_pytorch.py. The authors' settings for CIFAR-10 (batches of
64, of 128 for the generator; five steps of the discriminator; Adam 2e-4,
moments 0 and 0.9, rates that fall to zero from the start) with half of the
generator's width. Differences: no noise on the grey levels, and an average of
the generator.
"""

import torch

from scripts.twins._updates import CLASSES, Updates
from tests.reference import torch_sngan as sngan


class Twin(Updates):
    recipe = "sngan_fashion_mnist_32"
    data = "fashion_mnist"
    batch_size = 320

    def __init__(
        self,
        device,
        total_images,
        batch=64,
        generator_batch=128,
        critic_steps=5,
        generator_width=128,
        discriminator_width=128,
        latent_dim=128,
        generator_rate=2e-4,
        discriminator_rate=2e-4,
        decay_from=0.0,
        average_decay=0.999,
        average_from=1000,
        standing_batches=64,
        standing_batch=256,
    ):
        self.device = torch.device(device)
        self.total_images = float(total_images)
        self.batch, self.critic_steps = int(batch), int(critic_steps)
        self.batch_size = self.batch * self.critic_steps
        self.generator_batch = int(generator_batch)
        self.decay_from = float(decay_from)
        self.average_decay = float(average_decay)
        self.average_from = float(average_from)
        self.standing_batches = int(standing_batches)
        self.standing_batch = int(standing_batch)
        self.start(
            sngan.Generator(
                32, 1, int(generator_width), CLASSES, int(latent_dim)
            ),
            sngan.Discriminator(32, 1, int(discriminator_width), CLASSES),
            (0.0, 0.9),
            (float(generator_rate), float(discriminator_rate)),
        )

    def step(self, images, labels):
        self.set_rates()
        generator_optimizer, discriminator_optimizer = self.optimizers
        g_loss = sngan.generator_loss(
            self.call_generator,
            self.call_discriminator,
            *self.sample(self.generator_batch),
        )
        self.descend(g_loss, self.generator, generator_optimizer)
        for real_images, real_labels in zip(
            images.split(self.batch), labels.split(self.batch), strict=True
        ):
            d_loss = sngan.discriminator_loss(
                self.call_generator,
                self.call_discriminator,
                real_images,
                real_labels,
                *self.sample(self.batch),
            )
            self.descend(d_loss, self.discriminator, discriminator_optimizer)
        self.update_average()
        return {"d_loss": d_loss.detach(), "g_loss": g_loss.detach()}
