"""SeqGAN: sentences, sampled word by word, trained by a policy gradient.

Yu, Zhang, Wang and Yu, "SeqGAN: Sequence Generative Adversarial Nets with
Policy Gradient", 2017. https://arxiv.org/abs/1609.05473

Words are discrete, so the discriminator has no gradient at them. The generator
is a policy instead: each word is an action, and the reward of a whole sentence
is the probability that the discriminator takes it for real. The reward of a
word within a sentence is the mean reward of sentences that a rollout policy
completes from there (equation 4, Monte Carlo search); the gradient is that of
the log-likelihoods of the words, weighted by their rewards (equation 8).

Before that, the generator learns by maximum likelihood (`SeqGAN.pretrain`), and
the discriminator learns to distinguish its sentences from real ones
(`SeqGAN.pretrain_discriminator`).

A falling NLL under an oracle, the score of the paper, proves little. The
rewards are probabilities, so all positive: every sampled word is reinforced,
whatever it is, and a generator that repeats a few likely words scores well.
`ConstantRewardSeqGAN` measures how much of a result that explains: there every
reward is one. `CenteredSeqGAN` subtracts the mean reward, which removes the
effect.

As in the authors' code: the loss is a sum over batch and positions, gradients
are clipped, rewards are not discounted, and the first word follows token 0,
which is also what follows the last word of a sentence.

Differences from the paper: a step of `fit` trains the discriminator
`discriminator_steps` times, each on real and new sampled sentences; the authors
take 5 times 3 passes over 10,000 sentences for each step of the generator. The
rollout policy follows the generator slowly: the authors' code says so too
(`update_rate`), but its graph, built once, never applied it; with
`rollout_decay=0.0`, as in `SeqGAN.paper`, rollouts are the generator's own, as
in their runs.
"""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kerasgan import checks, losses, random, replicas
from kerasgan.layers.dropout import Dropout, own_seed
from kerasgan.models import averaging, inputs
from kerasgan.models.sequences import SequenceGAN
from kerasgan.optimizers import Adam

# Pairs of a width in words and a number of filters.
FILTERS = (
    *((1, 100), (2, 200), (3, 200), (4, 200), (5, 200), (6, 100)),
    *((7, 100), (8, 100), (9, 100), (10, 100), (15, 160), (20, 160)),
)
# What the first word follows.
START = 0


