"""pix2pix: image-to-image translation, trained on pairs.

Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional
Adversarial Networks", 2017. https://arxiv.org/abs/1611.07004

The generator is a U-Net: it downsamples the input to a single pixel and
upsamples it again; skip connections pass the feature maps of each size to the
decoder, so that edges bypass the bottleneck (section 3.2.1). The discriminator
takes input and output together and scores patches of 70x70 pixels (section
3.2.2). The L1 loss determines low frequencies, the discriminator the texture
(equation 4). There is no noise input: the only randomness is dropout in the
generator, which the paper keeps at inference, together with the statistics of
the test batch (section 3.3).

Differences from the paper: as in the authors' PyTorch release, convolutions
before batch normalization have no bias, skip connections are concatenated
first, and below 256x256, the paper's size, fewer than its three decoder blocks
have dropout: the first log2(size) - 5, so none at 32; inference is
deterministic by default, with moving statistics and without dropout, and that
of the paper with `stochastic=True`; images are translated by a moving average
of the generator.
"""

import functools

import keras
import tensorflow as tf
from keras import layers

from kerasgan import checks, data, losses
from kerasgan.layers import patchgan
from kerasgan.layers.common import INITIALIZER, tanh_images
from kerasgan.layers.dropout import Dropout, own_seed
from kerasgan.layers.normalization import NORMALIZATIONS
from kerasgan.models.translation import TranslationGAN
from kerasgan.optimizers import Adam


