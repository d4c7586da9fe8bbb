"""Converted networks beside PyTorch's, whose names are the public ones."""

import os
import sys

import numpy as np
import pytest

from kerasgan import convert
from tests.reference import numpy_stylegan
from tests.support import published

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch", reason="in the extra parity")

from tests.reference import (  # noqa: E402
    torch_cyclegan,
    torch_dcgan,
    torch_pix2pix,
)
from tests.support.parity import shake, to_numpy, to_torch  # noqa: E402


def images(size, channels=3, count=2, seed=0):
    random = np.random.RandomState(seed)
    shape = (count, size, size, channels)
    return random.uniform(-1, 1, shape).astype("float32")


def saved(folder, **mirrors):
    """Shakes and saves mirrors as their authors do, and returns the paths."""
    for seed, (name, mirror) in enumerate(mirrors.items()):
        shake(mirror, seed)
        torch.save(mirror.eval().state_dict(), folder / f"{name}.pth")
    return {name: folder / f"{name}.pth" for name in mirrors}


def outputs(mirror, inputs):
    with torch.no_grad():
        result = mirror(inputs)
    return to_numpy(result) if result.ndim == 4 else result.numpy()


def check(found, expected):
    assert expected.std() > 1e-2
    # StyleGAN's images have no bound, and random weights make them large.
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * scale)


def check_dcgan(folder, size, width):
    generator = torch_dcgan.Generator(size, width=width)
    discriminator = torch_dcgan.Discriminator(size, width=width)
    paths = saved(folder, generator=generator, discriminator=discriminator)
    gan = convert.load("dcgan", paths)
    latents = np.random.RandomState(0).randn(3, 100).astype("float32")
    check(gan(latents), outputs(generator, torch.from_numpy(latents)))
    scores = outputs(discriminator, to_torch(images(size)))
    check(gan.discriminator(images(size))[:, 0], scores)


def check_pix2pix(folder, size, width):
    generator = torch_pix2pix.Generator(size, width=width, dropout=False)
    discriminator = torch_pix2pix.discriminator(width=width)
    paths = saved(folder, generator=generator, discriminator=discriminator)
    gan = convert.load("pix2pix", paths)
    check(gan(images(size)), outputs(generator, to_torch(images(size))))
    pairs = images(size, channels=6)
    scores = outputs(discriminator, to_torch(pairs))
    check(gan.discriminator(pairs), scores)


def check_cyclegan(folder, size, width, blocks):
    mirrors = {
        "generator_ab": torch_cyclegan.Generator(width=width, blocks=blocks),
        "generator_ba": torch_cyclegan.Generator(width=width, blocks=blocks),
        "discriminator_b": torch_cyclegan.discriminator(width=width),
        "discriminator_a": torch_cyclegan.discriminator(width=width),
    }
    gan = convert.load("cyclegan", saved(folder, **mirrors), image_size=size)
    inputs = images(size)
    for to, name in (("b", "generator_ab"), ("a", "generator_ba")):
        expected = outputs(mirrors[name], to_torch(inputs))
        check(gan(inputs, to=to), expected)
    for name in gan.discriminator_names:
        expected = outputs(mirrors[name], to_torch(inputs))
        check(getattr(gan, name)(inputs), expected)


@pytest.mark.parametrize("size", [16, 64])
def test_dcgan(size, tmp_path):
    check_dcgan(tmp_path, size, width=4)


@pytest.mark.parametrize("size", [32, 128])
def test_pix2pix(size, tmp_path):
    check_pix2pix(tmp_path, size, width=4)


def test_cyclegan(tmp_path):
    check_cyclegan(tmp_path, size=24, width=4, blocks=3)


def test_pix2pix_as_the_authors_test_it(tmp_path):
    """In training mode, each image alone: only dropout differs."""
    mirror = torch_pix2pix.Generator(32, width=4, dropout=False)
    gan = convert.load("pix2pix", saved(tmp_path, generator=mirror))
    mirror.train()
    image = images(32, count=1)
    expected = outputs(mirror, to_torch(image))
    check(gan.translate_as_in_training(image, np.int64([0])), expected)
    moving = outputs(mirror.eval(), to_torch(image))
    assert np.abs(moving - expected).max() > 0.1


# At the papers' sizes


@pytest.mark.slow
def test_dcgan_of_the_paper(tmp_path):
    check_dcgan(tmp_path, 64, width=64)


@pytest.mark.slow
@pytest.mark.parametrize("size", [128, 256])
def test_pix2pix_of_the_paper(size, tmp_path):
    check_pix2pix(tmp_path, size, width=64)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "blocks"), [(128, 6), (256, 9)])
def test_cyclegan_of_the_paper(size, blocks, tmp_path):
    check_cyclegan(tmp_path, size, width=64, blocks=blocks)


