"""The averaged generator: an exponential moving average of the weights.

Its batch statistics are moving averages over its own feature maps. The
functions here take networks, not models.
"""

import tensorflow as tf

from kerasgan import weights
from kerasgan.layers.normalization import MOMENTUM


def average_of(network):
    """Returns an untrainable copy of a network, named `average_<name>`.

    Args:
        network: A built Keras model.

    Returns:
        A Keras model of the same class, with equal weights.
    """
    return copy_of(network, f"average_{network.name}")


def copy_of(network, name):
    """Returns an untrainable copy of a network.

    While Keras loads a model, two copies of the same network would share their
    layers: copy the copy.

    Args:
        network: A built Keras model.
        name: str. Of the copy.

    Returns:
        A Keras model of the same class, with equal weights.
    """
    config = {**network.get_config(), "name": name}
    with tf.variable_creator_scope(weights.Blank()):
        copy = type(network).from_config(config)
    # One after the other, without a second copy of all in memory.
    for new, old in zip(copy.weights, network.weights, strict=True):
        new.assign(old)
    copy.trainable = False
    return copy


def decay_for(images):
    """Returns the decay over 32 images for a half-life of so many images.

    Args:
        images: float.
    """
    return 0.5 ** (32 / images)


def ramped(decay, steps):
    """Returns a decay that grows to `decay` over the first steps.

    After `n` steps it is at most `(1 + n) / (10 + n)`, so that the initial
    weights do not dominate the average after a short training.

    Args:
        decay: float.
        steps: Integer scalar tensor. Steps taken so far.

    Returns:
        Float scalar tensor.
    """
    steps = tf.cast(steps, "float32")
    return tf.minimum(decay, (1.0 + steps) / (10.0 + steps))


def follow(average, network, decay, only_trainable=False):
    """Moves averaged weights one step toward the trained ones.

    Args:
        average: A Keras layer or model.
        network: The trained one, of the same structure.
        decay: Float or scalar tensor. The fraction of the average that is kept.
        only_trainable: bool. Whether to leave out batch statistics, for
            `follow_statistics`. Defaults to `False`.
    """
    pairs = zip(average.weights, network.weights, strict=True)
    for mean, current in pairs:
        if current.trainable or not only_trainable:
            mean.assign(current + decay * (mean - current))


def follow_statistics(average, network, inputs, share):
    """Updates the batch statistics of the average from its own feature maps.

    Feature maps of averaged weights have a lower variance than those of the
    trained weights. Normalized by the statistics of the trained generator,
    they would give images of low contrast until the learning rate has decayed.

    Args:
        average: The averaged generator.
        network: The trained generator, whose layers are not frozen.
        inputs: A batch of the generator's inputs, on this replica. Every
            fourth row is used, which suffices for moving averages over a
            hundred steps.
        share: Float scalar tensor. Weight of the new statistics.

    Reference:
        [Brock et al., 2019](https://arxiv.org/abs/1809.11096), "standing
        statistics", which are taken after training.
    """
    if not network.non_trainable_weights:
        return
    others, moved = _after_training_pass(
        average,
        network,
        tf.nest.map_structure(lambda tensor: tensor[::4], inputs),
    )
    # The layers moved by `1 - MOMENTUM`; scale that step to `share`.
    share = share / (1.0 - MOMENTUM)
    for mean, value in zip(others, moved, strict=True):
        if tf.as_dtype(mean.dtype).is_floating:  # Not the state of dropout.
            mean.assign(mean + share * (value - mean))


def take_standing_statistics(average, network, batches):
    """Sets the batch statistics of the average to their means over batches.

    Args:
        average: The averaged generator.
        network: The trained generator, whose layers are not frozen.
        batches: Iterable of the generator's inputs.

    Reference:
        [Brock et al., 2019](https://arxiv.org/abs/1809.11096), appendix B
    """
    found = []
    for inputs in batches:
        others, moved = _after_training_pass(average, network, inputs)
        found.append(moved)
    for mean, *values in zip(others, *found, strict=True):
        if mean.name in ("moving_mean", "moving_variance"):
            # Each pass moved by `1 - MOMENTUM` toward its own statistics.
            step = tf.reduce_mean(tf.stack(values), axis=0) - mean
            mean.assign(mean + step / (1.0 - MOMENTUM))


def _after_training_pass(average, network, inputs):
    """Returns the average's untrained variables, and new values of them."""
    trained, others = [], []
    pairs = zip(network.variables, average.variables, strict=True)
    for variable, mean in pairs:
        (trained if variable.trainable else others).append(mean)
    # The layers of the average are frozen: they do not update statistics.
    _, moved = network.stateless_call(
        [variable.value for variable in trained],
        [variable.value for variable in others],
        inputs,
        training=True,
    )
    return others, moved
