"""CUT's networks, as in the authors' code.

Park, Efros, Zhang and Zhu, 2020. https://arxiv.org/abs/2007.15651

The generator is CycleGAN's, but all its convolutions have stride 1, and blurs
halve and double the feature maps. Files hold the blurs as well, as one kernel
for each feature map; without them a network cannot be told from others that
upsample before a convolution.
"""

import functools

import numpy as np

from kerasgan import models
from kerasgan.convert import matching, networks, patchgan
from kerasgan.convert.networks import NotThis

GENERATOR = "a ResNet generator of CUT with antialiasing"
DISCRIMINATOR = "a PatchGAN of CUT with antialiasing"
PROJECTION = "a projection of CUT, two dense layers for each feature map"
# Of the kernels by their size: halving keeps the mean, doubling four times it.
LINES = {3: np.array([1, 2, 1]) / 4, 4: np.array([1, 3, 3, 1]) / 4}
# After which patches are compared: in the image and after both halvings, too.
OTHER_FEATURES = 3


def read_generator(kernels, units):
    """Returns the sizes of a generator, or refuses it.

    Args:
        kernels: List of `networks.Kernel`.
        units: List of `matching.Unit`.

    Returns:
        Pair of a dict, `channels`, `generator_width`, `blocks`; and 0, as all
        kernels fit.

    Raises:
        NotThis: If it is none.
    """
    blurs, kernels, _ = _apart(kernels, units)
    sevens = [k for k in kernels if k.side == 7]
    threes = [k for k in kernels if k.side == 3]
    understood = len(sevens) + len(threes)
    if len(sevens) != 2 or understood != len(kernels):
        raise NotThis(
            "it has no 7x7 kernels at both ends and 3x3 ones between",
            understood,
        )
    ends = sorted((k.as_conv() for k in sevens), key=lambda pair: pair[0])
    (channels, width), (last_in, last_out) = ends
    if (last_in, last_out) != (width, channels):
        raise NotThis(
            f"its 7x7 kernels lie between {channels} and {width}, and between "
            f"{last_in} and {last_out} feature maps; the same channels are "
            "needed on both sides"
        )
    maps = [width, 2 * width, 4 * width]
    square = [k for k in threes if k.as_conv() == (maps[2], maps[2])]
    rest = sorted(k.as_conv() for k in threes if k not in square)
    steps = [(maps[0], maps[1]), (maps[1], maps[2])]
    if rest != sorted([*steps, *(s[::-1] for s in steps)]) or (
        not square or len(square) % 2
    ):
        raise NotThis(
            f"it has {len(square)} kernels of residual blocks, and "
            f"{len(rest)} others, which do not double the feature maps twice "
            "and halve them again",
            len(square),
        )
    expected = [(3, maps[1]), (3, maps[2]), (4, maps[1]), (4, maps[2])]
    _check_blurs(blurs, expected, understood)
    _check_norm(units, understood)
    return {
        "channels": channels,
        "generator_width": width,
        "blocks": len(square) // 2,
    }, 0


def read_discriminator(kernels, units):
    """Returns the sizes of a discriminator, or refuses it.

    Args:
        kernels: See `read_generator`.
        units: See `read_generator`.

    Returns:
        Pair of a dict, `discriminator_width` and `channels`; and the number
        of kernels that do not fit.

    Raises:
        NotThis: If it is none.
    """
    blurs, kernels, units = _apart(kernels, units)
    sizes, wrong = patchgan.read(kernels, units)
    width = sizes["width"]
    if len(kernels) != 5:
        raise NotThis(f"it has {len(kernels)} kernels instead of 5")
    expected = [(3, width), (3, 2 * width), (3, 4 * width)]
    _check_blurs(blurs, expected, len(kernels))
    _check_norm(units, len(kernels))
    return {
        "discriminator_width": width,
        "channels": sizes["channels"],
    }, wrong


def read_projection(kernels, units):
    """Returns the sizes of a projection, or refuses it.

    Args:
        kernels: See `read_generator`.
        units: See `read_generator`.

    Returns:
        Pair of a dict, `vectors`, the lengths of what is projected, and
        `projection_dim`; and 0.

    Raises:
        NotThis: If it is none.
    """
    shapes = [k.as_conv() for k in kernels if len(k.shape) == 2]
    dims = {outputs for _, outputs in shapes}
    squares = [inputs for inputs, _ in shapes[1::2]]
    if (
        len(shapes) != len(kernels)
        or len(shapes) % 2
        or len(dims) != 1
        or {*squares} != dims
        or not all(k.bias for k in kernels)
    ):
        raise NotThis("it is not pairs of dense layers of one length")
    return {
        "vectors": [inputs for inputs, _ in shapes[::2]],
        "projection_dim": dims.pop(),
    }, 0


