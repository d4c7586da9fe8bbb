"""oneDNN is chosen before TensorFlow is imported, and slow types are named."""

import os
import subprocess
import sys

import pytest

from kerasgan import processor
from tests import tiny

ENABLED = (
    "from tensorflow.python.util import _pywrap_util_port as port;"
    "print(port.IsMklEnabled())"
)


@pytest.fixture
def machine(monkeypatch):
    """Sets what the processor can do, and whether TensorFlow is imported."""

    def as_if(flags, imported=False):
        monkeypatch.setattr(
            processor, "features", lambda: frozenset(flags.split())
        )
        monkeypatch.delenv(processor.ONEDNN, raising=False)
        if not imported:
            monkeypatch.delitem(sys.modules, "tensorflow", raising=False)

    return as_if


def test_features_are_read(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nflags\t\t: fpu avx avx2\n\nprocessor\t: 1")
    assert processor.features(str(file)) == {"fpu", "avx", "avx2"}
    file.write_text("processor\t: 0\nFeatures\t: asimd\n")
    assert processor.features.__wrapped__(str(file)) == frozenset()
    assert processor.features(str(tmp_path / "none")) == frozenset()


@pytest.mark.parametrize(
    ("flags", "chosen"),
    [("sse avx avx2", "1"), ("avx2 avx512f", "1"), ("sse avx", None)],
)
def test_onednn_is_chosen_by_what_the_processor_has(machine, flags, chosen):
    machine(flags)
    processor.prefer_onednn()
    assert os.environ.get(processor.ONEDNN) == chosen


@pytest.mark.parametrize("choice", ["0", "1"])
def test_the_choice_of_the_user_stays(machine, monkeypatch, choice):
    machine("avx2")
    monkeypatch.setenv(processor.ONEDNN, choice)
    processor.prefer_onednn()
    assert os.environ[processor.ONEDNN] == choice


def test_after_tensorflow_it_is_too_late(machine):
    machine("avx2", imported=True)
    processor.prefer_onednn()
    assert processor.ONEDNN not in os.environ


@pytest.mark.skipif(
    "avx2" not in processor.features(), reason="no x86 processor with AVX2"
)
@pytest.mark.parametrize(
    ("code", "choice", "enabled"),
    [("import kerasgan, zoo;", None, True), ("import kerasgan;", "0", False)],
)
def test_tensorflow_follows(code, choice, enabled):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop(processor.ONEDNN, None)
    if choice:
        environment[processor.ONEDNN] = choice
    done = subprocess.run(
        [sys.executable, "-c", code + ENABLED],
        capture_output=True,
        check=True,
        env=environment,
        text=True,
    )
    assert done.stdout.strip() == str(enabled)


@pytest.mark.parametrize(
    ("dtype", "flags", "slow"),
    [
        ("bfloat16", "avx2", True),
        ("bfloat16", "avx2 avx512_bf16", False),
        ("float16", "avx2 avx512_bf16", True),
        ("float32", "avx2", False),
        ("bfloat16", "", False),  # Not known.
    ],
)
def test_types_slower_than_float32_are_named(
    machine, recwarn, dtype, flags, slow
):
    machine(flags, imported=True)
    processor.check_speed(dtype)
    assert [dtype in str(warning.message) for warning in recwarn] == [
        True
    ] * slow


def test_fit_names_them(machine):
    machine("avx2", imported=True)
    model = tiny.by_name("dcgan")
    gan = model.compiled({"dtype": "mixed_bfloat16"})
    with pytest.warns(UserWarning, match="bfloat16 is slower than in float32"):
        gan.fit(model.dataset(batches=1), verbose=0)
    with pytest.warns(UserWarning, match="bfloat16 is slower than in float32"):
        gan.train_on_batch(tiny.images(tiny.BATCH))
