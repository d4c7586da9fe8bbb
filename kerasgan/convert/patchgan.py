"""The PatchGAN of pix2pix and CycleGAN, and of their relatives.

4x4 convolutions that double the feature maps, all but the first and the last
with normalization. The strides are not in the file: they are taken to be those
of the paper.
"""

from kerasgan.convert import networks
from kerasgan.convert.networks import NotThis
from kerasgan.layers.patchgan import DEPTHS

WHAT = "a PatchGAN"


def read(kernels, units):
    """Returns the sizes of a PatchGAN, or refuses it.

    Args:
        kernels: List of `networks.Kernel`.
        units: List of `matching.Unit`.

    Returns:
        Pair of a dict, `channels`, `width`, `patch_size`, `normalization`,
        `use_bias`; and the number of kernels that do not fit.

    Raises:
        NotThis: If it is none.
    """
    if any(k.side != 4 for k in kernels):
        raise NotThis(
            "not all of its kernels are 4x4", sum(k.side == 4 for k in kernels)
        )
    pairs = [k.as_conv() for k in kernels]
    order = networks.chained(pairs)
    pairs = [pairs[index] for index in order] if order else pairs
    patches = {depth + 2: size for size, depth in DEPTHS.items()}
    if len(pairs) not in patches:
        raise NotThis(
            f"it has {len(pairs)} kernels instead of "
            f"{', '.join(map(str, sorted(patches)))}"
        )
    channels, width = pairs[0]
    wrong = sum(
        p != (width << i, width << (i + 1)) for i, p in enumerate(pairs[1:-1])
    )
    wrong += pairs[-1][1] != 1
    if wrong > 1 or channels > 64:
        raise NotThis(
            "its layers do not double the feature maps up to a score",
            len(pairs) - wrong,
        )
    middle = [kernels[i] for i in (order or range(len(pairs)))[1:-1]]
    return {
        "channels": channels,
        "width": width,
        "patch_size": patches[len(pairs)],
        "normalization": networks.norm_of(units) or "instance",
        "use_bias": any(k.bias for k in middle),
    }, wrong
