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
def pictures(tmp_path):
    (tmp_path / "pictures").mkdir()
    return tmp_path / "pictures"


def plain(path, level=0, size=(8, 8)):
    Image.new("L", size, level).save(path)
    return path


def array(path, channels=3, size=8):
    return folder.decode(path, size, channels)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".PNG"])
def test_every_format_is_read(pictures, suffix):
    path = pictures / f"picture{suffix}"
    Image.new("RGB", (8, 8), (200, 100, 50)).save(path)
    assert folder.find_pictures(pictures) == [path]
    received = array(path).astype(int)
    assert np.abs(received - (200, 100, 50)).max() <= 4


def test_grey_becomes_color_and_back(pictures):
    path = plain(pictures / "grey.png", 77)
    assert (array(path) == 77).all() and array(path).shape == (8, 8, 3)
    Image.new("RGB", (8, 8), (255, 0, 0)).save(path)
    # 0.299 * 255, the weight of red in ITU-R 601.
    assert (array(path, channels=1) == 76).all()


def test_palettes_give_their_colors(pictures):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.save(pictures / "palette.png")
    assert (array(pictures / "palette.png") == (10, 20, 30)).all()


def test_transparent_palette_entries_are_white(pictures):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.save(pictures / "palette.png", transparency=1)
    assert (array(pictures / "palette.png") == 255).all()


def test_black_and_white_pictures(pictures):
    Image.new("1", (8, 8), 1).save(pictures / "one.png")
    assert (array(pictures / "one.png") == 255).all()


def test_16_bit_levels_are_scaled(pictures):
    # 257 is level 1; 40000 / 257 = 155.6. Wrapped it would be 64; clipped 255.
    levels = np.full((8, 8), 40000, np.uint16)
    levels[:4] = 257
    Image.fromarray(levels).save(pictures / "deep.png")
    received = array(pictures / "deep.png", channels=1)[..., 0]
    # The resampling filter is not applied at equal size.
    assert (received[:4] == 1).all() and (received[4:] == 156).all()


def test_alpha_is_composited_on_white(pictures):
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 51))
    image.save(pictures / "alpha.png")
    # A fifth of red, four fifths of white.
    assert (array(pictures / "alpha.png") == (255, 204, 204)).all()
    Image.new("LA", (8, 8), (0, 51)).save(pictures / "grey.png")
    assert (array(pictures / "grey.png", channels=1) == 204).all()


def test_colors_under_full_transparency_do_not_bleed(pictures):
    # Invisible black beside visible white, made smaller: all stays white.
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:, ::2] = 255
    Image.fromarray(pixels).save(pictures / "alpha.png")
    assert (array(pictures / "alpha.png") == 255).all()


def test_exif_orientation_is_applied(pictures):
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:2] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn clockwise by 90 degrees to show.
    for name in ("turned.jpg", "turned.png", "turned.webp"):
        Image.fromarray(pixels).save(pictures / name, exif=exif)
        shown = array(pictures / name)[..., 0]
        assert shown[:, -2:].min() > 200 and shown[:, :5].max() < 60, name


def test_the_middle_square_is_taken(pictures):
    pixels = np.zeros((8, 20, 3), np.uint8)
    pixels[:, 6:14] = 255
    Image.fromarray(pixels).save(pictures / "wide.png")
    assert (array(pictures / "wide.png") == 255).all()
    Image.fromarray(pixels.transpose(1, 0, 2)).save(pictures / "high.png")
    assert (array(pictures / "high.png") == 255).all()


def test_resizing_does_not_alias(pictures):
    pixels = np.zeros((64, 64), np.uint8)
    pixels[::2] = 255
    Image.fromarray(pixels).save(pictures / "stripes.png")
    received = array(pictures / "stripes.png", channels=1, size=16)
    assert np.abs(received[2:-2].astype(int) - 127.5).max() < 6


def test_small_pictures_are_enlarged(pictures):
    assert (array(plain(pictures / "x.png", 9, (1, 1)), size=8) == 9).all()


