"""The events as server-sent events: what a client of the WHATWG's EventSource is sent, and how it comes back."""

import json
import re
import socket
import time
from uuid import UUID

import httpx
import pytest

from tests.support.server import Server
from tests.support.sse import telling
from tests.support.websocket import bearer
from tests.web.api.callers import Tenant
from tests.web.streams.listening import events, finish, head

KEYS = [
    "position", "version", "id", "type", "event", "date", "datetime", "who", "namespace", "resource_uri", "object",
    "parents", "state", "changes", "reason", "retry", "after", "lines",
]  # fmt: skip


def url(server: Server, query: str = "") -> str:
    """Return where the stream is."""
    return f"{server.api}/events/?{query}"


def test_every_change_is_one_event_but_those_of_lanes(server: Server, tenant: Tenant) -> None:
    """Actions and relationships, in order, each with all its keys on one line; lanes are bookkeeping."""
    recorder = tenant.recorder
    with telling(url(server), tenant.auditor.key) as stream:
        first = recorder.record(state="Pending", object="/web/", parents=["/shop/"])
        second = recorder.record(state="Pending", object="/web/")
        finish(recorder, first)
        recorder.unrelate("/shop/", "/web/")
        found = stream.events(6)
    assert [one["event"] for one in found] == [
        "relationship.stated/1", "action.recorded/1", "action.recorded/1", "action.ended/1", "action.started/2",
        "relationship.ended/1",
    ]  # fmt: skip
    assert [one["resource_uri"] for one in found] == [
        None, *(action["resource_uri"] for action in (first, second, first, second)), None
    ]  # fmt: skip
    assert all(list(one) == KEYS for one in found)
    positions = [one["position"] for one in found]
    assert positions == sorted(set(positions))


def test_it_has_the_same_ids_as_the_websocket(server: Server, tenant: Tenant) -> None:
    """An event is one event, however it is told: its id, position, state and parents are those of the frame."""
    start = head(tenant.auditor)
    action = tenant.recorder.record(state="In progress", object="/web/", parents=["/shop/"])
    finish(tenant.recorder, action)
    with events(server, tenant.auditor, f"after={start}") as stream:
        frames = stream.frames(2)
    with telling(url(server, f"after={start}&type=action"), tenant.auditor.key) as told:
        found = told.events(2)
    assert [(one["id"], one["position"], one["state"], one["parents"]) for one in found] == [
        (frame["uuid"], frame["position"], frame["state"], frame["parents"]) for frame in frames
    ]
    assert all(UUID(one["id"]).version == 5 for one in found)


def test_a_new_stream_says_where_it_begins(server: Server, tenant: Tenant) -> None:
    """From now on; so who is cut off before the first event comes back with an id, and misses none."""
    before = head(tenant.auditor)
    with telling(url(server), tenant.auditor.key) as stream:
        first = stream.any()
        assert (first.event, first.json) == ("position", {"position": int(first.id)})
        assert int(first.id) >= before
        assert stream.retry == 1000
    missed = tenant.recorder.record()
    with telling(url(server), tenant.auditor.key, stream.last_id) as stream:
        again = stream.any()
        assert (again.event, again.json["resource_uri"]) == ("action", missed["resource_uri"])


def test_last_event_id_goes_before_after(server: Server, tenant: Tenant) -> None:
    """A browser that comes back asks for the URL of its first request, with the id of the last event it saw."""
    start = head(tenant.auditor)
    made = tenant.recorder.batch({}, {}, {})
    with telling(url(server, f"after={start}"), tenant.auditor.key) as stream:
        assert stream.event()["resource_uri"] == made[0]["resource_uri"]
    with telling(url(server, f"after={start}"), tenant.auditor.key, stream.last_id) as stream:
        assert [one["resource_uri"] for one in stream.events(2)] == [one["resource_uri"] for one in made[1:]]


def test_filters_are_those_of_the_websocket(server: Server, tenant: Tenant) -> None:
    """Comma lists of types, objects or actions' URIs, and parents; a relationship is about its child."""
    start = head(tenant.auditor)
    recorder = tenant.recorder
    one, two = recorder.batch({"object": "/a/"}, {"object": "/b/", "parents": ["/top/"]})
    recorder.relate("/roof/", "/top/")
    recorder.unrelate("/top/", "/b/")
    last = recorder.record(object="/last/")["resource_uri"]

    def found(query: str) -> list[str]:
        with telling(url(server, f"after={start}&{query}"), tenant.auditor.key) as stream:
            told = [stream.event()]
            while told[-1]["resource_uri"] != last:
                told.append(stream.event())
        return [event["resource_uri"] or event["event"].split("/")[0].split(".")[1] for event in told[:-1]]

    assert found("type=action") == [one["resource_uri"], two["resource_uri"]]
    assert found(f"type=relationship,action&object=/b/,{last}") == ["stated", two["resource_uri"], "ended"]
    assert found(f"object={one['resource_uri']},{last}") == [one["resource_uri"]]
    assert found("parent=/top/,/last/") == ["stated", two["resource_uri"], "stated", "ended"]
    # What is above a relationship is as it was then, with itself where it ends.
    assert found("parents=/roof/,/last/") == ["stated", "ended"]


