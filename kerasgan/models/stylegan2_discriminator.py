"""The discriminator of StyleGAN2, with and without labels.

Karras, Laine, Aittala, Hellsten, Lehtinen and Aila, "Analyzing and Improving
the Image Quality of StyleGAN", 2020. https://arxiv.org/abs/1912.04958

`stylegan2.py` describes and trains it.
"""

import math

import keras
import tensorflow as tf

from kerasgan.layers.equalized import (
    SQRT2,
    EqualizedConv2D,
    EqualizedDense,
    EqualizedSmoothDownConv2D,
)
from kerasgan.layers.minibatch_stddev import MinibatchStdDev
from kerasgan.layers.resampling import smooth_downsample
from kerasgan.models.stylegan2_networks import (
    Network,
    StyleGAN2Mapping,
    activate,
)


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGAN2Discriminator(Network):
    """Images to unbounded scores, high for real (figure 7c).

    Args:
        group_size: int. Group size of the minibatch standard deviation.
        residual: bool. Whether blocks have skip connections.
        **kwargs: See `Network`.

    Call arguments:
        images: Float tensor `(batch, image_size, image_size, channels)` in
            `[-1, 1]`.

    Returns:
        Float32 tensor `(batch, 1)`, raw scores.
    """

    num_scores = 1

    def __init__(self, group_size, residual, **kwargs):
        super().__init__(**kwargs)
        self.group_size = group_size
        self.residual = residual
        self.make_layers()

    def make_layers(self):
        policy = {"dtype": self.dtype_policy}
        size = self.image_size
        maps = self.features(size)
        from_rgb = EqualizedConv2D(
            maps, 1, gain=1.0, name=f"from_rgb_{size}", **policy
        )
        self.add(from_rgb, (None, size, size, self.channels))
        for size in reversed(self.resolutions[1:]):
            maps, below = self.features(size), self.features(size // 2)
            shape = (None, size, size, maps)
            conv = EqualizedConv2D(
                maps, gain=1.0, name=f"conv0_{size}", **policy
            )
            self.add(conv, shape)
            down = EqualizedSmoothDownConv2D(
                below, gain=1.0, name=f"conv1_{size}", **policy
            )
            self.add(down, shape)
            if self.residual:
                skip = EqualizedConv2D(
                    below,
                    1,
                    gain=1.0,
                    use_bias=False,
                    name=f"skip_{size}",
                    **policy,
                )
                self.add(skip, shape)
        maps = self.features(4)
        stddev = MinibatchStdDev(self.group_size, name="stddev_4", **policy)
        self.add(stddev, (None, 4, 4, maps))
        conv = EqualizedConv2D(maps, gain=1.0, name="conv_4", **policy)
        self.add(conv, (None, 4, 4, maps + 1))
        dense = EqualizedDense(maps, gain=1.0, name="dense_4", **policy)
        self.add(dense, (None, 16 * maps))
        score = EqualizedDense(
            self.num_scores, gain=1.0, dtype="float32", name="score_4"
        )
        self.add(score, (None, maps))
        self.built = True

    def outputs(self, images):
        """Returns the last layer's outputs, `(batch, num_scores)`.

        Args:
            images: See the call.
        """
        x = self.activate(getattr(self, f"from_rgb_{self.image_size}")(images))
        for size in reversed(self.resolutions[1:]):
            inputs = x
            x = self.activate(getattr(self, f"conv0_{size}")(x))
            x = self.activate(getattr(self, f"conv1_{size}")(x))
            if self.residual:
                skip = getattr(self, f"skip_{size}")
                # The variance of the sum is that of each part.
                x = (x + skip(smooth_downsample(inputs))) / SQRT2
        x = self.activate(self.conv_4(self.stddev_4(x)))
        x = tf.reshape(x, (-1, math.prod(x.shape[1:])))
        return self.score_4(activate(self.dense_4(x)))

    def call(self, images):
        return self.outputs(images)

    def get_config(self):
        return {
            **super().get_config(),
            "group_size": self.group_size,
            "residual": self.residual,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class ConditionalStyleGAN2Discriminator(StyleGAN2Discriminator):
    """`StyleGAN2Discriminator` with labels, by projection.

    The score is the inner product of the last layer's outputs with the mapped
    label, a mapping network of eight layers.

    Args:
        num_classes: int. Labels go from 0 to `num_classes - 1`.
        **kwargs: See `StyleGAN2Discriminator`.

    Call arguments:
        images: See `StyleGAN2Discriminator`.
        labels: Integer tensor `(batch,)`.

    Returns:
        Float32 tensor `(batch, 1)`, raw scores.
    """

    def __init__(self, num_classes, **kwargs):
        self.num_classes = num_classes
        super().__init__(**kwargs)

    @property
    def num_scores(self):
        return self.features(4)

    def make_layers(self):
        super().make_layers()
        self.mapping = StyleGAN2Mapping(
            self.num_scores,
            8,
            num_classes=self.num_classes,
            dtype="float32",
            name="mapping",
        )

    def call(self, images, labels):
        products = self.outputs(images) * self.mapping(None, labels)
        scores = tf.reduce_sum(products, axis=1, keepdims=True)
        return scores / math.sqrt(self.num_scores)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}
