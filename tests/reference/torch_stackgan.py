"""StackGAN in PyTorch: both stages of its first version.

Zhang, Xu, Li, Zhang, Wang, Huang and Metaxas, 2017.
https://arxiv.org/abs/1612.03242

As in the authors' code (`hanzhanggit/StackGAN`). No convolution has a bias,
nor does the discriminators' logit; dense layers have one. Batch normalization
follows all convolutions but a discriminator's first, the first of the second
generator, and the last of each network. Upsampling repeats pixels. 4x4
convolutions have stride 2 and padding 1, 3x3 ones padding 1.

The paper's formula and the code differ in the divergence: a sum over the
dimensions of c with weight 1 there (`kl_divergence`), 2 times the mean over
them here (`augmentation_loss`), 1 / 64 of it for 128 dimensions. The code's
noise in c is of a *truncated* normal distribution (|x| <= 2, variance .774).

Shapes. Images (batch, channels, size, size) in [-1, 1]; text (batch, text_dim);
logits (batch,), raw. `size` is that of the first stage, at least 16 and a
multiple of it; the second stage's images are 4 `size` high. Feature maps of
size / 16 are called the smallest below. The first dense layer's units are in
the order (row, column, channel), as in TensorFlow, and its normalization has
weights for each *unit*.

Weight names are paths of the modules below, such as `block_1.conv_2.weight`,
`up_1.norm.running_var`, `augmentation.dense.bias`; `name_map()` gives their
roles, "_" for ".", kernel, bias, gamma, beta, moving_mean, moving_variance.

Random numbers: (epsilon, z) in the first stage, z of N(0, 1), and (epsilon, z,
epsilon of the second stage) in the second, for each of the two steps anew; all
are arguments. Wrong images are, too.

A step of a discriminator has three passes with statistics of their own, real,
wrong, generated, here in this order (the code leaves it open, and running
averages depend on it). All networks are in training mode in all steps, hence
running averages of the generator move in the discriminator's step, too, and
the reverse. The functions below leave the mode as it is: the authors' second
stage has the first generator in training mode and fetches its weights without
the running averages; in evaluation mode it is frozen.

First weights: convolutions of a truncated normal distribution (.02), dense
layers N(0, .02), gains N(1, .02), biases 0. Between the two 1x1 convolutions
of the second discriminator's encoder there is an activation, after the second
there is none.
"""

import torch
from torch import nn
from torch.nn import functional

from .torch_names import names_of_layers
from .torch_steps import cross_entropy, descend


class Network(nn.Module):
    def name_map(self):
        return names_of_layers(self)


def conv(channels_in, channels, kernel, stride=1):
    padding = (kernel - 1) // 2
    return nn.Conv2d(channels_in, channels, kernel, stride, padding, bias=False)


class Normalized(nn.Module):
    """A convolution and its normalization."""

    def __init__(self, channels_in, channels, kernel, stride=1):
        super().__init__()
        self.conv = conv(channels_in, channels, kernel, stride)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        return self.norm(self.conv(x))


class Up(Normalized):
    """The same, of repeated pixels."""

    def __init__(self, channels_in, channels):
        super().__init__(channels_in, channels, 3)

    def forward(self, x):
        return super().forward(functional.interpolate(x, scale_factor=2.0))


class Bottleneck(nn.Module):
    """Adds three narrower convolutions; `slope` is that of the activation."""

    def __init__(self, channels, hidden, slope):
        super().__init__()
        self.slope = slope
        self.conv_1 = Normalized(channels, hidden, 1)
        self.conv_2 = Normalized(hidden, hidden, 3)
        self.conv_3 = Normalized(hidden, channels, 3)

    def forward(self, x):
        h = functional.leaky_relu(self.conv_1(x), self.slope)
        h = functional.leaky_relu(self.conv_2(h), self.slope)
        return functional.leaky_relu(x + self.conv_3(h), self.slope)


class Residual(nn.Module):
    """That of the second generator."""

    def __init__(self, channels):
        super().__init__()
        self.conv_1 = Normalized(channels, channels, 3)
        self.conv_2 = Normalized(channels, channels, 3)

    def forward(self, x):
        return torch.relu(x + self.conv_2(torch.relu(self.conv_1(x))))


