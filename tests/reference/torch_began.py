"""BEGAN in PyTorch.

Berthelot, Schumm and Metz, 2017. https://arxiv.org/abs/1703.10717

All convolutions are 3x3 with ELU, but for the last of a decoder, which is
linear, like the dense layers on both sides of the hidden vector. Encoder: one
convolution to `width` feature maps; at the i-th of log2(image_size) - 2
levels, two to i times `width`, then one of stride 2 but at the last, 8x8.
Decoder: dense to 8x8 of `width` maps, then at each level two convolutions,
and nearest upsampling between levels. No normalization. Vanishing residuals
and skip connections are left out. The discriminator is an encoder and a
decoder, the generator another decoder.

A convolution of stride 2 pads as Keras' "same" does: nothing above and left
and one row or column of zeros below and right.

Layouts: images (batch, channels, height, width), kernels (out, in, height,
width), those of Linear (out, in). Dense layers see and give feature maps in
the order height, width, channels, as Keras does.
"""

import torch
from torch import nn
from torch.nn import functional

from .torch_names import names_of_layers


def sizes(image_size):
    """Heights of the levels, from 8 up."""
    found = [8]
    while found[-1] < image_size:
        found.append(2 * found[-1])
    return found


class Encoder(nn.Module):
    """Images to hidden vectors (batch, latent_dim)."""

    def __init__(self, image_size=64, channels=3, width=128, latent_dim=64):
        super().__init__()
        self.image = nn.Conv2d(channels, width, 3, 1, 1)
        maps_in = width
        for level, size in enumerate(reversed(sizes(image_size)), 1):
            maps = width * level
            self.add_module(f"conv_{size}_1", nn.Conv2d(maps_in, maps, 3, 1, 1))
            self.add_module(f"conv_{size}_2", nn.Conv2d(maps, maps, 3, 1, 1))
            if size > 8:
                self.add_module(f"down_{size}", nn.Conv2d(maps, maps, 3, 2, 0))
            maps_in = maps
        self.hidden = nn.Linear(8 * 8 * maps, latent_dim)

    def forward(self, x):
        for name, layer in self.named_children():
            if name == "hidden":
                return layer(x.permute(0, 2, 3, 1).flatten(1))
            if name.startswith("down"):
                x = functional.pad(x, (0, 1, 0, 1))
            x = functional.elu(layer(x))


class Decoder(nn.Module):
    """Hidden vectors (batch, latent_dim) to images."""

    def __init__(self, image_size=64, channels=3, width=128, latent_dim=64):
        super().__init__()
        self.width = width
        self.dense = nn.Linear(latent_dim, 8 * 8 * width)
        for size in sizes(image_size):
            for index in (1, 2):
                self.add_module(
                    f"conv_{size}_{index}", nn.Conv2d(width, width, 3, 1, 1)
                )
        self.image = nn.Conv2d(width, channels, 3, 1, 1)

    def forward(self, x):
        x = self.dense(x).reshape(-1, 8, 8, self.width).permute(0, 3, 1, 2)
        for name, layer in self.named_children():
            if name.startswith("conv"):
                if name.endswith("_1") and name != "conv_8_1":
                    x = functional.interpolate(x, scale_factor=2)
                x = functional.elu(layer(x))
        return self.image(x)

    def name_map(self):
        """Role to parameter name; the number is the height of the level."""
        return names_of_layers(self)


class Generator(Decoder):
    """Latents of U(-1, 1), (batch, latent_dim), to images."""


class Discriminator(nn.Module):
    """Images to reconstructed images."""

    def __init__(self, image_size=64, channels=3, width=128, latent_dim=64):
        super().__init__()
        self.encoder = Encoder(image_size, channels, width, latent_dim)
        self.decoder = Decoder(image_size, channels, width, latent_dim)

    def forward(self, images):
        return self.decoder(self.encoder(images))

    def name_map(self):
        """Role to parameter name; first the encoder, then the decoder."""
        return names_of_layers(self)


def optimizer(network, learning_rate=8e-5, beta_1=0.9, epsilon=1e-8):
    """Adam; the public code's rate."""
    return torch.optim.Adam(
        network.parameters(), learning_rate, (beta_1, 0.999), epsilon
    )


def reconstruction_loss(discriminator, images):
    """L of the paper with exponent 1: mean |v - D(v)| over everything."""
    return (images - discriminator(images)).abs().mean()


def next_k(k, real_loss, fake_loss, gamma=0.5, k_rate=0.001):
    """The weight of the fake images' loss in the next step."""
    return min(max(k + k_rate * (gamma * real_loss - fake_loss), 0.0), 1.0)


def convergence(real_loss, fake_loss, gamma=0.5):
    """The paper's global measure of convergence, M."""
    return real_loss + abs(gamma * real_loss - fake_loss)


def train_step(
    generator,
    discriminator,
    generator_optimizer,
    discriminator_optimizer,
    real_images,
    discriminator_latents,
    generator_latents,
    k,
    gamma=0.5,
    k_rate=0.001,
    alternating=False,
):
    """One step of both networks and of k.

    The paper samples latents for each network, the public code shares them:
    pass these twice. Both gradients are taken before either network changes,
    unless `alternating`: then the generator's comes after the discriminator's
    step, and so does the loss that k and M take.

    Returns:
        The losses, M as `convergence` and the next `k`.
    """
    fake_images = generator(discriminator_latents).detach()
    real_loss = reconstruction_loss(discriminator, real_images)
    fake_loss = reconstruction_loss(discriminator, fake_images)
    d_loss = real_loss - k * fake_loss
    d_gradients = torch.autograd.grad(d_loss, list(discriminator.parameters()))
    if alternating:
        apply(discriminator_optimizer, discriminator, d_gradients)
    g_loss = reconstruction_loss(discriminator, generator(generator_latents))
    g_gradients = torch.autograd.grad(g_loss, list(generator.parameters()))
    if not alternating:
        apply(discriminator_optimizer, discriminator, d_gradients)
    apply(generator_optimizer, generator, g_gradients)
    real, fake = real_loss.item(), g_loss.item()
    return {
        "d_loss": d_loss.item(),
        "g_loss": fake,
        "real_loss": real,
        "fake_loss": fake_loss.item(),
        "convergence": convergence(real, fake, gamma),
        "k": next_k(k, real, fake, gamma, k_rate),
    }


def apply(optimizer, network, gradients):
    """One step; the gradients stay in `.grad`."""
    for parameter, gradient in zip(
        network.parameters(), gradients, strict=True
    ):
        parameter.grad = gradient
    optimizer.step()
