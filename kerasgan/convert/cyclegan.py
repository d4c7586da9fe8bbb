"""CycleGAN's networks and their relatives.

A generator is a 7x7 convolution, two 3x3 ones that double the feature maps,
residual blocks of two 3x3 convolutions, two transposed ones that halve them,
and a 7x7 one. Dropout inside the blocks has no tensors. Running statistics of
plain instance normalization in old files are not used, as in the authors' code.
"""

from kerasgan import models
from kerasgan.convert import matching, networks, patchgan
from kerasgan.convert.networks import NotThis

WHAT = "a ResNet generator of pytorch-CycleGAN-and-pix2pix or a relative"


def read_generator(kernels, units):
    """Returns the sizes of a generator, or refuses it.

    Args:
        kernels: List of `networks.Kernel`.
        units: List of `matching.Unit`.

    Returns:
        Pair of a dict, `channels`, `width`, `blocks`, `normalization`; and
        0, as all kernels fit.

    Raises:
        NotThis: If it is none.
    """
    sevens = [k for k in kernels if k.side == 7]
    threes = [k for k in kernels if k.side == 3]
    if len(sevens) != 2 or len(sevens) + len(threes) != len(kernels):
        raise NotThis(
            "it has no 7x7 kernels at both ends and 3x3 ones between",
            len(threes) + len(sevens),
        )
    if kernels[0].layout == "keras":
        raise NotThis(
            "with padding 'same' Keras pads a convolution of stride 2 on other "
            "sides than this network, so its outputs would differ",
            len(kernels),
        )
    ends = sorted((k.as_conv() for k in sevens), key=lambda p: p[0])
    (channels, width), (last_in, last_out) = ends
    if (last_in, last_out) != (width, channels):
        raise NotThis(
            f"its 7x7 kernels lie between {channels} and {width}, and between "
            f"{last_in} and {last_out} feature maps; the same channels are "
            "needed on both sides"
        )
    square = [k for k in threes if k.as_conv() == (4 * width, 4 * width)]
    rest = sorted(k.outer for k in threes if k not in square)
    # Convolutions (out, in) and transposed ones (in, out) look alike.
    expected = sorted(2 * [(2 * width, width), (4 * width, 2 * width)])
    if rest != expected or not square or len(square) % 2:
        raise NotThis(
            f"it has {len(square)} kernels of residual blocks, and "
            f"{len(rest)} others, which do not halve and double an image twice",
            len(square),
        )
    return {
        "channels": channels,
        "width": width,
        "blocks": len(square) // 2,
        "normalization": _norm(units),
    }, 0


def _norm(units):
    norm = networks.norm_of(units)
    parts = [{*u.parts} for u in units if u.kind == "norm"]
    plain = all(p <= {"mean", "variance"} for p in parts)
    # Batch normalization without gains is not known to occur.
    return "instance" if norm is None or plain else norm


def convert(files, image_size=None):
    """Builds a `CycleGAN` of matching size, and maps the tensors to it.

    Args:
        files: dict of at least one of `"generator_ab"`, `"generator_ba"`
            and any of `"discriminator_b"`, `"discriminator_a"` to
            `networks.Source`.
        image_size: int or `None`. Of the training images, which cannot be
            inferred from the tensors. Defaults to the paper's: 256, and 128
            for less than 9 blocks.

    Returns:
        Pair of the model and the argument of `tensors.assign`.

    Raises:
        ValueError: If the tensors are not those of such networks.
    """
    found = {
        role: source.network(read_generator, WHAT)
        if role.startswith("generator")
        else source.network(patchgan.read, patchgan.WHAT)
        for role, source in files.items()
    }
    generator = found.get("generator_ab") or found["generator_ba"]
    sizes = generator.sizes
    large = sizes["blocks"] >= 9
    gan = models.CycleGAN(
        image_size=image_size or (256 if large else 128), **sizes
    )
    return gan, {
        role: matching.lay(
            getattr(gan, role),
            network.units,
            network.layout,
            network.epsilon,
        )
        for role, network in found.items()
    }
