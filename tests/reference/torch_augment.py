"""DiffAugment and adaptive augmentation (ADA) in PyTorch.

Zhao, Liu, Lin, Zhu and Han, 2020. https://arxiv.org/abs/2006.10738
Karras, Aittala, Hellsten, Laine, Lehtinen and Aila, 2020.
https://arxiv.org/abs/2006.06676 (appendix B)

Images are (batch, channels, height, width) in [-1, 1]. What is random comes
from `draw_...` as a dict of tensors, one row for each image, so that other
code can be given the same. All is differentiable twice with respect to images,
and no size depends on what is drawn.
"""

import functools
import math

import torch

# DiffAugment


def draw_diffaugment(batch, size, device=None):
    """Numbers for color, translation and cutout of square images.

    Shifts and centers are whole numbers of pixels, of rows and of columns.
    """
    shift = int(size * 0.125 + 0.5)
    hole = int(size * 0.5 + 0.5)
    last = size + 1 - hole % 2

    def uniform():
        return torch.rand(batch, device=device)

    def whole(low, high):
        return torch.randint(low, high, (batch, 2), device=device)

    return {
        "brightness": uniform() - 0.5,
        "saturation": 2.0 * uniform(),
        "contrast": uniform() + 0.5,
        "translation": whole(-shift, shift + 1),
        "cutout": whole(0, last),
    }


def each(values):
    """One value for each image."""
    return values[:, None, None, None]


def color(images, draws):
    """Brightness, saturation about the mean of channels, contrast."""
    images = images + each(draws["brightness"])
    mean = images.mean(dim=1, keepdim=True)
    images = mean + (images - mean) * each(draws["saturation"])
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * each(draws["contrast"])


def translation(images, draws):
    """Pixel i is what was at i + shift; zeros come in."""
    size = images.shape[2]
    places = torch.arange(size, device=images.device)
    places = places + draws["translation"][:, :, None]  # [batch, 2, size]
    inside = (places >= 0) & (places < size)
    places = places.clamp(0, size - 1)
    rows, columns = places[:, None, 0, :, None], places[:, None, 1, None]
    images = images.gather(2, rows.expand(images.shape))
    images = images.gather(3, columns.expand(images.shape))
    inside = inside[:, None, 0, :, None] & inside[:, None, 1, None]
    return images * inside


def cutout(images, draws):
    """Zeros in a square of half the size, part of which may lie outside."""
    size = images.shape[2]
    hole = int(size * 0.5 + 0.5)
    first = draws["cutout"][:, :, None] - hole // 2
    places = torch.arange(size, device=images.device)
    inside = (places >= first) & (places < first + hole)
    inside = inside[:, None, 0, :, None] & inside[:, None, 1, None]
    return images * ~inside


POLICIES = {"color": color, "translation": translation, "cutout": cutout}


def diffaugment(images, draws, policy="color,translation,cutout"):
    """The named changes in this order."""
    for name in policy.split(","):
        images = POLICIES[name](images, draws)
    return images


# ADA

# The low-pass filter of sym6, Daubechies' least asymmetric wavelet with six
# vanishing moments; its norm is 1. It is a quarter of a pixel off center.
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
# Pixels of the image, beside those seen, that the filter needs: 12 / 2.
BORDER = 6


def draw_ada(batch, device=None):
    """Numbers for the pipeline "bgc": a coin and the rest for each change.

    `coin` (batch, 13) decides with p whether a change happens, in the order
    of `GEOMETRY` and `COLOR`. The others are uniform in [0, 1) or N(0, 1).
    """

    def uniform(*shape):
        return torch.rand(batch, *shape, device=device)

    def normal(*shape):
        return torch.randn(batch, *shape, device=device)

    return {
        "coin": uniform(13),
        "flip": uniform(),
        "quarter_turn": uniform(),
        "whole_shift": uniform(2),  # x, y
        "scale": normal(),
        "rotation_before": uniform(),
        "stretch": normal(),
        "rotation_after": uniform(),
        "shift": normal(2),  # x, y
        "brightness": normal(),
        "contrast": normal(),
        "luma_flip": uniform(),
        "hue": uniform(),
        "saturation": normal(),
    }


GEOMETRY = (
    "flip",
    "quarter_turn",
    "whole_shift",
    "scale",
    "rotation_before",
    "stretch",
    "rotation_after",
    "shift",
)
# A grey image has no hue and no saturation, but it has their numbers.
COLOR = ("brightness", "contrast", "luma_flip", "hue", "saturation")