@keras.saving.register_keras_serializable(package="kerasgan")
class SeqGAN(SequenceGAN):
    """Generates sentences word by word; trained by a policy gradient.

    Args:
        vocabulary: Sequence of words, none twice. Token `i + 1` is
            `vocabulary[i]`; token 0 is no word and ends a sentence.
        sequence_length: int. Number of tokens of a sequence. Defaults to
            `20`.
        embedding_dim: int. Length of the generator's word vectors. Defaults to
            `32`.
        units: int. Of the generator's LSTM. Defaults to `32`.
        discriminator_dim: int. Length of the discriminator's word vectors.
            Defaults to `64`.
        filters: Sequence of pairs of ints or `None`. Width in words and number
            of the discriminator's filters of that width. Defaults to those of
            the paper that are not wider than a sequence, `FILTERS`.
        dropout: float in [0, 1). Of the discriminator's features, in its own
            steps. Defaults to `0.25`.
        l2_weight: float. Weight of half the squared norm of the
            discriminator's last layer. Defaults to `0.2`.
        rollouts: int. Sentences that are completed from each word. Defaults to
            `16`.
        rollout_decay: float in [0, 1). What the rollout policy keeps of itself
            in each step; `0.0` makes it the generator. Defaults to `0.8`.
        discriminator_steps: int. Discriminator updates for each generator
            update; every batch is divided among them. Defaults to `15`.
        clip_norm: float. Greatest norm of the generator's gradient. Defaults
            to `5.0`.
        ema_decay: float in [0, 1). See `GAN`. Defaults to `0.0`, no average.
        **kwargs: See `GAN`: `seed`, `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, sequence_length)`, uniform in [0, 1).
            Each number selects a word of the distribution at its place.

    Returns:
        int32 tensor `(batch, sequence_length)` of tokens, from the averaged
        generator.

    Raises:
        ValueError: If the vocabulary repeats a word, a size is not positive, a
            filter is wider than a sequence, or another argument is out of
            range.

    Training data:
        A dataset of batches of tokens, integers `(batch, sequence_length)`;
        `tokens_of` converts sentences. The batch size must be divisible by
        `discriminator_steps`. The default batch size for arrays is
        `64 * discriminator_steps`.

    Example:
    ```python
    gan = SeqGAN(vocabulary=["a", "cat", "sees", "dog"], sequence_length=5)
    tokens = gan.tokens_of(["a cat sees a dog", "a dog"] * 500)
    gan.compile()
    gan.pretrain(tokens, epochs=20)
    gan.pretrain_discriminator(tokens, epochs=5)
    gan.fit(tokens, epochs=10)
    gan.generate(3, seed=0)  # three sentences
    ```

    Reference:
        [Yu et al., 2017](https://arxiv.org/abs/1609.05473)
    """

    loss_names = ("d_loss", "g_loss", "reward")
    part_names = ("tokens",)
    divided_among = "discriminator_steps"

    def __init__(
        self,
        vocabulary,
        sequence_length=20,
        embedding_dim=32,
        units=32,
        discriminator_dim=64,
        filters=None,
        dropout=0.25,
        l2_weight=0.2,
        rollouts=16,
        rollout_decay=0.8,
        discriminator_steps=15,
        clip_norm=5.0,
        ema_decay=0.0,
        **kwargs,
    ):
        checks.positive(
            sequence_length=sequence_length,
            embedding_dim=embedding_dim,
            units=units,
            discriminator_dim=discriminator_dim,
            rollouts=rollouts,
            discriminator_steps=discriminator_steps,
        )
        checks.decay(dropout=dropout, rollout_decay=rollout_decay)
        checks.weight(l2_weight=l2_weight, clip_norm=clip_norm)
        if clip_norm == 0.0:
            raise ValueError(
                "`clip_norm` must be positive, because all gradients would be "
                f"0. Received: clip_norm={clip_norm!r}"
            )
        self.embedding_dim = embedding_dim
        self.units = units
        self.discriminator_dim = discriminator_dim
        self.filters = check_filters(filters, sequence_length)
        self.dropout = dropout
        self.l2_weight = l2_weight
        self.rollouts = rollouts
        self.rollout_decay = rollout_decay
        self.discriminator_steps = discriminator_steps
        self.clip_norm = clip_norm
        super().__init__(
            vocabulary=vocabulary,
            sequence_length=sequence_length,
            ema_decay=ema_decay,
            **kwargs,
        )
        # Half precision would leave 256 different latents.
        self.autocast = False

    @property
    def latent_dim(self):
        """Length of the latent vectors: a number for each word."""
        return self.sequence_length

    def build_networks(self):
        self.generator = build_generator(
            self.num_tokens,
            self.sequence_length,
            self.embedding_dim,
            self.units,
        )
        self.discriminator = build_discriminator(
            self.num_tokens,
            self.sequence_length,
            self.discriminator_dim,
            self.filters,
            self.dropout,
            own_seed(self.seed, 1),
        )

    def build_averages(self):
        super().build_averages()
        self.rollout_generator = averaging.copy_of(
            self.average_generator, "rollout_generator"
        )

    @classmethod
    def paper(cls, **changes):
        """Returns the networks of the paper's synthetic experiment.

        4,999 words and token 0; rollouts by the generator itself, as in the
        authors' runs.

        Args:
            **changes: Arguments to override.
        """
        arguments = {
            "vocabulary": tuple(map(str, range(1, 5000))),
            "rollout_decay": 0.0,
        }
        return cls(**{**arguments, **changes})

    def default_optimizers(self):
        # The authors' code.
        return Adam(0.01), Adam(1e-4)

    def call(self, latents, training=False):
        return sampled(self.average_generator, latents)

    def to_samples(self, outputs):
        return outputs

    def sample_latents(self, batch_size):
        """Samples latents `(batch_size, sequence_length)` from [0, 1)."""
        shape = (batch_size, self.sequence_length)
        return random.uniform(self.seed_generator, shape)

    def seeded_inputs(self, seed, count):
        """Returns the inputs of a seed; a larger count only adds rows.

        Args:
            seed: Integer scalar.
            count: Integer scalar.

        Returns:
            Float32 tensor `(count, sequence_length)`, uniform in [0, 1).
        """
        return tf.random.stateless_uniform(
            (count, self.sequence_length), (seed, 0), alg="philox"
        )

    # Training

    def train_step(self, tokens):
        steps = self.discriminator_steps
        count = tf.shape(tokens)[0] // steps

        # Generator: make the words of well rewarded sentences more likely
        # (equation 8). What is sampled, and its rewards, are constants.
        actions = sampled(self.generator, self.sample_latents(count))
        rewards = self.rewards(actions)
        weights = self.advantages(rewards)
        with tf.GradientTape() as tape:
            losses_of_words = word_losses(self.generator, actions)
            # A sum over the batches of all replicas, and over positions.
            context = tf.distribute.get_replica_context()
            total = tf.cast(count * context.num_replicas_in_sync, "float32")
            g_loss = total * tf.reduce_mean(
                tf.reduce_sum(losses_of_words * weights, axis=1)
            )
        self.update_generators(tape, g_loss)
        self.update_average()
        averaging.follow(
            self.rollout_generator, self.generator, self.rollout_decay
        )

        # Discriminator: on each share of the batch, distinguish real sentences
        # from new ones.
        d_losses = [
            self.discriminator_step(inputs.share_of(tokens, step, steps))
            for step in range(steps)
        ]

        return self.report(
            d_loss=tf.reduce_mean(d_losses),
            g_loss=g_loss,
            reward=tf.reduce_mean(rewards),
        )

    def discriminator_step(self, real):
        """Trains the discriminator on real and equally many new sentences.

        Args:
            real: Integer tensor `(batch, sequence_length)`.

        Returns:
            Float scalar, the loss.
        """
        latents = self.sample_latents(tf.shape(real)[0])
        fake = sampled(self.generator, latents)
        with tf.GradientTape() as tape:
            d_loss = 0.5 * tf.reduce_mean(
                losses.real_loss(self.scores(real, training=True))
            ) + 0.5 * tf.reduce_mean(
                losses.fake_loss(self.scores(fake, training=True))
            )
            last = self.discriminator.get_layer("logits")
            for weight in last.trainable_variables:
                d_loss += self.l2_weight * tf.nn.l2_loss(
                    tf.convert_to_tensor(weight)
                )
        self.update_discriminators(tape, d_loss)
        return d_loss

    def update_generators(self, tape, loss):
        self.minimize(
            tape,
            loss,
            self.generators,
            self.generator_optimizer,
            self.clip_norm,
        )

    def scores(self, tokens, training=False):
        """Returns scores of sentences, the log-odds of being real.

        Args:
            tokens: Integer tensor `(batch, sequence_length)`.
            training: bool. Whether features are dropped. Defaults to `False`.

        Returns:
            Float32 tensor `(batch,)`.
        """
        logits = self.discriminator(tokens, training=training)
        return logits[:, 1] - logits[:, 0]

    def rewards(self, tokens):
        """Returns the reward of each word of sentences (equation 4).

        That of the last one is the probability of the sentence to be real;
        that of an earlier one the mean probability of `rollouts` sentences
        that begin with the words up to it.

        Args:
            tokens: Integer tensor `(batch, sequence_length)`.

        Returns:
            Float32 tensor `(batch, sequence_length)` in [0, 1].
        """
        count, length = tf.shape(tokens)[0], self.sequence_length
        latents = random.uniform(
            self.seed_generator, (count, self.rollouts, length - 1, length)
        )
        # Each sentence with 1 word given, with 2, and so on.
        sentences = tf.repeat(tokens, length - 1, axis=0)
        given = tf.tile(tf.range(1, length), [count])

        def add(rollout, total):
            rows = tf.reshape(latents[:, rollout], (-1, length))
            completed = continued(
                self.rollout_generator, sentences, given, rows
            )
            realness = tf.sigmoid(self.scores(completed))
            return rollout + 1, total + tf.reshape(realness, (-1, length - 1))

        # One after the other, for the memory.
        _, total = tf.while_loop(
            lambda rollout, _: rollout < self.rollouts,
            add,
            (0, tf.zeros((count, length - 1))),
            maximum_iterations=self.rollouts,
        )
        last = tf.sigmoid(self.scores(tokens))[:, None]
        return tf.concat([total / self.rollouts, last], axis=1)

    def advantages(self, rewards):
        """Returns the weights of the words in the policy gradient.

        Args:
            rewards: Float tensor `(batch, sequence_length)`.

        Returns:
            Float tensor of the same shape: the rewards themselves.
        """
        return rewards

    # Before `fit`

    def pretrain(self, x, epochs=1, batch_size=None, optimizer=None, verbose=0):
        """Trains the generator alone, by maximum likelihood.

        The first step of algorithm 1. Afterwards the average and the rollout
        policy are equal to the generator.

        Args:
            x: Tokens, as for `fit`.
            epochs: int. 120 in the authors' code. Defaults to `1`.
            batch_size: int. Only for arrays. Defaults to `64`.
            optimizer: A Keras optimizer. Defaults to `Adam(0.01)`; that of
                `compile` is for the policy gradient.
            verbose: int. `1` prints the loss of each epoch. Defaults to `0`.

        Returns:
            list of float, the mean loss of each epoch: nats for a token.

        Raises:
            ValueError: If an argument is invalid, or the data do not fit the
                model.
        """
        with self.distribute_strategy.scope():
            optimizer = self._ready(
                Adam(0.01) if optimizer is None else optimizer, self.generators
            )

        def step(tokens):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(word_losses(self.generator, tokens))
            self.minimize(
                tape, loss, self.generators, optimizer, self.clip_norm
            )
            return loss

        found = self._run(step, x, epochs, batch_size, verbose)
        for network in (self.average_generator, self.rollout_generator):
            network.set_weights(self.generator.get_weights())
        return found

    def pretrain_discriminator(self, x, epochs=1, batch_size=None, verbose=0):
        """Trains the discriminator alone, with the optimizer of `compile`.

        Each batch is compared with equally many new sentences of the
        generator.

        Args:
            x: Tokens, as for `fit`.
            epochs: int. 150 in the authors' code, which samples anew for each
                third. Defaults to `1`.
            batch_size: int. Only for arrays. Defaults to `64`.
            verbose: int. `1` prints the loss of each epoch. Defaults to `0`.

        Returns:
            list of float, the mean loss of each epoch.

        Raises:
            ValueError: If an argument is invalid, or the data do not fit the
                model.
        """
        self._assert_compile_called("pretrain_discriminator")
        return self._run(
            self.discriminator_step, x, epochs, batch_size, verbose
        )

    def _run(self, step, x, epochs, batch_size, verbose):
        """Takes a step on each batch of `epochs` passes over the data."""
        checks.positive(epochs=epochs)
        dataset = self._from_batches(x, None, batch_size)
        if dataset is None:
            size = 64 if batch_size is None else batch_size
            dataset = self._from_arrays(x, None, size, 0, shuffle=True)
        self._check_dataset(dataset)
        strategy = self.distribute_strategy

        @tf.function
        def on_replicas(batch):
            found = strategy.run(step, (batch,))
            return strategy.reduce("MEAN", found, axis=None)

        means = []
        for epoch in range(epochs):
            batches = strategy.experimental_distribute_dataset(dataset)
            found = [on_replicas(batch) for batch in batches]
            means.append(float(np.mean(found)))
            if verbose:
                print(f"Epoch {epoch + 1}/{epochs}: loss {means[-1]:.4f}")
        return means

    # Measuring

    def negative_log_likelihood(self, tokens, batch_size=64):
        """Returns how unlikely sentences are under the averaged generator.

        Of held-out sentences this is `nll_test` of the literature.

        Args:
            tokens: Integer array `(n, sequence_length)`.
            batch_size: int. Defaults to `64`.

        Returns:
            float32 array `(n,)`, the means over the tokens, in nats.
        """
        return self.run_in_batches(
            tf.cast(tokens, "int32"), batch_size, self.sentence_losses
        )

    def sentence_losses(self, tokens):
        """Returns the means of `word_losses` under the averaged generator.

        Args:
            tokens: Integer tensor `(batch, sequence_length)`.

        Returns:
            Float32 tensor `(batch,)`.
        """
        return tf.reduce_mean(word_losses(self.average_generator, tokens), 1)

    def score_signatures(self):
        def scores(tokens):
            return {"scores": self.scores(tokens)}

        tokens = tf.TensorSpec((None, *self.sample_shape), "int32", "tokens")
        return {"scores": (scores, [tokens])}


