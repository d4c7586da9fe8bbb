"""Both generators of StackGAN in plain PyTorch.

Zhang et al., 2017. https://arxiv.org/abs/1612.03242
"""

import torch
from torch import nn

from captions import TextEncoder
from stackgan_stage_one import Condition, doubled
from stackgan_stage_one import Generator as StageOne


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, and text to images.

    The latents are those of the first stage, and the noise of the condition of
    the second. Text is a list of captions. Images are
    `(n, channels, image_size, image_size)`, in [-1, 1].
    """

    def __init__(self, stage_one, image_size, width, blocks, encoder):
        super().__init__()
        channels, units = stage_one["channels"], stage_one["condition_dim"]
        sentence_dim = stage_one["sentence_dim"]
        self.split = [stage_one["latent_dim"], units]
        self.encoder = TextEncoder(**encoder, sentence_dim=sentence_dim)
        self.stage_one = StageOne(**stage_one)
        self.condition = Condition(sentence_dim, units)
        self.from_image = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        maps = 4 * width
        self.add_layer("down_1", width, maps // 2, 4, 2)
        self.add_layer("down_2", maps // 2, maps, 4, 2)
        self.add_layer("joint", maps + units, maps)
        self.blocks = [f"residual_{n}" for n in range(blocks)]
        for block in self.blocks:
            self.add_layer(f"{block}_0", maps, maps)
            self.add_layer(f"{block}_1", maps, maps)
        self.sizes, size = [], stage_one["image_size"] // 2
        while size <= image_size:
            self.sizes.append(str(size))
            self.add_layer(f"up_{size}", maps, max(maps // 2, 1))
            maps, size = max(maps // 2, 1), 2 * size
        self.to_image = nn.Conv2d(maps, channels, 3, 1, 1, bias=False)

    def add_layer(self, name, inputs, outputs, kernel=3, stride=1):
        layer = nn.Conv2d(inputs, outputs, kernel, stride, 1, bias=False)
        self.add_module(name, layer)
        norm = nn.BatchNorm2d(outputs)
        self.add_module("norm_" + name.removeprefix("up_"), norm)

    def layer(self, name, x):
        x = getattr(self, name)(x)
        return getattr(self, "norm_" + name.removeprefix("up_"))(x)

    def forward(self, latents, text):
        vectors = self.encoder(text)
        latents, noise = latents.split(self.split, dim=1)
        x = torch.relu(self.from_image(self.stage_one(latents, vectors)))
        for name in ("down_1", "down_2"):
            x = torch.relu(self.layer(name, x))
        condition = self.condition(vectors, noise)[:, :, None, None]
        condition = condition.expand(-1, -1, *x.shape[2:])
        x = torch.relu(self.layer("joint", torch.cat([x, condition], dim=1)))
        for block in self.blocks:
            y = torch.relu(self.layer(f"{block}_0", x))
            x = torch.relu(x + self.layer(f"{block}_1", y))
        for size in self.sizes:
            x = torch.relu(self.layer(f"up_{size}", doubled(x)))
        return torch.tanh(self.to_image(x))
