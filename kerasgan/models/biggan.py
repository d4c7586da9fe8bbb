"""BigGAN: class-conditional images by large residual networks and batches.

Brock, Donahue and Simonyan, "Large Scale GAN Training for High Fidelity
Natural Image Synthesis", 2019. https://arxiv.org/abs/1809.11096

The networks are SNGAN's with more feature maps (section 3 and appendix B), and

- spectral normalization in both networks, and self-attention (Zhang et al.,
  2019) after the block of one resolution;
- one embedding of the class for all batch normalizations, each of which
  computes its gains and biases from it by dense layers without bias;
- a latent vector divided into chunks: the first feeds the first layer, each
  other one the normalizations of one block, together with the embedding;
- orthogonal first weights, and in the generator a penalty on products of the
  weights of different outputs (equation 3), so that it also maps truncated
  latents to images;
- truncation (section 3.1): values of the latents beyond a threshold are
  resampled, for images of higher quality and less variety;
- an average of the generator's weights with a decay of 0.9999, from
  `ema_start` steps on, and for it `take_standing_statistics` (appendix B).

One `train_step` is `discriminator_steps` steps of the discriminator, with the
hinge loss, and one of the generator. Each batch is divided among the former.
Real and fake images pass through the discriminator in one batch, as in the
PyTorch code of the paper's first author, so that u moves once.

`BigGAN.paper("cifar10")` is the network of that code for CIFAR-10, which has
neither chunks nor a shared embedding nor attention.

Differences from the paper, all as in that code: max pooling in the attention,
gains of 1 + dense(y), and a penalty of half the weight, so that its gradient is
2 W (W^T W - diag) times `orthogonal_weight`. Other differences: biases start at
zero; there is no accumulation of gradients; `synchronized` must be set for
batch statistics over all replicas.
"""

import keras
import tensorflow as tf

from kerasgan import checks, losses
from kerasgan.models import averaging, inputs
from kerasgan.models.augmented import AugmentedGAN
from kerasgan.models.biggan_networks import (
    GENERATORS,
    INITIALIZERS,
    build_discriminator,
    build_generator,
)
from kerasgan.models.labels import ClassGAN
from kerasgan.optimizers import Adam
from kerasgan.penalties import orthogonality_penalty


