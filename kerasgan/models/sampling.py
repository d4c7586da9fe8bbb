"""Models that map latents to images, with or without a condition.

Sampling, truncation, comparison with real images and all exported signatures
are implemented here once. A task with a condition, such as labels or captions,
overrides the hooks of `LatentGAN`.
"""

import math

import numpy as np
import tensorflow as tf

from kerasgan import checks, data, random
from kerasgan.models.base import GAN, describe_batch

# Latents of so many batches are made together. A multiple of 4; see
# `random.of_seed`.
BATCHES_AT_ONCE = 1024


class ImageGAN(GAN):
    """Base class of the models whose samples are images.

    A subclass has the attribute or property `image_shape`, a tuple
    `(height, width, channels)`.
    """

    part_names = ("images",)

    @property
    def image_shape(self):
        return (*checks.sides(self.image_size), self.channels)

    @property
    def sample_shape(self):
        return self.image_shape

    def to_samples(self, outputs):
        return data.to_uint8(outputs)

    def rules(self, batch):
        low, high = -1.0 - data.RANGE_TOLERANCE, 1.0 + data.RANGE_TOLERANCE
        text = (
            "Images must lie in [-1, 1] in every batch, not in the first one "
            "alone. Received: values from {} to {}"
        )
        found = [*super().rules(batch)]
        for part in tf.nest.flatten(batch):
            if part.dtype.is_floating and part.shape.rank == 4:
                # A comparison that NaN fails.
                holds = tf.reduce_all((part >= low) & (part <= high))
                values = [tf.reduce_min(part), tf.reduce_max(part)]
                found.append((holds, text, values))
        return found


