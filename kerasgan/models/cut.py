"""CUT: unpaired translation by contrasting patches.

Park, Efros, Zhang and Zhu, "Contrastive Learning for Unpaired Image-to-Image
Translation", 2020. https://arxiv.org/abs/2007.15651

One generator translates from set A to set B; no second one translates back.
What ties a translation to its input is a contrastive loss (PatchNCE, equation
3): a patch of the translation must be recognizable as the patch of the input at
the same place, among patches of the input at other places. Patches are vectors
of the generator's own encoder, at several of its layers, projected by a small
network. The same loss, for images of B and what the generator makes of them,
keeps the generator from changing what needs no change (equation 5).

`FastCUT` leaves out the second loss and has a tenfold weight of the first.

As in the authors' code: keys have no gradient; negatives are of the same image;
their networks blur wherever they halve or double, and the discriminator's
receptive field is 84 pixels, not 70; the adversarial loss is least squares, the
discriminator takes its step first and sees no earlier translations; the
learning rate decays as CycleGAN's.

Differences from their code: generator and projection share one Adam, whose
settings are equal; the projection exists before the first batch; a feature
vector of zeros has a finite gradient, there not a number; the learning rate
decays over the second half also for `FastCUT`, there over the last quarter; and
images are translated by a moving average of the generator.
"""

import functools
import types

import keras
import tensorflow as tf
from keras import layers

from kerasgan import checks, data, losses, random
from kerasgan.layers.antialiasing import BlurDoubling2D, BlurHalving2D
from kerasgan.layers.common import tanh_images
from kerasgan.layers.normalization import InstanceNormalization
from kerasgan.layers.padding import ReflectionPadding2D
from kerasgan.models.rates import RateByEpoch
from kerasgan.models.translation import TranslationGAN
from kerasgan.optimizers import Adam
from kerasgan.schedules import linear_decay

# Glorot's normal distribution times 0.02.
INITIALIZER = {
    "class_name": "VarianceScaling",
    "config": {
        "scale": 0.02**2,
        "mode": "fan_avg",
        "distribution": "untruncated_normal",
    },
}
# In place of the product of a query with its own key among the negatives.
MASKED = -10.0


