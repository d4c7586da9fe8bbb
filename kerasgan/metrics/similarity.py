"""Images compared pair by pair: L1, PSNR, SSIM and MS-SSIM.

Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error
Visibility to Structural Similarity", 2004.
https://doi.org/10.1109/TIP.2003.819861

Wang, Simoncelli and Bovik, "Multiscale Structural Similarity for Image
Quality Assessment", 2003. https://doi.org/10.1109/ACSSC.2003.1292216

Between a translated image and its target they measure fidelity. Between
two generated images MS-SSIM measures how alike they are (Odena, Olah and
Shlens, 2017, https://arxiv.org/abs/1610.09585, section 4.2).
"""

import keras
import numpy as np
import tensorflow as tf

from kerasgan import replicas

WHITE = 255.0
WINDOW = 11
# Standard deviation of the Gaussian window, in pixels.
WINDOW_STDDEV = 1.5
K1, K2 = 0.01, 0.03
# Wang et al., 2003, section 3.2: from the finest scale to the coarsest.
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def l1(images_a, images_b):
    """Returns the mean absolute difference of each pair, in grey levels.

    Args:
        images_a: uint8 array `(pairs, height, width, channels)`.
        images_b: Like `images_a`.

    Returns:
        float64 array `(pairs,)` in `[0, 255]`.

    Raises:
        ValueError: If the shapes differ, or images are not uint8.
    """
    a, b = _checked(images_a, images_b)
    return np.abs(a - b).mean(axis=(1, 2, 3))


def psnr(images_a, images_b):
    """Returns the peak signal-to-noise ratio of each pair, in decibels.

    Args:
        images_a: uint8 array `(pairs, height, width, channels)`.
        images_b: Like `images_a`.

    Returns:
        float64 array `(pairs,)`; infinite for equal images.

    Raises:
        ValueError: If the shapes differ, or images are not uint8.
    """
    a, b = _checked(images_a, images_b)
    errors = np.square(a - b).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(WHITE**2 / errors)


def ssim(images_a, images_b):
    """Returns the structural similarity of each pair.

    The mean over all positions of an 11x11 Gaussian window inside the
    image, and over the channels.

    Args:
        images_a: uint8 array `(pairs, height, width, channels)`, at least
            11x11.
        images_b: Like `images_a`.

    Returns:
        float64 array `(pairs,)` in `[-1, 1]`; 1 for equal images.

    Raises:
        ValueError: If the shapes differ, images are not uint8, or smaller
            than the window.

    Reference:
        [Wang et al., 2004](https://doi.org/10.1109/TIP.2003.819861),
        equation 13.
    """
    a, b = _checked(images_a, images_b)
    _check_size(a, 1)
    luminance, structure = _similarity(a, b)
    return (luminance * structure).mean(axis=(1, 2, 3))


def ms_ssim(images_a, images_b, scales=5):
    """Returns the similarity of each pair over several scales.

    Contrast and structure count at every scale, luminance at the coarsest;
    from scale to scale the images are halved by averaging.

    Args:
        images_a: uint8 array `(pairs, height, width, channels)`; at the
            coarsest scale there must be 11x11 pixels left.
        images_b: Like `images_a`.
        scales: int, 1 to 5. Fewer than the paper's five, for small images,
            take its first weights, divided by their sum. Defaults to `5`,
            which needs 176x176 pixels.

    Returns:
        float64 array `(pairs,)` in `[0, 1]`; a negative mean at some scale
        counts as zero.

    Raises:
        ValueError: If the shapes differ, or the images are too small.

    Reference:
        [Wang et al., 2003](https://doi.org/10.1109/ACSSC.2003.1292216),
        equation 7.
    """
    a, b = _checked(images_a, images_b)
    if not 1 <= scales <= len(SCALE_WEIGHTS):
        raise ValueError(
            f"`scales` must be from 1 to 5. Received: scales={scales}"
        )
    _check_size(a, scales)
    weights = np.array(SCALE_WEIGHTS[:scales])
    weights = weights / weights.sum()
    product = 1.0
    for scale, weight in enumerate(weights):
        if scale:
            a, b = _halve(a), _halve(b)
        luminance, structure = _similarity(a, b)
        if scale == scales - 1:
            structure = luminance * structure
        # Per channel, then over channels, as TensorFlow's ssim_multiscale.
        means = structure.mean(axis=(1, 2))
        product = product * np.maximum(means, 0.0) ** weight
    return product.mean(axis=1)


def _checked(images_a, images_b):
    images_a, images_b = np.asarray(images_a), np.asarray(images_b)
    if images_a.shape != images_b.shape or images_a.ndim != 4:
        raise ValueError(
            "Pairs of images must have the same shape (pairs, height, "
            f"width, channels). Received: {images_a.shape} and "
            f"{images_b.shape}"
        )
    if images_a.dtype != np.uint8 or images_b.dtype != np.uint8:
        raise ValueError(
            "Images are compared as uint8 in [0, 255]. Received: "
            f"{images_a.dtype} and {images_b.dtype}"
        )
    return images_a.astype(np.float64), images_b.astype(np.float64)


