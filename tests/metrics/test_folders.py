import numpy as np
import pytest
from PIL import Image

from kerasgan.metrics import FeatureNetwork, FeatureStatistics, folders


def write(folder, images, suffix=".png"):
    folder.mkdir(exist_ok=True)
    for index, image in enumerate(images):
        Image.fromarray(image.squeeze()).save(folder / f"{index:03}{suffix}")
    return folder


@pytest.fixture
def sides(tmp_path, make_images):
    real, fake = make_images(20, 1), make_images(15, 2, high=200)
    paths = write(tmp_path / "a", real), write(tmp_path / "b", fake)
    return paths, (real, fake)


def test_folders_and_files_mean_the_same(network, sides, tmp_path):
    (a, b), (real, fake) = sides
    expected = FeatureStatistics.from_features(network(real).numpy()).distance(
        FeatureStatistics.from_features(network(fake).numpy())
    )
    assert folders.fid(a, b, network, batch_size=6) == pytest.approx(
        expected, rel=1e-6
    )
    written = folders.stats(a, tmp_path / "a.npz", network)
    assert written.count == 20
    assert folders.fid(tmp_path / "a.npz", b, network) == pytest.approx(
        expected, rel=1e-6
    )
    assert folders.fid(a, a, network) < 1e-9


def test_color_and_other_files_beside(network, sides, make_images):
    (a, b), _ = sides
    before = folders.fid(a, b, network)
    (a / "notes.txt").write_text("")
    (a / "more").mkdir()
    write(a / "more", make_images(3))
    # A grey network sees color images in grey: the same three channels.
    path = a / "000.png"
    Image.open(path).convert("RGB").save(path)
    with pytest.warns(UserWarning, match="left out, more/000.png"):
        assert folders.fid(a, b, network) == pytest.approx(before, rel=1e-9)


def test_what_training_reads_otherwise_is_named(tmp_path):
    folder = write(tmp_path / "mixed", np.zeros((3, 4, 8), np.uint8))
    Image.new("LA", (8, 4), (0, 51)).save(folder / "alpha.png")
    palette = Image.new("P", (8, 4), 1)
    palette.save(folder / "palette.webp", lossless=True)
    palette.save(folder / "palette.png", transparency=1)
    Image.fromarray(np.full((4, 8), 40000, np.uint16)).save(folder / "16.tif")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (8, 4)).save(folder / "turned.jpg", exif=exif)
    Image.new("L", (8, 4)).save(folder / "first.gif")
    with pytest.warns(UserWarning, match="reads these files of") as caught:
        original = list(folders.original_images(folder, 3))
    (message,) = [str(warning.message) for warning in caught]
    for said in (
        "alpha dropped, alpha.png, palette.png;",
        "16 bits clipped to 8, 16.tif;",
        "not turned upright, turned.jpg;",
        "left out, first.gif.",
    ):
        assert said in message
    assert len(original) == 8 and {i.shape for i in original} == {(4, 8, 3)}
    # After three black images.
    trained = list(folders.training_images(folder, 3))
    assert len(trained) == 9
    assert (original[3] == 255).all() and (trained[3] == 156).all()
    assert (original[4] == 0).all() and (trained[4] == 204).all()
    assert trained[-1].shape == (8, 4, 3)
    for image in folders.training_images(folder, 1, size=2):
        assert image.shape == (2, 2, 1)


def test_nothing_is_said_of_plain_images(tmp_path, make_images):
    folder = write(tmp_path / "plain", make_images(3))
    for read in (folders.original_images, folders.training_images):
        found = list(read(folder, 1))
        np.testing.assert_array_equal(found, make_images(3))


def test_many_names_are_shortened(tmp_path):
    (tmp_path / "a").mkdir()
    for index in range(9):
        Image.new("RGBA", (4, 4)).save(tmp_path / "a" / f"{index}.png")
    with pytest.warns(UserWarning, match="0.png, 1.png, 2.png and 6 more"):
        list(folders.original_images(tmp_path / "a", 3))


def test_images_of_several_sizes(network, tmp_path, make_images):
    resizing = FeatureNetwork(_with_floats(network), "tiny", "", "tf2015")
    images = [make_images(1, seed, size=5 + seed % 3)[0] for seed in range(9)]
    folder = write(tmp_path / "mixed", images)
    found = folders.stats(folder, tmp_path / "a.npz", resizing)
    features = np.concatenate([resizing(image[None]) for image in images])
    np.testing.assert_allclose(found.mean, features.mean(0), rtol=1e-6)


def _with_floats(network):
    import keras

    images = keras.Input((8, 8, 1))
    return keras.Model(images, network.model(keras.ops.cast(images, "float32")))


def test_images_of_another_size_than_the_features(
    network, tmp_path, make_images
):
    folder = write(tmp_path / "large", make_images(9, size=9))
    with pytest.raises(ValueError, match="of 8x8, .* of 9x9. .* --size 8"):
        folders.fid(folder, folder, network)

    def read(folder, channels):
        return folders.training_images(folder, channels, size=8)

    assert folders.fid(folder, folder, network, images=read) < 1e-9


def test_fewer_images_than_features(network, tmp_path, make_images):
    a = write(tmp_path / "a", make_images(5, 1))
    b = write(tmp_path / "b", make_images(9, 2))
    with pytest.raises(ValueError, match="5 images, 6 features. Use kd_tiny"):
        folders.fid(b, a, network)
    assert folders.fid(b, a, network, insist=True) > 0


def test_broken_image_is_named(network, sides):
    (a, b), _ = sides
    content = (a / "007.png").read_bytes()
    (a / "007.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(OSError, match="007.png is a broken image"):
        folders.fid(a, b, network)


def test_what_is_refused(network, sides, tmp_path):
    (a, _), _ = sides
    with pytest.raises(FileNotFoundError, match="neither a folder"):
        folders.fid(a, tmp_path / "nowhere", network)
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        folders.stats(tmp_path / "nowhere", tmp_path / "x.npz", network)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="at least two images .*: 0"):
        folders.fid(tmp_path / "empty", a, network)
    FeatureStatistics(np.zeros(3), np.eye(3), 9).save(tmp_path / "other.npz")
    with pytest.raises(ValueError, match="mu of shape .3,."):
        folders.fid(tmp_path / "other.npz", a, network)
