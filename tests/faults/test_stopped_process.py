"""Another process is stopped in the middle of its turn to write: the server goes on to live, to answer, and to end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import httpx
import pytest

from deedbook.domain.store.sqlite.turn_lock import TurnLock
from tests.faults.ledger import wait_for
from tests.support.server import Server, serving

FIELDS = {"action": "waits", "method": "GET", "path": "/", "state": "Success"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server."""
    with serving(tmp_path) as server:
        yield server


def record(server: Server) -> int:
    """Record an action; return the status."""
    with server.client() as client:
        return client.post("/action/", json=FIELDS).status_code


def queued(server: Server) -> int:
    """Return how many commands wait behind those that wait for the turn."""
    return int(httpx.get(f"{server.address}/health").json()["log"]["queued"])


def test_a_server_that_waits_for_its_turn_still_ends(server: Server, tmp_path: Path) -> None:
    """While somebody else keeps the turn, reading goes on, recording waits; SIGTERM ends it within ten seconds."""
    turn = TurnLock(tmp_path / "log.db-turn")
    with ThreadPoolExecutor(4) as threads:
        with turn.held():
            waiting = [threads.submit(record, server) for _ in range(4)]
            wait_for(lambda: queued(server) > 0, "a queue")
            with server.client() as client:
                assert client.get("/action/").status_code == 200
            began = monotonic()
            status, printed = server.stop()
            took = monotonic() - began
        assert {future.result() for future in waiting} == {503}
    turn.close()
    assert status == 0, printed
    assert "Traceback" not in printed
    assert took < 10
    server.start()
    with server.client() as client:
        assert client.get("/acme/action/").json()["objects"] == []


def test_what_waited_for_the_turn_is_recorded(server: Server, tmp_path: Path) -> None:
    """Once the other lets go, what waited is recorded and answered."""
    turn = TurnLock(tmp_path / "log.db-turn")
    with ThreadPoolExecutor(8) as threads:
        with turn.held():
            waiting = [threads.submit(record, server) for _ in range(8)]
            wait_for(lambda: queued(server) > 0, "a queue")
            assert not any(future.done() for future in waiting)
        assert [future.result() for future in waiting] == [201] * 8
    turn.close()
