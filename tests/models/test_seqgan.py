"""What is special about SeqGAN: words as actions, rewards by rollouts."""

import collections

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from kerasgan.models import seqgan
from tests import tiny


def lively(network, seed=0):
    """Gives a network other weights, so that its words are not uniform."""
    numbers = np.random.RandomState(seed)
    network.set_weights(
        [numbers.standard_normal(w.shape) for w in network.get_weights()]
    )
    return network


@pytest.fixture(scope="module")
def gan():
    gan = tiny.seqgan()
    for network in (gan.generator, gan.rollout_generator):
        lively(network)
    return gan


def uniform(count, length=5, seed=0):
    numbers = np.random.RandomState(seed).uniform(size=(count, length))
    return tf.constant(numbers, "float32")


# The policy


def test_numbers_select_words_by_their_probabilities():
    logits = tf.math.log(tf.constant([[0.25, 0.0, 0.5, 0.25]]))
    numbers = [0.0, 0.2, 0.25, 0.7, 0.75, 0.999]
    found = seqgan.choose(tf.repeat(logits, 6, axis=0), tf.constant(numbers))
    assert found.numpy().tolist() == [0, 0, 2, 2, 3, 3]
    # Rounding may leave a number above the sum of all probabilities.
    assert seqgan.choose(logits, tf.constant([1.0])) == 3


def test_sampled_words_have_the_probabilities_of_the_network(gan):
    """The first two words, all pairs of them: the first follows token 0."""
    count = 20_000
    tokens = seqgan.sampled(gan.generator, uniform(count)).numpy()
    pairs = np.array([[i, j, 0, 0, 0] for i in range(4) for j in range(4)])
    losses = seqgan.word_losses(gan.generator, pairs).numpy()[:, :2]
    expected = np.exp(-losses.sum(axis=1))
    assert expected.sum() == pytest.approx(1.0, rel=1e-4)
    found = collections.Counter(map(tuple, tokens[:, :2].tolist()))
    shares = [found[tuple(pair[:2])] / count for pair in pairs.tolist()]
    np.testing.assert_allclose(shares, expected, atol=0.01)
    assert max(shares) > 2 * min(shares)


def test_the_likelihood_of_a_word_depends_on_those_before_it(gan):
    tokens = tiny.token_rows(6)
    logits = gan.generator(seqgan.words_before(tokens)).numpy()
    chances = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    expected = -np.log(np.take_along_axis(chances, tokens[..., None], 2))
    found = seqgan.word_losses(gan.generator, tokens).numpy()
    np.testing.assert_allclose(found, expected[..., 0], rtol=1e-4)
    changed = np.concatenate([tokens[:, :4], (tokens[:, 4:] + 1) % 4], axis=1)
    others = seqgan.word_losses(gan.generator, changed).numpy()
    np.testing.assert_allclose(found[:, :4], others[:, :4], rtol=1e-4)
    assert np.abs(found[:, 4] - others[:, 4]).max() > 0.01


def test_given_words_stay_and_the_others_continue_them(gan):
    tokens = tf.constant(tiny.token_rows(6))
    given = tf.constant([0, 1, 2, 3, 4, 5])
    found = seqgan.continued(gan.generator, tokens, given, uniform(6)).numpy()
    for row, count in enumerate(given.numpy()):
        assert (found[row, :count] == tokens[row, :count].numpy()).all()
    # The word after them is of the distribution that they leave.
    logits = gan.generator(seqgan.words_before(tokens)).numpy()
    for row, count in enumerate(given.numpy()[:5]):
        number = uniform(6)[row : row + 1, count]
        word = seqgan.choose(tf.constant(logits[row : row + 1, count]), number)
        assert found[row, count] == word.numpy()[0]


# Rewards


def test_rewards_are_of_the_words_up_to_a_position(gan, monkeypatch):
    """With a score of the third word alone, no reward after it varies."""
    monkeypatch.setattr(gan, "rollouts", 8)
    monkeypatch.setattr(
        gan,
        "scores",
        lambda tokens, training=False: tf.where(tokens[:, 2] == 1, 50.0, -50.0),
    )
    tokens = tf.constant(np.tile(tiny.token_rows(8), (4, 1)))
    rewards = gan.rewards(tokens).numpy()
    assert rewards.shape == (32, 5)
    real = (tokens[:, 2] == 1).numpy().astype("float32")
    for position in (2, 3, 4):
        np.testing.assert_allclose(rewards[:, position], real, atol=1e-6)
    for position in (0, 1):
        inside = (rewards[:, position] > 0.01) & (rewards[:, position] < 0.99)
        assert inside.mean() > 0.2
        steps = rewards[:, position] * 8
        np.testing.assert_allclose(steps, steps.round(), atol=1e-4)


def test_rewards_are_probabilities_of_being_real_without_dropout():
    gan = tiny.seqgan(dropout=0.9)
    weights = gan.discriminator.get_layer("logits")
    weights.set_weights([0 * weights.kernel.numpy(), np.array([1.0, 3.0])])
    tokens = tf.constant(tiny.token_rows(4))
    np.testing.assert_allclose(gan.rewards(tokens), 0.880797, rtol=1e-5)
    lively(gan.discriminator)
    first, second = (gan.rewards(tokens).numpy() for _ in range(2))
    np.testing.assert_array_equal(first[:, -1], second[:, -1])
    expected = tf.nn.softmax(gan.discriminator(tokens))[:, 1]
    np.testing.assert_allclose(first[:, -1], expected, rtol=1e-5)


