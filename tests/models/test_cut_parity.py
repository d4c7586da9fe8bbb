"""CUT and FastCUT against the PyTorch mirror: networks, and one step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models, random  # noqa: E402
from tests.reference import torch_cut  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity

SIZE = 32
# Reflected image, after the halvings, and after the first residual block.
COUNTS = (38 * 38, 32 * 32, 16 * 16, 8 * 8)
LAYERS = (0, 4, 8, 12)


def images(seed, size=SIZE):
    shape = (2, size, size, 3)
    return np.random.RandomState(seed).uniform(-1, 1, shape).astype("float32")


def both(model=models.CUT, blocks=2):
    """Returns our model and its three mirrors, with the same weights."""
    gan = model(
        SIZE,
        generator_width=4,
        discriminator_width=4,
        blocks=blocks,
        nce_blocks=(0,),
        patches=20,
        projection_dim=8,
        ema_decay=0.0,
    )
    pairs = [
        (torch_cut.Generator(width=4, blocks=blocks), gan.generator),
        (torch_cut.Discriminator(width=4), gan.discriminator),
        (torch_cut.Projection((3, 8, 16, 16), dim=8), gan.projection),
    ]
    for seed, (mirror, network) in enumerate(pairs):
        parity.shake(mirror, seed)
        parity.give(parity.renamed(mirror, {}), network)
    return gan, pairs


@pytest.mark.parametrize("blocks, size", [(6, 32), (9, 36)])
def test_generator_and_its_features(blocks, size):
    gan, pairs = both(blocks=blocks)
    mirror, inputs = pairs[0][0], images(2, size)
    expected = parity.to_numpy(mirror(parity.to_torch(inputs)))
    np.testing.assert_allclose(gan.generator(inputs), expected, atol=1e-4)
    features = mirror.features(parity.to_torch(inputs), LAYERS)
    for one, other in zip(gan._views.encoder(inputs), features, strict=True):
        np.testing.assert_allclose(one, parity.to_numpy(other), atol=1e-4)


@pytest.mark.parametrize("size", [32, 52])
def test_discriminator_scores(size):
    gan, pairs = both()
    inputs = images(2, size)
    expected = parity.to_numpy(pairs[1][0](parity.to_torch(inputs)))
    np.testing.assert_allclose(gan.discriminator(inputs), expected, atol=1e-4)


def idle(roles):
    """Biases that a normalization takes away: gradients are rounding."""
    names = ("from_image.bias", "down_2.bias", "residual_", "up_", "conv_")
    return {
        role
        for role in roles
        if role.endswith("bias")
        and role.startswith(names)
        and role != "conv_0.bias"
    }


def optimizers(kind):
    """Returns makers of the optimizer here and there."""
    if kind == "adam":
        return (
            lambda: keras.optimizers.Adam(
                2e-4, beta_1=0.5, epsilon=parity.EPSILON
            ),
            lambda network: torch_cut.optimizer(
                network, epsilon=parity.TORCH_EPSILON
            ),
        )
    # Adam's first step hides the size of the gradient, this one shows it.
    return (
        lambda: keras.optimizers.SGD(0.01),
        lambda network: torch.optim.SGD(network.parameters(), 0.01),
    )


@pytest.mark.parametrize(
    "kind", [pytest.param("adam", marks=pytest.mark.variant), "sgd"]
)
@pytest.mark.parametrize(
    "model, flipped",
    [
        (models.CUT, False),
        pytest.param(models.FastCUT, False, marks=pytest.mark.variant),
        (models.FastCUT, True),
    ],
)
def test_training_step(model, flipped, kind, monkeypatch):
    ours, theirs = optimizers(kind)
    gan, pairs = both(model)
    gan.compile(ours(), ours())
    numbers = np.random.RandomState(5)
    sets = 2 if model is models.CUT else 1
    places = [
        [numbers.permutation(count)[:20] for count in COUNTS]
        for _ in range(sets)
    ]
    queue = [tf.constant(p, "int32") for one in places for p in one]
    monkeypatch.setattr(gan, "sample_places", lambda count: queue.pop(0))
    monkeypatch.setattr(
        random,
        "shared_uniform",
        lambda *_: tf.constant(0.0 if flipped else 0.9),
    )
    a, b = images(3), images(4)
    before = [parity.renamed(mirror, {}) for mirror, _ in pairs]
    generator, discriminator, projection = (mirror for mirror, _ in pairs)
    expected = torch_cut.train_step(
        generator,
        discriminator,
        projection,
        theirs(generator),
        theirs(discriminator),
        theirs(projection),
        parity.to_torch(a),
        parity.to_torch(b),
        *places,
        nce_weight=gan.nce_weight,
        flipped=flipped,
        layers=LAYERS,
    )
    found = gan.train_on_batch(a, b, return_dict=True)
    assert not queue
    sums = {
        "d_loss": expected["d_loss"],
        "g_loss": expected["g_loss"],
        "nce_loss": expected["nce"],
        "identity_loss": expected["identity"],
    }
    for name, value in found.items():
        assert value == pytest.approx(sums[name], rel=1e-3), name
    for (mirror, network), old in zip(pairs, before, strict=True):
        values = parity.renamed(mirror, {})
        values = {r: v for r, v in values.items() if r not in idle(old)}
        # Adam magnifies the rounding of small gradients.
        tolerance = 5e-3 if kind == "adam" else 1e-3
        parity.assert_same_step(values, network, old, tolerance=tolerance)
