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


def smoothed_real_loss(scores, target=0.9):
    """Returns the loss of real images under one-sided label smoothing.

    -t log D(x) - (1 - t) log(1 - D(x)), with which D(x) = t is optimal where
    there are no fakes, so that the discriminator is not overconfident. Fakes
    keep `fake_loss`: a target other than zero would reward fakes that stay
    where they are.

    Args:
        scores: Float tensor of any shape, raw scores of real images.
        target: float in (0, 1]. t; the authors' code for ImageNet has 0.75.
            Defaults to `0.9`, the paper's example.

    Returns:
        Float tensor of the same shape, never negative.

    Example:
    ```python
    class SmoothedDCGAN(DCGAN):
        def discriminator_loss(self, real_scores, fake_scores):
            real_loss = losses.smoothed_real_loss(real_scores)
            return real_loss + losses.fake_loss(fake_scores)
    ```

    Reference:
        [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), section 3.4.
    """
    return target * real_loss(scores) + (1.0 - target) * fake_loss(scores)


def fake_loss(scores):
    """Returns -log(1 - D(x)), the loss of fake images.

    Args:
        scores: Float tensor of any shape, raw scores.

    Returns:
        Float tensor of the same shape, never negative.
    """
    return tf.nn.softplus(scores)


def relativistic_loss(favored_scores, other_scores):
    """Returns the loss of pairs, small where the favored one scores higher.

    softplus(other - favored). The discriminator favors the real image of a
    pair, the generator its own.

    Args:
        favored_scores: Float tensor `(batch,)`, raw scores.
        other_scores: Float tensor `(batch,)`, raw scores, each of the image
            that it is paired with.

    Returns:
        Float tensor `(batch,)`, never negative.

    Raises:
        ValueError: If the shapes differ: broadcasting would pair all with
            all.

    Reference:
        [Huang et al., 2024](https://arxiv.org/abs/2501.05441), section 2;
        [Jolicoeur-Martineau, 2018](https://arxiv.org/abs/1807.00734)
    """
    favored_scores.shape.assert_is_compatible_with(other_scores.shape)
    return tf.nn.softplus(other_scores - favored_scores)


def real_hinge_loss(scores):
    """Returns max(0, 1 - D(x)), the hinge loss of real images.

    The generator's loss is -D(G(z)), without a hinge.

    Args:
        scores: Float tensor of any shape, raw scores.

    Returns:
        Float tensor of the same shape, never negative.

    Reference:
        [Miyato et al., 2018](https://arxiv.org/abs/1802.05957), equation 16.
    """
    return tf.nn.relu(1.0 - scores)


def fake_hinge_loss(scores):
    """Returns max(0, 1 + D(x)), the hinge loss of fake images.

    Args:
        scores: Float tensor of any shape, raw scores.

    Returns:
        Float tensor of the same shape, never negative.

    Reference:
        See `real_hinge_loss`.
    """
    return tf.nn.relu(1.0 + scores)


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


def feature_matching_loss(real_features, fake_features, synchronized=False):
    """Returns the squared difference of the batch means, per feature.

    The generator matches the statistics of the features instead of
    maximizing the output of the discriminator. The mean over the features is
    the loss of the authors' code, the sum that of the paper.

    Args:
        real_features: Float tensor `(batch, features)`, of a hidden layer of
            the discriminator.
        fake_features: Float tensor `(batch, features)`; the batch may have
            another size.
        synchronized: bool. Whether the means are taken over the batches of
            all replicas. Defaults to `False`.

    Returns:
        Float tensor `(features,)`, never negative.

    Reference:
        [Salimans et al., 2016](https://arxiv.org/abs/1606.03498), section 3.1.
    """
    means = [tf.reduce_mean(f, 0) for f in (real_features, fake_features)]
    if synchronized:
        context = tf.distribute.get_replica_context()
        means = context.all_reduce(tf.distribute.ReduceOp.MEAN, means)
    return tf.square(means[0] - means[1])
