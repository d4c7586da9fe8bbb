"""The mirrors of DiffAugment and ADA against values known beforehand."""

import math

import pytest

torch = pytest.importorskip("torch")

from . import torch_augment as augment  # noqa: E402

pytestmark = pytest.mark.parity

P0, P1 = torch.zeros(()), torch.ones(())


def nothing(batch, changes):
    """Draws of ADA whose coins leave all out but the named changes."""
    draws = augment.draw_ada(batch)
    names = (*augment.GEOMETRY, *augment.COLOR)
    happens = torch.tensor([name in changes for name in names])
    draws["coin"] = torch.where(happens, -1.0, 2.0).expand(batch, len(names))
    return draws


def smooth(batch=2, channels=3, size=32):
    x = torch.linspace(0.0, 3.0, size)
    images = torch.sin(x + 1.0)[:, None] * torch.cos(2.0 * x + 0.5)
    gains = torch.linspace(0.4, 0.9, batch * channels)
    return images * gains.reshape(batch, channels, 1, 1)


def test_nothing_happens_at_p_0():
    torch.manual_seed(0)
    images = torch.randn(4, 3, 16, 16)
    result = augment.ada(images, augment.draw_ada(4), P0)
    torch.testing.assert_close(result, images, rtol=0.0, atol=1e-5)


def test_a_flip_hardly_changes_more():
    images = smooth()
    draws = nothing(2, ["flip"])
    draws["flip"] = torch.tensor([0.3, 0.7])
    result = augment.ada(images, draws, P1)
    torch.testing.assert_close(result[0], images[0], rtol=0.0, atol=1e-5)
    assert (result[1] - images[1].flip(2)).abs().max() < 0.05


@pytest.mark.parametrize("number", range(4))
def test_quarter_turns(number):
    images = smooth(1)
    draws = nothing(1, ["quarter_turn"])
    draws["quarter_turn"] = torch.tensor([(number + 0.5) / 4.0])
    result = augment.ada(images, draws, P1)
    expected = torch.rot90(images, number, (2, 3))  # from below to the right
    assert (result - expected).abs().max() < 0.05


def test_a_shift_by_whole_pixels_is_exact():
    images = torch.randn(1, 3, 32, 32)
    draws = nothing(1, ["whole_shift"])
    draws["whole_shift"] = torch.tensor([[0.76, 0.13]])  # 2.08, -2.96
    result = augment.ada(images, draws, P1)
    torch.testing.assert_close(
        result[:, :, :-3, 2:], images[:, :, 3:, :-2], rtol=0.0, atol=1e-4
    )
    # Reflected: column 1 and 0 of the result are 1 and 2 of the image.
    torch.testing.assert_close(
        result[:, :, :-3, :2],
        images[:, :, 3:, 1:3].flip(3),
        rtol=0.0,
        atol=1e-4,
    )


def test_scaling_enlarges():
    x = torch.linspace(-1.0, 1.0, 33)[1:-1:2]
    images = (x[:, None] + 2.0 * x).expand(1, 1, 16, 16).clone()
    draws = nothing(1, ["scale"])
    draws["scale"] = torch.tensor([5.0])  # by 2
    result = augment.ada(images, draws, P1)
    inside = slice(3, -3)
    torch.testing.assert_close(
        result[..., inside, inside],
        images[..., inside, inside] / 2.0,
        rtol=0.0,
        atol=0.02,
    )


def test_one_rotation_happens_with_probability_p():
    torch.manual_seed(0)
    draws = augment.draw_ada(20_000)
    keep = ("rotation_before", "rotation_after")
    others = [i for i, n in enumerate(augment.GEOMETRY) if n not in keep]
    draws["coin"][:, others] = 2.0
    places = augment.places_seen(draws, torch.tensor(0.36), 16)
    turned = (places - torch.eye(3)).abs().amax(dim=(1, 2)) > 1e-6
    assert abs(turned.float().mean().item() - 0.36) < 0.015


def test_changes_of_places_come_in_order():
    draws = nothing(1, ["scale", "shift"])
    draws["scale"] = torch.tensor([5.0])
    draws["shift"] = torch.tensor([[1.0, 0.0]])
    # Enlarged by 2, then moved by an eighth of 16 pixels: the center of the
    # result was 2 pixels to the left in the enlarged image, 1 in the image.
    places = augment.places_seen(draws, P1, 16)
    expected = [[0.5, 0.0, -1.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.0]]
    torch.testing.assert_close(places[0], torch.tensor(expected))


