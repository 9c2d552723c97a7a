"""A real Chromium, and windows in it that gather whatever a page complained of."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.support.server import Server

Theme = Literal["light", "dark"]

THEMES: Sequence[Theme] = ("light", "dark")

#: The least and the usual width, in CSS pixels.
NARROW, WIDE = 390, 1280

#: What a page complains of while its server is gone, whichever way the browser finds out, or its views are behind.
GONE = "WebSocket|ERR_CONNECTION_(REFUSED|RESET)|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED|status of 503"

MISSING = "There is no Chromium here: on Debian and Ubuntu, `apt-get install chromium fonts-dejavu-core`."

#: How long a page may take to show something, in milliseconds: long, since other tests may keep the machine busy.
PATIENCE = 30_000

#: These run a test on the server with a million actions, or on both: what it says is of the page, not of one log.
#: Making that server is no part of the time that one test has.
_MILLION = pytest.param("million", marks=pytest.mark.timeout(func_only=True))
on_million = pytest.mark.parametrize("server", [_MILLION], indirect=True)
on_both = pytest.mark.parametrize("server", ["sample", _MILLION], indirect=True)

_NAMES = ("chromium", "chromium-browser", "google-chrome")

_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

#: Tells the console of what the Content-Security-Policy refused, whichever way the browser would.
_REPORT = """
document.addEventListener("securitypolicyviolation", (event) => {
  const { effectiveDirective, blockedURI, sourceFile, lineNumber } = event;
  console.error(`CSP: ${effectiveDirective} refused ${blockedURI} (${sourceFile}:${lineNumber})`);
});
"""


def program() -> str | None:
    """Return where a Chromium is installed, None where there is none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@contextmanager
def chromium(executable: str) -> Iterator[Browser]:
    """Give a browser without a window."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield browser
        browser.close()


class Reader(NamedTuple):
    """Who signs in: a user and an API key."""

    user: str
    key: str


class Windows:
    """Opens windows on a server; `complaints` is what their pages printed as errors, or loaded from elsewhere."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser = browser
        self._server = server
        self._contexts: list[BrowserContext] = []
        self._expected: list[str] = []
        self.complaints: list[str] = []

    def open(
        self,
        path: str = "/",
        *,
        reader: Reader | None = None,
        theme: Theme = "light",
        width: int = WIDE,
        has_scripts: bool = True,
        zone: str = "Europe/Berlin",
    ) -> Page:
        """Return a window of its own, signed in (as the server's admin, or another reader), that shows a path."""
        page = self.empty(theme=theme, width=width, has_scripts=has_scripts, zone=zone)
        page.context.add_cookies([session(self._server, reader or Reader("me", self._server.key))])
        page.goto(path)
        return page

    def empty(
        self,
        *,
        theme: Theme = "light",
        width: int = WIDE,
        has_scripts: bool = True,
        zone: str = "Europe/Berlin",
    ) -> Page:
        """Return a window of its own that shows nothing yet, and where nobody is signed in."""
        context = self._browser.new_context(
            base_url=self._server.address,
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            java_script_enabled=has_scripts,
            timezone_id=zone,
            locale="en-GB",
        )
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(_REPORT)
        context.on("console", self._printed)
        context.on("weberror", lambda error: self.complaints.append(f"{error.page and error.page.url}: {error.error}"))
        context.on("request", self._asked)
        return context.new_page()

    def expect(self, pattern: str) -> None:
        """Let pages complain of what a test provokes: what matches, as a regular expression."""
        self._expected.append(pattern)

    def close(self) -> list[str]:
        """Close all windows, and return the complaints that no test expected."""
        for context in self._contexts:
            context.close()
        return [one for one in self.complaints if not any(re.search(pattern, one) for pattern in self._expected)]

    def _printed(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.complaints.append(f"{message.location['url']}: {message.text}")

    def _asked(self, request: Request) -> None:
        own = (f"{self._server.address}/", f"{self._server.address.replace('http', 'ws', 1)}/", "data:", "blob:")
        if not request.url.startswith(own):
            self.complaints.append(f"a page asked elsewhere: {request.url}")


# Any: what Playwright takes for a cookie, a TypedDict of its own inside.
def session(server: Server, reader: Reader) -> Any:  # noqa: ANN401
    """Sign in, and return the session's cookie."""
    form = {"user": reader.user, "key": reader.key}
    answer = httpx.post(f"{server.address}/sign-in", data=form, timeout=30)
    assert answer.status_code == 303, answer.text
    return {"name": "deedbook", "value": answer.cookies["deedbook"], "url": server.address, "httpOnly": True}


def link(path: str, **query: str) -> str:
    """Return a path with a query."""
    return f"{path}?{urlencode(query)}" if query else path


def press(page: Page, *keys: str) -> None:
    """Press keys, one behind the other, once all of the page is there: before, its scripts hear none of them."""
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def violations(page: Page) -> list[str]:
    """Return what axe-core finds against WCAG 2.2 AA and its own best practices, one line for each element."""
    page.wait_for_load_state()
    if page.evaluate("!window.axe"):
        page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text())
    found: list[str] = page.evaluate("""async () => {
        const { violations } = await axe.run(document, { resultTypes: ["violations"] });
        return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) =>
            `${id}: ${help}: ${target.join(" ")}: ${failureSummary}`));
    }""")
    return found


def overflow(page: Page) -> int:
    """Return by how many pixels a page is wider than its window: then it would have to be pushed sideways."""
    page.wait_for_load_state()
    found: int = page.evaluate("document.documentElement.scrollWidth - document.body.offsetWidth")
    return found