def _check_size(images, scales):
    needed = WINDOW * 2 ** (scales - 1)
    if min(images.shape[1:3]) < needed:
        raise ValueError(
            f"{scales} scales need images of at least {needed}x{needed}, "
            f"because the window is {WINDOW} pixels wide. Received: images "
            f"of {images.shape[1]}x{images.shape[2]}"
        )


def _similarity(a, b):
    """Returns the luminance and contrast-structure terms at each position."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    window = np.exp(-np.square(offsets) / (2 * WINDOW_STDDEV**2))
    window /= window.sum()

    def smooth(x):
        for axis in (1, 2):
            view = np.lib.stride_tricks.sliding_window_view(x, WINDOW, axis)
            x = view @ window
        return x

    mean_a, mean_b = smooth(a), smooth(b)
    covariance = smooth(a * b) - mean_a * mean_b
    variances = smooth(a * a + b * b) - mean_a**2 - mean_b**2
    c1, c2 = (K1 * WHITE) ** 2, (K2 * WHITE) ** 2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (variances + c2)
    return luminance, structure


def _halve(images):
    # An odd row or column is repeated.
    odd = [(0, 0), (0, images.shape[1] % 2), (0, images.shape[2] % 2), (0, 0)]
    images = np.pad(images, odd, mode="edge")
    pairs, height, width, channels = images.shape
    blocks = images.reshape(pairs, height // 2, 2, width // 2, 2, channels)
    return blocks.mean(axis=(2, 4))


class _MeanOfPairs(keras.metrics.Metric):
    """Means over pairs, in float64, of NumPy functions of a pair."""

    def __init__(self, functions, name):
        super().__init__(name=name)
        self.functions = functions
        self.count = self.add_weight(
            (), initializer="zeros", dtype="float64", name="count"
        )
        self.totals = self.add_weight(
            (len(functions),),
            initializer="zeros",
            dtype="float64",
            name="totals",
        )

    def _add_pairs(self, images_a, images_b):
        def sums(a, b):
            return np.array([one(a, b).sum() for one in self.functions])

        images_a = tf.convert_to_tensor(images_a)
        totals = tf.numpy_function(sums, [images_a, images_b], tf.float64)
        totals.set_shape((len(self.functions),))
        self.totals.assign_add(totals)
        self.count.assign_add(tf.cast(tf.shape(images_a)[0], tf.float64))

    def _means(self):
        count = float(self.count.numpy())
        if not count:
            raise ValueError(
                f"{self.name} needs at least one pair. Received: none"
            )
        return self.totals.numpy() / count


class PairSimilarity(_MeanOfPairs):
    """Mean L1, PSNR and SSIM between generated images and their targets.

    Args:
        name: str. Defaults to `"pairs"`.

    `update_state` arguments:
        real_images: uint8 tensor `(pairs, height, width, channels)`, at least
            11x11: the targets.
        fake_images: Like `real_images`, in the same order.

    Result:
        dict of three float64 scalars: `l1` in grey levels, `psnr` in
        decibels (infinite if a pair is equal), `ssim`.
    """

    def __init__(self, name="pairs"):
        super().__init__((l1, psnr, ssim), name)

    def update_state(self, real_images, fake_images):
        self._add_pairs(real_images, fake_images)

    def result(self):
        names = ("l1", "psnr", "ssim")
        return {
            name: tf.constant(value, tf.float64)
            for name, value in zip(names, self._means(), strict=True)
        }


class Diversity(_MeanOfPairs):
    """Mean MS-SSIM between generated images: near one, all are alike.

    In each global batch, the first image is compared with the second, the
    third with the fourth, and so on; an odd last one is left out.

    Args:
        scales: int, 1 to 5. See `ms_ssim`. Defaults to `5`.
        name: str. Defaults to `"ms_ssim"`.

    `update_state` arguments:
        real_images: Ignored; there so that all metrics are updated alike.
        fake_images: uint8 tensor `(batch, height, width, channels)`.

    Result:
        float64 scalar in `[0, 1]`.

    Reference:
        [Odena et al., 2017](https://arxiv.org/abs/1610.09585), section 4.2.
    """

    def __init__(self, scales=5, name="ms_ssim"):
        super().__init__((lambda a, b: ms_ssim(a, b, scales),), name)
        self.scales = scales

    def update_state(self, real_images=None, fake_images=None):
        if fake_images is not None:
            images = replicas.gather(tf.convert_to_tensor(fake_images))
            pairs = tf.shape(images)[0] // 2
            context = tf.distribute.get_replica_context()
            own = slice(
                context.replica_id_in_sync_group,
                pairs,
                context.num_replicas_in_sync,
            )
            self._add_pairs(images[::2][own], images[1::2][own])

    def result(self):
        return tf.constant(self._means()[0], tf.float64)
