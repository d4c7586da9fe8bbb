"""Improved techniques for training GANs, in PyTorch.

Salimans et al., 2016, sections 3 and 5. https://arxiv.org/abs/1606.03498

The networks are those of the authors' code for MNIST with few labels, the
training steps its feature matching. Where code and paper differ the code is
the default. Noise is passed in as standard normal arrays.

Layouts: images (batch, pixels) in [0, 1], Linear kernels (out, in). A dense
layer with weight normalization has a kernel (out, in), a bias (out,) and a
gain (out,), which is a buffer where it is not trained.
torch_improved_layers.py has the layers of the other techniques.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from .torch_improved_layers import WeightNormDense
from .torch_names import names_of_layers
from .torch_steps import descend


class Generator(nn.Module):
    """Latents of U(0, 1), (batch, latent_dim), to images."""

    def __init__(self, latent_dim=100, units=500, pixels=784):
        super().__init__()
        self.hidden_1 = nn.Linear(latent_dim, units, bias=False)
        # nn.py has another epsilon than most.
        self.norm_1 = nn.BatchNorm1d(units, eps=1e-6)
        self.hidden_2 = nn.Linear(units, units, bias=False)
        self.norm_2 = nn.BatchNorm1d(units, eps=1e-6)
        self.image = WeightNormDense(units, pixels, train_gain=True)
        for norm in (self.norm_1, self.norm_2):
            norm.register_parameter("weight", None)

    def forward(self, latents):
        x = functional.softplus(self.norm_1(self.hidden_1(latents)))
        x = functional.softplus(self.norm_2(self.hidden_2(x)))
        return torch.sigmoid(self.image(x))

    def name_map(self):
        """Role to parameter name."""
        return names_of_layers(self)


class Discriminator(nn.Module):
    """Images to logits of the classes; there is none for fake images."""

    def __init__(
        self, pixels=784, units=(1000, 500, 250, 250, 250), classes=10
    ):
        super().__init__()
        sizes = (pixels, *units)
        for index in range(len(units)):
            layer = WeightNormDense(sizes[index], sizes[index + 1])
            self.add_module(f"hidden_{index + 1}", layer)
        self.logits = WeightNormDense(sizes[-1], classes, train_gain=True)

    def forward(self, images, noises):
        """Logits and the last hidden layer's features before their noise.

        Args:
            images: (batch, pixels).
            noises: For the input of every layer; the first is added 0.3
                times, the others 0.5 times.
        """
        x = images + 0.3 * noises[0]
        layers = list(self.children())
        for layer, noise in zip(layers[:-1], noises[1:], strict=True):
            features = torch.relu(layer(x))
            x = features + 0.5 * noise
        return self.logits(x), features

    def initialize(self, images, noises):
        """Sets gains and biases, layer after layer."""
        x = images + 0.3 * noises[0]
        for layer, noise in zip(self.children(), noises[1:], strict=False):
            x = torch.relu(layer.initialize(x)) + 0.5 * noise
        self.logits.initialize(x)

    def name_map(self):
        """Role to parameter name."""
        return names_of_layers(self)


class Adam:
    """The authors' Adam: epsilon under the root, moments corrected."""

    def __init__(self, network, learning_rate=0.003, beta_1=0.5, epsilon=1e-8):
        self.parameters = list(network.parameters())
        self.settings = learning_rate, beta_1, 0.999, epsilon
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]
        self.count = 0

    @torch.no_grad()
    def step(self):
        rate, beta_1, beta_2, epsilon = self.settings
        self.count += 1
        for p, m, v in zip(
            self.parameters, self.first, self.second, strict=True
        ):
            m.mul_(beta_1).add_((1 - beta_1) * p.grad)
            v.mul_(beta_2).add_((1 - beta_2) * p.grad**2)
            mean = m / (1 - beta_1**self.count)
            square = v / (1 - beta_2**self.count)
            p.sub_(rate * mean / torch.sqrt(square + epsilon))


def labelled_loss(logits, labels):
    """Mean cross-entropy of the classes."""
    return functional.cross_entropy(logits, labels)


def unlabelled_loss(real_logits, fake_logits):
    """D = Z / (Z + 1) is the probability of being real, Z = sum exp(logit)."""
    real, fake = real_logits.logsumexp(1), fake_logits.logsumexp(1)
    real_loss = (functional.softplus(real) - real).mean()
    return 0.5 * real_loss + 0.5 * functional.softplus(fake).mean()


def saturating_loss(fake_logits):
    """Generator's loss of the runs with minibatch discrimination."""
    return -functional.softplus(fake_logits.logsumexp(1)).mean()


def feature_matching(real_features, fake_features, form="mean_square"):
    """Distance of the batches' mean features.

    `form` is "mean_square" (code, MNIST), "mean_absolute" (code, CIFAR-10 and
    SVHN) or "squared_norm" (paper).
    """
    difference = real_features.mean(dim=0) - fake_features.mean(dim=0)
    if form == "mean_absolute":
        return difference.abs().mean()
    squares = difference**2
    return squares.mean() if form == "mean_square" else squares.sum()


def smoothed_cross_entropy(scores, target):
    """Mean KL divergence of D from a constant target; 0 where they agree."""
    loss = functional.binary_cross_entropy_with_logits(
        scores, torch.full_like(scores, target)
    )
    for share in (target, 1.0 - target):
        if share > 0:
            loss = loss + share * math.log(share)
    return loss


def historical_average_penalty(parameters, averages):
    """Squared distance of all parameters to their average over the past."""
    pairs = zip(parameters, averages, strict=True)
    return sum(((now - average) ** 2).sum() for now, average in pairs)


def next_averages(averages, parameters, count):
    """Averages of the parameters with one more; `count` includes it."""
    pairs = zip(averages, parameters, strict=True)
    return [average + (now - average) / count for average, now in pairs]


def discriminator_step(
    generator,
    discriminator,
    optimizer,
    labelled_images,
    labels,
    real_images,
    latents,
    noises,
):
    """One step of the discriminator.

    `noises` are three lists, for labelled, real and fake images.
    """
    fake_images = generator(latents).detach()
    logits, _ = discriminator(labelled_images, noises[0])
    real_logits, _ = discriminator(real_images, noises[1])
    fake_logits, _ = discriminator(fake_images, noises[2])
    labelled = labelled_loss(logits, labels)
    unlabelled = unlabelled_loss(real_logits, fake_logits)
    descend(labelled + unlabelled, discriminator.parameters(), optimizer)
    return {"labelled": labelled.item(), "unlabelled": unlabelled.item()}


def generator_step(
    generator,
    discriminator,
    optimizer,
    real_images,
    latents,
    noises,
    form="mean_square",
):
    """One step of the generator, which matches features.

    `noises` are two lists, for real and fake images.
    """
    _, real_features = discriminator(real_images, noises[0])
    _, fake_features = discriminator(generator(latents), noises[1])
    loss = feature_matching(real_features.detach(), fake_features, form)
    descend(loss, generator.parameters(), optimizer)
    return {"loss": loss.item()}