def test_others_events_are_not_told(server: Server, tenant: Tenant) -> None:
    """Neither live nor resumed, neither actions nor relationships; an admin has them all, or those of the path."""
    neighbour = Tenant(tenant.http, server.key)
    start = head(tenant.auditor)
    with telling(url(server), tenant.auditor.key) as live:
        neighbour.recorder.record(object="/web/", parents=["/shop/"])
        mine = tenant.recorder.record()["resource_uri"]
        assert live.event()["resource_uri"] == mine
    with telling(url(server, f"after={start}"), tenant.auditor.key) as resumed:
        assert resumed.event()["resource_uri"] == mine
    path = f"{server.api}/{neighbour.namespace}/events/?after={start}"
    with telling(path, tenant.admin.key) as theirs:
        assert [one["namespace"] for one in theirs.events(2)] == [neighbour.namespace] * 2


def test_an_answer_is_no_cached_thing(server: Server, tenant: Tenant) -> None:
    """HEAD has the head alone, and ends: nothing between keeps the stream or gathers it."""
    headers = {**bearer(tenant.auditor.key), "accept": "text/event-stream, */*"}
    answer = httpx.head(url(server), headers=headers, timeout=60)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    assert int(answer.headers["deedbook-position"]) > 0


def test_a_revoked_key_is_told_no_more(server: Server, tenant: Tenant) -> None:
    """The stream ends within about a second, with an event that says why; the next is a 401."""
    told = tenant.issued("anna", "auditor")
    with telling(url(server), told["key"]) as stream:
        stream.any()
        assert tenant.admin.delete(f"/key/{told['id']}/").status_code == 200
        (last,) = stream.rest()
    assert (last.event, last.json) == ("error", {"error": "This API key was revoked."})
    with telling(url(server), told["key"], stream.last_id) as stream:
        assert stream.answer.status_code == 401


def test_the_end_of_the_server_is_the_end_of_the_body(own_server: Server, own_tenant: Tenant) -> None:
    """SIGTERM ends a stream at once and whole, without an error; the same client goes on where it was."""
    begun = own_tenant.recorder.record(state="In progress")
    with telling(url(own_server), own_tenant.auditor.key) as stream:
        stream.any()
        finish(own_tenant.recorder, begun)
        ended = stream.event()
        told = time.monotonic()
        status, printed = own_server.stop()
        assert time.monotonic() - told < 10
        assert stream.rest() == []
    assert (status, printed) == (0, f"Deedbook serves on {own_server.address}\n")
    assert stream.comments == ["the server stops"]
    own_server.start()
    with telling(url(own_server), own_tenant.auditor.key, stream.last_id) as stream:
        more = own_tenant.recorder.record()
        found = stream.event()
        assert (found["resource_uri"], found["position"]) == (more["resource_uri"], ended["position"] + 1)


def test_a_client_that_vanishes_is_no_error(own_server: Server, own_tenant: Tenant) -> None:
    """Killed while it is told, or with a second request behind the first: the server lets it go and prints nothing."""
    key = own_tenant.auditor.key
    request = (
        "GET /api/audit/v1/events/?after=0 HTTP/1.1\r\nHost: deedbook\r\nAccept: text/event-stream\r\n"
        f"Authorization: Bearer {key}\r\n\r\n"
    ).encode()
    parents = [f"/{number}/".ljust(2000, "x") for number in range(50)]
    own_tenant.recorder.record(object="/below/", parents=parents)
    own_tenant.recorder.batch(*({"object": "/below/"} for _ in range(100)))
    for behind in (b"", request, request * 3):
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", own_server.port), timeout=60) as gone:
                gone.sendall(request + behind)
                assert gone.recv(1000).startswith(b"HTTP/1.1 200 ")
    own_tenant.recorder.record()
    assert own_server.stop() == (0, f"Deedbook serves on {own_server.address}\n")


def test_the_data_of_an_event_is_one_line(server: Server, tenant: Tenant) -> None:
    """Whatever stands in an action, line breaks of every kind included, comes as it was recorded."""
    start = head(tenant.auditor)
    odd = "a\nb\r\nc\rd\u2028e\x85f\0g: ☃ id: 7\n\ndata: x"
    tenant.recorder.record(action=odd, body=odd)
    with telling(url(server, f"after={start}"), tenant.auditor.key) as stream:
        changes = stream.event()["changes"]
    assert (changes["action"], changes["body"]) == ({"from": None, "to": odd}, {"from": None, "to": odd})


@pytest.mark.parametrize("after", [True, False])
def test_how_it_looks(server: Server, tenant: Tenant, after: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """Field by field, as they go over the wire."""
    start = head(tenant.auditor)
    made = tenant.recorder.record()
    query, last_id = (f"?after={start}", {}) if after else ("", {"Last-Event-ID": str(start)})
    headers = {**bearer(tenant.auditor.key), "accept": "text/event-stream", **last_id}
    raw = b""
    with httpx.stream("GET", f"{server.api}/events/{query}", headers=headers, timeout=60) as answer:
        for part in answer.iter_raw():
            raw += part
            if raw.endswith(b"\n\n"):
                break
    found = re.fullmatch(r"retry: 1000\nid: (\d+)\nevent: action\ndata: (\{.*\})\n\n", raw.decode())
    assert found is not None, raw
    told = json.loads(found[2])
    assert (told["position"], told["resource_uri"]) == (int(found[1]), made["resource_uri"])
