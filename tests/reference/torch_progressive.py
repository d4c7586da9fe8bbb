"""ProGAN and StyleGAN (the first) in PyTorch, forward only, and R1.

Karras, Aila, Laine and Lehtinen, 2018. https://arxiv.org/abs/1710.10196
Karras, Laine and Aila, 2019. https://arxiv.org/abs/1812.04948

The number in a parameter's name is the resolution it works at (for the
discriminators: of what comes in). Images have `min(2 * fmap_base /
resolution, fmap_max)` maps. A network holds all resolutions from 4x4 to
`image_size`; `forward(..., resolution=None, fade=1.0)` runs it up to one of
them, faded in over the one below.

Layouts: images (batch, channels, height, width), convolution weights (out,
in, height, width), dense weights (out, in). `dense_4` of the ProGAN generator
gives channels, height, width in this order, and has one bias per channel;
`dense_4` of the discriminators takes channels, height, width in this order.
All weights are stored as N(0, 1) (mapping: N(0, 1 / lrmul)) and multiplied by
gain / sqrt(fan_in) at run time, gain sqrt(2) unless said otherwise.

The authors' upsampling convolutions with fused scale equal the plain order
used here, nearest neighbour and then the convolution, but for kernels that lie
the other way around (numpy_stylegan.py has them). In ProGAN's
discriminator the activation comes before the average pool, as in the table of
the paper (the authors' fused form has it after); in StyleGAN's it comes after
the pool, as in the authors' code.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from .torch_wgan_gp import gradient_penalty

HE_GAIN = math.sqrt(2)


class EqualizedConv(nn.Module):
    """Convolution of stride 1 that keeps the size."""

    def __init__(self, maps_in, maps, kernel, gain=HE_GAIN, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(maps, maps_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(maps)) if bias else None
        self.scale = gain / math.sqrt(maps_in * kernel**2)
        self.padding = kernel // 2

    def forward(self, x):
        weight = self.weight * self.scale
        return functional.conv2d(x, weight, self.bias, padding=self.padding)


class EqualizedDense(nn.Module):
    """Dense layer."""

    def __init__(self, units_in, units, gain=HE_GAIN, lrmul=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(units, units_in) / lrmul)
        self.bias = nn.Parameter(torch.zeros(units))
        self.scale = gain / math.sqrt(units_in) * lrmul
        self.lrmul = lrmul

    def forward(self, x):
        weight = self.weight * self.scale
        return functional.linear(x, weight, self.bias * self.lrmul)


def act(x):
    return functional.leaky_relu(x, 0.2)


def pixel_norm(x):
    return x / torch.sqrt((x**2).mean(dim=1, keepdim=True) + 1e-8)


def upsample(x):
    return functional.interpolate(x, scale_factor=2, mode="nearest")


def average_pool(x):
    return functional.avg_pool2d(x, 2)


def blur(x):
    """[1, 2, 1] / 4 along both axes, zeros beyond the border."""
    channels = x.shape[1]
    line = torch.tensor([1.0, 2.0, 1.0], dtype=x.dtype, device=x.device) / 4
    kernel = torch.outer(line, line).expand(channels, 1, 3, 3)
    return functional.conv2d(x, kernel, padding=1, groups=channels)


def minibatch_stddev(x, group_size=4):
    """Appends one map; image i is in group i modulo the groups."""
    batch, channels, height, width = x.shape
    group_size = min(group_size, batch)
    # [members, groups, channels, height, width]
    y = x.reshape(group_size, -1, channels, height, width)
    y = torch.sqrt(((y - y.mean(dim=0)) ** 2).mean(dim=0) + 1e-8)
    y = y.mean(dim=(1, 2, 3)).repeat(group_size)  # [batch]
    y = y[:, None, None, None].expand(batch, 1, height, width)
    return torch.cat([x, y], dim=1)


def features(resolution, fmap_base, fmap_max):
    return min(2 * fmap_base // resolution, fmap_max)


def resolutions(image_size):
    """4, 8, ... image_size."""
    return [2**k for k in range(2, image_size.bit_length())]


class ProGANGenerator(nn.Module):
    """Latents (batch, latent_dim) to images, without tanh.

    Parameters: `dense_4`, `bias_4`, `conv_4`, from 8x8 on `conv0_N` (after
    the upsampling) and `conv1_N`; `to_rgb_N` (1x1, gain 1) for each.
    """

    def __init__(
        self,
        image_size=1024,
        channels=3,
        latent_dim=512,
        fmap_base=8192,
        fmap_max=512,
    ):
        super().__init__()
        self.image_size = image_size
        below = features(4, fmap_base, fmap_max)
        # The gain makes up for a fan-in that the authors count as if this
        # were a convolution from 1x1 to 4x4.
        self.dense_4 = EqualizedDense(latent_dim, 16 * below, gain=HE_GAIN / 4)
        self.dense_4.bias = None
        self.bias_4 = nn.Parameter(torch.zeros(below))
        self.conv_4 = EqualizedConv(below, below, 3)
        self.to_rgb_4 = EqualizedConv(below, channels, 1, gain=1.0)
        for size in resolutions(image_size)[1:]:
            maps = features(size, fmap_base, fmap_max)
            self.add_module(f"conv0_{size}", EqualizedConv(below, maps, 3))
            self.add_module(f"conv1_{size}", EqualizedConv(maps, maps, 3))
            to_rgb = EqualizedConv(maps, channels, 1, gain=1.0)
            self.add_module(f"to_rgb_{size}", to_rgb)
            below = maps

    def forward(self, latents, resolution=None, fade=1.0):
        dense = self.dense_4
        x = pixel_norm(latents)
        x = functional.linear(x, dense.weight * dense.scale)
        x = x.reshape(len(x), -1, 4, 4) + self.bias_4[:, None, None]
        x = pixel_norm(act(x))
        x = pixel_norm(act(self.conv_4(x)))
        images = self.to_rgb_4(x)
        for size in resolutions(resolution or self.image_size)[1:]:
            x = upsample(x)
            x = pixel_norm(act(getattr(self, f"conv0_{size}")(x)))
            x = pixel_norm(act(getattr(self, f"conv1_{size}")(x)))
            older = images
            images = getattr(self, f"to_rgb_{size}")(x)
        if fade < 1.0 and images.shape[2] > 4:
            images = (1.0 - fade) * upsample(older) + fade * images
        return images

    def name_map(self):
        """Role to parameter name; they are equal but for `.weight`."""
        return roles(self)


class ProGANDiscriminator(nn.Module):
    """Images to raw scores (batch,).

    Parameters: `from_rgb_N` (1x1), `conv0_N` and `conv1_N` (before the
    average pool) for each resolution from 8x8; `from_rgb_4`, `conv_4` (after
    the minibatch standard deviation), `dense_4` and `score` (gain 1).
    """

    def __init__(
        self,
        image_size=1024,
        channels=3,
        fmap_base=8192,
        fmap_max=512,
        group_size=4,
    ):
        super().__init__()
        self.image_size = image_size
        self.group_size = group_size
        for size in reversed(resolutions(image_size)):
            maps = features(size, fmap_base, fmap_max)
            below = features(size // 2, fmap_base, fmap_max)
            from_rgb = EqualizedConv(channels, maps, 1)
            self.add_module(f"from_rgb_{size}", from_rgb)
            if size > 4:
                self.add_module(f"conv0_{size}", EqualizedConv(maps, maps, 3))
                self.add_module(f"conv1_{size}", EqualizedConv(maps, below, 3))
        self.conv_4 = EqualizedConv(maps + 1, maps, 3)
        self.dense_4 = EqualizedDense(16 * maps, below)
        self.score = EqualizedDense(below, 1, gain=1.0)

    def down(self, x, size):
        """conv1 at `size`, and half as many pixels."""
        return average_pool(act(getattr(self, f"conv1_{size}")(x)))

    def forward(self, images, resolution=None, fade=1.0):
        resolution = resolution or self.image_size
        x = act(getattr(self, f"from_rgb_{resolution}")(images))
        for size in reversed(resolutions(resolution)[1:]):
            x = act(getattr(self, f"conv0_{size}")(x))
            x = self.down(x, size)
            if size == resolution and fade < 1.0:
                from_rgb = getattr(self, f"from_rgb_{size // 2}")
                older = act(from_rgb(average_pool(images)))
                x = (1.0 - fade) * older + fade * x
        x = minibatch_stddev(x, self.group_size)
        x = act(self.conv_4(x))
        x = act(self.dense_4(x.flatten(1)))
        return self.score(x)[:, 0]

    def name_map(self):
        """Role to parameter name; they are equal but for `.weight`."""
        return roles(self)


class StyleGANDiscriminator(ProGANDiscriminator):
    """As ProGAN's, but blurred before each pool, activated after it."""

    def down(self, x, size):
        conv = getattr(self, f"conv1_{size}")
        x = functional.conv2d(blur(x), conv.weight * conv.scale, padding=1)
        return act(average_pool(x) + conv.bias[:, None, None])


