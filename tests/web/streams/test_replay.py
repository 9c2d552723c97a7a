"""An action's output over plain HTTP: the lines that there are, as text or NDJSON, in constant memory."""

import json
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Thread
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.commands import AppendOutput, Line
from deedbook.domain.store.sqlite import SqliteStore
from tests.support.server import Server, serving
from tests.support.sse import telling
from tests.support.websocket import bearer
from tests.web.api.callers import Caller, Json, Tenant
from tests.web.streams.listening import append, finish, running
from tests.web.streams.test_rude_clients import BLOCK, PROCESSES, memory

LINES = st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20), max_size=30)


def replay(caller: Caller, action: Json, query: str = "", accept: str = "*/*") -> httpx.Response:
    """Return the answer to a replay."""
    return caller.get(f"/action/{action['uuid']}/logs/?{query}", headers={"accept": accept})


def test_it_is_the_whole_output(tenant: Tenant) -> None:
    """For all outputs: each line is a line of text; or, as NDJSON, one with its number and time, each on one line."""
    recorder = tenant.recorder

    @settings(max_examples=50)
    @given(lines=LINES)
    def holds(lines: list[str]) -> None:
        action = running(recorder)
        if lines:
            recorder.act(action, "logs", {"lines": [{"log": one, "timestamp": at} for at, one in enumerate(lines)]})
        text = replay(recorder, action)
        assert text.headers["content-type"] == "text/plain; charset=utf-8"
        assert text.content.decode() == "".join(f"{line}\n" for line in lines)
        ndjson = replay(recorder, action, accept="application/x-ndjson")
        assert ndjson.headers["content-type"] == "application/x-ndjson"
        assert [json.loads(line) for line in ndjson.text.splitlines()] == [
            {"line": number, "timestamp": number - 1, "log": line} for number, line in enumerate(lines, 1)
        ]

    holds()


def test_after_and_tail(tenant: Tenant) -> None:
    """For all outputs: the lines behind `after`, or the last `tail`, of which 0 is none; `after` goes first."""
    recorder = tenant.recorder

    @settings(max_examples=50)
    @given(count=st.integers(0, 12), after=st.integers(0, 12) | st.none(), tail=st.integers(0, 14) | st.none())
    def holds(count: int, after: int | None, tail: int | None) -> None:
        action = running(recorder, *map(str, range(1, count + 1)))
        named = {"after": after, "tail": tail}
        query = "&".join(f"{name}={value}" for name, value in named.items() if value is not None)
        answer = replay(recorder, action, query)
        if after is not None and after > count:
            assert answer.status_code == 400
            return
        begin = after if after is not None else max(0, count - tail) if tail is not None else 0
        assert answer.text.split() == [str(line) for line in range(begin + 1, count + 1)]

    holds()


def test_it_does_not_wait_for_more(tenant: Tenant) -> None:
    """Of an action that runs it is what there is, and ends; once the action has ended, all."""
    action = running(tenant.recorder, "one")
    assert replay(tenant.auditor, action).text == "one\n"
    append(tenant.recorder, action, "two")
    finish(tenant.recorder, action)
    assert replay(tenant.auditor, action, "after=1").text == "two\n"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/x-ndjson, */*", "application/x-ndjson"),
        ("text/plain;q=0.5, application/x-ndjson", "application/x-ndjson"),
        ("text/plain, application/x-ndjson", "text/plain; charset=utf-8"),
        ("application/*", "application/x-ndjson"),
        ("*/*", "text/plain; charset=utf-8"),
        ("application/x-ndjson;q=0, */*", "text/plain; charset=utf-8"),
        ("image/png", "text/plain; charset=utf-8"),
        (";;,=,q=", "text/plain; charset=utf-8"),
    ],
)
def test_the_form_is_the_one_that_is_preferred(tenant: Tenant, accept: str, media: str) -> None:
    """As RFC 9110 weighs the ranges of Accept; text where the client does not care."""
    action = running(tenant.recorder, "one")
    assert replay(tenant.auditor, action, accept=accept).headers["content-type"] == media


