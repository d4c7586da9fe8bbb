"""Steps of an optimizer as functions of tensors, through which gradients flow.

`optimizer.apply` assigns variables, where a gradient ends. Here new weights and
moments are tensors computed from old ones. The optimizer is only read.
"""

import keras
import tensorflow as tf

# Settings that would add to a step what `step` does not do.
UNSUPPORTED = (
    "weight_decay",
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "gradient_accumulation_steps",
    "use_ema",
    "amsgrad",
    "momentum",
    "nesterov",
)


def inner(optimizer):
    """Returns the optimizer inside of float16 loss scaling, if any."""
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    return optimizer.inner_optimizer if scaled else optimizer


def check(optimizer):
    """Refuses optimizers whose steps cannot be unrolled.

    Args:
        optimizer: A Keras optimizer.

    Raises:
        ValueError: If it is neither Adam nor SGD, or has another term in its
            steps.
    """
    optimizer = inner(optimizer)
    kinds = keras.optimizers.Adam, keras.optimizers.SGD
    extra = [name for name in UNSUPPORTED if getattr(optimizer, name, None)]
    # A subclass, such as AdamW, has a rule of its own.
    known = isinstance(optimizer, kinds) and not isinstance(
        optimizer, keras.optimizers.AdamW
    )
    if not known or extra:
        raise ValueError(
            "The discriminator's steps are unrolled, which is implemented for "
            "plain Adam and SGD. Received: "
            f"{type(optimizer).__name__}{' with ' if extra else ''}"
            f"{', '.join(extra)}"
        )


def start(optimizer):
    """Returns the state of an optimizer as tensors.

    Args:
        optimizer: A built Keras Adam or SGD.

    Returns:
        Triple of the two lists of Adam's moments, empty for SGD, and the
        number of steps taken, a float scalar.
    """
    optimizer = inner(optimizer)
    steps = tf.cast(optimizer.iterations, "float32")
    if isinstance(optimizer, keras.optimizers.SGD):
        return [], [], steps
    moments = optimizer._momentums, optimizer._velocities
    means, squares = ([tf.convert_to_tensor(v) for v in m] for m in moments)
    return means, squares, steps


def step(optimizer, weights, gradients, state):
    """Takes one step, of which all is differentiable.

    Args:
        optimizer: A built Keras Adam or SGD.
        weights: list of tensors.
        gradients: list of tensors, of the mean loss on this replica.
        state: What `start` or the step before returned.

    Returns:
        Pair of new weights and state.

    Reference:
        [Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980), the order of
        computation at the end of section 2, as in `optimizers.Adam`
    """
    optimizer = inner(optimizer)
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync > 1:
        gradients = context.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
    rate = tf.convert_to_tensor(optimizer.learning_rate)
    means, squares, steps = state
    steps = steps + 1.0
    if isinstance(optimizer, keras.optimizers.SGD):
        moved = [w - rate * g for w, g in zip(weights, gradients, strict=True)]
        return moved, ([], [], steps)
    beta_1, beta_2 = optimizer.beta_1, optimizer.beta_2
    means = [
        beta_1 * m + (1.0 - beta_1) * g
        for m, g in zip(means, gradients, strict=True)
    ]
    squares = [
        beta_2 * v + (1.0 - beta_2) * g**2
        for v, g in zip(squares, gradients, strict=True)
    ]
    rate *= tf.sqrt(1.0 - beta_2**steps) / (1.0 - beta_1**steps)
    moved = [
        w - rate * m / (root(v) + optimizer.epsilon)
        for w, m, v in zip(weights, means, squares, strict=True)
    ]
    return moved, (means, squares, steps)


def root(x):
    """Returns the square root, with gradient 0 instead of infinity at 0."""
    positive = x > 0.0
    return tf.where(positive, tf.sqrt(tf.where(positive, x, 1.0)), 0.0)