@keras.saving.register_keras_serializable(package="kerasgan")
class Pix2Pix(TranslationGAN):
    """Conditional GAN that translates images, trained on pairs.

    Args:
        image_size: int. Height and width in training, a power of two from
            32. At inference, height and width may be any multiples of it.
        source_channels: int. Channels of the input. Defaults to `3`.
        target_channels: int. Channels of the output. Defaults to `3`.
        width: int. Feature maps of the first layers; each halving doubles
            them, up to `max_width`. Defaults to `64`.
        max_width: int or `None`. Maximum number of feature maps of a layer of
            the generator. Defaults to eight times `width`, as in the paper.
        patch_size: int. Receptive field of a score of the discriminator: `70`;
            or `34` or `16`, for images that 70 pixels would cover. Defaults
            to `70`.
        l1_weight: float. Lambda in the paper. Defaults to `100.0`.
        normalization: str. `"batch"`, as in the paper; `"instance"`; or
            `"affine_instance"`, with a gain and a bias for each feature map.
            Defaults to `"batch"`.
        use_bias: bool. Whether convolutions other than the last have a
            bias, too, as in the authors' release with instance normalization.
            Defaults to `False`.
        synchronized: bool. Whether batch statistics are taken over all
            replicas. Defaults to `False`.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        images: Float tensor `(batch, height, width, source_channels)` in
            `[-1, 1]`.

    Returns:
        Float tensor `(batch, height, width, target_channels)` in `[-1, 1]`,
        from the averaged generator.

    Raises:
        ValueError: If `image_size` is not a power of two of at least 32,
            another size is not positive, `patch_size` or `normalization` is
            not one of these, or `l1_weight` is negative.

    Training data:
        A dataset of pairs `(input, target)` of image batches, float32 in
        `[-1, 1]`. The paper's batches contain one pair.

    Example:
    ```python
    gan = Pix2Pix(image_size=64)
    gan.compile()
    gan.fit(drawings, photographs, batch_size=4, epochs=20)
    images = gan.translate(new_drawings)  # uint8 in, uint8 out
    ```

    Reference:
        [Isola et al., 2017](https://arxiv.org/abs/1611.07004)
    """

    loss_names = ("d_loss", "g_loss", "l1_loss")
    part_names = ("input", "target")

    def __init__(
        self,
        image_size,
        source_channels=3,
        target_channels=3,
        width=64,
        max_width=None,
        patch_size=70,
        l1_weight=100.0,
        normalization="batch",
        use_bias=False,
        synchronized=False,
        **kwargs,
    ):
        checks.power_of_two(
            32,
            "because the generator halves it until one pixel remains",
            image_size=image_size,
        )
        checks.positive(
            source_channels=source_channels,
            target_channels=target_channels,
            width=width,
            max_width=8 * width if max_width is None else max_width,
        )
        checks.one_of(patchgan.DEPTHS, patch_size=patch_size)
        checks.weight(l1_weight=l1_weight)
        checks.one_of(NORMALIZATIONS, normalization=normalization)
        self.image_size = image_size
        self.source_channels = source_channels
        self.target_channels = target_channels
        self.width = width
        self.max_width = max_width
        self.patch_size = patch_size
        self.l1_weight = l1_weight
        self.normalization = normalization
        self.use_bias = use_bias
        self.synchronized = synchronized
        self.size_multiple = self.minimum_size = image_size
        super().__init__(**kwargs)

    def build_networks(self):
        normalization = functools.partial(
            NORMALIZATIONS[self.normalization], synchronized=self.synchronized
        )
        self.generator = build_generator(
            self.image_size,
            self.source_channels,
            self.target_channels,
            self.width,
            self.max_width or 8 * self.width,
            normalization,
            self.use_bias,
            self.seed,
        )
        self.discriminator = patchgan.build_patchgan(
            self.source_channels + self.target_channels,
            self.width,
            normalization,
            use_bias=self.use_bias,
            name="discriminator",
            initializer=INITIALIZER,
            patch_size=self.patch_size,
        )

    @property
    def image_shape(self):
        return (self.image_size, self.image_size, self.target_channels)

    @classmethod
    def paper(cls, **changes):
        """Returns the paper's network, for images of 256x256.

        Args:
            **changes: Arguments to override.
        """
        return cls(**{"image_size": 256, **changes})

    def default_optimizers(self):
        # Section 3.3.
        return Adam(2e-4, beta_1=0.5), Adam(2e-4, beta_1=0.5)

    def check_batch(self, batch):
        source_shape = (*self.image_shape[:2], self.source_channels)
        self.check_pair(
            batch, ("input", "target"), (source_shape, self.image_shape)
        )

    def call(self, images, training=False):
        return self.average_generator(images, training=training)

    def train_step(self, batch):
        inputs, targets = batch

        # One pass of the generator serves both updates; for that of the
        # discriminator its output is a constant.
        with tf.GradientTape() as generator_tape:
            fakes = self.generator(inputs, training=True)

        # Discriminator: distinguish real pairs from generated ones, in two
        # separate passes, so that batch statistics never mix them. Section
        # 3.3: half the loss, to slow it down.
        with tf.GradientTape() as tape:
            fake_scores = self.pair_scores(inputs, tf.stop_gradient(fakes))
            real_scores = self.pair_scores(inputs, targets)
            d_loss = 0.5 * tf.reduce_mean(
                losses.real_loss(real_scores) + losses.fake_loss(fake_scores)
            )
        self.update_discriminators(tape, d_loss)

        # Generator: make the updated discriminator classify its images as
        # real, at a small L1 distance from the targets (equation 4).
        with generator_tape:
            fake_scores = self.pair_scores(inputs, fakes)
            adversarial_loss = tf.reduce_mean(
                losses.non_saturating_generator_loss(fake_scores)
            )
            l1_loss = tf.reduce_mean(tf.abs(targets - fakes))
            g_loss = adversarial_loss + self.l1_weight * l1_loss
        self.update_generators(generator_tape, g_loss)
        self.update_average()

        return self.report(d_loss=d_loss, g_loss=g_loss, l1_loss=l1_loss)

    def pair_scores(self, inputs, outputs):
        """Returns the discriminator's raw scores of pairs, one per patch."""
        pairs = tf.concat([inputs, outputs], axis=-1)
        return self.discriminator(pairs, training=True)

    def samples_to_compare(self, batch):
        inputs, targets = batch
        return self.to_samples(targets), self.to_samples(self(inputs))

    # Translating

    def translate(self, images, batch_size=64, stochastic=False, seed=None):
        """Translates images.

        Args:
            images: uint8 array or tensor `(n, height, width,
                source_channels)`, in 0..255; height and width are multiples
                of `image_size`.
            batch_size: int. How many to translate at once. Defaults to
                `64`.
            stochastic: bool. Whether to translate as in the paper, with
                dropout and with the statistics of each image, as a batch of
                one, instead of moving statistics. Defaults to `False`,
                deterministic.
            seed: int or `None`. Only if stochastic: image `i` has the
                random numbers of `seed + i`, whatever the batch size, and in
                the exported model too. Defaults to a random seed.

        Returns:
            uint8 array `(n, height, width, target_channels)`.

        Raises:
            ValueError: If the images do not fit the model, or a seed is given
                without `stochastic=True`.
        """
        if stochastic:
            self.check_source(images)
            seeds = checks.as_seed(seed) + tf.range(len(images), dtype="int64")
            return self.serve("translate_stochastic", images, batch_size, seeds)
        if seed is not None:
            raise ValueError(
                "`seed` needs `stochastic=True`, because translation is "
                f"deterministic without it. Received: seed={seed}"
            )
        return super().translate(images, batch_size)

    def translate_as_in_training(self, images, seeds):
        """Translates each image as a training batch of one.

        Args:
            images: Float tensor `(batch, height, width, source_channels)` in
                `[-1, 1]`.
            seeds: int64 tensor `(batch,)`.

        Returns:
            Float tensor `(batch, height, width, target_channels)` in
            `[-1, 1]`. No variable changes.
        """

        def translate_one(image_and_seed):
            image, seed = image_and_seed
            outputs, _ = self.generator.stateless_call(
                *self._averages_and_draws(seed), image[None], training=True
            )
            return outputs[0]

        spec = tf.TensorSpec((None, None, self.target_channels), "float32")
        return tf.map_fn(
            translate_one, (images, seeds), fn_output_signature=spec
        )

    def _averages_and_draws(self, seed):
        """Returns the values of the generator's variables at inference.

        They are those of the averaged generator, whose frozen layers would
        use the moving statistics; the random streams start at `seed`.
        """
        streams = [
            layer.seed_generator.state.path
            for layer in self.generator.layers
            if isinstance(layer, Dropout)
        ]
        states = tf.random.stateless_uniform(
            (len(streams), 2),
            (seed, 0),
            minval=None,
            maxval=None,
            dtype="uint32",
            alg="philox",
        )
        pairs = zip(
            self.generator.variables,
            self.average_generator.variables,
            strict=True,
        )
        trained, others = [], []
        for variable, average in pairs:
            if variable.trainable:
                trained.append(average.value)
            elif variable.path in streams:
                others.append(states[streams.index(variable.path)])
            else:
                others.append(average.value)
        return trained, others

    def signatures(self):
        def translate(images):
            outputs = self(self.as_source(images))
            return {"images": data.to_uint8(outputs)}

        def translate_stochastic(images, seeds):
            outputs = self.translate_as_in_training(
                self.as_source(images), seeds
            )
            return {"images": data.to_uint8(outputs)}

        seeds = tf.TensorSpec((None,), "int64", "seeds")
        return {
            "translate": (translate, [self.source_spec]),
            "translate_stochastic": (
                translate_stochastic,
                [self.source_spec, seeds],
            ),
        }

    def score_signatures(self):
        def scores(images, translations):
            pairs = [self.as_source(images), data.to_float(translations)]
            patches = self.discriminator(tf.concat(pairs, axis=-1))
            return {"scores": patches[..., 0]}

        shape = (None, None, None, self.target_channels)
        translations = tf.TensorSpec(shape, "uint8", "translations")
        return {"scores": (scores, [self.source_spec, translations])}