@keras.saving.register_keras_serializable(package="kerasgan")
class CUT(TranslationGAN):
    """Translates images of one set to another, trained without pairs.

    `fit` keeps the learning rate constant at first and decays it linearly to
    zero over the last epochs; a `LearningRateSchedule` given to `compile` is
    not changed.

    Args:
        image_size: int. Height and width in training, a multiple of 4 from
            24. At inference, height and width may be any multiples of 4 from
            8.
        channels: int. Channels of the images of both sets. Defaults to `3`.
        generator_width: int. Feature maps of the generator's first layer.
            Defaults to `64`.
        discriminator_width: int. Feature maps of the discriminator's first
            layer. Defaults to `64`.
        blocks: int. Residual blocks of the generator. Defaults to `9`.
        nce_blocks: Sequence of ints. Numbers of the residual blocks, from 0,
            after which patches are compared; they are compared in the image
            and after both halvings, too. Defaults to `(0, 4)`.
        nce_weight: float. Lambda in the paper. Defaults to `1.0`.
        patches: int. Patches of each image that are compared in each layer;
            fewer where a layer has fewer. Defaults to `256`.
        projection_dim: int. Units of both layers of each projection. Defaults
            to `256`.
        temperature: float. Tau in the paper. Defaults to `0.07`.
        decay_epochs: int or `None`. Number of epochs, the last ones of `fit`,
            over which the learning rate decays; `0` for none. Defaults to
            half of them, as in the authors' code (200 of 400).
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        images: Float tensor `(batch, height, width, channels)` in `[-1, 1]`,
            of set A.

    Returns:
        Float tensor of the same shape in `[-1, 1]`, from the averaged
        generator.

    Raises:
        ValueError: If `image_size` is not a multiple of 4 of at least 24,
            there is no such residual block, or another argument is out of
            range.

    Training data:
        A dataset of pairs `(a, b)` of equally many images, float32 in
        `[-1, 1]`, that need not correspond. The authors' batches contain one
        of each.

    Example:
    ```python
    gan = CUT(image_size=64, blocks=6)
    gan.compile()
    gan.fit(data.unpaired("horses/", "zebras/", 64, 1), epochs=400)
    zebras = gan.translate(horses)  # uint8 in, uint8 out
    ```

    Reference:
        [Park et al., 2020](https://arxiv.org/abs/2007.15651)
    """

    loss_names = ("d_loss", "g_loss", "nce_loss", "identity_loss")
    part_names = ("a", "b")
    paired = False
    # The generator halves an image twice.
    size_multiple = 4
    minimum_size = 8

    def __init__(
        self,
        image_size,
        channels=3,
        generator_width=64,
        discriminator_width=64,
        blocks=9,
        nce_blocks=(0, 4),
        nce_weight=1.0,
        patches=256,
        projection_dim=256,
        temperature=0.07,
        decay_epochs=None,
        **kwargs,
    ):
        checks.square(image_size=image_size)
        if not checks.is_whole(image_size) or image_size < 24 or image_size % 4:
            raise ValueError(
                "`image_size` must be a multiple of 4, because the generator "
                "halves it twice, and at least 24, the smallest size for the "
                f"discriminator. Received: image_size={image_size!r}"
            )
        checks.positive(
            channels=channels,
            generator_width=generator_width,
            discriminator_width=discriminator_width,
            blocks=blocks,
            patches=patches,
            projection_dim=projection_dim,
        )
        check_blocks(nce_blocks, blocks)
        checks.weight(nce_weight=nce_weight, temperature=temperature)
        if temperature == 0.0:
            raise ValueError(
                "`temperature` must not be 0, because similarities are "
                f"divided by it. Received: temperature={temperature!r}"
            )
        if decay_epochs is not None:
            checks.count(decay_epochs=decay_epochs)
        self.image_size = image_size
        self.channels = self.source_channels = channels
        self.generator_width = generator_width
        self.discriminator_width = discriminator_width
        self.blocks = blocks
        self.nce_blocks = tuple(nce_blocks)
        self.nce_weight = nce_weight
        self.patches = patches
        self.projection_dim = projection_dim
        self.temperature = temperature
        self.decay_epochs = decay_epochs
        super().__init__(**kwargs)

    def build_networks(self):
        self.generator = build_generator(
            self.channels, self.generator_width, self.blocks
        )
        self.discriminator = build_discriminator(
            self.channels, self.discriminator_width
        )
        names = [
            "reflect_from_image",
            "down_1",
            "down_2",
            *(f"add_{block}" for block in self.nce_blocks),
        ]
        features = [self.generator.get_layer(name).output for name in names]
        self.projection = build_projection(
            [tensor.shape[-1] for tensor in features], self.projection_dim
        )
        # The generator's own layers, in a namespace, so that Keras does not
        # save them twice.
        images = self.generator.input
        self._views = types.SimpleNamespace(
            encoder=keras.Model(images, features),
            with_features=keras.Model(
                images, [self.generator.output, *features]
            ),
        )

    @classmethod
    def paper(cls, **changes):
        """Returns the authors' networks, for images of 256x256.

        Args:
            **changes: Arguments to override.
        """
        return cls(**{"image_size": 256, **changes})

    @property
    def generator_networks(self):
        return [self.generator, self.projection]

    def default_optimizers(self):
        # The authors' code.
        return Adam(2e-4, beta_1=0.5), Adam(2e-4, beta_1=0.5)

    def check_batch(self, batch):
        self.check_pair(batch, ("a", "b"), (self.image_shape, self.image_shape))

    def call(self, images, training=False):
        return self.average_generator(images, training=training)

    def train_step(self, batch):
        real_a, real_b = batch

        with tf.GradientTape() as generator_tape:
            fake_b, contrasts = self.translations(real_a, real_b)

        # Discriminator: distinguish images of B from translations. Half the
        # loss, to slow it down, as in pix2pix.
        with tf.GradientTape() as tape:
            real_scores = self.discriminator(real_b, training=True)
            fake_scores = self.discriminator(fake_b, training=True)
            d_loss = 0.5 * (
                squared(real_scores, 1.0) + squared(fake_scores, 0.0)
            )
        self.update_discriminators(tape, d_loss)

        # Generator and projection: make the updated discriminator classify
        # translations as real, and patches recognizable.
        with generator_tape:
            fake_scores = self.discriminator(fake_b, training=True)
            nce_losses = [
                self.nce_weight * self.contrast(keys, queries)
                for keys, queries in contrasts
            ]
            g_loss = squared(fake_scores, 1.0) + tf.reduce_mean(nce_losses)
        self.update_generators(generator_tape, g_loss)
        self.update_average()

        names = self.loss_names[2:]
        return self.report(
            d_loss=d_loss,
            g_loss=g_loss,
            **dict(zip(names, nce_losses, strict=True)),
        )

    def translations(self, real_a, real_b):
        """Returns the translations, and what is contrasted.

        Args:
            real_a: Float tensor `(batch, height, width, channels)`.
            real_b: Float tensor of the same shape.

        Returns:
            The translations of `real_a`, and pairs of the features of images
            and of what the generator makes of them: of A, and of B.
        """
        # Instance normalization keeps the images of a batch independent.
        images = tf.concat([real_a, real_b], axis=0)
        outputs, *keys = self._views.with_features(images, training=True)
        queries = self._views.encoder(outputs, training=True)
        keys_a, keys_b = halves(keys)
        queries_a, queries_b = halves(queries)
        fake_b, _ = tf.split(outputs, 2)
        return fake_b, [(keys_a, queries_a), (keys_b, queries_b)]

    def contrast(self, keys, queries):
        """Returns the PatchNCE loss (equation 4), the mean over the layers.

        Args:
            keys: List of float tensors `(batch, height, width, channels)`, the
                features of images.
            queries: List of tensors of the same shapes, of translations.

        Returns:
            Float scalar.
        """
        places = [self.sample_places(k.shape[1] * k.shape[2]) for k in keys]
        keys = self.projection(at_places(keys, places), training=True)
        queries = self.projection(at_places(queries, places), training=True)
        return tf.reduce_mean(
            [
                tf.reduce_mean(patch_nce(q, k, self.temperature))
                for q, k in zip(queries, keys, strict=True)
            ]
        )

    def sample_places(self, count):
        """Returns different places of a feature map, for the whole batch.

        Args:
            count: int. Number of places.

        Returns:
            int32 tensor `(patches,)`, or of all places if there are fewer.
        """
        numbers = random.shared_uniform(self.seed_generator, (count,))
        return tf.math.top_k(numbers, min(self.patches, count)).indices

    def samples_to_compare(self, batch):
        real_a, real_b = batch
        return self.to_samples(real_b), self.to_samples(self(real_a))

    def training_callbacks(self):
        return [RateByEpoch(self.learning_rate_share)]

    def learning_rate_share(self, epoch, epochs):
        """Returns the learning rate of an epoch, as a fraction of the full one.

        Args:
            epoch: int. Index of the epoch, from 0.
            epochs: int. Number of epochs.

        Returns:
            float in (0, 1].

        Raises:
            ValueError: If there are fewer epochs than `decay_epochs`.
        """
        decay = epochs // 2 if self.decay_epochs is None else self.decay_epochs
        return linear_decay(epoch, epochs, decay)

    def signatures(self):
        def translate(images):
            return {"images": data.to_uint8(self(self.as_source(images)))}

        return {"translate": (translate, [self.source_spec])}

    def score_signatures(self):
        def scores(images):
            scores = self.discriminator(self.as_source(images))
            return {"scores": scores[..., 0]}

        return {"scores": (scores, [self.source_spec])}


