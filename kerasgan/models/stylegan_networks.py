"""The networks of StyleGAN: mapping, synthesis and discriminator.

Karras, Laine and Aila, "A Style-Based Generator Architecture for Generative
Adversarial Networks", 2019. https://arxiv.org/abs/1812.04948

`stylegan.py` describes and trains them.
"""

import math

import keras
import tensorflow as tf

from kerasgan.layers.equalized import (
    Bias,
    EqualizedBlurDownConv2D,
    EqualizedConv2D,
    EqualizedDense,
    EqualizedUpConv2D,
)
from kerasgan.layers.pixel_norm import pixel_norm
from kerasgan.layers.resampling import blend, blur, upsample
from kerasgan.layers.style import AdaIN, LearnedConstant, Noise
from kerasgan.models.growing import GrowingNetwork, activate
from kerasgan.models.progan import ProGANDiscriminator


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGANGenerator(keras.Model):
    """Mapping and synthesis networks, and the average of w.

    Args:
        latent_dim: int. Length of the latent vectors.
        w_dim: int. Length of w.
        mapping_layers: int. Layers of the mapping network.
        truncation_layers: int. Number of layers that truncation applies to.
        name: str. See `keras.Model`.
        dtype: See `keras.Model`.
        **sizes: See `GrowingNetwork`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`.
        labels: `None`, or in `ConditionalStyleGANGenerator` integer tensor
            `(batch,)`.
        truncation: Float tensor `(batch,)` or `None`.

    Returns:
        Float32 tensor `(batch, image_size, image_size, channels)`, linear,
        roughly in `[-1, 1]`.
    """

    def __init__(
        self,
        latent_dim,
        w_dim,
        mapping_layers,
        truncation_layers,
        name,
        dtype,
        **sizes,
    ):
        super().__init__(autocast=False, name=name, dtype=dtype)
        self.arguments = {
            **sizes,
            "latent_dim": latent_dim,
            "w_dim": w_dim,
            "mapping_layers": mapping_layers,
            "truncation_layers": truncation_layers,
        }
        self.truncation_layers = truncation_layers
        self.mapping = Mapping(
            latent_dim,
            w_dim,
            mapping_layers,
            self.build_classes(latent_dim),
            dtype=self.dtype_policy,
            name="mapping",
        )
        self.synthesis = Synthesis(
            w_dim=w_dim, dtype=self.dtype_policy, name="synthesis", **sizes
        )
        self.average_w = self.add_weight(
            name="average_w",
            shape=(w_dim,),
            initializer="zeros",
            trainable=False,
        )
        self.built = True

    def build_classes(self, latent_dim):
        """Returns the embedding of labels, here `None`."""
        return None

    def active(self, stage):
        """Returns the layers that are used at a stage.

        Args:
            stage: `Stage`.
        """
        return [*self.mapping.layers, *self.synthesis.active(stage)]

    def styles(self, latents, labels=None, truncation=None):
        """Returns w for each layer, `(batch, layers, w_dim)`.

        Args:
            latents: Float tensor `(batch, latent_dim)`.
            labels: See the call.
            truncation: Float tensor `(batch,)` or `None`.
        """
        w = self.mapping(latents, labels)
        layers = self.synthesis.layers_up_to(self.synthesis.image_size)
        styles = tf.repeat(w[:, None], layers, axis=1)
        if truncation is None:
            return styles
        average = tf.cast(self.average_w, w.dtype)
        psi = tf.cast(truncation, w.dtype)[:, None, None]
        # Appendix B: only coarse layers, so that fine details are kept.
        coarse = tf.range(layers) < self.truncation_layers
        return tf.where(
            coarse[None, :, None], average + psi * (styles - average), styles
        )

    def call(self, latents, labels=None, truncation=None):
        return self.synthesis(self.styles(latents, labels, truncation))

    def get_config(self):
        return {**super().get_config(), **self.arguments}


@keras.saving.register_keras_serializable(package="kerasgan")
class ConditionalStyleGANGenerator(StyleGANGenerator):
    """`StyleGANGenerator` with labels beside the latents.

    Args:
        num_classes: int. Labels go from 0 to `num_classes - 1`.
        **kwargs: See `StyleGANGenerator`.

    Call arguments:
        latents: See `StyleGANGenerator`.
        labels: Integer tensor `(batch,)`.
        truncation: See `StyleGANGenerator`.

    Returns:
        See `StyleGANGenerator`.
    """

    def __init__(self, num_classes, **kwargs):
        self.num_classes = num_classes
        super().__init__(**kwargs)

    def build_classes(self, latent_dim):
        # Of the same length and variance as the latents.
        classes = keras.layers.Embedding(
            self.num_classes,
            latent_dim,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=1.0),
            dtype=self.dtype_policy,
            name="classes",
        )
        classes.build()
        return classes

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable(package="kerasgan")
class Mapping(keras.Model):
    """Latents, and labels if there is an embedding of them, to w (section 2).

    One class for both cases, because its name is in the paths of published
    weights.

    Args:
        latent_dim: int. Length of the latent vectors.
        w_dim: int. Length of w.
        mapping_layers: int. Number of dense layers.
        classes: Embedding of labels, `latent_dim` long, or `None`. Defaults
            to `None`.
        **kwargs: See `keras.Model`: `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`.
        labels: Integer tensor `(batch,)`, or `None` without an embedding.

    Returns:
        Float tensor `(batch, w_dim)`.
    """

    def __init__(
        self, latent_dim, w_dim, mapping_layers, classes=None, **kwargs
    ):
        super().__init__(autocast=False, **kwargs)
        self.classes = classes
        units = latent_dim if classes is None else 2 * latent_dim
        for index in range(mapping_layers):
            dense = EqualizedDense(
                w_dim,
                lr_multiplier=0.01,
                dtype=self.dtype_policy,
                name=f"dense_{index}",
            )
            dense.build((None, units))
            setattr(self, dense.name, dense)
            units = w_dim
        self.mapping_layers = mapping_layers
        self.built = True

    def call(self, latents, labels=None):
        x = latents
        if self.classes is not None:
            classes = self.classes(labels)
            x = tf.concat([tf.cast(x, classes.dtype), classes], axis=-1)
        x = pixel_norm(x)
        for index in range(self.mapping_layers):
            x = activate(getattr(self, f"dense_{index}")(x))
        return x


