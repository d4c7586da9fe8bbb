"""Models that translate between two sets of images, both ways."""

import functools

import numpy as np
import tensorflow as tf

from kerasgan import checks, data, random
from kerasgan.layers.image_pool import ImagePool
from kerasgan.models.rates import RateByEpoch
from kerasgan.models.translation import TranslationGAN
from kerasgan.schedules import linear_decay


class TwoWayGAN(TranslationGAN):
    """Base class of the models that translate between sets A and B.

    They are trained without pairs. The discriminators also see earlier
    translations; `fit` keeps the learning rate constant at first and decays it
    linearly to zero over the last epochs.

    A subclass has a discriminator for each set, `discriminator_a` and
    `discriminator_b`, and calls `build_pools`.

    Args:
        pool_size: int. Number of earlier translations stored for each
            discriminator. Defaults to `50`.
        decay_epochs: int or `None`. Number of epochs, the last ones of `fit`,
            over which the learning rate decays; `0` for none. Defaults to
            half of them.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        images: Float tensor `(batch, height, width, channels)` in `[-1, 1]`,
            of the other set.
        to: `"a"` or `"b"`. The set to translate to. Defaults to `"b"`.

    Raises:
        ValueError: If a number is negative.

    Training data:
        A dataset of pairs `(a, b)` of equally many images, float32 in
        `[-1, 1]`, that need not correspond.

    Reference:
        [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), section 4
    """

    discriminator_names = ("discriminator_a", "discriminator_b")
    part_names = ("a", "b")
    paired = False

    def __init__(self, pool_size=50, decay_epochs=None, **kwargs):
        checks.count(pool_size=pool_size)
        if decay_epochs is not None:
            checks.count(decay_epochs=decay_epochs)
        self.pool_size = pool_size
        self.decay_epochs = decay_epochs
        super().__init__(**kwargs)

    # Training

    def check_batch(self, batch):
        self.check_pair(batch, ("a", "b"), (self.image_shape, self.image_shape))

    def build_pools(self):
        """Sets the pools of earlier translations."""
        self.pool_a, self.pool_b = (
            ImagePool(self.pool_size, self.image_shape, name=name)
            for name in ("pool_a", "pool_b")
        )

    def from_pool(self, pool, fakes):
        """Returns translations for a discriminator, new or stored."""
        shape = (tf.shape(fakes)[0], 2)
        return pool(fakes, random.uniform(self.seed_generator, shape))

    def clear_memory(self):
        for pool in (self.pool_a, self.pool_b):
            pool.set_weights([np.zeros_like(w) for w in pool.get_weights()])

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

    def samples_to_compare(self, batch):
        real_a, real_b = batch
        return self.to_samples(real_b), self.to_samples(self(real_a, to="b"))

    # Translating

    def translate(self, images, to="b", batch_size=64):
        """Translates images to one of the sets.

        Args:
            images: uint8 array or tensor `(n, height, width, channels)`, in
                0..255, of the other set; their size must fit the model.
            to: `"a"` or `"b"`. Defaults to `"b"`.
            batch_size: int. How many to translate at once. Defaults to
                `64`.

        Returns:
            uint8 array of the same shape.

        Raises:
            ValueError: If the images do not fit the model, or `to` is
                neither `"a"` nor `"b"`.
        """
        if to not in ("a", "b"):
            raise ValueError(
                "`to` must be 'a' or 'b', the set to translate to. "
                f"Received: to={to!r}"
            )
        return self.serve(f"translate_to_{to}", images, batch_size)

    def signatures(self):
        def translate(images, to):
            return {
                "images": data.to_uint8(self(self.as_source(images), to=to))
            }

        return {
            f"translate_to_{to}": (
                functools.partial(translate, to=to),
                [self.source_spec],
            )
            for to in ("b", "a")
        }

    def score_signatures(self):
        def scores(images, of):
            discriminator = getattr(self, f"discriminator_{of}")
            return {"scores": discriminator(self.as_source(images))[..., 0]}

        return {
            f"scores_{of}": (
                functools.partial(scores, of=of),
                [self.source_spec],
            )
            for of in ("a", "b")
        }
