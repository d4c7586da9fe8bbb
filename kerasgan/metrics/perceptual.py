"""Perceptual distance: how different two images are in feature maps.

Zhang, Isola, Efros, Shechtman and Wang, "The Unreasonable Effectiveness of Deep
Features as a Perceptual Metric", 2018. https://arxiv.org/abs/1801.03924

Difference from the paper: all feature maps count alike; theirs have weights
that were learned from human judgments. So values do not compare with LPIPS.
"""

import keras
import tensorflow as tf

from kerasgan import backend
from kerasgan.metrics import resize


class PerceptualDistance:
    """Distance of images in the feature maps of a network.

    At each position of each resolution, the channels are scaled to unit norm;
    the squared differences are summed over channels, and averaged over
    positions and resolutions.

    Args:
        network: `FeatureNetwork` with `layers`.

    Call arguments:
        images: Float tensor `(batch, height, width, channels)` in `[-1, 1]`.
        others: Float tensor of the same shape, or of one image for all.

    Returns:
        Float32 tensor `(batch,)`, from 0 to 4.

    Raises:
        ValueError: If the network names no layers, or images of this size
            cannot be given to it.

    Example:
    ```python
    distance = PerceptualDistance(zoo.features("personas"))
    distance(first, second)
    ```

    Reference:
        [Zhang et al., 2018](https://arxiv.org/abs/1801.03924), equation 1.
    """

    def __init__(self, network):
        if not network.layers:
            raise ValueError(
                "A perceptual distance needs a network whose layers are named, "
                "such as a classifier of the zoo. Received: "
                f"{network.name!r}, without `layers`"
            )
        self.network = network
        model = network.model
        self._scale = model.get_layer("scale")
        outputs = [model.get_layer(name).output for name in network.layers]
        with backend.own_settings():
            # From behind the scale, in front of which images may be integers.
            self._maps = keras.Model(self._scale.output, outputs)

    def __call__(self, images, others):
        pairs = zip(self.maps(images), self.maps(others), strict=True)
        distances = [
            tf.reduce_mean(tf.reduce_sum((a - b) ** 2, axis=3), axis=(1, 2))
            for a, b in pairs
        ]
        return tf.reduce_mean(tf.stack(distances), axis=0)

    def maps(self, images):
        """Returns the feature maps of images, channels of unit norm.

        Args:
            images: Float tensor `(batch, height, width, channels)` in
                `[-1, 1]`.

        Returns:
            List of float32 tensors `(batch, height, width, channels)`.
        """
        network = self.network
        height, width, channels = network.image_shape
        images = (tf.cast(images, "float32") + 1.0) * 127.5
        if network.resizer is not None:
            images = resize.get(network.resizer)(images, height, width)
        shape = tuple(images.shape)
        if shape[1:3] != (height, width) or shape[3] not in (1, channels):
            raise ValueError(
                f"The features {network.name!r} are of images of "
                f"{height}x{width} with {channels} channels or, to be "
                f"repeated, one. Received: images.shape={shape}"
            )
        if shape[3] != channels:
            images = tf.repeat(images, channels, axis=3)
        return [
            # Zero where all channels are.
            maps
            * tf.math.rsqrt(
                tf.reduce_sum(maps**2, axis=3, keepdims=True) + 1e-10
            )
            for maps in self._maps(self._scale(images))
        ]


def pixel_distance(images, others):
    """Returns the mean squared difference of images, one value per image.

    Args:
        images: Float tensor `(batch, height, width, channels)`.
        others: Float tensor of the same shape, or of one image for all.

    Returns:
        Float32 tensor `(batch,)`.
    """
    difference = tf.cast(images, "float32") - tf.cast(others, "float32")
    return tf.reduce_mean(difference**2, axis=(1, 2, 3))
