"""Turning a finished run into a folder of the zoo: weights, scores, card."""

import hashlib
import json
import pathlib
import tempfile

from kerasgan import checkpoints, data, weights

FORMAT = 1


def write(
    gan,
    folder,
    *,
    dataset,
    description,
    license,
    recipe,
    classes=(),
    features=None,
    sample=None,
    half=True,
):
    """Writes a model as `zoo.load` reads it.

    The averaged generators take the place of the trained ones, weights are
    stored in 16 bits unless told otherwise, and optimizers are left out. The
    model that is given stays as it is.

    Args:
        gan: A built `GAN`.
        folder: str or path, whose last part is the model's name. Made if
            missing.
        dataset: str. What it was trained on.
        description: str. One sentence.
        license: str. Of the weights.
        recipe: str. What `kerasgan train` takes.
        classes: Sequence of str. Names of the classes. Defaults to none.
        features: str or `None`. What `zoo.features` measures it with.
        sample: Callable from the model to the uint8 images of samples.png.
            `None` from it leaves the file out. Defaults to 64 images of seed
            0.
        half: bool. Whether weights are stored in 16 bits. Defaults to `True`.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # A copy that was never compiled has no optimizers to be stored, and draws
    # as the loaded model will, whatever the precision of training.
    trained = gan.get_weights()
    gan = type(gan).from_config({**gan.get_config(), "dtype": "float32"})
    gan.set_weights(trained)
    for name in gan.generator_names:
        average = getattr(gan, f"average_{name}")
        getattr(gan, name).set_weights(average.get_weights())
    with tempfile.TemporaryDirectory() as scratch:
        whole = pathlib.Path(scratch, "whole.weights.h5")
        small = pathlib.Path(scratch, "model.weights.h5")
        gan.save_weights(whole)
        weights.compact(whole, small, half)
        content = small.read_bytes()
    checkpoints.write_atomically(folder / "model.weights.h5", content)
    config = {
        "format": FORMAT,
        "name": folder.name,
        "architecture": type(gan).__name__,
        "arguments": gan.arguments(),
        "task": gan.task,
        "dataset": dataset,
        "image_shape": list(gan.image_shape),
        "classes": list(classes),
        "parameters": {
            name: getattr(gan, name).count_params()
            for name in (*gan.generator_names, *gan.discriminator_names)
        },
        "license": license,
        "description": description,
        "recipe": recipe,
        "features": features,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    write_json(folder / "config.json", config)
    images = sample(gan) if sample else gan.generate(64, seed=0)
    if images is not None:
        data.save_png(folder / "samples.png", data.grid(images, 8))


def write_json(path, content):
    """Writes JSON for people to read.

    Args:
        path: `pathlib.Path`.
        content: What `json` takes.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    checkpoints.write_atomically(path, text.encode())


def training_summary(run):
    """Returns what a run's folder tells about its training.

    Args:
        run: `pathlib.Path` of the run's folder.

    Returns:
        dict of `epochs`, `hours` (of this run alone on the clock),
        `processor`, `cores`, `precision` and the versions used.
    """
    about = json.loads((run / "run.json").read_text("utf-8"))
    lines = (run / "log.jsonl").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    seconds = sum(entry["seconds"] for entry in entries)
    return {
        "epochs": entries[-1]["epoch"],
        "hours": round(seconds / 3600, 2),
        **{
            key: about[key]
            for key in (
                "processor",
                "cores",
                "precision",
                "seed",
                "kerasgan",
                "keras",
                "tensorflow",
            )
        },
    }