@keras.saving.register_keras_serializable(package="kerasgan")
class FastCUT(CUT):
    """CUT with the contrast of translations alone: faster, and lighter.

    Half of the steps, at random, translate mirrored images, whose patches must
    be recognizable in the images that are not mirrored.

    Args:
        image_size: int. See `CUT`.
        nce_weight: float. Lambda in the paper. Defaults to `10.0`.
        **kwargs: See `CUT`.

    Call arguments:
        images: See `CUT`.

    Returns:
        See `CUT`.

    Raises:
        ValueError: See `CUT`.

    Training data:
        See `CUT`.

    Example:
    ```python
    gan = FastCUT(image_size=64, blocks=6)
    gan.compile()
    gan.fit(data.unpaired("horses/", "zebras/", 64, 1), epochs=200)
    ```

    Reference:
        [Park et al., 2020](https://arxiv.org/abs/2007.15651), section 4
    """

    loss_names = ("d_loss", "g_loss", "nce_loss")

    def __init__(self, image_size, nce_weight=10.0, **kwargs):
        super().__init__(image_size, nce_weight=nce_weight, **kwargs)

    def translations(self, real_a, real_b):
        number = random.shared_uniform(self.seed_generator, ())

        def mirrored(maps):
            return tf.where(number < 0.5, tf.reverse(maps, axis=[2]), maps)

        fake_b = self.generator(mirrored(real_a), training=True)
        queries = self._views.encoder(fake_b, training=True)
        keys = self._views.encoder(real_a, training=True)
        return fake_b, [(keys, [mirrored(maps) for maps in queries])]


