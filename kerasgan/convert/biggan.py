"""BigGAN's networks, as in the PyTorch code of the paper's first author.

Brock, Donahue and Simonyan, 2019. https://arxiv.org/abs/1809.11096

Gains are one plus what tables or dense layers make of the class. Statistics
that were added up over batches (standing statistics) are divided by their
count.
"""

from kerasgan import models
from kerasgan.convert import residual
from kerasgan.convert.networks import NotThis
from kerasgan.models.biggan_networks import (
    DISCRIMINATORS,
    GENERATORS,
    HALVINGS,
)

GENERATOR = "a generator of BigGAN-PyTorch or a relative"
DISCRIMINATOR = "a discriminator of BigGAN-PyTorch or a relative"


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
    if not found.spectral or not found.num_classes:
        raise NotThis(
            "its generator has no spectral normalization or no classes, as "
            "SNGAN's",
            understood,
        )
    if any(b.shortcut is None for b in found.blocks):
        raise NotThis("its blocks have no 1x1 kernel", understood)
    residual.image_size(found, GENERATORS)
    if found.embedding is not None:
        chunk, embedding = found.dense.shape[1], found.embedding.shape[1]
        condition = found.blocks[0].tables[0].shape[1]
        if condition != embedding + chunk:
            raise NotThis(
                f"its normalizations read {condition} numbers, not a shared "
                f"embedding of {embedding} and a chunk of {chunk} latents",
                understood,
            )
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
    hidden = [b.convolutions[0].shape[0] for b in found.blocks]
    if hidden != found.widths[1:] or found.embedding is None:
        raise NotThis(
            "both kernels of a block must have its feature maps, and classes "
            "an embedding",
            3 * len(found.blocks),
        )
    discriminator_size(found)
    return found, 0


def discriminator_size(found):
    """Returns the image size and the width of a discriminator."""
    found = residual.Residual(found.widths[1:], found.blocks, 0, None)
    return residual.image_size(found, DISCRIMINATORS)


def _attention_size(read):
    """Returns the resolution of a generator's attention, or `None`."""
    return read.attention and 8 << read.attention.block


def _check_attention(other, image_size, attention_size):
    """Refuses a discriminator whose attention is elsewhere than ours."""
    expected = None
    for block in range(HALVINGS[image_size]):
        if image_size >> (block + 1) == attention_size:
            expected = block
    found = other.attention and other.attention.block
    if found != expected:
        raise ValueError(
            "Attention of the discriminator must be at the resolution of the "
            f"generator's, {attention_size}. Received: after block {found}, "
            f"instead of {expected}; omit the discriminator"
        )


def convert(files):
    """Builds a `BigGAN` of matching size, and maps the tensors to it.

    Args:
        files: dict of `"generator"` and optionally `"discriminator"` to
            `networks.Source`.

    Returns:
        Pair of the model and the argument of `tensors.assign`.

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
    attention_size = _attention_size(read)
    if other is not None:
        _check_attention(other.sizes, size, attention_size)
        if (theirs := discriminator_size(other.sizes)[1]) != width:
            raise ValueError(
                "Both networks have the same width here; omit the "
                f"discriminator. Received: {width} and {theirs}"
            )
    chunks, embedding_dim = 1, None
    if read.embedding is not None:
        chunks, embedding_dim = len(read.widths), read.embedding.shape[1]
    gan = models.BigGAN(
        image_size=size,
        num_classes=read.num_classes,
        channels=read.channels,
        width=width,
        latent_dim=chunks * read.dense.shape[1],
        embedding_dim=embedding_dim,
        attention_size=attention_size,
    )
    return residual.laid(gan, found, other)
