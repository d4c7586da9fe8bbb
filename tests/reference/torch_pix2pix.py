"""pix2pix in PyTorch.

Isola, Zhu, Zhou and Efros, 2017. https://arxiv.org/abs/1611.07004

The U-Net halves the image down to 1x1 and doubles it again; each block
hands its input past everything inside it and joins it to what comes out. All
kernels 4x4, stride 2, padding 1. Maps: width times 1, 2, 4, 8, 8, ... .
LeakyReLU(0.2) precedes each convolution on the way down but the first, ReLU
each on the way up. Batch normalization follows all but the outermost two and
the innermost one on the way down; only the outermost on the way up has a
bias. Dropout of one half in the blocks at 8 times width on both sides: three
at 256, one at 64, none at 32.

The blocks nest as in the public checkpoints, and so do the parameter names:
`model.model.0.weight` is the outermost convolution, `model.model.1.model...`
the block inside it. There the LeakyReLU works in place, so that the skip
carries its output; the ReLU which comes next makes both the same.

Layouts: images (batch, channels, height, width), Conv2d kernels (out, in,
height, width), ConvTranspose2d kernels (in, out, height, width). Where maps
are joined, those of the skip come first.
"""

import torch
from torch import nn

from .torch_patchgan import PatchGAN
from .torch_steps import cross_entropy, descend, names_of_norm, normal_weights


class Outermost(nn.Module):
    """Image to image, around the block `inside`."""

    def __init__(self, channels, target_channels, maps, inside):
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(channels, maps, 4, 2, 1, bias=False),
            inside,
            nn.ReLU(),
            nn.ConvTranspose2d(2 * maps, target_channels, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, images):
        return self.model(images)


class Middle(nn.Module):
    """Joins its input with what the block `inside` makes of it."""

    def __init__(self, maps_outside, maps, inside, dropout=False):
        super().__init__()
        layers = [
            nn.LeakyReLU(0.2),
            nn.Conv2d(maps_outside, maps, 4, 2, 1, bias=False),
            nn.BatchNorm2d(maps),
            inside,
            nn.ReLU(),
            nn.ConvTranspose2d(2 * maps, maps_outside, 4, 2, 1, bias=False),
            nn.BatchNorm2d(maps_outside),
        ]
        if dropout:
            layers.append(nn.Dropout(0.5))
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return torch.cat([x, self.model(x)], dim=1)


class Innermost(nn.Module):
    """From 2x2 to 1x1 and back, without normalization at 1x1."""

    def __init__(self, maps):
        super().__init__()
        self.model = nn.Sequential(
            nn.LeakyReLU(0.2),
            nn.Conv2d(maps, maps, 4, 2, 1, bias=False),
            nn.ReLU(),
            nn.ConvTranspose2d(maps, maps, 4, 2, 1, bias=False),
            nn.BatchNorm2d(maps),
        )

    def forward(self, x):
        return torch.cat([x, self.model(x)], dim=1)


class Generator(nn.Module):
    """Input images to target images, both in [-1, 1].

    `image_size` is a power of two from 32. `dropout=False` leaves dropout
    out, which changes no parameter name.
    """

    def __init__(
        self,
        image_size=256,
        channels=3,
        target_channels=3,
        width=64,
        dropout=True,
    ):
        super().__init__()
        self.image_size = image_size
        block = Innermost(8 * width)
        for _ in range(image_size.bit_length() - 1 - 5):
            block = Middle(8 * width, 8 * width, block, dropout)
        block = Middle(4 * width, 8 * width, block)
        block = Middle(2 * width, 4 * width, block)
        block = Middle(width, 2 * width, block)
        self.model = Outermost(channels, target_channels, width, block)
        normal_weights(self)

    def forward(self, images):
        return self.model(images)

    def name_map(self):
        """Role to parameter name; the number is the height that comes out.

        `down_norm_N` follows `down_N`, `up_norm_N` follows `up_N`.
        """
        size = self.image_size // 2
        names = {
            f"down_{size}.kernel": "model.model.0.weight",
            "to_image.kernel": "model.model.3.weight",
            "to_image.bias": "model.model.3.bias",
        }
        block = "model.model.1.model"
        while size > 2:
            names[f"down_{size // 2}.kernel"] = f"{block}.1.weight"
            names |= names_of_norm(f"down_norm_{size // 2}", f"{block}.2")
            names[f"up_{size}.kernel"] = f"{block}.5.weight"
            names |= names_of_norm(f"up_norm_{size}", f"{block}.6")
            block += ".3.model"
            size //= 2
        names["down_1.kernel"] = f"{block}.1.weight"
        names["up_2.kernel"] = f"{block}.3.weight"
        names |= names_of_norm("up_norm_2", f"{block}.4")
        return names


def discriminator(channels=3, target_channels=3, width=64, n_layers=3):
    """The PatchGAN; it sees input and target, in this order, joined."""
    return PatchGAN(channels + target_channels, width, n_layers)


def optimizer(network, epsilon=1e-8):
    """The paper's Adam; see the package's docstring about epsilon."""
    return torch.optim.Adam(
        network.parameters(), 2e-4, betas=(0.5, 0.999), eps=epsilon
    )


def train_step(
    generator,
    discriminator,
    generator_optimizer,
    discriminator_optimizer,
    inputs,
    targets,
    l1_weight=100.0,
):
    """One step of the discriminator (half its loss), then of the generator.

    The generator runs once; both steps use what it made.
    """
    fakes = generator(inputs)

    fake_scores = discriminator(torch.cat([inputs, fakes.detach()], dim=1))
    real_scores = discriminator(torch.cat([inputs, targets], dim=1))
    d_loss = 0.5 * (
        cross_entropy(real_scores, 1.0) + cross_entropy(fake_scores, 0.0)
    )
    descend(d_loss, discriminator.parameters(), discriminator_optimizer)

    fake_scores = discriminator(torch.cat([inputs, fakes], dim=1))
    adversarial = cross_entropy(fake_scores, 1.0)
    l1 = (fakes - targets).abs().mean()
    g_loss = adversarial + l1_weight * l1
    descend(g_loss, generator.parameters(), generator_optimizer)
    return {
        "d_loss": d_loss.item(),
        "g_loss": g_loss.item(),
        "adversarial": adversarial.item(),
        "l1": l1.item(),
    }
