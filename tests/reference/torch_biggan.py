"""BigGAN in PyTorch, with SAGAN's attention block.

Brock, Donahue and Simonyan, 2019. https://arxiv.org/abs/1809.11096
Zhang, Goodfellow, Metaxas and Odena, 2019. https://arxiv.org/abs/1805.08318

As in the first author's public code (`ajbrock/BigGAN-PyTorch`). Spectral
normalization is in both networks, in all layers but embeddings of the
generator. A hierarchical generator divides the latents into equal parts, one
for the first layer and one for each block, and drops what remains. With
`shared_dim` all conditional normalizations see one embedding of the class and
the block's part of the latents; without, each has tables of its own, as in the
authors' settings for CIFAR-10.

Differences: biases are 0 at first, where that code leaves PyTorch's random
ones; truncation samples again, as in the paper, where that code scales.
"""

import torch
from torch import nn
from torch.nn import functional

from . import torch_spectral as spectral

GENERATOR_WIDTHS = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
}
DISCRIMINATOR_WIDTHS = {
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
}
# The first blocks halve height and width.
HALVED = {32: 2, 64: 4, 128: 5, 256: 6}


class Attention(nn.Module):
    """Each pixel looks at a quarter of all others; x itself at first.

    As both public codes have it, not the text of SAGAN: keys and values are
    pooled, values have half of the channels, and nothing has a bias.
    """

    def __init__(self, channels):
        super().__init__()
        conv = spectral.SpectralConv2d
        self.theta = conv(channels, channels // 8, 1, bias=False)
        self.phi = conv(channels, channels // 8, 1, bias=False)
        self.g = conv(channels, channels // 2, 1, bias=False)
        self.o = conv(channels // 2, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        queries = self.theta(x).flatten(2)
        keys = functional.max_pool2d(self.phi(x), 2).flatten(2)
        values = functional.max_pool2d(self.g(x), 2).flatten(2)
        # (batch, pixels, a quarter as many).
        weights = torch.softmax(queries.transpose(1, 2) @ keys, dim=2)
        found = (values @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])
        return self.gamma.to(x.dtype) * self.o(found) + x


class ConditionalBatchNorm(nn.Module):
    """Gain 1 + gain(y) and bias(y).

    y is a vector, and both are linear without bias; or a label, for tables.
    """

    def __init__(self, channels, condition_dim, table):
        super().__init__()
        self.norm = spectral.Statistics(channels)
        if table:
            self.gain = spectral.Embedding(condition_dim, channels)
            self.bias = spectral.Embedding(condition_dim, channels)
        else:
            linear = spectral.SpectralLinear
            self.gain = linear(condition_dim, channels, bias=False)
            self.bias = linear(condition_dim, channels, bias=False)

    def forward(self, x, y):
        return spectral.modulated(
            self.norm(x), 1.0 + self.gain(y), self.bias(y)
        )


class GeneratorBlock(nn.Module):
    def __init__(self, maps_in, maps, condition_dim, table):
        super().__init__()
        conv = spectral.SpectralConv2d
        self.norm_1 = ConditionalBatchNorm(maps_in, condition_dim, table)
        self.conv_1 = conv(maps_in, maps, 3, 1, 1)
        self.norm_2 = ConditionalBatchNorm(maps, condition_dim, table)
        self.conv_2 = conv(maps, maps, 3, 1, 1)
        self.shortcut = conv(maps_in, maps, 1)

    def forward(self, x, y):
        h = torch.relu(self.norm_1(x, y))
        h = self.conv_1(spectral.doubled(h))
        h = self.conv_2(torch.relu(self.norm_2(h, y)))
        return h + self.shortcut(spectral.doubled(x))


class Generator(spectral.Network):
    """Latents of N(0, 1) and labels to images in (-1, 1).

    Args:
        width: That of the authors (`G_ch`); layers have multiples of it.
        latent_dim: Of which a hierarchical generator uses `self.latent_dim`.
        shared_dim: Of the embedding of classes; None for tables.
        hierarchical: Whether each block has a part of the latents, too.
        attention: Height of the images after whose block attention is.
    """

    def __init__(
        self,
        image_size=128,
        channels=3,
        width=96,
        classes=1000,
        latent_dim=120,
        shared_dim=128,
        hierarchical=True,
        attention=64,
        orthogonal=True,
    ):
        super().__init__()
        widths = [width * factor for factor in GENERATOR_WIDTHS[image_size]]
        self.blocks = len(widths) - 1
        self.parts = self.blocks + 1 if hierarchical else 1
        self.latent_dim = latent_dim // self.parts * self.parts
        part = self.latent_dim // self.parts
        condition_dim, self.shared = classes, None
        if shared_dim is not None:
            self.shared = spectral.Embedding(classes, shared_dim)
            condition_dim = shared_dim + (part if hierarchical else 0)
        self.dense = spectral.SpectralLinear(part, 16 * widths[0])
        self.attention_after, self.attention = None, None
        for i in range(self.blocks):
            block = GeneratorBlock(
                widths[i], widths[i + 1], condition_dim, shared_dim is None
            )
            setattr(self, f"block_{i + 1}", block)
            if attention == 8 * 2**i:
                self.attention_after = i
                self.attention = Attention(widths[i + 1])
        self.norm = spectral.BatchNorm(widths[-1])
        self.to_image = spectral.SpectralConv2d(widths[-1], channels, 3, 1, 1)
        first_weights(self, orthogonal)

    def conditions(self, labels):
        """What `synthesize` takes, and what one may interpolate."""
        return labels if self.shared is None else self.shared(labels)

    def forward(self, latents, labels):
        return self.synthesize(latents, self.conditions(labels))

    def synthesize(self, latents, conditions):
        parts = latents.chunk(self.parts, dim=1)
        x = self.lowered(spectral.to_maps(self.dense(parts[0])))
        for i in range(self.blocks):
            y = conditions
            if self.parts > 1:
                y = torch.cat([conditions, parts[i + 1]], dim=1)
            x = getattr(self, f"block_{i + 1}")(x, y)
            if i == self.attention_after:
                x = self.attention(x)
        x = self.to_image(torch.relu(self.norm(x)))
        return torch.tanh(self.raised(x))


class DiscriminatorBlock(nn.Module):
    """The first one does not start with a ReLU and pools before its shortcut.

    The hidden width is the output's.
    """

    def __init__(self, maps_in, maps, halved, first):
        super().__init__()
        conv = spectral.SpectralConv2d
        self.halved, self.first = halved, first
        self.conv_1 = conv(maps_in, maps, 3, 1, 1)
        self.conv_2 = conv(maps, maps, 3, 1, 1)
        self.shortcut = None
        if halved or maps_in != maps:
            self.shortcut = conv(maps_in, maps, 1)

    def pooled(self, x):
        return functional.avg_pool2d(x, 2) if self.halved else x

    def forward(self, x):
        h = self.conv_1(x if self.first else torch.relu(x))
        h = self.pooled(self.conv_2(torch.relu(h)))
        if self.first:
            return h + self.shortcut(self.pooled(x))
        if self.shortcut is not None:
            x = self.shortcut(x)
        return h + self.pooled(x)


class Discriminator(spectral.Network):
    """Images in [-1, 1] and labels to raw scores (batch,).

    Args:
        attention: Height of the maps after whose block attention is.
    """

    def __init__(
        self,
        image_size=128,
        channels=3,
        width=96,
        classes=1000,
        attention=64,
        orthogonal=True,
    ):
        super().__init__()
        widths = [width * factor for factor in DISCRIMINATOR_WIDTHS[image_size]]
        self.blocks = len(widths)
        self.attention_after, self.attention = None, None
        maps, size = channels, image_size
        for i in range(self.blocks):
            halved = i < HALVED[image_size]
            block = DiscriminatorBlock(maps, widths[i], halved, i == 0)
            setattr(self, f"block_{i + 1}", block)
            maps, size = widths[i], size // 2 if halved else size
            if halved and size == attention:
                self.attention_after = i
                self.attention = Attention(maps)
        self.dense = spectral.SpectralLinear(maps, 1)
        self.embedding = spectral.SpectralEmbedding(classes, maps)
        first_weights(self, orthogonal)

    def forward(self, images, labels):
        x = self.lowered(images)
        for i in range(self.blocks):
            x = getattr(self, f"block_{i + 1}")(x)
            if i == self.attention_after:
                x = self.attention(x)
        x = self.raised(torch.relu(x)).sum(dim=(2, 3))
        return self.dense(x)[:, 0] + (self.embedding(labels) * x).sum(1)


def first_weights(network, orthogonal=True):
    """Orthogonal matrices (paper) or N(0, 0.02) (the settings of CIFAR-10)."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
            if module.weight.is_meta:
                continue
            if orthogonal:
                nn.init.orthogonal_(module.weight)
            else:
                nn.init.normal_(module.weight, 0.0, 0.02)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)


def optimizer(network, learning_rate=2e-4, epsilon=1e-8):
    return torch.optim.Adam(
        network.parameters(), learning_rate, betas=(0.0, 0.999), eps=epsilon
    )


def orthogonal_gradient(weight, strength=1e-4):
    """What orthogonal regularization adds to a gradient, as coded.

    2 strength (W W^T o (1 - I)) W, half of the gradient of
    strength |W W^T o (1 - I)|^2.
    """
    with torch.no_grad():
        rows = weight.flatten(1)
        products = rows @ rows.T
        products.fill_diagonal_(0.0)
        return (2.0 * strength * products @ rows).reshape(weight.shape)


def regularized(network):
    """The weights that it regularizes: all but the shared embedding."""
    for name, weight in network.named_parameters():
        if weight.dim() > 1 and name != "shared.weight":
            yield weight


def truncated_latents(batch, latent_dim, threshold):
    """N(0, 1); values outside of [-threshold, threshold] are sampled again."""
    latents = torch.randn(batch, latent_dim)
    while (outside := latents.abs() > threshold).any():
        latents[outside] = torch.randn(int(outside.sum()))
    return latents


def standing_statistics(generator, batches):
    """Sets the statistics of a generator from batches in training mode.

    Those kept are the means of the batches' means and of their biased
    variances. Each batch also takes one power iteration.

    Args:
        generator: Of this file, or of torch_sngan.
        batches: Of (latents, labels); latents are not truncated.
    """
    sums, count = {}, 0

    def add(norm, inputs):
        x = inputs[0].to(norm.running_mean.dtype)
        mean = x.mean(dim=(0, 2, 3))
        variance = x.var(dim=(0, 2, 3), unbiased=False)
        old = sums.get(norm, (0.0, 0.0))
        sums[norm] = old[0] + mean, old[1] + variance

    norms = [
        module
        for module in generator.modules()
        if isinstance(module, spectral.Statistics)
    ]
    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    mode = generator.training
    generator.train()
    with torch.no_grad():
        for latents, labels in batches:
            generator(latents, labels)
            count += 1
        for norm, (mean, variance) in sums.items():
            norm.running_mean.copy_(mean / count)
            norm.running_var.copy_(variance / count)
    for hook in hooks:
        hook.remove()
    generator.train(mode)


def discriminator_loss(
    generator, discriminator, images, labels, latents, fake_labels
):
    """Fake and real images are one batch.

    The generator is in training mode here, too.
    """
    with torch.no_grad():
        fake_images = generator(latents, fake_labels)
    scores = discriminator(
        torch.cat([fake_images, images]), torch.cat([fake_labels, labels])
    )
    fake_scores, real_scores = scores.split([len(latents), len(images)])
    return spectral.hinge_loss(real_scores, fake_scores)


def generator_loss(generator, discriminator, latents, labels):
    """Labels are uniform."""
    return -discriminator(generator(latents, labels), labels).mean()


def descend(loss, network, optimizer, strength=0.0):
    """Orthogonal regularization comes between gradient and Adam."""
    weights = list(network.parameters())
    gradients = torch.autograd.grad(loss, weights)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient
    if strength:
        for weight in regularized(network):
            weight.grad = weight.grad + orthogonal_gradient(weight, strength)
    optimizer.step()


def discriminator_step(
    generator,
    discriminator,
    discriminator_optimizer,
    images,
    labels,
    latents,
    fake_labels,
    strength=0.0,
):
    """Four of them come before each step of the generator (CIFAR-10)."""
    loss = discriminator_loss(
        generator, discriminator, images, labels, latents, fake_labels
    )
    descend(loss, discriminator, discriminator_optimizer, strength)
    return {"loss": loss.item()}


def generator_step(
    generator, discriminator, generator_optimizer, latents, labels, strength=0.0
):
    """The average of the generator (`torch_spectral.step_all`) follows it."""
    loss = generator_loss(generator, discriminator, latents, labels)
    descend(loss, generator, generator_optimizer, strength)
    return {"loss": loss.item()}