def test_colors():
    images = torch.rand(1, 3, 8, 8)
    draws = nothing(1, ["brightness", "contrast"])
    draws["brightness"] = torch.tensor([2.0])
    draws["contrast"] = torch.tensor([2.0])
    result = augment.ada(images, draws, P1)
    torch.testing.assert_close(
        result, (images + 0.4) * 2.0, rtol=0.0, atol=1e-4
    )
    draws = nothing(1, ["luma_flip"])
    draws["luma_flip"] = torch.tensor([0.6])
    mean = images.mean(dim=1, keepdim=True)
    result = augment.ada(images, draws, P1)
    torch.testing.assert_close(result, images - 2.0 * mean, rtol=0.0, atol=1e-4)
    draws = nothing(1, ["saturation"])
    draws["saturation"] = torch.tensor([1.0])
    result = augment.ada(images, draws, P1)
    expected = mean + 2.0 * (images - mean)
    torch.testing.assert_close(result, expected, rtol=0.0, atol=1e-4)
    draws = nothing(1, ["hue"])
    draws["hue"] = torch.tensor([0.5 + 1.0 / 3.0])  # by 120 degrees
    result = augment.ada(images, draws, P1)
    torch.testing.assert_close(
        result, images.roll(1, dims=1), rtol=0.0, atol=1e-4
    )


def test_grey_images_change_as_their_grey_does():
    draws = augment.draw_ada(4)
    images = smooth(4, 1)
    colors = augment.color_matrix(draws, P1, grey=True)
    full = augment.colored(images.expand(-1, 3, -1, -1), colors)
    torch.testing.assert_close(
        augment.colored(images, colors), full.mean(dim=1, keepdim=True)
    )


def test_gradients_of_gradients():
    draws = {
        name: value.double() for name, value in augment.draw_ada(2).items()
    }
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64, requires_grad=True)

    def score(images):
        return (augment.ada(images, draws, P1.double()) ** 3).sum()

    assert torch.autograd.gradgradcheck(score, images, fast_mode=True)


@pytest.mark.parametrize(
    "sign, before, after",
    [(1.0, 0.1, 0.100512), (0.6, 0.1, 0.1), (-1.0, 0.1, 0.099488), (0, 0, 0)],
)
def test_p_rises_above_the_target(sign, before, after):
    p = augment.adjusted(torch.tensor(before), torch.tensor(sign), 4 * 64)
    assert p.item() == pytest.approx(after, abs=1e-7)


def test_diffaugment_of_colors():
    images = torch.rand(1, 3, 4, 4)
    draws = {
        "brightness": torch.tensor([0.25]),
        "saturation": torch.tensor([0.0]),
        "contrast": torch.tensor([0.5]),
    }
    result = augment.diffaugment(images, draws, "color")
    grey = images.mean(dim=1, keepdim=True) + 0.25
    expected = (grey.mean() + (grey - grey.mean()) / 2.0).expand(1, 3, 4, 4)
    torch.testing.assert_close(result, expected)


def test_diffaugment_moves_zeros_in():
    images = torch.rand(1, 3, 8, 8)
    draws = {"translation": torch.tensor([[1, -2]])}
    result = augment.diffaugment(images, draws, "translation")
    assert torch.equal(result[:, :, :-1, 2:], images[:, :, 1:, :-2])
    assert not result[:, :, -1].any() and not result[:, :, :, :2].any()


def test_diffaugment_loses_the_known_share_of_the_area():
    torch.manual_seed(0)
    draws = augment.draw_diffaugment(20_000, 32)
    ones = torch.ones(20_000, 1, 32, 32)
    for policy, share in (("cutout", 0.1865), ("translation", 0.134)):
        lost = 1.0 - augment.diffaugment(ones, draws, policy).mean()
        assert abs(lost.item() - share) < 0.003
    holes = 1.0 - augment.cutout(ones, draws).mean(dim=(1, 2, 3))
    assert holes.min() == 0.0625 and holes.max() == 0.25


def test_about_luma_keeps_grey():
    turn = augment.about_luma(torch.tensor([math.pi / 5.0]))[0]
    grey = torch.tensor([1.0, 1.0, 1.0, 0.0])
    torch.testing.assert_close(turn @ grey, grey)
    torch.testing.assert_close(turn @ turn.mT, torch.eye(4))
