"""PacGAN: a discriminator that judges several images together.

Lin, Khetan, Fanti and Oh, "PacGAN: The power of two samples in generative
adversarial networks", 2018. https://arxiv.org/abs/1712.04086

The discriminator is given packs of m images, all real or all generated, and
gives one label to each pack (section 1.1). A generator that leaves out modes
makes packs of less variety than real ones, which the discriminator can detect;
the penalty for such distributions grows with m (section 3). The images of a
pack are concatenated on the channels, so that only the first layer of the
discriminator grows; all else is as without packing.

Differences from the paper: the networks, the losses and the optimizer are those
of `dcgan.py`, with one generator step for each discriminator step, where the
authors' code for stacked digits takes two. The members of a pack are
consecutive images of a shuffled batch; the authors' code samples each from the
whole data.
"""

import keras
import tensorflow as tf

from kerasgan import checks
from kerasgan.layers.packing import Packing
from kerasgan.models.dcgan import DCGAN, build_discriminator, build_generator


@keras.saving.register_keras_serializable(package="kerasgan")
class PacGAN(DCGAN):
    """GAN with a discriminator of packs of images, against mode collapse.

    Args:
        image_size: int, or pair of height and width, powers of two from 16.
        pack_size: int. m in the paper: how many images share a label. A batch
            of n images is n / m packs, so that a model with m times the batch
            size compares with one without packing. Defaults to `2`.
        **kwargs: See `DCGAN`. `r1_gamma` weights the mean over images of the
            squared gradient, of which a pack has the sum.

    Call arguments:
        latents: See `DCGAN`.

    Returns:
        See `DCGAN`.

    Raises:
        ValueError: See `DCGAN`; and if `pack_size` is not positive.

    Training data:
        A dataset of image batches, float32 in `[-1, 1]`; no labels. The images
        must be shuffled, and the batch size divisible by `pack_size` on each
        replica. The default batch size for arrays is `64 * pack_size`.

    Example:
    ```python
    gan = PacGAN(image_size=32, pack_size=2)
    gan.compile()
    gan.fit(data.images("faces/", size=32, batch_size=2 * 64), epochs=10)
    images = gan.generate(16, seed=0)  # uint8, (16, 32, 32, 3)
    ```

    Reference:
        [Lin et al., 2018](https://arxiv.org/abs/1712.04086)
    """

    def __init__(self, image_size, pack_size=2, **kwargs):
        checks.positive(pack_size=pack_size)
        self.pack_size = pack_size
        super().__init__(image_size=image_size, **kwargs)

    def build_networks(self):
        self.generator = build_generator(
            self.image_size,
            self.channels,
            self.width,
            self.latent_dim,
            self.synchronized,
        )
        images = keras.Input(self.image_shape, name="images")
        packs = Packing(self.pack_size, name="packs")(images)
        judge = build_discriminator(
            self.image_size,
            self.pack_size * self.channels,
            self.width,
            self.synchronized,
        )
        self.discriminator = keras.Model(
            images, judge(packs), name="discriminator"
        )

    @property
    def default_batch_size(self):
        return 64 * self.pack_size

    # Training data

    def to_dataset(self, *args, **kwargs):
        dataset = super().to_dataset(*args, **kwargs)
        for spec in tf.nest.flatten(dataset.element_spec):
            self.check_packs(spec.shape[0] if spec.shape.rank else None)
        return dataset

    def before_training(self, batch):
        self.check_packs(len(batch))

    def check_packs(self, size):
        """Refuses batches that are not whole packs on each replica.

        Args:
            size: int, or `None` where it is not fixed.

        Raises:
            ValueError: If it is not.
        """
        replicas = self.distribute_strategy.num_replicas_in_sync
        if size is None or size % (self.pack_size * replicas):
            raise ValueError(
                "The batch size must be fixed and, on each replica, divisible "
                f"by {self.pack_size} (`pack_size`), because each label is of "
                "that many images; use `batch(..., drop_remainder=True)`. "
                f"Received: batch size {size}, {replicas} replica(s)"
            )

    # Exporting

    def scores(self, images, condition=None):
        """Returns the discriminator's raw scores of packs of images.

        Args:
            images: Float tensor `(batch, height, width, channels)` in
                `[-1, 1]`, whose consecutive images are a pack.
            condition: Must be `None`.

        Returns:
            Float tensor `(batch / pack_size,)`.
        """
        return super().scores(images, condition)

    def score_signatures(self):
        (function, _) = super().score_signatures()["scores"]

        def scores(packs):
            return function(tf.reshape(packs, (-1, *self.image_shape)))

        shape = (None, self.pack_size, *self.image_shape)
        packs = tf.TensorSpec(shape, "uint8", "packs")
        return {"scores": (scores, [packs])}
