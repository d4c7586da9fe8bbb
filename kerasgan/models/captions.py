"""Models that generate images from text.

`VectorGAN` takes sentence vectors of any text encoder; `CaptionGAN` takes
captions and has a text encoder, which `TextGAN` trains.
"""

import types

import numpy as np
import tensorflow as tf

from kerasgan import checks, data
from kerasgan.models.base import describe_batch
from kerasgan.models.sampling import LatentGAN
from kerasgan.models.text_encoder import (
    build_image_encoder,
    build_text_encoder,
    build_tokenizer,
    check_tokens,
    symmetric_matching_loss,
)


class VectorGAN(LatentGAN):
    """Base class of the models that map sentence vectors to images.

    Args:
        sentence_dim: int. Length of the sentence vectors.
        **kwargs: See `LatentGAN`: `latent_dim`, `ema_decay`, `seed`, `name`,
            `dtype`.

    Call arguments:
        inputs: Pair of latents, float tensor `(batch, latent_dim)` from a
            unit normal, and sentence vectors, float tensor
            `(batch, sentence_dim)`.

    Training data:
        A dataset of pairs: image batches, float32 in `[-1, 1]`, and sentence
        vectors, floats `(batch, sentence_dim)`. Their variance should be one,
        as that of the noise: a smaller one slows training down.
    """

    task = "text-to-image"
    part_names = ("images", "captions")

    def __init__(self, sentence_dim, **kwargs):
        checks.positive(sentence_dim=sentence_dim)
        self.sentence_dim = sentence_dim
        super().__init__(**kwargs)

    @property
    def vectors_spec(self):
        shape = (None, self.sentence_dim)
        return tf.TensorSpec(shape, "float32", "sentence_vectors")

    @property
    def condition_spec(self):
        return self.vectors_spec

    def split_batch(self, batch):
        images, text = batch
        return images, self.sentence_vectors(text)

    def sentence_vectors(self, text):
        """Returns sentence vectors of the text in a batch of training data.

        Args:
            text: Float tensor `(batch, sentence_dim)`, here the vectors.

        Returns:
            Float32 tensor `(batch, sentence_dim)`.
        """
        return tf.cast(text, "float32")

    def check_batch(self, batch):
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise ValueError(
                "The training data must be pairs `(images, captions)`. "
                f"Received: {describe_batch(batch)}"
            )
        images, text = batch
        data.check_images(images, self.image_shape)
        if len(images) < 2:
            raise ValueError(
                "A batch must contain at least two images, because the "
                "mismatched caption of an image is that of another one. "
                "Received: a batch of 1"
            )
        data.check_same_length(images, text, ("images", "captions"))
        self.check_text(text)

    def check_text(self, text):
        """Checks that the text of a training batch fits the model.

        Args:
            text: Eager tensor, the second half of a batch.

        Raises:
            ValueError: If it does not.
        """
        if text.dtype == tf.string:
            raise ValueError(
                "This model has no text encoder and is trained on sentence "
                "vectors. Received: strings. Encode the captions first, or "
                "use a model with a text encoder."
            )
        self.check_vectors(text)

    def check_vectors(self, vectors):
        """Checks that arrays are sentence vectors for this model.

        Args:
            vectors: Array or eager tensor.

        Raises:
            ValueError: If they are not.
        """
        data.check_captions(vectors, "sentence_vectors")
        if len(vectors) == 0 or vectors.shape[1] != self.sentence_dim:
            raise ValueError(
                "`sentence_vectors` must have shape (batch, "
                f"{self.sentence_dim}), with at least one row. "
                f"Received: shape={tuple(vectors.shape)}"
            )

    # Sampling and exporting

    def encode(self, captions):
        """Returns the sentence vectors of captions.

        Args:
            captions: Sequence of strings.

        Returns:
            float32 array `(n, sentence_dim)`.

        Raises:
            ValueError: If the model has no text encoder, or a caption is
                empty.
        """
        raise ValueError(
            "This model has no text encoder; give `sentence_vectors`. "
            f"Received: captions={captions!r}"
        )

    def generate(
        self,
        captions=None,
        sentence_vectors=None,
        seed=None,
        batch_size=64,
        truncation=None,
    ):
        """Generates images from captions or sentence vectors.

        Args:
            captions: Sequence of strings, one for each image, if the model
                has a text encoder.
            sentence_vectors: Float array `(n, sentence_dim)`, instead of
                captions.
            seed: int or `None`. The same seed gives the same images,
                whatever the batch size, and in the exported model too, to
                rounding, which may change single values by one grey level.
                Defaults to a random seed.
            batch_size: int. How many to generate at once. Defaults to `64`.
            truncation: float in [-1, 1] or `None`. Psi: closer to zero,
                images are more typical and less diverse. Defaults to `None`, no
                truncation.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If an argument is invalid.
        """
        if (captions is None) == (sentence_vectors is None):
            raise ValueError(
                "`generate` takes either `captions` or `sentence_vectors`. "
                f"Received: {'neither' if captions is None else 'both'}"
            )
        if captions is not None:
            sentence_vectors = self.encode(captions)
        vectors = np.asarray(sentence_vectors, "float32")
        self.check_vectors(vectors)
        return self.generate_images(None, vectors, seed, batch_size, truncation)

    def signatures(self):
        def from_vectors(latents, vectors):
            return {"images": self.to_samples(self((latents, vectors)))}

        latents = tf.TensorSpec((None, self.latent_dim), "float32", "latents")
        return {
            **super().signatures(),
            "from_vectors": (from_vectors, [latents, self.vectors_spec]),
        }


