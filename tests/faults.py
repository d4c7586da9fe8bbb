"""Plants faults, one at a time, and sees whether the tests catch them.

    python -m tests.faults               # all of faults.json
    python -m tests.faults frechet -j 2  # those that name the word, two at once

An entry of faults.json gives a piece of code, what replaces it, and the test
that must then fail. The code is searched in `function`, the dotted name of a
function or class, or in the whole `file`, where it must stand once; whitespace
and trailing commas do not count. Each fault is planted in a new copy of the
project. The tests must pass without faults, too.

TensorFlow is imported once, and each test runs in a fork of that process.
"""

import argparse
import ast
import collections
import functools
import gc
import importlib
import json
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import textwrap
import time
import traceback

ROOT = pathlib.Path(__file__).parents[1]
# Slow to import, and no part of the project. None of them may run an operation
# before the fork: TensorFlow's threads would be missing after it.
SHARED = ("numpy", "pytest", "hypothesis", "tensorflow", "keras")
DEFINITIONS = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
parse = functools.lru_cache(maxsize=None)(ast.parse)
SECONDS = 300  # For one fault.
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "runs", "build", "dist")


def read():
    """Returns the list of faults."""
    return json.loads((ROOT / "tests" / "faults.json").read_text("utf-8"))


def place(fault):
    """Returns the name of the function or file that a fault is planted in."""
    return fault.get("function") or fault["file"]


