"""pix2pix's networks and their relatives.

The U-Net is as many 4x4 convolutions as transposed ones, which are joined by
skip connections, so that a transposed convolution reads twice what it makes.
"""

import itertools

from kerasgan import models
from kerasgan.convert import matching, networks, patchgan
from kerasgan.convert.networks import NotThis

WHAT = "a U-Net of pytorch-CycleGAN-and-pix2pix or a relative"
MOST_HALVINGS = 10


def read_generator(kernels, units):
    """Returns the sizes of a U-Net, or refuses it.

    Args:
        kernels: List of `networks.Kernel`.
        units: List of `matching.Unit`.

    Returns:
        Pair of a dict, the arguments of `Pix2Pix` without those of the
        discriminator; and 0, as all kernels fit.

    Raises:
        NotThis: If it is none.
    """
    four = [k for k in kernels if k.side == 4]
    halvings = len(four) // 2
    if len(four) != len(kernels) or len(four) % 2:
        raise NotThis("it is not an even number of 4x4 convolutions", len(four))
    if not 5 <= halvings <= MOST_HALVINGS:
        raise NotThis(
            f"it halves an image {halvings} times, instead of 5 to "
            f"{MOST_HALVINGS} times",
            len(four),
        )
    shapes = [k.outer for k in four]
    if four[0].layout == "keras":
        shapes = [shape[::-1] for shape in shapes]
    widest = max(max(shape) for shape in shapes) // 2
    for width in sorted({min(shape[0], widest) for shape in shapes}):
        left = list(shapes)
        between = _between(halvings, width, widest)
        for shape in between:
            if shape in left:
                left.remove(shape)
        # The first and the last kernel.
        ends = {maps: channels for maps, channels in left}
        if len(left) == 2 and {*ends} == {width, 2 * width}:
            break
    else:
        raise NotThis(
            f"its {len(four)} kernels do not double feature maps up to "
            f"{widest} and halve them again",
            len(four) // 2,
        )
    norm = networks.norm_of(units) or "instance"
    return {
        "image_size": 2**halvings,
        "source_channels": ends[width],
        "target_channels": ends[2 * width],
        "width": width,
        "max_width": None if widest == 8 * width else widest,
        "normalization": norm,
        "use_bias": sum(bool(k.bias) for k in four) > 1,
    }, 0


def _between(halvings, width, most):
    """Returns the outer axes of all kernels but the first and the last."""
    widths = [min(width << i, most) for i in range(halvings)]
    found = []
    for number, (outside, inside) in enumerate(itertools.pairwise(widths)):
        innermost = number == halvings - 2
        found.append((inside, outside))
        found.append((inside if innermost else 2 * inside, outside))
    return found


def convert(files):
    """Builds a `Pix2Pix` of matching size, and maps the tensors to it.

    Args:
        files: dict of `"generator"` and optionally `"discriminator"` to
            `networks.Source`.

    Returns:
        Pair of the model and the argument of `tensors.assign`.

    Raises:
        ValueError: If the tensors are not those of such networks.
    """
    found = {"generator": files["generator"].network(read_generator, WHAT)}
    if "discriminator" in files:
        other = files["discriminator"].network(patchgan.read, patchgan.WHAT)
    else:
        other = files["generator"].other(patchgan.read)
    sizes = dict(found["generator"].sizes)
    if other is not None:
        found["discriminator"] = other
        sizes["patch_size"] = other.sizes["patch_size"]
        sizes["use_bias"] |= other.sizes["use_bias"]
    gan = models.Pix2Pix(**sizes)
    return gan, {
        role: matching.lay(
            getattr(gan, role), network.units, network.layout, network.epsilon
        )
        for role, network in found.items()
    }