def build_generator(
    image_size,
    source_channels,
    target_channels,
    width,
    max_width,
    normalization,
    use_bias,
    seed,
):
    """The U-Net: an image to an image in `[-1, 1]` (section 6.1.1).

    Layers are numbered by the height of their outputs.
    """
    convolution = {
        "kernel_size": 4,
        "strides": 2,
        "padding": "same",
        "kernel_initializer": INITIALIZER,
    }
    down = functools.partial(layers.Conv2D, use_bias=use_bias, **convolution)
    up = functools.partial(layers.Conv2DTranspose, **convolution)

    images = keras.Input((None, None, source_channels), name="images")
    size, filters = image_size // 2, width
    x = down(filters, name=f"down_{size}")(images)
    skips = [x]
    while size > 1:
        size, filters = size // 2, min(filters * 2, max_width)
        x = layers.LeakyReLU(0.2, name=f"leaky_{size}")(x)
        x = down(filters, name=f"down_{size}")(x)
        if size > 1:  # A batch of one has no variance at a single pixel.
            x = normalization(f"down_norm_{size}")(x)
            skips.append(x)

    dropouts = min(3, image_size.bit_length() - 1 - 5)
    for block, skip in enumerate(reversed(skips)):
        size *= 2
        x = layers.ReLU(name=f"relu_{size}")(x)
        x = up(skip.shape[-1], use_bias=use_bias, name=f"up_{size}")(x)
        x = normalization(f"up_norm_{size}")(x)
        if block < dropouts:
            layer_seed = own_seed(seed, block + 1)
            x = Dropout(0.5, layer_seed, name=f"dropout_{size}")(x)
        x = layers.Concatenate(name=f"join_{size}")([skip, x])
    x = layers.ReLU(name=f"relu_{image_size}")(x)
    x = up(target_channels, name="to_image")(x)
    return keras.Model(images, tanh_images(x, "outputs"), name="generator")
