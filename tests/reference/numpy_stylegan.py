"""StyleGAN's original networks in NumPy, by the names of their variables.

Karras, Laine and Aila, 2019. https://arxiv.org/abs/1812.04948

The networks take a dict of arrays by name, as the authors' `Network.vars` has
them: `dlatent_avg`, `G_mapping/Dense0/weight`, `G_synthesis/8x8/Conv0_up/
weight` and so on; `4x4/Conv/weight` and so on for the discriminator. Layouts
are the authors': images (batch, channels, height, width), convolution
kernels (height, width, in, out), dense kernels (in, out).

From 128 pixels on, the authors join resampling and convolution: four copies of
the 3x3 kernel, each shifted by one, are added to one of 4x4, which is used
with a stride of 2. Going up that is a transposed convolution, in which a
kernel lies the other way around than in a convolution: not the same network.
"""

import math

import numpy as np

HE_GAIN = math.sqrt(2)
FUSED_FROM = 128


def maps_of(stage, fmap_base, fmap_max):
    """How many maps there are; the resolution is 2 ** (stage + 1)."""
    return min(fmap_base // 2**stage, fmap_max)


def draw_generator(
    image_size,
    channels=3,
    fmap_base=8192,
    fmap_max=512,
    latent_dim=512,
    w_dim=512,
    mapping_layers=8,
    labels=0,
    seed=0,
):
    """Random arrays for every variable of the generator, none of them zero."""
    random = np.random.RandomState(seed)
    top = image_size.bit_length() - 1
    shapes = {"dlatent_avg": (w_dim,)}
    units = latent_dim
    if labels:
        shapes["G_mapping/LabelConcat/weight"] = (labels, latent_dim)
        units = 2 * latent_dim
    arrays = {}
    for layer in range(mapping_layers):
        name = f"G_mapping/Dense{layer}"
        arrays[f"{name}/weight"] = 100 * random.randn(units, w_dim)
        arrays[f"{name}/bias"] = 10 * random.randn(w_dim)
        units = w_dim

    def epilogue(scope, maps):
        shapes[f"{scope}/Noise/weight"] = (maps,)
        shapes[f"{scope}/bias"] = (maps,)
        shapes[f"{scope}/StyleMod/weight"] = (w_dim, 2 * maps)
        shapes[f"{scope}/StyleMod/bias"] = (2 * maps,)

    for stage in range(2, top + 1):
        size = 2**stage
        scope = f"G_synthesis/{size}x{size}"
        below, maps = (
            maps_of(s, fmap_base, fmap_max) for s in (stage - 2, stage - 1)
        )
        if stage == 2:
            shapes[f"{scope}/Const/const"] = (1, maps, 4, 4)
            epilogue(f"{scope}/Const", maps)
            shapes[f"{scope}/Conv/weight"] = (3, 3, maps, maps)
            epilogue(f"{scope}/Conv", maps)
        else:
            shapes[f"{scope}/Conv0_up/weight"] = (3, 3, below, maps)
            epilogue(f"{scope}/Conv0_up", maps)
            shapes[f"{scope}/Conv1/weight"] = (3, 3, maps, maps)
            epilogue(f"{scope}/Conv1", maps)
        rgb = f"G_synthesis/ToRGB_lod{top - stage}"
        shapes[f"{rgb}/weight"] = (1, 1, maps, channels)
        shapes[f"{rgb}/bias"] = (channels,)
        for layer in (2 * stage - 4, 2 * stage - 3):
            shapes[f"G_synthesis/noise{layer}"] = (1, 1, size, size)
    arrays |= {name: random.randn(*shape) for name, shape in shapes.items()}
    arrays |= {"lod": np.zeros(()), "G_synthesis/lod": np.zeros(())}
    return {name: np.float32(array) for name, array in arrays.items()}


def draw_discriminator(
    image_size, channels=3, fmap_base=8192, fmap_max=512, labels=0, seed=1
):
    """Random arrays for every variable of the discriminator."""
    random = np.random.RandomState(seed)
    top = image_size.bit_length() - 1
    shapes = {"lod": ()}

    def layer(name, *shape):
        shapes[f"{name}/weight"] = shape
        shapes[f"{name}/bias"] = shape[-1:]

    for stage in range(top, 1, -1):
        size = 2**stage
        maps, below = (
            maps_of(s, fmap_base, fmap_max) for s in (stage - 1, stage - 2)
        )
        layer(f"FromRGB_lod{top - stage}", 1, 1, channels, maps)
        if stage > 2:
            layer(f"{size}x{size}/Conv0", 3, 3, maps, maps)
            layer(f"{size}x{size}/Conv1_down", 3, 3, maps, below)
    layer("4x4/Conv", 3, 3, maps + 1, maps)
    layer("4x4/Dense0", 16 * maps, below)
    layer("4x4/Dense1", below, max(labels, 1))
    arrays = {name: random.randn(*shape) for name, shape in shapes.items()}
    arrays["lod"] = 0.0
    return {name: np.float32(array) for name, array in arrays.items()}


def activate(x):
    return np.where(x > 0, x, 0.2 * x)


def convolve(x, kernel):
    """Stride 1, zeros around, size kept."""
    side = len(kernel)
    border = side // 2
    height, width = x.shape[2:]
    around = ((0, 0), (0, 0), (border, border), (border, border))
    wide = np.pad(x, around)
    out = 0.0
    for row in range(side):
        for column in range(side):
            seen = wide[:, :, row : row + height, column : column + width]
            out = out + np.tensordot(kernel[row, column], seen, ((0,), (1,)))
    return out.transpose(1, 0, 2, 3)


def repeat(x, factor=2):
    """Nearest neighbour."""
    return x.repeat(factor, axis=2).repeat(factor, axis=3)


def halve(x):
    """Mean of 2x2."""
    batch, channels, height, width = x.shape
    blocks = x.reshape(batch, channels, height // 2, 2, width // 2, 2)
    return blocks.mean(axis=(3, 5))


def blur(x):
    """[1, 2, 1] / 4 along both axes, zeros around."""
    for axis in (2, 3):
        border = [(0, 0)] * 4
        border[axis] = (1, 1)
        wide = np.pad(x, border)
        left, middle, right = (
            np.take(wide, np.arange(x.shape[axis]) + shift, axis)
            for shift in (0, 1, 2)
        )
        x = (left + 2 * middle + right) / 4
    return x


def four_by_four(kernel):
    """The sum of a 3x3 kernel's four places in a 4x4 one."""
    wide = np.zeros((4, 4, *kernel.shape[2:]), kernel.dtype)
    for row in (0, 1):
        for column in (0, 1):
            wide[row : row + 3, column : column + 3] += kernel
    return wide


def up(x, kernel):
    """Twice as many pixels, and a 3x3 convolution."""
    height, width = x.shape[2:]
    if 2 * height < FUSED_FROM:
        return convolve(repeat(x), kernel)
    wide = four_by_four(kernel)
    # Every pixel paints its 4x4 kernel, 2 pixels further than the one before.
    shape = (wide.shape[3], len(x), 2 * height + 2, 2 * width + 2)
    out = np.zeros(shape, x.dtype)
    for row in range(4):
        for column in range(4):
            rows = slice(row, row + 2 * height, 2)
            columns = slice(column, column + 2 * width, 2)
            out[:, :, rows, columns] += np.tensordot(
                wide[row, column], x, ((0,), (1,))
            )
    return out[:, :, 1:-1, 1:-1].transpose(1, 0, 2, 3)


def down(x, kernel):
    """A 3x3 convolution, and half as many pixels; fused it is the same."""
    return halve(convolve(x, kernel))


def scaled(weight, gain=HE_GAIN, lrmul=1.0):
    """A stored weight as it is used."""
    return weight * (gain / math.sqrt(math.prod(weight.shape[:-1])) * lrmul)


def mapping(arrays, latents, labels=None):
    """Latents, and one-hot labels if there are any, to w."""
    x = latents
    if labels is not None:
        classes = labels @ arrays["G_mapping/LabelConcat/weight"]
        x = np.concatenate([x, classes], axis=1)
    x = x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-8)
    layer = 0
    while f"G_mapping/Dense{layer}/weight" in arrays:
        name = f"G_mapping/Dense{layer}"
        x = x @ scaled(arrays[f"{name}/weight"], lrmul=0.01)
        x = activate(x + arrays[f"{name}/bias"] * 0.01)
        layer += 1
    return x


def synthesis(arrays, styles):
    """w of every layer (batch, layers, w_dim) to images, stored noise."""
    arrays = {
        name.removeprefix("G_synthesis/"): array
        for name, array in arrays.items()
    }

    def epilogue(x, scope, layer):
        weight = arrays[f"{scope}/Noise/weight"][:, None, None]
        x = x + weight * arrays[f"noise{layer}"]
        x = activate(x + arrays[f"{scope}/bias"][:, None, None])
        x = x - x.mean(axis=(2, 3), keepdims=True)
        x = x / np.sqrt((x**2).mean(axis=(2, 3), keepdims=True) + 1e-8)
        style = styles[:, layer] @ scaled(
            arrays[f"{scope}/StyleMod/weight"], gain=1.0
        )
        style = style + arrays[f"{scope}/StyleMod/bias"]
        style = style.reshape(len(x), 2, -1, 1, 1)
        return x * (style[:, 0] + 1) + style[:, 1]

    const = arrays["4x4/Const/const"]
    x = np.repeat(const, len(styles), axis=0)
    x = epilogue(x, "4x4/Const", 0)
    x = epilogue(convolve(x, scaled(arrays["4x4/Conv/weight"])), "4x4/Conv", 1)
    size, layer = 8, 2
    while f"{size}x{size}/Conv1/weight" in arrays:
        scope = f"{size}x{size}/Conv0_up"
        x = blur(up(x, scaled(arrays[f"{scope}/weight"])))
        x = epilogue(x, scope, layer)
        scope = f"{size}x{size}/Conv1"
        x = convolve(x, scaled(arrays[f"{scope}/weight"]))
        x = epilogue(x, scope, layer + 1)
        size, layer = 2 * size, layer + 2
    images = convolve(x, scaled(arrays["ToRGB_lod0/weight"], gain=1.0))
    return images + arrays["ToRGB_lod0/bias"][:, None, None]


def generate(arrays, latents, labels=None, psi=1.0, cutoff=8):
    """Latents to images, with the truncation of the authors' generator."""
    w = mapping(arrays, latents, labels)
    layers = sum(name.startswith("G_synthesis/noise") for name in arrays)
    average = arrays["dlatent_avg"]
    styles = np.stack(
        [
            average + (psi if layer < cutoff else 1.0) * (w - average)
            for layer in range(layers)
        ],
        axis=1,
    )
    return synthesis(arrays, styles)


def score(arrays, images, labels=None):
    """Images, and one-hot labels if there are any, to raw scores."""

    def layer(name, x, operation, gain=HE_GAIN):
        x = operation(x, scaled(arrays[f"{name}/weight"], gain))
        bias = arrays[f"{name}/bias"]
        return x + (bias[:, None, None] if x.ndim == 4 else bias)

    x = activate(layer("FromRGB_lod0", images, convolve))
    size = images.shape[2]
    while size > 4:
        scope = f"{size}x{size}"
        x = activate(layer(f"{scope}/Conv0", x, convolve))
        x = activate(layer(f"{scope}/Conv1_down", blur(x), down))
        size //= 2
    # One group: batches of more than four are not made here.
    deviation = np.sqrt(x.var(axis=0) + 1e-8).mean()
    x = np.concatenate([x, np.full_like(x[:, :1], deviation)], axis=1)
    x = activate(layer("4x4/Conv", x, convolve))
    x = activate(layer("4x4/Dense0", x.reshape(len(x), -1), np.matmul))
    x = layer("4x4/Dense1", x, np.matmul, gain=1.0)
    return x[:, 0] if labels is None else (x * labels).sum(axis=1)