class CaptionGAN(VectorGAN):
    """Base class of the models that map captions to images.

    Args:
        vocabulary: Sequence of words that the text encoder knows; `words_of`
            extracts those of captions.
        caption_length: int. Number of words that the text encoder reads;
            further words of a caption are ignored. Defaults to `32`.
        encoder_width: int. Units of the text encoder, and maximum number of
            feature maps of the image encoder, where one is trained with it.
            Defaults to `256`.
        **kwargs: See `VectorGAN`: `sentence_dim`, `latent_dim`, `ema_decay`,
            `seed`, `name`, `dtype`.

    Training data:
        A dataset of pairs: image batches, float32 in `[-1, 1]`, and captions,
        strings `(batch,)`.

    Raises:
        ValueError: If the vocabulary is empty or repeats a word, or a size
            is not positive.
    """

    def __init__(
        self, vocabulary, caption_length=32, encoder_width=256, **kwargs
    ):
        checks.positive(
            caption_length=caption_length, encoder_width=encoder_width
        )
        self.vocabulary = checks.vocabulary(vocabulary)
        self.caption_length = caption_length
        self.encoder_width = encoder_width
        super().__init__(**kwargs)

    def build_networks(self):
        super().build_networks()
        self.build_encoders()

    def build_encoders(self):
        """Sets the text encoder, and what is trained with it."""
        tokenizer = build_tokenizer(
            vocabulary=list(self.vocabulary),
            output_sequence_length=self.caption_length,
        )
        tokenizer.build((None,))
        # In a namespace, so that Keras does not track it as a part of the
        # step, where XLA could not compile it.
        self._text = types.SimpleNamespace(tokenizer=tokenizer)
        self.text_encoder = build_text_encoder(
            len(self.vocabulary),
            self.caption_length,
            self.encoder_width,
            self.sentence_dim,
        )

    @property
    def tokenizer(self):
        """The layer that maps captions to word indices."""
        return self._text.tokenizer

    @property
    def lookup_layers(self):
        return [self.tokenizer]

    @property
    def condition_spec(self):
        return tf.TensorSpec((None,), "string", "captions")

    def encode_condition(self, captions):
        return self.text_encoder(self.tokenizer(captions))

    def sentence_vectors(self, tokens):
        return self.text_encoder(tokens)

    # Training data

    def to_dataset(self, *args, **kwargs):
        return self._with_tokens(super().to_dataset(*args, **kwargs))

    def to_evaluation_dataset(self, *args, **kwargs):
        return self._with_tokens(super().to_evaluation_dataset(*args, **kwargs))

    def _with_tokens(self, dataset):
        """Returns the dataset with tokens instead of captions.

        XLA does not support strings within a step.
        """
        spec = getattr(dataset, "element_spec", None)
        if not isinstance(spec, tuple) or len(spec) != 2:
            return dataset
        if spec[1].dtype != tf.string or spec[1].shape.rank != 1:
            return dataset
        shape = (spec[1].shape[0], self.caption_length)
        return dataset.map(
            lambda images, captions: (
                images,
                tf.ensure_shape(self.tokenizer(captions), shape),
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )

    def rules(self, batch):
        tokens = batch[1]
        holds = tf.reduce_all(tf.reduce_any(tokens != 0, axis=1))
        text = (
            "Captions must have at least one word in every batch, not in the "
            "first one alone. Received: {} without one"
        )
        empty = tf.reduce_all(tokens == 0, axis=1)
        values = [tf.reduce_sum(tf.cast(empty, "int32"))]
        return [*super().rules(batch), (holds, text, values)]

    def check_text(self, text):
        if not text.dtype.is_integer or text.shape.rank != 2:
            raise ValueError(
                "This model has a text encoder and is trained on captions, "
                "one string for each image. Received: text of type "
                f"{text.dtype.name}, shape {tuple(text.shape)}"
            )
        check_tokens(text)

    # Sampling and exporting

    def encode(self, captions):
        """Returns the sentence vectors of captions, for `generate`.

        Args:
            captions: Sequence of strings, each with at least one word.

        Returns:
            float32 array `(n, sentence_dim)`.

        Raises:
            ValueError: If there are no captions, or one is empty.

        Example:
        ```python
        first, second = gan.encode(["a red bird", "a blue bird"])
        gan.generate(sentence_vectors=[first, (first + second) / 2], seed=0)
        ```
        """
        if (
            np.ndim(captions) != 1
            or len(captions) == 0
            or not all(isinstance(c, str) for c in captions)
        ):
            raise ValueError(
                "`captions` must be a sequence of strings, one for each "
                f"image. Received: captions={captions!r}"
            )
        tokens = self.tokenizer(tf.constant(list(captions)))
        check_tokens(tokens)
        return self.text_encoder(tokens).numpy()

    def signatures(self):
        def encode(captions):
            return {"sentence_vectors": self.encode_condition(captions)}

        return {
            **super().signatures(),
            "encode": (encode, [self.condition_spec]),
        }


class TextGAN(CaptionGAN):
    """Base class of the models that also train their text encoder.

    `fit` trains the text encoder in the discriminator step, on `text_loss`
    only (see `text_encoder`); no pretraining is needed.

    Args:
        **kwargs: See `CaptionGAN`: `vocabulary`, `caption_length`,
            `encoder_width`.
    """

    loss_names = ("d_loss", "g_loss", "match_loss")
    # The discriminator's optimizer also trains the encoders: they need the same
    # settings, and moments are kept per weight.
    discriminator_names = ("discriminator", "text_encoder", "image_encoder")

    def build_encoders(self):
        self.image_encoder = build_image_encoder(
            self.image_shape, self.encoder_width, self.sentence_dim
        )
        super().build_encoders()

    def text_loss(self, images, tokens):
        """Returns the loss of the text and image encoders, per image.

        Args:
            images: Float tensor `(batch, height, width, channels)` in
                `[-1, 1]`.
            tokens: Integer tensor `(batch, caption_length)`, the captions.

        Returns:
            Float tensor `(batch,)`, never negative.
        """
        return symmetric_matching_loss(
            self.image_encoder(images, training=True),
            self.text_encoder(tokens, training=True),
            tokens,
        )
