"""The pix2pix networks of pytorch-CycleGAN-and-pix2pix.

The blocks of the U-Net are nested: `model.model` is the outermost, its module 1
the next one, and module 3 of each inner block the one inside it. The input of
the PatchGAN is the pair of images.
"""

from kerasgan import models
from kerasgan.convert import patchgan
from kerasgan.convert.tensors import batch_norm, cleaned, convolution, size_of


def convert(networks):
    """Builds a `Pix2Pix` of matching size, and maps the tensors to it.

    Args:
        networks: dict of `"generator"` and optionally `"discriminator"` to
            their tensors by name.

    Returns:
        Pair of the model and the argument of `tensors.assign`.

    Raises:
        ValueError: If the tensors are not those of such networks.
    """
    networks = {role: cleaned(t) for role, t in networks.items()}
    generator = networks["generator"]
    what = "a U-Net of pytorch-CycleGAN-and-pix2pix"
    first, last = "model.model.0.weight", "model.model.3.weight"
    block, halvings = "model.model.1.model", 2
    while any(name.startswith(f"{block}.3.model.") for name in generator):
        block, halvings = f"{block}.3.model", halvings + 1
    gan = models.Pix2Pix(
        width=size_of(generator, first, 0, what),
        source_channels=size_of(generator, first, 1, what),
        target_channels=size_of(generator, last, 1, what),
        image_size=2**halvings,
    )
    places = {
        "generator": _generator(gan),
        "discriminator": patchgan.places(gan.discriminator, normalized=True),
    }
    return gan, {role: (t, places[role]) for role, t in networks.items()}


def _generator(gan):
    layer = gan.generator.get_layer
    size = gan.image_size // 2
    places = convolution("model.model.0", layer(f"down_{size}"))
    places |= convolution("model.model.3", layer("to_image"))
    block = "model.model.1.model"
    while size > 2:
        half = size // 2
        places |= convolution(f"{block}.1", layer(f"down_{half}"))
        places |= batch_norm(f"{block}.2", layer(f"down_norm_{half}"))
        places |= convolution(f"{block}.5", layer(f"up_{size}"))
        places |= batch_norm(f"{block}.6", layer(f"up_norm_{size}"))
        block, size = f"{block}.3.model", half
    # The innermost block has no normalization in the contracting path.
    places |= convolution(f"{block}.1", layer("down_1"))
    places |= convolution(f"{block}.3", layer("up_2"))
    places |= batch_norm(f"{block}.4", layer("up_norm_2"))
    return places
