"""The generator of StyleGAN2: mapping and synthesis networks.

Karras, Laine, Aittala, Hellsten, Lehtinen and Aila, "Analyzing and Improving
the Image Quality of StyleGAN", 2020. https://arxiv.org/abs/1912.04958

`stylegan2.py` describes and trains them.
"""

import keras
import tensorflow as tf

from kerasgan.layers.equalized import (
    SQRT2,
    Bias,
    EqualizedDense,
)
from kerasgan.layers.pixel_norm import pixel_norm
from kerasgan.layers.resampling import smooth_upsample
from kerasgan.layers.style import (
    LearnedConstant,
    ModulatedConv2D,
    ModulatedToRGB,
    ModulatedUpConv2D,
    ScalarNoise,
)


def activate(x):
    """Returns LeakyReLU, scaled to keep the variance."""
    # Scaled first: TensorFlow's remapper fails on a second gradient through
    # an activation right after a bias.
    return tf.nn.leaky_relu(x * SQRT2, 0.2)


class Network(keras.Model):
    """Base class of networks with layers named after their resolutions.

    Args:
        image_size: int. Height and width of the images.
        channels: int. 1 for grayscale images, 3 for color.
        channel_base: int. A resolution has `channel_base / resolution`
            feature maps.
        channel_max: int. Maximum number of feature maps.
        clamp: float or `None`. Maximum absolute value of feature maps.
        **kwargs: See `keras.Model`: `name`, `dtype`.
    """

    def __init__(
        self, image_size, channels, channel_base, channel_max, clamp, **kwargs
    ):
        # The layers cast their own inputs; images stay float32.
        super().__init__(autocast=False, **kwargs)
        self.image_size = image_size
        self.channels = channels
        self.channel_base = channel_base
        self.channel_max = channel_max
        self.clamp = clamp

    @property
    def resolutions(self):
        """4, 8 ... up to the image size."""
        return [2**k for k in range(2, self.image_size.bit_length())]

    def features(self, resolution):
        """Returns the number of feature maps at a resolution."""
        return max(1, min(self.channel_base // resolution, self.channel_max))

    def add(self, layer, shape):
        """Builds a layer and stores it as the attribute of its name.

        Args:
            layer: A Keras layer with a unique name.
            shape: Input shape, or pair of input shapes.
        """
        layer.build(shape)
        setattr(self, layer.name, layer)

    def activate(self, x):
        """Returns `activate` of feature maps, clamped.

        Args:
            x: Float tensor.
        """
        return self.clamped(activate(x))

    def clamped(self, x):
        """Returns values of at most `clamp`.

        Args:
            x: Float tensor.
        """
        if self.clamp is None:
            return x
        return tf.clip_by_value(x, -self.clamp, self.clamp)

    def get_config(self):
        return {
            **super().get_config(),
            "image_size": self.image_size,
            "channels": self.channels,
            "channel_base": self.channel_base,
            "channel_max": self.channel_max,
            "clamp": self.clamp,
        }


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGAN2Generator(keras.Model):
    """Mapping and synthesis networks, and the average of w.

    Args:
        latent_dim: int. Length of the latent vectors.
        style_dim: int. Length of w.
        mapping_layers: int. Layers of the mapping network.
        name: str. See `keras.Model`.
        dtype: See `keras.Model`.
        **sizes: See `Network`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`.
        labels: `None`, or in `ConditionalStyleGAN2Generator` integer tensor
            `(batch,)`.
        truncation: Float tensor `(batch,)` or `None`.

    Returns:
        Float32 tensor `(batch, image_size, image_size, channels)`, linear,
        roughly in `[-1, 1]`.
    """

    num_classes = None

    def __init__(
        self, latent_dim, style_dim, mapping_layers, name, dtype, **sizes
    ):
        super().__init__(autocast=False, name=name, dtype=dtype)
        self.arguments = {
            **sizes,
            "latent_dim": latent_dim,
            "style_dim": style_dim,
            "mapping_layers": mapping_layers,
        }
        self.mapping = StyleGAN2Mapping(
            style_dim,
            mapping_layers,
            latent_dim=latent_dim,
            num_classes=self.num_classes,
            dtype=self.dtype_policy,
            name="mapping",
        )
        self.synthesis = StyleGAN2Synthesis(
            style_dim, dtype=self.dtype_policy, name="synthesis", **sizes
        )
        self.average_w = self.add_weight(
            name="average_w",
            shape=(style_dim,),
            initializer="zeros",
            trainable=False,
        )
        self.built = True

    def styles(self, latents, labels=None, truncation=None):
        """Returns w for each layer, `(batch, layers, style_dim)`.

        Args:
            latents: Float tensor `(batch, latent_dim)`.
            labels: See the call.
            truncation: Float tensor `(batch,)` or `None`.
        """
        w = self.mapping(latents, labels)
        if truncation is not None:
            average = tf.cast(self.average_w, w.dtype)
            psi = tf.cast(truncation, w.dtype)[:, None]
            w = average + psi * (w - average)
        return tf.repeat(w[:, None], self.synthesis.num_styles, axis=1)

    def call(self, latents, labels=None, truncation=None):
        return self.synthesis(self.styles(latents, labels, truncation))

    def get_config(self):
        return {**super().get_config(), **self.arguments}


@keras.saving.register_keras_serializable(package="kerasgan")
class ConditionalStyleGAN2Generator(StyleGAN2Generator):
    """`StyleGAN2Generator` with labels beside the latents.

    Args:
        num_classes: int. Labels go from 0 to `num_classes - 1`.
        **kwargs: See `StyleGAN2Generator`.

    Call arguments:
        latents: See `StyleGAN2Generator`.
        labels: Integer tensor `(batch,)`.
        truncation: See `StyleGAN2Generator`.

    Returns:
        See `StyleGAN2Generator`.
    """

    def __init__(self, num_classes, **kwargs):
        self.num_classes = num_classes
        super().__init__(**kwargs)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGAN2Mapping(keras.Model):
    """Latents, labels or both to w.

    Latents and embedded labels are normalized separately.

    Args:
        style_dim: int. Length of w.
        mapping_layers: int. Number of dense layers.
        latent_dim: int. Length of the latent vectors; 0 for labels alone, as
            in the discriminator. Defaults to `0`.
        num_classes: int, or `None` for latents alone. Defaults to `None`.
        **kwargs: See `keras.Model`: `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)` or `None`.
        labels: Integer tensor `(batch,)` or `None`.

    Returns:
        Float tensor `(batch, style_dim)`.
    """

    def __init__(
        self,
        style_dim,
        mapping_layers,
        latent_dim=0,
        num_classes=None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        policy = {"dtype": self.dtype_policy}
        self.mapping_layers = mapping_layers
        self.latent_dim = latent_dim
        self.num_classes = num_classes
        units = latent_dim
        if num_classes is not None:
            self.classes = EqualizedDense(
                style_dim, gain=1.0, name="classes", **policy
            )
            self.classes.build((None, num_classes))
            units += style_dim
        for index in range(mapping_layers):
            dense = EqualizedDense(
                style_dim,
                gain=1.0,
                lr_multiplier=0.01,
                name=f"mapping_{index}",
                **policy,
            )
            dense.build((None, units))
            setattr(self, dense.name, dense)
            units = style_dim
        self.built = True

    def call(self, latents, labels=None):
        parts = []
        if self.latent_dim:
            parts.append(tf.cast(pixel_norm(latents), self.compute_dtype))
        if self.num_classes is not None:
            code = tf.one_hot(labels, self.num_classes)
            parts.append(pixel_norm(self.classes(code)))
        x = tf.concat(parts, axis=-1)
        for index in range(self.mapping_layers):
            x = activate(getattr(self, f"mapping_{index}")(x))
        return x


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGAN2Synthesis(Network):
    """Styles to images, as a sum over resolutions (figures 2d and 7b).

    Args:
        style_dim: int. Length of w.
        **kwargs: See `Network`.

    Call arguments:
        styles: Float tensor `(batch, layers, style_dim)`: w for each layer;
            the layer that makes the image of a resolution shares that of the
            next convolution.
        noises: List of float tensors `(batch, size, size, 1)` from a unit
            normal, one for each of `noise_resolutions`, or `None` for fixed
            noise.

    Returns:
        Float32 tensor `(batch, image_size, image_size, channels)`, linear,
        roughly in `[-1, 1]`.
    """

    def __init__(self, style_dim, **kwargs):
        super().__init__(**kwargs)
        self.style_dim = style_dim
        self.make_layers()

    @property
    def noise_resolutions(self):
        """The resolution of each convolution: one at 4x4, two at others."""
        return [4, *(s for s in self.resolutions[1:] for _ in range(2))]

    @property
    def style_resolutions(self):
        """The resolution that each style works at, the last for color."""
        return [*self.noise_resolutions, self.image_size]

    @property
    def num_styles(self):
        """Number of styles, `2 log2(image_size) - 2`."""
        return len(self.style_resolutions)

    def make_layers(self):
        policy = {"dtype": self.dtype_policy}
        w_shape, maps = (None, self.style_dim), self.features(4)
        normal = keras.initializers.RandomNormal(stddev=1.0)
        constant = LearnedConstant(
            maps, initializer=normal, name="constant_4", **policy
        )
        self.add(constant, None)
        for place, size in enumerate(self.noise_resolutions):
            half = 1 - place % 2  # 1 at 4x4, then 0 and 1.
            below, maps = maps, self.features(size)
            shape = (None, size, size, maps)
            end = f"{half}_{size}"
            if half == 0:
                conv = ModulatedUpConv2D(maps, name=f"conv{end}", **policy)
                half_shape = (None, size // 2, size // 2, below)
                self.add(conv, (half_shape, w_shape))
            else:
                conv = ModulatedConv2D(maps, name=f"conv{end}", **policy)
                self.add(conv, (shape, w_shape))
            noise = ScalarNoise(place, name=f"noise{end}", **policy)
            self.add(noise, shape)
            self.add(Bias(name=f"bias{end}", **policy), shape)
            if half == 1:
                # Float32, so that mixed precision does not round the image.
                to_rgb = ModulatedToRGB(
                    self.channels, dtype="float32", name=f"to_rgb_{size}"
                )
                self.add(to_rgb, (shape, w_shape))
        self.built = True

    def call(self, styles, noises=None):
        x = self.constant_4(styles)
        images = None
        for place, size in enumerate(self.noise_resolutions):
            end = f"{1 - place % 2}_{size}"
            noise = None if noises is None else noises[place]
            x = getattr(self, f"conv{end}")((x, styles[:, place]))
            x = getattr(self, f"noise{end}")(x, noise)
            x = self.activate(getattr(self, f"bias{end}")(x))
            if place % 2 == 0:
                to_rgb = getattr(self, f"to_rgb_{size}")
                added = self.clamped(to_rgb((x, styles[:, place + 1])))
                images = (
                    added if images is None else smooth_upsample(images) + added
                )
        return images

    def get_config(self):
        return {**super().get_config(), "style_dim": self.style_dim}