@keras.saving.register_keras_serializable(package="kerasgan")
class CenteredSeqGAN(SeqGAN):
    """SeqGAN with a baseline: the mean reward of each position.

    Only the words of sentences that are better than others become more likely.
    Constant rewards have no effect.

    Args:
        vocabulary: Sequence of words, none twice.
        sequence_length: int. Number of tokens of a sequence. Defaults to
            `20`.
        **kwargs: See `SeqGAN`.

    Call arguments:
        latents: See `SeqGAN`.

    Returns:
        See `SeqGAN`.

    Raises:
        ValueError: See `SeqGAN`.

    Training data:
        See `SeqGAN`.

    Example:
    ```python
    gan = CenteredSeqGAN(vocabulary=words, sequence_length=20)
    gan.compile(Adam(2e-3), Adam(1e-4))
    ```

    Reference:
        [Williams, 1992](https://doi.org/10.1007/BF00992696), for baselines
    """

    def __init__(self, vocabulary, sequence_length=20, **kwargs):
        super().__init__(
            vocabulary=vocabulary, sequence_length=sequence_length, **kwargs
        )

    def advantages(self, rewards):
        # The mean over the batches of all replicas.
        (mean,) = replicas.mean([tf.reduce_mean(rewards, axis=0)])
        return rewards - mean