@pytest.mark.slow
def test_stylegan_of_the_paper(tmp_path):
    generator = numpy_stylegan.draw_generator(1024)
    discriminator = numpy_stylegan.draw_discriminator(1024)
    paths = {"generator": generator, "discriminator": discriminator}
    for name, arrays in paths.items():
        paths[name] = tmp_path / f"{name}.npz"
        np.savez(paths[name], **arrays)
    gan = convert.load("stylegan", paths)
    # Their README counts 26,219,627 of the generator.
    weights = gan.generator.trainable_variables
    assert sum(np.prod(w.shape) for w in weights) == 26_219_627
    latents = np.random.RandomState(0).randn(1, 512).astype("float32")
    expected = numpy_stylegan.generate(generator, latents)
    found = gan.average_generator.synthesis(gan.styles(latents))
    check(found, expected.transpose(0, 2, 3, 1))
    shown = images(1024, count=1)
    expected = numpy_stylegan.score(discriminator, shown.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(gan.scores(shown), expected, rtol=1e-4)


# The names by which the other tests go


@pytest.mark.parametrize(
    ("mirror", "state"),
    [
        (
            lambda: torch_dcgan.Generator(64, 3, 4, 6),
            lambda: published.dcgan()[0],
        ),
        (
            lambda: torch_dcgan.Generator(16, 3, 4, 6),
            lambda: published.dcgan(16)[0],
        ),
        (
            lambda: torch_dcgan.Discriminator(64, width=4),
            lambda: published.dcgan()[1],
        ),
        (
            lambda: torch_pix2pix.Generator(64, width=4),
            lambda: published.unet(6),
        ),
        (
            lambda: torch_pix2pix.discriminator(width=4),
            lambda: published.patchgan(6),
        ),
        (
            lambda: torch_cyclegan.Generator(width=4, blocks=2),
            lambda: published.resnet(),
        ),
        (
            lambda: torch_cyclegan.discriminator(width=4),
            lambda: published.patchgan(3, normalized=False),
        ),
    ],
)
def test_names_and_shapes_are_pytorchs(mirror, state):
    expected = {k: tuple(v.shape) for k, v in mirror().state_dict().items()}
    assert {k: v.shape for k, v in state().items()} == expected


# Files


def test_old_files_are_read(tmp_path):
    """As PyTorch 0.3 wrote them, with parameters and a DataParallel."""
    mirror = torch_cyclegan.Generator(width=4, blocks=2)
    new = saved(tmp_path, new=mirror)["new"]
    state = torch.nn.DataParallel(mirror).state_dict(keep_vars=True)
    state["module.model.2.running_mean"] = torch.zeros(4)
    state["module.model.2.num_batches_tracked"] = torch.tensor(5)
    assert all(name.startswith("module.") for name in state)
    old = tmp_path / "old.pth"
    torch.save(state, old, _use_new_zipfile_serialization=False)
    results = [
        convert.load("cyclegan", {"generator_ab": path}, 24)(images(24))
        for path in (new, old)
    ]
    np.testing.assert_array_equal(*results)


def test_pytorch_is_not_needed(tmp_path, monkeypatch):
    path = tmp_path / "x.pth"
    torch.save(torch_dcgan.Generator(16, width=4).state_dict(), path)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert convert.load("dcgan", {"generator": path}).image_size == 16


def test_what_would_run_code_is_left_out(tmp_path):
    """Beside the network, and as the network's own class."""
    network = torch_dcgan.Generator(16, width=4)
    network.bomb = Bomb(tmp_path / "ran")
    torch.save({"G": network, "bomb": network.bomb}, tmp_path / "x.pth")
    gan = convert.load("dcgan", {"generator": tmp_path / "x.pth"})
    assert not (tmp_path / "ran").exists()
    np.testing.assert_array_equal(
        gan.generator.get_layer("norm_4").gamma,
        network.main[1].weight.detach(),
    )


class Bomb:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("place", ["whole", "within"])
def test_a_file_that_would_run_code_is_refused(place, tmp_path):
    bomb = Bomb(tmp_path / "ran")
    state = torch_dcgan.Generator(16, width=4).state_dict()
    content = {
        "whole": bomb,
        "within": state | {"main.0.weight": bomb},
    }[place]
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"x\.pth: The file holds more than"):
        convert.load("dcgan", {"generator": tmp_path / "x.pth"})
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(3)], "Received: list"),
        ({"epoch": 3, "netG": {"w": torch.zeros(3)}}, r"epoch \(int\), netG"),
    ],
)
def test_what_is_not_a_state_dict_is_refused(content, message, tmp_path):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=message):
        convert.load("dcgan", {"generator": tmp_path / "x.pth"})


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "x.pth"
    torch.save(torch_dcgan.Generator(16, width=4).state_dict(), path)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"x\.pth: The file"):
            convert.load("dcgan", {"generator": path})
