"""What one client can do to the others: little. Open streams are counted, and who does not read is hung up on."""

import re
from collections.abc import Iterator
from time import monotonic

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.faults.ledger import wait_for
from tests.support.server import Server, serving
from tests.support.sse import telling
from tests.support.websocket import PATIENCE, Close, Frame, bearer, following, refusal, unread
from tests.web.api.callers import Caller, Tenant
from tests.web.streams.listening import append, events, finish, head, output, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that gives each key one stream, and who does not read for four seconds."""
    bounds = {"DEEDBOOK_STREAMS_PER_KEY": "1", "DEEDBOOK_SLOW_FOLLOWER": "4"}
    with serving(tmp_path_factory.mktemp("bounds"), **bounds) as server:
        yield server


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    """A client of it."""
    with httpx.Client(base_url=server.api, timeout=60) as http:
        yield http


def wait_for_room(server: Server, caller: Caller) -> None:
    """Return when a key whose one stream was open may open another."""
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        try:
            with events(server, caller):
                return
        except InvalidStatus as refused:
            if refused.response.status_code != 429:
                raise
    raise AssertionError("the stream is still open")


def resumed(server: Server, caller: Caller, path: str, close: Close, count: int) -> list[Frame]:
    """Return so many frames from where a close says that a stream is to be resumed."""
    assert close.code == 1013
    found = re.fullmatch(r"read too slowly; resume with (after=\d+)", close.reason)
    assert found is not None, close.reason
    with following(f"{server.stream}{path}?{found[1]}", bearer(caller.key)) as stream:
        return stream.frames(count)


def test_a_key_has_so_many_streams_and_no_more(server: Server, tenant: Tenant) -> None:
    """One more is a 429, for either stream; other keys have theirs; one that was closed makes room."""
    action = running(tenant.recorder)
    key = bearer(tenant.auditor.key)
    with events(server, tenant.auditor), events(server, tenant.operator):
        for path in ("/events/", f"/action/{action['uuid']}/logs/"):
            told = refusal(f"{server.stream}{path}", key)
            assert (told.status, "open streams" in told.error) == (429, True)
            assert told.seconds >= 0.9
    wait_for_room(server, tenant.auditor)


def test_streams_over_http_count_as_well(server: Server, tenant: Tenant) -> None:
    """Server-sent events and replays share the bound with the WebSockets: one more is a 429, at once."""
    action = running(tenant.recorder, "one")
    key = bearer(tenant.auditor.key)
    asked = {"/events/": {"accept": "text/event-stream"}, f"/action/{action['uuid']}/logs/": {}}
    with telling(f"{server.api}/events/", tenant.auditor.key) as stream:
        stream.any()
        for path, headers in asked.items():
            told = tenant.http.get(path, headers={**key, **headers})
            assert (told.status_code, "open streams" in told.json()["error"]) == (429, True)
        assert refusal(f"{server.stream}/events/", key).status == 429
        assert tenant.http.get("/event/", headers=key).status_code == 200
    for _ in range(3):
        wait_for(lambda: tenant.auditor.get(f"/action/{action['uuid']}/logs/").text == "one\n", "room for a replay")


def test_server_sent_events_that_are_not_read(server: Server, tenant: Tenant) -> None:
    """The last event says where to resume; what was read and what follows are all events, once; others had them.

    120 events of 200 KB are more than what a network takes on its way.
    """
    recorder = tenant.recorder
    parents = [f"/{number}/".ljust(2000, "x") for number in range(50)]
    recorder.record(object="/below/", parents=parents)
    start = head(tenant.auditor)
    url = f"{server.api}/events/?type=action&after={start}"
    with telling(url, tenant.auditor.key) as slow, telling(url, tenant.operator.key) as quick:
        recorded = [action["resource_uri"] for action in recorder.batch(*({"object": "/below/"} for _ in range(120)))]
        assert [event["resource_uri"] for event in quick.events(120)] == recorded
        wait_for_room(server, tenant.auditor)
        *seen, last = slow.rest()
    found = re.fullmatch(r"Read too slowly; resume with after=(\d+)\.", last.json["error"])
    assert (last.event, found is not None) == ("error", True)
    assert len(seen) < 120
    with telling(url, tenant.auditor.key, slow.last_id) as stream:
        rest = stream.events(120 - len(seen))
    assert [*(one.json["resource_uri"] for one in seen), *(one["resource_uri"] for one in rest)] == recorded


def test_output_that_is_not_read(server: Server, tenant: Tenant) -> None:
    """1013 says where to resume; what was read and what follows there are all lines, once; others had them in time."""
    recorder = tenant.recorder
    action = running(recorder)
    path = f"/action/{action['uuid']}/logs/"
    with (
        unread(f"{server.stream}{path}", bearer(tenant.auditor.key)) as slow,
        output(server, tenant.operator, action) as quick,
    ):
        for block in range(4):
            append(
                recorder, action, *(f"{number} ".ljust(60_000, ".") for number in range(block * 50, block * 50 + 50))
            )
            assert len(quick.frames(50)) == 50
        wait_for_room(server, tenant.auditor)
        frames, close = slow.rest()
    assert len(frames) < 200
    frames += resumed(server, tenant.auditor, path, close, 200 - len(frames))
    assert [int(frame["log"].split()[0]) for frame in frames] == list(range(200))


def test_events_that_are_not_read(server: Server, tenant: Tenant) -> None:
    """The same for the event stream, whose frames are long here because a hundred objects are above each action's."""
    recorder = tenant.recorder
    parents = [f"/{number}/".ljust(2000, "x") for number in range(50)]
    recorder.record(object="/below/", parents=parents)
    start = head(recorder)
    with (
        unread(f"{server.stream}/events/?after={start}", bearer(tenant.auditor.key)) as slow,
        events(server, tenant.operator, f"after={start}") as quick,
    ):
        recorded = [action["resource_uri"] for action in recorder.batch(*({"object": "/below/"} for _ in range(120)))]
        assert [frame["resource_uri"] for frame in quick.frames(120)] == recorded
        wait_for_room(server, tenant.auditor)
        frames, close = slow.rest()
    assert len(frames) < 120
    frames += resumed(server, tenant.auditor, "/events/", close, 120 - len(frames))
    assert [frame["resource_uri"] for frame in frames] == recorded


def test_who_reads_slowly_is_not_hung_up_on(server: Server, tenant: Tenant) -> None:
    """Behind what is written, through a narrow network, but reading: a follower has all lines, and 1000."""
    action = running(tenant.recorder)
    path = f"{server.stream}/action/{action['uuid']}/logs/"
    with unread(path, bearer(tenant.auditor.key)) as slow:
        append(tenant.recorder, action, *("x" * 60_000 for _ in range(120)))
        finish(tenant.recorder, action)
        frames, close = slow.rest()
    assert (len(frames), close.code) == (120, 1000)


def test_too_many_wrong_keys(server: Server, tenant: Tenant) -> None:
    """From one address, 30 a minute are a 401 each, more a 429 on both faces; right ones are still admitted."""
    wrong = bearer("wrong")
    statuses = [tenant.http.get("/action/", headers=wrong).status_code for _ in range(31)]
    assert statuses == [401] * 30 + [429]
    assert refusal(f"{server.stream}/events/", wrong).status == 429
    with events(server, tenant.auditor) as stream:
        uri = tenant.recorder.record()["resource_uri"]
        assert stream.frame()["resource_uri"] == uri
