"""SNGAN with the projection discriminator in PyTorch.

Miyato, Kataoka, Koyama and Yoshida, 2018. https://arxiv.org/abs/1802.05957
Miyato and Koyama, 2018. https://arxiv.org/abs/1802.05637

The residual networks of the authors' code, for 32, 64 and 128 pixels. The
hidden width of a generator's block is its output's, of a discriminator's its
input's. With `classes` the generator has conditional batch normalization (but
for its last, which has one gain and bias for all) and the discriminator adds
the product of its features with the embedded class; without, neither.

Features are summed over height and width, not averaged as a comment in the
authors' code says. At 32 pixels the last layer has no bias.

Every forward pass of the discriminator in training mode takes one power
iteration: those of the real and of the fake images are two passes.
"""

import torch
from torch import nn
from torch.nn import functional

from . import torch_spectral as spectral
from .torch_steps import descend

GENERATOR_WIDTHS = {
    32: (1, 1, 1, 1),
    64: (16, 8, 4, 2, 1),
    128: (16, 16, 8, 4, 2, 1),
}
DISCRIMINATOR_WIDTHS = {
    32: (1, 1, 1, 1),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
}
# The first blocks halve height and width.
HALVED = {32: 2, 64: 5, 128: 5}
EPSILON = 2e-5


class ConditionalBatchNorm(nn.Module):
    """A gain (first 1) and a bias (first 0) of each channel and class."""

    def __init__(self, channels, classes):
        super().__init__()
        self.norm = spectral.Statistics(channels, EPSILON)
        self.gain = spectral.Embedding(classes, channels)
        self.bias = spectral.Embedding(classes, channels)

    def forward(self, x, labels):
        x = self.norm(x)
        return spectral.modulated(x, self.gain(labels), self.bias(labels))


class PlainBatchNorm(spectral.BatchNorm):
    """The same for all classes."""

    def __init__(self, channels, classes=None):
        super().__init__(channels, EPSILON)

    def forward(self, x, labels=None):
        return super().forward(x)


class GeneratorBlock(nn.Module):
    def __init__(self, maps_in, maps, classes):
        super().__init__()
        norm = PlainBatchNorm if classes is None else ConditionalBatchNorm
        self.norm_1 = norm(maps_in, classes)
        self.conv_1 = spectral.Conv2d(maps_in, maps, 3, 1, 1)
        self.norm_2 = norm(maps, classes)
        self.conv_2 = spectral.Conv2d(maps, maps, 3, 1, 1)
        self.shortcut = spectral.Conv2d(maps_in, maps, 1)

    def forward(self, x, labels):
        y = torch.relu(self.norm_1(x, labels))
        y = self.conv_1(spectral.doubled(y))
        y = self.conv_2(torch.relu(self.norm_2(y, labels)))
        return y + self.shortcut(spectral.doubled(x))


class Generator(spectral.Network):
    """Latents of N(0, 1) and labels to images in (-1, 1)."""

    def __init__(
        self, image_size=32, channels=3, width=256, classes=10, latent_dim=128
    ):
        super().__init__()
        widths = [width * factor for factor in GENERATOR_WIDTHS[image_size]]
        self.latent_dim = latent_dim
        self.blocks = len(widths) - 1
        self.dense = spectral.Linear(latent_dim, 16 * widths[0])
        for i in range(self.blocks):
            block = GeneratorBlock(widths[i], widths[i + 1], classes)
            setattr(self, f"block_{i + 1}", block)
        self.norm = PlainBatchNorm(widths[-1])
        self.to_image = spectral.Conv2d(widths[-1], channels, 3, 1, 1)
        first_weights(self)

    def forward(self, latents, labels=None):
        x = self.lowered(spectral.to_maps(self.dense(latents)))
        for i in range(self.blocks):
            x = getattr(self, f"block_{i + 1}")(x, labels)
        x = self.to_image(torch.relu(self.norm(x)))
        return torch.tanh(self.raised(x))