def test_pictures_are_found_in_sub_folders_and_sorted(pictures):
    for name in ("b/2.png", "b/10.png", "a.png", ".hidden.png"):
        (pictures / name).parent.mkdir(exist_ok=True)
        plain(pictures / name)
    (pictures / "__MACOSX").mkdir()
    plain(pictures / "__MACOSX" / "x.png")
    (pictures / "notes.txt").write_text("no picture")
    found = [
        path.relative_to(pictures).as_posix()
        for path in folder.find_pictures(pictures)
    ]
    assert found == ["a.png", "b/10.png", "b/2.png"]


def test_missing_and_empty_folders_are_refused(pictures):
    with pytest.raises(FileNotFoundError, match="nowhere', which does not"):
        folder.find_pictures(pictures / "nowhere")
    (pictures / "notes.txt").write_text("no picture")
    with pytest.raises(FileNotFoundError, match="notes.txt', which is a file"):
        folder.find_pictures(pictures / "notes.txt")
    with pytest.raises(ValueError, match="which has none"):
        folder.find_pictures(pictures)
    with pytest.raises(ValueError, match=r"with sub-folders \[\]"):
        folder.class_names(pictures)


def broken_files(pictures):
    whole = plain(pictures / "whole.png", 3, (64, 64)).read_bytes()
    noise = np.random.RandomState(0).randint(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(pictures / "photo.jpg")
    photo = (pictures / "photo.jpg").read_bytes()
    (pictures / "photo.jpg").unlink()
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
        (pictures / name).write_bytes(content)
    return sorted(contents)


def test_each_broken_file_is_named(pictures):
    for name in broken_files(pictures):
        with pytest.raises(OSError, match=f"{name}' cannot be read"):
            folder.decode(pictures / name, 8, 3)


def test_a_broken_file_stops_or_is_counted(pictures, home):
    count = len(broken_files(pictures))
    paths = folder.find_pictures(pictures)
    with pytest.raises(OSError, match="empty.png' cannot be read"):
        folder.read_pictures(paths, 8, 3)
    # Nothing half-made stays.
    assert not list((home / "cache").iterdir())
    for _ in range(2):  # From the files, then from the cache.
        with pytest.warns(UserWarning, match=f"{count} of {count + 1} pict"):
            rows, kept = folder.read_pictures(paths, 8, 3, skip_broken=True)
        assert [path.name for path in kept] == ["whole.png"]
        assert rows.shape == (1, 8, 8, 3) and (rows == 3).all()


def test_nothing_but_broken_files_is_refused(pictures):
    (pictures / "x.png").write_bytes(b"nothing")
    paths = folder.find_pictures(pictures)
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="1 broken"):
        folder.read_pictures(paths, 8, 3, skip_broken=True)


def test_pictures_are_decoded_once(pictures, monkeypatch):
    paths = [plain(pictures / f"{i}.png", i) for i in range(5)]
    rows, kept = folder.read_pictures(paths, 8, 1)
    assert kept == paths and isinstance(rows, np.memmap)
    assert rows[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]

    def refuse(*_):
        raise RuntimeError("decoded again")

    monkeypatch.setattr(folder, "decode", refuse)
    again, _ = folder.read_pictures(paths, 8, 1)
    np.testing.assert_array_equal(again, rows)
    with pytest.raises(RuntimeError):
        folder.read_pictures(paths, 16, 1)


def test_a_changed_picture_is_decoded_again(pictures):
    path = plain(pictures / "x.png", 1)
    folder.read_pictures([path], 8, 1)
    plain(path, 2)
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))
    rows, _ = folder.read_pictures([path], 8, 1)
    assert (rows == 2).all()


def test_more_pictures_than_are_decoded_at_a_time(pictures, monkeypatch):
    monkeypatch.setattr(folder, "_CHUNK", 3)
    paths = [plain(pictures / f"{i}.png", i) for i in range(8)]
    (pictures / "4.png").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="1 of 8"):
        rows, kept = folder.read_pictures(paths, 8, 1, skip_broken=True)
    assert rows[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 5, 6, 7]
    assert kept == paths[:4] + paths[5:]
