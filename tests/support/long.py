"""A pytest plugin that lists the tests which take long: tests/long.txt.

    pytest -p tests.support.long -m "not slow and not zoo and not data and
        not parity and not packages and not browser and not demo"

measures what runs, on a machine that does nothing else, and rewrites their
lines. `pytest` leaves them out; `pytest -m long` runs them.
"""

import collections
import pathlib

import pytest

PATH = pathlib.Path(__file__).parents[1] / "long.txt"
SECONDS = 2.0
durations = collections.Counter()


def read():
    """Returns the ids of the tests that take long."""
    return set(PATH.read_text("utf-8").splitlines())


def pytest_runtest_logreport(report):
    durations[report.nodeid] += report.duration


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput"):
        return
    kept = read() - set(durations)
    long = {name for name, time in durations.items() if time > SECONDS}
    PATH.write_text("\n".join(sorted(kept | long)) + "\n", "utf-8")
