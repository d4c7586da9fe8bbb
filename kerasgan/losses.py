"""Adversarial and auxiliary losses: scores in, one value per score out.

Scores are raw discriminator outputs, before any sigmoid, of any shape: one
per image or one per patch. No function averages: `GAN.minimize` needs a mean
over the local batch and scales it for the number of replicas, which a
`keras.losses.Loss` object would already have done.
"""

import tensorflow as tf


def non_saturating_generator_loss(fake_scores):
    """Returns -log D(G(z)), written as softplus so that it cannot overflow.

    Args:
        fake_scores: Float tensor of any shape, raw scores of generated images.

    Returns:
        Float tensor of the same shape, never negative.

    Reference:
        [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), section 3.
    """
    return tf.nn.softplus(-fake_scores)


def minimax_generator_loss(fake_scores):
    """Returns log(1 - D(G(z))), which the generator minimizes.

    Its gradient vanishes where the discriminator is confident, hence the
    non-saturating form of most papers.

    Args:
        fake_scores: Float tensor of any shape, raw scores of generated images.

    Returns:
        Float tensor of the same shape, never positive.

    Reference:
        [Goodfellow et al., 2014](https://arxiv.org/abs/1406.2661), equation 1.
    """
    return -tf.nn.softplus(fake_scores)


def real_loss(scores):
    """Returns -log D(x), the loss of real images.

    Args:
        scores: Float tensor of any shape, raw scores.

    Returns:
        Float tensor of the same shape, never negative.
    """
    return tf.nn.softplus(-scores)


def fake_loss(scores):
    """Returns -log(1 - D(x)), the loss of fake images.

    Args:
        scores: Float tensor of any shape, raw scores.

    Returns:
        Float tensor of the same shape, never negative.
    """
    return tf.nn.softplus(scores)


def least_squares_loss(scores, target):
    """Returns (D(x) - target)^2.

    Args:
        scores: Float tensor of any shape, raw scores.
        target: float. The value that the scores should have.

    Returns:
        Float tensor of the same shape, never negative.

    Reference:
        [Mao et al., 2017](https://arxiv.org/abs/1611.04076), equation 9.
    """
    return tf.square(scores - target)


def classification_loss(labels, logits):
    """Returns -log of the probability of each example's own class.

    Args:
        labels: Integer tensor `(batch,)`, from 0.
        logits: Float tensor `(batch, classes)`.

    Returns:
        Float tensor `(batch,)`, never negative.
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
