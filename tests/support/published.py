"""Random tensors under the names and in the shapes of public checkpoints.

As PyTorch's `state_dict` has them: kernels of convolutions (out, in, height,
width), of transposed ones (in, out, height, width).
"""

import numpy as np


class State:
    """Collects random tensors that keep the variance of feature maps."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)
        self.tensors = {}

    def add(self, name, *shape):
        fan = max(np.prod(shape[1:]), 1)
        values = self.random.randn(*shape) / np.sqrt(fan)
        self.tensors[name] = values.astype("float32")

    def convolution(self, name, maps, maps_in, side, bias=False, turned=False):
        first = (maps_in, maps) if turned else (maps, maps_in)
        self.add(f"{name}.weight", *first, side, side)
        if bias:
            self.add(f"{name}.bias", maps)

    def batch_norm(self, name, maps):
        for part in ("weight", "bias", "running_mean", "running_var"):
            self.add(f"{name}.{part}", maps)
        self.tensors[f"{name}.running_var"] **= 2
        self.tensors[f"{name}.num_batches_tracked"] = np.int64(3)


def dcgan(image_size=64, width=4, latents=6, channels=3):
    """netG and netD of PyTorch's example, which is for 64x64."""
    g, d = State(0), State(1)
    maps = [width * image_size // size for size in (8, 16, 32, 64)]
    maps = [m for m in maps if m >= width]
    g.convolution("main.0", maps[0], latents, 4, turned=True)
    for block, here in enumerate(maps):
        g.batch_norm(f"main.{3 * block + 1}", here)
        more = channels if here == width else here // 2
        g.convolution(f"main.{3 * block + 3}", more, here, 4, turned=True)
    d.convolution("main.0", width, channels, 4)
    for block, here in enumerate(maps[-2::-1]):
        d.convolution(f"main.{3 * block + 2}", here, here // 2, 4)
        d.batch_norm(f"main.{3 * block + 3}", here)
    d.convolution(f"main.{3 * len(maps) - 1}", 1, maps[0], 4)
    return g.tensors, d.tensors


def patchgan(channels, width=4, normalized=True):
    """netD; with instance normalization there are biases instead."""
    d = State(2)
    d.convolution("model.0", width, channels, 4, bias=True)
    for index, maps in ((2, 2), (5, 4), (8, 8)):
        d.convolution(
            f"model.{index}",
            maps * width,
            maps * width // 2,
            4,
            bias=not normalized,
        )
        if normalized:
            d.batch_norm(f"model.{index + 1}", maps * width)
    d.convolution("model.11", 1, 8 * width, 4, bias=True)
    return d.tensors


def unet(halvings=5, width=4, source=3, target=3):
    """netG of pix2pix, for images of 2 ** halvings."""
    g = State(3)
    g.convolution("model.model.0", width, source, 4)
    g.convolution("model.model.3", target, 2 * width, 4, bias=True, turned=True)
    block, maps = "model.model.1.model", width
    for _ in range(halvings - 2):
        more = min(2 * maps, 8 * width)
        g.convolution(f"{block}.1", more, maps, 4)
        g.batch_norm(f"{block}.2", more)
        g.convolution(f"{block}.5", maps, 2 * more, 4, turned=True)
        g.batch_norm(f"{block}.6", maps)
        block, maps = f"{block}.3.model", more
    g.convolution(f"{block}.1", 8 * width, maps, 4)
    g.convolution(f"{block}.3", maps, 8 * width, 4, turned=True)
    g.batch_norm(f"{block}.4", maps)
    return g.tensors


def resnet(blocks=2, width=4, channels=3, seed=4):
    """netG of CycleGAN."""
    g = State(seed)
    g.convolution("model.1", width, channels, 7, bias=True)
    g.convolution("model.4", 2 * width, width, 3, bias=True)
    g.convolution("model.7", 4 * width, 2 * width, 3, bias=True)
    for block in range(10, 10 + blocks):
        for index in (1, 5):
            name = f"model.{block}.conv_block.{index}"
            g.convolution(name, 4 * width, 4 * width, 3, bias=True)
    up = {"bias": True, "turned": True}
    after = 10 + blocks
    g.convolution(f"model.{after}", 2 * width, 4 * width, 3, **up)
    g.convolution(f"model.{after + 3}", width, 2 * width, 3, **up)
    g.convolution(f"model.{after + 7}", channels, width, 7, bias=True)
    return g.tensors
