"""Rebuilds beside users: not one request fails or waits for them, and everybody reads what they wrote."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from tests.faults.ledger import wait_for
from tests.support.server import Server, deedbook, serving

#: Users at once, rebuilds by the API and by the command line in turn, and actions that are there at the beginning.
USERS, REBUILDS, ACTIONS = 6, 6, 6000


class User:
    """Records an action, finds it in the list, and reads it, again and again; notes how long each request took."""

    def __init__(self, server: Server, number: int) -> None:
        self.name = f"user {number}"
        self.client = server.client()
        self.seconds: list[float] = []
        self.recorded = 0

    def work(self, done: Event) -> None:
        """Work until all is done."""
        while not done.is_set():
            body = {"action": self.name, "method": "POST", "path": "/", "state": "In progress", "user": self.name}
            made = self._ask("POST", "/action/", 202, json=body)
            self.recorded += 1
            page = self._ask("GET", "/action/", 200, params={"user": self.name, "limit": 1, "order_by": "-start_date"})
            assert page["meta"]["total_count"] == self.recorded
            assert page["objects"][0]["uuid"] == made["uuid"]
            ended = self._ask("POST", f"/action/{made['uuid']}/finish/", 200, json={"state": "Success"})
            assert self._ask("GET", f"/action/{made['uuid']}/", 200) == ended

    # Any: what httpx takes, and a JSON document.
    def _ask(self, method: str, path: str, status: int, **how: Any) -> dict[str, Any]:  # noqa: ANN401
        begun = time.monotonic()
        answer = self.client.request(method, path, **how)
        self.seconds.append(time.monotonic() - begun)
        assert answer.status_code == status, answer.text
        assert "Deedbook-Lag" not in answer.headers
        found: dict[str, Any] = answer.json()
        return found


def load(server: Server) -> None:
    """Record what makes a build take a while."""
    line = json.dumps({"action": "a", "method": "GET", "path": "/", "state": "Success", "object": "/a/"})
    with server.client() as client:
        for _ in range(ACTIONS // 1000):
            answer = client.post(
                "/action/", content="\n".join([line] * 1000), headers={"content-type": "application/x-ndjson"}
            )
            assert answer.text.count('"status":201') == 1000


def by_api(server: Server) -> None:
    """Rebuild as an admin does, and wait until it is done."""
    with server.client() as client:
        assert client.post("/admin/rebuild/").status_code == 202
        wait_for(lambda: client.get("/admin/rebuild/").json()["running"] is None, "the rebuild")
        assert client.get("/admin/rebuild/").json()["last"]["outcome"] == "done"


def by_command_line(server: Server) -> None:
    """Rebuild from a terminal."""
    done = deedbook(server.url, "rebuild")
    assert done.returncode == 0, done.stderr


def test_no_request_fails_or_waits(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Under constant recording and reading each answer is a good one, and holds what its asker wrote before."""
    with serving(tmp_path) as server:
        load(server)
        users = [User(server, number) for number in range(USERS)]
        done = Event()
        generations = set()
        with ThreadPoolExecutor(USERS) as pool:
            working = [pool.submit(user.work, done) for user in users]
            try:
                for turn in range(REBUILDS):
                    (by_api, by_command_line)[turn % 2](server)
                    generations.add(max(tmp_path.glob("views-*.db")).name)
                    time.sleep(0.2)
            finally:
                done.set()
        for one in working:
            one.result()
        assert len(generations) == REBUILDS
        assert all(user.recorded > REBUILDS for user in users)
        seconds = sorted(second for user in users for second in user.seconds)
        record_property("requests", len(seconds))
        record_property("p99_seconds", seconds[len(seconds) * 99 // 100])
        record_property("longest_seconds", seconds[-1])
        print(f"{len(seconds)} requests, p99 {seconds[len(seconds) * 99 // 100]:.3f} s, longest {seconds[-1]:.3f} s")  # noqa: T201  # for who measures
        for user in users:
            user.client.close()
        left = list(tmp_path.glob("views-*.db"))
        assert [path.name for path in left] == [max(generations)]
        health = httpx.get(f"{server.address}/health", timeout=30).json()
        assert (health["rebuild"], health["views"]["failure"]) == (None, None)


@pytest.mark.parametrize("rebuild", [by_api, by_command_line])
def test_a_server_lets_go_of_the_old_generation(tmp_path: Path, rebuild: Callable[[Server], None]) -> None:
    """Though nobody asks it anything any more, it soon holds no file open that is deleted."""
    with serving(tmp_path) as server, server.client() as client:
        for _ in range(3):
            assert client.get("/action/").status_code == 200
        rebuild(server)
        descriptors = Path(f"/proc/{server.process.pid}/fd")
        wait_for(lambda: not deleted_and_open(descriptors), "the old generation to be let go of")


def deleted_and_open(descriptors: Path) -> list[str]:
    """Return the views that a process has open though they are deleted."""
    links = []
    for descriptor in descriptors.iterdir():
        try:
            links.append(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    return [link for link in links if "views-" in link and link.endswith("(deleted)")]