class StyleGANMapping(nn.Module):
    """Latents (batch, latent_dim) to w (batch, w_dim).

    Parameters: `dense_0` to `dense_7`, lrmul 0.01.
    """

    def __init__(self, latent_dim=512, w_dim=512, layers=8, lrmul=0.01):
        super().__init__()
        self.layers = layers
        for layer in range(layers):
            units = latent_dim if layer == 0 else w_dim
            dense = EqualizedDense(units, w_dim, lrmul=lrmul)
            self.add_module(f"dense_{layer}", dense)

    def forward(self, latents):
        x = pixel_norm(latents)
        for layer in range(self.layers):
            x = act(getattr(self, f"dense_{layer}")(x))
        return x

    def name_map(self):
        """Role to parameter name; they are equal but for `.weight`."""
        return roles(self)


class Epilogue(nn.Module):
    """Noise, bias, activation, instance normalization, style.

    Parameters: `noise` and `bias` (one number per map, both start at 0),
    `style` (dense, gain 1; its first half is the scale without its 1).
    """

    def __init__(self, maps, w_dim):
        super().__init__()
        self.noise = nn.Parameter(torch.zeros(maps))
        self.bias = nn.Parameter(torch.zeros(maps))
        self.style = EqualizedDense(w_dim, 2 * maps, gain=1.0)

    def forward(self, x, w, noise):
        x = x + self.noise[:, None, None] * noise
        x = act(x + self.bias[:, None, None])
        x = x - x.mean(dim=(2, 3), keepdim=True)
        x = x / torch.sqrt((x**2).mean(dim=(2, 3), keepdim=True) + 1e-8)
        scale, shift = self.style(w)[:, :, None, None].chunk(2, dim=1)
        return x * (scale + 1.0) + shift


