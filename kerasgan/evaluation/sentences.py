"""Scores of models that generate the captions of personas.

Their grammar is known, so that errors are counted. No caption of the test part
is in the training part; its pairs of hair style and hair color are not, either.
"""

import numpy as np

from kerasgan import data, metrics

COUNT = 10_000


def score_captions(gan, judge=None, count=COUNT, seed=0):
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
    # It needs the packages that prepare the data.
    from kerasgan.data import personas

    known = set(_captions("train"))
    tokens = gan.generate_tokens(count, seed, batch_size=500)
    sentences = [text.decode() for text in gan.sentences(tokens).numpy()]
    right = np.array([personas.is_caption(text) for text in sentences])
    new = np.array([text not in known for text in sentences])
    held_out = gan.tokens_of(_captions("test"))
    found = {
        "grammatical": right.mean(),
        "novel": metrics.novelty(sentences, known),
        "grammatical_and_novel": (right & new).mean(),
        "different": len(set(sentences)) / count,
        "distinct_2": metrics.distinct(sentences, 2),
        "distinct_4": metrics.distinct(sentences, 4),
        "nll_test": gan.negative_log_likelihood(held_out, 500).mean(),
    }
    if judge is not None:
        # Without the words after the end, as they are read.
        ended = gan.tokens_of(sentences)
        losses = judge.negative_log_likelihood(ended, 500)
        found["nll_judge"] = losses.mean()
    return {name: float(value) for name, value in found.items()}


def _captions(part):
    return [t.decode() for t in data.load("personas", part, 64)["caption"]]
