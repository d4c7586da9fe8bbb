"""Both augmentations against their mirrors in PyTorch."""

import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import augment  # noqa: E402
from tests.reference import torch_augment  # noqa: E402

pytestmark = pytest.mark.parity
# Ours by the mirror's.
NAMES = {"quarter_turn": "turn", "whole_shift": "shift", "shift": "move"}


def of_mirror(images):
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy())


def noise(size, channels):
    shape = (8, size, size, channels)
    return np.random.RandomState(0).randn(*shape).astype("float32")


def assert_alike(found, mirrored, atol=2e-5):
    expected = mirrored.detach().numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(found, expected, atol=atol)


def both_gradients(function, mirrored, images, atol):
    """Compares images, and the gradients of the sum of their squares."""
    ours, theirs = tf.constant(images), of_mirror(images).requires_grad_()
    with tf.GradientTape() as tape:
        tape.watch(ours)
        found = function(ours)
        total = tf.reduce_sum(found**2)
    expected = mirrored(theirs)
    assert_alike(found, expected, atol)
    (gradient,) = torch.autograd.grad((expected**2).sum(), theirs)
    assert_alike(tape.gradient(total, ours), gradient, 10 * atol)


@pytest.mark.parametrize(("size", "channels"), [(16, 1), (9, 3)])
def test_diff_augment(size, channels):
    draws = torch_augment.draw_diffaugment(8, size)
    shift, hole = int(size / 8 + 0.5), int(size / 2 + 0.5)
    # Whole numbers are the middle of their share of [0, 1). The mirror's shift
    # is to where a pixel comes from.
    shifts = (shift - draws["translation"] + 0.5) / (2 * shift + 1)
    centers = (draws["cutout"] + 0.5) / (size + 1 - hole % 2)
    numbers = {
        "brightness": draws["brightness"] + 0.5,
        "saturation": draws["saturation"] / 2.0,
        "contrast": draws["contrast"] - 0.5,
        "shift_y": shifts[:, 0],
        "shift_x": shifts[:, 1],
        "cutout_y": centers[:, 0],
        "cutout_x": centers[:, 1],
    }
    numbers = {k: tf.constant(v.numpy(), "float32") for k, v in numbers.items()}
    assert numbers.keys() == set(augment.DIFF_AUGMENT_NUMBERS)
    policy = "color,translation,cutout"
    both_gradients(
        lambda x: augment.diff_augment(x, numbers, policy),
        lambda x: torch_augment.diffaugment(x, draws, policy),
        noise(size, channels),
        1e-5,
    )


@pytest.mark.parametrize("p", [0.3, 1.2])
@pytest.mark.parametrize(("size", "channels"), [(16, 1), (12, 3)])
def test_ada(size, channels, p):
    draws = torch_augment.draw_ada(8)
    names = (*torch_augment.GEOMETRY, *torch_augment.COLOR)
    numbers = {}
    for place, name in enumerate(names):
        ours = NAMES.get(name, name)
        numbers[f"{ours}_coin"] = draws["coin"][:, place]
        if draws[name].ndim == 2:
            numbers[f"{ours}_x"], numbers[f"{ours}_y"] = draws[name].T
        else:
            numbers[ours] = draws[name]
    numbers = {k: tf.constant(v.numpy()) for k, v in numbers.items()}
    both_gradients(
        lambda x: augment.ada(x, numbers, p),
        lambda x: torch_augment.ada(x, draws, torch.tensor(p)),
        noise(size, channels),
        1e-3,  # Places are rounded differently by both.
    )


def test_p():
    layer = augment.AdaptiveAugmentation(kimg=2, interval=2)
    layer.build((None, 8, 8, 1))
    p = torch.zeros(())
    for seed in range(6):
        scores = np.random.RandomState(seed).randn(2, 16) + 0.9 - 0.2 * seed
        for half in scores:
            layer.observe(tf.constant(half, "float32"))
        mean = torch.tensor(np.sign(scores).mean())
        p = torch_augment.adjusted(p, mean, 32, kimg=2.0)
        assert float(layer.p) == pytest.approx(float(p), abs=1e-6)
