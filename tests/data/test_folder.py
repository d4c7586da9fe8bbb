import os

import numpy as np
import pytest
from PIL import Image, features

from kerasgan.data import folder, pixels


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
            rows, kept, _ = folder.read_images(paths, 8, 3, skip_broken=True)
        assert [path.name for path in kept] == ["whole.png"]
        assert rows.shape == (1, 8, 8, 3) and (rows == 3).all()


def test_only_training_can_leave_broken_files_out(images):
    path = images / "x.png"
    path.write_bytes(b"nothing")
    with pytest.raises(OSError, match="remove it") as refused:
        folder.decode(path, 8, 3)
    assert "skip_broken" not in str(refused.value)
    with pytest.raises(OSError, match="`skip_broken=True` leaves"):
        folder.read_images([path], 8, 3)


def test_nothing_but_broken_files_is_refused(images):
    (images / "x.png").write_bytes(b"nothing")
    paths = folder.find_images(images)
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="1 broken"):
        folder.read_images(paths, 8, 3, skip_broken=True)


def test_images_are_decoded_once(images, monkeypatch):
    paths = [plain(images / f"{i}.png", i) for i in range(5)]
    rows, kept, shapes = folder.read_images(paths, 8, 1)
    assert kept == paths and isinstance(rows, np.memmap)
    assert shapes == [(8, 8)] * 5
    assert rows[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]

    def refuse(*_):
        raise RuntimeError("decoded again")

    monkeypatch.setattr(folder, "_decode", refuse)
    again, *_ = folder.read_images(paths, 8, 1)
    np.testing.assert_array_equal(again, rows)
    with pytest.raises(RuntimeError):
        folder.read_images(paths, 16, 1)


def test_a_changed_image_is_decoded_again(images):
    path = plain(images / "x.png", 1)
    folder.read_images([path], 8, 1)
    plain(path, 2)
    later = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(later, later))
    rows, *_ = folder.read_images([path], 8, 1)
    assert (rows == 2).all()


def test_more_images_than_are_decoded_at_a_time(images, monkeypatch):
    monkeypatch.setattr(folder, "_CHUNK", 3)
    paths = [plain(images / f"{i}.png", i) for i in range(8)]
    (images / "4.png").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="1 of 8"):
        rows, kept, _ = folder.read_images(paths, 8, 1, skip_broken=True)
    assert rows[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 5, 6, 7]
    assert kept == paths[:4] + paths[5:]


@pytest.mark.parametrize(
    "suffix",
    ".avif .bmp .gif .jfif .jp2 .jpe .pcx .pgm .ppm .tga .tif .tiff".split(),
)
def test_what_pillow_reads_is_read(images, suffix):
    if suffix not in Image.registered_extensions():
        pytest.skip(f"this Pillow does not know {suffix}")
    if suffix == ".jp2" and not features.check("jpg_2000"):
        pytest.skip("this Pillow has no JPEG 2000")
    path = images / f"image{suffix}"
    color = 77 if suffix == ".pgm" else (200, 100, 50)
    mode = "L" if suffix == ".pgm" else "RGB"
    kind = {".jfif": "JPEG", ".jpe": "JPEG"}.get(suffix)
    Image.new(mode, (8, 8), color).save(path, format=kind)
    assert folder.find_images(images) == [path]
    received = array(path).astype(int)
    assert np.abs(received - color).max() <= 4


def test_other_types_are_counted_and_texts_are_not(images):
    for name in ("a.tiff", "b.png"):
        plain(images / name)
    for name in ("c.heic", "d.HEIC", "e.eps", "f", "a.txt", "x.json", ".g.svg"):
        (images / name).write_bytes(b"")
    with pytest.warns(UserWarning, match="left out") as caught:
        found = folder.find_images(images)
    assert [path.name for path in found] == ["a.tiff", "b.png"]
    (message,) = [str(warning.message) for warning in caught]
    assert "2 images of" in message
    assert "1 .eps, 2 .heic, 1 without a suffix." in message
    for path in found:
        path.unlink()
    with pytest.raises(ValueError, match="it has 1 .eps, 2 .heic"):
        folder.find_images(images)


def test_each_folder_is_visited_once(images, tmp_path):
    for name in ("a", "b/c", ".store/d"):
        (images / name).mkdir(parents=True)
        plain(images / name / "1.png")
    plain(tmp_path / "outside.png")
    (tmp_path / "more").mkdir()
    plain(tmp_path / "more" / "2.png")
    (images / "a" / "up").symlink_to(images)
    (images / "a" / "above").symlink_to(tmp_path)
    (images / "a" / "beside").symlink_to(images / "b")
    (images / "hidden").symlink_to(images / ".store" / "d")
    (images / "more").symlink_to(tmp_path / "more")
    (images / "more_again").symlink_to(tmp_path / "more")
    (tmp_path / "more" / "back").symlink_to(images)
    found = [
        path.relative_to(images).as_posix()
        for path in folder.find_images(images)
    ]
    assert found == ["a/1.png", "b/c/1.png", "hidden/1.png", "more/2.png"]


