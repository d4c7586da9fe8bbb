"""The commands that read images: `translate`, `fid` and `stats`."""

import warnings

import keras
import numpy as np
import pytest
from PIL import Image

import zoo
from kerasgan import cli, commands, metrics
from kerasgan.metrics import FeatureStatistics

NAME = "pix2pix_fluent_64"


class Negative:
    """Stands in for a model: each image becomes its negative."""

    source_channels = 3
    size_multiple = minimum_size = 64

    def translate(self, images):
        assert images.dtype == np.uint8 and images.shape[-1] == 3
        assert not any(side % 64 for side in images.shape[1:3])
        return 255 - images


@pytest.fixture(autouse=True)
def negative(monkeypatch):
    monkeypatch.setattr(zoo, "load", lambda name: Negative())


def run(capsys, *arguments):
    """Returns the exit status and what was printed on both streams."""
    return cli.main([str(a) for a in arguments]), *capsys.readouterr()


def save(path, size=(64, 64), level=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level,) * 3).save(path)
    return path


def pixels(path):
    return np.asarray(Image.open(path))


def files(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    )


def test_a_folder_keeps_its_sub_folders(capsys, tmp_path):
    names = ["a.png", "s1/x.png", "s2/x.jpg", "s2/deep/x.b.tiff"]
    for level, name in enumerate(names):
        save(tmp_path / "in" / name, level=level)
    out = tmp_path / "out"
    status, said, _ = run(capsys, "translate", NAME, tmp_path / "in", "-o", out)
    assert status == 0 and said.startswith("4 images by")
    assert "central squares, at 64x64 (--size own: whole images)" in said
    assert files(out) == ["a.png", "s1/x.png", "s2/deep/x.b.png", "s2/x.png"]
    for level, name in enumerate(["a", "s1/x", "s2/x", "s2/deep/x.b"]):
        assert (pixels(out / f"{name}.png") == 255 - level).all()


@pytest.mark.parametrize(
    ("names", "output", "message"),
    [
        (["a.png", "a.jpg"], "out", "a.jpg and .*a.png would both be written"),
        (["s/A.png", "s/a.jpg"], "out", "would both be written"),
        (["a.png"], "in", "must be outside the input"),
        (["a.png"], "in/out", "must be outside the input"),
        (["in/a.png", "a.png"], ".", "would overwrite an input"),
        ([], "out", "hold files that Pillow reads"),
    ],
)
def test_nothing_is_overwritten(
    capsys, tmp_path, names, output, message, monkeypatch
):
    (tmp_path / "in").mkdir()
    for name in names:
        save(tmp_path / "in" / name)
    before = files(tmp_path)
    status, _, error = run(
        capsys, "translate", NAME, tmp_path / "in", "-o", tmp_path / output
    )
    assert status == 2
    assert message.split(".*")[-1] in error
    assert files(tmp_path) == before and not (tmp_path / "out").exists()


def test_an_image_is_not_its_own_output(capsys, tmp_path):
    path = save(tmp_path / "a.png", level=7)
    status, _, error = run(capsys, "translate", NAME, path, "-o", path)
    assert status == 2 and "would overwrite the input" in error
    assert (pixels(path) == 7).all()


@pytest.mark.parametrize("size", [(200, 100), (64, 128), (1, 3), (333, 65)])
def test_an_image_is_translated_at_its_own_size(capsys, tmp_path, size):
    levels = np.random.RandomState(0).randint(0, 256, (*size[::-1], 3))
    Image.fromarray(levels.astype("uint8")).save(tmp_path / "a.png")
    status, said, _ = run(
        *(capsys, "translate", NAME, tmp_path / "a.png", "--size", "own"),
        *("-o", tmp_path / "b.png"),
    )
    assert status == 0 and "at their own size" in said
    np.testing.assert_array_equal(pixels(tmp_path / "b.png"), 255 - levels)


def test_the_size_of_translations(capsys, tmp_path):
    path = save(tmp_path / "a.png", (200, 100))
    for size, expected in ((None, 64), ("128", 128)):
        more = ["--size", size] if size else []
        output = tmp_path / "b.png"
        run(capsys, "translate", NAME, path, "-o", output, *more)
        assert pixels(output).shape == (expected, expected, 3)


def test_broken_images_are_named_after_the_others(capsys, tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        save(tmp_path / "in" / name)
    (tmp_path / "in" / "b.png").write_bytes(b"nothing")
    status, said, error = run(
        capsys, "translate", NAME, tmp_path / "in", "-o", tmp_path / "out"
    )
    assert status == 2 and said.startswith("2 images by")
    assert files(tmp_path / "out") == ["a.png", "c.png"]
    assert "1 of 3 images cannot be read" in error and "b.png" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "-o", "out"], "no image or folder nowhere"),
        (["a.png", "-o", "b.png", "--to", "a"], "in one direction"),
        (["a.png", "-o", "b.jpg"], "must be a .png"),
    ],
)
def test_what_translate_refuses(
    capsys, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.png")
    status, _, error = run(capsys, "translate", NAME, *arguments)
    assert status == 2 and message in error
    assert files(tmp_path) == ["a.png"]


@pytest.mark.parametrize("size", ["whole", "0", "-3", "1.5"])
def test_a_size_is_own_or_a_number(capsys, size):
    with pytest.raises(SystemExit):
        run(capsys, "translate", NAME, "a.png", "-o", "b.png", "--size", size)
    assert "--size" in capsys.readouterr().err


@pytest.fixture
def stickers(tmp_path):
    """The same stickers twice: with alpha, and on white."""
    draws = np.random.RandomState(0)
    for name in ("alpha", "white"):
        (tmp_path / name / "more").mkdir(parents=True)
    for index in range(8):
        levels = draws.randint(0, 256, (8, 8, 4)).astype("uint8")
        image = Image.fromarray(levels)
        where = "more/" if index % 2 else ""
        image.save(tmp_path / "alpha" / f"{where}{index}.png")
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image)
        white.convert("RGB").save(tmp_path / "white" / f"{index}.png")
    return tmp_path / "alpha", tmp_path / "white"


def test_fid_as_trained(capsys, stickers, tmp_path, monkeypatch):
    network = metrics.FeatureNetwork(*_channel_means())
    monkeypatch.setattr(commands, "features", lambda name: network)
    with warnings.catch_warnings():  # In tests they are errors.
        warnings.simplefilter("default", UserWarning)
        status, said, error = run(capsys, "fid", *stickers)
    assert status == 0, error
    assert "alpha dropped, 0.png, 2.png, 4.png " in error
    assert float(said) > 0.01
    for more in ([], ["--size", 4]):
        _, said, error = run(capsys, "fid", *stickers, "--as-trained", *more)
        assert float(said) < 1e-9
        assert not error
    output = tmp_path / "x.npz"
    run(capsys, "stats", stickers[0], "-o", output, "--as-trained")
    assert FeatureStatistics.load(output).mean.shape == (3,)
    status, _, error = run(capsys, "fid", *stickers, "--size", "4")
    assert status == 2 and "--size needs --as-trained" in error


def _channel_means():
    images = keras.Input((8, 8, 3))
    means = keras.layers.GlobalAveragePooling2D()(
        keras.ops.cast(images, "float32") / 255
    )
    return keras.Model(images, (means, means)), "means", "", "tf2015"