class FirstBlock(nn.Module):
    """From images; pools before its shortcut."""

    def __init__(self, channels, maps):
        super().__init__()
        self.conv_1 = spectral.SpectralConv2d(channels, maps, 3, 1, 1)
        self.conv_2 = spectral.SpectralConv2d(maps, maps, 3, 1, 1)
        self.shortcut = spectral.SpectralConv2d(channels, maps, 1)

    def forward(self, x):
        y = self.conv_2(torch.relu(self.conv_1(x)))
        shortcut = self.shortcut(functional.avg_pool2d(x, 2))
        return functional.avg_pool2d(y, 2) + shortcut


class DiscriminatorBlock(nn.Module):
    def __init__(self, maps_in, maps, halved):
        super().__init__()
        self.halved = halved
        self.conv_1 = spectral.SpectralConv2d(maps_in, maps_in, 3, 1, 1)
        self.conv_2 = spectral.SpectralConv2d(maps_in, maps, 3, 1, 1)
        self.shortcut = None
        if halved or maps_in != maps:
            self.shortcut = spectral.SpectralConv2d(maps_in, maps, 1)

    def forward(self, x):
        y = self.conv_2(torch.relu(self.conv_1(torch.relu(x))))
        if self.shortcut is not None:
            x = self.shortcut(x)
        if not self.halved:
            return y + x
        return functional.avg_pool2d(y, 2) + functional.avg_pool2d(x, 2)


class Discriminator(spectral.Network):
    """Images in [-1, 1] and labels to raw scores (batch,)."""

    def __init__(self, image_size=32, channels=3, width=128, classes=10):
        super().__init__()
        widths = [width * factor for factor in DISCRIMINATOR_WIDTHS[image_size]]
        self.blocks = len(widths)
        self.block_1 = FirstBlock(channels, widths[0])
        for i in range(1, self.blocks):
            block = DiscriminatorBlock(
                widths[i - 1], widths[i], i < HALVED[image_size]
            )
            setattr(self, f"block_{i + 1}", block)
        self.dense = spectral.SpectralLinear(
            widths[-1], 1, bias=image_size != 32
        )
        self.embedding = None
        if classes is not None:
            self.embedding = spectral.SpectralEmbedding(classes, widths[-1])
        first_weights(self)

    def forward(self, images, labels=None):
        x = self.lowered(images)
        for i in range(self.blocks):
            x = getattr(self, f"block_{i + 1}")(x)
        x = self.raised(torch.relu(x)).sum(dim=(2, 3))
        scores = self.dense(x)[:, 0]
        if self.embedding is not None:
            scores = scores + (self.embedding(labels) * x).sum(1)
        return scores


def first_weights(network):
    """Glorot's uniform; times sqrt(2) in the 3x3 convolutions of blocks."""
    for path, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
            gain = 2**0.5 if ".conv_" in path else 1.0
            nn.init.xavier_uniform_(module.weight, gain)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, ConditionalBatchNorm):
            nn.init.ones_(module.gain.weight)
            nn.init.zeros_(module.bias.weight)


def optimizer(network, learning_rate=2e-4, epsilon=1e-8):
    return torch.optim.Adam(
        network.parameters(), learning_rate, betas=(0.0, 0.9), eps=epsilon
    )


def generator_loss(generator, discriminator, latents, labels):
    """Labels are uniform."""
    return -discriminator(generator(latents, labels), labels).mean()


def discriminator_loss(
    generator, discriminator, images, labels, latents, fake_labels
):
    """Real and fake images are two passes, each with its own labels."""
    with torch.no_grad():
        fake_images = generator(latents, fake_labels)
    real_scores = discriminator(images, labels)
    fake_scores = discriminator(fake_images, fake_labels)
    return spectral.hinge_loss(real_scores, fake_scores)


def generator_step(
    generator, discriminator, generator_optimizer, latents, labels
):
    """Comes first; its batch is twice the discriminator's at 32 pixels."""
    loss = generator_loss(generator, discriminator, latents, labels)
    descend(loss, generator.parameters(), generator_optimizer)
    return {"loss": loss.item()}


def discriminator_step(
    generator,
    discriminator,
    discriminator_optimizer,
    images,
    labels,
    latents,
    fake_labels,
):
    """Five of them follow each step of the generator."""
    loss = discriminator_loss(
        generator, discriminator, images, labels, latents, fake_labels
    )
    descend(loss, discriminator.parameters(), discriminator_optimizer)
    return {"loss": loss.item()}
