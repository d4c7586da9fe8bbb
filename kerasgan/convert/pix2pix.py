"""pix2pix's networks and their relatives.

The U-Net is as many 4x4 convolutions as transposed ones, which are joined by
skip connections, so that a transposed convolution reads twice what it makes.
"""

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
        dict: the arguments of `Pix2Pix`, without those of the discriminator.

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
    # The first and the last kernel have the fewest feature maps outside.
    shapes = [k.outer for k in four]
    outside = sorted(shapes, key=min)[:2]
    widest = max(max(shape) for shape in shapes) // 2
    for first, last in (outside, outside[::-1]):
        (width, source), (joined, target) = first, last
        if four[0].layout == "keras":
            (source, width), (target, joined) = first, last
        expected = _shapes(halvings, source, target, width, widest)
        if four[0].layout == "keras":
            expected = [shape[::-1] for shape in expected]
        missing = list(expected)
        for shape in shapes:
            if shape in missing:
                missing.remove(shape)
        if joined == 2 * width and len(missing) <= 1:
            break
    else:
        raise NotThis(
            f"its {len(four)} kernels do not double {width} feature maps up "
            f"to {widest} and halve them again",
            len(four) - len(missing),
        )
    norm = networks.norm_of(units) or "instance"
    return {
        "image_size": 2**halvings,
        "source_channels": source,
        "target_channels": target,
        "width": width,
        "max_width": None if widest == 8 * width else widest,
        "normalization": norm,
        "use_bias": sum(bool(k.bias) for k in four) > 1,
    }


def _shapes(halvings, source, target, width, most):
    """Returns the outer axes of all kernels, in PyTorch's order."""
    widths = [min(width << i, most) for i in range(halvings)]
    downs = list(zip(widths, [source, *widths], strict=False))
    ups = [
        (inside if i == halvings - 2 else 2 * inside, outside)
        for i, (outside, inside) in enumerate(
            zip(widths, widths[1:], strict=False)
        )
    ]
    return [*downs, *ups, (2 * width, target)]


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
