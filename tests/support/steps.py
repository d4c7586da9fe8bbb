"""One whole training step against losses written out again."""

import keras
import numpy as np
import tensorflow as tf

RATE = 0.1


def log_probability(scores):
    """log D, from raw scores."""
    return tf.math.log(tf.sigmoid(scores))


def log_complement(scores):
    """log(1 - D), from raw scores."""
    return tf.math.log(1.0 - tf.sigmoid(scores))


def log_class_probability(labels, logits):
    """log P(C = c), one value per image."""
    code = tf.one_hot(labels, logits.shape[-1])
    return tf.reduce_sum(code * tf.math.log(tf.nn.softmax(logits)), 1)


def check_step(
    gan, batch, draws, discriminator_loss, generator_loss, scale=8.0
):
    """Compares the weights after a step with those of plain descent.

    Args:
        gan: A tiny model without dropout.
        batch: What `train_step` takes.
        draws: The numbers of latents that the step draws, in order.
        discriminator_loss: Callable from the drawn latents to a scalar.
        generator_loss: Callable from the drawn latents to a scalar.
        scale: float. Multiplies the first kernels. Defaults to `8.0`, with
            which every loss has a say.
    """
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE))
    for network in (*gan.generators, *gan.discriminators):
        for variable in network.trainable_variables:
            if "kernel" in variable.path:
                variable.assign(scale * variable)
    state = gan.seed_generator.state.numpy()
    latents = [gan.sample_latents(count) for count in draws]
    gan.seed_generator.state.assign(state)

    def descend(networks, loss):
        variables = [v for n in networks for v in n.trainable_variables]
        with tf.GradientTape() as tape:
            value = loss(latents)
        gradients = tape.gradient(value, variables)
        return [
            # An embedding's gradient has its rows apart.
            v.numpy() - RATE * tf.convert_to_tensor(g).numpy()
            for v, g in zip(variables, gradients, strict=True)
        ]

    def compare(networks, expected):
        variables = [v for n in networks for v in n.trainable_variables]
        for v, value in zip(variables, expected, strict=True):
            np.testing.assert_allclose(
                v, value, rtol=1e-4, atol=3e-6, err_msg=v.path
            )

    before = [v.numpy() for n in gan.generators for v in n.trainable_variables]
    expected = descend(gan.discriminators, discriminator_loss)
    gan.train_step(batch)
    compare(gan.discriminators, expected)

    # The generator's step was taken from here, against the new discriminator.
    variables = [v for n in gan.generators for v in n.trainable_variables]
    after = [v.numpy() for v in variables]
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    expected = descend(gan.generators, generator_loss)
    for variable, value in zip(variables, after, strict=True):
        variable.assign(value)
    compare(gan.generators, expected)
