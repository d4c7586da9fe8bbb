"""WGAN: the mirror with weight clipping, on DCGAN's networks.

Arjovsky, Chintala and Bottou, 2017. https://arxiv.org/abs/1701.07875

As in kerasgan/models/wgan.py the generator waits while the critic takes 100
steps before each of the first 25 updates and before every 500th: its step is
taken and, where it was not due, undone, because a captured step has no
branches.
"""

import torch

from scripts.twins import Average, Base, descend, detached, rmsprop, to_device
from tests.reference import torch_wgan
from tests.support import names


class Twin(Base):
    recipe = "wgan_fashion_mnist_32"
    data = "fashion_mnist"
    critic_steps = 5
    batch_size = 32 * critic_steps
    values = staticmethod(names.dcgan)

    def __init__(
        self,
        device,
        total_images,
        width=48,
        image_size=32,
        rate=2e-4,
        long_steps=100,
    ):
        self.device = device
        self.long_steps = long_steps
        self.generator, self.discriminator = to_device(
            device,
            torch_wgan.Generator(image_size, 1, width),
            torch_wgan.Critic(image_size, 1, width),
        )
        self.generator_optimizer = rmsprop(self.generator, rate)
        self.discriminator_optimizer = rmsprop(self.discriminator, rate)
        self.average = Average(self.generator)
        self.critic_updates = torch.zeros((), device=device)
        # A step of zero gradients makes the optimizer's state and leaves the
        # weights: `generator_state` can then name it before the first step.
        for parameter in self.generator.parameters():
            parameter.grad = torch.zeros_like(parameter)
        self.generator_optimizer.step()

    def sample_latents(self, count):
        return torch.randn(count, 100, device=self.device)

    def step(self, images, labels):
        generator, critic = self.generator, self.discriminator
        for start in range(self.critic_steps):
            share = images[start :: self.critic_steps]
            fakes = generator(self.sample_latents(len(share))).detach()
            d_loss = critic(fakes).mean() - critic(share).mean()
            descend(d_loss, self.discriminator_optimizer)
            torch_wgan.clip(critic)
            self.critic_updates += 1.0

        is_due = self.generator_is_due()
        state = self.generator_state()
        before = [tensor.detach().clone() for tensor in state]
        latents = self.sample_latents(len(share))
        g_loss = -critic(generator(latents)).mean()
        descend(g_loss, self.generator_optimizer)
        self.average.follow(generator, latents)
        with torch.no_grad():
            for tensor, old in zip(state, before, strict=True):
                tensor.copy_(torch.where(is_due, tensor, old))
        return detached(d_loss=d_loss, g_loss=g_loss, wasserstein=-d_loss)

    def generator_is_due(self):
        """Returns whether the critic has taken the steps before an update."""
        update = self.average.steps
        long_phases = torch.clamp(update + 1.0, max=25.0) + torch.floor(
            update / 500.0
        )
        short_phases = update + 1.0 - long_phases
        needed = self.long_steps * long_phases + (
            self.critic_steps * short_phases
        )
        return self.critic_updates >= needed

    def generator_state(self):
        """Returns all tensors that an update of the generator changes."""
        parameters = list(self.generator.parameters())
        squares = self.generator_optimizer.state
        return [
            *parameters,
            *(squares[parameter]["square_avg"] for parameter in parameters),
            *self.average.tensors(),
        ]
