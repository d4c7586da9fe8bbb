"""Scores of sentences, by hand."""

import numpy as np
import pytest

from kerasgan import metrics, models
from tests import tiny


def test_different_n_grams_are_counted_once():
    sentences = ["a cat sees a cat", "a dog"]
    # a cat sees dog, of seven; a cat, cat sees, sees a, a dog, of five.
    assert metrics.distinct(sentences, 1) == pytest.approx(4 / 7)
    assert metrics.distinct(sentences, 2) == pytest.approx(4 / 5)
    assert metrics.distinct(["a"], 2) == 0.0


def test_new_sentences_are_those_that_are_not_known():
    assert metrics.novelty(["a", "b", "b", "c"], ["c", "a"]) == 0.5


def test_likelihoods_are_metrics_of_evaluate():
    gan, oracle = tiny.seqgan(), models.Oracle(4, 5, 3, 3)
    for weight in gan.average_generator.weights:
        weight.assign(10.0 * weight)
    measured = [
        metrics.OracleLikelihood(oracle),
        metrics.HeldOutLikelihood(gan),
    ]
    gan.compile(metrics=measured)
    tokens = tiny.token_rows(24)
    found = gan.evaluate(tokens, batch_size=8, verbose=0)
    expected = gan.negative_log_likelihood(tokens).mean()
    assert found["nll_test"] == pytest.approx(expected, rel=1e-5)
    assert abs(found["nll_test"] - np.log(4)) > 0.01
    sampled = gan.generate_tokens(2000, seed=0)
    expected = oracle.negative_log_likelihood(sampled).mean()
    assert found["nll_oracle"] == pytest.approx(expected, rel=0.1)
