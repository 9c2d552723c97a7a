"""SIGTERM, and clients that go: a server ends in order, and says nothing that an operator must not see."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.support.server import Server, serving
from tests.support.websocket import bearer, unread
from tests.web.api.callers import CALL, Tenant
from tests.web.streams.listening import append, events, head, output, running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may stop."""
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def tenant(server: Server) -> Iterator[Tenant]:
    """A namespace of it."""
    with httpx.Client(base_url=server.api, timeout=60) as http:
        yield Tenant(http, server.key)


def begun_request(server: Server, key: str, body: bytes) -> socket.socket:
    """Return the connection of a POST that the server has begun to answer, and that waits for its body."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    connection.sendall(
        b"POST /api/audit/v1/action/ HTTP/1.1\r\nHost: deedbook\r\nExpect: 100-continue\r\n"
        b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n" % (key.encode(), len(body))
    )
    assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
    return connection


def ended(server: Server) -> tuple[int, str]:
    """Return the exit status of a server that was told to end, and what it had printed."""
    printed, _ = server.process.communicate(timeout=60)
    return server.process.returncode, printed


def test_sigterm(server: Server, tenant: Tenant) -> None:
    """Streams close with 1012; a request in flight is recorded and answered; exit status 0, within 10 s."""
    recorder = tenant.recorder
    action = running(recorder)
    start = head(recorder)
    body = json.dumps({**CALL, "object": "/late/"}).encode()
    with (
        begun_request(server, recorder.key, body) as request,
        events(server, recorder) as of_events,
        output(server, recorder, action) as of_output,
    ):
        server.process.send_signal(signal.SIGTERM)
        told = monotonic()
        closes = [of_events.rest()[1].code, of_output.rest()[1].code]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=60)
        request.sendall(body)
        answer = b"".join(iter(lambda: request.recv(65536), b""))
        status, printed = ended(server)
        assert monotonic() - told < 10
    assert closes == [1012, 1012]
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert (status, printed) == (0, f"Deedbook serves on {server.address}\n")
    server.start()
    with events(server, recorder, f"after={start}") as stream:
        assert stream.frame()["parents"] == ["/late/"]


def test_sigterm_beside_a_client_that_does_not_read(server: Server, tenant: Tenant) -> None:
    """It holds up the end no longer than 10 s, nor the others' closes."""
    action = running(tenant.recorder)
    with (
        unread(f"{server.stream}/action/{action['uuid']}/logs/", bearer(tenant.recorder.key)),
        output(server, tenant.recorder, action) as quick,
    ):
        append(tenant.recorder, action, *("x" * 60_000 for _ in range(130)))
        quick.frames(130)
        told = monotonic()
        status, printed = server.stop()
        assert monotonic() - told < 10
        assert quick.rest()[1].code == 1012
    assert (status, printed) == (0, f"Deedbook serves on {server.address}\n")


def test_a_client_that_vanishes_leaves_no_trace(server: Server, tenant: Tenant) -> None:
    """Killed while it is sent output or events, a client is no error of the server's: it prints nothing."""
    recorder = tenant.recorder
    action = running(recorder)
    for _ in range(3):
        with (
            unread(f"{server.stream}/action/{action['uuid']}/logs/", bearer(recorder.key)) as stuck,
            output(server, recorder, action, "tail=0") as idle,
            events(server, recorder) as quiet,
        ):
            append(recorder, action, *("x" * 60_000 for _ in range(130)))
            idle.frames(130)
            for stream in (stuck, idle, quiet):
                stream.vanish()
        recorder.record()
    assert server.stop() == (0, f"Deedbook serves on {server.address}\n")
