"""`kerasgan compare`: two sets of images, read as training reads them."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image

from kerasgan import cli, commands, data, metrics
from kerasgan.data import folder
from kerasgan.metrics import comparison

FASHION = ("--features", "fashion_mnist")
NAME = "classifier_fashion_mnist_32"


def run(capsys, *arguments):
    """Returns the exit status and what was printed on both streams."""
    with warnings.catch_warnings():  # In tests they are errors.
        warnings.simplefilter("default", UserWarning)
        status = cli.main(["compare", *map(str, arguments)])
    return status, *capsys.readouterr()


@pytest.fixture
def mixed(tmp_path):
    """A folder of all that training reads otherwise than pytorch-fid."""
    images = tmp_path / "mixed"
    (images / "more").mkdir(parents=True)
    random = np.random.RandomState(0)

    def noise(height, width, *channels, high=256, dtype="uint8"):
        coarse = random.randint(0, high, (height // 4, width // 4, *channels))
        return coarse.repeat(4, 0).repeat(4, 1).astype(dtype)

    for number in range(4):
        pixels = noise(40 + 8 * number, 48, 3)
        Image.fromarray(pixels).save(images / f"{number}.png")
        Image.fromarray(noise(40, 44, 4)).save(images / f"alpha{number}.webp")
        deep = Image.fromarray(noise(48, 40, high=65536, dtype="uint16"))
        deep.save(images / f"deep{number}.tiff")
        exif = Image.Exif()
        exif[0x0112] = 3 + number
        image = Image.fromarray(noise(40, 64, 3))
        image.save(images / f"turned{number}.jpg", exif=exif)
        palette = Image.fromarray(noise(36, 36, 3)).quantize(16)
        palette.save(images / "more" / f"{number}.gif", transparency=1)
    (images / "torn.png").write_bytes(b"\x89PNG")
    return images


def as_trained(images, size, **options):
    """Returns the images of a folder, in its order, from `data.images`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths = folder.find_images(images)
        found = folder.read_images(paths, size, skip_broken=True, **options)[0]
        # The same ones that a model is trained on.
        batches = data.images(
            str(images), size, len(found), skip_broken=True, epochs=1
        )
    if options["channels"] == 3 and len(options) == 1:
        trained = data.to_uint8(next(iter(batches))).numpy()
        order = sorted(map(bytes, trained.reshape(len(found), -1)))
        assert order == sorted(map(bytes, found.reshape(len(found), -1)))
    return np.array(found)


def test_folders_are_read_as_training_reads_them(capsys, mixed, tmp_path):
    as_trained(mixed, 32, channels=3)
    np.savez(tmp_path / "b.npz", images=as_trained(mixed, 32, channels=1))
    sides = (mixed, tmp_path / "b.npz")
    # The size is that of B.
    status, out, error = run(capsys, *sides, *FASHION, "--json")
    assert status == 0
    scores = json.loads(out)
    assert scores["size"] == "32x32" and scores["features"] == NAME
    assert scores["images_a"] == scores["images_b"] == 20
    assert scores["swd"] == 0.0
    assert scores["precision"] == scores["recall"] == 1.0
    assert "1 of 21 images cannot be read" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("fit", ["crop", "pad", "squeeze"])
def test_size_and_fit_are_those_of_training(capsys, mixed, tmp_path, fit):
    images = as_trained(mixed, (16, 32), channels=3, fit=fit)
    np.savez(tmp_path / "b.npz", images=images)
    command = (mixed, tmp_path / "b.npz", "--size", "32x16", "--features")
    out = run(capsys, *command, "none", "--fit", fit, "--json")[1]
    scores = json.loads(out)
    assert scores["size"] == "32x16" and scores["swd"] == 0.0
    other = "squeeze" if fit == "crop" else "crop"
    out = run(capsys, *command, "none", "--fit", other, "--json")[1]
    assert json.loads(out)["swd"] > 0.0


def test_without_features_there_is_one_score(capsys, mixed, monkeypatch):
    monkeypatch.setattr(commands, "features", None)
    command = (mixed, mixed, "--size", 32, "--features", "none")
    status, out, _ = run(capsys, *command, "--json")
    assert status == 0
    assert sorted(json.loads(out)) == [
        *("features", "images_a", "images_b", "size", "swd")
    ]
    out = run(capsys, *command)[1]
    assert "none: no Fréchet or kernel distance, IS, precision" in out


def test_without_inception_other_features_are_used(capsys, mixed, monkeypatch):
    def missing(**options):
        raise OSError("The 2015 Inception network could not be fetched.")

    monkeypatch.setattr(metrics, "load_inception", missing)
    status, out, error = run(capsys, mixed, mixed, "--size", 32)
    assert status == 0
    assert "FID, KID and IS need Inception: The 2015 Inception network" in error
    assert "classifier_personas_64 are used" in error
    assert "kd_classifier_personas_64 " in out and "fid" not in out
    assert "is_classifier_personas_64_b" in out
    assert "not given: the features have no classes" in out
    # Who asks for it gets it or an error.
    command = (mixed, mixed, "--size", 32, "--features", "inception_2015")
    status, out, error = run(capsys, *command)
    assert status == 2 and not out and "could not be fetched" in error


def test_images_of_many_sizes_need_one(capsys, mixed):
    status, _, error = run(capsys, mixed, mixed, *FASHION)
    assert status == 2
    assert "--size 64 or --size 128x64" in error


def test_the_size_is_that_of_upright_images(tmp_path, mixed):
    exif = Image.Exif()
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        size = (8, 4) if orientation < 5 else (4, 8)
        path = tmp_path / f"{orientation}.jpg"
        Image.new("RGB", size).save(path, exif=exif)
    # Upright all are four pixels high.
    paths = sorted(tmp_path.glob("*.jpg"))
    broken = mixed / "torn.png"
    assert comparison.common_size([broken, *paths]) == (4, 8)
    assert folder.read_upright(paths[-1], 3).shape == (4, 8, 3)
    others = sorted((tmp_path / "mixed").glob("*.png"))
    assert comparison.common_size(others) is None
    assert comparison.common_size(others, paths) == (4, 8)
    assert comparison.common_size(others, np.zeros((2, 5, 6, 3))) == (5, 6)


def test_one_readable_image_is_too_few(capsys, tmp_path):
    for side in ("a", "b"):
        (tmp_path / side).mkdir()
        Image.new("RGB", (16, 16)).save(tmp_path / side / "0.png")
    sides = (tmp_path / "a", tmp_path / "b", *FASHION)
    status, _, error = run(capsys, *sides)
    assert status == 2 and "at least two images. Received: 1" in error
    for side in ("a", "b"):
        (tmp_path / side / "1.png").write_bytes(b"")
    status, _, error = run(capsys, *sides)
    assert status == 2 and "must be readable. Received: 1 and 1" in error
