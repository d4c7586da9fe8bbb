"""CUT and FastCUT in PyTorch.

Park, Efros, Zhang and Zhu, 2020. https://arxiv.org/abs/2007.15651

As in the authors' code (`taesungp/contrastive-unpaired-translation`).

The generator is CycleGAN's with residual blocks, but samples without
aliasing. Down: 3x3 convolution of stride 1, instance normalization, ReLU,
then a blur with [1, 2, 1] / 4 in height and width of which every second value
is kept, reflected at the border. Up: a blur with [1, 3, 3, 1] / 4 between the
values, replicated at the border, then 3x3 convolution, normalization, ReLU.
The discriminator is the PatchGAN whose first `n_layers` 4x4 convolutions have
stride 1 and padding 1 and are followed by the same blur of stride 2 after
their activation; then two of stride 1. Both networks: instance normalization
without gain and bias (epsilon 1e-5), biases everywhere.

Shapes. Images (batch, channels, height, width) in [-1, 1]; scores (batch, 1,
h, w), raw. `Generator.features` returns the outputs of `layers`, numbered as
in the authors' sequence of layers: 0 the image reflected by 3 pixels, 4 and 8
the convolutions that go down (before normalization and blur), 12 + i residual
block i. `Projection` takes them and the positions, one array of integers for
each layer: row * width + column in that layer's feature map (layer 0:
of the *reflected* image), the same for all images of the batch. It returns
(batch, positions, dim) for each layer, of length 1 but for 1e-7.

Weight names are those of the public checkpoints, which also have a buffer
`filt` for each blur: generator `model.1`, `model.4`, `model.8`, `model.{12 +
i}.conv_block.1` and `.5`, with n blocks `model.{13 + n}`, `model.{17 + n}`,
`model.{21 + n}`; discriminator with `n_layers=3` `model.0`, `3`, `7`, `11`,
`14`; projection `mlp_{i}.0` and `mlp_{i}.2`, i counting the layers. All have
`.weight` and `.bias`. `name_map()` has their roles.

Random numbers of one step, in the authors' order: FastCUT's coin (`flipped`),
then the positions of each layer for the pair (A, G(A)), then, in CUT, other
positions for (B, G(B)). All are arguments here.

Details of the code that the paper does not tell: keys have no gradient; the
positive's place among the negatives holds -10, before the division by the
temperature; the generator's loss is on the discriminator after its step; CUT
translates A and B as one batch, which changes nothing (instance
normalization); FastCUT's discriminator sees the flipped translation. The
gradient of a feature vector of zeros is not a number in the authors' code
(square root of 0), here too.
"""

import torch
from torch import nn
from torch.nn import functional

from .torch_cyclegan import ResidualBlock
from .torch_steps import descend, squared_error

LAYERS = (0, 4, 8, 12, 16)


class Halve(nn.Module):
    """Keeps every second value of a blur with [1, 2, 1] / 4."""

    def forward(self, x):
        x = functional.pad(x, (1, 1, 1, 1), mode="reflect")
        x = (x[:, :, :-2] + 2.0 * x[:, :, 1:-1] + x[:, :, 2:]) / 4.0
        x = (x[..., :-2] + 2.0 * x[..., 1:-1] + x[..., 2:]) / 4.0
        return x[:, :, ::2, ::2]


class Double(nn.Module):
    """Values at 1/4 and 3/4 of the way between neighbors, along both axes."""

    def forward(self, x):
        for axis in (2, 3):
            x = x.transpose(axis, 3)
            before = torch.cat([x[..., :1], x[..., :-1]], dim=3)
            after = torch.cat([x[..., 1:], x[..., -1:]], dim=3)
            pairs = [0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after]
            x = torch.stack(pairs, dim=4).flatten(3).transpose(axis, 3)
        return x


def normalized(channels):
    return [nn.InstanceNorm2d(channels), nn.ReLU()]


