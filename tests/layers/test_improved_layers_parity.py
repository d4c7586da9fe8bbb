"""Layers of the improved GAN against the PyTorch mirrors, and gradients."""

import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan.layers import (  # noqa: E402
    MinibatchDiscrimination,
    VirtualBatchNormalization,
)
from kerasgan.layers.weight_norm import WeightNormDense  # noqa: E402
from tests.reference import torch_improved_layers as reference  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity


def normal(shape, seed=0):
    random = np.random.RandomState(seed)
    return (1.0 + random.standard_normal(shape)).astype("float32")


def give(mirror, layer, shape, names=()):
    """Shakes a mirror, and gives its weights to a layer.

    Returns:
        Pairs of a variable and a parameter that are transposes of each other
        if they are matrices.
    """
    parity.shake(mirror, seed=1)
    layer.build(shape)
    names = dict(names)
    pairs = []
    for name, value in mirror.state_dict(keep_vars=True).items():
        variable = getattr(layer, names.get(name, name))
        pairs.append((variable, value, name == "weight" and value.ndim == 2))
        variable.assign(ours(value, pairs[-1][2]))
    assert len(pairs) == len(layer.weights)
    return pairs


def ours(value, is_transposed):
    value = value.detach().numpy()
    return value.T if is_transposed else value


def compare(layer, pairs, inputs, expected, theirs, outputs=slice(None)):
    """Compares outputs, and the gradients of their weighted sum."""
    x = tf.constant(inputs)
    weights = normal(expected.shape, seed=9)
    variables = [v for v, *_ in pairs if v.trainable]
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = layer(x)[outputs]
        loss = tf.reduce_sum(weights * found)
    np.testing.assert_allclose(found, expected.detach(), rtol=1e-4, atol=1e-5)
    gradients = tape.gradient(loss, [x, *variables])
    (torch.from_numpy(weights) * expected).sum().backward()
    np.testing.assert_allclose(gradients[0], theirs.grad, rtol=1e-3, atol=1e-4)
    trained = [pair for pair in pairs if pair[0].trainable]
    for gradient, (variable, value, is_transposed) in zip(
        gradients[1:], trained, strict=True
    ):
        np.testing.assert_allclose(
            gradient,
            ours(value.grad, is_transposed),
            rtol=1e-3,
            atol=1e-4,
            err_msg=variable.name,
        )


@pytest.mark.parametrize("train_gain", [False, True])
def test_weight_normalization(train_gain):
    mirror = reference.WeightNormDense(5, 4, train_gain)
    layer = WeightNormDense(4, train_gain=train_gain)
    pairs = give(mirror, layer, (None, 5), {"weight": "kernel"})
    inputs = normal((7, 5))
    x = torch.from_numpy(inputs).requires_grad_()
    compare(layer, pairs, inputs, mirror(x), x)
    layer.gain.assign(np.ones(4))
    layer.initialize(inputs)
    mirror.initialize(x.detach())
    for variable, value, is_transposed in pairs:
        np.testing.assert_allclose(
            variable, ours(value, is_transposed), rtol=1e-4, atol=1e-5
        )


def test_minibatch_discrimination():
    mirror = reference.MinibatchDiscrimination(5, 6, 3)
    layer = MinibatchDiscrimination(6, 3)
    pairs = give(mirror, layer, (None, 5), {"weight": "directions"})
    inputs = normal((7, 5))
    x = torch.from_numpy(inputs).requires_grad_()
    compare(layer, pairs, inputs, mirror(x), x)


@pytest.mark.parametrize("space", [(), (3, 4)])
def test_virtual_batch_normalization(space):
    size = 4
    mirror = reference.VirtualBatchNorm(5)
    layer = VirtualBatchNormalization(size)
    pairs = give(mirror, layer, (None, *space, 5))
    inputs = normal((7, *space, 5))
    # Channels are the last axis here, and the second one there.
    x = torch.from_numpy(inputs).requires_grad_()
    live, fixed = mirror(x[size:].movedim(-1, 1), x[:size].movedim(-1, 1))
    expected = torch.cat([fixed, live]).movedim(1, -1)
    compare(layer, pairs, inputs, expected, x)
