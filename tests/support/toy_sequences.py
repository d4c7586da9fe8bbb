"""A toy model of sentences: the core must not know images."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kerasgan import losses
from kerasgan.models import SequenceGAN
from kerasgan.optimizers import Adam

VOCABULARY = ("the", "cat", "dog", "sees", "a", "bird")
LENGTH = 5
SENTENCES = ("the cat sees a bird", "the dog sees the cat", "a bird")


@keras.saving.register_keras_serializable(package="kerasgan_tests")
class ToySequenceGAN(SequenceGAN):
    """Dense networks; the discriminator reads one-hot codes or softmax.

    Args:
        vocabulary: See `SequenceGAN`.
        sequence_length: See `SequenceGAN`.
        latent_dim: int. Length of the latent vectors.
        width: int. Units of the hidden layers.
        **kwargs: See `SequenceGAN`.
    """

    def __init__(
        self,
        vocabulary=VOCABULARY,
        sequence_length=LENGTH,
        latent_dim=4,
        width=16,
        **kwargs,
    ):
        self.latent_dim = latent_dim
        self.width = width
        super().__init__(vocabulary, sequence_length, **kwargs)

    def build_networks(self):
        shape = (self.sequence_length, self.num_tokens)
        self.generator = keras.Sequential(
            [
                keras.Input((self.latent_dim,)),
                layers.Dense(self.width, "relu", name="hidden"),
                layers.Dense(math.prod(shape), name="to_logits"),
                layers.Reshape(shape, dtype="float32", name="logits"),
            ],
            name="generator",
        )
        self.discriminator = keras.Sequential(
            [
                keras.Input(shape),
                layers.Flatten(name="flatten"),
                layers.Dense(self.width, "relu", name="hidden"),
                layers.Dense(1, dtype="float32", name="score"),
            ],
            name="discriminator",
        )

    def default_optimizers(self):
        return Adam(1e-2, beta_1=0.5), Adam(1e-2, beta_1=0.5)

    def train_step(self, tokens):
        latents = self.sample_latents(tf.shape(tokens)[0])
        real = tf.one_hot(tokens, self.num_tokens)
        with tf.GradientTape() as generator_tape:
            fake = tf.nn.softmax(self.generator(latents, training=True))
        with tf.GradientTape() as tape:
            real_scores = self.discriminator(real, training=True)
            fake_scores = self.discriminator(fake, training=True)
            d_loss = tf.reduce_mean(
                losses.real_loss(real_scores) + losses.fake_loss(fake_scores)
            )
        self.update_discriminators(tape, d_loss)
        with generator_tape:
            fake_scores = self.discriminator(fake, training=True)
            g_loss = tf.reduce_mean(
                losses.non_saturating_generator_loss(fake_scores)
            )
        self.update_generators(generator_tape, g_loss)
        self.update_average(inputs=latents)
        return self.report(d_loss=d_loss, g_loss=g_loss)


def build(**changes):
    """Returns a toy, not compiled, whose samples vary."""
    gan = ToySequenceGAN(**{"seed": 7, **changes})
    random = np.random.RandomState(0)
    for network in (gan.generator, gan.average_generator):
        random.seed(0)
        network.set_weights(
            [random.standard_normal(w.shape) for w in network.get_weights()]
        )
    return gan


def tokens(gan, count=64):
    """Returns the tokens of `SENTENCES`, again and again."""
    return np.resize(gan.tokens_of(SENTENCES), (count, gan.sequence_length))