def test_head_is_the_head_alone(tenant: Tenant) -> None:
    """The same type, no length since nobody has counted, no body."""
    action = running(tenant.recorder, "one")
    answer = tenant.auditor.ask("HEAD", f"/action/{action['uuid']}/logs/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "content-length" not in answer.headers


def test_a_connection_is_kept(server: Server, tenant: Tenant) -> None:
    """Behind a replay the connection takes the next request."""
    action = running(tenant.recorder, *map(str, range(1000)))
    with httpx.Client(base_url=server.api, headers=bearer(tenant.auditor.key), timeout=60) as client:
        ports = set()
        for _ in range(3):
            with client.stream("GET", f"/action/{action['uuid']}/logs/") as answer:
                assert len(answer.read().splitlines()) == 1000
                ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
    assert len(ports) == 1


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[tuple[Server, Json]]:
    """A server with an action of 300,000 lines, which the store took in this process."""
    with serving(tmp_path) as server:
        with httpx.Client(base_url=server.api, timeout=60) as http:
            action = running(Caller(http, "me", server.key))
        store = SqliteStore(tmp_path / "log.db")
        for block in range(30):
            lines = tuple(Line(f"line {block * 10_000 + number} ".ljust(100, "."), 7) for number in range(1, 10_001))
            store.audit_log.perform(AppendOutput(id=UUID(action["uuid"]), namespace=None, lines=lines))
        store.close()
        yield server, action


@pytest.mark.skipif(
    not (PROCESSES / "self" / "status").exists(),
    reason="how much memory a process holds is read from /proc: Linux has it",
)
def test_a_long_output_costs_no_memory(filled: tuple[Server, Json]) -> None:
    """300,000 lines of 30 MB, to one who reads all, beside ten who read nothing: the server holds a few MB of them.

    Meanwhile it answers others, and who resumes in the middle goes on there.
    """
    server, action = filled
    with (
        server.client() as client,
        httpx.Client(transport=narrow(), headers=bearer(server.key), timeout=60) as slow,
        ExitStack() as stack,
    ):
        path = f"{server.api}/action/{action['uuid']}/logs/"
        client.get(path, params={"tail": "1000"})
        before = memory(server)
        for _ in range(10):
            stack.enter_context(slow.stream("GET", path))
        seen, most = 0, 0
        with client.stream("GET", path, headers={"accept": "application/x-ndjson"}) as answer:
            for text in answer.iter_lines():
                seen += 1
                assert json.loads(text)["line"] == seen
                if seen % 50_000 == 0:
                    assert client.get("/action/?limit=1").status_code == 200
                    most = max(most, memory(server))
        assert seen == 300_000
        assert most - before < 25
        assert client.get(path, params={"after": "299998"}).text.split()[1::3] == ["299999", "300000"]


def narrow() -> httpx.HTTPTransport:
    """Return a transport of clients that take next to nothing from the network until they read."""
    return httpx.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])


@pytest.mark.parametrize(
    "gone", ["DELETE FROM output WHERE line = 40", "DELETE FROM output WHERE line BETWEEN 40 AND 99"]
)
def test_output_with_a_hole_does_not_look_whole(tmp_path: Path, gone: str) -> None:
    """A line that is gone from the store: there the body breaks off, and no later line stands in its place."""
    with serving(tmp_path) as server, httpx.Client(base_url=server.api, timeout=60) as http:
        recorder = Tenant(http, server.key).recorder
        action = running(recorder, *(str(line) for line in range(1, 101)))
        with closing(sqlite3.connect(tmp_path / "log.db")) as connection:
            connection.executescript(f"DROP TRIGGER output_delete_append_only; {gone}")
        seen, whole = read(server, recorder.key, action)
        assert (seen, whole) == ([str(line) for line in range(1, 40)], False)
        assert re.search("broke off|Traceback", server.printed()) is None


def test_a_revoked_key_reads_no_further(server: Server, tenant: Tenant) -> None:
    """Revoked in the middle of a replay, a key gets no more of it, and the body does not end as if it were all."""
    action = running(tenant.recorder)
    for _ in range(2):
        append(tenant.recorder, action, *BLOCK)
    told = tenant.issued("anna", "auditor")
    with (
        telling(f"{server.api}/events/", told["key"]) as beside,
        httpx.Client(headers=bearer(told["key"]), timeout=60) as client,
        client.stream("GET", f"{server.api}/action/{action['uuid']}/logs/") as answer,
    ):
        assert tenant.admin.delete(f"/key/{told['id']}/").status_code == 200
        # Both are hung up on at once, before this one has read what is on its way to it.
        assert [one.event for one in beside.rest()] == ["position", "error"]
        with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
            answer.read()


def read(server: Server, key: str, action: Json) -> tuple[list[str], bool]:
    """Return the lines of a replay, and whether it ended as a body does."""
    seen: list[str] = []
    url = f"{server.api}/action/{action['uuid']}/logs/"
    try:
        with httpx.stream("GET", url, headers=bearer(key), timeout=60) as answer:
            seen.extend(answer.iter_lines())
    except httpx.RemoteProtocolError:
        return seen, False
    return seen, True


def test_many_at_once(tenant: Tenant, server: Server) -> None:
    """Thirty replays at once, more than there are threads to read pages with: each has every line, in order."""
    action = running(tenant.recorder, *map(str, range(3000)))
    seen: list[list[str]] = []

    def read() -> None:
        answer = httpx.get(
            f"{server.api}/action/{action['uuid']}/logs/", headers=bearer(tenant.auditor.key), timeout=60
        )
        seen.append(answer.text.split())

    threads = [Thread(target=read) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [[*map(str, range(3000))]] * 30
