"""Every answer tells which position its view had read; and no reader ever sees the lag of a view."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.server import Server
from tests.web.api.callers import CALL, Caller, Tenant, document
from tests.web.api.scene import REQUESTS, Request, Scene

UNKNOWN = "/action/00000000-0000-4000-8000-000000000000/"


def position(answer: httpx.Response) -> int:
    """Return the position that an answer tells."""
    return int(answer.headers["deedbook-position"])


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_every_answer_has_a_position(tenant: Tenant, request_: Request) -> None:
    """Of the view that was read, or of the log behind what was recorded."""
    assert position(Scene(tenant).ask(tenant.admin, request_)) > 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/action/?nonsense=1", 400),
        ("POST", "/action/", 400),
        ("POST", "/key/", 403),
        ("GET", UNKNOWN, 404),
        ("PUT", "/action/", 405),
        ("GET", "/events/", 426),
        ("HEAD", "/action/", 200),
    ],
)
def test_so_has_every_error(recorder: Caller, method: str, path: str, status: int) -> None:
    """And HEAD."""
    answer = recorder.ask(method, path)
    assert (answer.status_code, position(answer) > 0) == (status, True)


def test_so_has_what_is_asked_without_a_key(http: httpx.Client) -> None:
    """A 401."""
    answer = http.get("/action/")
    assert (answer.status_code, position(answer) > 0) == (401, True)


def test_so_has_an_unknown_path(http: httpx.Client, server: Server) -> None:
    """A 404 of no path."""
    answer = http.get(f"{server.address}/nothing/")
    assert (answer.status_code, "deedbook-position" in answer.headers) == (404, True)


def test_positions_grow_with_what_is_recorded(tenant: Tenant) -> None:
    """An answer to a recording tells a position behind all before it, and a list that follows has read it."""
    seen = 0
    for _ in range(10):
        made = tenant.recorder.post("/action/", CALL)
        assert position(made) > seen
        listed = tenant.auditor.get("/action/")
        assert position(listed) >= position(made)
        detail = tenant.auditor.get(f"/action/{document(made)['uuid']}/")
        assert position(detail) >= position(listed)
        seen = position(detail)


def test_a_batch_tells_the_position_of_its_last_line(recorder: Caller) -> None:
    """So that whoever waits for that position has all of it."""
    before = position(recorder.post("/action/", CALL))
    assert position(recorder.post_lines("/action/", *[CALL] * 20)) >= before + 20


def test_what_is_up_to_date_has_no_lag(recorder: Caller) -> None:
    """The header stands only on what is behind."""
    made = recorder.record()
    for path in ("/action/", f"/action/{made['uuid']}/", "/relationship/?object=/x"):
        assert "deedbook-lag" not in recorder.get(path).headers


@pytest.mark.parametrize(
    "path", ["/action/", "/user/", "/search/", "/action/timeline/", "/object/?object=/x", "/action/?format=ndjson"]
)
def test_an_answer_waits_for_the_position_that_is_sent_back(tenant: Tenant, path: str) -> None:
    """Asked for a position that is recorded only then, it comes with that, and not before."""
    made = tenant.recorder.post("/action/", CALL | {"object": "/x"})
    wanted = position(made) + 3
    headers = {"Deedbook-Position": str(wanted)}
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(tenant.auditor.ask, "GET", path, headers=headers)
        while tenant.recorder.record() and position(tenant.auditor.get("/action/")) < wanted:
            continue
        answer = asked.result()
    assert (answer.status_code, position(answer) >= wanted) == (200, True)


def test_a_position_that_no_answer_told_is_refused(recorder: Caller) -> None:
    """One beyond the log, and what is no position: each with a sentence."""
    beyond = recorder.ask("GET", "/action/", headers={"Deedbook-Position": "999999999999"})
    assert (beyond.status_code, "but the log ends at position" in beyond.json()["error"]) == (400, True)
    for sent in ("-1", "x", "1.5", "9" * 19, "\u00b2"):
        answer = recorder.ask("GET", "/action/", headers={"Deedbook-Position": sent.encode()})
        assert (answer.status_code, "is the position of an answer" in answer.json()["error"]) == (400, True)
