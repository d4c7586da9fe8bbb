"""GAN-CLS: images from sentences, with GAN-INT between the sentences.

Reed, Akata, Yan, Logeswaran, Schiele and Lee, "Generative Adversarial Text to
Image Synthesis", 2016. https://arxiv.org/abs/1605.05396

A sentence becomes a vector, the vector a short projection, and the projection
joins the noise in the generator and the last feature maps in the
discriminator. A discriminator that sees only real images with their captions
and fakes would learn to look at the image alone, so it gets a third pair to
refuse, a real image with another's caption (Algorithm 1, "matching-aware"):

    s_r = D(x, h)    s_w = D(x, wrong h)    s_f = D(G(z, h), h)
    L_D = log s_r + (log(1 - s_w) + log(1 - s_f)) / 2

GAN-INT (section 4.3) also asks the generator for images of sentences halfway
between two captions, for which there is no image; the discriminator judges
whether picture and sentence agree.

Networks and constants are those of the authors' Torch release, with its
residual bottlenecks and, in the discriminator, normalized projection.

Sentence vectors are either ready-made, from any encoder, or those of a text
encoder of the model's own: words, embedding, GRU, mean over the words, and
unit deviation like the noise. It learns as the paper's (section 3.2 and Reed
et al., "Learning Deep Representations of Fine-Grained Visual Descriptions",
2016): an image and its caption must have a larger inner product, by a margin,
than the image and other captions, and the caption and other images.

Differences from the paper: the own text encoder reads words instead of
characters, and learns in the same steps as the GAN instead of beforehand, so
that `fit` is all there is to call; only the matching loss reaches it, and it
comes to rest when the margins are kept. The wrong caption is that of the
previous image of the batch and not one of another class, because there are
no classes; where the two captions are equal that pair is left out, since it
is not wrong. Convolutions have no bias (the release sets theirs to zero at
each step), nor has the projection that is normalized. Captions are not
averaged by fours. Images are drawn by a moving average of the generator.
"""

import functools
import types

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kerasgan import data, losses
from kerasgan.layers.normalization import batch_normalization
from kerasgan.models.base import (
    LatentGAN,
    as_seed,
    check_not_negative,
    check_positive,
    check_power_of_two,
    describe_batch,
)
from kerasgan.optimizers import Adam
from kerasgan.penalties import scores_and_r1

# Of the authors' release. A config and not an object, which would give the
# same numbers to every layer.
INITIALIZER = {"class_name": "RandomNormal", "config": {"stddev": 0.02}}


