"""Plants faults, one at a time, and sees whether the tests catch them.

    python -m tests.faults            # all of faults.json
    python -m tests.faults frechet    # those whose file or test has the word
    python -m tests.faults --table    # writes the table in tests/README.md

Each entry names a file, a piece of its code, what stands there instead, and
the test that must fail. The change is made in a copy of the project.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent.parent
README = ROOT / "tests" / "README.md"
MARKS = ("<!-- faults -->", "<!-- /faults -->")


def read():
    """Returns the list of faults."""
    return json.loads((ROOT / "tests" / "faults.json").read_text("utf-8"))


def with_table(text):
    """Returns the README's text with the present list."""

    def cell(code):
        return "`" + " ".join(code.split()).replace("|", "\\|") + "`"

    rows = [
        f"| {f['file']} | {cell(f['code'])} | {cell(f['fault'])} "
        f"| {f['test'].removeprefix('tests/')} |"
        for f in read()
    ]
    table = "\n".join(["| File | Code | Fault | Caught by |", "|---" * 4 + "|"])
    start, end = map(re.escape, MARKS)
    return re.sub(
        f"{start}.*?{end}",
        lambda _: "\n".join([MARKS[0], table, *rows, MARKS[1]]),
        text,
        flags=re.S,
    )


def is_caught(fault):
    """Returns whether the named test fails with the fault in place."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch, "project")
        shutil.copytree(
            ROOT, copy, ignore=shutil.ignore_patterns(".git", "runs")
        )
        path = copy / fault["file"]
        text = path.read_text("utf-8")
        if fault["code"] not in text:
            sys.exit(f"The code is no longer there: {fault}")
        path.write_text(text.replace(fault["code"], fault["fault"], 1))
        # Without site's editable install: the copy is what gets imported.
        arguments = ["-qx", "-n", "0", "-m", "", fault["test"]]
        result = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=copy,
            env={"PATH": "", "HOME": scratch, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
        )
    if result.returncode not in (0, 1):
        sys.exit(f"The test did not run: {fault}\n{result.stdout}")
    return result.returncode == 1


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("words", nargs="*")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table:
        README.write_text(with_table(README.read_text("utf-8")), "utf-8")
        return
    missed = 0
    for fault in read():
        place = f"{fault['file']} {fault['test']}"
        if all(word in place for word in options.words):
            caught = is_caught(fault)
            missed += not caught
            print("caught" if caught else "MISSED", place, flush=True)
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