class Generator(nn.Module):
    """Images of A to images of B."""

    def __init__(self, channels=3, target_channels=3, width=64, blocks=9):
        super().__init__()
        self.blocks = blocks
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(channels, width, 7)]
        layers += normalized(width)
        for n in (width, 2 * width):
            layers += [nn.Conv2d(n, 2 * n, 3, padding=1)]
            layers += [*normalized(2 * n), Halve()]
        layers += [ResidualBlock(4 * width) for _ in range(blocks)]
        for n in (4 * width, 2 * width):
            layers += [Double(), nn.Conv2d(n, n // 2, 3, padding=1)]
            layers += normalized(n // 2)
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, target_channels, 7)]
        self.model = nn.Sequential(*layers, nn.Tanh())
        first_weights(self)

    def forward(self, images):
        return self.model(images)

    def features(self, images, layers=LAYERS):
        """Outputs of some layers, in ascending order; later ones do not run."""
        found, x = [], images
        for i in range(max(layers) + 1):
            x = self.model[i](x)
            if i in layers:
                found.append(x)
        return found

    def name_map(self):
        """Role to parameter name; residual blocks are numbered from 0."""
        modules = {"from_image": 1, "down_1": 4, "down_2": 8}
        for i in range(self.blocks):
            modules[f"residual_{i}_0"] = f"{12 + i}.conv_block.1"
            modules[f"residual_{i}_1"] = f"{12 + i}.conv_block.5"
        n = 12 + self.blocks
        modules |= {"up_1": n + 1, "up_2": n + 5, "to_image": n + 9}
        return names(modules)


class Discriminator(nn.Module):
    """Images to raw scores of their patches."""

    def __init__(self, channels=3, width=64, n_layers=3):
        super().__init__()
        self.n_layers = n_layers
        layers = [nn.Conv2d(channels, width, 4, padding=1)]
        layers += [nn.LeakyReLU(0.2), Halve()]
        n_in = width
        for i in range(1, n_layers + 1):
            n = width * min(2**i, 8)
            layers += [nn.Conv2d(n_in, n, 4, padding=1), nn.InstanceNorm2d(n)]
            layers += [nn.LeakyReLU(0.2)]
            if i < n_layers:
                layers += [Halve()]
            n_in = n
        layers += [nn.Conv2d(n_in, 1, 4, padding=1)]
        self.model = nn.Sequential(*layers)
        first_weights(self)

    def forward(self, images):
        return self.model(images)

    def name_map(self):
        """Role to parameter name; the convolutions are numbered from 0."""
        modules = {f"conv_{i}": max(4 * i - 1, 0) for i in range(self.n_layers)}
        modules[f"conv_{self.n_layers}"] = 4 * self.n_layers - 1
        modules["score"] = 4 * self.n_layers + 2
        return names(modules)


class Projection(nn.Module):
    """Two dense layers for the vectors at some positions of each layer.

    Args:
        channels: Of the features of each layer. With the generator's
            defaults (3, 128, 256, 256, 256).
    """

    def __init__(self, channels, dim=256):
        super().__init__()
        self.layers = len(channels)
        for i, n in enumerate(channels):
            dense = nn.Linear(n, dim), nn.ReLU(), nn.Linear(dim, dim)
            setattr(self, f"mlp_{i}", nn.Sequential(*dense))
        first_weights(self)

    def forward(self, features, positions):
        vectors = []
        for i in range(self.layers):
            x = features[i].permute(0, 2, 3, 1).flatten(1, 2)
            x = x[:, torch.as_tensor(positions[i])]
            x = getattr(self, f"mlp_{i}")(x)
            vectors.append(x / ((x**2).sum(2, keepdim=True).sqrt() + 1e-7))
        return vectors

    def name_map(self):
        return names(
            {
                f"mlp_{i}_{j}": f"mlp_{i}.{2 * j}"
                for i in range(self.layers)
                for j in range(2)
            },
            prefix="",
        )


def names(modules, prefix="model."):
    return {
        f"{role}.{ours}": f"{prefix}{module}.{theirs}"
        for role, module in modules.items()
        for ours, theirs in (("kernel", "weight"), ("bias", "bias"))
    }


def first_weights(network):
    """Glorot's normal distribution times .02; biases 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_normal_(module.weight, 0.02)
            nn.init.zeros_(module.bias)


def patch_nce(queries, keys, temperature=0.07):
    """Cross-entropy of each query's key among those of the same image.

    `queries` and `keys` are (batch, positions, dim), losses (batch,
    positions): ln(positions) where all vectors are equal.
    """
    keys = keys.detach()
    positive = (queries * keys).sum(2, keepdim=True)
    products = queries @ keys.transpose(1, 2)
    own = torch.eye(products.shape[1], dtype=torch.bool)
    negative = products.masked_fill(own, -10.0)
    logits = torch.cat([positive, negative], dim=2) / temperature
    return logits.logsumexp(2) - logits[:, :, 0]


def contrastive_loss(
    generator,
    projection,
    source,
    output,
    positions,
    weight=1.0,
    flipped=False,
    layers=LAYERS,
):
    """PatchNCE of one batch of images and their translations.

    `source` is never flipped; `output` translates flipped images if `flipped`.
    `positions` are in features that are not flipped.
    """
    queries = generator.features(output, layers)
    if flipped:
        queries = [x.flip(3) for x in queries]
    queries = projection(queries, positions)
    keys = projection(generator.features(source, layers), positions)
    losses = [
        weight * patch_nce(q, k).mean()
        for q, k in zip(queries, keys, strict=True)
    ]
    return sum(losses) / len(losses)


def optimizer(network, epsilon=1e-8):
    """One for each of the three networks."""
    return torch.optim.Adam(
        network.parameters(), 2e-4, betas=(0.5, 0.999), eps=epsilon
    )


def train_step(
    generator,
    discriminator,
    projection,
    generator_optimizer,
    discriminator_optimizer,
    projection_optimizer,
    real_a,
    real_b,
    positions_a,
    positions_b=None,
    nce_weight=1.0,
    flipped=False,
    layers=LAYERS,
):
    """The discriminator's step, then that of generator and projection.

    `positions_a` are for (A, G(A)), `positions_b` for (B, G(B)), which CUT has
    and FastCUT, with None, has not. `nce_weight` is 1 in CUT, 10 in FastCUT,
    which also flips A with probability one half.
    """
    fake = generator(real_a.flip(3) if flipped else real_a)
    fake_loss = squared_error(discriminator(fake.detach()), 0.0)
    real_loss = squared_error(discriminator(real_b), 1.0)
    d_loss = 0.5 * (fake_loss + real_loss)
    descend(d_loss, discriminator.parameters(), discriminator_optimizer)

    adversarial = squared_error(discriminator(fake), 1.0)
    nce = contrastive_loss(
        generator,
        projection,
        real_a,
        fake,
        positions_a,
        nce_weight,
        flipped,
        layers,
    )
    identity = torch.zeros(())
    contrast = nce
    if positions_b is not None:
        identity = contrastive_loss(
            generator,
            projection,
            real_b,
            generator(real_b),
            positions_b,
            nce_weight,
            layers=layers,
        )
        contrast = 0.5 * (nce + identity)
    g_loss = adversarial + contrast
    weights = [*generator.parameters(), *projection.parameters()]
    gradients = torch.autograd.grad(g_loss, weights)
    for parameter, gradient in zip(weights, gradients, strict=True):
        parameter.grad = gradient
    generator_optimizer.step()
    projection_optimizer.step()
    return {
        "d_loss": d_loss.item(),
        "g_loss": g_loss.item(),
        "adversarial": adversarial.item(),
        "nce": nce.item(),
        "identity": identity.item(),
    }