def definitions(node):
    """Yields functions and classes in a node, without those inside them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, DEFINITIONS):
            yield child
        else:
            yield from definitions(child)


def locate(fault):
    """Returns the file to change, and the first and the end of its lines."""
    if "file" in fault:
        return ROOT / fault["file"], 0, None
    parts = fault["function"].split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        path = (
            path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        )
        if path.is_file():
            break
    else:
        raise LookupError(f"There is no such module: {fault}")
    node = parse(path.read_text("utf-8"))
    for name in parts[length:]:
        found = [d for d in definitions(node) if d.name == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} definitions of {name!r}: {fault}")
        (node,) = found
    decorators = getattr(node, "decorator_list", [])
    first = min(part.lineno for part in (node, *decorators))
    return path, first - 1, node.end_lineno


def pattern(code):
    """Returns the regular expression of some code in any layout."""
    code = re.sub(r",(?=[)\]}])", "", "".join(code.split()))
    signs = [
        f"(?:,\\s*)?{re.escape(sign)}" if sign in ")]}" else re.escape(sign)
        for sign in code
    ]
    starts, ends = (r"\b" if code[i].isalnum() else "" for i in (0, -1))
    return starts + r"\s*".join(signs) + ends


def planted(fault):
    """Returns the file to change and its text with the fault.

    Raises:
        LookupError: If the code is not there exactly once.
    """
    path, first, end = locate(fault)
    lines = path.read_text("utf-8").splitlines(keepends=True)
    text = "".join(lines[first:end])
    found = list(re.finditer(pattern(fault["code"]), text))
    if len(found) != 1:
        raise LookupError(f"The code is there {len(found)} times: {fault}")
    start, stop = found[0].span()
    line = text[text.rfind("\n", 0, start) + 1 :]
    indent = line[: len(line) - len(line.lstrip())]
    new = fault["fault"].replace("\n", "\n" + indent)
    text = text[:start] + new + text[stop:]
    try:
        if path.suffix == ".py":
            ast.parse(textwrap.dedent(text))
    except SyntaxError as error:
        raise LookupError(f"The fault is not Python: {fault}") from error
    rest = lines[end:] if end else []
    return path, "".join([*lines[:first], text, *rest])


class Ran:
    """A plugin of pytest that counts the tests that were not skipped."""

    count = 0

    def pytest_runtest_logreport(self, report):
        self.count += report.when == "call" and not report.skipped


class Run:
    """Tests in a copy of the project, in a fork of this process.

    Args:
        tests: list of str. What pytest is to run.
        fault: dict. Planted in the copy; or None.
    """

    def __init__(self, tests, fault=None):
        self.tests, self.fault = tests, fault
        change = fault and planted(fault)
        self.scratch = pathlib.Path(tempfile.mkdtemp())
        copy = self.scratch / "project"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        if change:
            path, text = change
            (copy / path.relative_to(ROOT)).write_text(text, "utf-8")
        self.end = time.monotonic() + SECONDS * len(tests)
        self.process = os.fork()
        if not self.process:
            try:
                self._run_tests(copy)
            except BaseException:
                traceback.print_exc()
            os._exit(0)  # The rest is the parent's.

    def _run_tests(self, copy):
        os.setsid()
        output = os.open(self.scratch / "output", os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(copy)
        os.environ.clear()
        os.environ.update(PATH="", HOME=str(self.scratch), PYTHONPATH=str(copy))
        # Modules of the copy, not of the project.
        sys.path = [
            str(copy),
            *(p for p in sys.path if p not in ("", str(ROOT))),
        ]
        for name in [n for n in sys.modules if n.split(".")[0] == "tests"]:
            del sys.modules[name]
        import pytest

        ran = Ran()
        # Plain asserts: what is imported before cannot be rewritten.
        arguments = ["-q", "-n", "0", "-m", "", "--assert=plain"]
        arguments += ["-p", "no:cacheprovider"]
        arguments += ["--basetemp", str(self.scratch / "temporary")]
        if self.fault:
            arguments.append("-x")
        code = pytest.main([*arguments, *self.tests], plugins=[ran])
        result = json.dumps([int(code), ran.count])
        (self.scratch / "result").write_text(result)

    def stop(self):
        os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)

    def clear(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def is_over(self):
        """Returns whether the tests have ended; stops them after their time."""
        if os.waitpid(self.process, os.WNOHANG)[0]:
            return True
        if time.monotonic() > self.end:
            self.stop()
            return True
        return False

    def result(self):
        """Returns "caught", "missed" or "error", and what pytest wrote."""
        output = (self.scratch / "output").read_text("utf-8", "replace")
        code, ran = None, 0
        if (self.scratch / "result").exists():
            code, ran = json.loads((self.scratch / "result").read_text())
        else:
            output += f"\nNo result; tests are stopped after {SECONDS} seconds."
        self.clear()
        if code == 1 and self.fault:
            return "caught", output
        if code == 0 and ran:
            return "missed" if self.fault else "passed", output
        return "error", output


def run(faults, jobs):
    """Runs the test of each fault, and all these tests without a fault.

    Args:
        faults: list of dicts.
        jobs: int. How many run at once.

    Returns:
        `collections.Counter` of "caught", "missed", "error" and "passed".
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    for name in SHARED:
        importlib.import_module(name)
    gc.freeze()  # The forks need not look for garbage among the imports.
    waiting, running = [None, *faults], []
    counts = collections.Counter()

    def report(result, fault, output):
        counts[result] += 1
        text = f"{place(fault)} {fault['test']}" if fault else "without faults"
        print(f"{result:7}", text, flush=True)
        if result == "error":
            print(output, flush=True)

    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                fault = waiting.pop(0)
                tests = dict.fromkeys(f["test"] for f in faults)
                try:
                    running.append(
                        Run([fault["test"]] if fault else [*tests], fault)
                    )
                except LookupError as error:
                    report("error", fault, str(error))
            for one in [one for one in running if one.is_over()]:
                running.remove(one)
                result, output = one.result()
                report(result, one.fault, output)
            time.sleep(0.02)
    finally:
        for one in running:
            one.stop()
            one.clear()
    return counts


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("words", nargs="*")
    parser.add_argument("-j", type=int, default=1, help="how many at once")
    options = parser.parse_args()
    chosen = [
        fault
        for fault in read()
        if all(w in f"{place(fault)} {fault['test']}" for w in options.words)
    ]
    if not chosen:
        sys.exit(f"No fault has all of these: {', '.join(options.words)}")
    start = time.monotonic()
    counts = run(chosen, options.j)
    found = ", ".join(f"{counts[r]} {r}" for r in ("caught", "missed", "error"))
    print(f"{found}, in {time.monotonic() - start:.0f} seconds")
    sys.exit(counts["missed"] + counts["error"] > 0)


if __name__ == "__main__":
    main()
