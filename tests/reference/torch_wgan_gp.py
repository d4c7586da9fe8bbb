"""WGAN-GP in PyTorch.

Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, 2017.
https://arxiv.org/abs/1704.00028

The critic has DCGAN's shape: 4x4 convolutions with stride 2 and padding 1,
the first to `width` maps, each next one to twice as many, until 4x4 pixels
remain, then one over all of these to a single score. All have a bias, as no
batch normalization follows. With `layer_norm=True` layer normalization
follows all but the first and the last: mean and variance of one image over
height, width and channels, one gain and one shift for each channel, epsilon
1e-5. The generator is DCGAN's (`torch_dcgan.Generator`).

Parameter names: `main.0.weight`, `main.0.bias`, ... . Layouts: images
(batch, channels, height, width), kernels (out, in, height, width).
"""

import torch
from torch import nn

from .torch_steps import descend


class Critic(nn.Module):
    """Images in [-1, 1] to raw scores (batch,)."""

    def __init__(self, image_size=64, channels=3, width=64, layer_norm=False):
        super().__init__()
        self.image_size = image_size
        self.layer_norm = layer_norm
        layers = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        maps, size = width, image_size // 2
        while size > 4:
            layers.append(nn.Conv2d(maps, maps * 2, 4, 2, 1))
            if layer_norm:
                # One group of all channels: layer normalization.
                layers.append(nn.GroupNorm(1, maps * 2))
            layers.append(nn.LeakyReLU(0.2))
            maps, size = maps * 2, size // 2
        layers.append(nn.Conv2d(maps, 1, 4, 1, 0))
        self.main = nn.Sequential(*layers)

    def forward(self, images):
        return self.main(images)[:, 0, 0, 0]

    def name_map(self):
        """Role to parameter name; the number is the height that comes out."""
        size = self.image_size // 2
        modules = {f"down_{size}": 0}
        norms = {}
        index = 2
        while size > 4:
            size //= 2
            modules[f"down_{size}"] = index
            if self.layer_norm:
                index += 1
                norms[f"norm_{size}"] = index
            index += 2
        modules["score"] = index
        names = {}
        for role, module in modules.items():
            names[f"{role}.kernel"] = f"main.{module}.weight"
            names[f"{role}.bias"] = f"main.{module}.bias"
        for role, module in norms.items():
            names[f"{role}.gamma"] = f"main.{module}.weight"
            names[f"{role}.beta"] = f"main.{module}.bias"
        return names


def optimizer(network, learning_rate=1e-4, epsilon=1e-8):
    """Adam of the paper's Algorithm 1; see the package's docstring."""
    return torch.optim.Adam(
        network.parameters(), learning_rate, betas=(0.0, 0.9), eps=epsilon
    )


def gradient_penalty(critic, real_images, fake_images, factors):
    """(gradient norm - 1)^2 of each image, not weighted, shape (batch,).

    Algorithm 1: the gradient is taken at factor * real + (1 - factor) * fake,
    with one factor (of U[0, 1], given from outside) for each image.
    """
    factors = factors.reshape(-1, 1, 1, 1)
    points = factors * real_images + (1.0 - factors) * fake_images
    points = points.detach().requires_grad_()
    (gradients,) = torch.autograd.grad(
        critic(points).sum(), points, create_graph=True
    )
    norms = (gradients**2).sum(dim=(1, 2, 3)).sqrt()
    return (norms - 1.0) ** 2


def critic_step(
    generator,
    critic,
    critic_optimizer,
    real_images,
    latents,
    factors,
    penalty_weight=10.0,
):
    """One step of the critic, lines 3 to 9 of Algorithm 1."""
    fake_images = generator(latents).detach()
    penalty = gradient_penalty(critic, real_images, fake_images, factors).mean()
    difference = critic(fake_images).mean() - critic(real_images).mean()
    loss = difference + penalty_weight * penalty
    descend(loss, critic.parameters(), critic_optimizer)
    return {
        "loss": loss.item(),
        "penalty": penalty.item(),
        "wasserstein": -difference.item(),
    }


def generator_step(generator, critic, generator_optimizer, latents):
    """One step of the generator, lines 11 and 12 of Algorithm 1."""
    loss = -critic(generator(latents)).mean()
    descend(loss, generator.parameters(), generator_optimizer)
    return {"loss": loss.item()}