class LatentGAN(ImageGAN):
    """Base class of the models that map latents to images.

    A condition beside the latents is one tensor with a row for each image. A
    task with conditions overrides the hooks `condition_spec`, `split_batch`,
    `encode_condition` and, where a condition can be sampled,
    `sample_condition`.

    Args:
        latent_dim: int. Length of the latent vectors.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Raises:
        ValueError: If `latent_dim` is not positive.
    """

    task = "image"
    # Mean of the latent distribution; truncation shrinks toward it.
    latent_mean = 0.0

    def __init__(self, latent_dim, **kwargs):
        checks.positive(latent_dim=latent_dim)
        self.latent_dim = latent_dim
        super().__init__(**kwargs)

    def call(self, inputs, training=False):
        return self.average_generator(inputs, training=training)

    # The condition

    @property
    def condition_spec(self):
        """`tf.TensorSpec` of the condition as users give it, or `None`."""
        return None

    def split_batch(self, batch):
        """Returns the real images of a batch, and the condition of each.

        Args:
            batch: One element of the training data.

        Returns:
            Pair of a float tensor `(batch, height, width, channels)` and the
            condition as the networks take it, or `None`.
        """
        return batch, None

    def encode_condition(self, condition):
        """Converts a condition from users to that of the networks, in a graph.

        Args:
            condition: Tensor like `condition_spec`.
        """
        return condition

    def sample_condition(self, seed, count):
        """Returns the condition of a seed, where the user gives none.

        Args:
            seed: Integer scalar.
            count: Integer scalar.

        Returns:
            Tensor of `count` rows as the networks take it, or `None`.
        """
        return None

    def check_batch(self, batch):
        if isinstance(batch, (tuple, list)):
            raise ValueError(
                "This model learns from images alone; leave out the rest with "
                "`dataset.map(lambda images, *rest: images)`, or learn from "
                "labels too with `CGAN` or `ConditionalStyleGAN`. "
                f"Received: {describe_batch(batch)}"
            )
        data.check_images(batch, self.image_shape)

    # Latents

    def sample_latents(self, batch_size):
        """Samples latents `(batch_size, latent_dim)` from a unit normal."""
        return random.normal(self.seed_generator, (batch_size, self.latent_dim))

    def seeded_latents(self, seed, count, first=0):
        """Returns the latents of a seed; a larger count only adds rows.

        Args:
            seed: Integer scalar.
            count: Integer scalar.
            first: int. Number of the first row, a multiple of 4. Defaults to
                `0`.

        Returns:
            Float32 tensor `(count, latent_dim)`, from a unit normal.
        """
        shape = (count, self.latent_dim)
        return random.of_seed(tf.random.stateless_normal, seed, shape, first)

    def inputs(self, latents, condition=None, truncation=None):
        """Returns the inputs of `call`.

        Truncation shrinks latents toward their mean: latents far from it are
        rare in training, and their images are of lower quality.

        Args:
            latents: Float tensor `(batch, latent_dim)`.
            condition: Tensor as the networks take it, or `None`.
            truncation: Float tensor `(batch,)` in [-1, 1], or `None` for
                none. Psi: the fraction of the distance to the mean that is
                kept.

        Reference:
            [Brock et al., 2019](https://arxiv.org/abs/1809.11096), section
            3.1, which resamples values beyond a threshold; here all are
            scaled, as StyleGAN scales w.
        """
        if truncation is not None:
            mean = self.latent_mean
            latents = mean + truncation[:, None] * (latents - mean)
        return latents if condition is None else (latents, condition)

    def check_truncation(self, truncation):
        """Refuses values of `truncation` that this model does not take."""
        checks.truncation(truncation)

    # Sampling

    def generate(self, n, seed=None, batch_size=64, truncation=None):
        """Generates images.

        Args:
            n: int. Number of images.
            seed: int or `None`. The same seed gives the same images,
                whatever the batch size, and in the exported model too; a
                larger `n` only adds images; both to rounding, which may
                change single values by one grey level. Defaults to a random
                seed.
            batch_size: int. How many to generate at once. Defaults to `64`.
            truncation: float in [-1, 1] or `None`. Psi: closer to zero,
                images are more typical and less diverse. Defaults to `None`, no
                truncation.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If an argument is invalid.
        """
        return self.generate_images(n, None, seed, batch_size, truncation)

    def generate_images(self, n, condition, seed, batch_size, truncation):
        """Generates images, for `generate` of every task.

        Args:
            n: int, or `None` where there is a condition.
            condition: Tensor as the networks take it, a row for each image,
                or `None`.
            seed: See `generate`.
            batch_size: See `generate`.
            truncation: See `generate`.

        Returns:
            See `generate`.
        """
        seed = checks.as_seed(seed)
        if condition is None:
            checks.positive(n=n)
            condition = self.sample_condition(seed, n)
        else:
            n = len(condition)
        if truncation is not None:
            self.check_truncation(truncation)
        checks.positive(batch_size=batch_size)

        def images_of(rows):
            count = rows.stop - rows.start
            inputs = self.inputs(
                self.seeded_latents(seed, count, rows.start),
                None if condition is None else condition[rows],
                None
                if truncation is None
                else tf.fill((count,), float(truncation)),
            )
            return self.run_in_batches(inputs, batch_size)

        size = BATCHES_AT_ONCE * batch_size
        if n <= size:
            return images_of(slice(0, n))
        images = self._room_for(n)
        for first in range(0, n, size):
            rows = slice(first, min(first + size, n))
            images[rows] = images_of(rows)
        return images

    def _room_for(self, n):
        """Returns an array of `n` images, not yet filled."""
        try:
            return np.empty((n, *self.image_shape), "uint8")
        except MemoryError:
            size = n * math.prod(self.image_shape) / 2**30
            raise ValueError(
                "All requested images are returned at once and must fit into "
                "memory; generate fewer, with other seeds. "
                f"Received: n={n}, which are {size:,.0f} GiB"
            ) from None

    def run_in_batches(self, inputs, batch_size, function=None):
        latents = inputs["latents"] if isinstance(inputs, dict) else inputs
        latents = tf.nest.flatten(latents)[0]
        shape = tuple(latents.shape)
        if len(shape) != 2 or shape[1] != self.latent_dim:
            raise ValueError(
                f"Latents of this model have shape (n, {self.latent_dim}), "
                f"from `seeded_latents`. Received: shape={shape}"
            )
        return super().run_in_batches(inputs, batch_size, function)

    def samples_to_compare(self, batch):
        real_images, condition = self.split_batch(batch)
        latents = self.sample_latents(tf.shape(real_images)[0])
        generated = self(self.inputs(latents, condition))
        return self.to_samples(real_images), self.to_samples(generated)

    # Exporting

    def signatures(self):
        return {
            "serving_default": self.from_latents(),
            "sample": self.from_seed(),
        }

    def from_latents(self, *options):
        """Returns the signature from latents, and the condition if any.

        Args:
            *options: `tf.TensorSpec`s of further inputs of `served`.

        Returns:
            Pair of function and list of `tf.TensorSpec`.
        """
        latents = tf.TensorSpec((None, self.latent_dim), "float32", "latents")
        if self.condition_spec is not None:
            return self.served, [latents, self.condition_spec, *options]

        def function(latents, *options):
            return self.served(latents, None, *options)

        return function, [latents, *options]

    def from_seed(self, *options):
        """Returns the signature from a seed, and a count or the condition.

        Args:
            *options: See `from_latents`.

        Returns:
            See `from_latents`.
        """
        seed = tf.TensorSpec((), "int64", "seed")
        if self.condition_spec is not None:

            def function(seed, condition, *options):
                latents = self.seeded_latents(seed, tf.shape(condition)[0])
                return self.served(latents, condition, *options)

            return function, [seed, self.condition_spec, *options]

        def function(seed, count, *options):
            return self.served(self.seeded_latents(seed, count), None, *options)

        return function, [seed, tf.TensorSpec((), "int32", "count"), *options]

    def served(self, latents, condition=None, truncation=None):
        """Returns the outputs of an exported signature.

        Args:
            latents: Float tensor `(batch, latent_dim)`.
            condition: Tensor like `condition_spec`, or `None`.
            truncation: Float scalar tensor or `None`.

        Returns:
            dict of `"images"`, uint8 `(batch, height, width, channels)`.
        """
        if condition is not None:
            condition = self.encode_condition(condition)
        if truncation is not None:
            truncation = tf.broadcast_to(truncation, tf.shape(latents)[:1])
        images = self(self.inputs(latents, condition, truncation))
        return {"images": self.to_samples(images)}

    def score_signatures(self):
        def scores(images, *condition):
            condition = [self.encode_condition(c) for c in condition]
            return {"scores": self.scores(data.to_float(images), *condition)}

        images = tf.TensorSpec((None, *self.image_shape), "uint8", "images")
        spec = self.condition_spec
        return {
            "scores": (scores, [images] if spec is None else [images, spec])
        }

    def scores(self, images, condition=None):
        """Returns the discriminator's raw scores of full-size images.

        Args:
            images: Float tensor `(batch, height, width, channels)` in
                `[-1, 1]`.
            condition: Tensor as the networks take it, or `None`.

        Returns:
            Float tensor `(batch,)`.
        """
        inputs = images if condition is None else (images, condition)
        return self.discriminator(inputs)[:, 0]


class UniformLatentGAN(LatentGAN):
    """Base class of the models whose latents are uniform.

    A subclass sets `latent_range`, the lowest and the highest value.

    Args:
        latent_dim: int. Length of the latent vectors.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Raises:
        ValueError: If `latent_dim` is not positive.
    """

    latent_range = (-1.0, 1.0)

    @property
    def latent_mean(self):
        return sum(self.latent_range) / 2.0

    def sample_latents(self, batch_size):
        """Samples latents `(batch_size, latent_dim)`, uniform."""
        shape = (batch_size, self.latent_dim)
        return self._spread(random.uniform(self.seed_generator, shape))

    def seeded_latents(self, seed, count, first=0):
        """Returns the latents of a seed, uniform.

        Args:
            seed: See `LatentGAN`, like all others.
            count: As above.
            first: As above.
        """
        shape = (count, self.latent_dim)
        return self._spread(
            random.of_seed(tf.random.stateless_uniform, seed, shape, first)
        )

    def _spread(self, numbers):
        """Returns numbers in [0, 1) as numbers in `latent_range`."""
        low, high = self.latent_range
        return low + (high - low) * numbers
