import os

import numpy as np
import pytest
from PIL import Image

from kerasgan.data import folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def images(tmp_path):
    (tmp_path / "images").mkdir()
    return tmp_path / "images"


def plain(path, level=0, size=(8, 8)):
    Image.new("L", size, level).save(path)
    return path


def array(path, channels=3, size=8):
    return folder.decode(path, size, channels)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".PNG"])
def test_every_format_is_read(images, suffix):
    path = images / f"image{suffix}"
    Image.new("RGB", (8, 8), (200, 100, 50)).save(path)
    assert folder.find_images(images) == [path]
    received = array(path).astype(int)
    assert np.abs(received - (200, 100, 50)).max() <= 4


def test_grey_becomes_color_and_back(images):
    path = plain(images / "grey.png", 77)
    assert (array(path) == 77).all() and array(path).shape == (8, 8, 3)
    Image.new("RGB", (8, 8), (255, 0, 0)).save(path)
    # 0.299 * 255, the weight of red in ITU-R 601.
    assert (array(path, channels=1) == 76).all()


def test_palettes_give_their_colors(images):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.save(images / "palette.png")
    assert (array(images / "palette.png") == (10, 20, 30)).all()


def test_transparent_palette_entries_are_white(images):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.save(images / "palette.png", transparency=1)
    assert (array(images / "palette.png") == 255).all()


def test_black_and_white_images(images):
    Image.new("1", (8, 8), 1).save(images / "one.png")
    assert (array(images / "one.png") == 255).all()


def test_16_bit_levels_are_scaled(images):
    # 257 is level 1; 40000 / 257 = 155.6. Wrapped it would be 64; clipped 255.
    levels = np.full((8, 8), 40000, np.uint16)
    levels[:4] = 257
    Image.fromarray(levels).save(images / "deep.png")
    received = array(images / "deep.png", channels=1)[..., 0]
    # The resampling filter is not applied at equal size.
    assert (received[:4] == 1).all() and (received[4:] == 156).all()


def test_alpha_is_composited_on_white(images):
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 51))
    image.save(images / "alpha.png")
    # A fifth of red, four fifths of white.
    assert (array(images / "alpha.png") == (255, 204, 204)).all()
    Image.new("LA", (8, 8), (0, 51)).save(images / "grey.png")
    assert (array(images / "grey.png", channels=1) == 204).all()


def test_colors_under_full_transparency_do_not_bleed(images):
    # Invisible black beside visible white, made smaller: all stays white.
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:, ::2] = 255
    Image.fromarray(pixels).save(images / "alpha.png")
    assert (array(images / "alpha.png") == 255).all()


def test_exif_orientation_is_applied(images):
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:2] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn clockwise by 90 degrees to show.
    for name in ("turned.jpg", "turned.png", "turned.webp"):
        Image.fromarray(pixels).save(images / name, exif=exif)
        shown = array(images / name)[..., 0]
        assert shown[:, -2:].min() > 200 and shown[:, :5].max() < 60, name


def test_the_middle_square_is_taken(images):
    pixels = np.zeros((8, 20, 3), np.uint8)
    pixels[:, 6:14] = 255
    Image.fromarray(pixels).save(images / "wide.png")
    assert (array(images / "wide.png") == 255).all()
    Image.fromarray(pixels.transpose(1, 0, 2)).save(images / "high.png")
    assert (array(images / "high.png") == 255).all()


def test_resizing_does_not_alias(images):
    pixels = np.zeros((64, 64), np.uint8)
    pixels[::2] = 255
    Image.fromarray(pixels).save(images / "stripes.png")
    received = array(images / "stripes.png", channels=1, size=16)
    assert np.abs(received[2:-2].astype(int) - 127.5).max() < 6


def test_small_images_are_enlarged(images):
    assert (array(plain(images / "x.png", 9, (1, 1)), size=8) == 9).all()


def test_images_are_found_in_sub_folders_and_sorted(images):
    for name in ("b/2.png", "b/10.png", "a.png", ".hidden.png"):
        (images / name).parent.mkdir(exist_ok=True)
        plain(images / name)
    (images / "__MACOSX").mkdir()
    plain(images / "__MACOSX" / "x.png")
    (images / "notes.txt").write_text("no image")
    found = [
        path.relative_to(images).as_posix()
        for path in folder.find_images(images)
    ]
    assert found == ["a.png", "b/10.png", "b/2.png"]


