"""Chromium, the built playground and its server, for the tests with a page."""

import os
import pathlib

import pytest

FIGURES = "figures of a model"


def pytest_terminal_summary(terminalreporter):
    """Prints the figures of each model, whichever process measured them."""
    reports = [r for all_ in terminalreporter.stats.values() for r in all_]
    lines = {
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == FIGURES
    }
    for line in sorted(lines):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the playground with all models of the zoo."""
    if "PLAYGROUND" in os.environ:
        return pathlib.Path(os.environ["PLAYGROUND"])
    from kerasgan import playground

    folder = tmp_path_factory.mktemp("playground") / "site"
    playground.build(folder)
    return folder


@pytest.fixture(scope="session")
def server(site):
    from tests.support import browser

    server = browser.Server(site)
    yield server
    server.close()


@pytest.fixture(scope="session")
def chromium():
    from tests.support import browser

    with browser.chromium() as found:
        yield found


@pytest.fixture
def page(chromium, server):
    """A visitor, who must neither meet an error nor another server."""
    from tests.support import browser

    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    visitor = browser.Visitor(context.new_page(), server.address)
    yield visitor
    context.close()
    server.slow, server.fails = False, ""
    visitor.check_requests()
