"""What is installed, and how Keras is set up."""

import configparser
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", "utf-8")


def run(program, folder, **environment):
    """Runs a program in a new process, and returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            **environment,
        },
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    return done.stdout


REFUSED = """
import importlib, zoo
from kerasgan import cli

for module in ("models", "metrics", "layers", "callbacks", "optimizers",
               "training", "export", "classifiers", "latents", "data"):
    try:
        importlib.import_module(f"kerasgan.{module}")
    except ImportError as error:
        print(error)
assert cli.main(["list"]) == 0
assert cli.main(["generate", zoo.list()[0], "-o", "a.png"]) == 2
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_is_refused_in_one_sentence(backend, tmp_path):
    """Whether its package is installed or not."""
    if backend == "jax":
        printed = run(REFUSED, tmp_path, KERAS_BACKEND=backend)
    else:
        (tmp_path / "keras.json").write_text('{"backend": "torch"}')
        printed = run(REFUSED, tmp_path, KERAS_HOME=str(tmp_path))
    refused = [
        line for line in printed.splitlines() if line.startswith("kerasgan ")
    ]
    assert len(refused) == 10
    for line in refused:
        assert "needs Keras' TensorFlow backend" in line
        assert re.search(f"Received: (the|a) backend .*'{backend}'", line)
        assert "KERAS_BACKEND=tensorflow" in line


WITHOUT_TFDS = """
import sys

for name in ("tensorflow_datasets", "importlib_resources", "resvg_py"):
    sys.modules[name] = None  # Cannot be imported.
{example}
from kerasgan import classifiers, cli, data, evaluation, publishing
from kerasgan import recipes, training
assert cli.main({command}) == 0
for use in (
    lambda: data.images("fashion_mnist", 32, 64),
    lambda: data.class_names("fashion_mnist"),
    *(lambda name=name: data.prepare(name) for name in data.NAMES),
):
    try:
        use()
    except OSError as error:
        print(error)
"""


def test_the_first_commands_need_no_extra(tmp_path):
    example = re.search(r"```python\n(import zoo\n.*?)```", README, re.S)[1]
    line = re.search(r"^kerasgan (generate .*)$", README, re.M)[1]
    command = line.replace("samples.png", "command.png").split()
    program = WITHOUT_TFDS.format(example=example, command=command)
    printed = run(program, tmp_path)
    assert (tmp_path / "samples.png").read_bytes() == (
        tmp_path / "command.png"
    ).read_bytes()
    assert printed.count("needs the Python package 'tensorflow_datas") == 7
    assert printed.count("pip install 'kerasgan[data]'") == 7


def test_versions_of_python_are_the_same_everywhere():
    lowest = SETUP["options"]["python_requires"].removeprefix(">=")
    named = re.findall(
        r"Python :: (3\.\d+)$", SETUP["metadata"]["classifiers"], re.M
    )
    assert named[0] == lowest
    assert f"with Python {named[0]} to {named[-1]}\n" in README
    target = "py" + lowest.replace(".", "")
    assert f'"{target}"' in (ROOT / "pyproject.toml").read_text("utf-8")


SETTINGS = """
import keras
import numpy as np
import zoo
from kerasgan import metrics, models

found = {"setting": np.array(keras.config.floatx() != "float32")}
random = np.random.RandomState(0)


def noise(*shape):
    return random.randint(0, 256, shape, "uint8")


# Feature networks and classifiers, of the zoo and new ones.
for name in ("fashion_mnist", "personas", "relief"):
    network = zoo.features(name)
    images = noise(3, *network.image_shape)
    found[f"{name} features"], found[f"{name} shares"] = (
        part.numpy() for part in network.both(images)
    )
keras.utils.set_random_seed(0)
model = metrics.features.build_classifier(16, 3, 4)
found["classifier"] = model.predict(noise(2, 16, 16, 3), verbose=0)[1]

# Inception, with small weights instead of those of a download.
model = metrics.inception.build_inception()
for weight in model.weights:
    weight.assign(random.normal(0, 0.03, weight.shape))
network = metrics.FeatureNetwork(model, "random", "", "pytorch_fid")
found["inception"] = network(noise(1, 40, 40, 3)).numpy()

# The text encoder.
found["words"] = np.array(models.words_of(["a red cat", "A red dog!"]))
gan = zoo.load("gan_cls_personas_64")
captions = ["a smiling person with long pink hair", "an angry person"]
found["caption"] = gan.generate(captions=captions, seed=0)
found["image"] = zoo.load("pix2pix_fluent_64").translate(noise(1, 64, 64, 3))

# Metrics.
network = zoo.features("fashion_mnist")
for metric in (
    metrics.FrechetDistance(network),
    metrics.InceptionScore(network, splits=2),
    metrics.KernelDistance(network, 3, 10, capacity=20),
    metrics.PrecisionRecall(network, capacity=20),
    metrics.SlicedWasserstein((32, 32, 1), capacity=20),
    metrics.PairSimilarity(),
    metrics.Diversity(scales=1),
):
    for batch in (9, 11):
        real, fake = noise(batch, 32, 32, 1), noise(batch, 32, 32, 1) // 2
        metric.update_state(real_images=real, fake_images=fake)
    result = metric.result()
    result = result.values() if isinstance(result, dict) else [result]
    found[type(metric).__name__] = np.array([float(v) for v in result])

# Learning rates of papers, and those of a model that was saved.
keras.utils.set_random_seed(0)
gan = models.DCGAN(image_size=16, width=4)
gan.compile()
gan.fit(noise(8, 16, 16, 3) / np.float32(127.5) - 1, batch_size=4, verbose=0)
found["weights"] = gan.generator.get_weights()[0]
config = gan.get_compile_config()
gan.compile_from_config(config)
for number, optimizer in enumerate(gan.optimizers()):
    found[f"rate {number}"] = np.array(float(optimizer.learning_rate))
np.savez("found.npz", **found)
"""


@pytest.mark.slow
def test_settings_of_keras_json_change_no_result(tmp_path):
    """Feature networks, text encoders, metrics, optimizers: as without."""
    found = []
    for name, settings in (
        ("plain", "{}"),
        (
            "set",
            '{"image_data_format": "channels_first", "floatx": "float16"}',
        ),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "keras.json").write_text(settings)
        run(SETTINGS, folder, KERAS_HOME=str(folder))
        found.append(dict(np.load(folder / "found.npz")))
    plain, changed = found
    assert not plain.pop("setting") and changed.pop("setting")
    assert list(plain) == list(changed)
    for name, value in plain.items():
        if value.dtype.kind == "U":
            assert value.tolist() == changed[name].tolist()
        else:
            np.testing.assert_allclose(
                changed[name], value, rtol=1e-5, atol=1e-7, err_msg=name
            )