def test_missing_and_empty_folders_are_refused(images):
    with pytest.raises(FileNotFoundError, match="nowhere', which does not"):
        folder.find_images(images / "nowhere")
    (images / "notes.txt").write_text("no image")
    with pytest.raises(FileNotFoundError, match="notes.txt', which is a file"):
        folder.find_images(images / "notes.txt")
    with pytest.raises(ValueError, match="which has none"):
        folder.find_images(images)
    with pytest.raises(ValueError, match=r"with sub-folders \[\]"):
        folder.class_names(images)


def test_classes_that_are_numbers_are_sorted_as_numbers(tmp_path):
    for name in ("10", "9", "1", "02"):
        (tmp_path / name).mkdir()
    assert folder.class_names(tmp_path) == ("1", "02", "9", "10")
    (tmp_path / "x").mkdir()
    assert folder.class_names(tmp_path) == ("02", "1", "10", "9", "x")


def broken_files(images):
    whole = plain(images / "whole.png", 3, (64, 64)).read_bytes()
    noise = np.random.RandomState(0).randint(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(images / "photo.jpg")
    photo = (images / "photo.jpg").read_bytes()
    (images / "photo.jpg").unlink()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    contents = {
        "empty.png": b"",
        "text.jpg": b"<html>not found</html>",
        "half.jpg": photo[: len(photo) // 2],
        "half.png": whole[: len(whole) // 2],
        "flipped.png": bytes(flipped),
    }
    for name, content in contents.items():
        (images / name).write_bytes(content)
    return sorted(contents)


def test_each_broken_file_is_named(images):
    for name in broken_files(images):
        with pytest.raises(OSError, match=f"{name}' cannot be read"):
            folder.decode(images / name, 8, 3)


def test_a_broken_file_stops_or_is_counted(images, home):
    count = len(broken_files(images))
    paths = folder.find_images(images)
    with pytest.raises(OSError, match="empty.png' cannot be read"):
        folder.read_images(paths, 8, 3)
    # Nothing half-made stays.
    assert not list((home / "cache").iterdir())
    for _ in range(2):  # From the files, then from the cache.
        with pytest.warns(UserWarning, match=f"{count} of {count + 1} imag"):
            rows, kept = folder.read_images(paths, 8, 3, skip_broken=True)
        assert [path.name for path in kept] == ["whole.png"]
        assert rows.shape == (1, 8, 8, 3) and (rows == 3).all()


def test_nothing_but_broken_files_is_refused(images):
    (images / "x.png").write_bytes(b"nothing")
    paths = folder.find_images(images)
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="1 broken"):
        folder.read_images(paths, 8, 3, skip_broken=True)


def test_images_are_decoded_once(images, monkeypatch):
    paths = [plain(images / f"{i}.png", i) for i in range(5)]
    rows, kept = folder.read_images(paths, 8, 1)
    assert kept == paths and isinstance(rows, np.memmap)
    assert rows[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]

    def refuse(*_):
        raise RuntimeError("decoded again")

    monkeypatch.setattr(folder, "decode", refuse)
    again, _ = folder.read_images(paths, 8, 1)
    np.testing.assert_array_equal(again, rows)
    with pytest.raises(RuntimeError):
        folder.read_images(paths, 16, 1)


def test_a_changed_image_is_decoded_again(images):
    path = plain(images / "x.png", 1)
    folder.read_images([path], 8, 1)
    plain(path, 2)
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))
    rows, _ = folder.read_images([path], 8, 1)
    assert (rows == 2).all()


def test_more_images_than_are_decoded_at_a_time(images, monkeypatch):
    monkeypatch.setattr(folder, "_CHUNK", 3)
    paths = [plain(images / f"{i}.png", i) for i in range(8)]
    (images / "4.png").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="1 of 8"):
        rows, kept = folder.read_images(paths, 8, 1, skip_broken=True)
    assert rows[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 5, 6, 7]
    assert kept == paths[:4] + paths[5:]
