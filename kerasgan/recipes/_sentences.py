"""Data and scores of recipes of models that generate captions."""

import functools

from kerasgan import data
from kerasgan.models import sequences


@functools.cache
def captions(part):
    """Returns the captions of a part of personas.

    Args:
        part: str. `"train"`, `"validation"` or `"test"`; no caption is in two
            of them.

    Returns:
        Tuple of str.
    """
    found = data.load("personas", part, 64)["caption"]
    return tuple(text.decode() for text in found)


def vocabulary():
    """Returns the words of the training captions, in alphabetical order.

    A comma belongs to the word before it.
    """
    return tuple(
        sorted({w for text in captions("train") for w in text.split()})
    )


@functools.cache
def tokens(part, length):
    """Returns the captions of a part as tokens, as `tokens_of` gives them.

    Args:
        part: See `captions`.
        length: int. Of each sequence.

    Returns:
        int32 array `(n, length)`.
    """
    return sequences.tokens_of(captions(part), vocabulary(), length)


def ungrammatical(gan, count=2000):
    """Returns the `score` of a recipe, without test data.

    Args:
        gan: A `SeqGAN`.
        count: int. Sentences to generate, of seed 1. Defaults to `2000`.

    Returns:
        dict: `ungrammatical`, the share of sentences that no face has as its
        caption; `nll_validation`, nats for a token of the held-out captions.
    """
    # It needs the packages that prepare the data.
    from kerasgan.data import personas

    sentences = gan.generate(count, seed=1, batch_size=500)
    wrong = sum(not personas.is_caption(text) for text in sentences)
    held_out = tokens("validation", gan.sequence_length)
    found = gan.negative_log_likelihood(held_out, batch_size=500)
    return {
        "ungrammatical": wrong / count,
        "nll_validation": float(found.mean()),
    }