def check_blocks(nce_blocks, blocks):
    """Refuses numbers of residual blocks that there are not.

    Args:
        nce_blocks: Sequence of ints.
        blocks: int. Number of residual blocks.

    Raises:
        ValueError: If a number is not from 0 to `blocks - 1`, or twice there.
    """
    known = all(checks.is_whole(n) and 0 <= n < blocks for n in nce_blocks)
    if not known or len(set(nce_blocks)) < len(nce_blocks):
        raise ValueError(
            "`nce_blocks` must be different numbers of residual blocks, from 0 "
            f"to {blocks - 1}. Received: nce_blocks={nce_blocks!r}"
        )


def squared(scores, target):
    """Returns the mean least-squares loss of scores."""
    return tf.reduce_mean(losses.least_squares_loss(scores, target))


def halves(features):
    """Returns the features of both halves of a batch."""
    pairs = [tf.split(maps, 2) for maps in features]
    return [first for first, _ in pairs], [second for _, second in pairs]


def at_places(features, places):
    """Returns the vectors of feature maps at some places.

    Args:
        features: List of float tensors `(batch, height, width, channels)`.
        places: List of integer tensors `(patches,)`: row times width, plus
            column.

    Returns:
        List of float tensors `(batch, patches, channels)`.
    """
    return [
        tf.gather(
            tf.reshape(
                maps, (-1, maps.shape[1] * maps.shape[2], maps.shape[3])
            ),
            chosen,
            axis=1,
        )
        for maps, chosen in zip(features, places, strict=True)
    ]


def patch_nce(queries, keys, temperature):
    """Returns the contrastive loss of each patch (equation 3).

    The cross-entropy of the query's own key among those of all patches of the
    image. It is the logarithm of the number of patches where all vectors are
    equal.

    Args:
        queries: Float tensor `(batch, patches, dim)` of vectors of length 1.
        keys: Float tensor of the same shape. Has no gradient.
        temperature: float.

    Returns:
        Float tensor `(batch, patches)`.

    Reference:
        [Park et al., 2020](https://arxiv.org/abs/2007.15651), section 3
    """
    keys = tf.stop_gradient(keys)
    own = tf.reduce_sum(queries * keys, axis=2)
    others = tf.matmul(queries, keys, transpose_b=True)
    others = tf.linalg.set_diag(others, tf.fill(tf.shape(own), MASKED))
    logits = tf.concat([own[:, :, None], others], axis=2) / temperature
    return tf.reduce_logsumexp(logits, axis=2) - logits[:, :, 0]


# Networks


