"""What is installed, and how Keras is set up."""

import configparser
import os
import pathlib
import re
import subprocess
import sys

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
    assert printed.count("needs the Python package 'tensorflow_datas") == 6
    assert printed.count("pip install 'kerasgan[data]'") == 6


def test_versions_of_python_are_the_same_everywhere():
    lowest = SETUP["options"]["python_requires"].removeprefix(">=")
    named = re.findall(
        r"Python :: (3\.\d+)$", SETUP["metadata"]["classifiers"], re.M
    )
    assert named[0] == lowest
    assert f"with Python {named[0]} to {named[-1]}\n" in README
    target = "py" + lowest.replace(".", "")
    assert f'"{target}"' in (ROOT / "pyproject.toml").read_text("utf-8")
