"""Unrolled GAN against the PyTorch mirror: outputs, and one training step.

Adam starts from moments of its own, as after some steps; a second moment of
zero would have an infinite gradient in the mirror.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from kerasgan.optimizers import Adam  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_unrolled_gan as reference  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity

LATENTS, UNITS, STEPS, COUNT = 5, 8, 3, 4
GENERATOR = {"out": "points"}
DISCRIMINATOR = {"out": "score"}


def both(name, steps=STEPS):
    """Returns our model and its mirrors, with the same weights."""
    hidden = (UNITS,) if name == "appendix_a" else (UNITS, UNITS)
    gan = models.UnrolledGAN.paper(
        name,
        unroll_steps=steps,
        latent_dim=LATENTS,
        generator_units=(UNITS, UNITS),
        discriminator_units=hidden,
        ema_decay=0.0,
    )
    if name == "appendix_a":
        generator = reference.Perceptron((LATENTS, UNITS, UNITS, 2), torch.relu)
        discriminator = reference.Perceptron(
            (2, UNITS, 1), torch.relu, input_scale=0.25
        )
    else:
        generator = reference.ring_generator(LATENTS, UNITS)
        discriminator = reference.ring_discriminator(UNITS)
    for seed, mirror in enumerate((generator, discriminator)):
        parity.shake(mirror, seed)
    parity.give(parity.renamed(generator, GENERATOR), gan.generator)
    parity.give(parity.renamed(discriminator, DISCRIMINATOR), gan.discriminator)
    return gan, generator, discriminator


def in_our_order(network, mirror, names, weights):
    """Returns the mirror's arrays, by name, as the network's variables."""
    by_role = {}
    for role, name in mirror.name_map().items():
        layer, attribute = role.split(".")
        array = weights[name].detach().numpy()
        role = f"{names.get(layer, layer)}.{attribute}"
        by_role[role] = array.T if array.ndim == 2 else array
    return [by_role[role] for role in parity.variables(network)]


def warm(optimizer, network, mirror, names, seed):
    """Gives Adam moments and a count; returns them as the mirror's state."""
    optimizer.build(network.trainable_variables)
    optimizer.iterations.assign(COUNT)
    generator = torch.Generator().manual_seed(seed)
    moments = []
    for ours, positive in (
        (optimizer._momentums, False),
        (optimizer._velocities, True),
    ):
        theirs = {}
        for name, value in mirror.named_parameters():
            moment = 0.1 * torch.randn(value.shape, generator=generator)
            theirs[name] = moment**2 + 1e-4 if positive else moment
        arrays = in_our_order(network, mirror, names, theirs)
        for variable, array in zip(ours, arrays, strict=True):
            variable.assign(array)
        moments.append(theirs)
    return *moments, COUNT


def latents(count):
    random = np.random.RandomState(5)
    return random.standard_normal((count, LATENTS)).astype("float32")


both_networks = pytest.mark.parametrize("name", ["appendix_a", "notebook"])


@both_networks
def test_outputs(name):
    gan, generator, discriminator = both(name)
    inputs, points = latents(7), tiny.points(7)
    expected = generator(torch.from_numpy(inputs)).detach()
    np.testing.assert_allclose(gan.generator(inputs), expected, atol=1e-5)
    expected = discriminator(torch.from_numpy(points)).detach()
    np.testing.assert_allclose(gan.discriminator(points), expected, atol=1e-5)
    assert np.std(expected.numpy()) > 0.001


@both_networks
@pytest.mark.parametrize("rate", [1e-4, 0.05])
def test_training_step(name, rate):
    """With the paper's rate, and one at which unrolled steps matter."""
    gan, generator, discriminator = both(name)
    ours = gan.default_optimizers()
    for optimizer in ours:
        assert float(optimizer.learning_rate) == pytest.approx(1e-4)
        optimizer.learning_rate = rate
    gan.compile(*ours, run_eagerly=True)
    networks = (
        (gan.generator, generator, GENERATOR),
        (gan.discriminator, discriminator, DISCRIMINATOR),
    )
    states = [
        warm(optimizer, *network, seed)
        for seed, (optimizer, network) in enumerate(
            zip(ours, networks, strict=True)
        )
    ]
    points, draws = tiny.points(9), latents(9)
    gan.sample_latents = lambda batch_size: tf.constant(draws)
    before = [[v.numpy() for v in n.trainable_variables] for n, *_ in networks]
    found = gan.train_step(tf.constant(points))

    expected, *after = reference.train_step(
        generator,
        reference.weights_of(generator),
        states[0],
        discriminator,
        reference.weights_of(discriminator),
        states[1],
        torch.from_numpy(points),
        torch.from_numpy(draws),
        STEPS,
        generator_rate=rate,
        discriminator_rate=rate,
    )
    for key, value in expected.items():
        assert float(found[key]) == pytest.approx(value, rel=1e-5), key
    for optimizer, (network, mirror, names), old, (weights, state) in zip(
        ours, networks, before, after, strict=True
    ):
        assert int(optimizer.iterations) == state[2] == COUNT + 1
        pairs = (
            (network.trainable_variables, weights),
            (optimizer._momentums, state[0]),
            (optimizer._velocities, state[1]),
        )
        for variables, theirs in pairs:
            arrays = in_our_order(network, mirror, names, theirs)
            for variable, array in zip(variables, arrays, strict=True):
                np.testing.assert_allclose(
                    variable, array, rtol=1e-4, atol=1e-6, err_msg=variable.path
                )
        arrays = in_our_order(network, mirror, names, weights)
        for variable, array, start in zip(
            network.trainable_variables, arrays, old, strict=True
        ):
            error = np.linalg.norm(variable.numpy() - array)
            assert error < 1e-2 * np.linalg.norm(array - start), variable.path


@both_networks
@pytest.mark.parametrize("steps", [0, STEPS])
def test_the_size_of_the_gradient(name, steps):
    """Plain descent of the generator, against Adam of the discriminator."""
    gan, generator, discriminator = both(name, steps)
    rate, unrolled_rate = 0.1, 0.05
    gan.compile(
        keras.optimizers.SGD(rate),
        Adam(unrolled_rate, beta_1=0.5),
        run_eagerly=True,
    )
    state = warm(
        gan.discriminator_optimizer,
        gan.discriminator,
        discriminator,
        DISCRIMINATOR,
        seed=1,
    )
    points, draws = tiny.points(9), latents(9)
    gan.sample_latents = lambda batch_size: tf.constant(draws)
    before = [v.numpy() for v in gan.generator.trainable_variables]
    found = gan.train_step(tf.constant(points))

    def expected(constant):
        loss, gradients = reference.generator_gradients(
            generator,
            reference.weights_of(generator),
            discriminator,
            reference.weights_of(discriminator),
            state,
            torch.from_numpy(points),
            torch.from_numpy(draws),
            steps,
            constant,
            learning_rate=unrolled_rate,
        )
        assert float(found["g_loss"]) == pytest.approx(loss, rel=1e-5)
        return in_our_order(gan.generator, generator, GENERATOR, gradients)

    whole, first_order = expected(False), expected(True)
    for variable, old, gradient, constant in zip(
        gan.generator.trainable_variables,
        before,
        whole,
        first_order,
        strict=True,
    ):
        size = np.linalg.norm(gradient)
        error = np.linalg.norm((old - variable.numpy()) / rate - gradient)
        assert error < 1e-4 * size, variable.path
        # What an unrolled discriminator that is a constant would miss.
        missed = np.linalg.norm(constant - gradient)
        assert (missed > 1e-2 * size) == (steps > 0), variable.path
