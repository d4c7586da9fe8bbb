"""What `kerasgan playground` writes, and what it refuses."""

import gzip
import json
import pathlib
import re
import subprocess

import numpy as np
import pytest
from PIL import Image

import zoo
from kerasgan import cli, playground, publishing
from kerasgan.playground import runtime
from tests import tiny

CODE_LIMIT = 60_000
FAKE = {runtime.SCRIPT: b"export {}", runtime.WASM: b"\0asm"}


@pytest.fixture
def fake_runtime(monkeypatch):
    monkeypatch.setattr(runtime, "files", lambda folder=None: FAKE)


def test_the_pages_own_code_is_small():
    sizes = [path.stat().st_size for path in playground.PAGE.iterdir()]
    assert 20_000 < sum(sizes) <= CODE_LIMIT


def test_the_page_names_no_other_server():
    for path in playground.PAGE.iterdir():
        text = path.read_text("utf-8")
        found = set(re.findall(r"(?:https?:)?//[\w.]+\.\w+[^\s\"']*", text))
        # The name of the format of the icon, not an address to load.
        assert found <= {"http://www.w3.org/2000/svg"}, path


def test_build(fake_runtime, published_folder, tmp_path):
    entries = []
    folder = tmp_path / "site"
    manifest = playground.build(
        folder, [published_folder], progress=entries.append
    )
    assert manifest == json.loads((folder / "manifest.json").read_text("utf-8"))
    (entry,) = manifest["models"]
    assert entries == [entry]
    card = zoo.card(published_folder)
    assert (entry["name"], entry["method"]) == (card.name, "generate")
    assert entry["shape"] == list(card.image_shape)
    (file,) = entry["files"].values()
    path = folder / file["path"]
    assert path.stat().st_size == file["bytes"] == entry["bytes"]
    assert gzip.decompress(path.read_bytes())[:1] == b"\x08"  # Of ONNX.
    assert {p.name for p in playground.PAGE.iterdir()} < {
        p.name for p in folder.iterdir()
    }
    wasm = folder / manifest["runtime"]["path"]
    assert gzip.decompress(wasm.read_bytes()) == FAKE[runtime.WASM]
    assert wasm.stat().st_size == manifest["runtime"]["bytes"]
    text = (folder / "README.md").read_text("utf-8")
    front = text.split("---\n")[1]
    assert "sdk: static\napp_file: index.html\n" in front
    assert f"| {card.name} | image |" in text


def test_examples_are_the_images_of_the_card(tmp_path):
    card = zoo.card("pix2pix_fluent_64")
    controls = {"directions": [{"to": "b"}, {"to": "a"}]}
    playground._write_examples(
        zoo.folder(card.name), card, controls, tmp_path, tmp_path
    )
    to_b, to_a = (d["examples"] for d in controls["directions"])
    assert to_b == [f"b_{i}.png" for i in range(8)]
    table = np.asarray(Image.open(zoo.folder(card.name) / "samples.png"))
    for name, top in ((to_b[1], 0), (to_a[1], 132)):
        found = np.asarray(Image.open(tmp_path / name))
        np.testing.assert_array_equal(found, table[top : top + 64, 66:130])


def refused(capsys, *arguments):
    status = cli.main(["playground", *map(str, arguments)])
    assert status == 2
    return capsys.readouterr().err


def test_the_command(fake_runtime, published_folder, tmp_path, capsys):
    folder = tmp_path / "site"
    assert cli.main(["playground", str(folder), str(published_folder)]) == 0
    assert "of its float32 weights" in capsys.readouterr().out
    error = refused(capsys, folder, published_folder)
    assert "must be new or empty" in error


def test_models_that_the_page_cannot_run(fake_runtime, tmp_path, capsys):
    points = tmp_path / "points"
    publishing.write(
        tiny.unrolled_gan(),
        points,
        dataset="noise",
        description="Points.",
        license="none",
        recipe="none",
    )
    error = refused(capsys, tmp_path / "site", points)
    assert "The page shows models that generate images" in error
    name = "dcgan_fashion_mnist_32"
    error = refused(capsys, tmp_path / "site", name, name)
    assert "different names" in error
    assert not (tmp_path / "site").exists()


def test_another_runtime_is_refused(tmp_path, capsys):
    error = refused(
        capsys,
        tmp_path / "site",
        "dcgan_fashion_mnist_32",
        "--runtime",
        tmp_path,
    )
    assert "which has no dist/" in error
    (tmp_path / "dist").mkdir()
    for name, content in FAKE.items():
        (tmp_path / "dist" / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"must be {runtime.PACKAGE}"):
        runtime.files(tmp_path)


def test_npm_is_needed_once(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_HOME", str(tmp_path))
    monkeypatch.setenv("KERASGAN_OFFLINE", "1")
    with pytest.raises(OSError, match="KERASGAN_OFFLINE"):
        runtime.files()
    monkeypatch.setenv("KERASGAN_OFFLINE", "0")
    monkeypatch.setattr(runtime.shutil, "which", lambda name: None)
    with pytest.raises(OSError, match="Install npm, or give the folder"):
        runtime.files()
    monkeypatch.setattr(runtime.shutil, "which", lambda name: name)
    monkeypatch.setattr(
        runtime.subprocess,
        "run",
        lambda *a, **k: subprocess.CompletedProcess(a, 1, "", "no network"),
    )
    with pytest.raises(OSError, match="npm failed: no network"):
        runtime.files()
    assert not any(pathlib.Path(tmp_path).rglob("*.part"))