def test_a_link_to_nothing_is_a_broken_file(images):
    plain(images / "whole.png", 3)
    (images / "link.png").symlink_to(images / "nothing.png")
    paths = folder.find_images(images)
    with pytest.raises(OSError, match="link.png' cannot be read"):
        folder.read_images(paths, 8, 1)
    with pytest.warns(UserWarning, match="1 of 2 images"):
        rows, *_ = folder.read_images(paths, 8, 1, skip_broken=True)
    assert (rows == 3).all()


def test_parts_of_a_data_set_are_named(images):
    for name in ("test/a", "test/b", "Train/a", "Train/b", "plane"):
        (images / name).mkdir(parents=True)
        plain(images / name / "1.png")
    with pytest.warns(UserWarning, match="Train, test of .* look like parts"):
        assert len(folder.find_images(images)) == 5
    with pytest.warns(UserWarning, match="Train, test of .* look like parts"):
        assert folder.class_names(images) == ("Train", "plane", "test")
    # A train is a vehicle, too.
    (images / "test").rename(images / "bus")
    assert folder.class_names(images) == ("Train", "bus", "plane")
    assert len(folder.find_images(images)) == 5


def test_pixels_of_unknown_range_are_refused(images):
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(images / "f.tiff")
    Image.fromarray(np.full((8, 8), 9, np.int32)).save(images / "i.tiff")
    for name in ("f.tiff", "i.tiff"):
        with pytest.raises(OSError, match="32 bits .mode .. have no known"):
            array(images / name)
    Image.fromarray(np.full((8, 8), 257, np.uint16)).save(images / "16.tiff")
    assert (array(images / "16.tiff") == 1).all()


def test_alpha_is_kept_on_request(images):
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:, ::2] = 255
    Image.fromarray(pixels).save(images / "alpha.png")
    received = array(images / "alpha.png", channels=4, size=8)
    # Half transparent white: the black that nobody sees has no influence.
    assert received[..., :3].min() >= 254
    assert np.abs(received[2:-2, 2:-2, 3].astype(int) - 127.5).max() < 8
    opaque = array(plain(images / "x.png", 9), channels=4)
    assert (opaque == (9, 9, 9, 255)).all()


def stripes(path, height, width):
    """Writes an image whose left half is black and whose right is white."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[:, width // 2 :] = 255
    Image.fromarray(pixels).save(path)
    return path


def test_what_becomes_of_another_shape(images):
    path = stripes(images / "wide.png", 8, 32)
    cropped, padded, squeezed = (
        folder.decode(path, 8, 1, fit)[..., 0] for fit in pixels.FITS
    )
    assert (cropped[:, :3] == 0).all() and (cropped[:, 5:] == 255).all()
    # 8x32 is 2x8 of 8x8, with black above and below.
    assert (padded[:3] == 0).all() and (padded[5:] == 0).all()
    assert padded[3:5, 6:].min() > 240 and padded[3:5, :2].max() < 15
    assert squeezed[:, 6:].min() > 240 and squeezed[:, :2].max() < 15
    # Nothing is lost or added where the shape is that of the image.
    for fit in pixels.FITS:
        wide = folder.decode(path, (8, 32), 1, fit)
        np.testing.assert_array_equal(wide[..., 0], np.array(Image.open(path)))


def test_rectangles_are_cut_from_the_middle(images):
    pixels = np.zeros((20, 24), np.uint8)
    pixels[4:16] = 255
    Image.fromarray(pixels).save(images / "x.png")
    # The largest 1:2 part of 20x24 is 12x24.
    assert (folder.decode(images / "x.png", (12, 24), 1) == 255).all()
    Image.fromarray(pixels.T).save(images / "y.png")
    assert (folder.decode(images / "y.png", (24, 12), 1) == 255).all()


def test_halves_of_an_image(images):
    path = stripes(images / "pair.png", 8, 16)
    for half, level in (("left", 0), ("right", 255)):
        assert (folder.decode(path, 8, 1, half=half) == level).all()
    with pytest.raises(OSError, match="17x8 pixels has no two halves"):
        folder.decode(plain(images / "odd.png", 0, (17, 8)), 8, 1, half="left")


def test_settings_do_not_share_a_cache_file(images):
    path = stripes(images / "wide.png", 8, 32)
    found = [
        folder.read_images([path], 8, 1, fit=fit, half=half)[0].tobytes()
        for fit in pixels.FITS
        for half in (None, "left", "right")
    ]
    # Black halves are black, cropped or squeezed; black is padded with black.
    assert len(set(found)) == 6


def test_formats_that_other_packages_register_are_read(images, monkeypatch):
    image = images / "photo.heic"
    plain(images / "photo.ppm", 7).rename(image)
    with pytest.raises(ValueError, match="it has 1 .heic"):
        folder.find_images(images)
    # As pillow_heif.register_heif_opener does.
    monkeypatch.setitem(Image.EXTENSION, ".heic", "PPM")
    assert folder.find_images(images) == [image]
    assert (array(image) == 7).all()


def test_inks_become_colors(images):
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(images / "inks.tiff")
    assert (array(images / "inks.tiff") == (0, 255, 255)).all()
