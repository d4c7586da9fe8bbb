"""StyleGAN2 in PyTorch: networks, losses, penalties and one training step.

Karras, Laine, Aittala, Hellsten, Lehtinen and Aila, 2020.
https://arxiv.org/abs/1912.04958
Karras, Aittala, Hellsten, Laine, Lehtinen and Aila, 2020 (ADA; its labels).
https://arxiv.org/abs/2006.06676

The number in a parameter's name is the resolution that the layer makes (the
generator) or takes (the discriminator). Layers have `min(channel_base /
resolution, channel_max)` maps: 32768 and 512 is config-f, 16384 has half as
many maps.

Layouts: images (batch, channels, height, width), convolution weights (out,
in, height, width), dense weights (out, in). The weights of upsampling layers
are laid down as conv_transpose2d does it: `y[2 i + a] += x[i] weight[a]`.
`dense_4` of the discriminator takes channels, height, width in this order.
All weights are stored as N(0, 1) (the mapping's dense layers: N(0, 1 / 0.01))
and multiplied by 1 / sqrt(fan_in) at run time. The activation's gain sqrt(2) is
applied before it, to kernels, biases and noise (`gain`): a leaky ReLU of twice
as much is twice as much.

Convolutions run in a network's `dtype` (float32) and memory `layout`; weights,
styles, the sum of RGB images and everything at the discriminator's 4x4 stay in
float32. With `fast` set to True in all of `convolutions` the resampling filter
is applied to a kernel instead of the maps, the same by associativity.
"""

import copy
import functools
import math

import torch
from torch import nn
from torch.nn import functional

from . import torch_twice
from .torch_progressive import minibatch_stddev, resolutions, roles

LINE = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64) / 8.0


GAIN = math.sqrt(2.0)


def normalized(x):
    """Every vector at a mean square of 1."""
    return x * torch.rsqrt((x**2).mean(dim=1, keepdim=True) + 1e-8)


def act(x):
    """Of what already has the gain."""
    return functional.leaky_relu(x, 0.2)


