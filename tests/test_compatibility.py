"""The page on other packages: what it says of kerasgan holds."""

import ast
import os
import pathlib
import re
import subprocess
import sys

import keras
import pytest

from tests import tiny

ROOT = pathlib.Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "compatibility.md").read_text("utf-8")


def test_every_row_has_tests_that_exist():
    rows = [row for row in PAGE.splitlines() if row.startswith("| ")]
    rows = [row for row in rows if not row.startswith("| Versions")]
    assert len(rows) > 15
    for row in rows:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert tests, row
        assert re.match(r"\| (\w+ \d+(\.\d+)+(, )?)+ \|", row), row
        for path, name in tests:
            assert f"def {name}(" in (ROOT / path).read_text("utf-8"), name


def test_no_network_uses_what_the_page_avoids():
    # Upsampling to the nearest pixel, the default, has all gradients.
    avoided = {"SpectralNormalization", "Resizing", "resize", "interpolation"}
    for path in [
        *ROOT.glob("kerasgan/models/*.py"),
        *ROOT.glob("kerasgan/layers/*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(node, "attr", getattr(node, "arg", None))
            assert name not in avoided, path
            # Keras' own dropout; see the page on replicas.
            if name == "Dropout":
                assert node.value.id != "layers", path


def test_compile_makes_no_other_optimizer():
    gan = tiny.by_name("dcgan").compiled()
    for network in (*gan.generators, *gan.discriminators, gan):
        assert not isinstance(
            getattr(network, "optimizer", None), keras.optimizers.RMSprop
        )


@pytest.mark.slow
def test_the_example_of_several_processes_runs(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    program = tmp_path / "example.py"
    program.write_text(example + "    print([i.shape for i in images])\n")
    done = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "[(4, 32, 32, 1), (4, 32, 32, 1)]\n", done.stderr
