"""The console at a million actions: what each page costs on the server, beyond a request that does nothing."""

import gzip
import http.client
import random
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from urllib.parse import urlencode, urlsplit

import httpx

from tests.benchmarks.peers.process import running
from tests.benchmarks.report import Report
from tests.support import million
from tests.support.kept import copied
from tests.support.objects import service, stack
from tests.support.server import Server, serving

_STATIC = Path(__file__).parents[2] / "web" / "console" / "static"

#: What is asked of the list, as the console asks it.
LISTS: Mapping[str, Mapping[str, str]] = {
    "all": {},
    "state": {"state": "Failed"},
    "operation": {"action": "Stack Update"},
    "user": {"user": "lena"},
    "object": {"object": service(7)},
    "object, related": {"object": stack(3), "include_related": "true"},
    "method": {"method": "DELETE"},
    "address": {"ip": "203.0.113.9"},
    "agent": {"user_agent": "go-dockercloud/1.0"},
    "triggered by": {"is_user_action": "false"},
    "id begins with": {"uuid__startswith": "0a0a0a"},
    "started from": {"start_date__gte": "2026-07-01T00:00:00Z"},
    "started until": {"start_date__lte": "2026-05-01T00:00:00Z"},
    "ended from": {"end_date__gte": "2026-07-01T00:00:00Z"},
    "ended until": {"end_date__lte": "2026-05-01T00:00:00Z"},
    "a rare word": {"q": "registry"},
    "a common word": {"q": "container"},
    "as of": {"as_of": "500000"},
}

#: How far a timeline is zoomed in.
ZOOMS: Mapping[str, Mapping[str, str]] = {
    name: {"start_date__gte": f"{since}Z", "start_date__lte": f"{until}Z"}
    for name, since, until in (
        ("a month", "2026-05-01T00:00:00", "2026-05-31T23:59:59"),
        ("a day", "2026-06-10T00:00:00", "2026-06-10T23:59:59"),
        ("an hour", "2026-06-10T09:00:00", "2026-06-10T09:59:59"),
    )
}

OTHERS = {
    "users": "/users?namespace=acme",
    "health": "/system",
    "keys": "/keys",
    "api": "/api",
    "action": f"/action/{million.RETRIED}",
    "action, long output": f"/action/{million.LONG}",
    "object, related": f"/object?{urlencode({'object': stack(3), 'include_related': 'true'})}",
}


def measure(report: Report, seconds: int) -> None:
    """Ask each page in turn with an empty request, until each was asked often enough, and tell the median."""
    for kind, limit in ((".js", 60), (None, 200)):
        size = _compressed(kind) / 1024
        report.add(f"console, {kind or 'all assets'}, compressed", f"{size:,.1f} KiB", None, f"< {limit} KiB")
    with tempfile.TemporaryDirectory() as name, running("empty", 40_000) as empty:
        copied(Path(name))
        with serving(Path(name)) as server:
            _measure_pages(report, _Browser(server, empty), seconds)


def _measure_pages(report: Report, browser: "_Browser", seconds: int) -> None:
    lists = {f"list, {name}": _list_of(**asked) for name, asked in LISTS.items()}
    lists["list, by key, deep"] = _list_of(cursor=browser.deep)
    pages = {what: (path, "< 15 ms") for what, path in lists.items()}
    for name, asked in _timelines().items():
        pages[f"timeline, {name}"] = (f"/timeline?{urlencode({'namespace': million.NAMESPACE, **asked})}", "< 50 ms")
    pages |= {f"page, {name}": (path, "") for name, path in OTHERS.items()}
    taken = browser.taken({what: path for what, (path, _) in pages.items()}, seconds * len(pages) / 20)
    for what, (_, expected) in pages.items():
        report.add(f"console, {what}", f"{taken[what]:.2f} ms, server side", None, expected)


def _timelines() -> Mapping[str, Mapping[str, str]]:
    """Return each filter by itself, and at each zoom that is no filter of the same dates."""
    zoomed = {
        f"{zoom}, {name}": {**asked, **dates}
        for zoom, dates in ZOOMS.items()
        for name, asked in LISTS.items()
        if not dates.keys() & asked.keys()
    }
    return {**LISTS, **zoomed}


def _list_of(**asked: str) -> str:
    return f"/?{urlencode({'namespace': million.NAMESPACE, **asked})}"


def _compressed(kind: str | None) -> int:
    files = [path for path in _STATIC.rglob("*") if path.is_file() and kind in (None, path.suffix)]
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in files if path.suffix not in (".txt", ".md", ""))


class _Browser:
    """Somebody who is signed in, on a connection that is kept; `deep` is the place of a page near the end."""

    def __init__(self, server: Server, empty: str) -> None:
        self._connections = {
            one: http.client.HTTPConnection(urlsplit(one).netloc, timeout=60) for one in (server.address, empty)
        }
        self._server, self._empty = server.address, empty
        signed_in = httpx.post(f"{server.address}/sign-in", data={"user": "me", "key": server.key}, timeout=30)
        self._headers = {"Cookie": f"deedbook={signed_in.cookies['deedbook']}"}
        with server.client() as client:
            near = {"order_by": "-start_date", "limit": "50", "offset": "990000"}
            self.deep = client.get("/acme/action/", params=near).json()["meta"]["next_cursor"]

    def taken(self, pages: Mapping[str, str], seconds: float) -> Mapping[str, float]:
        """Return how many milliseconds each page takes at the median, less what an empty request does."""
        for what, path in pages.items():
            self._check(what, path)
        found: dict[str, list[float]] = {what: [] for what in pages}
        rng = random.Random(1)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until or len(next(iter(found.values()))) < 5:  # a median of some
            for what, path in rng.sample(list(pages.items()), len(pages)):
                nothing = self._asked(self._empty, "/")
                found[what].append(self._asked(self._server, path) - nothing)
        return {what: 1000 * median(times) for what, times in found.items()}

    def _asked(self, where: str, path: str) -> float:
        connection = self._connections[where]
        began = time.perf_counter()
        connection.request("GET", path, headers=self._headers)
        connection.getresponse().read()
        return time.perf_counter() - began

    def _check(self, what: str, path: str) -> None:
        """Raise where a page is not what is measured: an error, or a list of nothing."""
        connection = self._connections[self._server]
        connection.request("GET", path, headers=self._headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != httpx.codes.OK or (what.startswith("list") and 'id="action-' not in text):
            raise RuntimeError(f"{what}: {answer.status} for {path}")
