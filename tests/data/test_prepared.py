"""Preparing and reading the data sets; what needs real data is marked."""

import gzip
import hashlib
import subprocess
import sys
import tarfile

import numpy as np
import pytest

from kerasgan import data
from kerasgan.data import cache, catalog, fashion_mnist, prepared, splits

RENDERED = ("avatars", "personas")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_home_follows_the_environment(home, monkeypatch):
    assert cache.home() == home
    monkeypatch.delenv("KERASGAN_HOME")
    assert cache.home().name == ".kerasgan"


def test_unknown_names_are_refused():
    for call in (data.prepare, data.load):
        with pytest.raises(ValueError, match="'celeba'. There are avatars, fa"):
            call("celeba")


@pytest.mark.parametrize("name", data.NAMES)
def test_unprepared_sets_say_what_to_do(name, tmp_path):
    with pytest.raises(OSError, match=f"`kerasgan data prepare {name}`"):
        data.load(name, data_dir=tmp_path)


def test_a_missing_renderer_names_the_extra(monkeypatch, tmp_path):
    def prepare(_):
        raise ModuleNotFoundError(name="resvg_py")

    monkeypatch.setattr(fashion_mnist, "prepare", prepare)
    with pytest.raises(OSError, match=r"'resvg_py'.*kerasgan\[data\]"):
        data.prepare("fashion_mnist", tmp_path)


def test_fashion_mnist_names_a_damaged_file(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    with pytest.raises(OSError, match="train-images.*cannot be read"):
        fashion_mnist.prepare_from_folder(source, tmp_path / "tfds")
    packed = gzip.compress(b"images" * 1000)
    target = source / "train-images-idx3-ubyte.gz"
    target.write_bytes(packed[:-20])
    with pytest.raises(OSError, match="train-images.*cannot be read"):
        fashion_mnist.prepare_from_folder(source, tmp_path / "tfds")
    target.write_bytes(packed)
    with pytest.raises(OSError, match="train-images.*sha256 must be c59f"):
        fashion_mnist.prepare_from_folder(source, tmp_path / "tfds")
    assert not list((tmp_path / "tfds").glob("fashion_mnist/3*"))


def make_tarball(folder, content=b"{}"):
    inner = folder / "package.json"
    inner.write_bytes(content)
    with tarfile.open(folder / "made.tgz", "w:gz") as archive:
        archive.add(inner, "package/package.json")
    inner.unlink()
    return hashlib.sha256((folder / "made.tgz").read_bytes()).hexdigest()


def test_a_package_is_fetched_once_and_checked(home, monkeypatch, tmp_path):
    made = {}

    def run(command, folder, advice):
        made[tuple(command)] = make_tarball(folder)

    monkeypatch.setattr(cache, "_run", run)
    with pytest.raises(OSError, match=r"a@1 is not the file.*Received: "):
        cache.npm_package("a", "1", "0" * 64)
    assert not list((home / "packages").iterdir())
    ((command, digest),) = made.items()
    assert command == ("npm", "pack", "--silent", "--ignore-scripts", "a@1")
    # The tarball carries times: make one of a known checksum.
    ready = tmp_path / "ready"
    ready.mkdir()
    digest = make_tarball(ready)

    def copy(command, folder, advice):
        content = (ready / "made.tgz").read_bytes()
        (folder / "made.tgz").write_bytes(content)

    monkeypatch.setattr(cache, "_run", copy)
    folder = cache.npm_package("@x/a", "1", digest)
    assert (folder / "package.json").read_bytes() == b"{}"
    monkeypatch.setattr(cache, "_run", None)
    assert cache.npm_package("@x/a", "1", digest) == folder


def test_a_package_cannot_write_outside(home, monkeypatch, tmp_path):
    with tarfile.open(tmp_path / "evil.tgz", "w:gz") as archive:
        inner = tmp_path / "inner"
        inner.write_bytes(b"")
        archive.add(inner, "../../escaped")
    content = (tmp_path / "evil.tgz").read_bytes()

    def run(command, folder, advice):
        (folder / "evil.tgz").write_bytes(content)

    monkeypatch.setattr(cache, "_run", run)
    with pytest.raises(tarfile.OutsideDestinationError):
        cache.npm_package("a", "1", hashlib.sha256(content).hexdigest())
    assert not list(home.rglob("escaped"))


def test_failing_commands_say_what_they_said(home, tmp_path):
    with pytest.raises(OSError, match="`no-such-tool` is missing. Get it"):
        cache._run(["no-such-tool"], tmp_path, "Get it.")
    command = [sys.executable, "-c", "raise SystemExit('no network')"]
    with pytest.raises(OSError, match="failed. Received: no network Look"):
        cache._run(command, tmp_path, "Look.")


def test_digest_is_the_md5_of_the_text():
    # RFC 1321, appendix A.5.
    assert splits.digest("abc") == 0x900150983CD24FB0D6963F7D28E17F72


def test_fashion_mnist_is_padded_before_it_is_resized():
    white = np.full((2, 28, 28, 1), 255, np.uint8)
    framed = prepared._to_size(white, 32, 32)
    assert framed.shape == (2, 32, 32, 1)
    assert framed[:, 2:30, 2:30].min() == 255
    assert framed.sum() == white.sum()
    assert prepared._to_size(white, 32, 64).shape[1] == 64
    np.testing.assert_array_equal(prepared._to_size(white, 32, 28), white)


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=(pytest.mark.rendered,) if name in RENDERED else ()
        )
        for name in data.NAMES
    ],
)
def test_counts_are_the_published_ones(name):
    for part, count in catalog.get(name).counts.items():
        examples = data.load(name, part)
        images = examples[catalog.get(name).image]
        assert len(images) == count, part
        size, channels = catalog.get(name).size, images.shape[-1]
        assert images.shape[1:] == (size, size, channels)
        assert channels == (1 if name == "fashion_mnist" else 3)


