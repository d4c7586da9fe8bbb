"""The PatchGAN discriminator of pix2pix and CycleGAN, in PyTorch.

Isola et al., 2017, section 6.1.2. https://arxiv.org/abs/1611.07004

4x4 convolutions with padding 1: `n_layers` of stride 2, then two of stride
1. The maps double from `width` up to 8 times `width`. The first and the last
convolution have a bias and no normalization. With `n_layers=3` each score
sees 70x70 pixels, and an image of 256x256 has 30x30 scores.

With batch normalization (pix2pix) the convolutions before it have no bias.
With instance normalization (CycleGAN; without gain and shift) they have one,
although the normalization takes it away again.

Parameter names are those of the public checkpoints (`model.0.weight`, ...).
Layouts: images (batch, channels, height, width), kernels (out, in, height,
width). Scores are raw, (batch, 1, height, width).
"""

from torch import nn

from .torch_steps import names_of_norm, normal_weights


class PatchGAN(nn.Module):
    """Images in [-1, 1] to a map of raw scores."""

    def __init__(self, channels, width=64, n_layers=3, norm=nn.BatchNorm2d):
        super().__init__()
        self.n_layers = n_layers
        self.batch_norm = norm is nn.BatchNorm2d
        bias = not self.batch_norm
        layers = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        maps_in = width
        for layer in range(1, n_layers + 1):
            maps = width * min(2**layer, 8)
            stride = 2 if layer < n_layers else 1
            layers += [
                nn.Conv2d(maps_in, maps, 4, stride, 1, bias=bias),
                norm(maps),
                nn.LeakyReLU(0.2),
            ]
            maps_in = maps
        layers += [nn.Conv2d(maps_in, 1, 4, 1, 1)]
        self.model = nn.Sequential(*layers)
        normal_weights(self)

    def forward(self, images):
        return self.model(images)

    def name_map(self):
        """Role to parameter name; the convolutions are numbered from 0."""
        names = {
            "conv_0.kernel": "model.0.weight",
            "conv_0.bias": "model.0.bias",
        }
        index = 2
        for layer in range(1, self.n_layers + 1):
            names[f"conv_{layer}.kernel"] = f"model.{index}.weight"
            if self.batch_norm:
                names |= names_of_norm(f"norm_{layer}", f"model.{index + 1}")
            else:
                names[f"conv_{layer}.bias"] = f"model.{index}.bias"
            index += 3
        names["score.kernel"] = f"model.{index}.weight"
        names["score.bias"] = f"model.{index}.bias"
        return names
