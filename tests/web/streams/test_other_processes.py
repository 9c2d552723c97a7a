"""What another process records reaches the followers of this one."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.support.server import Server, deedbook
from tests.support.websocket import bearer, following
from tests.web.api.callers import CALL, Caller, Json, Tenant
from tests.web.streams.listening import append, events, finish, head, output, running


@pytest.fixture(scope="module")
def beside(server: Server) -> Iterator[httpx.Client]:
    """A client of a second server on the same store."""
    second = Server(server.url, key=server.key)
    try:
        with httpx.Client(base_url=second.api, timeout=60) as http:
            yield http
    finally:
        second.stop()


@pytest.fixture
def elsewhere(beside: httpx.Client, tenant: Tenant) -> Caller:
    """Who records by the second server."""
    return Caller(beside, tenant.recorder.user, tenant.recorder.key)


def load(server: Server, tenant: Tenant, folder: Path, *lines: Json) -> None:
    """Load actions of this API's form from the command line."""
    file = folder / "actions.ndjson"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    loaded = deedbook(server.url, "load", "--namespace", tenant.namespace, str(file))
    assert loaded.returncode == 0, loaded.stderr


def past(number: int, **fields: object) -> Json:
    """Return an action of the past, as this API lists it."""
    known = {"action": "Deploy", "method": "POST", "path": "/", "state": "Success", "uuid": str(uuid4())}
    return {**known, "start_date": "Wed, 17 Sep 2014 08:26:22 +0000", "object": f"/{number}/", **fields}


def test_events_of_another_server(server: Server, tenant: Tenant, elsewhere: Caller) -> None:
    """Recorded by two servers in turn, changes come in order from either."""
    with events(server, tenant.auditor) as stream:
        expected = []
        for number in range(6):
            caller = (tenant.recorder, elsewhere)[number % 2]
            expected.append(caller.record(object=f"/{number}/")["resource_uri"])
        frames = stream.frames(6)
    assert [frame["resource_uri"] for frame in frames] == expected


def test_output_of_another_server(server: Server, tenant: Tenant, elsewhere: Caller) -> None:
    """Lines and the end that another server took: they come in order, and then 1000."""
    action = running(tenant.recorder, "0")
    with output(server, tenant.auditor, action) as stream:
        for line in range(1, 9):
            append((tenant.recorder, elsewhere)[line % 2], action, str(line))
        finish(elsewhere, action)
        frames, close = stream.rest()
    assert ([int(frame["log"]) for frame in frames], close.code) == ([*range(9)], 1000)


def test_output_is_there_once_it_was_acknowledged(server: Server, tenant: Tenant, elsewhere: Caller) -> None:
    """A tail holds each line whose writer has an answer, from whichever server, also while others follow."""
    action = running(tenant.recorder)
    counts = []
    with output(server, tenant.auditor, action) as other:
        for line in range(20):
            append(elsewhere, action, str(line))
            with output(server, tenant.auditor, action, "follow=false") as tail:
                counts.append(len(tail.rest()[0]))
        other.frames(20)
    assert counts == [*range(1, 21)]


def test_an_event_is_there_once_its_position_is_known(server: Server, tenant: Tenant, elsewhere: Caller) -> None:
    """No position that an answer told is beyond the head, while others follow; what comes behind it, comes."""
    with events(server, tenant.auditor) as other:
        for _ in range(10):
            position = elsewhere.post("/action/", CALL).headers["Deedbook-Position"]
            with events(server, tenant.auditor, f"after={position}") as stream:
                uri = elsewhere.record()["resource_uri"]
                assert stream.frame()["resource_uri"] == uri
        other.frames(20)


def test_events_that_are_loaded(server: Server, tenant: Tenant, tmp_path: Path) -> None:
    """Each action of a loaded file is a `create` with its final state, in the order of the file."""
    actions = [past(number, state=("Success", "Failed")[number % 2]) for number in range(1200)]
    with events(server, tenant.auditor) as stream:
        load(server, tenant, tmp_path, *actions)
        frames = stream.frames(1200)
    assert [frame["parents"] for frame in frames] == [[action["object"]] for action in actions]
    assert [(frame["action"], frame["state"]) for frame in frames] == [("create", one["state"]) for one in actions]


def test_output_that_is_loaded(server: Server, tenant: Tenant, tmp_path: Path) -> None:
    """Loaded with its output, an action has ended: followed, its stream has the lines, and then 1000."""
    action = past(1)
    load(server, tenant, tmp_path, action, {"uuid": action["uuid"], "lines": ["one", "two"]})
    with output(server, tenant.auditor, action) as stream:
        frames, close = stream.rest()
    assert ([frame["log"] for frame in frames], close.code) == (["one", "two"], 1000)


def test_a_key_of_another_process(server: Server, tenant: Tenant) -> None:
    """A key that was issued from the command line follows at once."""
    made = deedbook(server.url, "keys", "create", "carl", "--namespace", tenant.namespace, "--role", "auditor")
    start = head(tenant.auditor)
    uri = tenant.recorder.record()["resource_uri"]
    with following(f"{server.stream}/events/?after={start}", bearer(made.stdout.strip())) as stream:
        assert stream.frame()["resource_uri"] == uri
