"""The training steps that scripts/train_in_pytorch.py runs on a GPU.

Each twin takes the step of its mirror, and what it trained is the same model in
Keras.
"""

import copy
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kerasgan import models, publishing, recipes  # noqa: E402
from scripts import twins  # noqa: E402
from scripts.twins import (  # noqa: E402
    biggan,
    lsgan,
    sngan,
    stylegan2,
    wgan,
)
from tests import tiny  # noqa: E402
from tests.reference import torch_dcgan, torch_wgan  # noqa: E402
from tests.reference.torch_steps import squared_error  # noqa: E402
from tests.support.scripts import script  # noqa: E402

pytestmark = pytest.mark.parity

COUNT, SIZE = 10, 16
# Small twins, and the models that their weights fit.
TINY = {
    "lsgan": (
        {"width": 4, "image_size": SIZE},
        lambda: models.LSGAN(SIZE, channels=1, width=4),
    ),
    "wgan": (
        {"width": 4, "image_size": SIZE, "long_steps": 5},
        lambda: models.WGAN(SIZE, channels=1, width=4),
    ),
}
each_twin = pytest.mark.parametrize("name", TINY)


@pytest.fixture(autouse=True)
def same_numbers():
    torch.manual_seed(0)


def build(module, name):
    return module.Twin("cpu", 1000, **TINY[name][0])


def images(twin, count=COUNT):
    channels = 3 if twin.data == "personas" else 1
    return torch.from_numpy(
        tiny.images(count, SIZE, channels).transpose(0, 3, 1, 2).copy()
    )


def fixed(twin, draws):
    """Makes a twin sample the given latents, one after the other."""
    given = iter(draws)
    twin.sample_latents = lambda count: next(given)


def mirrors(twin):
    return copy.deepcopy((twin.generator, twin.discriminator))


def assert_equal(twin, mirrors):
    """Compares all trained weights."""
    for ours, theirs in zip(
        (twin.generator, twin.discriminator), mirrors, strict=True
    ):
        for (name, found), expected in zip(
            ours.named_parameters(), theirs.parameters(), strict=True
        ):
            torch.testing.assert_close(
                found, expected, rtol=1e-5, atol=1e-6, msg=name
            )


def approx(losses):
    return pytest.approx(losses, rel=1e-5)


def test_step_of_lsgan(monkeypatch):
    """The step of DCGAN with equation 9 instead of the cross-entropy."""
    monkeypatch.setattr(
        torch_dcgan,
        "cross_entropy",
        lambda scores, target: 0.5 * squared_error(scores, target),
    )
    twin = build(lsgan, "lsgan")
    networks = mirrors(twin)
    latents = torch.randn(COUNT, 100)
    fixed(twin, [latents])
    found = twin.step(images(twin), None)
    expected = torch_dcgan.train_step(
        *networks,
        *map(torch_dcgan.optimizer, networks),
        images(twin),
        latents,
        latents,
    )
    assert {k: float(v) for k, v in found.items()} == approx(expected)
    assert_equal(twin, networks)