@pytest.mark.data
@pytest.mark.rendered
def test_plain_tfds_reads_every_set_without_kerasgan():
    program = """
import sys
import tensorflow_datasets as tfds
for name in (
    "avatars",
    "fashion_mnist",
    "fluent",
    "personas",
    "personas/128",
    "relief",
    "relief/64",
):
    dataset, info = tfds.load(name, split="test", with_info=True,
                              download=False)
    example = next(iter(dataset))
    print(info.full_name, info.splits["test"].num_examples)
assert "kerasgan" not in sys.modules
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines() == [
        "avatars/1.0.0 964",
        "fashion_mnist/3.0.1 10000",
        "fluent/1.0.0 351",
        "personas/64/1.0.0 3479",
        "personas/128/1.0.0 3479",
        "relief/128/1.0.0 340",
        "relief/64/1.0.0 483",
    ]


@pytest.mark.data
def test_fashion_mnist_has_its_classes():
    examples = data.load("fashion_mnist")
    assert np.bincount(examples["label"]).tolist() == [6000] * 10
    expected = catalog.get("fashion_mnist").classes
    assert data.class_names("fashion_mnist") == expected
    with pytest.raises(ValueError, match="Received: split='validation'"):
        data.load("fashion_mnist", "validation")
    with pytest.raises(ValueError, match="personas has no classes"):
        data.class_names("personas")


@pytest.mark.data
@pytest.mark.rendered
def test_every_task_streams_its_sets():
    first = next(iter(data.images("fashion_mnist", 32, 8)))
    assert first.shape == (8, 32, 32, 1)
    data.check_images(first, (32, 32, 1))
    first, labels = next(iter(data.labelled("fashion_mnist", 32, 8)))
    data.check_labels(labels, 10)
    first, captions = next(iter(data.captioned("personas", 64, 8)))
    data.check_images(first, (64, 64, 3))
    data.check_captions(captions)
    for name in ("fluent", "relief"):
        for task in (data.paired, data.unpaired):
            for batch in next(iter(task(name, 64, 8))):
                data.check_images(batch, (64, 64, 3))


@pytest.mark.data
@pytest.mark.parametrize(
    ("task", "name", "message"),
    [
        (data.labelled, "personas", "personas has no class labels"),
        (data.captioned, "fluent", "fluent has no captions"),
        (data.paired, "personas", "personas has no pairs"),
        (data.unpaired, "fashion_mnist", "fashion_mnist has no pairs"),
    ],
)
def test_sets_without_what_a_task_needs_are_refused(task, name, message):
    with pytest.raises(ValueError, match=message):
        task(name, 64, 8)


@pytest.mark.data
@pytest.mark.parametrize("name", ["fluent", "relief"])
def test_unpaired_halves_share_no_pair(name):
    examples = data.load(name, "train", 64)
    in_second = catalog.get(name).halves(examples)
    assert 0.35 < in_second.mean() < 0.65
    key = "concept" if name == "fluent" else "longitude"
    halves = [set(examples[key][half]) for half in (~in_second, in_second)]
    assert not halves[0] & halves[1]
