"""A text encoder trained to match captions and images.

Reed, Akata, Lee and Schiele, "Learning Deep Representations of Fine-Grained
Visual Descriptions", 2016. https://arxiv.org/abs/1605.05395

The inner product of the vectors of an image and its caption must exceed, by a
margin, those of the image with other captions and of the caption with other
images (section 3). Any text-to-image model can train this encoder in its
discriminator step: see `captions.TextGAN`.

Differences from the paper: the encoder reads words instead of characters, with
a GRU instead of a convolutional recurrent network; vectors have unit variance.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kerasgan import replicas


def words_of(captions, size=None):
    """Returns the words of captions, the most frequent first.

    Args:
        captions: Sequence of strings.
        size: int or `None`. Maximum number of words; all others become one
            unknown word. Defaults to all.

    Returns:
        Tuple of str, lower case and without punctuation.
    """
    tokenizer = build_tokenizer(max_tokens=None if size is None else size + 2)
    tokenizer.adapt(tf.constant(list(captions)))
    # The first two are padding and the unknown word.
    return tuple(str(word) for word in tokenizer.get_vocabulary()[2:])


def check_tokens(tokens):
    """Checks that each caption has at least one word.

    Args:
        tokens: Integer tensor `(batch, caption_length)`, eager.

    Raises:
        ValueError: If one has none.
    """
    empty = np.flatnonzero(~tf.reduce_any(tokens != 0, axis=1).numpy())
    if empty.size:
        raise ValueError(
            "`captions` must not be empty: each needs at least one word. "
            f"Received: {empty.size} empty of {len(tokens)}, the first at "
            f"{empty[0]}. Remove those images or give them captions."
        )


def symmetric_matching_loss(image_vectors, text_vectors, tokens):
    """Returns the matching loss of images and captions, in both directions.

    Args:
        image_vectors: Float tensor `(batch, sentence_dim)`.
        text_vectors: Float tensor `(batch, sentence_dim)`.
        tokens: Integer tensor `(batch, caption_length)`, the captions.

    Returns:
        Float tensor `(batch,)`, never negative.
    """
    # [row, row of the global batch]
    all_tokens = replicas.gather(tokens)
    is_other = tf.reduce_any(tokens[:, None] != all_tokens[None], axis=2)
    return matching_loss(
        image_vectors, text_vectors, replicas.gather(text_vectors), is_other
    ) + matching_loss(
        text_vectors, image_vectors, replicas.gather(image_vectors), is_other
    )


def matching_loss(vectors, partners, all_partners, is_other):
    """Returns the mean violation of the margin by other partners.

    The mean of max(0, 1 + F(v, t) - F(v, own t)) over other partners t, where
    F is the inner product.

    Args:
        vectors: Float tensor `(batch, sentence_dim)`.
        partners: Float tensor of the same shape: the partner of each.
        all_partners: Float tensor `(all, sentence_dim)`, of the global batch.
        is_other: Boolean tensor `(batch, all)`: whether the partner is
            another one, with a different caption.

    Returns:
        Float tensor `(batch,)`, never negative.

    Reference:
        [Reed et al., 2016](https://arxiv.org/abs/1605.05395), equations 3-5.
    """
    own = tf.reduce_sum(vectors * partners, axis=1, keepdims=True)
    scores = tf.matmul(vectors, all_partners, transpose_b=True)
    weights = tf.cast(is_other, scores.dtype)
    violations = weights * tf.nn.relu(1.0 + scores - own)
    count = tf.maximum(tf.reduce_sum(weights, axis=1), 1.0)
    return tf.reduce_sum(violations, axis=1) / count


@keras.saving.register_keras_serializable(package="kerasgan")
class MeanOfWords(layers.Layer):
    """Averages over the words of each sentence, without padding.

    Keras' average pooling gives NaN for a sentence without words.

    Call arguments:
        inputs: Float tensor `(batch, words, units)`.
        mask: Boolean tensor `(batch, words)`.

    Returns:
        Float tensor `(batch, units)`; zeros for a sentence without words.
    """

    def call(self, inputs, mask=None):
        weights = tf.cast(mask, inputs.dtype)[:, :, None]
        count = tf.maximum(tf.reduce_sum(weights, axis=1), 1.0)
        return tf.reduce_sum(inputs * weights, axis=1) / count

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])


def build_tokenizer(**kwargs):
    """Captions to word indices; 0 is padding and 1 an unknown word."""
    return layers.TextVectorization(
        standardize="lower_and_strip_punctuation",
        split="whitespace",
        name="tokenizer",
        **kwargs,
    )


def build_text_encoder(num_words, length, width, sentence_dim):
    """Word indices to a sentence vector."""
    # Float32: the network is small, and its recurrence gains nothing.
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    x = layers.Embedding(
        num_words + 2, width, mask_zero=True, dtype="float32", name="words"
    )(tokens)
    x = layers.GRU(width, return_sequences=True, dtype="float32", name="gru")(x)
    x = MeanOfWords(dtype="float32", name="mean")(x)
    x = layers.Dense(sentence_dim, dtype="float32", name="sentence")(x)
    # The matching loss does not constrain norms; without unit variance the
    # generator ignores the text, beside noise of unit variance.
    x = layers.LayerNormalization(
        epsilon=1e-8, center=False, scale=False, dtype="float32", name="unit"
    )(x)
    return keras.Model(tokens, x, name="text_encoder")


def build_image_encoder(image_shape, width, sentence_dim):
    """An image to a vector in the space of the sentence vectors."""
    images = keras.Input(image_shape, name="images")
    x = images
    filters, size = 32, image_shape[0] // 2
    while size >= 4:
        x = layers.Conv2D(
            min(filters, width), 4, 2, padding="same", name=f"down_{size}"
        )(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_{size}")(x)
        filters, size = filters * 2, size // 2
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(sentence_dim, dtype="float32", name="sentence")(x)
    return keras.Model(images, x, name="image_encoder")