def test_rollouts_are_those_of_the_rollout_policy(gan, monkeypatch):
    seen = []
    inner = seqgan.continued

    def continued(network, *arguments):
        seen.append(network.name)
        return inner(network, *arguments)

    monkeypatch.setattr(seqgan, "continued", continued)
    gan.rewards(tf.constant(tiny.token_rows(4)))
    assert set(seen) == {"rollout_generator"}


def test_the_rollout_policy_follows_the_generator():
    gan = tiny.seqgan(rollout_decay=0.75)
    gan.compile()
    before = gan.rollout_generator.get_weights()
    gan.fit(tiny.token_rows(8), batch_size=8, verbose=0)
    triples = zip(
        before,
        gan.generator.get_weights(),
        gan.rollout_generator.get_weights(),
        strict=True,
    )
    for old, new, found in triples:
        assert np.any(old != new)
        np.testing.assert_allclose(found, 0.75 * old + 0.25 * new, atol=1e-6)


def test_a_baseline_leaves_what_is_better_than_the_mean():
    gan = tiny.centered_seqgan()
    rewards = tf.constant([[0.2, 0.5], [0.4, 0.5]])
    found = gan.advantages(rewards)
    np.testing.assert_allclose(found, [[-0.1, 0.0], [0.1, 0.0]], atol=1e-6)
    assert tiny.seqgan().advantages(rewards) is rewards
    config = gan.get_config()
    assert type(gan).from_config(config).get_config() == config


def test_the_control_reinforces_whatever_it_samples():
    """Constant rewards make sentences more likely, without any reason."""
    keras.utils.set_random_seed(0)
    gan = models.ConstantRewardSeqGAN(**tiny.WORDS)
    tokens = tf.constant(tiny.token_rows(8))
    np.testing.assert_array_equal(gan.rewards(tokens), np.ones((8, 5)))
    gan.compile(keras.optimizers.Adam(0.1))

    def entropy():
        sampled = gan.generate_tokens(500, seed=0, batch_size=500)
        return gan.negative_log_likelihood(sampled, 500).mean()

    before = entropy()
    gan.fit(np.tile(tokens, (8, 1)), batch_size=8, epochs=10, verbose=0)
    assert entropy() < 0.9 * before


# Before `fit`


def test_a_sentence_is_learned_by_maximum_likelihood():
    gan = tiny.seqgan(units=16, ema_decay=0.9)
    tokens = np.tile(gan.tokens_of(["a dog a cat"]), (64, 1))
    losses = gan.pretrain(
        tokens, epochs=60, batch_size=32, optimizer=keras.optimizers.Adam(0.03)
    )
    assert losses[0] > 1.0
    assert losses[-1] < 0.1
    assert gan.generate(3, seed=0).count("a dog a cat") >= 2
    held_out = gan.negative_log_likelihood(
        gan.tokens_of(["a cat", "a dog a cat"])
    )
    assert held_out.shape == (2,)
    assert held_out[1] < 0.1 < held_out[0]
    for network in (gan.average_generator, gan.rollout_generator):
        pairs = zip(
            network.get_weights(), gan.generator.get_weights(), strict=True
        )
        assert all((one == other).all() for one, other in pairs)
    with pytest.raises(ValueError, match="Received: epochs=0"):
        gan.pretrain(tokens, epochs=0)


def test_the_discriminator_learns_alone(capsys):
    gan = tiny.seqgan(l2_weight=0.0, dropout=0.0)
    with pytest.raises(ValueError, match="compile"):
        gan.pretrain_discriminator(tiny.token_rows(8))
    gan.compile(discriminator_optimizer=keras.optimizers.Adam(0.03))
    tokens = np.tile(gan.tokens_of(["a dog a cat"]), (64, 1))
    before = gan.generator.get_weights()
    losses = gan.pretrain_discriminator(
        tokens, epochs=20, batch_size=32, verbose=1
    )
    assert losses[-1] < 0.5 * losses[0]
    assert f"Epoch 20/20: loss {losses[-1]:.4f}" in capsys.readouterr().out
    sampled = gan.generate_tokens(64, seed=0)
    assert gan.scores(tokens[:1]) > tf.reduce_mean(gan.scores(sampled)) + 1.0
    pairs = zip(before, gan.generator.get_weights(), strict=True)
    assert all((one == other).all() for one, other in pairs)


# Words and numbers


def test_latents_are_not_rounded_to_half_precision():
    gan = tiny.seqgan(dtype="mixed_bfloat16")
    seen = []
    inner = seqgan.sampled

    def sampled(network, latents):
        seen.append(latents.dtype.name)
        return inner(network, latents)

    seqgan.sampled = sampled
    try:
        gan(gan.seeded_inputs(0, 3))
    finally:
        seqgan.sampled = inner
    assert seen == ["float32"]


def test_filters_of_the_paper_that_fit_a_sentence():
    assert sum(count for _, count in seqgan.FILTERS) == 1720
    gan = tiny.seqgan(filters=None, discriminator_dim=1)
    assert gan.filters == ((1, 100), (2, 200), (3, 200), (4, 200), (5, 200))


def test_the_oracle_knows_its_own_sentences():
    oracle = models.Oracle(50, 6, embedding_dim=8, units=8, seed=1)
    own = oracle.sample(600, seed=0)
    assert (own.dtype, own.shape) == (np.int32, (600, 6))
    np.testing.assert_array_equal(own[:10], oracle.sample(10, seed=0))
    others = np.random.RandomState(0).randint(0, 50, (600, 6))
    known = oracle.negative_log_likelihood(own)
    assert known.shape == (600,)
    assert known.mean() < np.log(50)
    assert oracle.negative_log_likelihood(others).mean() > known.mean() + 1.0
