"""What is answered when the views can't be up to date."""

import signal
import sqlite3
import time
from pathlib import Path

from tests.support.server import Server, serving
from tests.web.api.callers import CALL, Tenant
from tests.web.api.conformance import asking


def test_a_view_that_is_only_behind_is_waited_for_and_then_a_503(tmp_path: Path) -> None:
    """Two seconds at most, with when to come again; recording goes on, and reading too once the view does.

    Two servers share a store, and the one that keeps the views is stopped in its tracks.
    """
    with serving(tmp_path) as leader:
        beside = Server(leader.url, leader.key)
        try:
            with asking(beside) as client:
                recorder = Tenant(client, leader.key).recorder
                recorder.record()
                leader.process.send_signal(signal.SIGSTOP)
                made = recorder.record()
                begun = time.monotonic()
                answer = recorder.get("/action/")
                assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
                assert time.monotonic() - begun > 1.5
                leader.process.send_signal(signal.SIGCONT)
                assert recorder.listed("order_by=-start_date&limit=1") == [made]
        finally:
            leader.process.send_signal(signal.SIGCONT)
            beside.kill()


def test_a_view_that_stopped_answers_from_its_last_good_position(tmp_path: Path) -> None:
    """At once and with its lag; `/health` says where and why; recording goes on.

    The log holds an event that this version can't read: as a newer one may have written it.
    """
    with serving(tmp_path) as server, asking(server) as client:
        recorder = Tenant(client, server.key).recorder
        made = recorder.record()
        _, stopped = server.stop(), add_unreadable(tmp_path / "log.db")
        server.start()
        assert recorder.listed() == [made]
        answer = recorder.post("/action/", CALL)
        assert answer.status_code == 201
        begun = time.monotonic()
        for path in ("/action/", f"/action/{made['uuid']}/", "/relationship/?object=/o"):
            answer = recorder.get(path)
            assert (answer.status_code, int(answer.headers["deedbook-lag"]) >= 1) == (200, True)
            assert int(answer.headers["deedbook-position"]) == stopped - 1
        assert time.monotonic() - begun < 5
        assert recorder.listed() == [made]
        health = client.get(f"{server.address}/health")
        assert (health.status_code, health.json()["views"]["stopped_at"]) == (200, stopped)
        assert "topic" in health.json()["views"]["reason"]


def test_a_log_that_can_t_be_asked_answers_from_the_last_good_position(tmp_path: Path) -> None:
    """At once and with its lag; nothing can be recorded, and `/health` says that it is not ready.

    The files of the log are overwritten, as a broken disk would leave them.
    """
    with serving(tmp_path) as server, asking(server) as client:
        recorder = Tenant(client, server.key).recorder
        made = recorder.record()
        good = recorder.get("/action/")
        for file in tmp_path.glob("log.db*"):
            with file.open("r+b") as log:
                log.write(b"x" * file.stat().st_size)
        refused = recorder.post("/action/", CALL)
        assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (503, True)
        for path in ("/action/", f"/action/{made['uuid']}/", "/relationship/?object=/o"):
            answer = recorder.get(path)
            assert (answer.status_code, int(answer.headers["deedbook-lag"]) >= 1) == (200, True)
            assert answer.headers["deedbook-position"] == good.headers["deedbook-position"]
        assert recorder.get("/action/").text == good.text
        health = client.get(f"{server.address}/health")
        assert (health.status_code, health.json()["live"], health.json()["ready"]) == (503, True, False)
        assert health.json()["log"]["failure"]


def add_unreadable(log: Path) -> int:
    """Add an event that this version can't read, and return its position."""
    with sqlite3.connect(log) as connection:
        (head,) = connection.execute("SELECT max(position) FROM events").fetchone()
        recorded = time.time_ns() // 1000
        row = (head + 1, b"\1" * 16, 1, "action.recorded/99", recorded, b"{}", b"\0" * 32)
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.close()
    return int(head) + 1