def test_step_of_wgan():
    twin = build(wgan, "wgan")
    networks = mirrors(twin)
    optimizers = [torch_wgan.optimizer(m, 2e-4) for m in networks]
    draws = torch.randn(6, COUNT // 5, 100)
    fixed(twin, draws)
    found = twin.step(images(twin), None)
    for number in range(5):
        d_loss = torch_wgan.critic_step(
            *networks, optimizers[1], images(twin)[number::5], draws[number]
        )
    g_loss = torch_wgan.generator_step(*networks, optimizers[0], draws[5])
    assert {k: float(v) for k, v in found.items()} == approx(
        {
            "d_loss": d_loss["loss"],
            "wasserstein": d_loss["wasserstein"],
            "g_loss": g_loss["loss"],
        }
    )
    assert_equal(twin, networks)
    assert float(twin.average.steps) == 1.0


def test_wgan_waits_for_its_critic():
    """As the authors' loop counts: 100 steps before an update, at first."""
    twin = wgan.Twin("cpu", 1000, width=2, image_size=SIZE)
    batch = images(twin, 10)
    first = copy.deepcopy(twin.generator_state())
    for _ in range(19):
        twin.step(batch, None)
    for found, expected in zip(twin.generator_state(), first, strict=True):
        assert torch.equal(found, expected)
    twin.step(batch, None)
    assert float(twin.average.steps) == 1.0
    moved = [
        not torch.equal(found, expected)
        for found, expected in zip(twin.generator_state(), first, strict=True)
    ]
    assert all(moved[: len(list(twin.generator.parameters()))])


@pytest.mark.parametrize("updates", [0, 1, 24, 25, 26, 499, 500, 501, 1000])
def test_when_an_update_of_wgan_is_due(updates):
    twin = wgan.Twin("cpu", 1000, width=2, image_size=SIZE)
    needed = sum(torch_wgan.critic_steps(i) for i in range(updates + 1))
    twin.average.steps.fill_(updates)
    for steps, is_due in ((needed - 1, False), (needed, True)):
        twin.critic_updates.fill_(steps)
        assert bool(twin.generator_is_due()) == is_due


def test_the_average_is_that_of_kerasgan():
    """The same generators and latents, five steps."""
    twin = build(lsgan, "lsgan")
    gan = TINY["lsgan"][1]()
    gan.compile()
    twin.give(gan)
    for seed in range(5):
        latents = twin.sample_latents(64)
        with torch.no_grad():
            for parameter in twin.generator.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
        for role, array in twin.values(twin.generator).items():
            layer, attribute = role.split(".")
            if "moving" not in attribute:
                for variable in gan.generator.get_layer(layer).weights:
                    if variable.name == attribute:
                        variable.assign(array)
        twin.average.follow(twin.generator, latents)
        gan.generator_optimizer.iterations.assign(seed + 1)
        gan.update_average(inputs=latents.numpy())
    expected = twin.values(twin.average.network)
    for layer in gan.average_generator.layers:
        for variable in layer.weights:
            role = f"{layer.name}.{variable.name}"
            np.testing.assert_allclose(
                variable, expected[role], rtol=1e-4, atol=1e-5, err_msg=role
            )


@pytest.mark.parametrize(
    "twin, make",
    [
        (
            lambda: biggan.Twin(
                "cpu",
                1000,
                generator_width=2,
                discriminator_width=2,
                latent_dim=8,
                shared_dim=6,
            ),
            lambda: models.BigGAN(
                32, 10, 1, 2, 8, embedding_dim=6, attention_size=None
            ),
        ),
        (
            lambda: sngan.Twin(
                "cpu",
                1000,
                generator_width=6,
                discriminator_width=6,
                latent_dim=8,
            ),
            lambda: models.ConditionalSNGAN(
                32,
                10,
                channels=1,
                generator_width=6,
                discriminator_width=6,
                latent_dim=8,
            ),
        ),
    ],
)
def test_weights_by_class_are_laid_on_the_model(twin, make):
    twin, gan = twin(), make()
    twin.give(gan)
    latents, labels = twin.sample(6)
    networks = twin.networks()
    mirror = networks["average_generator"].eval()
    with torch.no_grad():
        expected = mirror(latents, labels)
        scores = networks["discriminator"].eval()(expected, labels)
    found = gan((latents.numpy(), labels.numpy()))
    np.testing.assert_allclose(
        found, expected.permute(0, 2, 3, 1), rtol=1e-4, atol=1e-4
    )
    assert np.std(found) > 1e-3
    found = gan.discriminator((found.numpy(), labels.numpy()))
    np.testing.assert_allclose(
        np.ravel(found), scores.ravel(), rtol=1e-3, atol=1e-4
    )


def test_weights_of_stylegan2_are_laid_on_the_model():
    sizes = {
        "image_size": 16,
        "latent_dim": 8,
        "style_dim": 8,
        "mapping_layers": 2,
        "channel_base": 64,
        "channel_max": 8,
    }
    twin, gan = stylegan2.Twin("cpu", 1000, **sizes), models.StyleGAN2(**sizes)
    twin.give(gan)
    latents = torch.randn(6, 8)
    mirror = twin.networks()["average_generator"]
    noises = [noise[None] for noise in mirror.synthesis.constant_noises()]
    with torch.no_grad():
        expected = mirror(latents, None, noises, 1.0).clamp(-1.0, 1.0)
    np.testing.assert_allclose(
        gan(latents.numpy()),
        expected.permute(0, 2, 3, 1),
        rtol=1e-4,
        atol=1e-4,
    )
    assert expected.std() > 1e-3


def test_falling_rates():
    twin = build(lsgan, "lsgan")
    twin.progress(0.25)
    found = [float(o.param_groups[0]["lr"]) for o in twin.falling]
    assert found == pytest.approx([1.5e-4, 1.5e-4])
    twin.progress(1.0)
    assert [float(o.param_groups[0]["lr"]) for o in twin.falling] == [0, 0]


@pytest.fixture
def command():
    return script("train_in_pytorch").main


def train(command, name, folder, steps, *more):
    """Trains a small twin by the command; returns its snapshots."""
    twin = script("train_in_pytorch").twin_class(name)
    channels = 3 if twin.data == "personas" else 1
    random = np.random.RandomState(0)
    count = 4 * twin.batch_size
    shape = (count, SIZE, SIZE, channels)
    np.savez(
        folder / "data.npz",
        images=random.randint(0, 256, shape).astype("uint8"),
        labels=np.arange(count) % 10,
    )
    options = [
        f"--option={key}={value}" for key, value in TINY[name][0].items()
    ]
    command(
        [
            *("train", name, str(folder / "out")),
            *("--data", str(folder / "data.npz"), "--device", "cpu"),
            f"--images={steps * twin.batch_size}",
            *(*options, *more),
        ]
    )
    found = (folder / "out").glob(f"{name}-*.npz")
    return sorted(found, key=lambda path: int(path.stem.split("-")[1]))


@each_twin
def test_training_by_the_command(command, name, tmp_path):
    paths = train(command, name, tmp_path, 20, "--snapshots=3")
    batch = script("train_in_pytorch").twin_class(name).batch_size
    # After the first pass over the data, after half of the run, and at last.
    seen = [int(path.stem.split("-")[1]) for path in paths]
    assert seen == [4 * batch, 10 * batch, 20 * batch]
    log = (tmp_path / "out" / f"{name}.log").read_text()
    assert log.splitlines()[-1] == "done"
    first, last = (np.load(path) for path in (paths[0], paths[-1]))
    assert set(first.files) == set(last.files)
    about = json.loads(str(last["about"]))
    assert about["images"] == 20 * batch
    assert np.isfinite(list(about["losses"].values())).all()
    moved = [
        name
        for name in first.files
        if not np.array_equal(first[name], last[name])
    ]
    assert {n for n in first.files if n.endswith("weight")} <= set(moved)


def test_a_run_ends_in_time_at_rate_zero(command, tmp_path, monkeypatch):
    shares = []
    monkeypatch.setattr(
        twins.Base, "progress", lambda self, share: shares.append(share)
    )
    train(command, "lsgan", tmp_path, 10**6, "--seconds=0.5")
    assert shares[-1] == 1.0
    assert shares == sorted(shares)


@each_twin
@pytest.mark.parametrize("more", [(), ("--half", "--without=generator")])
def test_keeping(command, name, more, tmp_path, monkeypatch):
    """The kept model generates what the averaged generator generates."""
    paths = train(command, name, tmp_path, 8, "--snapshots=2", *more)
    make = TINY[name][1]
    keep(command, name, tmp_path, make, monkeypatch)
    run = tmp_path / "run"
    about = json.loads((run / "run.json").read_text())
    assert about["framework"] == f"PyTorch {torch.__version__}"
    assert about["processor"] == "CPU"
    gan = make()
    gan.load_weights(run / "best.weights.h5")
    twin = script("train_in_pytorch").twin_class(name)(
        "cpu", 1, **TINY[name][0]
    )
    script("train_in_pytorch").load(twin, paths[-1])
    latents = twin.sample_latents(6)
    expected = twin.average.network.eval()(latents).numpy()
    np.testing.assert_allclose(
        gan(latents.numpy()), expected.transpose(0, 2, 3, 1), atol=1e-4
    )
    assert np.std(expected) > 1e-3


def keep(command, name, folder, make, monkeypatch):
    """Makes a run by the command, with a recipe of the small model."""
    compiled = make()
    compiled.compile()
    scores = iter(range(9, 0, -1))
    recipe = recipes.Recipe(
        name="mine_16",
        dataset="mine",
        description="Generates noise.",
        license="CC0-1.0",
        build=lambda: compiled,
        batches=None,
        steps_per_epoch=4,
        epochs=9,
        score=lambda gan: {"falling": float(next(scores))},
    )
    monkeypatch.setattr(recipes, "load", lambda name: (recipe, ""))
    command(["keep", name, str(folder / "out"), str(folder / "run")])
    return recipe


def test_publishing(command, tmp_path, monkeypatch):
    """The card says where the weights come from."""
    train(command, "lsgan", tmp_path, 8, "--snapshots=2")
    keep(command, "lsgan", tmp_path, TINY["lsgan"][1], monkeypatch)
    (tmp_path / "run" / "recipe.py").write_text("")
    publishing.publish(
        tmp_path / "run",
        tmp_path / "mine_16",
        about_data="Noise.",
        weaknesses="All.",
    )
    text = (tmp_path / "mine_16" / "README.md").read_text()
    assert f"PyTorch {torch.__version__}" in text
    metrics = json.loads((tmp_path / "mine_16" / "metrics.json").read_text())
    assert metrics["training"]["framework"] == f"PyTorch {torch.__version__}"
    assert metrics["training"]["processor"] == "CPU"
    assert metrics["training"]["kept"] == {
        "epoch": 2,
        "score": "falling",
        "value": 8.0,
    }
