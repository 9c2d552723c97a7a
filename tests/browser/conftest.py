"""A browser for all tests, two servers to look at, and windows whose pages may not complain of anything."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import MISSING, THEMES, Theme, Windows, chromium, program
from tests.support.kept import copied
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
def sample(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the sample log in the namespace acme; whatever was asked, it printed no traceback."""
    assert browser.is_connected()
    folder = tmp_path_factory.mktemp("browser")
    loaded = deedbook(f"sqlite:///{folder}/log.db", "load", "--namespace", "acme", str(SAMPLE))
    assert loaded.returncode == 0, loaded.stderr
    with _looked_at(folder) as server:
        yield server


@pytest.fixture(scope="package")
def million(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a million actions beside those of the sample log, all in the namespace acme."""
    assert browser.is_connected()
    folder = tmp_path_factory.mktemp("million")
    copied(folder)
    with _looked_at(folder) as server:
        yield server
    shutil.rmtree(folder)


@contextmanager
def _looked_at(folder: Path) -> Iterator[Server]:
    with serving(folder) as server:
        yield server
        status, printed = server.stop()
        assert "Traceback" not in printed, printed
        assert status == 0


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    """The server that a test looks at: that of the sample log, or those that it names (`on_both`, `on_million`)."""
    found: Server = request.getfixturevalue(getattr(request, "param", "sample"))
    return found


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