@keras.saving.register_keras_serializable(package="kerasgan")
class ConstantRewardSeqGAN(SeqGAN):
    """The control of SeqGAN: every word has the reward 1.

    It knows nothing of the data, yet it improves the NLL under an oracle, by
    repeating what it samples. A result of SeqGAN must be better than its.

    Args:
        vocabulary: Sequence of words, none twice.
        sequence_length: int. Number of tokens of a sequence. Defaults to
            `20`.
        **kwargs: See `SeqGAN`.

    Call arguments:
        latents: See `SeqGAN`.

    Returns:
        See `SeqGAN`.

    Raises:
        ValueError: See `SeqGAN`.

    Training data:
        See `SeqGAN`.

    Example:
    ```python
    control = ConstantRewardSeqGAN(vocabulary=words, sequence_length=20)
    ```

    Reference:
        [Caccia et al., 2020](https://arxiv.org/abs/1811.02549), for what the
        usual scores of GANs for text hide
    """

    def __init__(self, vocabulary, sequence_length=20, **kwargs):
        super().__init__(
            vocabulary=vocabulary, sequence_length=sequence_length, **kwargs
        )

    def rewards(self, tokens):
        return tf.ones(tf.shape(tokens))


class Oracle:
    """A known distribution of sequences: an LSTM with random weights.

    The paper's synthetic data. What it samples is real; how likely it finds
    the sequences of a generator is `nll_oracle`, 5.75 nats for a token on its
    own sequences with the authors' weights, and 11.43 on random tokens.

    Args:
        num_tokens: int. Number of different tokens, 0 included. Defaults to
            `5000`.
        sequence_length: int. Defaults to `20`.
        embedding_dim: int. Defaults to `32`.
        units: int. Of the LSTM. Defaults to `32`.
        seed: int. Of the weights, from a unit normal. Defaults to `0`.

    Example:
    ```python
    oracle = Oracle(num_tokens=200, sequence_length=10)
    tokens = oracle.sample(2000, seed=1)
    oracle.negative_log_likelihood(gan.generate_tokens(1000, seed=0)).mean()
    ```

    Reference:
        [Yu et al., 2017](https://arxiv.org/abs/1609.05473), section 5.1
    """

    def __init__(
        self,
        num_tokens=5000,
        sequence_length=20,
        embedding_dim=32,
        units=32,
        seed=0,
    ):
        self.sequence_length = sequence_length
        self.network = build_generator(
            num_tokens, sequence_length, embedding_dim, units, name="oracle"
        )
        random_numbers = np.random.default_rng(seed)
        self.network.set_weights(
            [
                random_numbers.standard_normal(w.shape)
                for w in self.network.get_weights()
            ]
        )

    def sample(self, count, seed=0):
        """Returns sequences, int32 array `(count, sequence_length)`.

        Args:
            count: int.
            seed: int. Defaults to `0`.
        """
        latents = np.random.default_rng(seed).random(
            (count, self.sequence_length), "float32"
        )
        return self._in_batches(
            functools.partial(sampled, self.network), latents
        )

    def negative_log_likelihood(self, tokens):
        """Returns how unlikely sequences are.

        Args:
            tokens: Integer array `(n, sequence_length)`.

        Returns:
            float32 array `(n,)`, the means over the tokens, in nats.
        """
        return self._in_batches(
            self.sentence_losses, np.asarray(tokens, "int32")
        )

    def sentence_losses(self, tokens):
        """Returns the means of `word_losses` under the oracle.

        Args:
            tokens: Integer tensor `(batch, sequence_length)`.

        Returns:
            Float32 tensor `(batch,)`.
        """
        return tf.reduce_mean(word_losses(self.network, tokens), 1)

    def _in_batches(self, function, rows):
        compiled = tf.function(function, reduce_retracing=True)
        parts = [
            compiled(tf.constant(rows[start : start + 500])).numpy()
            for start in range(0, len(rows), 500)
        ]
        return np.concatenate(parts)


