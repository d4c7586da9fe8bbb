"""Models that generate points: vectors of a few numbers, such as (x, y)."""

import tensorflow as tf

from kerasgan import checks, random
from kerasgan.models.base import GAN, describe_batch


class PointsGAN(GAN):
    """Base class of the models that generate points.

    Distributions in the plane show what a GAN learns, and which modes it
    loses.

    Args:
        dimensions: int. Number of coordinates of a point.
        latent_dim: int. Length of the latent vectors.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`, from a unit normal.

    Returns:
        Float tensor `(batch, dimensions)`, from the averaged generator.

    Raises:
        ValueError: If a size is not positive.

    Training data:
        A dataset of batches of points, floats `(batch, dimensions)`.
    """

    task = "points"
    part_names = ("points",)

    def __init__(self, dimensions, latent_dim, **kwargs):
        checks.positive(dimensions=dimensions, latent_dim=latent_dim)
        self.dimensions = dimensions
        self.latent_dim = latent_dim
        super().__init__(**kwargs)

    @property
    def sample_shape(self):
        return (self.dimensions,)

    def call(self, inputs, training=False):
        return self.average_generator(inputs, training=training)

    def to_samples(self, outputs):
        return outputs

    # Training data

    def check_batch(self, batch):
        shape = tuple(getattr(batch, "shape", ()))
        floating = hasattr(batch, "dtype") and batch.dtype.is_floating
        if not floating or len(shape) != 2 or shape[1] != self.dimensions:
            raise ValueError(
                "The training data must be batches of points, floats "
                f"(batch, {self.dimensions}). Received: {describe_batch(batch)}"
            )
        for holds, text, values in self.rules(batch):
            if not holds:
                raise ValueError(text.format(*(int(v) for v in values)))

    def rules(self, batch):
        invalid = tf.reduce_sum(tf.cast(~tf.math.is_finite(batch), "int32"))
        text = "All coordinates must be finite. Received: {} that are not"
        return [(invalid == 0, text, [invalid])]

    # Sampling and exporting

    def sample_latents(self, batch_size):
        """Samples latents `(batch_size, latent_dim)` from a unit normal."""
        return random.normal(self.seed_generator, (batch_size, self.latent_dim))

    def seeded_latents(self, seed, count):
        """Returns the latents of a seed; a larger count only adds rows.

        Args:
            seed: Integer scalar.
            count: Integer scalar.

        Returns:
            Float32 tensor `(count, latent_dim)`, from a unit normal.
        """
        shape = (count, self.latent_dim)
        return random.of_seed(tf.random.stateless_normal, seed, shape)

    def generate(self, n, seed=None, batch_size=1024):
        """Generates points.

        Args:
            n: int. Number of points.
            seed: int or `None`. The same seed gives the same points, whatever
                the batch size, and in the exported model too, to rounding; a
                larger `n` only adds points. Defaults to a random seed.
            batch_size: int. How many to generate at once. Defaults to `1024`.

        Returns:
            float32 array `(n, dimensions)`.

        Raises:
            ValueError: If an argument is invalid.
        """
        checks.positive(n=n)
        latents = self.seeded_latents(checks.as_seed(seed), n)
        return self.run_in_batches(latents, batch_size)

    def samples_to_compare(self, batch):
        return batch, self(self.sample_latents(tf.shape(batch)[0]))

    def signatures(self):
        def from_latents(latents):
            return {"points": self(latents)}

        def sample(seed, count):
            return {"points": self(self.seeded_latents(seed, count))}

        latents = tf.TensorSpec((None, self.latent_dim), "float32", "latents")
        seed = tf.TensorSpec((), "int64", "seed")
        count = tf.TensorSpec((), "int32", "count")
        return {
            "serving_default": (from_latents, [latents]),
            "sample": (sample, [seed, count]),
        }

    def score_signatures(self):
        def scores(points):
            return {"scores": self.discriminator(points)[:, 0]}

        points = tf.TensorSpec((None, self.dimensions), "float32", "points")
        return {"scores": (scores, [points])}
