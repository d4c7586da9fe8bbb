"""CycleGAN in PyTorch.

Zhu, Park, Isola and Efros, 2017. https://arxiv.org/abs/1703.10593

The generator: 7x7 convolution, two that halve the image (3x3, stride 2,
padding 1), `blocks` residual blocks of two 3x3 convolutions, two transposed
ones that double it (3x3, stride 2, padding 1, output padding 1), 7x7
convolution, tanh. Maps: width, 2 width, 4 width and back. Images are
reflected at the border before the 7x7 convolutions (3 pixels) and inside the
residual blocks (1 pixel), elsewhere padded with zeros. Instance
normalization without gain and shift (epsilon 1e-5) after all but the last;
every convolution has a bias.

Parameter names are those of the public checkpoints: `model.1.weight` is the
first convolution, `model.10.conv_block.1.weight` the first of the first
residual block. Layouts: images (batch, channels, height, width), Conv2d
kernels (out, in, height, width), ConvTranspose2d kernels (in, out, height,
width).

In the public code `netG_A` is `generator_ab` here, `netG_B` is
`generator_ba`; `netD_A` judges images of B and is `discriminator_b` here,
`netD_B` is `discriminator_a`.
"""

import itertools

import torch
from torch import nn

from .torch_patchgan import PatchGAN
from .torch_steps import descend, normal_weights, squared_error


class ResidualBlock(nn.Module):
    """Adds two convolutions of the input to it."""

    def __init__(self, maps):
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(maps, maps, 3),
            nn.InstanceNorm2d(maps),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(maps, maps, 3),
            nn.InstanceNorm2d(maps),
        )

    def forward(self, x):
        return x + self.conv_block(x)


class Generator(nn.Module):
    """Images of one kind to images of the other, both in [-1, 1]."""

    def __init__(self, channels=3, target_channels=3, width=64, blocks=9):
        super().__init__()
        self.blocks = blocks
        layers = [
            nn.ReflectionPad2d(3),
            nn.Conv2d(channels, width, 7),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
        ]
        for maps in (width, 2 * width):
            layers += [
                nn.Conv2d(maps, 2 * maps, 3, 2, 1),
                nn.InstanceNorm2d(2 * maps),
                nn.ReLU(),
            ]
        layers += [ResidualBlock(4 * width) for _ in range(blocks)]
        for maps in (4 * width, 2 * width):
            layers += [
                nn.ConvTranspose2d(maps, maps // 2, 3, 2, 1, 1),
                nn.InstanceNorm2d(maps // 2),
                nn.ReLU(),
            ]
        layers += [
            nn.ReflectionPad2d(3),
            nn.Conv2d(width, target_channels, 7),
            nn.Tanh(),
        ]
        self.model = nn.Sequential(*layers)
        normal_weights(self)

    def forward(self, images):
        return self.model(images)

    def name_map(self):
        """Role to parameter name; residual blocks are numbered from 0."""
        modules = {"from_image": 1, "down_1": 4, "down_2": 7}
        for block in range(self.blocks):
            modules[f"residual_{block}_0"] = f"{10 + block}.conv_block.1"
            modules[f"residual_{block}_1"] = f"{10 + block}.conv_block.5"
        after = 10 + self.blocks
        modules |= {"up_1": after, "up_2": after + 3, "to_image": after + 7}
        names = {}
        for role, module in modules.items():
            names[f"{role}.kernel"] = f"model.{module}.weight"
            names[f"{role}.bias"] = f"model.{module}.bias"
        return names


def discriminator(channels=3, width=64, n_layers=3):
    """The PatchGAN with instance normalization."""
    return PatchGAN(channels, width, n_layers, nn.InstanceNorm2d)


class ImagePool:
    """Up to `size` earlier images; `size` 0 disables it.

    While it is not full it keeps and returns every image. Then, with
    probability one half, it returns an old one and keeps the new one in its
    place; otherwise it returns the new one (section 4, after Shrivastava et
    al., 2017).
    """

    def __init__(self, size=50):
        self.size = size
        self.images = []

    def query(self, images, coins, places):
        """Returns a batch of images, one for each of `images`.

        `coins` and `places` are the draws: for each image a number in
        [0, 1), above one half to swap, and the place in the pool of the
        image to swap with. They are not looked at while the pool fills.
        """
        returned = []
        for image, coin, place in zip(images, coins, places, strict=True):
            image = image.detach()
            if self.size == 0:
                returned.append(image)
            elif len(self.images) < self.size:
                self.images.append(image.clone())
                returned.append(image)
            elif coin > 0.5:
                returned.append(self.images[place])
                self.images[place] = image.clone()
            else:
                returned.append(image)
        return torch.stack(returned)


def no_pool(images):
    """Stands for a pool that always returns the images it is given."""
    return images.detach()


def optimizer(*networks, epsilon=1e-8):
    """One Adam over the parameters of both `networks`."""
    parameters = itertools.chain(*(n.parameters() for n in networks))
    return torch.optim.Adam(parameters, 2e-4, betas=(0.5, 0.999), eps=epsilon)


def train_step(
    generator_ab,
    generator_ba,
    discriminator_a,
    discriminator_b,
    generator_optimizer,
    discriminator_optimizer,
    real_a,
    real_b,
    pool_a=no_pool,
    pool_b=no_pool,
    cycle_weight=10.0,
    identity_weight=0.5,
):
    """One step of both generators together, then of both discriminators.

    `pool_a` and `pool_b` take the generated images of A and of B and
    return those that the discriminators are to see.
    """
    fake_b = generator_ab(real_a)
    cycled_a = generator_ba(fake_b)
    fake_a = generator_ba(real_b)
    cycled_b = generator_ab(fake_a)
    identity_a = (generator_ba(real_a) - real_a).abs().mean()
    identity_b = (generator_ab(real_b) - real_b).abs().mean()
    cycle_a = (cycled_a - real_a).abs().mean()
    cycle_b = (cycled_b - real_b).abs().mean()
    adversarial_ab = squared_error(discriminator_b(fake_b), 1.0)
    adversarial_ba = squared_error(discriminator_a(fake_a), 1.0)
    g_loss = (
        adversarial_ab
        + adversarial_ba
        + cycle_weight * (cycle_a + cycle_b)
        + cycle_weight * identity_weight * (identity_a + identity_b)
    )
    descend(
        g_loss,
        [*generator_ab.parameters(), *generator_ba.parameters()],
        generator_optimizer,
    )

    d_losses = []
    for network, real, fake in (
        (discriminator_a, real_a, pool_a(fake_a)),
        (discriminator_b, real_b, pool_b(fake_b)),
    ):
        real_loss = squared_error(network(real), 1.0)
        fake_loss = squared_error(network(fake), 0.0)
        d_losses.append(0.5 * (real_loss + fake_loss))
    descend(
        d_losses[0] + d_losses[1],
        [*discriminator_a.parameters(), *discriminator_b.parameters()],
        discriminator_optimizer,
    )
    return {
        "g_loss": g_loss.item(),
        "d_loss_a": d_losses[0].item(),
        "d_loss_b": d_losses[1].item(),
        "adversarial_ab": adversarial_ab.item(),
        "adversarial_ba": adversarial_ba.item(),
        "cycle_a": cycle_a.item(),
        "cycle_b": cycle_b.item(),
        "identity_a": identity_a.item(),
        "identity_b": identity_b.item(),
    }
