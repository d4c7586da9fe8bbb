"""Scores of models that generate the captions of personas.

Their grammar is known, so that errors are counted. No caption of the test part
is in the training part; its pairs of hair style and hair color are not, either.
"""

import numpy as np

from kerasgan import data, metrics


def score_captions(gan, judge=None, count=10_000, seed=0):
    """Scores captions on the test part of personas.

    Args:
        gan: A `SeqGAN` with the words of the captions.
        judge: Another `SeqGAN` with the same words, trained by maximum
            likelihood alone, or `None`. Defaults to none.
        count: int. Sentences to generate. Defaults to `10000`.
        seed: int. Of the sentences. Defaults to `0`.

    Returns:
        dict of floats:

        - `grammatical`: share of sentences that some face has as its caption.
        - `novel`: share that is not in the training part.
        - `grammatical_and_novel`: share that is both.
        - `different`: share of different sentences.
        - `distinct_2`, `distinct_4`: shares of different n-grams.
        - `nll_test`: nats for a token of the test captions under `gan`; high
          where it misses what the data have.
        - `nll_judge`: nats for a token of its sentences under `judge`, if
          given; high where it makes what the data have not.

    Raises:
        OSError: If the data are not prepared.
    """
    sentences = gan.generate(count, seed=seed, batch_size=500)
    held_out = gan.tokens_of(_captions("test"))
    found = of_sentences(sentences)
    found["nll_test"] = gan.negative_log_likelihood(held_out, 500).mean()
    if judge is not None:
        # Without the words after the end, as they are read.
        ended = gan.tokens_of(sentences)
        found["nll_judge"] = judge.negative_log_likelihood(ended, 500).mean()
    return {name: float(value) for name, value in found.items()}


def of_sentences(sentences):
    """Scores sentences, whoever made them.

    Args:
        sentences: List of str.

    Returns:
        dict, that of `score_captions` without likelihoods.

    Raises:
        OSError: If the data are not prepared.
    """
    # It needs the packages that prepare the data.
    from kerasgan.data import personas

    known = set(_captions("train"))
    right = np.array([personas.is_caption(text) for text in sentences])
    new = np.array([text not in known for text in sentences])
    return {
        "grammatical": float(right.mean()),
        "novel": float(new.mean()),
        "grammatical_and_novel": float((right & new).mean()),
        "different": len(set(sentences)) / len(sentences),
        "distinct_2": metrics.distinct(sentences, 2),
        "distinct_4": metrics.distinct(sentences, 4),
    }


def score(gan, protocol):
    """Scores a model under a protocol of captions.

    Args:
        gan: See `score_captions`.
        protocol: `TextProtocol`.

    Returns:
        dict, as `kerasgan.evaluation.score` has it for each protocol.
    """
    value = score_captions(gan, count=protocol.generated, seed=protocol.seed)
    return _entry(protocol, value)


def real(protocol):
    """Scores training captions, chosen at random, in place of generated ones.

    Args:
        protocol: `TextProtocol`.

    Returns:
        See `score`; without a likelihood.
    """
    captions = np.array(_captions("train"))
    order = np.random.default_rng(0).permutation(len(captions))
    chosen = captions[order[: protocol.generated]].tolist()
    return _entry(protocol, of_sentences(chosen))


def _entry(protocol, value):
    described = protocol.describe()
    return {"metric": "captions", "value": value, "protocol": described}


def _captions(part):
    return [t.decode() for t in data.load("personas", part, 64)["caption"]]
