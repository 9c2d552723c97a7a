"""Clients that do not read, or vanish: they cost the server little, and are no error of its own."""

import re
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.server import Server
from tests.support.websocket import bearer, refusal, unread
from tests.web.api.callers import Tenant
from tests.web.streams.listening import append, events, output, running

#: A block of output: a hundred lines near the longest that may be.
BLOCK = ("x" * 60_000,) * 100

PROCESSES = Path("/proc")


def memory(server: Server) -> int:
    """Return how much memory a server holds, in MB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", (PROCESSES / str(server.process.pid) / "status").read_text())
    assert found is not None
    return int(found[1]) // 1024


@pytest.mark.skipif(
    not (PROCESSES / "self" / "status").exists(),
    reason="how much memory a process holds is read from /proc: Linux has it",
)
def test_what_is_not_read_is_not_kept(own_server: Server, own_tenant: Tenant) -> None:
    """Twenty followers that read nothing of 18 MB cost the server far less than that each."""
    action = running(own_tenant.recorder)
    with ExitStack() as stack:
        for _ in range(20):
            url = f"{own_server.stream}/action/{action['uuid']}/logs/"
            stack.enter_context(unread(url, bearer(own_tenant.auditor.key)))
        quick = stack.enter_context(output(own_server, own_tenant.auditor, action))
        before = memory(own_server)
        for _ in range(3):
            append(own_tenant.recorder, action, *BLOCK)
            quick.frames(len(BLOCK))
        assert memory(own_server) - before < 100


def test_a_client_that_vanishes_leaves_no_trace(own_server: Server, own_tenant: Tenant) -> None:
    """Killed while it is sent output or events, a client is no error of the server's: it prints nothing."""
    recorder = own_tenant.recorder
    action = running(recorder)
    for _ in range(3):
        with (
            unread(f"{own_server.stream}/action/{action['uuid']}/logs/", bearer(recorder.key)) as stuck,
            output(own_server, recorder, action, "tail=0") as idle,
            events(own_server, recorder) as quiet,
        ):
            append(recorder, action, *BLOCK)
            idle.frames(len(BLOCK))
            for stream in (stuck, idle, quiet):
                stream.vanish()
        recorder.record()
    assert own_server.stop() == (0, f"Deedbook serves on {own_server.address}\n")


def test_a_client_that_does_not_wait_for_its_refusal(own_server: Server, own_tenant: Tenant) -> None:
    """Gone before the late answer, or still waiting when the server ends: no error of the server's either."""
    handshake = (
        "GET /api/audit/v1/events/ HTTP/1.1\r\nHost: deedbook\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", own_server.port), timeout=60) as waits:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", own_server.port), timeout=60) as gone:
                gone.sendall(handshake.encode())
        assert refusal(f"{own_server.stream}/events/").status == 401
        own_tenant.recorder.record()
        waits.sendall(handshake.encode())
        assert own_server.stop() == (0, f"Deedbook serves on {own_server.address}\n")
