"""Faults can be planted, and their runner tells caught ones from missed."""

import json
import shutil
import subprocess
import sys

from tests import faults

SUMS = """
def add(a, b):
    return a + b


class Double:
    def __call__(self, a):
        return a + a
"""
TESTS = """
import pytest

import sums


def test_add():
    assert sums.add(2, 3) == 5


def test_double():
    assert sums.Double()(2) == 4


@pytest.mark.skip
def test_skipped():
    pass
"""


def test_each_quote_and_test_exists():
    for fault in faults.read():
        path, text = faults.planted(fault)
        assert text != path.read_text("utf-8"), fault
        path, name = fault["test"].partition("[")[0].split("::")
        assert f"def {name}(" in (faults.ROOT / path).read_text("utf-8"), fault
        keys = fault.keys() - {"file", "function"}
        assert keys == {"code", "fault", "test"}, fault


def run(project, entries, seconds):
    """Runs the faults of a small project; returns results and exit status."""
    tests = project / "tests"
    tests.mkdir()
    shutil.copy(faults.__file__, tests)
    (tests / "__init__.py").touch()
    (tests / "test_sums.py").write_text(TESTS)
    (project / "sums.py").write_text(SUMS)
    keys = "function", "code", "fault", "test"
    entries = [dict(zip(keys, entry, strict=True)) for entry in entries]
    for entry in entries:
        entry["test"] = f"tests/test_sums.py::{entry['test']}"
    (tests / "faults.json").write_text(json.dumps(entries))
    main = f"faults.SHARED, faults.SECONDS = (), {seconds}; faults.main()"
    found = subprocess.run(
        [sys.executable, "-c", f"from tests import faults; {main}"],
        cwd=project,
        capture_output=True,
        text=True,
    )
    assert not found.stderr
    assert (project / "sums.py").read_text() == SUMS
    words = [line.split()[0] for line in found.stdout.splitlines() if line]
    results = ("caught", "missed", "passed", "error")
    return [word for word in words if word in results], found.returncode


def test_caught_is_told_from_missed_and_from_what_did_not_run(tmp_path):
    entries = [
        ("sums.add", "a + b", "a - b", "test_add"),
        ("sums.Double.__call__", "return a+a", "return a ** a", "test_double"),
        ("sums.add", "a + b", "a", "test_skipped"),
        ("sums.add", "a + a", "a", "test_add"),
        ("sums.subtract", "a + b", "a", "test_add"),
        ("sums.add", "a + b", "a +", "test_add"),
    ]
    found = ["passed", "caught", "missed", *["error"] * 4]
    assert run(tmp_path, entries, seconds=60) == (found, 1)


def test_a_fault_without_end_is_an_error(tmp_path):
    entries = [("sums.add", "a + b", "max(iter(int, 1))", "test_add")]
    results, status = run(tmp_path, entries, seconds=1)
    assert (results[-1], status) == ("error", 1)


def test_layout_does_not_count():
    found = faults.pattern("f(a, b) + [c]")
    for text in ("f(a, b) + [c]", "f(\n    a,\n    b,\n) + [c]", "f(a,b)+[c,]"):
        assert faults.re.fullmatch(found, text)
    assert not faults.re.search(found, "if(a, b) + [c]")
