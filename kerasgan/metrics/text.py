"""Scores of sentences: how varied, how new, and how likely."""

import keras


def distinct(sentences, length):
    """Returns the share of different n-grams among all of them.

    It falls where sentences repeat each other; it depends on their number.

    Args:
        sentences: Sequence of str, words separated by spaces.
        length: int. Words of an n-gram.

    Returns:
        float in [0, 1]; 0 if there is none.

    Reference:
        [Li et al., 2016](https://arxiv.org/abs/1510.03055), section 5.3
    """
    found = []
    for sentence in sentences:
        words = sentence.split()
        starts = range(len(words) - length + 1)
        found += [tuple(words[i : i + length]) for i in starts]
    return len(set(found)) / max(len(found), 1)


def novelty(sentences, known):
    """Returns the share of sentences that are not among the known ones.

    Args:
        sentences: Sequence of str, at least one.
        known: Sequence of str, such as the training data.

    Returns:
        float in [0, 1].
    """
    known = set(known)
    new = sum(sentence not in known for sentence in sentences)
    return new / len(sentences)


class OracleLikelihood(keras.metrics.Mean):
    """Negative log-likelihood of generated sentences under an oracle.

    `nll_oracle` of the paper, in nats for a token; for `compile(metrics=...)`
    of a `SeqGAN`. It is low, too, where a few likely sentences are repeated:
    read it beside `HeldOutLikelihood`, and beside `ConstantRewardSeqGAN`.

    Args:
        oracle: `kerasgan.models.Oracle`.
        name: str. Defaults to `"nll_oracle"`.

    `update_state` arguments:
        real: Integer tensor `(batch, length)`; not used.
        generated: Integer tensor `(batch, length)`.

    Reference:
        [Yu et al., 2017](https://arxiv.org/abs/1609.05473), section 5.1
    """

    def __init__(self, oracle, name="nll_oracle"):
        super().__init__(name=name)
        self.oracle = oracle

    def update_state(self, real, generated):
        super().update_state(self.oracle.sentence_losses(generated))


class HeldOutLikelihood(keras.metrics.Mean):
    """Negative log-likelihood of held-out sentences under a generator.

    `nll_test` of the literature, in nats for a token; for
    `compile(metrics=...)`. It rises where the generator loses what the data
    have.

    Args:
        gan: `kerasgan.models.SeqGAN`, whose averaged generator is measured.
        name: str. Defaults to `"nll_test"`.

    `update_state` arguments:
        real: Integer tensor `(batch, length)`.
        generated: Integer tensor `(batch, length)`; not used.
    """

    def __init__(self, gan, name="nll_test"):
        super().__init__(name=name)
        # In a tuple, so that Keras does not track the model.
        self.measured = (gan,)

    def update_state(self, real, generated):
        (gan,) = self.measured
        super().update_state(gan.sentence_losses(real))
