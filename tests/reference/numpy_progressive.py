"""The parts of ProGAN and StyleGAN in NumPy: loops, float64, no cleverness.

Karras, Aila, Laine and Lehtinen, 2018. https://arxiv.org/abs/1710.10196
Karras, Laine and Aila, 2019. https://arxiv.org/abs/1812.04948

Layouts are Keras': images (batch, height, width, channels), convolution
kernels (height, width, in, out), dense kernels (in, out).
"""

import math

import numpy as np

HE_GAIN = math.sqrt(2)


def leaky_relu(x, slope=0.2):
    """x where positive, slope * x elsewhere."""
    return np.where(x > 0, x, slope * x)


def equalized_scale(fan_in, gain=HE_GAIN, lrmul=1.0):
    """What a stored weight is multiplied by at run time.

    He et al.'s constant, gain / sqrt(fan_in). The stored weights are drawn
    from N(0, 1 / lrmul), biases start at 0.
    """
    return gain / math.sqrt(fan_in) * lrmul


def equalized_dense(x, kernel, bias=None, gain=HE_GAIN, lrmul=1.0):
    """Dense layer (batch, in) to (batch, out), weights scaled at run time.

    The bias is scaled by `lrmul` alone.
    """
    x = np.asarray(x, np.float64)
    fan_in, units = kernel.shape
    scale = equalized_scale(fan_in, gain, lrmul)
    out = np.zeros((len(x), units))
    for n in range(len(x)):
        for o in range(units):
            for i in range(fan_in):
                out[n, o] += x[n, i] * float(kernel[i, o]) * scale
            if bias is not None:
                out[n, o] += float(bias[o]) * lrmul
    return out


def equalized_conv(x, kernel, bias=None, gain=HE_GAIN):
    """Stride 1, odd kernel, zeros around the border, size kept."""
    x = np.asarray(x, np.float64)
    rows, columns, fan_in, maps = kernel.shape
    scale = equalized_scale(rows * columns * fan_in, gain)
    batch, height, width, _ = x.shape
    out = np.zeros((batch, height, width, maps))
    for h in range(height):
        for w in range(width):
            for r in range(rows):
                for c in range(columns):
                    y, z = h + r - rows // 2, w + c - columns // 2
                    if 0 <= y < height and 0 <= z < width:
                        weight = np.asarray(kernel[r, c], np.float64) * scale
                        out[:, h, w] += x[:, y, z] @ weight
    if bias is not None:
        out += bias
    return out


def pixel_norm(x, epsilon=1e-8):
    """Every pixel's vector of channels (the last axis) over its RMS."""
    x = np.asarray(x, np.float64)
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon)


def minibatch_stddev(x, group_size=4, epsilon=1e-8):
    """Appends one feature map: how much the images of a group differ.

    A batch of n images makes n / group_size groups. As in the authors'
    code the members of a group are not neighbours: image i is in group
    i modulo the number of groups. Of each group: the standard deviation over
    its members (biased, epsilon inside the root), averaged over all pixels and
    channels. A smaller batch is one group. Equal images give
    sqrt(epsilon), 1e-4.
    """
    x = np.asarray(x, np.float64)
    batch, height, width, _ = x.shape
    groups = batch // min(group_size, batch)
    out = np.zeros((batch, height, width, 1))
    for group in range(groups):
        members = x[group::groups]
        variance = ((members - members.mean(axis=0)) ** 2).mean(axis=0)
        out[group::groups] = np.sqrt(variance + epsilon).mean()
    return np.concatenate([x, out], axis=-1)


