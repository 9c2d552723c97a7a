"""A browser for all tests, a server with the sample log, and windows whose pages may not complain of anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import MISSING, THEMES, Theme, Windows, chromium, program
from tests.support.server import Server, deedbook, serving

SAMPLE = Path(__file__).parents[2] / "data" / "sample.ndjson"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium; tests are skipped where none is installed."""
    executable = program()
    if executable is None:
        pytest.skip(MISSING)
    with chromium(executable) as browser:
        yield browser


@pytest.fixture(scope="package")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the sample log in the namespace acme; whatever was asked, it printed no traceback."""
    assert browser.is_connected()
    folder = tmp_path_factory.mktemp("browser")
    loaded = deedbook(f"sqlite:///{folder}/log.db", "load", "--namespace", "acme", str(SAMPLE))
    assert loaded.returncode == 0, loaded.stderr
    with serving(folder) as server:
        yield server
        status, printed = server.stop()
        assert "Traceback" not in printed, printed
        assert status == 0


@pytest.fixture
def windows(browser: Browser, server: Server) -> Iterator[Windows]:
    """Windows on the server; no page may print an error, break its policy or load anything from elsewhere."""
    windows = Windows(browser, server)
    yield windows
    assert windows.close() == []


@pytest.fixture(params=THEMES)
def theme(request: pytest.FixtureRequest) -> Theme:
    """Each of the two themes, by the system's setting."""
    found: Theme = request.param
    return found


@pytest.fixture
def page(windows: Windows) -> Page:
    """A window where the admin is signed in."""
    return windows.open("/sign-in")