def maps_at(resolution, channel_base, channel_max):
    return min(channel_base // resolution, channel_max)


# Resampling by [1, 3, 3, 1], zeros beyond the border.


# Tables are cached: a captured step must not copy from the host.


@functools.lru_cache
def square(device, dtype):
    """The filter, (1, 1, 4, 4)."""
    return torch.outer(LINE, LINE)[None, None].to(device, dtype)


def filtered(x, padding, stride=1):
    """Each map filtered, `padding` zeros at each border first."""
    kernel = square(x.device, x.dtype)
    batch, maps, height, width = x.shape
    x = x.reshape(batch * maps, 1, height, width)
    x = functional.conv2d(x, kernel, padding=padding, stride=stride)
    return x.reshape(batch, maps, *x.shape[2:])


def upsample(x):
    """Twice as many pixels along each axis: a matrix from each side."""
    kind = x.device, x.dtype
    return spread(x.shape[2], *kind) @ x @ spread(x.shape[3], *kind).mT


@functools.lru_cache
def spread(size, device, dtype):
    """Matrix (2 size, size): zeros between, padded by 2 and 1, [1 3 3 1] / 4.

    Pixels of the larger image lie a quarter of a pixel beside the old ones,
    so each has 3/4 of the nearer one and 1/4 of the other.
    """
    place = torch.arange(2 * size)[:, None] / 2.0 - 0.25
    distance = (place - torch.arange(size)).abs()
    return (1.0 - distance).clamp(min=0.0).to(device, dtype)


def downsample(x):
    """Half as many pixels along each axis."""
    return filtered(x, padding=1, stride=2)


def with_filter(weight):
    """Kernels with the filter applied to them: 3 more pixels on each axis."""
    size = weight.shape[2]
    table = filter_table(size, weight.device, weight.dtype)
    kernel = weight.reshape(-1, size * size) @ table.mT
    return kernel.reshape(*weight.shape[:2], size + 3, size + 3)


@functools.lru_cache
def filter_table(size, device, dtype):
    """Matrix from flat kernels to flat ones of size + 3."""
    place = torch.arange(size + 3)[:, None] - torch.arange(size)
    taps = torch.zeros(size + 3, size, dtype=torch.float64)
    for offset, value in enumerate(LINE):
        taps += value * (place == offset)
    return torch.kron(taps, taps).to(device, dtype)


def convolve(x, weight, sampling=None, fast=False):
    """Convolution that keeps the size, or doubles ("up") or halves it.

    Up: a transposed convolution of stride 2, and the filter times 4 after it.
    Down: the filter, and a convolution of stride 2 after it.
    """
    if fast:
        return fast_convolve(x, weight, sampling)
    padding = weight.shape[2] // 2
    weight = weight.to(x.dtype)
    if sampling is None:
        return functional.conv2d(x, weight, padding=padding)
    if sampling == "up":
        weight = weight.transpose(0, 1)
        x = functional.conv_transpose2d(x, weight, stride=2)
        return 4.0 * filtered(x, padding=1)
    x = filtered(x, padding=padding + 1)
    return functional.conv2d(x, weight, stride=2)


def fast_convolve(x, weight, sampling=None):
    """The same with the filter applied to the kernel: one convolution."""
    padding = weight.shape[2] // 2
    if sampling is None:
        return torch_twice.conv2d(x, weight.to(x.dtype), padding=padding)
    if sampling == "up":
        kernel = with_filter(4.0 * weight).transpose(0, 1).to(x.dtype)
        return torch_twice.conv_transpose2d(x, kernel, stride=2, padding=2)
    kernel = with_filter(weight).to(x.dtype)
    return torch_twice.conv2d(x, kernel, stride=2, padding=padding + 1)


class Dense(nn.Module):
    """Dense layer without an activation."""

    def __init__(self, units_in, units, gain=1.0, lrmul=1.0, bias=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(units, units_in) / lrmul)
        self.bias = nn.Parameter(torch.full((units,), bias / lrmul))
        self.scale = gain * lrmul / math.sqrt(units_in)
        self.bias_scale = gain * lrmul

    def forward(self, x):
        weight = self.weight * self.scale
        return functional.linear(x, weight, self.bias * self.bias_scale)


class Conv(nn.Module):
    """Convolution without an activation."""

    fast = False

    def __init__(
        self, maps_in, maps, kernel, sampling=None, gain=GAIN, bias=True
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(maps, maps_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(maps)) if bias else None
        self.scale = gain / math.sqrt(maps_in * kernel**2)
        self.gain = gain
        self.sampling = sampling

    def forward(self, x):
        weight = self.weight * self.scale
        x = convolve(x, weight, self.sampling, self.fast)
        if self.bias is None:
            return x
        return x + (self.bias * self.gain).to(x.dtype)[:, None, None]


class ModulatedConv(nn.Module):
    """Convolution whose input maps are scaled by a style.

    The style is the dense layer's output, with bias 1 at the start. With
    demodulation the kernel of each sample and output map has norm 1. Scaling
    input and output maps is the same as scaling kernels: a convolution is
    linear, and a scale has no position.
    """

    fast = False

    def __init__(
        self, maps_in, maps, style_dim, kernel, sampling=None, demodulate=True
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(maps, maps_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(maps))
        self.style = Dense(style_dim, maps_in, bias=1.0)
        self.scale = 1.0 / math.sqrt(maps_in * kernel**2)
        self.sampling = sampling
        self.demodulate = demodulate

    def forward(self, x, w, gain=1.0):
        style = self.style(w)
        weight = self.weight * self.scale
        x = x * style.to(x.dtype)[:, :, None, None]
        x = convolve(x, weight, self.sampling, self.fast)
        bias = (gain * self.bias).to(x.dtype)[:, None, None]
        if not self.demodulate:
            return x + bias
        # [batch, out]: the squared norm of each sample's kernel.
        squares = style**2 @ (weight**2).sum(dim=(2, 3)).mT
        factor = (gain * torch.rsqrt(squares + 1e-8)).to(x.dtype)
        return torch.addcmul(bias, x, factor[:, :, None, None])


def convolutions(network):
    """All that have a `fast` form."""
    modules = network.modules()
    return [m for m in modules if isinstance(m, Conv | ModulatedConv)]


class StyledLayer(ModulatedConv):
    """Modulated convolution, noise, bias, activation.

    `noise_strength` is one number, 0 at the start. `noise` is the map that
    is added when images shall repeat.
    """

    def __init__(self, maps_in, maps, style_dim, size, sampling=None):
        super().__init__(maps_in, maps, style_dim, 3, sampling)
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise", torch.randn(size, size))

    def forward(self, x, w, noise):
        noise = GAIN * self.noise_strength * noise
        x = super().forward(x, w, GAIN)
        return act(x + noise.to(x.dtype))


class Mapping(nn.Module):
    """Latents (batch, latent_dim), and labels, to w (batch, style_dim).

    Labels are one-hot (batch, num_classes). They have an embedding with a
    bias, of mean square 1 like the latents, which follows these. Parameters:
    `embed`, `dense_0` and so on. `mean` is the running mean of w.
    """

    def __init__(self, latent_dim, style_dim, layers, num_classes=0):
        super().__init__()
        self.layers = layers
        units = latent_dim
        if num_classes:
            self.embed = Dense(num_classes, style_dim)
            units += style_dim
        for layer in range(layers):
            dense = Dense(units, style_dim, GAIN, lrmul=0.01)
            self.add_module(f"dense_{layer}", dense)
            units = style_dim
        if latent_dim:
            self.register_buffer("mean", torch.zeros(style_dim))

    def forward(self, latents=None, labels=None):
        parts = [] if latents is None else [normalized(latents)]
        if labels is not None:
            parts.append(normalized(self.embed(labels)))
        x = torch.cat(parts, dim=1)
        for layer in range(self.layers):
            x = act(getattr(self, f"dense_{layer}")(x))
        return x

    @torch.no_grad()
    def follow(self, w):
        """Moves the mean of w by 0.005 of the way."""
        self.mean.lerp_(w.mean(dim=0), 0.005)


class Synthesis(nn.Module):
    """w of every layer (batch, layers, style_dim) and noise to images.

    Parameters: `constant` (1, maps, 4, 4), N(0, 1); `conv1_4`; from 8x8 on
    `conv0_N` (up) and `conv1_N`; `to_rgb_N` (1x1, no demodulation). `conv1_N`
    reads the w after the one of `conv0_N`, `to_rgb_N` the one that is next,
    which is the one of the `conv0` above.
    """

    dtype = torch.float32
    layout = torch.preserve_format

    def __init__(
        self,
        image_size=256,
        channels=3,
        style_dim=512,
        channel_base=32768,
        channel_max=512,
    ):
        super().__init__()
        self.sizes = resolutions(image_size)
        self.layers = 2 * len(self.sizes)
        below = maps_at(4, channel_base, channel_max)
        self.constant = nn.Parameter(torch.randn(1, below, 4, 4))
        for size in self.sizes:
            maps = maps_at(size, channel_base, channel_max)
            if size > 4:
                layer = StyledLayer(below, maps, style_dim, size, "up")
                self.add_module(f"conv0_{size}", layer)
            layer = StyledLayer(maps, maps, style_dim, size)
            self.add_module(f"conv1_{size}", layer)
            to_rgb = ModulatedConv(
                maps, channels, style_dim, 1, demodulate=False
            )
            self.add_module(f"to_rgb_{size}", to_rgb)
            below = maps

    def forward(self, ws, noises=None):
        """`noises`: one map (batch, 1, size, size) for each styled layer.

        They are drawn if there are none.
        """
        noises = iter(noises or self.draw_noises(len(ws), ws.device))
        shape = len(ws), *self.constant.shape[1:]
        x = self.constant.to(self.dtype).expand(shape)
        x = x.to(memory_format=self.layout)
        images = None
        for block, size in enumerate(self.sizes):
            if size > 4:
                layer = getattr(self, f"conv0_{size}")
                x = layer(x, ws[:, 2 * block - 1], next(noises))
                images = upsample(images)
            layer = getattr(self, f"conv1_{size}")
            x = layer(x, ws[:, 2 * block], next(noises))
            to_rgb = getattr(self, f"to_rgb_{size}")
            rgb = to_rgb(x, ws[:, 2 * block + 1]).to(ws.dtype)
            images = rgb if images is None else images + rgb
        return images.contiguous()

    def styled_layers(self):
        """In the order in which they run."""
        return [m for m in self.modules() if isinstance(m, StyledLayer)]

    def draw_noises(self, batch, device=None):
        sizes = [len(layer.noise) for layer in self.styled_layers()]
        return [torch.randn(batch, 1, n, n, device=device) for n in sizes]

    def constant_noises(self):
        return [layer.noise for layer in self.styled_layers()]

    def name_map(self):
        """Role to parameter name; they are equal but for `.weight`."""
        return roles(self)


class Generator(nn.Module):
    """Latents (batch, latent_dim) to images, which have no bounds."""

    def __init__(
        self,
        image_size=256,
        channels=3,
        latent_dim=512,
        style_dim=512,
        mapping_layers=8,
        channel_base=32768,
        channel_max=512,
        num_classes=0,
    ):
        super().__init__()
        self.mapping = Mapping(
            latent_dim, style_dim, mapping_layers, num_classes
        )
        self.synthesis = Synthesis(
            image_size, channels, style_dim, channel_base, channel_max
        )

    def styles(self, latents, labels=None):
        """One w for all layers, (batch, layers, style_dim)."""
        w = self.mapping(latents, labels)
        return w[:, None].expand(-1, self.synthesis.layers, -1)

    def forward(self, latents, labels=None, noises=None, truncation=1.0):
        ws = self.styles(latents, labels)
        mean = self.mapping.mean
        return self.synthesis(mean + truncation * (ws - mean), noises)

    def name_map(self):
        """Role to parameter name; they are equal but for `.weight`."""
        return roles(self)


class Discriminator(nn.Module):
    """Images to raw scores (batch,).

    Parameters: `from_rgb` (1x1); for each resolution down to 8x8 `conv0_N`,
    `conv1_N` (down) and `skip_N` (1x1, down, without bias; there is none if
    not `residual`); `conv_4` (after the minibatch standard deviation),
    `dense_4` and `score`. With classes `score` is a vector, whose product
    with what `labels` (8 dense layers) makes of the label is the score.
    """

    dtype = torch.float32
    layout = torch.preserve_format

    def __init__(
        self,
        image_size=256,
        channels=3,
        channel_base=32768,
        channel_max=512,
        num_classes=0,
        group_size=4,
        residual=True,
    ):
        super().__init__()
        self.sizes = list(reversed(resolutions(image_size)[1:]))
        self.group_size = group_size
        self.residual = residual
        maps = maps_at(image_size, channel_base, channel_max)
        half = math.sqrt(0.5)  # of the sum of a block and its skip
        self.from_rgb = Conv(channels, maps, 1)
        for size in self.sizes:
            below = maps_at(size // 2, channel_base, channel_max)
            self.add_module(f"conv0_{size}", Conv(maps, maps, 3))
            gain = GAIN * half if residual else GAIN
            conv = Conv(maps, below, 3, "down", gain)
            self.add_module(f"conv1_{size}", conv)
            if residual:
                skip = Conv(maps, below, 1, "down", half, bias=False)
                self.add_module(f"skip_{size}", skip)
            maps = below
        self.conv_4 = Conv(maps + 1, maps, 3)
        self.dense_4 = Dense(16 * maps, maps, GAIN)
        self.score = Dense(maps, maps if num_classes else 1)
        if num_classes:
            self.labels = Mapping(0, maps, 8, num_classes)

    def forward(self, images, labels=None):
        x = images.to(self.dtype, memory_format=self.layout)
        x = act(self.from_rgb(x))
        for size in self.sizes:
            y = act(getattr(self, f"conv0_{size}")(x))
            y = act(getattr(self, f"conv1_{size}")(y))
            if self.residual:
                y = y + getattr(self, f"skip_{size}")(x)
            x = y
        x = x.to(self.conv_4.weight.dtype)
        x = minibatch_stddev(x, self.group_size)
        x = act(self.conv_4(x))
        x = act(self.dense_4(x.flatten(1)))
        x = self.score(x)
        if labels is None:
            return x[:, 0]
        x = x * self.labels(labels=labels)
        return x.sum(dim=1) / math.sqrt(x.shape[1])

    def name_map(self):
        """Role to parameter name; they are equal but for `.weight`."""
        return roles(self)


# Losses and penalties


def discriminator_loss(real_scores, fake_scores):
    losses = functional.softplus(-real_scores) + functional.softplus(
        fake_scores
    )
    return losses.mean()


def generator_loss(fake_scores):
    return functional.softplus(-fake_scores).mean()


def r1_penalty(scores, real_images):
    """Half of the squared gradient norm, mean over the batch, without gamma.

    `real_images` are those before any augmentation.
    """
    with torch_twice.inputs_only():
        (gradients,) = torch.autograd.grad(
            scores.sum(), real_images, create_graph=True
        )
    return (gradients**2).sum(dim=(1, 2, 3)).mean() / 2.0


def path_lengths(images, ws, noise):
    """How far images move with w: (batch,).

    `noise` is N(0, 1) in the shape of the images. Its size is divided by the
    root of the number of pixels, the square is a mean over layers.
    """
    pixels = images.shape[2] * images.shape[3]
    movement = (images * noise).sum() / math.sqrt(pixels)
    with torch_twice.inputs_only():
        (gradients,) = torch.autograd.grad(movement, ws, create_graph=True)
    return (gradients**2).sum(dim=2).mean(dim=1).sqrt()


def path_length_penalty(lengths, mean, decay=0.01):
    """Penalty and the next running mean, which the lengths have moved first.

    A gradient flows into the share of this batch in the mean, too.
    """
    mean = mean + decay * (lengths.mean() - mean)
    return ((lengths - mean) ** 2).mean(), mean.detach()


# Style mixing


def draw_crossover(layers, probability=0.9, device=None):
    """First layer that has the second w: 1 ... layers - 1, or none has it."""
    place = torch.randint(1, layers, (), device=device)
    mixes = torch.rand((), device=device) < probability
    return torch.where(mixes, place, torch.full_like(place, layers))


def mixed(ws, other_ws, crossover):
    """The first `crossover` layers of one, the others of the other."""
    layer = torch.arange(ws.shape[1], device=ws.device)[:, None]
    return torch.where(layer < crossover, ws, other_ws)


# Optimizers with lazy regularization, and the average generator


def correction(interval):
    """Of rate and decays if every `interval`th step is followed by another."""
    return interval / (interval + 1.0) if interval else 1.0


def optimizer(parameters, interval, rate=0.0025, **options):
    """Adam(0, 0.99) corrected for lazy regularization; 4 is the generator's."""
    share = correction(interval)
    betas = 0.0**share, 0.99**share
    return torch.optim.Adam(
        parameters, rate * share, betas=betas, eps=1e-8, **options
    )


def descend(loss, network, adam):
    """Takes a step. All weights take it, those without gradients with zeros.

    Not a number counts as 0, infinity as 1e5.
    """
    parameters = list(network.parameters())
    gradients = torch.autograd.grad(
        loss, parameters, allow_unused=True, materialize_grads=True
    )
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        torch.nan_to_num(gradient, 0.0, 1e5, -1e5, out=parameter.grad)
    adam.step()


def average_of(generator):
    """A copy, which gets no gradients."""
    return copy.deepcopy(generator).requires_grad_(False)


def half_life(images_seen, limit=10_000.0, ramp=0.05):
    """Images after which an image's share in the average is half of it."""
    return torch.clamp(ramp * images_seen, max=limit)


@torch.no_grad()
def follow(average, generator, decay):
    """Weights keep `decay` (a scalar tensor); buffers are copied."""
    means = list(average.parameters())
    changes = torch._foreach_sub(list(generator.parameters()), means)
    torch._foreach_mul_(changes, 1.0 - decay)
    torch._foreach_add_(means, changes)
    torch._foreach_copy_(list(average.buffers()), list(generator.buffers()))


# The four steps, in the order in which they run. Of each step's random
# numbers, `draw` draws those of the generator.


def draw(generator, batch, device=None, probability=0.9):
    """Two latents of each image, crossover, noises."""
    mapping, synthesis = generator.mapping, generator.synthesis
    units = mapping.dense_0.weight.shape[1]
    if hasattr(mapping, "embed"):
        units -= mapping.embed.weight.shape[0]
    return {
        "latents": torch.randn(batch, units, device=device),
        "other_latents": torch.randn(batch, units, device=device),
        "crossover": draw_crossover(synthesis.layers, probability, device),
        "noises": synthesis.draw_noises(batch, device),
    }


def make(generator, drawn, labels=None):
    """Images, and the mixed ws that they are made from.

    The mean of w follows the first w.
    """
    ws = generator.styles(drawn["latents"], labels)
    generator.mapping.follow(ws[:, 0].detach())
    other_ws = generator.styles(drawn["other_latents"], labels)
    ws = mixed(ws, other_ws, drawn["crossover"])
    return generator.synthesis(ws, drawn["noises"]), ws


def unchanged(images):
    return images


def generator_step(
    generator, discriminator, adam, drawn, labels=None, augment=unchanged
):
    images, _ = make(generator, drawn, labels)
    loss = generator_loss(discriminator(augment(images), labels))
    descend(loss, generator, adam)
    return {"generator_loss": loss.detach()}


def path_length_step(
    generator, adam, drawn, noise, mean, labels=None, weight=2.0, interval=4
):
    """`mean`, the running mean of lengths, moves in place."""
    images, ws = make(generator, drawn, labels)
    lengths = path_lengths(images, ws, noise)
    penalty, new_mean = path_length_penalty(lengths, mean)
    mean.copy_(new_mean)
    descend(weight * interval * penalty, generator, adam)
    return {"path_length_penalty": penalty.detach(), "path_length": new_mean}


def discriminator_step(
    generator,
    discriminator,
    adam,
    real_images,
    drawn,
    labels=None,
    augment=unchanged,
):
    """`augment` is called twice, the first time with real images."""
    with torch.no_grad():
        fake_images, _ = make(generator, drawn, labels)
    real_scores = discriminator(augment(real_images), labels)
    fake_scores = discriminator(augment(fake_images), labels)
    loss = discriminator_loss(real_scores, fake_scores)
    descend(loss, discriminator, adam)
    return {
        "discriminator_loss": loss.detach(),
        "real_scores": real_scores.detach(),
    }


def r1_step(
    discriminator,
    adam,
    real_images,
    labels=None,
    augment=unchanged,
    gamma=10.0,
    interval=16,
):
    real_images = real_images.detach().requires_grad_()
    real_scores = discriminator(augment(real_images), labels)
    penalty = r1_penalty(real_scores, real_images)
    descend(gamma * interval * penalty, discriminator, adam)
    return {
        "r1_penalty": gamma * penalty.detach(),
        "real_scores": real_scores.detach(),
    }
