"""The training of StyleGAN2's mirror: scripts/twins/stylegan2.py."""

import pytest

torch = pytest.importorskip("torch")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from scripts.twins.stylegan2 import Twin  # noqa: E402

from . import torch_augment, torch_stylegan2  # noqa: E402

pytestmark = pytest.mark.parity

TINY = {
    "image_size": 16,
    "latent_dim": 6,
    "style_dim": 6,
    "channel_base": 64,
    "channel_max": 8,
    "batch_size": 8,
}


def real_images():
    return torch.rand(8, 3, 16, 16) * 2.0 - 1.0


def steps(twin):
    """Two steps with all phases; returns the last losses of each."""
    losses = {}
    for _ in range(2):
        images = real_images()
        for _, phase in twin.phases:
            losses |= phase(images, None)
    return losses


@pytest.mark.parametrize("augment", ["ada", "diffaugment", "none"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_all_phases_run(augment, precision):
    torch.manual_seed(0)
    twin = Twin("cpu", 1000, augment=augment, precision=precision, **TINY)
    before = twin.generator.synthesis.constant.clone()
    losses = steps(twin)
    names = {
        "generator_loss",
        "path_length_penalty",
        "path_length",
        "discriminator_loss",
        "real_sign",
        "r1_penalty",
    }
    assert set(losses) == names | ({"p"} if augment == "ada" else set())
    for loss in losses.values():
        assert loss.ndim == 0 and torch.isfinite(loss)
        assert not loss.requires_grad
    for network in twin.networks().values():
        for tensor in network.state_dict().values():
            assert (
                tensor.dtype == torch.float32 and torch.isfinite(tensor).all()
            )
    assert not torch.equal(before, twin.generator.synthesis.constant)
    assert twin.images_seen == 2 * 8


def test_no_phase_makes_new_tensors_that_last():
    torch.manual_seed(0)
    twin = Twin("cpu", 1000, **TINY)

    def places():
        tensors = [twin.p, twin.path_mean, twin.images_seen, twin.sign_sum]
        for network in twin.networks().values():
            tensors += [*network.parameters(), *network.buffers()]
            tensors += [p.grad for p in network.parameters() if p.requires_grad]
        for adam in twin.adams.values():
            for state in adam.state.values():
                tensors += state.values()
            tensors += [group["lr"] for group in adam.param_groups]
        return [tensor.data_ptr() for tensor in tensors]

    before = places()
    steps(twin)
    twin.progress(0.9)
    assert places() == before


def test_its_first_steps_are_those_of_the_mirror():
    def plain(augment):
        torch.manual_seed(0)
        sizes = {k: v for k, v in TINY.items() if k != "batch_size"}
        generator = torch_stylegan2.Generator(mapping_layers=2, **sizes)
        discriminator = torch_stylegan2.Discriminator(
            image_size=16, channel_base=64, channel_max=8
        )
        torch.manual_seed(1)
        images = real_images()
        adams = [
            torch_stylegan2.optimizer(network.parameters(), every, 0.0025)
            for network, every in ((generator, 4), (discriminator, 16))
        ]
        mean = torch.zeros(())
        torch_stylegan2.generator_step(
            generator,
            discriminator,
            adams[0],
            torch_stylegan2.draw(generator, 8),
            augment=augment,
        )
        noise = torch.randn(4, 3, 16, 16)
        drawn = torch_stylegan2.draw(generator, 4)
        torch_stylegan2.path_length_step(
            generator, adams[0], drawn, noise, mean
        )
        drawn = torch_stylegan2.draw(generator, 8)
        torch_stylegan2.discriminator_step(
            generator, discriminator, adams[1], images, drawn, augment=augment
        )
        torch_stylegan2.r1_step(
            discriminator, adams[1], images, augment=augment, gamma=0.0064
        )
        return generator, discriminator

    def ada(images):
        draws = torch_augment.draw_ada(len(images))
        return torch_augment.ada(images, draws, torch.tensor(0.3))

    expected = plain(ada)
    torch.manual_seed(0)
    twin = Twin("cpu", 1000, **TINY)
    twin.p.fill_(0.3)
    torch.manual_seed(1)
    images = real_images()
    for _, phase in twin.phases[:4]:
        phase(images, None)
    trained = twin.generator, twin.discriminator
    for a, b in zip(trained, expected, strict=True):
        for (name, x), y in zip(
            a.named_parameters(), b.parameters(), strict=True
        ):
            # Adam's first steps have the size of the rate whatever the
            # gradient's: rounding matters where the gradient is nearly 0.
            moved = (x - y).abs() > 1e-4 * (1.0 + y.abs())
            assert moved.float().mean() < 0.02, name
            torch.testing.assert_close(x.grad, y.grad, rtol=2e-3, atol=1e-4)


def test_rates_fall_in_the_last_third():
    twin = Twin("cpu", 1000, **TINY)
    rates = []
    for share in (0.0, 0.66, 5.0 / 6.0, 1.0):
        twin.progress(share)
        rates.append(twin.adams["generator"].param_groups[0]["lr"].item())
    assert rates == pytest.approx([0.002, 0.002, 0.001, 0.0])


def test_p_rises_to_its_bound_while_real_images_look_real():
    twin = Twin("cpu", 1000, kimg=0.1, **TINY)
    images = real_images()
    twin.sign_sum.fill_(32.0)
    twin.sign_count.fill_(32.0)
    twin.adjust_phase(images)
    assert twin.p.item() == pytest.approx(0.32)
    assert twin.sign_count == 0.0
    twin.sign_sum.fill_(32.0)
    twin.sign_count.fill_(32.0)
    twin.adjust_phase(images)
    assert twin.p.item() == pytest.approx(0.4)
    twin.sign_count.fill_(32.0)
    twin.adjust_phase(images)
    assert twin.p.item() == pytest.approx(0.08)


class Operations(TorchDispatchMode):
    """Names of all operations that run."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.add(operation.overloadpacket.__name__)
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("augment", ["ada", "diffaugment"])
def test_no_phase_moves_data_between_host_and_device(augment):
    twin = Twin("cpu", 1000, augment=augment, precision="bfloat16", **TINY)
    steps(twin)  # which fills the caches of tables
    for adam in twin.adams.values():
        adam.step = lambda: None  # on a GPU it has another one
    with Operations() as operations:
        steps(twin)
    # Values read, tensors whose size depends on values, numbers of the host.
    forbidden = {
        "_local_scalar_dense",
        "item",
        "equal",
        "nonzero",
        "masked_select",
        "index",
        "index_put",
        "index_put_",
        "_index_put_impl_",
        "lift_fresh",
        "lift_fresh_copy",
        "pin_memory",
    }
    assert not operations.names & forbidden
    assert {"gather", "convolution"} <= operations.names


def test_signs_of_real_scores_are_counted():
    twin = Twin("cpu", 1000, **TINY)
    scores = torch.tensor([3.0, -1.0, 2.0, 0.5])
    losses = twin.counted({"real_scores": scores, "loss": scores[0]})
    assert twin.sign_sum == 2.0 and twin.sign_count == 4.0
    assert losses["real_sign"] == 0.5 and "real_scores" not in losses
