"""R3GAN in PyTorch.

Huang, Gokaslan, Kuleshov and Tompkin, 2024. https://arxiv.org/abs/2501.05441

As in the authors' code (`brownvc/R3GAN`), in one precision: theirs computes the
largest images in bfloat16.

A block adds three convolutions to its input: 1x1 to twice the width, 3x3 in
groups (zeros at the border), 1x1 back; before the second and the third a bias
and a leaky ReLU (.2, no gain). Nothing else has a bias, there is no
normalization and no activation after a sum. The generator starts with a
learned feature map of 4x4 for each channel times a linear function of the
latents and doubles the image between stages, the discriminator mirrors it:
`widths` are those of the stages from 4x4 up, in both. The width changes in a
1x1 convolution, before doubling and after halving, where it changes at all.
Resampling filters with [1, 3, 3, 1] along both axes, with zeros outside, so
that borders of an image of ones become .75 when it is doubled (corners .5625)
and .875 when it is halved. Last come a 1x1 convolution to the image, without
tanh, and, in the discriminator, a 4x4 convolution of each channel and a linear
function of all.

With `classes`, labels are one-hot vectors; a linear function of them is
concatenated to the latents (as many numbers again), or multiplied with the
discriminator's vector of `widths[0]` features and summed.

Shapes. Latents (batch, latent_dim) of N(0, 1), images (batch, 3, size, size),
labels (batch, classes) or None, logits (batch,).

Weight names: `stage_{i}` in the order in which they compute, from 1, with
`block_{j}.conv_1.weight`, `.bias_1`, `.conv_2.weight`, `.bias_2`,
`.conv_3.weight` and `transition` (before the blocks in the generator, after
them in the discriminator): `.conv.weight` if there is one, in the generator's
first stage `.basis` (channels, 4, 4) and `.linear.weight`, in the
discriminator's last `.basis.weight` (channels, 1, 4, 4) and `.linear.weight`;
`to_image.weight`, `from_image.weight`, `embedding.weight`. Kernels have
PyTorch's layouts, the one in groups (2 W, 2 W / groups, 3, 3). To Keras, the
generator's basis is transposed (1, 2, 0), the discriminator's, a depthwise
kernel, (2, 3, 0, 1).

Random numbers of one iteration, all of them arguments: real images and latents
of the discriminator's step, then *other* real images and latents of the
generator's. `augment` is applied to real images first in the discriminator's
step and to generated ones first in the generator's, independently.

Logits are paired by their place in the batch; a pair has one label. Both
penalties are squared gradients of the sum of logits with respect to images
before augmentation, summed over the image, in each step. All schedules are one
half of a cosine over the burn-in: `cosine`. With a moving beta_2, PyTorch's
Adam corrects the second moment with the present one to the power of the step.

First weights: N(0, gain / sqrt(fan in)), gain sqrt(2 / 1.04) L^(-1/4) for a
block's first two convolutions, L the number of blocks of the network, 0 for
its third (a block is the identity at first), 1 elsewhere, but the
discriminator's embedding 1 / sqrt(its outputs); the generator's basis N(0, 1);
biases 0.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from .torch_names import names_of_layers
from .torch_steps import descend


def shifted(x):
    """The values before and after each, along the last axis, or zeros."""
    padded = functional.pad(x, (1, 1))
    return padded[..., :-2], padded[..., 2:]


def doubled(x):
    for axis in (2, 3):
        x = x.transpose(axis, 3)
        before, after = shifted(x)
        pairs = [(before + 3.0 * x) / 4.0, (3.0 * x + after) / 4.0]
        x = torch.stack(pairs, dim=4).flatten(3).transpose(axis, 3)
    return x


def halved(x):
    for axis in (2, 3):
        x = x.transpose(axis, 3)
        before, _ = shifted(x)
        _, after = shifted(x)
        outer = before[..., ::2] + after[..., 1::2]
        inner = x[..., ::2] + x[..., 1::2]
        x = ((outer + 3.0 * inner) / 8.0).transpose(axis, 3)
    return x


def initialized(layer, gain=1.0):
    fan_in = layer.weight[0].numel()
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(fan_in))
    return layer


def conv(channels_in, channels, kernel=1, groups=1, gain=1.0):
    layer = nn.Conv2d(
        channels_in,
        channels,
        kernel,
        padding=kernel // 2,
        groups=groups,
        bias=False,
    )
    return initialized(layer, gain)


def linear(dim, outputs, gain=1.0):
    return initialized(nn.Linear(dim, outputs, bias=False), gain)


class Block(nn.Module):
    """`group` channels, of twice the width, are convolved together."""

    def __init__(self, width, group, blocks):
        super().__init__()
        n = 2 * width
        gain = math.sqrt(2.0 / 1.04) * blocks**-0.25
        self.conv_1 = conv(width, n, gain=gain)
        self.bias_1 = nn.Parameter(torch.zeros(n))
        self.conv_2 = conv(n, n, 3, n // group, gain)
        self.bias_2 = nn.Parameter(torch.zeros(n))
        self.conv_3 = conv(n, width, gain=0.0)

    def forward(self, x):
        h = leaky(self.conv_1(x), self.bias_1)
        h = leaky(self.conv_2(h), self.bias_2)
        return x + self.conv_3(h)


def leaky(x, bias):
    return functional.leaky_relu(x + bias[:, None, None], 0.2)


class First(nn.Module):
    """Latents to feature maps of 4x4."""

    def __init__(self, dim, width):
        super().__init__()
        self.basis = nn.Parameter(torch.randn(width, 4, 4))
        self.linear = linear(dim, width)

    def forward(self, latents):
        return self.basis * self.linear(latents)[:, :, None, None]


class Last(nn.Module):
    """Feature maps of 4x4 to numbers."""

    def __init__(self, width, outputs):
        super().__init__()
        basis = nn.Conv2d(width, width, 4, groups=width, bias=False)
        self.basis = initialized(basis)
        self.linear = linear(width, outputs)

    def forward(self, x):
        return self.linear(self.basis(x)[:, :, 0, 0])


class Resampled(nn.Module):
    def __init__(self, width_in, width, up):
        super().__init__()
        self.up = up
        self.conv = conv(width_in, width) if width_in != width else None

    def forward(self, x):
        x = x if self.up else halved(x)
        x = x if self.conv is None else self.conv(x)
        return doubled(x) if self.up else x


class Stage(nn.Module):
    def __init__(self, transition, width, group, blocks, total, up):
        super().__init__()
        self.blocks, self.up = blocks, up
        for j in range(blocks):
            setattr(self, f"block_{j + 1}", Block(width, group, total))
        self.transition = transition

    def forward(self, x):
        x = self.transition(x) if self.up else x
        for j in range(self.blocks):
            x = getattr(self, f"block_{j + 1}")(x)
        return x if self.up else self.transition(x)


class Network(nn.Module):
    def add_stages(self, transitions, widths, group, blocks, up):
        self.stages = len(widths)
        for i in range(self.stages):
            stage = Stage(
                transitions[i],
                widths[i],
                group,
                blocks,
                blocks * self.stages,
                up,
            )
            setattr(self, f"stage_{i + 1}", stage)

    def run(self, x):
        for i in range(self.stages):
            x = getattr(self, f"stage_{i + 1}")(x)
        return x

    def name_map(self):
        return names_of_layers(self)


class Generator(Network):
    def __init__(
        self,
        widths,
        latent_dim=64,
        blocks=2,
        group=16,
        classes=None,
        channels=3,
    ):
        super().__init__()
        self.embedding, dim = None, latent_dim
        if classes is not None:
            self.embedding = linear(classes, latent_dim)
            dim = 2 * latent_dim
        transitions = [First(dim, widths[0])]
        for i in range(1, len(widths)):
            transitions.append(Resampled(widths[i - 1], widths[i], True))
        self.add_stages(transitions, widths, group, blocks, True)
        self.to_image = conv(widths[-1], channels)

    def forward(self, latents, labels=None):
        if self.embedding is not None:
            latents = torch.cat([latents, self.embedding(labels)], dim=1)
        return self.to_image(self.run(latents))


class Discriminator(Network):
    def __init__(self, widths, blocks=2, group=16, classes=None, channels=3):
        super().__init__()
        self.embedding, outputs = None, 1
        if classes is not None:
            outputs = widths[0]
            self.embedding = linear(classes, outputs, 1.0 / math.sqrt(outputs))
        widths = widths[::-1]
        self.from_image = conv(channels, widths[0])
        transitions = [
            Resampled(widths[i], widths[i + 1], False)
            for i in range(len(widths) - 1)
        ]
        transitions.append(Last(widths[-1], outputs))
        self.add_stages(transitions, widths, group, blocks, False)

    def forward(self, images, labels=None):
        x = self.run(self.from_image(images))
        if self.embedding is not None:
            x = x * self.embedding(labels)
        return x.sum(dim=1)


def unchanged(images):
    return images


def relativistic_loss(favored, other):
    """Of each pair; small where `favored` has the larger logit."""
    return functional.softplus(other - favored)


def penalty(images, logits):
    """Squared gradient of each image, with a graph of its own."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return (gradient**2).sum(dim=(1, 2, 3))


