"""InfoGAN for MNIST in PyTorch.

Chen et al., 2016, appendix C.1. https://arxiv.org/abs/1606.03657

Where the authors' code differs from the paper, this is the code: leaky slope
0.01 (paper: 0.1), biases also before batch normalization, weight 1 for both
terms of the mutual information, which enter both players' losses.

Codes are one categorical one-hot vector and some continuous values of
U(-1, 1). Q gives the categories' logits, then mean and log variance of each
continuous code in turn; with a fixed standard deviation of 1 the latter are
without effect.

Layouts: images (batch, channels, height, width) in [0, 1], Conv2d kernels
(out, in, height, width), ConvTranspose2d (in, out, height, width), Linear
(out, in). Dense layers see and give feature maps in the order height, width,
channels, as Keras does. Scores are raw, (batch,).
"""

import math

import torch
from torch import nn
from torch.nn import functional

from .torch_names import names_of_layers
from .torch_steps import cross_entropy, descend


class Generator(nn.Module):
    """Noise, categorical and continuous codes, in this order, to images."""

    def __init__(self, image_size=28, width=64, dense=1024, latent_dim=74):
        super().__init__()
        self.size, self.maps = image_size // 4, 2 * width
        features = self.size**2 * self.maps
        self.dense_1 = nn.Linear(latent_dim, dense)
        self.norm_1 = nn.BatchNorm1d(dense)
        self.dense_2 = nn.Linear(dense, features)
        self.norm_2 = nn.BatchNorm1d(features)
        self.up_1 = nn.ConvTranspose2d(self.maps, width, 4, 2, 1)
        self.norm_3 = nn.BatchNorm2d(width)
        self.up_2 = nn.ConvTranspose2d(width, 1, 4, 2, 1)

    def forward(self, latents):
        x = torch.relu(self.norm_1(self.dense_1(latents)))
        x = torch.relu(self.norm_2(self.dense_2(x)))
        x = x.reshape(-1, self.size, self.size, self.maps).permute(0, 3, 1, 2)
        x = torch.relu(self.norm_3(self.up_1(x)))
        return torch.sigmoid(self.up_2(x))

    def name_map(self):
        """Role to parameter name."""
        return names_of_layers(self)


class Discriminator(nn.Module):
    """D and Q: a trunk, a head for the score and one for the codes."""

    def __init__(
        self,
        image_size=28,
        width=64,
        dense=1024,
        code_dense=128,
        categories=10,
        continuous=2,
        slope=0.01,
    ):
        super().__init__()
        self.slope = slope
        features = (image_size // 4) ** 2 * 2 * width
        self.down_1 = nn.Conv2d(1, width, 4, 2, 1)
        self.down_2 = nn.Conv2d(width, 2 * width, 4, 2, 1)
        self.norm_2 = nn.BatchNorm2d(2 * width)
        self.dense = nn.Linear(features, dense)
        self.norm_3 = nn.BatchNorm1d(dense)
        self.score = nn.Linear(dense, 1)
        self.code_dense = nn.Linear(dense, code_dense)
        self.code_norm = nn.BatchNorm1d(code_dense)
        self.code = nn.Linear(code_dense, categories + 2 * continuous)

    def trunk(self, images):
        """Features (batch, dense)."""
        x = functional.leaky_relu(self.down_1(images), self.slope)
        x = self.norm_2(self.down_2(x))
        x = functional.leaky_relu(x, self.slope).permute(0, 2, 3, 1).flatten(1)
        return functional.leaky_relu(self.norm_3(self.dense(x)), self.slope)

    def scores(self, features):
        """Raw scores (batch,) from the trunk's features."""
        return self.score(features)[:, 0]

    def codes(self, features):
        """Q's outputs (batch, categories + 2 * continuous)."""
        x = self.code_norm(self.code_dense(features))
        return self.code(functional.leaky_relu(x, self.slope))

    def forward(self, images):
        features = self.trunk(images)
        return self.scores(features), self.codes(features)

    def name_map(self):
        """Role to parameter name: trunk, the score's head, Q's head."""
        return names_of_layers(self)


def optimizers(generator, discriminator, epsilon=1e-8):
    """Adam for the generator, and one for trunk and both heads."""
    betas = (0.5, 0.999)
    return (
        torch.optim.Adam(generator.parameters(), 1e-3, betas, epsilon),
        torch.optim.Adam(discriminator.parameters(), 2e-4, betas, epsilon),
    )


def log_normal(x, mean, log_variance):
    squares = (x - mean) ** 2 / torch.exp(log_variance)
    return -0.5 * (math.log(2 * math.pi) + log_variance + squares)


def mutual_information(outputs, categorical, continuous, fixed_std=True):
    """Lower bounds for each image: of the discrete code, of the others' sum.

    log Q(c|x) - log p(c), with a uniform p for the categories, and as in the
    authors' code N(0, 1) for the continuous codes.

    Args:
        outputs: Q's, (batch, categories + 2 * continuous).
        categorical: One-hot, (batch, categories).
        continuous: (batch, continuous).
        fixed_std: Whether Q's standard deviations are all 1.
    """
    categories = categorical.shape[1]
    logits = outputs[:, :categories]
    log_q = (categorical * torch.log_softmax(logits, dim=1)).sum(dim=1)
    discrete = log_q + math.log(categories)
    normals = outputs[:, categories:].reshape(*continuous.shape, 2)
    mean, log_variance = normals[..., 0], normals[..., 1]
    nothing = torch.zeros_like(mean)
    if fixed_std:
        log_variance = nothing
    log_q = log_normal(continuous, mean, log_variance)
    log_p = log_normal(continuous, nothing, nothing)
    return discrete, (log_q - log_p).sum(dim=1)


def discriminator_step(
    generator,
    discriminator,
    optimizer,
    real_images,
    noise,
    categorical,
    continuous,
    weight=1.0,
    fixed_std=True,
):
    """One step of trunk and both heads; Q sees fake images alone."""
    latents = torch.cat([noise, categorical, continuous], dim=1)
    fake_images = generator(latents).detach()
    real_scores = discriminator.scores(discriminator.trunk(real_images))
    fake_scores, outputs = discriminator(fake_images)
    discrete, normal = mutual_information(
        outputs, categorical, continuous, fixed_std
    )
    loss = cross_entropy(real_scores, 1.0) + cross_entropy(fake_scores, 0.0)
    information = (discrete + normal).mean()
    descend(loss - weight * information, discriminator.parameters(), optimizer)
    return results(loss, discrete, normal)


def generator_step(
    generator,
    discriminator,
    optimizer,
    noise,
    categorical,
    continuous,
    weight=1.0,
    fixed_std=True,
):
    """One step of the generator alone; the latents are new ones."""
    latents = torch.cat([noise, categorical, continuous], dim=1)
    fake_scores, outputs = discriminator(generator(latents))
    discrete, normal = mutual_information(
        outputs, categorical, continuous, fixed_std
    )
    loss = cross_entropy(fake_scores, 1.0)
    information = (discrete + normal).mean()
    descend(loss - weight * information, generator.parameters(), optimizer)
    return results(loss, discrete, normal)


def results(loss, discrete, continuous):
    """The adversarial loss alone, and both terms of the information."""
    return {
        "loss": loss.item(),
        "discrete": discrete.mean().item(),
        "continuous": continuous.mean().item(),
    }