# Networks


def check_filters(filters, sequence_length):
    """Returns the discriminator's filters as tuples of ints.

    Args:
        filters: Sequence of pairs of width and number, or `None`.
        sequence_length: int.

    Returns:
        Tuple of pairs; for `None`, those of `FILTERS` that fit.

    Raises:
        ValueError: If a pair is not two positive ints, a width is greater
            than `sequence_length`, or there is none.
    """
    if filters is None:
        return tuple(f for f in FILTERS if f[0] <= sequence_length)
    pairs = tuple(map(tuple, filters))
    whole = all(
        len(pair) == 2 and all(checks.is_whole(n) and n > 0 for n in pair)
        for pair in pairs
    )
    if not pairs or not whole or max(pairs)[0] > sequence_length:
        raise ValueError(
            "`filters` must be pairs of a width and a number, both at least "
            f"1, no width greater than {sequence_length}, the sequence length. "
            f"Received: filters={filters!r}"
        )
    return pairs


def build_generator(
    num_tokens, sequence_length, embedding_dim, units, name="generator"
):
    """The words before to logits of each next word (section 3.3).

    Args:
        num_tokens: int.
        sequence_length: int.
        embedding_dim: int.
        units: int. Of the LSTM.
        name: str. Defaults to `"generator"`.

    Returns:
        A `keras.Model` from tokens `(batch, sequence_length)`, those of
        `words_before`, to logits `(batch, sequence_length, num_tokens)`.
    """
    # All weights, biases too, in the authors' code; no larger bias of the
    # forget gate.
    normal = {"class_name": "RandomNormal", "config": {"stddev": 0.1}}
    before = keras.Input((sequence_length,), dtype="int32", name="before")
    x = layers.Embedding(
        num_tokens,
        embedding_dim,
        embeddings_initializer=normal,
        name="embedding",
    )(before)
    x = layers.LSTM(
        units,
        kernel_initializer=normal,
        recurrent_initializer=normal,
        bias_initializer=normal,
        unit_forget_bias=False,
        return_sequences=True,
        name="lstm",
    )(x)
    logits = layers.Dense(
        num_tokens,
        kernel_initializer=normal,
        bias_initializer=normal,
        dtype="float32",
        name="logits",
    )(x)
    return keras.Model(before, logits, name=name)


