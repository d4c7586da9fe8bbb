"""The weights of AdaGAN in NumPy.

Tolstikhin et al., 2017, sections 2 and 3. https://arxiv.org/abs/1701.02386

Step t trains a new GAN on the training set, reweighted, and mixes it in with
weight beta: (1 - beta) old + beta new. Ratios are the mixture's density over
that of the data at each of the N training points; weights have their order
and sum to 1.
"""

import warnings

import numpy as np


def beta(step, heuristic="uniform"):
    """Weight of the component of step 1, 2, ...; the first has all.

    Args:
        step: From 1.
        heuristic: "uniform", 1 / step, or "constant", 0.5.
    """
    if step == 1:
        return 1.0
    return 1.0 / step if heuristic == "uniform" else 0.5


def mixture_weights(betas):
    """Weights of all components after the steps with these betas."""
    weights = []
    for weight in betas:
        weights = [(1.0 - weight) * old for old in weights] + [weight]
    return np.array(weights)


def density_ratios(probabilities):
    """(1 - D) / D, where D is the probability of being data."""
    probabilities = np.asarray(probabilities, np.float64)
    return (1.0 - probabilities) / (probabilities + 1e-8)


def theory_star(ratios, beta):
    """Weights of Theorem 1, for the best mixture with any new component.

    w_i = max(0, lambda - (1 - beta) r_i) / (N beta), where with the k
    smallest ratios lambda = beta N / k (1 + (1 - beta) / (beta N) sum r), for
    the first k that gives positive weights to these and no others.
    """
    ratios = np.asarray(ratios, np.float64)
    n = len(ratios)
    ascending = np.sort(ratios)
    for k in range(1, n + 1):
        total = ascending[:k].sum()
        limit = beta * n / k * (1.0 + (1.0 - beta) / (beta * n) * total)
        if is_between((1.0 - beta) * ascending, k, limit):
            weights = np.maximum(0.0, limit - (1.0 - beta) * ratios)
            return weights / (n * beta)
    return uniform(n)


def theory_dagger(ratios, beta):
    """Weights of Theorem 2, where the old mixture's weight is the most.

    w_i = max(0, 1 - lambda (1 - beta) r_i) / (N beta), where with the k
    smallest ratios lambda = (k / N - beta) / (1 - beta) N / sum r, for the
    first k of at least beta N that gives positive weights to these and no
    others. There is none where ratios of 0 make up more than beta of all.
    """
    ratios = np.asarray(ratios, np.float64)
    n = len(ratios)
    ascending = np.sort(ratios)
    for k in range(1, n + 1):
        total = ascending[:k].sum()
        if k < beta * n or total == 0.0:
            continue
        factor = (k / n - beta) / (1.0 - beta) * n / total
        if is_between(factor * (1.0 - beta) * ascending, k, 1.0):
            weights = 1.0 - factor * (1.0 - beta) * ratios
            return np.maximum(0.0, weights) / (n * beta)
    return uniform(n)


def top_share(ratios, share=0.5):
    """Equal weights for the share of points with the smallest ratios."""
    ratios = np.asarray(ratios, np.float64)
    count = int(share * len(ratios))
    weights = np.zeros(len(ratios))
    weights[np.argsort(ratios, kind="stable")[:count]] = 1.0 / count
    return weights


def is_between(ascending, k, limit, rounding=1e-12):
    """Whether the k-th value is at most `limit`, and the next at least."""
    if ascending[k - 1] > limit + rounding:
        return False
    return k == len(ascending) or limit <= ascending[k] + rounding


def uniform(n):
    warnings.warn("no k fits: uniform weights", stacklevel=3)
    return np.full(n, 1.0 / n)
