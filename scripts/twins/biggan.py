"""BigGAN on Fashion-MNIST at 32x32, for scripts/train_in_pytorch.py.

The authors' settings for CIFAR-10 (batches of 50, here 64; four steps of the
discriminator; Adam 2e-4, moments 0 and 0.999; no attention) with what makes
BigGAN: shared embedding, hierarchical latents, orthogonal initialization.
Half of the width. The run is short: rates fall to zero over its second half
and the average is over thousands of steps, not ten thousands.
"""

import torch

from scripts.twins._updates import CLASSES, Updates
from tests.reference import torch_biggan as biggan


class Twin(Updates):
    recipe = "biggan_fashion_mnist_32"
    data = "fashion_mnist"
    batch_size = 256

    def __init__(
        self,
        device,
        total_images,
        batch=64,
        critic_steps=4,
        generator_width=32,
        discriminator_width=32,
        latent_dim=128,
        shared_dim=128,
        attention=0,
        generator_rate=2e-4,
        discriminator_rate=2e-4,
        decay_from=0.5,
        average_decay=0.999,
        average_from=1000,
        standing_batches=64,
        standing_batch=256,
        orthogonal_strength=0.0,
    ):
        self.device = torch.device(device)
        self.total_images = float(total_images)
        self.batch, self.critic_steps = int(batch), int(critic_steps)
        self.batch_size = self.batch * self.critic_steps
        self.decay_from = float(decay_from)
        self.average_decay = float(average_decay)
        self.average_from = float(average_from)
        self.standing_batches = int(standing_batches)
        self.standing_batch = int(standing_batch)
        self.strength = float(orthogonal_strength)
        self.start(
            biggan.Generator(
                32,
                1,
                int(generator_width),
                CLASSES,
                int(latent_dim),
                int(shared_dim),
                attention=int(attention),
            ),
            biggan.Discriminator(
                32,
                1,
                int(discriminator_width),
                CLASSES,
                attention=int(attention),
            ),
            (0.0, 0.999),
            (float(generator_rate), float(discriminator_rate)),
        )

    def set_gradients(self, loss, network):
        super().set_gradients(loss, network)
        if self.strength:
            for weight in biggan.regularized(network):
                weight.grad += biggan.orthogonal_gradient(weight, self.strength)

    def step(self, images, labels):
        self.set_rates()
        generator_optimizer, discriminator_optimizer = self.optimizers
        for real_images, real_labels in zip(
            images.split(self.batch), labels.split(self.batch), strict=True
        ):
            d_loss = biggan.discriminator_loss(
                self.call_generator,
                self.call_discriminator,
                real_images,
                real_labels,
                *self.sample(self.batch),
            )
            self.descend(d_loss, self.discriminator, discriminator_optimizer)
        g_loss = biggan.generator_loss(
            self.call_generator,
            self.call_discriminator,
            *self.sample(self.batch),
        )
        self.descend(g_loss, self.generator, generator_optimizer)
        self.update_average()
        return {"d_loss": d_loss.detach(), "g_loss": g_loss.detach()}