def discriminator_loss(
    discriminator, real, fake, gamma, labels=None, augment=unchanged
):
    """Mean loss, and R1 and R2 of each pair."""
    real, fake = (x.detach().requires_grad_() for x in (real, fake))
    real_logits = discriminator(augment(real), labels)
    fake_logits = discriminator(augment(fake), labels)
    r1, r2 = penalty(real, real_logits), penalty(fake, fake_logits)
    adversarial = relativistic_loss(real_logits, fake_logits)
    return (adversarial + gamma / 2.0 * (r1 + r2)).mean(), r1, r2


def generator_loss(discriminator, fake, real, labels=None, augment=unchanged):
    fake_logits = discriminator(augment(fake), labels)
    real_logits = discriminator(augment(real), labels)
    return relativistic_loss(fake_logits, real_logits).mean()


def cosine(images, burn_in, first, last):
    """A schedule after so many images (or steps)."""
    share = min(images / burn_in, 1.0)
    return last + (first - last) * (1.0 + math.cos(math.pi * share)) / 2.0


def optimizer(network, learning_rate=2e-4, beta_2=0.9, epsilon=1e-8):
    """They go to 5e-5 and .99; `set_rates` sets them before a step."""
    return torch.optim.Adam(
        network.parameters(), learning_rate, betas=(0.0, beta_2), eps=epsilon
    )


