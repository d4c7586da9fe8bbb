"""Unrolled GAN in PyTorch: gradients through K steps of Adam.

Metz, Poole, Pfau and Sohl-Dickstein, 2017, section 2.
https://arxiv.org/abs/1611.02163

The networks are those of the authors' notebook for points in a plane:
generator 256-128-128-2, discriminator 2-128-128-1, tanh. The paper's own
discriminator, `Perceptron((2, 128, 1), torch.relu, input_scale=0.25)`, has
one hidden layer and divides its inputs by 4.

f = mean BCE(D(x), 1) + mean BCE(D(G(z)), 0). The discriminator descends f
once; the generator ascends f at the discriminator's weights after K steps of
its Adam. These start at the discriminator's weights, moments and counter,
use the same real points and latents every time, and the generator's gradient
goes through all of them. Afterwards they are forgotten.

Weights and moments are dicts by parameter name. Kernels are (out, in). The
root of a second moment of 0 has an infinite gradient: start from moments of
earlier steps, or with a positive `inside`.
"""

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from .torch_names import names_of_layers


class Perceptron(nn.Module):
    """Hidden layers with `activation`, a linear last one."""

    def __init__(self, sizes, activation=torch.tanh, input_scale=1.0):
        super().__init__()
        self.activation = activation
        self.input_scale = input_scale
        for index in range(len(sizes) - 1):
            name = "out" if index == len(sizes) - 2 else f"hidden_{index + 1}"
            self.add_module(name, nn.Linear(sizes[index], sizes[index + 1]))

    def forward(self, x):
        x = x * self.input_scale
        for name, layer in self.named_children():
            x = layer(x) if name == "out" else self.activation(layer(x))
        return x

    def name_map(self):
        """Role to parameter name."""
        return names_of_layers(self)


def ring_generator(latent_dim=256, units=128):
    return Perceptron((latent_dim, units, units, 2))


def ring_discriminator(units=128):
    return Perceptron((2, units, units, 1))


def weights_of(network):
    """A network's weights by name."""
    return variables(dict(network.named_parameters()))


def variables(weights):
    """Copies to take gradients with respect to."""
    return {
        name: value.detach().clone().requires_grad_()
        for name, value in weights.items()
    }


def gradients(loss, weights, create_graph=False):
    found = torch.autograd.grad(
        loss, list(weights.values()), create_graph=create_graph
    )
    return dict(zip(weights, found, strict=True))


def constants(weights):
    return {name: value.detach() for name, value in weights.items()}


def zero_state(weights):
    """Adam's state before the first step: moments of zero, counter 0."""
    zeros = {name: torch.zeros_like(value) for name, value in weights.items()}
    return zeros, dict(zeros), 0


def adam(
    weights,
    gradients,
    state,
    learning_rate=1e-4,
    beta_1=0.5,
    beta_2=0.999,
    epsilon=1e-8,
    inside=0.0,
):
    """Pure Adam: new weights and a new state (first, second, count).

    Epsilon is added before the correction of the second moment, as in Keras
    and TensorFlow; `inside` is added to that moment under the root.
    """
    first, second, count = state
    count = count + 1
    rate = learning_rate * (1 - beta_2**count) ** 0.5 / (1 - beta_1**count)
    new_weights, new_first, new_second = {}, {}, {}
    for name, gradient in gradients.items():
        m = beta_1 * first[name] + (1 - beta_1) * gradient
        v = beta_2 * second[name] + (1 - beta_2) * gradient**2
        move = rate * m / (torch.sqrt(v + inside) + epsilon)
        new_weights[name] = weights[name] - move
        new_first[name], new_second[name] = m, v
    return new_weights, (new_first, new_second, count)


def unroll(objective, weights, state, update, steps, constant=False):
    """Weights after `steps` updates down `objective(weights)`.

    Args:
        objective: Weights to a scalar.
        weights: By name.
        state: That of `update`.
        update: (weights, gradients, state) to (weights, state).
        steps: K.
        constant: Whether the result is a constant for later gradients, which
            is not the paper's method but often passes for it.
    """
    for _ in range(steps):
        found = gradients(objective(weights), weights, create_graph=True)
        weights, state = update(weights, found, state)
    if constant and steps:
        weights = constants(weights)
    return weights


def objective(discriminator, weights, real, fake):
    """f: what the discriminator minimizes."""
    real_scores = functional_call(discriminator, weights, (real,))
    fake_scores = functional_call(discriminator, weights, (fake,))
    real_loss = functional.softplus(-real_scores).mean()
    return real_loss + functional.softplus(fake_scores).mean()


def generator_gradients(
    generator,
    generator_weights,
    discriminator,
    discriminator_weights,
    discriminator_state,
    real,
    latents,
    steps,
    constant=False,
    **settings,
):
    """Loss -f of the generator and its gradients by name.

    `settings` are those of the discriminator's `adam`.
    """
    generator_weights = variables(generator_weights)
    fake = functional_call(generator, generator_weights, (latents,))
    ahead = unroll(
        lambda weights: objective(discriminator, weights, real, fake),
        variables(discriminator_weights),
        discriminator_state,
        lambda *args: adam(*args, **settings),
        steps,
        constant,
    )
    loss = -objective(discriminator, ahead, real, fake)
    return loss.item(), gradients(loss, generator_weights)


def train_step(
    generator,
    generator_weights,
    generator_state,
    discriminator,
    discriminator_weights,
    discriminator_state,
    real,
    latents,
    steps=5,
    generator_rate=1e-3,
    discriminator_rate=1e-4,
    **settings,
):
    """One step of both networks, with gradients at the same point.

    Returns:
        The losses, then weights and state of the generator, then those of the
        discriminator.
    """
    g_loss, g_gradients = generator_gradients(
        generator,
        generator_weights,
        discriminator,
        discriminator_weights,
        discriminator_state,
        real,
        latents,
        steps,
        learning_rate=discriminator_rate,
        **settings,
    )
    with torch.no_grad():
        fake = functional_call(generator, generator_weights, (latents,))
    discriminator_weights = variables(discriminator_weights)
    d_loss = objective(discriminator, discriminator_weights, real, fake)
    d_gradients = gradients(d_loss, discriminator_weights)
    new_generator = adam(
        constants(generator_weights),
        g_gradients,
        generator_state,
        generator_rate,
        **settings,
    )
    new_discriminator = adam(
        constants(discriminator_weights),
        d_gradients,
        discriminator_state,
        discriminator_rate,
        **settings,
    )
    losses = {"d_loss": d_loss.item(), "g_loss": g_loss}
    return losses, new_generator, new_discriminator