def build_discriminator(
    num_tokens, sequence_length, embedding_dim, filters, dropout, seed
):
    """Sentences to logits of being generated and of being real (section 3.4).

    Convolutions over the word vectors, each with its maximum over time, and a
    highway layer.

    Args:
        num_tokens: int.
        sequence_length: int.
        embedding_dim: int.
        filters: Sequence of pairs of width and number.
        dropout: float.
        seed: int or `None`. Of the dropout.

    Returns:
        A `keras.Model` from tokens `(batch, sequence_length)` to float32
        logits `(batch, 2)`.
    """
    truncated = {"class_name": "TruncatedNormal", "config": {"stddev": 0.1}}
    tenth = {"class_name": "Constant", "config": {"value": 0.1}}
    tokens = keras.Input((sequence_length,), dtype="int32", name="tokens")
    x = layers.Embedding(
        num_tokens,
        embedding_dim,
        embeddings_initializer={
            "class_name": "RandomUniform",
            "config": {"minval": -1.0, "maxval": 1.0},
        },
        name="embedding",
    )(tokens)
    features = []
    for number, (width, count) in enumerate(filters):
        y = layers.Conv1D(
            count,
            width,
            activation="relu",
            kernel_initializer=truncated,
            bias_initializer=tenth,
            name=f"conv_{number}",
        )(x)
        features.append(layers.GlobalMaxPooling1D(name=f"max_{number}")(y))
    x = features[0]
    if len(features) > 1:
        x = layers.Concatenate(name="features")(features)

    # Highway: each feature is replaced to the extent that its gate is open.
    dense = functools.partial(
        layers.Dense, x.shape[-1], bias_initializer="glorot_uniform"
    )
    new = dense(activation="relu", name="highway")(x)
    gate = dense(activation="sigmoid", name="highway_gate")(x)
    change = layers.Subtract(name="change")([new, x])
    change = layers.Multiply(name="gated")([gate, change])
    x = layers.Add(name="highway_add")([x, change])

    x = Dropout(dropout, seed, name="dropout")(x)
    logits = layers.Dense(
        2,
        kernel_initializer=truncated,
        bias_initializer=tenth,
        dtype="float32",
        name="logits",
    )(x)
    return keras.Model(tokens, logits, name="discriminator")