def matrix(rows):
    """Matrices (batch, n, n) from rows of numbers and of vectors (batch,)."""
    like = next(x for row in rows for x in row if torch.is_tensor(x))
    return torch.stack(
        [
            torch.stack(
                [
                    x if torch.is_tensor(x) else torch.full_like(like, x)
                    for x in r
                ],
                dim=-1,
            )
            for r in rows
        ],
        dim=-2,
    )


def scaling(x, y):
    return matrix([[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, x * 0.0 + 1.0]])


def shifting(x, y):
    return matrix([[x * 0.0 + 1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def rotation(angle):
    """From x toward y."""
    c, s = torch.cos(angle), torch.sin(angle)
    return matrix([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def places_seen(draws, p, size):
    """Where a pixel of the result lies in the image: (batch, 3, 3).

    From x, y, 1 to the same, in pixels from the center. The changes are
    applied to the image in the order of `GEOMETRY`, so their inverses are
    multiplied in this order.
    """
    happens = draws["coin"] < p
    # Two rotations: one of them happens with probability p.
    turns = draws["coin"] < 1.0 - torch.sqrt((1.0 - p).clamp(min=0.0))

    def chosen(name, value, nothing, coins=happens):
        coin = coins[:, GEOMETRY.index(name)]
        coin = coin[:, None] if value.ndim == 2 else coin
        return torch.where(coin, value, torch.full_like(value, nothing))

    flip = chosen("flip", torch.floor(2.0 * draws["flip"]), 0.0)
    turn = torch.floor(4.0 * draws["quarter_turn"])
    turn = chosen("quarter_turn", turn, 0.0) * math.pi / 2.0
    whole = (2.0 * draws["whole_shift"] - 1.0) * 0.125 * size
    whole = torch.round(chosen("whole_shift", whole, 0.0))
    scale = chosen("scale", torch.exp2(0.2 * draws["scale"]), 1.0)
    before, after = (
        chosen(name, (2.0 * draws[name] - 1.0) * math.pi, 0.0, turns)
        for name in ("rotation_before", "rotation_after")
    )
    stretch = chosen("stretch", torch.exp2(0.2 * draws["stretch"]), 1.0)
    shift = chosen("shift", 0.125 * size * draws["shift"], 0.0)
    inverses = (
        scaling(1.0 - 2.0 * flip, torch.ones_like(flip)),
        rotation(turn),
        shifting(-whole[:, 0], -whole[:, 1]),
        scaling(1.0 / scale, 1.0 / scale),
        rotation(before),
        scaling(1.0 / stretch, stretch),
        rotation(after),
        shifting(-shift[:, 0], -shift[:, 1]),
    )
    result = inverses[0]
    for inverse in inverses[1:]:
        result = result @ inverse
    return result


@functools.lru_cache
def finer(size, margin, device, dtype):
    """Matrix (2 (size + 2 margin), size): reflected at borders, upsampled.

    The border pixel itself is not repeated. Sample n of the finer line is the
    sum of filter[k] line[i] over 2 i - 5 + k = n, times sqrt(2).
    """
    length = size + 2 * margin
    place = (torch.arange(length) - margin).abs()
    place = (size - 1) - ((size - 1) - place).abs()
    reflected = place[:, None] == torch.arange(size)
    return (filters(length) @ reflected.double()).to(device, dtype)


def filters(length):
    """Matrix (2 length, length) of the filter times sqrt(2), zeros outside."""
    n, i = torch.arange(2 * length)[:, None], torch.arange(length)
    result = torch.zeros(2 * length, length, dtype=torch.float64)
    for k, value in enumerate(SYM6):
        result += value * math.sqrt(2.0) * (n == 2 * i - 5 + k)
    return result


@functools.lru_cache
def coarser(size, device, dtype):
    """Matrix (size, 2 (size + 12)): filtered, every second one, cropped.

    It is the transposed of the upsampling, without the gain.
    """
    result = filters(size + 2 * BORDER).mT / 2.0
    return result[BORDER : BORDER + size].to(device, dtype)


def sampled(images, x, y):
    """Bilinear samples at pixels (batch, height, width); 0 outside."""
    batch, channels, height, width = images.shape
    left, top = torch.floor(x), torch.floor(y)
    # Four neighbors, the last axis but two.
    i = torch.stack([left, left + 1.0, left, left + 1.0], dim=1)
    j = torch.stack([top, top, top + 1.0, top + 1.0], dim=1)
    weights = (1.0 - (x[:, None] - i).abs()) * (1.0 - (y[:, None] - j).abs())
    inside = (i >= 0) & (i < width) & (j >= 0) & (j < height)
    place = j.clamp(0, height - 1) * width + i.clamp(0, width - 1)
    place = place.long().reshape(batch, 1, -1).expand(-1, channels, -1)
    values = images.reshape(batch, channels, -1).gather(2, place)
    values = values.reshape(batch, channels, *i.shape[1:])
    return (values * (weights * inside)[:, None]).sum(dim=2)


def geometry(images, places):
    """Moves pixels: reflected borders, twice the resolution, and back.

    The authors reflect no more than the images of a batch need; here it is
    always size - 1, the most that can be. That changes nothing but pixels
    further outside than that.

    Args:
        images: Of square shape.
        places: As returned by `places_seen`.
    """
    size = images.shape[2]
    margin = size - 1
    kind = images.device, images.dtype
    up, down = finer(size, margin, *kind), coarser(size, *kind)
    fine = up @ images @ up.mT
    line = torch.arange(2 * (size + 2 * BORDER), device=images.device)
    line = line.to(images.dtype) - (len(line) - 1) / 2.0
    # The filter leaves the image half a fine pixel before its place, and
    # takes it half a fine pixel back on the way down.
    line = line + 0.5
    center = (fine.shape[2] - 1) / 2.0 - 0.5
    linear, moved = places[:, :2, :2], 2.0 * places[:, :2, 2]
    x, y = (
        linear[:, axis, 0, None, None] * line
        + linear[:, axis, 1, None, None] * line[:, None]
        + moved[:, axis, None, None]
        + center
        for axis in (0, 1)
    )
    fine = sampled(fine, x, y)
    return down @ fine @ down.mT


def color_matrix(draws, p, grey=False):
    """What is done to red, green, blue, 1 of each image: (batch, 4, 4)."""

    def chosen(name, value, nothing):
        coin = draws["coin"][:, len(GEOMETRY) + COLOR.index(name)] < p
        return torch.where(coin, value, torch.full_like(value, nothing))

    like = draws["brightness"]
    one = torch.eye(4, device=like.device, dtype=like.dtype)
    grey_line = one[:3].sum(dim=0)
    luma = torch.outer(grey_line, grey_line) / 3.0
    b = chosen("brightness", 0.2 * draws["brightness"], 0.0)
    rows = [[float(i == j) for j in range(3)] + [b] for i in range(3)]
    result = matrix([*rows, [0.0, 0.0, 0.0, 1.0]])
    c = chosen("contrast", torch.exp2(0.5 * draws["contrast"]), 1.0)
    c = torch.stack([c, c, c, torch.ones_like(c)], dim=1)
    result = torch.diag_embed(c) @ result
    flip = chosen("luma_flip", torch.floor(2.0 * draws["luma_flip"]), 0.0)
    result = (one - 2.0 * luma * flip[:, None, None]) @ result
    if grey:
        return result
    angle = chosen("hue", (2.0 * draws["hue"] - 1.0) * math.pi, 0.0)
    result = about_luma(angle) @ result
    s = chosen("saturation", torch.exp2(draws["saturation"]), 1.0)
    return (luma + (one - luma) * s[:, None, None]) @ result


def about_luma(angle):
    """Rotation of colors about (1, 1, 1), by Rodrigues' formula."""
    c, s = torch.cos(angle), torch.sin(angle)
    same = c + (1.0 - c) / 3.0
    less = (1.0 - c) / 3.0 - s / math.sqrt(3.0)
    more = (1.0 - c) / 3.0 + s / math.sqrt(3.0)
    return matrix(
        [
            [same, less, more, 0.0],
            [more, same, less, 0.0],
            [less, more, same, 0.0],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def colored(images, colors):
    """Applies a matrix to the channels of each image; a mean row to one."""
    if images.shape[1] == 1:
        row = colors[:, :3].mean(dim=1)
        return images * each(row[:, :3].sum(dim=1)) + each(row[:, 3])
    rows = torch.einsum("bij,bjhw->bihw", colors[:, :3, :3], images)
    return rows + colors[:, :3, 3, None, None]


def ada(images, draws, p):
    """The pipeline "bgc": pixels moved, then colors changed.

    Args:
        images: Square, with 3 channels or 1.
        draws: From `draw_ada`.
        p: Scalar tensor. Probability of each change.
    """
    images = geometry(images, places_seen(draws, p, images.shape[2]))
    return colored(images, color_matrix(draws, p, images.shape[1] == 1))


def adjusted(p, mean_sign, images, kimg=500.0, target=0.6):
    """The next p, after so many images since the last time.

    Args:
        p: Scalar tensor.
        mean_sign: Scalar tensor. Mean sign of the scores of (augmented) real
            images since the last time.
        images: How many images these were; the authors' have 4 batches.
        kimg: Thousands of images in which p moves by 1.
        target: Mean sign above which p rises.
    """
    step = images / (1000.0 * kimg)
    return (p + step * torch.sign(mean_sign - target)).clamp(min=0.0)
