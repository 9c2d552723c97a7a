"""What tests of the list ask of its page, and of the API beside it."""

import re
import time
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page

from tests.support.server import Server


def asked(page: Page) -> dict[str, list[str]]:
    """Return what the address bar asks for."""
    query = parse_qs(urlsplit(page.url).query)
    return {name: values for name, values in query.items() if name != "namespace"}


def total(server: Server, **query: str | list[str]) -> int:
    """Return how many actions the API finds, counted one by one where its list would tell a bound."""
    with server.client() as client:
        counted = client.get("/acme/action/timeline/", params={"exact": "true", **query})
        assert counted.status_code == 200, counted.text
        return int(counted.json()["total_count"])


def shown(page: Page) -> list[str]:
    """Return the ids of the actions that a page lists, once all of the page is there: rows come one after another."""
    page.wait_for_load_state()
    ids: list[str] = page.evaluate("[...document.querySelectorAll('.actions tbody tr')].map((row) => row.id.slice(7))")
    return ids


def found(page: Page, number: int) -> None:
    """Wait until the page says that it found so many; of what can't be counted at once, a bound or an estimate."""
    told, until = page.locator("#head .total .number"), time.monotonic() + 30
    while not _is_true(seen := told.inner_text(), number):
        assert time.monotonic() < until, f"{seen} is not {number:,}"
        page.wait_for_timeout(100)


def _is_true(told: str, number: int) -> bool:
    digits = int(re.sub(r"\D", "", told) or 0)
    if told.endswith("+"):
        return digits <= number
    return abs(digits - number) < number / 10 if told.startswith("about ") else told == f"{number:,}"


def record(server: Server, **more: object) -> str:
    """Record an action, and return its id."""
    action = {"action": "Deploy", "method": "POST", "path": "/deploy/", "state": "Success", **more}
    with server.client() as client:
        answer = client.post("/acme/action/", json=action)
        assert answer.status_code in (201, 202), answer.text
        return str(answer.json()["uuid"])


def searches(server: Server) -> list[tuple[str, str, str]]:
    """Return what is saved: name, query and user of each."""
    with server.client() as client:
        saved = client.get("/acme/search/").json()["objects"]
    return [(search["name"], search["query"], search["user"]) for search in saved]


def finish(server: Server, action: str, state: str = "Success") -> None:
    """End an action."""
    with server.client() as client:
        assert client.post(f"/action/{action}/finish/", json={"state": state}).status_code == 200
