"""CycleGAN: unpaired translation between two sets of images.

Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using
Cycle-Consistent Adversarial Networks", 2017. https://arxiv.org/abs/1703.10593

Two generators translate between two sets of images, A and B; a discriminator
for each set distinguishes its images from translations. The cycle consistency
loss ties a translation to its input: translated back, it must reproduce the
input (equation 2). To stabilize training, the adversarial loss is least squares
and the discriminators also see earlier translations (section 4). The identity
loss keeps images of the target set unchanged (section 5.2, "Photo generation
from paintings").

Differences from the paper: the identity loss, which the paper uses for
paintings, is on by default, as in the authors' code; both generators take one
step together and both discriminators another, as in their PyTorch release;
images are translated by moving averages of the generators.
"""

import functools

import keras
import tensorflow as tf
from keras import layers

from kerasgan import checks, losses
from kerasgan.layers.common import INITIALIZER, tanh_images
from kerasgan.layers.normalization import NORMALIZATIONS
from kerasgan.layers.padding import Cropping2D, ReflectionPadding2D
from kerasgan.layers.patchgan import build_patchgan
from kerasgan.models.two_way import TwoWayGAN
from kerasgan.optimizers import Adam


@keras.saving.register_keras_serializable(package="kerasgan")
class CycleGAN(TwoWayGAN):
    """Translates images between two sets, trained without pairs.

    `fit` keeps the learning rate constant at first and decays it linearly to
    zero over the last epochs (100 of 200 in the paper); a
    `LearningRateSchedule` given to `compile` is not changed.

    Args:
        image_size: int. Height and width in training, a multiple of 4 from
            24. At inference, height and width may be any multiples of 4 from
            8.
        channels: int. Channels of the images of both sets. Defaults to `3`.
        width: int. Feature maps of the first layers. Defaults to `64`.
        blocks: int. Residual blocks of each generator; the paper has 6 for
            128x128 and 9 from 256x256. Defaults to `9`.
        normalization: str. `"instance"`, as in the paper;
            `"affine_instance"`, with a gain and a bias for each feature map;
            or `"batch"`. Defaults to `"instance"`.
        cycle_weight: float. Lambda in the paper. Defaults to `10.0`.
        identity_weight: float. Weight of the identity loss, as a share of
            `cycle_weight`; `0.0` disables it. Defaults to `0.5`.
        **kwargs: See `TwoWayGAN` (`pool_size`, `decay_epochs`) and `GAN`:
            `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        images: Float tensor `(batch, height, width, channels)` in `[-1, 1]`,
            of the other set.
        to: `"a"` or `"b"`. The set to translate to. Defaults to `"b"`.

    Returns:
        Float tensor of the same shape in `[-1, 1]`, from the averaged
        generator.

    Raises:
        ValueError: If `image_size` is not a multiple of 4 of at least 24,
            another size is not positive, a weight is negative, or there is
            no such `normalization`.

    Training data:
        A dataset of pairs `(a, b)` of equally many images, float32 in
        `[-1, 1]`, that need not correspond. The paper's batches contain one
        of each.

    Example:
    ```python
    gan = CycleGAN(image_size=64, blocks=6)
    gan.compile()
    gan.fit(data.unpaired("horses/", "zebras/", 64, 1), epochs=200)
    zebras = gan.translate(horses, to="b")  # uint8 in, uint8 out
    ```

    Reference:
        [Zhu et al., 2017](https://arxiv.org/abs/1703.10593)
    """

    loss_names = ("d_loss", "g_loss", "cycle_loss", "identity_loss")
    generator_names = ("generator_ab", "generator_ba")
    # The generators halve an image twice.
    size_multiple = 4
    minimum_size = 8

    def __init__(
        self,
        image_size,
        channels=3,
        width=64,
        blocks=9,
        normalization="instance",
        cycle_weight=10.0,
        identity_weight=0.5,
        **kwargs,
    ):
        checks.square(image_size=image_size)
        if not checks.is_whole(image_size) or image_size < 24 or image_size % 4:
            raise ValueError(
                "`image_size` must be a multiple of 4, because the generators "
                "halve it twice, and at least 24, the smallest size for the "
                f"discriminators. Received: image_size={image_size!r}"
            )
        checks.positive(channels=channels, width=width, blocks=blocks)
        checks.one_of(NORMALIZATIONS, normalization=normalization)
        checks.weight(
            cycle_weight=cycle_weight, identity_weight=identity_weight
        )
        self.image_size = image_size
        self.channels = self.source_channels = channels
        self.width = width
        self.blocks = blocks
        self.normalization = normalization
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        super().__init__(**kwargs)

    def build_networks(self):
        normalization = functools.partial(
            NORMALIZATIONS[self.normalization], synchronized=False
        )
        for name in self.generator_names:
            generator = build_generator(
                self.channels, self.width, self.blocks, normalization, name
            )
            setattr(self, name, generator)
        for name in self.discriminator_names:
            discriminator = build_patchgan(
                self.channels,
                self.width,
                normalization,
                use_bias=True,
                name=name,
                initializer=INITIALIZER,
            )
            setattr(self, name, discriminator)
        self.build_pools()

    @classmethod
    def paper(cls, **changes):
        """Returns the paper's network, for images of 256x256.

        Args:
            **changes: Arguments to override. Below an `image_size` of
                256 the generators have the paper's 6 blocks.
        """
        changes = {"image_size": 256, **changes}
        blocks = 9 if changes["image_size"] >= 256 else 6
        return cls(**{"blocks": blocks, **changes})

    def default_optimizers(self):
        # Section 4.
        return Adam(2e-4, beta_1=0.5), Adam(2e-4, beta_1=0.5)

    def call(self, images, to="b", training=False):
        networks = {
            "a": self.average_generator_ba,
            "b": self.average_generator_ab,
        }
        return networks[to](images, training=training)

    def train_step(self, batch):
        real_a, real_b = batch

        # Generators: make the discriminators classify translations as real,
        # and reconstruct the inputs from them.
        with tf.GradientTape() as tape:
            fake_a, fake_b, identity_loss = self.translations(real_a, real_b)

            fake_scores_a = self.discriminator_a(fake_a, training=True)
            fake_scores_b = self.discriminator_b(fake_b, training=True)
            adversarial_loss = squared(fake_scores_a, 1.0)
            adversarial_loss += squared(fake_scores_b, 1.0)

            # Equation 2.
            cycled_a = self.generator_ba(fake_b, training=True)
            cycled_b = self.generator_ab(fake_a, training=True)
            cycle_loss = distance(cycled_a, real_a) + distance(cycled_b, real_b)

            g_loss = adversarial_loss + self.cycle_weight * (
                cycle_loss + self.identity_weight * identity_loss
            )
        self.update_generators(tape, g_loss)
        self.update_average()

        # Discriminators: distinguish real images from translations, new and
        # stored. Half the loss, to slow them down, as in pix2pix.
        shown_a = self.from_pool(self.pool_a, fake_a)
        shown_b = self.from_pool(self.pool_b, fake_b)
        with tf.GradientTape() as tape:
            real_scores_a, fake_scores_a = self.together(
                self.discriminator_a, real_a, shown_a
            )
            real_scores_b, fake_scores_b = self.together(
                self.discriminator_b, real_b, shown_b
            )
            d_loss = 0.5 * (
                squared(real_scores_a, 1.0)
                + squared(fake_scores_a, 0.0)
                + squared(real_scores_b, 1.0)
                + squared(fake_scores_b, 0.0)
            )
        self.update_discriminators(tape, d_loss)

        return self.report(
            d_loss=d_loss,
            g_loss=g_loss,
            cycle_loss=cycle_loss,
            identity_loss=identity_loss,
        )

    def translations(self, real_a, real_b):
        """Returns the translations to a and to b, and the identity loss."""
        if not self.identity_weight:
            fake_b = self.generator_ab(real_a, training=True)
            fake_a = self.generator_ba(real_b, training=True)
            return fake_a, fake_b, tf.constant(0.0)
        # Section 5.2: images of the target set should not change.
        fake_b, same_b = self.together(self.generator_ab, real_a, real_b)
        fake_a, same_a = self.together(self.generator_ba, real_b, real_a)
        identity_loss = distance(same_a, real_a) + distance(same_b, real_b)
        return fake_a, fake_b, identity_loss

    def together(self, network, first, second):
        """Returns the outputs of a network for two batches.

        Batch normalization would mix them in one pass.
        """
        if self.normalization == "batch":
            return network(first, training=True), network(second, training=True)
        return together(network, first, second)


