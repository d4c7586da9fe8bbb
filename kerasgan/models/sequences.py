"""Models that generate text: sequences of tokens from a vocabulary."""

import numpy as np
import tensorflow as tf

from kerasgan import checks, random
from kerasgan.models.base import GAN


class SequenceGAN(GAN):
    """Base class of the models that generate sentences.

    A subclass has `latent_dim`, the length of the latent vectors. Its `call`
    maps latents to logits, of which the largest selects the token. A model
    that samples tokens one by one overrides `call`, `to_samples`,
    `sample_latents` and `seeded_inputs`.

    Args:
        vocabulary: Sequence of words, none twice. Token `i + 1` is
            `vocabulary[i]`; token 0 is no word and ends a sentence.
        sequence_length: int. Number of tokens of a sequence.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`, from a unit normal.

    Returns:
        Float tensor `(batch, sequence_length, tokens)` of logits, from the
        averaged generator; `tokens` is `len(vocabulary) + 1`.

    Training data:
        A dataset of batches of tokens, integers `(batch, sequence_length)`.

    Raises:
        ValueError: If the vocabulary is empty or repeats a word, or
            `sequence_length` is not positive.
    """

    task = "text"

    def __init__(self, vocabulary, sequence_length, **kwargs):
        checks.positive(sequence_length=sequence_length)
        self.vocabulary = checks.vocabulary(vocabulary)
        self.sequence_length = sequence_length
        super().__init__(**kwargs)

    @property
    def sample_shape(self):
        return (self.sequence_length,)

    @property
    def num_tokens(self):
        """Number of different tokens: the words, and 0."""
        return len(self.vocabulary) + 1

    def call(self, inputs, training=False):
        return self.average_generator(inputs, training=training)

    def to_samples(self, outputs):
        return tf.argmax(outputs, axis=-1, output_type="int32")

    # Training data

    def tokens_of(self, sentences):
        """Returns the tokens of sentences, padded with 0.

        Args:
            sentences: Sequence of strings of words of the vocabulary.

        Returns:
            int32 array `(n, sequence_length)`.

        Raises:
            ValueError: If a sentence is too long, or has an unknown word.
        """
        return tokens_of(sentences, self.vocabulary, self.sequence_length)

    def check_batch(self, batch):
        shape, dtype = tuple(batch.shape), tf.as_dtype(batch.dtype)
        if not dtype.is_integer or shape[1:] != self.sample_shape:
            raise ValueError(
                "The training data must be batches of tokens, integers "
                f"(batch, {self.sequence_length}). Received: {dtype.name}, "
                f"shape {shape}. `tokens_of` converts sentences."
            )
        low, high = int(tf.reduce_min(batch)), int(tf.reduce_max(batch))
        if low < 0 or high >= self.num_tokens:
            raise ValueError(
                f"Tokens must be from 0 to {self.num_tokens - 1}. "
                f"Received: from {low} to {high}"
            )

    # Sampling and exporting

    def sample_latents(self, batch_size):
        """Samples latents `(batch_size, latent_dim)` from a unit normal."""
        return random.normal(self.seed_generator, (batch_size, self.latent_dim))

    def seeded_inputs(self, seed, count):
        """Returns the inputs of a seed; a larger count only adds rows.

        Args:
            seed: Integer scalar.
            count: Integer scalar.

        Returns:
            Float32 tensor `(count, latent_dim)`, from a unit normal.
        """
        return tf.random.stateless_normal(
            (count, self.latent_dim), (seed, 0), alg="philox"
        )

    def sentences(self, tokens):
        """Converts tokens to sentences, which end at the first 0.

        Args:
            tokens: Integer tensor `(n, sequence_length)`.

        Returns:
            String tensor `(n,)`, words separated by spaces.
        """
        words = tf.gather(tf.constant(["", *self.vocabulary]), tokens)
        ended = tf.cumsum(tf.cast(tokens == 0, "int32"), axis=1) > 0
        words = tf.where(ended, "", words)
        return tf.strings.strip(tf.strings.reduce_join(words, 1, separator=" "))

    def generate(self, n, seed=None, batch_size=64):
        """Generates sentences.

        Args:
            n: int. Number of sentences.
            seed: int or `None`. The same seed gives the same sentences,
                whatever the batch size, and in the exported model too; a
                larger `n` only adds sentences. Defaults to a random seed.
            batch_size: int. How many to generate at once. Defaults to `64`.

        Returns:
            List of `n` str.

        Raises:
            ValueError: If an argument is invalid.
        """
        tokens = self.generate_tokens(n, seed, batch_size)
        return [s.decode() for s in self.sentences(tokens).numpy()]

    def generate_tokens(self, n, seed=None, batch_size=64):
        """Generates sentences as tokens, with those after the end.

        Args:
            n: See `generate`.
            seed: See `generate`.
            batch_size: See `generate`.

        Returns:
            int32 array `(n, sequence_length)`.

        Raises:
            ValueError: If an argument is invalid.
        """
        checks.positive(n=n)
        inputs = self.seeded_inputs(checks.as_seed(seed), n)
        return self.run_in_batches(inputs, batch_size)

    def samples_to_compare(self, batch):
        generated = self(self.sample_latents(tf.shape(batch)[0]))
        return batch, self.to_samples(generated)

    def signatures(self):
        def from_latents(latents):
            return {"tokens": self.to_samples(self(latents))}

        def sample(seed, count):
            tokens = self.to_samples(self(self.seeded_inputs(seed, count)))
            return {"tokens": tokens, "sentences": self.sentences(tokens)}

        latents = tf.TensorSpec((None, self.latent_dim), "float32", "latents")
        seed = tf.TensorSpec((), "int64", "seed")
        count = tf.TensorSpec((), "int32", "count")
        return {
            "serving_default": (from_latents, [latents]),
            "sample": (sample, [seed, count]),
        }

    def score_signatures(self):
        def scores(tokens):
            codes = tf.one_hot(tokens, self.num_tokens)
            return {"scores": self.discriminator(codes)[:, 0]}

        tokens = tf.TensorSpec((None, *self.sample_shape), "int32", "tokens")
        return {"scores": (scores, [tokens])}


def tokens_of(sentences, vocabulary, sequence_length):
    """Returns the tokens of sentences, padded with 0.

    Args:
        sentences: Sequence of strings of words of the vocabulary.
        vocabulary: Sequence of words; see `SequenceGAN`.
        sequence_length: int. Number of tokens of a sequence.

    Returns:
        int32 array `(n, sequence_length)`.

    Raises:
        ValueError: If a sentence is too long, or has an unknown word.
    """
    numbers = {word: i + 1 for i, word in enumerate(vocabulary)}
    tokens = np.zeros((len(sentences), sequence_length), "int32")
    for row, sentence in enumerate(sentences):
        words = sentence.split()
        unknown = [word for word in words if word not in numbers]
        if unknown or len(words) > sequence_length:
            raise ValueError(
                f"A sentence must have at most {sequence_length} "
                "words, all from the vocabulary. Received: "
                f"{sentence!r}, sentence {row}"
            )
        tokens[row, : len(words)] = [numbers[word] for word in words]
    return tokens
