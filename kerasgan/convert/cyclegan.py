"""The CycleGAN networks of pytorch-CycleGAN-and-pix2pix.

The generator is a sequence of modules named `model`; its residual blocks are
sequences named `conv_block`. Instance normalization has no weights; running
statistics in older files are ignored, as in the authors' code.
"""

from kerasgan import models
from kerasgan.convert import patchgan
from kerasgan.convert.tensors import cleaned, convolution, highest, size_of


def convert(networks, image_size=None):
    """Builds a `CycleGAN` of matching size, and maps the tensors to it.

    Args:
        networks: dict of at least one of `"generator_ab"`, `"generator_ba"`
            and any of `"discriminator_b"`, `"discriminator_a"` to their
            tensors by name.
        image_size: int or `None`. Of the training images, which cannot be
            inferred from the tensors. Defaults to the paper's: 256, and 128
            for less than 9 blocks.

    Returns:
        Pair of the model and the argument of `tensors.assign`.

    Raises:
        ValueError: If the tensors are not those of such networks.
    """
    statistics = ("running_mean", "running_var")
    networks = {role: cleaned(t, statistics) for role, t in networks.items()}
    generator = networks.get("generator_ab") or networks["generator_ba"]
    what = "a ResNet generator of pytorch-CycleGAN-and-pix2pix"
    blocks = highest(generator, r"model\.(\d+)\.conv_block") - 9
    if blocks < 1:
        raise ValueError(
            f"This is not {what}: it has no residual block. Received: "
            f"{', '.join(list(generator)[:5])} ..."
        )
    gan = models.CycleGAN(
        image_size=image_size or (256 if blocks >= 9 else 128),
        channels=size_of(generator, "model.1.weight", 1, what),
        width=size_of(generator, "model.1.weight", 0, what),
        blocks=blocks,
    )
    places = {
        name: _generator(getattr(gan, name), blocks)
        for name in gan.generator_names
    }
    places |= {
        name: patchgan.places(getattr(gan, name), normalized=False)
        for name in gan.discriminator_names
    }
    return gan, {role: (t, places[role]) for role, t in networks.items()}


def _generator(network, blocks):
    modules = {"from_image": 1, "down_1": 4, "down_2": 7}
    for block in range(blocks):
        modules[f"residual_{block}_0"] = f"{10 + block}.conv_block.1"
        modules[f"residual_{block}_1"] = f"{10 + block}.conv_block.5"
    after = 10 + blocks
    modules |= {"up_1": after, "up_2": after + 3, "to_image": after + 7}
    places = {}
    for name, module in modules.items():
        places |= convolution(f"model.{module}", network.get_layer(name))
    return places