def together(network, first, second):
    """Runs a network on two batches in one pass.

    Instance normalization keeps the images of a batch independent.
    """
    outputs = network(tf.concat([first, second], axis=0), training=True)
    return tf.split(outputs, 2)


def squared(scores, target):
    """Returns the mean least-squares loss of scores."""
    return tf.reduce_mean(losses.least_squares_loss(scores, target))


def distance(images, others):
    """Returns the mean absolute difference of images."""
    return tf.reduce_mean(tf.abs(images - others))


def build_generator(channels, width, blocks, normalization, name):
    """The residual network: an image to one in `[-1, 1]` (section 7.2).

    In the paper's notation, for a `width` of 64: c7s1-64, d128, d256, R256 for
    each block, u128, u64, c7s1-3.
    """
    convolution = functools.partial(
        layers.Conv2D, kernel_initializer=INITIALIZER
    )

    def normalize(x, name):
        return normalization(f"norm_{name}")(x)

    def normalize_relu(x, name):
        return layers.ReLU(name=f"relu_{name}")(normalize(x, name))

    def reflect(x, padding, name):
        return ReflectionPadding2D(padding, name=f"reflect_{name}")(x)

    images = keras.Input((None, None, channels), name="images")
    x = reflect(images, 3, "from_image")
    x = convolution(width, 7, name="from_image")(x)
    x = normalize_relu(x, "from_image")
    for halving in (1, 2):
        # Padding "same" would pad below and to the right only.
        x = layers.ZeroPadding2D(1, name=f"pad_{halving}")(x)
        x = convolution(
            width * 2**halving, 3, strides=2, name=f"down_{halving}"
        )(x)
        x = normalize_relu(x, f"down_{halving}")
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
        x = layers.Conv2DTranspose(
            width * 4 // 2**doubling,
            3,
            strides=2,
            kernel_initializer=INITIALIZER,
            name=f"up_{doubling}",
        )(x)
        # The output has one row and one column too many.
        x = Cropping2D(((1, 0), (1, 0)), name=f"crop_{doubling}")(x)
        x = normalize_relu(x, f"up_{doubling}")
    x = reflect(x, 3, "to_image")
    x = convolution(channels, 7, name="to_image")(x)
    return keras.Model(images, tanh_images(x, "outputs"), name=name)