@keras.saving.register_keras_serializable(package="kerasgan")
class Synthesis(GrowingNetwork):
    """Styles to images, of any resolution (figure 1b).

    Args:
        w_dim: int. Length of w.
        **kwargs: See `GrowingNetwork`.

    Call arguments:
        styles: Float tensor `(batch, layers, w_dim)`: w for each layer, two
            layers for each resolution. May have more layers than are used.
        noises: List of float tensors `(batch, size, size, 1)` from a unit
            normal, one for each layer, or `None` for fixed noise.
        resolution: int. Defaults to the image size.
        fade: Float scalar in [0, 1]: how far that resolution has faded in
            over the one below. Defaults to `None`, fully.

    Returns:
        Float32 tensor `(batch, resolution, resolution, channels)`, linear,
        roughly in `[-1, 1]`.
    """

    def __init__(self, w_dim, **kwargs):
        super().__init__(**kwargs)
        self.w_dim = w_dim
        self.make_layers()

    @property
    def style_resolutions(self):
        """The resolution that each layer with a style works at."""
        return [size for size in self.resolutions for _ in range(2)]

    def layers_up_to(self, resolution):
        """Returns the number of layers with a style up to a resolution."""
        return 2 * (int(math.log2(resolution)) - 1)

    def make_layers(self):
        policy = {"dtype": self.dtype_policy}
        maps = self.features(4)
        self.add(LearnedConstant(maps, name="constant_4", **policy), None)
        for place, size in enumerate(self.resolutions):
            below, maps = maps, self.features(size)
            shape = (None, size, size, maps)
            if size > 4:
                up = EqualizedUpConv2D(
                    maps, use_bias=False, name=f"conv0_{size}", **policy
                )
                self.add(up, (None, size // 2, size // 2, below))
            conv = EqualizedConv2D(
                maps, use_bias=False, name=f"conv1_{size}", **policy
            )
            self.add(conv, shape)
            for half in (0, 1):
                end = f"{half}_{size}"
                seed = 2 * place + half
                self.add(Noise(seed, name=f"noise{end}", **policy), shape)
                self.add(Bias(name=f"bias{end}", **policy), shape)
                adain = AdaIN(name=f"adain{end}", **policy)
                self.add(adain, (shape, (None, self.w_dim)))
            if size >= self.first_rgb:
                # Float32, so that mixed precision does not round the image.
                to_rgb = EqualizedConv2D(
                    self.channels,
                    kernel_size=1,
                    gain=1.0,
                    dtype="float32",
                    name=f"to_rgb_{size}",
                )
                self.add(to_rgb, shape)
        self.built = True

    def call(self, styles, noises=None, resolution=None, fade=None):
        resolution = resolution or self.image_size

        def finish(x, half, size):
            """Adds noise and bias, activates, and sets the style."""
            layer = self.layers_up_to(size) - 2 + half
            noise = None if noises is None else noises[layer]
            x = getattr(self, f"noise{half}_{size}")(x, noise)
            x = activate(getattr(self, f"bias{half}_{size}")(x))
            return getattr(self, f"adain{half}_{size}")((x, styles[:, layer]))

        x = self.constant_4(styles)
        for size in self.resolutions:
            if size > resolution:
                break
            coarse = x
            if size > 4:
                x = blur(getattr(self, f"conv0_{size}")(x))
            x = finish(x, 0, size)
            x = finish(getattr(self, f"conv1_{size}")(x), 1, size)
        images = getattr(self, f"to_rgb_{resolution}")(x)
        if fade is None:
            return images
        coarse = getattr(self, f"to_rgb_{resolution // 2}")(coarse)
        return blend(upsample(coarse), images, fade)

    def get_config(self):
        return {**super().get_config(), "w_dim": self.w_dim}


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGANDiscriminator(ProGANDiscriminator):
    """ProGAN's discriminator, with a blur before each downsampling.

    Args:
        **kwargs: See `ProGANDiscriminator`.

    Call arguments:
        images: See `ProGANDiscriminator`.

    Returns:
        Float32 tensor `(batch, num_scores)`, raw scores.
    """

    down_layer = EqualizedBlurDownConv2D