class Augmentation(nn.Module):
    """Text to a sample of N(mu, sigma), with mu and log sigma.

    The activation is over both.
    """

    def __init__(self, text_dim=1024, condition_dim=128):
        super().__init__()
        self.dense = nn.Linear(text_dim, 2 * condition_dim)

    def forward(self, text, epsilon):
        both = functional.leaky_relu(self.dense(text), 0.2)
        mean, log_std = both.chunk(2, dim=1)
        return mean + log_std.exp() * epsilon, mean, log_std


def kl_divergence(mean, log_std):
    """Of N(mean, std) from N(0, 1), (batch,)."""
    terms = -log_std + 0.5 * ((2.0 * log_std).exp() + mean**2 - 1.0)
    return terms.sum(dim=1)


def augmentation_loss(mean, log_std, weight=2.0):
    """As coded: also the mean over the dimensions."""
    return weight * kl_divergence(mean, log_std).mean() / mean.shape[1]


class FirstGenerator(Network):
    def __init__(
        self,
        size=64,
        channels=3,
        width=128,
        latent_dim=100,
        text_dim=1024,
        condition_dim=128,
    ):
        super().__init__()
        self.smallest = size // 16
        self.augmentation = Augmentation(text_dim, condition_dim)
        units = self.smallest**2 * 8 * width
        self.dense = nn.Linear(condition_dim + latent_dim, units)
        self.norm = nn.BatchNorm1d(units)
        self.block_1 = Bottleneck(8 * width, 2 * width, 0.0)
        self.up_1 = Up(8 * width, 4 * width)
        self.block_2 = Bottleneck(4 * width, width, 0.0)
        self.up_2 = Up(4 * width, 2 * width)
        self.up_3 = Up(2 * width, width)
        self.to_image = conv(width, channels, 3)
        first_weights(self)

    def forward(self, text, epsilon, latents):
        """Images, mu and log sigma."""
        c, *moments = self.augmentation(text, epsilon)
        x = self.norm(self.dense(torch.cat([c, latents], dim=1)))
        x = x.unflatten(1, (self.smallest, self.smallest, -1))
        x = self.block_1(x.permute(0, 3, 1, 2))
        x = self.block_2(self.up_1(x))
        x = torch.relu(self.up_2(x))
        x = torch.relu(self.up_3(x))
        x = self.to_image(functional.interpolate(x, scale_factor=2.0))
        return torch.tanh(x), *moments


class SecondGenerator(Network):
    """Images of the first stage to those four times as high."""

    def __init__(
        self, channels=3, width=128, text_dim=1024, condition_dim=128, blocks=4
    ):
        super().__init__()
        self.blocks = blocks
        self.augmentation = Augmentation(text_dim, condition_dim)
        self.from_image = conv(channels, width, 3)
        self.down_1 = Normalized(width, 2 * width, 4, 2)
        self.down_2 = Normalized(2 * width, 4 * width, 4, 2)
        self.joint = Normalized(4 * width + condition_dim, 4 * width, 3)
        for i in range(blocks):
            setattr(self, f"block_{i + 1}", Residual(4 * width))
        widths = [4 * width, 2 * width, width, width // 2, width // 4]
        for i in range(4):
            setattr(self, f"up_{i + 1}", Up(widths[i], widths[i + 1]))
        self.to_image = conv(widths[4], channels, 3)
        first_weights(self)

    def forward(self, images, text, epsilon):
        """Images, mu and log sigma."""
        c, *moments = self.augmentation(text, epsilon)
        x = torch.relu(self.from_image(images))
        x = torch.relu(self.down_1(x))
        x = torch.relu(self.down_2(x))
        x = torch.relu(self.joint(with_tiles(x, c)))
        for i in range(self.blocks):
            x = getattr(self, f"block_{i + 1}")(x)
        for i in range(4):
            x = torch.relu(getattr(self, f"up_{i + 1}")(x))
        return torch.tanh(self.to_image(x)), *moments


def with_tiles(x, vector):
    """Feature maps with a vector at each of their pixels, after them."""
    tiles = vector[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, tiles], dim=1)


