"""Another process is stopped in the middle of its turn to write: the server goes on to live, to answer, and to end."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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
    """Record an action; return the status, 503 also where nobody listens any more."""
    with server.client() as client:
        try:
            return client.post("/action/", json=FIELDS).status_code
        except httpx.ConnectError:
            return 503


def queue(server: Server, threads: ThreadPoolExecutor) -> list[Future[int]]:
    """Record until commands wait behind those that wait for the turn, of which the first may be several."""
    waiting: list[Future[int]] = []

    def is_there() -> bool:
        waiting.append(threads.submit(record, server))
        return int(httpx.get(f"{server.address}/health", timeout=30).json()["log"]["queued"]) > 0

    wait_for(is_there, "a queue")
    return waiting


def test_a_server_that_waits_for_its_turn_still_ends(server: Server, tmp_path: Path) -> None:
    """While somebody else keeps the turn, reading goes on, recording waits; SIGTERM ends it within ten seconds."""
    turn = TurnLock(tmp_path / "log.db-turn")
    with ThreadPoolExecutor(64) as threads:
        with turn.held():
            waiting = queue(server, threads)
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
    with ThreadPoolExecutor(64) as threads:
        with turn.held():
            waiting = queue(server, threads)
            assert not any(future.done() for future in waiting)
        assert {future.result() for future in waiting} == {201}
    turn.close()
