"""SNGAN's residual networks, as PyTorch's ports of the authors' code have them.

Miyato, Kataoka, Koyama and Yoshida, 2018. https://arxiv.org/abs/1802.05957

Tables of classes hold the gains themselves. A block without a 1x1 kernel, whose
shortcut is the upsampled input, has one here that copies it.
"""

from kerasgan import models
from kerasgan.convert import residual
from kerasgan.convert.networks import NotThis
from kerasgan.models.sngan_networks import DISCRIMINATORS, GENERATORS

GENERATOR = "a residual generator of SNGAN"
DISCRIMINATOR = "a residual discriminator of SNGAN"


def read_generator(kernels, units):
    """Returns a generator as it was understood, or refuses it.

    Args:
        kernels: List of `networks.Kernel`.
        units: List of `matching.Unit`.

    Returns:
        Pair of `residual.Residual` and 0, as all kernels fit.

    Raises:
        NotThis: If it is none.
    """
    found = residual.read_generator(kernels, units)
    understood = 3 * len(found.blocks)
    if found.spectral or found.attention or found.embedding:
        raise NotThis(
            "its generator has spectral normalization, attention or a shared "
            "embedding, as BigGAN's",
            understood,
        )
    residual.image_size(found, GENERATORS)
    missing = [b.shortcut is None for b in found.blocks]
    if any(missing) and len({*found.widths}) > 1:
        raise NotThis("its blocks have no 1x1 kernel", understood)
    return found, 0


def read_discriminator(kernels, units):
    """Returns a discriminator as it was understood, or refuses it.

    Args:
        kernels: See `read_generator`.
        units: See `read_generator`.

    Returns:
        See `read_generator`.

    Raises:
        NotThis: If it is none.
    """
    found = residual.read_discriminator(kernels, units)
    if found.attention:
        raise NotThis("it has attention, as BigGAN's", 3 * len(found.blocks))
    hidden = [b.convolutions[0].shape[0] for b in found.blocks]
    if hidden != [found.widths[1], *found.widths[1:-1]]:
        raise NotThis(
            "the first kernel of a block does not keep its feature maps",
            3 * len(found.blocks),
        )
    size, _ = discriminator_size(found)
    if size == 32 and "bias" in found.dense.parts:
        raise NotThis(
            "its score has a bias, which the authors' network for 32x32 has "
            "not; omit it",
            3 * len(found.blocks),
        )
    return found, 0


def discriminator_size(found):
    """Returns the image size and the width of a discriminator."""
    found = residual.Residual(found.widths[1:], found.blocks, 0, None)
    return residual.image_size(found, DISCRIMINATORS)


def convert(files):
    """Builds an `SNGAN` of matching size, and maps the tensors to it.

    Args:
        files: dict of `"generator"` and optionally `"discriminator"` to
            `networks.Source`.

    Returns:
        Pair of the model, a `ConditionalSNGAN` if there are tables of
        classes, and the argument of `tensors.assign`.

    Raises:
        ValueError: If the tensors are not those of such networks.
    """
    found, other = residual.both(
        files,
        (read_generator, GENERATOR),
        (read_discriminator, DISCRIMINATOR),
        discriminator_size,
    )
    read = found.sizes
    size, width = residual.image_size(read, GENERATORS)
    sizes = {
        "image_size": size,
        "channels": read.channels,
        "generator_width": width,
        # Relative to the generator's as in the paper, without a file.
        "discriminator_width": max(1, width // 2) if size == 32 else width,
        "latent_dim": read.dense.shape[1],
    }
    if other is not None:
        sizes["discriminator_width"] = discriminator_size(other.sizes)[1]
    build = models.SNGAN
    if read.num_classes:
        build, sizes["num_classes"] = models.ConditionalSNGAN, read.num_classes
    return residual.laid(build(**sizes), found, other)