def upsample(x):
    """Every pixel becomes 2x2 equal pixels."""
    x = np.asarray(x, np.float64)
    batch, height, width, channels = x.shape
    out = np.zeros((batch, 2 * height, 2 * width, channels))
    for h in range(2 * height):
        for w in range(2 * width):
            out[:, h, w] = x[:, h // 2, w // 2]
    return out


def average_pool(x):
    """Every 2x2 pixels become their mean."""
    x = np.asarray(x, np.float64)
    batch, height, width, channels = x.shape
    out = np.zeros((batch, height // 2, width // 2, channels))
    for h in range(height // 2):
        for w in range(width // 2):
            block = x[:, 2 * h : 2 * h + 2, 2 * w : 2 * w + 2]
            out[:, h, w] = block.mean(axis=(1, 2))
    return out


def fade_in(old, new, fade):
    """`old` at fade 0, `new` at fade 1."""
    return (1.0 - fade) * np.asarray(old) + fade * np.asarray(new)


def faded_real_images(images, fade):
    """What the discriminator sees of real images while a size fades in.

    At fade 0 the images carry only what half the resolution can hold.
    """
    return fade_in(upsample(average_pool(images)), images, fade)


def instance_norm(x, epsilon=1e-8):
    """Each map of each image to mean 0 and (biased) variance 1."""
    x = np.asarray(x, np.float64)
    out = np.zeros_like(x)
    for n in range(x.shape[0]):
        for c in range(x.shape[3]):
            values = x[n, :, :, c]
            centered = values - values.mean()
            out[n, :, :, c] = centered / np.sqrt((centered**2).mean() + epsilon)
    return out


def adain(x, w, kernel, bias, epsilon=1e-8):
    """Instance normalization, then scale and shift from the style of `w`.

    The style is an equalized dense layer with gain 1 of `w`, shape
    (batch, latent_dim), to twice the channels: the first half is the scale
    without its 1, the second half the shift.
    """
    channels = x.shape[3]
    style = equalized_dense(w, kernel, bias, gain=1.0)
    scale = style[:, None, None, :channels]
    shift = style[:, None, None, channels:]
    return instance_norm(x, epsilon) * (scale + 1.0) + shift


def blur(x):
    """[1, 2, 1] / 4 along both axes, zeros beyond the border."""
    x = np.asarray(x, np.float64)
    batch, height, width, _ = x.shape
    weights = np.array([1.0, 2.0, 1.0]) / 4.0
    out = np.zeros_like(x)
    for h in range(height):
        for w in range(width):
            for r in (-1, 0, 1):
                for c in (-1, 0, 1):
                    if 0 <= h + r < height and 0 <= w + c < width:
                        weight = weights[r + 1] * weights[c + 1]
                        out[:, h, w] += weight * x[:, h + r, w + c]
    return out


def mapping(latents, kernels, biases, lrmul=0.01):
    """Latents to w: pixel norm, then dense layers and LeakyReLU(0.2)."""
    x = pixel_norm(latents)
    for kernel, bias in zip(kernels, biases, strict=True):
        x = leaky_relu(equalized_dense(x, kernel, bias, lrmul=lrmul))
    return x


def truncate(ws, average, psi=0.7, cutoff=8):
    """Pulls w of the first `cutoff` layers towards the average w.

    `ws` is (batch, layers, latent_dim); psi 0 gives the average itself.
    """
    out = np.array(ws, np.float64)
    for layer in range(min(cutoff, out.shape[1])):
        out[:, layer] = average + psi * (out[:, layer] - average)
    return out


def mix_styles(first, second, crossover, layers):
    """w (batch, latent_dim) of both to (batch, layers, latent_dim).

    Layers before `crossover` take the first, the others the second.
    """
    return np.stack(
        [first if layer < crossover else second for layer in range(layers)],
        axis=1,
    )


def r1_by_differences(scores, images, step=1e-4):
    """Squared gradient norm of the scores at `images`, per image, (batch,).

    `scores` is any function from (batch, height, width, channels) to
    (batch,); the gradient is that of the sum of the scores, by central
    differences of one pixel at a time.
    """
    images = np.array(images, np.float64)
    gradients = np.zeros_like(images)
    for index in np.ndindex(images.shape):
        value = images[index]
        images[index] = value + step
        above = np.asarray(scores(images), np.float64).sum()
        images[index] = value - step
        below = np.asarray(scores(images), np.float64).sum()
        images[index] = value
        gradients[index] = (above - below) / (2.0 * step)
    return (gradients**2).sum(axis=(1, 2, 3))
