"""DCGAN in PyTorch, in the form of dcgan.torch and of PyTorch's own example.

Radford, Metz and Chintala, 2016. https://arxiv.org/abs/1511.06434

Every convolution has 4x4 kernels. All halve or double the image (stride 2,
padding 1), but for the generator's first and the discriminator's last, which
lie between 1x1 and 4x4 (stride 1, no padding). No convolution has a bias.
Batch normalization (momentum 0.1, epsilon 1e-5) follows all convolutions but
the first and last of the discriminator and the last of the generator.

For 64x64 images and width 64 the maps are 512@4, 256@8, 128@16, 64@32. Each
halving of the image size takes away the block at 4x4 and moves the others.

Parameter names are those of PyTorch's example (`main.0.weight`, ...).
Layouts: images (batch, channels, height, width), Conv2d kernels (out, in,
height, width), ConvTranspose2d kernels (in, out, height, width), latents
(batch, latent_dim).

One difference: the discriminator returns raw scores of shape (batch,); the
sigmoid belongs to the loss.
"""

import torch
from torch import nn

from .torch_steps import cross_entropy, descend, names_of_norm, normal_weights


class Generator(nn.Module):
    """Latents (batch, latent_dim) to images in [-1, 1]."""

    def __init__(self, image_size=64, channels=3, width=64, latent_dim=100):
        super().__init__()
        self.image_size = image_size
        layers = []
        maps_in = latent_dim
        size = 4
        while size < image_size:
            maps = width * image_size // (2 * size)
            if size == 4:
                up = nn.ConvTranspose2d(maps_in, maps, 4, 1, 0, bias=False)
            else:
                up = nn.ConvTranspose2d(maps_in, maps, 4, 2, 1, bias=False)
            layers += [up, nn.BatchNorm2d(maps), nn.ReLU()]
            maps_in = maps
            size *= 2
        layers += [
            nn.ConvTranspose2d(maps_in, channels, 4, 2, 1, bias=False),
            nn.Tanh(),
        ]
        self.main = nn.Sequential(*layers)
        normal_weights(self)

    def forward(self, latents):
        return self.main(latents[:, :, None, None])

    def name_map(self):
        """Role to parameter name; the number is the height that comes out."""
        names = {}
        index, size = 0, 4
        while size < self.image_size:
            names[f"up_{size}.kernel"] = f"main.{index}.weight"
            names |= names_of_norm(f"norm_{size}", f"main.{index + 1}")
            index, size = index + 3, size * 2
        names["to_image.kernel"] = f"main.{index}.weight"
        return names


class Discriminator(nn.Module):
    """Images in [-1, 1] to raw scores (batch,)."""

    def __init__(self, image_size=64, channels=3, width=64):
        super().__init__()
        self.image_size = image_size
        layers = [
            nn.Conv2d(channels, width, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2),
        ]
        maps, size = width, image_size // 2
        while size > 4:
            layers += [
                nn.Conv2d(maps, maps * 2, 4, 2, 1, bias=False),
                nn.BatchNorm2d(maps * 2),
                nn.LeakyReLU(0.2),
            ]
            maps, size = maps * 2, size // 2
        layers += [nn.Conv2d(maps, 1, 4, 1, 0, bias=False)]
        self.main = nn.Sequential(*layers)
        normal_weights(self)

    def forward(self, images):
        return self.main(images)[:, 0, 0, 0]

    def name_map(self):
        """Role to parameter name; the number is the height that comes out."""
        size = self.image_size // 2
        names = {f"down_{size}.kernel": "main.0.weight"}
        index = 2
        while size > 4:
            size //= 2
            names[f"down_{size}.kernel"] = f"main.{index}.weight"
            names |= names_of_norm(f"norm_{size}", f"main.{index + 1}")
            index += 3
        names["score.kernel"] = f"main.{index}.weight"
        return names


def optimizer(network, epsilon=1e-8):
    """The paper's Adam; see the package's docstring about epsilon."""
    return torch.optim.Adam(
        network.parameters(), 2e-4, betas=(0.5, 0.999), eps=epsilon
    )


def discriminator_loss(discriminator, real_images, fake_images):
    """Sum of both means; two passes, so that statistics are not mixed."""
    return cross_entropy(discriminator(real_images), 1.0) + cross_entropy(
        discriminator(fake_images), 0.0
    )


def train_step(
    generator,
    discriminator,
    generator_optimizer,
    discriminator_optimizer,
    real_images,
    discriminator_latents,
    generator_latents,
):
    """One step of the discriminator, then one of the generator.

    PyTorch's example uses one draw of latents for both: pass it twice.
    """
    fake_images = generator(discriminator_latents).detach()
    d_loss = discriminator_loss(discriminator, real_images, fake_images)
    descend(d_loss, discriminator.parameters(), discriminator_optimizer)

    fake_scores = discriminator(generator(generator_latents))
    g_loss = cross_entropy(fake_scores, 1.0)
    descend(g_loss, generator.parameters(), generator_optimizer)
    return {"d_loss": d_loss.item(), "g_loss": g_loss.item()}
