"""SIGTERM: a server ends in order, whatever its clients do."""

import json
import signal
import socket
from time import monotonic

import httpx
import pytest

from tests.support.server import Server
from tests.support.websocket import bearer, unread
from tests.web.api.callers import CALL, Tenant
from tests.web.streams.listening import append, events, head, output, running


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
    server.process.wait(timeout=60)
    return server.process.returncode, server.printed()


def test_sigterm(own_server: Server, own_tenant: Tenant) -> None:
    """Streams close with 1012; a request in flight is recorded and answered; exit status 0, within 10 s."""
    recorder = own_tenant.recorder
    action = running(recorder)
    start = head(recorder)
    body = json.dumps({**CALL, "object": "/late/"}).encode()
    with (
        begun_request(own_server, recorder.key, body) as request,
        events(own_server, recorder) as of_events,
        output(own_server, recorder, action) as of_output,
    ):
        own_server.process.send_signal(signal.SIGTERM)
        told = monotonic()
        closes = [of_events.rest()[1].code, of_output.rest()[1].code]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", own_server.port), timeout=60)
        request.sendall(body)
        answer = b"".join(iter(lambda: request.recv(65536), b""))
        status, printed = ended(own_server)
        assert monotonic() - told < 10
    assert closes == [1012, 1012]
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert (status, printed) == (0, f"Deedbook serves on {own_server.address}\n")
    own_server.start()
    with events(own_server, recorder, f"after={start}") as stream:
        assert stream.frame()["parents"] == ["/late/"]


def test_sigterm_beside_a_client_that_does_not_read(own_server: Server, own_tenant: Tenant) -> None:
    """It holds up the end no longer than 10 s, nor the others' closes."""
    action = running(own_tenant.recorder)
    with (
        unread(f"{own_server.stream}/action/{action['uuid']}/logs/", bearer(own_tenant.recorder.key)),
        output(own_server, own_tenant.recorder, action) as quick,
    ):
        append(own_tenant.recorder, action, *("x" * 60_000 for _ in range(100)))
        quick.frames(100)
        told = monotonic()
        status, printed = own_server.stop()
        assert monotonic() - told < 10
        assert quick.rest()[1].code == 1012
    assert (status, "Traceback" in printed) == (0, False)


def test_sigterm_beside_a_replay_that_is_not_read(own_server: Server, own_tenant: Tenant) -> None:
    """It holds up the end no longer than 10 s, is no error of the server's, and does not look whole."""
    action = running(own_tenant.recorder)
    for _ in range(4):
        append(own_tenant.recorder, action, *("x" * 60_000 for _ in range(100)))
    path = f"{own_server.api}/action/{action['uuid']}/logs/"
    with httpx.stream("GET", path, headers=bearer(own_tenant.recorder.key), timeout=60) as answer:
        told = monotonic()
        status, printed = own_server.stop()
        assert monotonic() - told < 10
        with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
            answer.read()
    assert (status, "Traceback" in printed) == (0, False)