# The generator as a policy


def words_before(tokens):
    """Returns what the generator reads: each word's predecessor.

    Args:
        tokens: Integer tensor `(batch, length)`.

    Returns:
        Integer tensor of the same shape, `START` first.
    """
    return tf.pad(tokens[:, :-1], ((0, 0), (1, 0)), constant_values=START)


def word_losses(network, tokens):
    """Returns the negative log-likelihood of each word.

    Args:
        network: A generator.
        tokens: Integer tensor `(batch, length)`.

    Returns:
        Float32 tensor `(batch, length)`, in nats.
    """
    logits = network(words_before(tokens))
    return tf.nn.sparse_softmax_cross_entropy_with_logits(tokens, logits)


def sampled(network, latents):
    """Returns sampled sentences.

    Args:
        network: A generator.
        latents: Float tensor `(batch, length)`, uniform in [0, 1).

    Returns:
        int32 tensor `(batch, length)`.
    """
    return continued(network, tf.zeros_like(latents, "int32"), 0, latents)


def continued(network, tokens, given, latents):
    """Returns sentences whose first words are given, the others sampled.

    Args:
        network: A generator.
        tokens: Integer tensor `(batch, length)`.
        given: Integer tensor `(batch,)`, or int. Number of words of each
            sentence to keep.
        latents: Float tensor `(batch, length)`, uniform in [0, 1).

    Returns:
        int32 tensor `(batch, length)`.
    """
    embedding, lstm, to_logits = (
        network.get_layer(name) for name in ("embedding", "lstm", "logits")
    )
    length = latents.shape[1]
    tokens = tf.cast(tokens, "int32")

    def step(position, before, hidden, memory, found):
        outputs, (hidden, memory) = lstm.cell(
            embedding(before), [hidden, memory]
        )
        chosen = choose(
            to_logits(outputs), tf.gather(latents, position, axis=1)
        )
        kept = tf.gather(tokens, position, axis=1)
        word = tf.where(position < given, kept, chosen)
        here = tf.range(length) == position
        return (
            position + 1,
            word,
            hidden,
            memory,
            tf.where(here, word[:, None], found),
        )

    count = tf.shape(latents)[0]
    state = tf.zeros((count, lstm.units), embedding.compute_dtype)
    start = tf.fill((count,), START)
    *_, found = tf.while_loop(
        lambda position, *_: position < length,
        step,
        (0, start, state, state, tokens),
        maximum_iterations=length,
    )
    return found


def choose(logits, latents):
    """Returns the words that uniform numbers select.

    Args:
        logits: Float32 tensor `(batch, tokens)`.
        latents: Float tensor `(batch,)`, uniform in [0, 1).

    Returns:
        int32 tensor `(batch,)`: the first word up to which the probabilities
        sum to more than the number.
    """
    sums = tf.cumsum(tf.nn.softmax(logits), axis=1)
    below = tf.cast(sums <= latents[:, None], "int32")
    # Rounded, all of them together may be less than 1.
    return tf.minimum(tf.reduce_sum(below, axis=1), logits.shape[1] - 1)