class Discriminator(Network):
    """Of stage 1 or 2. It sees the text itself, through a layer of its own.

    `size` is that of the first stage, in the second one, too.
    """

    def __init__(
        self,
        stage,
        size=64,
        channels=3,
        width=64,
        text_dim=1024,
        condition_dim=128,
    ):
        super().__init__()
        self.stage = stage
        self.text = nn.Linear(text_dim, condition_dim)
        self.down_1 = conv(channels, width, 4, 2)
        factors = (1, 2, 4, 8) if stage == 1 else (1, 2, 4, 8, 16, 32)
        self.downs = len(factors)
        for i in range(1, self.downs):
            n_in, n = (width * factor for factor in factors[i - 1 : i + 1])
            setattr(self, f"down_{i + 1}", Normalized(n_in, n, 4, 2))
        if stage == 2:
            self.narrow_1 = Normalized(32 * width, 16 * width, 1)
            self.narrow_2 = Normalized(16 * width, 8 * width, 1)
        self.block = Bottleneck(8 * width, 2 * width, 0.2)
        self.joint = Normalized(8 * width + condition_dim, 8 * width, 1)
        self.logit = nn.Conv2d(8 * width, 1, size // 16, bias=False)
        first_weights(self)

    def forward(self, images, text):
        x = leaky(self.down_1(images))
        for i in range(1, self.downs):
            x = getattr(self, f"down_{i + 1}")(x)
            # Of stage 1 the last two have none.
            if self.stage == 2 or i < 2:
                x = leaky(x)
        if self.stage == 2:
            x = self.narrow_2(leaky(self.narrow_1(x)))
        x = with_tiles(self.block(x), leaky(self.text(text)))
        return self.logit(leaky(self.joint(x)))[:, 0, 0, 0]


def leaky(x):
    return functional.leaky_relu(x, 0.2)


def first_weights(network):
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.trunc_normal_(module.weight, 0.0, 0.02, -0.04, 0.04)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)


def discriminator_loss(discriminator, real, wrong, fake, text):
    """Wrong images are real ones of other texts."""
    real_loss = cross_entropy(discriminator(real, text), 1.0)
    wrong_loss = cross_entropy(discriminator(wrong, text), 0.0)
    fake_loss = cross_entropy(discriminator(fake.detach(), text), 0.0)
    return real_loss + 0.5 * (wrong_loss + fake_loss)


def generator_loss(discriminator, fake, text, mean, log_std):
    adversarial = cross_entropy(discriminator(fake, text), 1.0)
    return adversarial, augmentation_loss(mean, log_std)


def optimizer(network, learning_rate=2e-4, epsilon=1e-8):
    """Half the rate every 50 epochs in stage 1, every 100 in stage 2."""
    return torch.optim.Adam(
        network.parameters(), learning_rate, betas=(0.5, 0.999), eps=epsilon
    )


def one_step(
    generate,
    trained,
    discriminator,
    generator_optimizer,
    discriminator_optimizer,
    real,
    wrong,
    text,
    noises,
):
    """The discriminator's step, then the generator's, which is `trained`."""
    fake, _, _ = generate(*noises[0])
    d_loss = discriminator_loss(discriminator, real, wrong, fake, text)
    descend(d_loss, discriminator.parameters(), discriminator_optimizer)
    fake, *moments = generate(*noises[1])
    adversarial, kl = generator_loss(discriminator, fake, text, *moments)
    descend(adversarial + kl, trained.parameters(), generator_optimizer)
    return {
        "d_loss": d_loss.item(),
        "g_loss": (adversarial + kl).item(),
        "adversarial": adversarial.item(),
        "kl": kl.item(),
    }


def first_stage_step(
    generator,
    discriminator,
    generator_optimizer,
    discriminator_optimizer,
    real,
    wrong,
    text,
    noises,
):
    """`noises` are two pairs (epsilon, z), the discriminator's first."""
    return one_step(
        lambda epsilon, latents: generator(text, epsilon, latents),
        generator,
        discriminator,
        generator_optimizer,
        discriminator_optimizer,
        real,
        wrong,
        text,
        noises,
    )


def second_stage_step(
    first_generator,
    generator,
    discriminator,
    generator_optimizer,
    discriminator_optimizer,
    real,
    wrong,
    text,
    noises,
):
    """`noises` are two triples (epsilon, z, epsilon of this stage).

    The first generator is not trained.
    """

    def generate(first_epsilon, latents, epsilon):
        with torch.no_grad():
            images, _, _ = first_generator(text, first_epsilon, latents)
        return generator(images, text, epsilon)

    return one_step(
        generate,
        generator,
        discriminator,
        generator_optimizer,
        discriminator_optimizer,
        real,
        wrong,
        text,
        noises,
    )