class StyleGANSynthesis(nn.Module):
    """w of every layer (batch, layers, w_dim) and noise to images.

    Two layers for each resolution, so layers 0 and 1 work at 4x4, 2 and 3
    at 8x8. Parameters: `constant` (1, maps, 4, 4), all ones at the start;
    `conv1_4`; from 8x8 on `conv0_N` (upsampled before, blurred after) and
    `conv1_N`, none of them with a bias of its own; `epilogue0_N` and
    `epilogue1_N` after them (`epilogue0_4` after the constant); `to_rgb_N`
    (1x1, gain 1, with bias).
    """

    def __init__(
        self,
        image_size=1024,
        channels=3,
        w_dim=512,
        fmap_base=8192,
        fmap_max=512,
    ):
        super().__init__()
        self.image_size = image_size
        self.layers = 2 * len(resolutions(image_size))
        below = features(4, fmap_base, fmap_max)
        self.constant = nn.Parameter(torch.ones(1, below, 4, 4))
        for size in resolutions(image_size):
            maps = features(size, fmap_base, fmap_max)
            if size > 4:
                conv = EqualizedConv(below, maps, 3, bias=False)
                self.add_module(f"conv0_{size}", conv)
            self.add_module(f"epilogue0_{size}", Epilogue(maps, w_dim))
            conv = EqualizedConv(maps, maps, 3, bias=False)
            self.add_module(f"conv1_{size}", conv)
            self.add_module(f"epilogue1_{size}", Epilogue(maps, w_dim))
            to_rgb = EqualizedConv(maps, channels, 1, gain=1.0)
            self.add_module(f"to_rgb_{size}", to_rgb)
            below = maps

    def forward(self, ws, noises, resolution=None, fade=1.0):
        """`noises`: one map (batch, 1, size, size) for each layer."""
        x = self.constant.expand(len(ws), -1, -1, -1)
        images = older = None
        sizes = resolutions(resolution or self.image_size)
        for block, size in enumerate(sizes):
            if size > 4:
                older = images
                x = blur(getattr(self, f"conv0_{size}")(upsample(x)))
            for layer in (0, 1):
                if layer == 1:
                    x = getattr(self, f"conv1_{size}")(x)
                place = 2 * block + layer
                epilogue = getattr(self, f"epilogue{layer}_{size}")
                x = epilogue(x, ws[:, place], noises[place])
            images = getattr(self, f"to_rgb_{size}")(x)
        if fade < 1.0 and images.shape[2] > 4:
            images = (1.0 - fade) * upsample(older) + fade * images
        return images

    def name_map(self):
        """Role to parameter name; they are equal but for `.weight`."""
        return roles(self)


def roles(network):
    """Calls weights kernels; all other names are roles already."""
    return {
        name.replace(".weight", ".kernel"): name
        for name, _ in network.named_parameters()
    }


def draw_noises(batch, image_size):
    """Normal noise for every layer of `StyleGANSynthesis`."""
    return [
        torch.randn(batch, 1, size, size)
        for size in resolutions(image_size)
        for _ in (0, 1)
    ]


def r1_penalty(discriminator, real_images):
    """Squared gradient norm of the scores at real images, per image, (batch,).

    Without the gamma / 2 of Mescheder et al., 2018.
    """
    real_images = real_images.detach().requires_grad_()
    (gradients,) = torch.autograd.grad(
        discriminator(real_images).sum(), real_images, create_graph=True
    )
    return (gradients**2).sum(dim=(1, 2, 3))


def non_saturating_discriminator_loss(real_scores, fake_scores):
    """softplus(-real) + softplus(fake), per image."""
    return functional.softplus(-real_scores) + functional.softplus(fake_scores)


def non_saturating_generator_loss(fake_scores):
    """softplus(-fake), per image."""
    return functional.softplus(-fake_scores)


def progan_discriminator_loss(
    discriminator, real_images, fake_images, factors, drift=0.001
):
    """WGAN-GP with lambda 10 and the drift term, mean over the batch."""
    real_scores = discriminator(real_images)
    fake_scores = discriminator(fake_images)
    penalty = gradient_penalty(discriminator, real_images, fake_images, factors)
    return (
        fake_scores - real_scores + 10.0 * penalty + drift * real_scores**2
    ).mean()
