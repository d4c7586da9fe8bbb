"""Packing: a discriminator that sees several examples at once."""

import keras
import tensorflow as tf

from kerasgan import checks


@keras.saving.register_keras_serializable(package="kerasgan")
class Packing(keras.layers.Layer):
    """Makes packs of consecutive examples of a batch.

    The first layer of a discriminator that gives one score to each pack. A
    generator that collapses makes packs of similar examples, which real packs
    are not. Members of a pack are concatenated on the last axis: the channels
    of images, the features of vectors.

    Real and fake examples must be given in separate batches, and the examples
    of a batch should be independent, as those of shuffled data are.

    Args:
        pack_size: int. m in the paper, the number of examples in a pack.
        **kwargs: See `keras.layers.Layer`: `name`, `dtype`.

    Call arguments:
        inputs: Tensor `(batch, ..., channels)`.

    Returns:
        Tensor `(batch / pack_size, ..., pack_size * channels)`. Pack `i` holds
        the examples from `i * pack_size`, in their order.

    Raises:
        ValueError: If the pack size is not positive, or does not divide the
            batch.

    Example:
    ```python
    class PackedGAN(UnrolledGAN):
        def build_networks(self):
            latents = keras.Input((self.latent_dim,))
            shared = self.activation, self.gain
            x = perceptron(latents, self.generator_units, 2, *shared, "points")
            self.generator = keras.Model(latents, x)
            points = keras.Input((2,))
            packs = Packing(2)(points)
            x = perceptron(packs, self.discriminator_units, 1, *shared, "score")
            self.discriminator = keras.Model(points, x)
    ```

    Reference:
        [Lin et al., 2018](https://arxiv.org/abs/1712.04086), section 1.1
    """

    def __init__(self, pack_size, **kwargs):
        checks.positive(pack_size=pack_size)
        super().__init__(**kwargs)
        self.pack_size = pack_size

    def call(self, inputs):
        self._check(inputs.shape[0])
        # [batch / pack_size, ..., channels] for each place in a pack.
        members = [inputs[i :: self.pack_size] for i in range(self.pack_size)]
        return tf.concat(members, axis=-1)

    def compute_output_shape(self, input_shape):
        batch, *inside, channels = input_shape
        self._check(batch)
        packs = None if batch is None else batch // self.pack_size
        return (packs, *inside, self.pack_size * channels)

    def _check(self, batch):
        if batch is not None and batch % self.pack_size:
            raise ValueError(
                f"The batch must be divisible by {self.pack_size} "
                "(`pack_size`), because each score is of that many examples. "
                f"Received: a batch of {batch}"
            )

    def get_config(self):
        return {**super().get_config(), "pack_size": self.pack_size}