@keras.saving.register_keras_serializable(package="kerasgan")
class BigGAN(AugmentedGAN, ClassGAN):
    """BigGAN.

    Args:
        image_size: int. 32, 64, 128 or 256.
        num_classes: int. Labels go from 0 to `num_classes - 1`.
        channels: int. 1 for grayscale images, 3 for color. Defaults to `3`.
        width: int. Feature maps of the narrowest layers; at 32x32 all layers
            have four times as many. Defaults to `96`.
        latent_dim: int. Length of the noise vector, divisible by the number
            of chunks, one more than the generator has blocks: 4, 5, 6 or 7
            for the four sizes. Defaults to `120`.
        embedding_dim: int or `None`. Length of the shared embedding of the
            class. With `None` each normalization has tables of gains and
            biases, and the whole latent vector feeds the first layer.
            Defaults to `128`.
        attention_size: int or `None`. Both networks have self-attention after
            the block whose output has this resolution, where there is one.
            Defaults to `64`.
        discriminator_steps: int. Discriminator updates for each generator
            update; every batch is divided among them. Defaults to `2`.
        orthogonal_weight: float. Weight of the penalty on the generator's
            weights, beta in the paper. Defaults to `1e-4`.
        initialization: str. `"orthogonal"`, or `"normal"` with a standard
            deviation of 0.02. Defaults to `"orthogonal"`.
        ema_start: int. Generator steps before weights are averaged. Defaults
            to `20_000`.
        ema_decay: float in [0, 1). Decay of the averaged generator. Defaults
            to `0.9999`.
        synchronized: bool. Whether batch statistics are taken over all
            replicas. Defaults to `False`.
        **kwargs: See `ClassGAN`: `class_names`, `class_frequencies`, `seed`,
            `name`, `dtype`; and `AugmentedGAN`: `augment`.

    Call arguments:
        inputs: Pair of latents, float tensor `(batch, latent_dim)` from a
            unit normal, and labels, integer tensor `(batch,)`.

    Returns:
        Float tensor `(batch, image_size, image_size, channels)` in
        `[-1, 1]`, from the averaged generator.

    Raises:
        ValueError: If there are no networks of this `image_size`, or another
            argument is invalid.

    Training data:
        A dataset of pairs: image batches, float32 in `[-1, 1]`, and integer
        labels `(batch,)`. The batch size must be divisible by
        `discriminator_steps`; the paper's is 2048 for each step. The default
        batch size for arrays is `64 * discriminator_steps`.

    Example:
    ```python
    gan = BigGAN(image_size=32, num_classes=10, width=32, ema_start=1000)
    gan.compile()
    gan.fit(images, labels, epochs=100)
    gan.take_standing_statistics()
    images = gan.generate(labels=[3, 3, 7], seed=0, truncation=0.5)
    ```

    Reference:
        [Brock et al., 2019](https://arxiv.org/abs/1809.11096)
    """

    divided_among = "discriminator_steps"

    def __init__(
        self,
        image_size,
        num_classes,
        channels=3,
        width=96,
        latent_dim=120,
        embedding_dim=128,
        attention_size=64,
        discriminator_steps=2,
        orthogonal_weight=1e-4,
        initialization="orthogonal",
        ema_start=20_000,
        ema_decay=0.9999,
        synchronized=False,
        **kwargs,
    ):
        checks.square(image_size=image_size)
        checks.one_of(GENERATORS, image_size=image_size)
        checks.positive(
            channels=channels,
            width=width,
            latent_dim=latent_dim,
            discriminator_steps=discriminator_steps,
        )
        optional = {
            "embedding_dim": embedding_dim,
            "attention_size": attention_size,
        }
        checks.positive(**{k: v for k, v in optional.items() if v is not None})
        checks.weight(orthogonal_weight=orthogonal_weight)
        checks.one_of(INITIALIZERS, initialization=initialization)
        checks.count(ema_start=ema_start)
        chunks = len(GENERATORS[image_size])
        if embedding_dim is not None and latent_dim % chunks:
            raise ValueError(
                f"`latent_dim` must be divisible by {chunks}, because the "
                "first layer and each block take an equal chunk. "
                f"Received: latent_dim={latent_dim!r}"
            )
        self.image_size = image_size
        self.channels = channels
        self.width = width
        self.embedding_dim = embedding_dim
        self.attention_size = attention_size
        self.discriminator_steps = discriminator_steps
        self.orthogonal_weight = orthogonal_weight
        self.initialization = initialization
        self.ema_start = ema_start
        self.synchronized = synchronized
        super().__init__(
            num_classes=num_classes,
            latent_dim=latent_dim,
            ema_decay=ema_decay,
            **kwargs,
        )

    def build_networks(self):
        sizes = {
            "num_classes": self.num_classes,
            "width": self.width,
            "attention_size": self.attention_size,
            "initializer": INITIALIZERS[self.initialization],
        }
        self.generator = build_generator(
            self.image_size,
            self.channels,
            self.latent_dim,
            self.embedding_dim,
            synchronized=self.synchronized,
            **sizes,
        )
        self.discriminator = build_discriminator(self.image_shape, **sizes)

    @classmethod
    def paper(cls, name="imagenet", **changes):
        """Returns the paper's networks.

        Args:
            name: str. `"imagenet"`, the paper's networks, of `image_size` 128
                unless another is given; or `"cifar10"`, that of the PyTorch
                code. Defaults to `"imagenet"`.
            **changes: Arguments to override.

        Raises:
            ValueError: If there is no such network.
        """
        checks.one_of(("cifar10", "imagenet"), name=name)
        if name == "imagenet":
            size = changes.get("image_size", 128)
            chunks = len(GENERATORS.get(size, ()))
            arguments = {
                "image_size": 128,
                "num_classes": 1000,
                "latent_dim": 20 * chunks,
            }
            return cls(**{**arguments, **changes})
        arguments = {
            "image_size": 32,
            "num_classes": 10,
            "width": 64,
            "latent_dim": 128,
            "embedding_dim": None,
            "attention_size": None,
            "discriminator_steps": 4,
            "orthogonal_weight": 0.0,
            "initialization": "normal",
            "ema_start": 1000,
        }
        return cls(**{**arguments, **changes})

    def default_optimizers(self):
        if self.image_size == 32:  # As in the code, for CIFAR-10.
            return Adam(2e-4, 0.0, 0.999), Adam(2e-4, 0.0, 0.999)
        # Section 3 and appendix C; epsilon as in the code.
        return (
            Adam(5e-5, 0.0, 0.999, epsilon=1e-6),
            Adam(2e-4, 0.0, 0.999, epsilon=1e-6),
        )

    def train_step(self, batch):
        # Discriminator: on each share of the batch, separate real images from
        # fakes of random classes. One pass for both, as in the code.
        d_losses = []
        for step in range(self.discriminator_steps):
            share = inputs.share_of(batch, step, self.discriminator_steps)
            real_images, real_labels = self.split_batch(share)
            count = tf.shape(real_images)[0]
            labels = self.sample_labels(count)
            fake_images = self.generator(
                (self.sample_latents(count), labels), training=True
            )
            with tf.GradientTape() as tape:
                scores = self.discriminator(
                    (
                        self.seen(tf.concat([fake_images, real_images], 0)),
                        tf.concat([labels, real_labels], 0),
                    ),
                    training=True,
                )
                fake_scores, real_scores = tf.split(scores, 2)
                d_loss = tf.reduce_mean(
                    losses.real_hinge_loss(real_scores)
                ) + tf.reduce_mean(losses.fake_hinge_loss(fake_scores))
            self.update_discriminators(tape, d_loss)
            self.observe(real_scores)
            d_losses.append(d_loss)

        # Generator: raise the scores of fakes, with orthogonal kernels.
        labels = self.sample_labels(count)
        latents = self.sample_latents(count)
        with tf.GradientTape() as tape:
            fake_images = self.generator((latents, labels), training=True)
            fake_scores = self.discriminator(
                (self.seen(fake_images), labels), training=True
            )
            g_loss = -tf.reduce_mean(fake_scores)
            penalty = self.orthogonal_weight / 2.0 * self.orthogonality()
            total = g_loss + penalty
        self.update_generators(tape, total)
        # All weights, batch statistics and singular vectors; a copy at first.
        is_early = self.generator_optimizer.iterations < self.ema_start
        self.update_average(tf.where(is_early, 0.0, self.ema_decay))

        return self.report(d_loss=tf.reduce_mean(d_losses), g_loss=g_loss)

    def orthogonality(self):
        """Returns the penalty of equation 3, summed over the generator.

        The shared embedding is left out; tables of gains have a row for each
        output.
        """
        if self.orthogonal_weight == 0.0:
            return 0.0
        penalties = []
        for variable in self.generator.trainable_variables:
            if len(variable.shape) < 2 or variable.path.startswith("shared/"):
                continue
            kernel = tf.convert_to_tensor(variable)
            if variable.name == "embeddings":
                kernel = tf.transpose(kernel)
            penalties.append(orthogonality_penalty(kernel))
        return tf.add_n(penalties)

    # Sampling

    def take_standing_statistics(self, batches=16, batch_size=64, seed=0):
        """Sets the batch statistics of the averaged generator.

        They become the means over batches of random latents and classes, by
        the averaged weights themselves. Published networks need it before
        `generate`, because the moving statistics are those of other weights.

        Args:
            batches: int. Defaults to `16`.
            batch_size: int. Images of each. Defaults to `64`.
            seed: int. Defaults to `0`.

        Raises:
            ValueError: If an argument is invalid.

        Reference:
            [Brock et al., 2019](https://arxiv.org/abs/1809.11096), appendix B
        """
        checks.positive(batches=batches, batch_size=batch_size)
        seed = checks.as_seed(seed)
        latents = self.seeded_latents(seed, batches * batch_size)
        labels = self.sample_condition(seed, batches * batch_size)
        averaging.take_standing_statistics(
            self.average_generator,
            self.generator,
            zip(
                tf.split(latents, batches),
                tf.split(labels, batches),
                strict=True,
            ),
        )

    def generate(
        self, n=None, labels=None, seed=None, batch_size=64, truncation=None
    ):
        """Generates images of requested or of sampled classes.

        Args:
            n: See `ClassGAN`, like all others but `truncation`.
            labels: As above.
            seed: As above.
            batch_size: As above.
            truncation: Positive float or `None`. The largest absolute value
                of the latents: the smaller it is, the more typical and the
                less diverse are the images. The paper shows 2 to 0.04.
                Defaults to `None`, no truncation.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If an argument is invalid, or a label is not a class.

        Example:
        ```python
        gan.generate(labels=["Bag", "Bag", "Coat"], seed=0, truncation=0.5)
        ```
        """
        return super().generate(n, labels, seed, batch_size, truncation)

    def check_truncation(self, truncation):
        checks.weight(truncation=truncation)
        if truncation == 0.0:
            raise ValueError(
                "`truncation` must be positive, because it is the largest "
                "absolute value of the latents. "
                f"Received: truncation={truncation!r}"
            )

    def inputs(self, latents, condition=None, truncation=None):
        """Returns the inputs of `call`.

        Args:
            latents: Float tensor `(batch, latent_dim)`.
            condition: Integer tensor `(batch,)`.
            truncation: Float tensor `(batch,)`, positive, or `None` for none.
        """
        if truncation is not None:
            latents = truncated(latents, truncation[:, None])
        return super().inputs(latents, condition)


def truncated(latents, threshold):
    """Returns normal latents with values beyond a threshold resampled.

    The new values are a function of the old ones, so that the same latents
    give the same image: how far a value lies beyond the threshold is uniform
    between no and all values that do, and becomes a place between the two
    thresholds. Other values stay.

    Args:
        latents: Float tensor, from a unit normal.
        threshold: Float tensor that broadcasts to it, not negative.

    Returns:
        Float tensor of the same shape, from a normal truncated at
        `threshold`.
    """
    threshold = tf.maximum(threshold, 0.0)
    # Tails of the normal: the probability of a larger value.
    root = tf.sqrt(tf.constant(0.5, latents.dtype))
    tail = 0.5 * tf.math.erfc(root * tf.abs(latents))
    largest = 0.5 * tf.math.erfc(root * threshold)
    share = tf.clip_by_value(tail / largest, 0.0, 1.0)
    probability = largest + share * (1.0 - 2.0 * largest)
    resampled = tf.clip_by_value(
        tf.math.ndtri(probability), -threshold, threshold
    )
    return tf.where(tf.abs(latents) > threshold, resampled, latents)