def set_rates(optimizer, learning_rate, beta_2):
    for group in optimizer.param_groups:
        group["lr"], group["betas"] = learning_rate, (0.0, beta_2)


def step_average(average, network, batch, half_life):
    """Moves an average of the weights; to the weights for a half-life of 0."""
    decay = 0.5 ** (batch / half_life) if half_life else 0.0
    with torch.no_grad():
        for mean, weight in zip(
            average.parameters(), network.parameters(), strict=True
        ):
            mean.copy_(decay * mean + (1.0 - decay) * weight)


def discriminator_step(
    generator,
    discriminator,
    optimizer,
    real,
    latents,
    gamma,
    labels=None,
    augment=unchanged,
):
    with torch.no_grad():
        fake = generator(latents, labels)
    loss, r1, r2 = discriminator_loss(
        discriminator, real, fake, gamma, labels, augment
    )
    descend(loss, discriminator.parameters(), optimizer)
    penalties = {"r1": r1.mean().item(), "r2": r2.mean().item()}
    return {"loss": loss.item(), **penalties}


def generator_step(
    generator,
    discriminator,
    optimizer,
    real,
    latents,
    labels=None,
    augment=unchanged,
):
    """It comes after the discriminator's."""
    fake = generator(latents, labels)
    loss = generator_loss(discriminator, fake, real, labels, augment)
    descend(loss, generator.parameters(), optimizer)
    return {"loss": loss.item()}