def build_generator(channels, width, blocks):
    """CycleGAN's residual network, with blurs: an image to one in `[-1, 1]`.

    Args:
        channels: int.
        width: int. Feature maps of the first layer.
        blocks: int.
    """
    convolution = functools.partial(
        layers.Conv2D, kernel_initializer=INITIALIZER
    )

    def normalize(x, name):
        return InstanceNormalization(name=f"norm_{name}")(x)

    def normalize_relu(x, name):
        return layers.ReLU(name=f"relu_{name}")(normalize(x, name))

    def reflect(x, padding, name):
        return ReflectionPadding2D(padding, name=f"reflect_{name}")(x)

    images = keras.Input((None, None, channels), name="images")
    x = reflect(images, 3, "from_image")
    x = convolution(width, 7, name="from_image")(x)
    x = normalize_relu(x, "from_image")
    for halving in (1, 2):
        name = f"down_{halving}"
        x = convolution(width * 2**halving, 3, padding="same", name=name)(x)
        x = normalize_relu(x, name)
        x = BlurHalving2D(name=f"halve_{halving}")(x)
    for block in range(blocks):
        first, second = f"residual_{block}_0", f"residual_{block}_1"
        y = reflect(x, 1, first)
        y = convolution(width * 4, 3, name=first)(y)
        y = normalize_relu(y, first)
        y = reflect(y, 1, second)
        y = convolution(width * 4, 3, name=second)(y)
        y = normalize(y, second)
        x = layers.Add(name=f"add_{block}")([x, y])
    for doubling in (1, 2):
        name = f"up_{doubling}"
        x = BlurDoubling2D(name=f"double_{doubling}")(x)
        x = convolution(width * 4 // 2**doubling, 3, padding="same", name=name)(
            x
        )
        x = normalize_relu(x, name)
    x = reflect(x, 3, "to_image")
    x = convolution(channels, 7, name="to_image")(x)
    return keras.Model(images, tanh_images(x, "outputs"), name="generator")


def build_discriminator(channels, width):
    """Images to raw scores, each of a patch of 84x84 pixels.

    The PatchGAN of pix2pix and CycleGAN, with strides of 1 and blurs.

    Args:
        channels: int.
        width: int. Feature maps of the first layer.

    Returns:
        A `keras.Model` from images `(batch, height, width, channels)` in
        `[-1, 1]`, of 24 pixels or more, to raw scores `(batch, rows, columns,
        1)`, high for real.
    """

    def convolution(x, filters, name, **options):
        # Padding "same" would pad 1 and 2 pixels.
        x = layers.ZeroPadding2D(1, name=f"pad_{name}")(x)
        return layers.Conv2D(
            filters, 4, kernel_initializer=INITIALIZER, name=name, **options
        )(x)

    images = keras.Input((None, None, channels), name="images")
    x = images
    for index in range(4):
        x = convolution(x, width * 2**index, f"conv_{index}")
        if index > 0:
            x = InstanceNormalization(name=f"norm_{index}")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_{index}")(x)
        if index < 3:
            x = BlurHalving2D(name=f"halve_{index}")(x)
    scores = convolution(x, 1, "score", dtype="float32")
    return keras.Model(images, scores, name="discriminator")


def build_projection(channels, dim):
    """Vectors of each layer to vectors of length 1 (section 3.1).

    Args:
        channels: List of ints. Length of the vectors of each layer.
        dim: int. Units of both layers, and length of the outputs.

    Returns:
        A `keras.Model` from a list of vectors `(batch, patches, channels)` to a
        list of float32 vectors `(batch, patches, dim)`.
    """
    inputs = [
        keras.Input((None, count), name=f"vectors_{index}")
        for index, count in enumerate(channels)
    ]
    dense = functools.partial(layers.Dense, dim, kernel_initializer=INITIALIZER)
    outputs = []
    for index, x in enumerate(inputs):
        x = dense(activation="relu", name=f"mlp_{index}_0")(x)
        x = dense(dtype="float32", name=f"mlp_{index}_1")(x)
        outputs.append(UnitLength(dtype="float32", name=f"unit_{index}")(x))
    return keras.Model(inputs, outputs, name="projection")


@keras.saving.register_keras_serializable(package="kerasgan")
class UnitLength(layers.Layer):
    """Divides vectors by their length plus 1e-7, as in the authors' code.

    Call arguments:
        inputs: Float tensor `(..., dim)`.

    Returns:
        Float tensor of the same shape. A vector of zeros stays one, and has a
        finite gradient.
    """

    def call(self, inputs):
        squares = tf.reduce_sum(inputs**2, axis=-1, keepdims=True)
        # The square root has no gradient at zero, in XLA.
        return inputs / (tf.sqrt(tf.maximum(squares, 1e-30)) + 1e-7)

    def compute_output_shape(self, input_shape):
        return input_shape
