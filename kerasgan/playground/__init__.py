"""A static page on which models run in the visitor's browser.

`build` writes a folder that any static server can serve, among them a Space of
the Hugging Face Hub: the page, the runtime, the models as ONNX files, and
`manifest.json`, which names the models and the controls of each. The page makes
no request to another server.
"""

import json
import pathlib
import shutil

import numpy as np
from PIL import Image

import kerasgan
import zoo
from kerasgan import export
from kerasgan.playground import graphs, onnx_files, runtime
from kerasgan.tasks import TASKS

PAGE = pathlib.Path(__file__).parent / "page"
# White lines between the images of samples.png.
GAP = 2
EXAMPLES = 8

_SPACE = """\
---
title: kerasgan playground
emoji: 🎲
colorFrom: indigo
colorTo: yellow
sdk: static
app_file: index.html
pinned: false
license: apache-2.0
short_description: GANs that run in your browser
---

# kerasgan playground

Models of [kerasgan](https://pypi.org/project/kerasgan/) that run in the
visitor's browser. Made by `kerasgan playground`; serve this folder with any
static server, such as `python -m http.server`, or push it to a Space of the
Hugging Face Hub with the SDK `static`.

| Model | Task | License of the weights | Download |
|---|---|---|---|
{rows}
"""


def build(folder, names=None, runtime_folder=None, progress=None):
    """Writes the page with its models.

    Args:
        folder: str or path, must not exist or be empty. It appears when the
            page is complete.
        names: Sequence of str, as `zoo.load` takes them, or `None` for all
            models of the zoo that generate or translate images. Defaults to
            `None`.
        runtime_folder: See `runtime.files`.
        progress: Callable from the entry of a model in the manifest, called
            after each, or `None`. Defaults to `None`.

    Returns:
        dict, the manifest.

    Raises:
        ValueError: If there is no model, two have the same name, or the page
            cannot run one.
        ImportError: If tf2onnx is not installed.
        OSError: If the folder is not empty, or the runtime cannot be fetched.

    Example:
    ```python
    playground.build("site", ["dcgan_fashion_mnist_32", "runs/mine"])
    ```
    """
    if names is None:
        shown = [n for n in zoo.list() if _has_images(zoo.card(n))]
    else:
        shown = [*names]
    cards = [zoo.card(name) for name in shown]
    if not cards or len({card.name for card in cards}) < len(cards):
        raise ValueError(
            "The page needs models with different names, at least one. "
            f"Received: {', '.join(card.name for card in cards) or 'none'}"
        )
    for card in cards:
        if not _has_images(card):
            raise _not_shown(card)
    files = runtime.files(runtime_folder)
    with export.new_folder(folder) as unfinished:
        shutil.copytree(
            PAGE,
            unfinished,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns(".*", "__pycache__"),
        )
        (unfinished / "runtime").mkdir()
        # Not every static server knows the type of .mjs.
        script = unfinished / "runtime" / "ort.js"
        script.write_bytes(files[runtime.SCRIPT])
        wasm = unfinished / "runtime" / "ort.wasm.gz"
        manifest = {
            "kerasgan": kerasgan.__version__,
            "runtime": {
                "package": f"{runtime.PACKAGE} {runtime.VERSION}",
                "path": "runtime/ort.wasm.gz",
                "bytes": onnx_files.write(wasm, files[runtime.WASM]),
            },
            "models": [],
        }
        for name, card in zip(shown, cards, strict=True):
            entry = _write_model(name, card, unfinished)
            manifest["models"].append(entry)
            if progress:
                progress(entry)
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        (unfinished / "manifest.json").write_text(text + "\n", "utf-8")
        rows = "\n".join(
            f"| {m['name']} | {m['task']} | {m['license']} "
            f"| {m['bytes'] / 1e6:.1f} MB |"
            for m in manifest["models"]
        )
        text = _SPACE.format(rows=rows)
        (unfinished / "README.md").write_text(text, "utf-8")
    return manifest


def _has_images(card):
    return TASKS[card.task].output == "images"


def _not_shown(card):
    return ValueError(
        "The page shows models that generate images from seeds, classes or "
        "captions, or translate images. "
        f"Received: {card.name}, a {card.architecture} for {card.task}"
    )


def _write_model(name, card, folder):
    """Writes the files of a model, and returns its entry in the manifest."""
    gan = zoo.load(name)
    if not graphs.is_shown(gan):
        raise _not_shown(card)
    gan = export.in_float32(gan)
    gan.class_names = card.classes or None
    target = folder / "models" / card.name
    target.mkdir(parents=True)
    files, weights = {}, 0
    for graph, (function, specs) in graphs.of(gan).items():
        content, count = onnx_files.convert(gan, function, specs)
        path = target / f"{graph}.onnx.gz"
        files[graph] = {
            "path": path.relative_to(folder).as_posix(),
            "bytes": onnx_files.write(path, content),
        }
        weights += count
    controls = graphs.controls(gan, card)
    if "directions" in controls:
        _write_examples(zoo.folder(name), card, controls, target, folder)
    return {
        "name": card.name,
        "task": card.task,
        "method": TASKS[card.task].method,
        "architecture": card.architecture,
        "dataset": card.dataset,
        "description": card.description,
        "license": card.license,
        "shape": [*card.image_shape],
        "weights": weights,
        "bytes": sum(file["bytes"] for file in files.values()),
        "files": files,
        **controls,
    }


def _write_examples(source, card, controls, target, folder):
    """Writes images to translate, those of the model's samples.png.

    There the first row has inputs and the third one targets.
    """
    height, width, _ = card.image_shape
    path = source / "samples.png"
    for direction in controls["directions"]:
        direction["examples"] = []
        if not path.is_file():
            continue
        with Image.open(path) as image:
            table = np.asarray(image.convert("RGB"))
        top = 0 if direction["to"] == "b" else 2 * (height + GAP)
        row = table[top : top + height]
        columns = (row.shape[1] + GAP) // (width + GAP)
        if row.shape[0] < height:
            continue
        for number in range(min(columns, EXAMPLES)):
            left = number * (width + GAP)
            example = target / f"{direction['to']}_{number}.png"
            Image.fromarray(row[:, left : left + width]).save(example)
            direction["examples"].append(example.relative_to(folder).as_posix())