@keras.saving.register_keras_serializable(package="kerasgan")
class GANCLS(LatentGAN):
    """Text-to-image GAN for square images.

    Args:
        image_size: int. Height and width, a power of two from 16.
        channels: int. 1 for grey images, 3 for color. Defaults to `3`.
        generator_width: int. The generator's feature maps at half the image
            size; each halving of resolution doubles them. Defaults to `128`.
        discriminator_width: int. The discriminator's feature maps at half
            the image size, doubled likewise. Defaults to `64`.
        latent_dim: int. Length of the noise vector. Defaults to `100`.
        sentence_dim: int. Length of the sentence vectors. Defaults to `1024`.
        projection_dim: int. Length of what each network makes of a sentence
            vector. Defaults to `128`.
        vocabulary: Sequence of words, or `None`. With words, the model has a
            text encoder of its own and learns from captions; `words_of`
            finds them. Without, it learns from sentence vectors. Defaults
            to `None`.
        caption_length: int. Words of a caption that the text encoder reads.
            Defaults to `32`.
        encoder_width: int. Units of the text encoder, and the most feature
            maps of the image encoder that it learns with. Defaults to `256`.
        halve_every: int. Epochs after which both learning rates are halved,
            again and again. Defaults to `100`.
        r1_gamma: float. Weight of the R1 penalty, as in `DCGAN`; not in the
            paper. Defaults to `0.0`, none.
        synchronized: bool. Whether batch statistics are taken over all
            replicas. Defaults to `False`.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        inputs: Pair of latents, float tensor `(batch, latent_dim)` from a
            unit normal, and sentence vectors, float tensor
            `(batch, sentence_dim)`.

    Returns:
        Float tensor `(batch, image_size, image_size, channels)` in
        `[-1, 1]`, made by the averaged generator.

    Raises:
        ValueError: If `image_size` is not a power of two of at least 16,
            another size is not positive, or the vocabulary is empty or has
            a word twice.

    Training data:
        A dataset of pairs: image batches, float32 in `[-1, 1]`, and captions,
        strings `(batch,)`, or without a vocabulary sentence vectors, floats
        `(batch, sentence_dim)`. These should be about as large as the noise,
        of unit deviation: smaller ones are learned from more slowly.

    Example:
    ```python
    gan = GANCLS(image_size=64, vocabulary=words_of(captions))
    gan.compile()
    gan.fit(images, captions, epochs=600)
    images = gan.generate(captions=["a red bird with short wings"], seed=0)
    ```

    Reference:
        [Reed et al., 2016](https://arxiv.org/abs/1605.05396);
        [Reed et al., 2016](https://arxiv.org/abs/1605.05395), section 3.
    """

    task = "text-to-image"

    def __init__(
        self,
        image_size,
        channels=3,
        generator_width=128,
        discriminator_width=64,
        latent_dim=100,
        sentence_dim=1024,
        projection_dim=128,
        vocabulary=None,
        caption_length=32,
        encoder_width=256,
        halve_every=100,
        r1_gamma=0.0,
        synchronized=False,
        **kwargs,
    ):
        check_power_of_two(
            "image_size",
            image_size,
            16,
            "because each block halves it until 4 pixels remain",
        )
        for name, value in (
            ("channels", channels),
            ("generator_width", generator_width),
            ("discriminator_width", discriminator_width),
            ("sentence_dim", sentence_dim),
            ("projection_dim", projection_dim),
            ("caption_length", caption_length),
            ("encoder_width", encoder_width),
            ("halve_every", halve_every),
        ):
            check_positive(name, value)
        check_not_negative("r1_gamma", r1_gamma)
        if vocabulary is not None:
            vocabulary = tuple(vocabulary)
            if not 0 < len(vocabulary) == len(set(vocabulary)):
                raise ValueError(
                    "`vocabulary` must hold at least one word and none "
                    f"twice. Received: {len(vocabulary)} words, "
                    f"{len(set(vocabulary))} different"
                )
        super().__init__(latent_dim=latent_dim, **kwargs)
        self.image_size = image_size
        self.channels = channels
        self.generator_width = generator_width
        self.discriminator_width = discriminator_width
        self.sentence_dim = sentence_dim
        self.projection_dim = projection_dim
        self.vocabulary = vocabulary
        self.caption_length = caption_length
        self.encoder_width = encoder_width
        self.halve_every = halve_every
        self.r1_gamma = r1_gamma
        self.synchronized = synchronized
        self.image_shape = (image_size, image_size, channels)
        with self.dtype_scope():
            self.generator = build_generator(
                image_size,
                channels,
                generator_width,
                latent_dim,
                sentence_dim,
                projection_dim,
                synchronized,
            )
            self.discriminator = build_discriminator(
                image_size,
                channels,
                discriminator_width,
                sentence_dim,
                projection_dim,
                synchronized,
            )
            if vocabulary:
                self.image_encoder = build_image_encoder(
                    self.image_shape, encoder_width, sentence_dim
                )
        if vocabulary:
            tokenizer = build_tokenizer(
                vocabulary=list(vocabulary),
                output_sequence_length=caption_length,
            )
            tokenizer.build((None,))
            # Not an attribute of its own, so that Keras does not take it for
            # a part of the step, where XLA could not compile it.
            self._text = types.SimpleNamespace(tokenizer=tokenizer)
            self.text_encoder = build_text_encoder(
                len(vocabulary), caption_length, encoder_width, sentence_dim
            )
            self.loss_names = (*self.loss_names, "match_loss")
            self.trackers.append(keras.metrics.Mean(name="match_loss"))
        self.finish_building()

    @classmethod
    def paper(cls, **changes):
        """Returns the networks for birds and flowers, at 64x64.

        They take the 1024 numbers of the paper's frozen text encoder, unless
        there is a `vocabulary`.

        Args:
            **changes: Arguments to set otherwise.
        """
        return cls(**{"image_size": 64, **changes})

    @property
    def tokenizer(self):
        """The layer that makes word numbers of captions."""
        return self._text.tokenizer

    @property
    def discriminator_names(self):
        # The encoders learn by the discriminator's optimizer, whose settings
        # they share; each weight has moments of its own.
        encoders = ("text_encoder", "image_encoder") if self.vocabulary else ()
        return ("discriminator", *encoders)

    def default_optimizers(self):
        # Section 5.
        return (
            Adam(2e-4, beta_1=0.5),
            Adam(2e-4, beta_1=0.5),
        )

    def training_callbacks(self):
        return [HalveLearningRates(self.halve_every)]

    def train_step(self, batch):
        real_images, captions = batch
        batch_size = tf.shape(real_images)[0]
        vectors = self.sentence_vectors(captions)

        # Wrong text: everybody gets the caption of the row before.
        all_captions = rows_of_all_replicas(captions)
        all_vectors = rows_of_all_replicas(vectors)
        wrong_vectors = own_rows(tf.roll(all_vectors, 1, axis=0), batch_size)
        wrong_captions = own_rows(tf.roll(all_captions, 1, axis=0), batch_size)
        differs = tf.reduce_any(captions != wrong_captions, axis=1)
        is_wrong = tf.cast(differs, "float32")[:, None]

        # Discriminator (Algorithm 1): accept only a real image with its own
        # text. Three separate passes, so that batch statistics never mix.
        latents = self.sample_latents(batch_size)
        fake_images = self.generator((latents, vectors), training=True)
        with tf.GradientTape() as tape:
            right_scores, penalty = scores_and_r1(
                lambda images: self.discriminator(
                    (images, vectors), training=True
                ),
                real_images,
                self.r1_gamma,
            )
            wrong_scores = self.discriminator(
                (real_images, wrong_vectors), training=True
            )
            fake_scores = self.discriminator(
                (fake_images, vectors), training=True
            )
            d_loss = tf.reduce_mean(
                losses.real_loss(right_scores)
                + 0.5 * is_wrong * losses.fake_loss(wrong_scores)
                + 0.5 * losses.fake_loss(fake_scores)
            ) + tf.reduce_mean(penalty)
            report = {"d_loss": d_loss}
            total = d_loss
            if self.vocabulary:
                report["match_loss"] = tf.reduce_mean(
                    self.match(real_images, captions, all_captions)
                )
                total += report["match_loss"]
        self.minimize(
            tape, total, self.discriminators, self.discriminator_optimizer
        )

        # Generator: also for sentences halfway between two of the batch
        # (equation 5 with beta 0.5), half as many as there are captions.
        half = tf.shape(all_vectors)[0] // 2
        between = 0.5 * (all_vectors[:half] + all_vectors[half : 2 * half])
        more_vectors = tf.concat(
            [vectors, own_rows(between, batch_size // 2)], axis=0
        )
        more_latents = tf.concat(
            [
                self.sample_latents(batch_size),
                self.sample_latents(batch_size // 2),
            ],
            axis=0,
        )
        with tf.GradientTape() as tape:
            fake_images = self.generator(
                (more_latents, more_vectors), training=True
            )
            fake_scores = self.discriminator(
                (fake_images, more_vectors), training=True
            )
            g_loss = tf.reduce_mean(
                losses.non_saturating_generator_loss(fake_scores)
            )
        self.minimize(tape, g_loss, self.generator, self.generator_optimizer)
        self.update_average(inputs=(latents, vectors))

        return self.report(g_loss=g_loss, **report)

    def match(self, images, tokens, all_tokens):
        """Returns how far images and captions are from finding each other.

        Args:
            images: Float tensor `(batch, height, width, channels)` in
                `[-1, 1]`.
            tokens: Integer tensor `(batch, caption_length)`, their captions.
            all_tokens: Integer tensor, the captions on all replicas.

        Returns:
            Float tensor `(batch,)`, never negative.
        """
        image_vectors = self.image_encoder(images, training=True)
        text_vectors = self.text_encoder(tokens, training=True)
        # [row, row on any replica]
        is_other = tf.reduce_any(tokens[:, None] != all_tokens[None], axis=2)
        return matching_loss(
            image_vectors,
            text_vectors,
            rows_of_all_replicas(text_vectors),
            is_other,
        ) + matching_loss(
            text_vectors,
            image_vectors,
            rows_of_all_replicas(image_vectors),
            is_other,
        )

    # Text

    def sentence_vectors(self, captions):
        """Returns what the two networks are told.

        Args:
            captions: Integer tensor `(batch, caption_length)` from
                `tokenizer`, or without a vocabulary float tensor
                `(batch, sentence_dim)`.

        Returns:
            Float32 tensor `(batch, sentence_dim)`.
        """
        if self.vocabulary:
            return self.text_encoder(captions)
        return tf.cast(captions, "float32")

    def encode(self, captions):
        """Returns the sentence vectors of captions, for `generate`.

        Args:
            captions: Sequence of strings, none without a word.

        Returns:
            float32 array `(n, sentence_dim)`.

        Raises:
            ValueError: If the model has no text encoder, or there is nothing
                to encode.

        Example:
        ```python
        first, second = gan.encode(["a red bird", "a blue bird"])
        gan.generate(sentence_vectors=[first, (first + second) / 2], seed=0)
        ```
        """
        if not self.vocabulary:
            raise ValueError(
                "This model has no text encoder, because it was made without "
                "a `vocabulary`; give `sentence_vectors`. "
                f"Received: captions={captions!r}"
            )
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

    def generate(
        self,
        captions=None,
        sentence_vectors=None,
        seed=None,
        batch_size=64,
        truncation=None,
    ):
        """Returns new images of what captions say.

        Args:
            captions: Sequence of strings, one for each image, if the model
                has a text encoder.
            sentence_vectors: Float array `(n, sentence_dim)`, instead of
                captions.
            seed: int or `None`. The same seed gives the same images,
                whatever the batch size, and in the exported model too.
                Defaults to fresh ones.
            batch_size: int. How many to make at once. Defaults to `64`.
            truncation: float in [-1, 1] or `None`. Psi: nearer to zero,
                images are more usual and more alike. Defaults to `None`, no
                truncation.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If the arguments make no sense.
        """
        if (captions is None) == (sentence_vectors is None):
            raise ValueError(
                "`generate` takes either `captions` or `sentence_vectors`. "
                f"Received: {'neither' if captions is None else 'both'}"
            )
        if captions is not None:
            sentence_vectors = self.encode(captions)
        sentence_vectors = np.asarray(sentence_vectors, "float32")
        self.check_vectors(sentence_vectors)
        latents = self.truncated_latents(
            as_seed(seed), len(sentence_vectors), truncation
        )
        return self.run_in_batches((latents, sentence_vectors), batch_size)

    def check_vectors(self, vectors):
        """Refuses what are not sentence vectors of this model.

        Args:
            vectors: Array or eager tensor.

        Raises:
            ValueError: If they are not.
        """
        data.check_captions(vectors, "sentence_vectors")
        if len(vectors) == 0 or vectors.shape[1] != self.sentence_dim:
            raise ValueError(
                "`sentence_vectors` must have shape (batch, "
                f"{self.sentence_dim}), at least one. "
                f"Received: shape={tuple(vectors.shape)}"
            )

    # Training data

    def _dataset(self, x, y, batch_size):
        return self._with_tokens(super()._dataset(x, y, batch_size))

    def evaluate(self, x=None, *args, **kwargs):
        return super().evaluate(self._with_tokens(x), *args, **kwargs)

    def _with_tokens(self, dataset):
        """Returns the dataset with tokens for captions.

        They are made here because a step compiled by XLA knows no strings.
        """
        spec = getattr(dataset, "element_spec", None)
        if not isinstance(spec, tuple) or len(spec) != 2:
            return dataset
        if spec[1].dtype != tf.string or spec[1].shape.rank != 1:
            return dataset
        if not self.vocabulary:
            raise ValueError(
                "This model has no text encoder and learns from sentence "
                "vectors; to learn from captions, make it with "
                "`vocabulary=words_of(captions)`. Received: strings"
            )
        shape = (spec[1].shape[0], self.caption_length)
        return dataset.map(
            lambda images, captions: (
                images,
                tf.ensure_shape(self.tokenizer(captions), shape),
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )

    def check_batch(self, batch):
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise ValueError(
                "The training data must be pairs `(images, captions)`. "
                f"Received: {describe_batch(batch)}"
            )
        images, captions = batch
        data.check_images(images, self.image_shape)
        if len(images) < 2:
            raise ValueError(
                "A batch must hold at least two images, because each takes "
                "the other's caption for a wrong one. Received: a batch of 1"
            )
        data.check_same_length(images, captions, ("images", "captions"))
        if not self.vocabulary:
            self.check_vectors(captions)
        elif captions.dtype.is_integer and captions.shape.rank == 2:
            check_tokens(captions)
        else:
            raise ValueError(
                "This model has a text encoder and learns from captions, one "
                "string for each image; without a `vocabulary` it would take "
                f"sentence vectors. Received: {describe_batch(batch)}"
            )

    def images_to_compare(self, batch):
        images, captions = batch
        latents = self.sample_latents(tf.shape(images)[0])
        return images, self((latents, self.sentence_vectors(captions)))

    # Exporting

    def signatures(self):
        def from_vectors(latents, sentence_vectors):
            return {"images": data.to_uint8(self((latents, sentence_vectors)))}

        def from_captions(latents, captions):
            vectors = self.text_encoder(self.tokenizer(captions))
            return from_vectors(latents, vectors)

        vectors = tf.TensorSpec(
            (None, self.sentence_dim), "float32", "sentence_vectors"
        )
        if self.vocabulary:
            text = tf.TensorSpec((None,), "string", "captions")
            from_text = from_captions
        else:
            text, from_text = vectors, from_vectors

        def sample(seed, text):
            return from_text(self.seeded_latents(seed, tf.shape(text)[0]), text)

        def encode(captions):
            vectors = self.text_encoder(self.tokenizer(captions))
            return {"sentence_vectors": vectors}

        latents = tf.TensorSpec((None, self.latent_dim), "float32", "latents")
        seed = tf.TensorSpec((), "int64", "seed")
        return {
            "serving_default": (from_text, [latents, text]),
            "sample": (sample, [seed, text]),
            "from_vectors": (from_vectors, [latents, vectors]),
            **({"encode": (encode, [text])} if self.vocabulary else {}),
        }

    def score_signatures(self):
        def scores(images, captions):
            if self.vocabulary:
                captions = self.tokenizer(captions)
            pairs = (data.to_float(images), self.sentence_vectors(captions))
            return {"scores": self.discriminator(pairs)[:, 0]}

        _, specs = self.signatures()["sample"]
        return {"scores": (scores, [self.images_spec, specs[1]])}

    @property
    def layers_with_tables(self):
        return [self.tokenizer] if self.vocabulary else []


class HalveLearningRates(keras.callbacks.Callback):
    """Halves both learning rates, again and again.

    The halved rate is kept with the optimizer, so training that goes on at a
    later epoch goes on with it. Optimizers with schedules of their own are
    left alone.

    Args:
        every: int. Epochs between.
    """

    def __init__(self, every):
        super().__init__()
        self.every = every

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0 or epoch % self.every:
            return
        for optimizer in (
            self.model.generator_optimizer,
            self.model.discriminator_optimizer,
        ):
            rate = optimizer.learning_rate
            if isinstance(rate, keras.Variable):
                optimizer.learning_rate = float(rate) / 2


def words_of(captions, size=None):
    """Returns the words of captions, the most frequent first.

    Args:
        captions: Sequence of strings.
        size: int or `None`. How many words at most; the others will all be
            read as the same unknown word. Defaults to all.

    Returns:
        Tuple of str, lower case and without punctuation.
    """
    tokenizer = build_tokenizer(max_tokens=None if size is None else size + 2)
    tokenizer.adapt(tf.constant(list(captions)))
    # The first two stand for the end of a caption and an unknown word.
    return tuple(str(word) for word in tokenizer.get_vocabulary()[2:])


def check_tokens(tokens):
    """Refuses captions without a word.

    Args:
        tokens: Integer tensor `(batch, caption_length)`, eager.

    Raises:
        ValueError: With how many there are, and where the first one is.
    """
    empty = np.flatnonzero(~tf.reduce_any(tokens != 0, axis=1).numpy())
    if empty.size:
        raise ValueError(
            "`captions` must not be empty: each needs at least one word. "
            f"Received: {empty.size} empty of {len(tokens)}, the first at "
            f"{empty[0]}. Drop those images or describe them."
        )


def rows_of_all_replicas(tensor):
    """Returns the rows of the global batch, in order.

    Args:
        tensor: Tensor `(batch, ...)`, the rows of this replica.

    Returns:
        Tensor `(batch * replicas, ...)`; gradients flow back to the replicas
        that the rows are from.
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return tensor
    return context.all_gather(tensor, axis=0)


def own_rows(tensor, rows):
    """Returns this replica's share of the global batch.

    Args:
        tensor: Tensor `(rows * replicas, ...)`.
        rows: Integer scalar. How many this replica has.

    Returns:
        Tensor `(rows, ...)`.
    """
    context = tf.distribute.get_replica_context()
    first = context.replica_id_in_sync_group * rows
    return tensor[first : first + rows]


def matching_loss(vectors, partners, all_partners, is_other):
    """Returns by how much others come too near, per row, on average.

    The mean over the others of max(0, 1 + F(v, t) - F(v, own t)) with the
    inner product for F.

    Args:
        vectors: Float tensor `(batch, sentence_dim)`.
        partners: Float tensor of the same shape: the one that each belongs
            to.
        all_partners: Float tensor `(all, sentence_dim)`: these and others.
        is_other: Boolean tensor `(batch, all)`: whether the partner is
            another one. Of equal captions none is.

    Returns:
        Float tensor `(batch,)`, never negative.

    Reference:
        [Reed et al., 2016](https://arxiv.org/abs/1605.05395), equations 3-5.
    """
    own = tf.reduce_sum(vectors * partners, axis=1, keepdims=True)
    scores = tf.matmul(vectors, all_partners, transpose_b=True)
    weights = tf.cast(is_other, scores.dtype)
    too_near = weights * tf.nn.relu(1.0 + scores - own)
    others = tf.maximum(tf.reduce_sum(weights, axis=1), 1.0)
    return tf.reduce_sum(too_near, axis=1) / others


@keras.saving.register_keras_serializable(package="kerasgan")
class MeanOfWords(layers.Layer):
    """Averages over the words of each sentence, not over the empty places.

    Keras' own average gives NaN for a sentence without words.

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
    """Captions to word numbers; 0 is no word and 1 an unknown one."""
    return layers.TextVectorization(
        standardize="lower_and_strip_punctuation",
        split="whitespace",
        name="tokenizer",
        **kwargs,
    )


def build_text_encoder(num_words, length, width, sentence_dim):
    """Word numbers to a sentence vector."""
    # Float32 throughout: it is small, and loops over words gain nothing.
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    x = layers.Embedding(
        num_words + 2, width, mask_zero=True, dtype="float32", name="words"
    )(tokens)
    x = layers.GRU(width, return_sequences=True, dtype="float32", name="gru")(x)
    x = MeanOfWords(dtype="float32", name="mean")(x)
    x = layers.Dense(sentence_dim, dtype="float32", name="sentence")(x)
    # The matching loss leaves open how long vectors are: what is short in a
    # sentence can be long in an image. Beside noise of unit deviation the
    # generator would not hear short ones.
    x = layers.LayerNormalization(
        epsilon=1e-8, center=False, scale=False, dtype="float32", name="unit"
    )(x)
    return keras.Model(tokens, x, name="text_encoder")


def build_image_encoder(image_shape, width, sentence_dim):
    """An image to a vector near those of the sentences that describe it."""
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


def bottleneck(x, activation, synchronized, name):
    """A residual block that is narrow inside.

    Args:
        x: Keras tensor `(batch, size, size, maps)`, not yet activated.
        activation: Callable from a name to a new activation layer.
        synchronized: bool. See `GANCLS`.
        name: str. End of the layers' names.

    Returns:
        Keras tensor of the same shape, activated.
    """
    conv = functools.partial(
        layers.Conv2D,
        padding="same",
        use_bias=False,
        kernel_initializer=INITIALIZER,
    )
    maps = x.shape[-1]
    narrow = max(maps // 4, 1)
    y = conv(narrow, 1, name=f"narrow_{name}")(x)
    y = batch_normalization(f"norm_narrow_{name}", synchronized)(y)
    y = activation(f"active_narrow_{name}")(y)
    y = conv(narrow, 3, name=f"inside_{name}")(y)
    y = batch_normalization(f"norm_inside_{name}", synchronized)(y)
    y = activation(f"active_inside_{name}")(y)
    y = conv(maps, 3, name=f"wide_{name}")(y)
    y = batch_normalization(f"norm_wide_{name}", synchronized)(y)
    x = layers.Add(name=f"add_{name}")([x, y])
    return activation(f"active_{name}")(x)


def relu(name):
    return layers.ReLU(name=name)


def leaky(name):
    return layers.LeakyReLU(0.2, name=name)


def build_generator(
    image_size,
    channels,
    width,
    latent_dim,
    sentence_dim,
    projection_dim,
    synchronized,
):
    """Latents and a sentence vector to an image in `[-1, 1]`."""
    up = functools.partial(
        layers.Conv2DTranspose,
        kernel_size=4,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer=INITIALIZER,
    )
    dense = functools.partial(layers.Dense, kernel_initializer=INITIALIZER)
    latents = keras.Input((latent_dim,), name="latents")
    sentences = keras.Input((sentence_dim,), name="sentence_vectors")
    text = dense(projection_dim, name="project_text")(sentences)
    text = leaky("leaky_text")(text)
    x = layers.Concatenate(name="join")([latents, text])
    filters = width * image_size // 8
    # The 4x4 transposed convolution of a single pixel.
    x = dense(4 * 4 * filters, use_bias=False, name="project")(x)
    x = layers.Reshape((4, 4, filters), name="maps_4")(x)
    x = batch_normalization("norm_4", synchronized)(x)
    x = bottleneck(x, relu, synchronized, "4")
    size = 8
    while size < image_size:
        filters //= 2
        x = up(filters, name=f"up_{size}")(x)
        x = batch_normalization(f"norm_{size}", synchronized)(x)
        if size == 8:
            x = bottleneck(x, relu, synchronized, "8")
        else:
            x = relu(f"relu_{size}")(x)
        size *= 2
    x = up(channels, name="to_image")(x)
    # Float32, so that mixed precision does not round the image.
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model((latents, sentences), images, name="generator")


def build_discriminator(
    image_size, channels, width, sentence_dim, projection_dim, synchronized
):
    """An image and a sentence vector to one unbounded score, high for real."""
    conv = functools.partial(
        layers.Conv2D,
        padding="same",
        use_bias=False,
        kernel_initializer=INITIALIZER,
    )
    dense = functools.partial(
        layers.Dense, use_bias=False, kernel_initializer=INITIALIZER
    )
    images = keras.Input((image_size, image_size, channels), name="images")
    sentences = keras.Input((sentence_dim,), name="sentence_vectors")
    x = images
    filters, size = width, image_size // 2
    while size >= 4:
        x = conv(filters, 4, 2, name=f"down_{size}")(x)
        if size < image_size // 2:  # No normalization on the first layer.
            x = batch_normalization(f"norm_{size}", synchronized)(x)
        if size > 4:
            x = leaky(f"leaky_{size}")(x)
        filters, size = filters * 2, size // 2
    filters //= 2
    x = bottleneck(x, leaky, synchronized, "4")

    text = dense(projection_dim, name="project_text")(sentences)
    text = batch_normalization("norm_text", synchronized)(text)
    text = leaky("leaky_text")(text)
    text = layers.Reshape((1, 1, projection_dim), name="text")(text)
    text = layers.UpSampling2D(4, name="text_maps")(text)

    x = layers.Concatenate(name="join")([x, text])
    x = conv(filters, 1, name="joint")(x)
    x = batch_normalization("norm_joint", synchronized)(x)
    x = leaky("leaky_joint")(x)
    # The last 4x4 valid convolution, written as the dense layer that it is.
    x = layers.Flatten(name="flatten")(x)
    scores = dense(1, dtype="float32", name="score")(x)
    return keras.Model((images, sentences), scores, name="discriminator")
