"""WGAN with weight clipping in PyTorch.

Arjovsky, Chintala and Bottou, 2017. https://arxiv.org/abs/1701.07875

Generator and critic are DCGAN's (torch_dcgan.py) with batch normalization in
both and no sigmoid: `Generator` and `Critic`. The paper's ablation has
perceptrons of three hidden ReLU layers, with biases and a linear output.

Signs are the paper's: the critic is high on real images. The authors' code
has them the other way around in both losses.

Layouts: images (batch, channels, height, width), kernels (out, in, height,
width), those of Linear (out, in). The perceptrons flatten an image in the
order height, width, channels, as Keras does. Scores are raw, (batch,).
"""

import torch
from torch import nn

from . import torch_dcgan
from .torch_names import names_of_layers
from .torch_steps import descend

Generator = torch_dcgan.Generator
Critic = torch_dcgan.Discriminator


class Perceptron(nn.Module):
    """Three hidden ReLU layers and a linear one, from vectors to vectors."""

    def __init__(self, units_in, units, units_out):
        super().__init__()
        self.hidden_1 = nn.Linear(units_in, units)
        self.hidden_2 = nn.Linear(units, units)
        self.hidden_3 = nn.Linear(units, units)
        self.out = nn.Linear(units, units_out)

    def forward(self, x):
        for layer in (self.hidden_1, self.hidden_2, self.hidden_3):
            x = torch.relu(layer(x))
        return self.out(x)

    def name_map(self):
        """Role to parameter name."""
        return names_of_layers(self)


class PerceptronGenerator(Perceptron):
    """Latents (batch, latent_dim) to images without bounds."""

    def __init__(self, image_size=64, channels=3, units=512, latent_dim=100):
        super().__init__(latent_dim, units, image_size**2 * channels)
        self.shape = (image_size, image_size, channels)

    def forward(self, latents):
        images = super().forward(latents)
        return images.reshape(-1, *self.shape).permute(0, 3, 1, 2)


class PerceptronCritic(Perceptron):
    """Images to raw scores (batch,)."""

    def __init__(self, image_size=64, channels=3, units=512):
        super().__init__(image_size**2 * channels, units, 1)

    def forward(self, images):
        return super().forward(images.permute(0, 2, 3, 1).flatten(1))[:, 0]


def optimizer(network, learning_rate=5e-5, epsilon=1e-8):
    """RMSprop; epsilon is added to the root.

    Keras adds it to the mean square instead: there it has to be the square of
    this one, and rho 0.99.
    """
    return torch.optim.RMSprop(
        network.parameters(), learning_rate, alpha=0.99, eps=epsilon
    )


def clip(network, limit=0.01):
    """Clips all weights: gains and shifts of normalizations, too."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.clamp_(-limit, limit)


def critic_step(
    generator, critic, critic_optimizer, real_images, latents, limit=0.01
):
    """One step of the critic, lines 3 to 7 of Algorithm 1.

    Real and fake images are two batches for the critic's normalizations.
    Clipping comes after the step, as in the paper; the authors' code clips
    before it.
    """
    fake_images = generator(latents).detach()
    loss = critic(fake_images).mean() - critic(real_images).mean()
    descend(loss, critic.parameters(), critic_optimizer)
    clip(critic, limit)
    return {"loss": loss.item(), "wasserstein": -loss.item()}


def generator_step(generator, critic, generator_optimizer, latents):
    """One step of the generator, lines 9 to 11 of Algorithm 1."""
    loss = -critic(generator(latents)).mean()
    descend(loss, generator.parameters(), generator_optimizer)
    return {"loss": loss.item()}


def critic_steps(generator_steps, n_critic=5):
    """How often the authors' code trains the critic before a generator step.

    Args:
        generator_steps: How many steps the generator has taken so far.
        n_critic: How often at most other times.
    """
    if generator_steps < 25 or generator_steps % 500 == 0:
        return 100
    return n_critic