def _apart(kernels, units):
    """Returns the blurs, the other kernels, and the units without blurs."""
    own = [u for u in units if u.kind == "kernel"]
    pairs = list(zip(kernels, own, strict=True))
    blurs = {id(u): u for k, u in pairs if _is_blur(k)}
    return (
        [*blurs.values()],
        [k for k, _ in pairs if not _is_blur(k)],
        [u for u in units if id(u) not in blurs],
    )


def _is_blur(kernel):
    return (
        kernel.side in LINES
        and kernel.layout == "torch"
        and kernel.shape[1] == 1 < kernel.shape[0]
        and not kernel.bias
    )


def _check_blurs(blurs, expected, understood):
    """Refuses other blurs than ours, by their sizes and values."""
    found = sorted((u.shape[-1], u.shape[0]) for u in blurs)
    if found != sorted(expected):
        raise NotThis(
            f"it has blurs (side, feature maps) {found}, instead of "
            f"{sorted(expected)}: ours are before each halving and doubling",
            understood,
        )
    for unit in blurs:
        line = LINES[unit.shape[-1]]
        values = unit.parts["kernel"].read()
        if not np.allclose(values, np.outer(line, line), atol=1e-3):
            raise NotThis(
                f"{unit.name} blurs by another kernel than "
                f"{(4 * line).round().astype(int).tolist()}",
                understood,
            )


def _check_norm(units, understood):
    if networks.norm_of(units) is not None:
        raise NotThis(
            "its normalization has weights; here it is instance normalization "
            "without",
            understood,
        )


def convert(files, image_size=None):
    """Builds a `CUT` of matching size, and maps the tensors to it.

    Args:
        files: dict of `"generator"` and any of `"discriminator"` and
            `"projection"` to `networks.Source`.
        image_size: int or `None`. Of the training images, which cannot be
            inferred from the tensors. Defaults to the paper's, 256.

    Returns:
        Pair of the model and the argument of `tensors.assign`.

    Raises:
        ValueError: If the tensors are not those of such networks.
    """
    readers = {
        "generator": (read_generator, GENERATOR),
        "discriminator": (read_discriminator, DISCRIMINATOR),
        "projection": (read_projection, PROJECTION),
    }
    found = {r: source.network(*readers[r]) for r, source in files.items()}
    sizes = dict(found["generator"].sizes)
    if "discriminator" in found:
        theirs = dict(found["discriminator"].sizes)
        if theirs.pop("channels") != sizes["channels"]:
            raise ValueError(
                "Both networks must have the same channels. Received: "
                f"{sizes['channels']} and "
                f"{found['discriminator'].sizes['channels']}"
            )
        sizes |= theirs
    if "projection" in found:
        sizes |= _projected(found["projection"].sizes, sizes)
    gan = models.CUT(image_size=image_size or 256, **sizes)
    laid = {}
    for role, network in found.items():
        _, _, units = _apart(
            networks.kernels(network.units, network.layout), network.units
        )
        lay = _lay_projection if role == "projection" else matching.lay
        laid[role] = lay(getattr(gan, role), units, network.layout)
    return gan, laid


def _projected(found, sizes):
    """Returns the arguments of `CUT` that a projection gives."""
    width = sizes["generator_width"]
    blocks = len(found["vectors"]) - OTHER_FEATURES
    expected = [sizes["channels"], 2 * width] + (blocks + 1) * [4 * width]
    if found["vectors"] != expected or blocks != 2:
        raise ValueError(
            "A projection must be of the authors' layers (0,4,8,12,16), since "
            "the file does not say which others. Received: vectors of "
            f"{found['vectors']} numbers"
        )
    return {"projection_dim": found["projection_dim"]}


def _lay_projection(network, units, layout):
    """Lays pairs of dense layers, by order."""
    tensors = {t.name: t for u in units for t in u.parts.values()}
    places = {}
    form = functools.partial(matching.forms, layout=layout)
    for number, unit in enumerate(units):
        layer = network.get_layer(f"mlp_{number // 2}_{number % 2}")
        kernel = unit.parts["kernel"]
        places[kernel.name] = (layer.kernel, form(matching.Step(layer))[0])
        places[unit.parts["bias"].name] = (layer.bias, matching.SAME)
    return tensors, places
