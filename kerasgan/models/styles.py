"""Generators with styles, shared by StyleGAN and StyleGAN2.

Karras, Laine and Aila, "A Style-Based Generator Architecture for Generative
Adversarial Networks", 2019. https://arxiv.org/abs/1812.04948

A mapping network maps latents to w, which a synthesis network takes once for
each layer, as its style. In training two styles are mixed (section 3.1); at
inference w may be shrunk toward its mean (appendix B).
"""

import tensorflow as tf

from kerasgan import random
from kerasgan.models.augmented import AugmentedGAN


class StyledGAN(AugmentedGAN):
    """Base class of the models with a mapping and a synthesis network.

    A subclass has the attributes `mixing_chance` and `generator`, a network
    with `mapping`, `synthesis`, `average_w` and `styles`; and implements
    `from_styles`.

    Args:
        **kwargs: See `AugmentedGAN`: `augment`, `latent_dim`, `ema_decay`,
            `seed`, `name`, `dtype`.
    """

    # Decay of the average w (appendix B).
    w_decay = 0.995

    # Parts of the step

    def mixed_styles(self, batch_size, labels, layers):
        """Samples styles for training; two are mixed at a random layer.

        Args:
            batch_size: Integer scalar tensor.
            labels: Integer tensor `(batch,)` or `None`.
            layers: int. Number of layers in use.

        Returns:
            Pair of styles `(batch, layers, w_dim)` and w `(batch, w_dim)`,
            the style of the coarse layers.
        """
        w = self.generator.mapping(self.sample_latents(batch_size), labels)
        other = self.generator.mapping(self.sample_latents(batch_size), labels)
        # One crossover layer for the batch, the same on every replica;
        # without mixing it lies after the last layer.
        chance, place = tf.unstack(
            tf.random.stateless_uniform(
                (2,), tf.cast(self.seed_generator.next(), "int32")
            )
        )
        crossover = tf.where(
            chance < self.mixing_chance,
            1 + tf.cast(place * (layers - 1), "int32"),
            layers,
        )
        styles = tf.where(
            (tf.range(layers) < crossover)[None, :, None],
            w[:, None],
            other[:, None],
        )
        return styles, w

    def sample_noises(self, batch_size, sizes):
        """Samples the noise of training, `(batch, size, size, 1)` each.

        Args:
            batch_size: Integer scalar tensor.
            sizes: Sequence of ints, the resolutions of the layers.

        Returns:
            List of float tensors.
        """
        return [
            random.normal(self.seed_generator, (batch_size, size, size, 1))
            for size in sizes
        ]

    def update_average_w(self, w):
        """Moves the average w toward the mean of the global batch.

        Args:
            w: Float tensor `(batch, w_dim)`.
        """
        context = tf.distribute.get_replica_context()
        mean = context.all_reduce(
            tf.distribute.ReduceOp.MEAN,
            tf.reduce_mean(tf.cast(w, "float32"), axis=0),
        )
        average = self.generator.average_w
        average.assign(mean + self.w_decay * (average - mean))
        self.average_generator.average_w.assign(average)

    # Sampling

    def call(self, inputs, training=False):
        if not isinstance(inputs, dict):
            inputs = {"latents": inputs}
        return self.from_styles(self.styles(**inputs))

    def styles(self, latents, labels=None, truncation=None):
        """Returns the styles of the averaged generator's layers.

        Args:
            latents: Float tensor `(batch, latent_dim)`.
            labels: Integer tensor `(batch,)`, in models with classes.
            truncation: Float tensor `(batch,)` or `None`. Psi in the paper.

        Returns:
            Float tensor `(batch, layers, w_dim)`, from coarse to fine.
        """
        return self.average_generator.styles(latents, labels, truncation)

    def from_styles(self, styles):
        """Returns images of given styles.

        Args:
            styles: Float tensor `(batch, layers, w_dim)`, from coarse to
                fine.

        Returns:
            Float tensor `(batch, image_size, image_size, channels)` in
            `[-1, 1]`.
        """
        raise NotImplementedError

    def inputs(self, latents, condition=None, truncation=None):
        inputs = {"latents": latents}
        if condition is not None:
            inputs["labels"] = condition
        if truncation is not None:
            inputs["truncation"] = truncation
        return inputs

    def signatures(self):
        truncation = tf.TensorSpec((), "float32", "truncation")
        return {
            **super().signatures(),
            "truncated": self.from_latents(truncation),
            "sample_truncated": self.from_seed(truncation),
        }
