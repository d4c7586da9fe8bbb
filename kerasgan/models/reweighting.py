"""The weights of training data against what a mixture of models misses.

Tolstikhin et al., "AdaGAN: Boosting Generative Models", 2017.
https://arxiv.org/abs/1701.02386
"""

import types
import warnings

import keras
import numpy as np

from kerasgan import data
from kerasgan.optimizers import Adam


def theory_star(ratios, beta):
    """Returns the weights of theorem 1, equations 17 and 18.

    w_i = max(0, lambda - (1 - beta) r_i) / (n beta), with the lambda for which
    they sum to one. With them, mixture and component together generate the
    data.

    Args:
        ratios: float64 array `(n,)`, r: p_mixture / p_data at each example.
        beta: float in (0, 1). Share of the new component.

    Returns:
        float64 array `(n,)`, which sums to 1.
    """
    n, kept = len(ratios), (1.0 - beta) * np.sort(ratios)
    # Lambda for each number of examples with a weight.
    levels = (beta * n + np.cumsum(kept)) / np.arange(1, n + 1)
    level = levels[np.argmax(levels <= np.append(kept[1:], np.inf))]
    return np.maximum(0.0, level - (1.0 - beta) * ratios) / (n * beta)


def theory_dagger(ratios, beta):
    """Returns the weights of theorem 2.

    w_i = max(0, 1 - lambda (1 - beta) r_i) / (n beta), with the lambda for
    which they sum to one. There is none where the mixture misses more than the
    share beta of the examples.

    Args:
        ratios: See `theory_star`.
        beta: See `theory_star`.

    Returns:
        float64 array `(n,)`, which sums to 1, or `None` if there is none.
    """
    n, ordered = len(ratios), np.sort(ratios)
    for k in range(max(1, int(np.ceil(beta * n))), n + 1):
        total = ordered[:k].sum()
        if total == 0.0:
            continue
        factor = (k - beta * n) / total  # lambda (1 - beta)
        following = ordered[k] if k < n else np.inf
        # To rounding, where an example has exactly no weight.
        if factor * ordered[k - 1] <= 1.0 + 1e-9 and (
            k == n or factor * following >= 1.0
        ):
            return np.maximum(0.0, 1.0 - factor * ratios) / (n * beta)
    return None


def topk(ratios, beta):
    """Returns equal weights for the half of the examples of least ratio.

    Args:
        ratios: See `theory_star`.
        beta: See `theory_star`; not used.

    Returns:
        float64 array `(n,)`, which sums to 1.
    """
    chosen = np.argsort(ratios, kind="stable")[: max(1, len(ratios) // 2)]
    weights = np.zeros(len(ratios))
    weights[chosen] = 1.0 / len(chosen)
    return weights


REWEIGHTING = types.MappingProxyType(
    {rule.__name__: rule for rule in (theory_star, theory_dagger, topk)}
)


def reweighted(name, ratios, beta):
    """Returns the weights of a rule, and equal ones where it has none.

    Args:
        name: str. One of `REWEIGHTING`.
        ratios: See `theory_star`.
        beta: See `theory_star`.

    Returns:
        float64 array `(n,)`, which sums to 1.
    """
    known = np.isfinite(ratios).all()
    weights = REWEIGHTING[name](ratios, beta) if known else None
    if weights is None:
        reason = (
            f"{name} has no solution, because the mixture misses more than "
            f"{beta:.0%} of them"
            if known
            else "the classifier has scores that are not finite"
        )
        warnings.warn(
            "This component of AdaGAN trains on all examples with equal "
            f"weights: {reason}.",
            stacklevel=2,
        )
        return np.full(len(ratios), 1.0 / len(ratios))
    return weights


def density_ratios(scores):
    """Returns p_mixture / p_data, (1 - D) / (D + 1e-8).

    Args:
        scores: float array, log D / (1 - D), where D is the probability that
            an example is from the data.

    Returns:
        float64 array of the same shape.
    """
    scores = np.asarray(scores, "float64")
    real = np.exp(-np.logaddexp(0.0, -scores))
    return np.exp(-np.logaddexp(0.0, scores)) / (real + 1e-8)


def scores_of_classifier(classifier, examples, fakes, batch_size, epochs, seed):
    """Trains a classifier of data and samples, and scores the data.

    Args:
        classifier: A new network from examples to one score.
        examples: Array of training examples, all with the same weight.
        fakes: Array of as many samples of the mixture.
        batch_size: int.
        epochs: int.
        seed: int. Of the order.

    Returns:
        float32 array `(examples,)`.
    """
    labels = np.repeat([[1.0], [0.0]], [len(examples), len(fakes)], axis=0)
    batches = data.stream(
        (np.concatenate([examples, fakes]), labels),
        min(batch_size, len(labels)),
        seed=seed,
        epochs=epochs,
    )
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    classifier.compile(Adam(1e-3), loss, jit_compile=False)
    classifier.fit(batches, shuffle=False, verbose=0)
    return classifier.predict(examples, 256, verbose=0)[:, 0]


class Draws:
    """Batches sampled with replacement, by weights of the examples.

    Args:
        examples: Array.
        steps: int. Batches of an epoch.
        batch_size: int.
    """

    def __init__(self, examples, steps, batch_size):
        self.examples = examples
        self.batch_size = batch_size
        # Sums to 1; `None` for equal weights, or not yet known ones.
        self.weights = None
        rows = np.arange(steps * batch_size) % len(examples)
        self.rows = rows.reshape(steps, batch_size)

    def sample_epoch(self, seed):
        """Samples the batches of an epoch; `seed` is a tuple of ints."""
        self.rows = np.random.default_rng(seed).choice(
            len(self.examples), self.rows.shape, p=self.weights
        )

    def first_batch(self):
        return np.asarray(self.examples)[self.rows[0]]

    def dataset(self):
        """Returns a dataset of the epoch that was last sampled."""
        return data.stream_chosen(
            self.examples, lambda: self.rows, *self.rows.shape
        )
