"""Who keeps the views up: one process for each store; when it dies another takes over, and lost views come back."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

from tests.faults.ledger import wait_for
from tests.support.server import Server, serving

#: The promise is two seconds; the rest is for a machine that has other things to do.
TAKE_OVER, SLACK = 2.0, 8.0


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Server]]:
    """Two servers on one store."""
    with serving(tmp_path) as first:
        second = Server(first.url, first.key)
        yield [first, second]
        if second.process.poll() is None:
            second.kill()


def views(server: Server) -> dict[str, Any]:
    """Return what a server says of its views."""
    told: dict[str, Any] = httpx.get(f"{server.address}/health", timeout=30).json()["views"]
    return told


def record(server: Server, marker: str) -> None:
    """Record an action."""
    with server.client() as client:
        answer = client.post("/action/", json={"action": marker, "method": "GET", "path": "/", "state": "Success"})
        assert answer.status_code == 201, answer.text


def listed(server: Server) -> httpx.Response:
    """Ask for the list of the key's namespace."""
    with server.client() as client:
        return client.get("/acme/action/")


def is_listed(server: Server) -> bool:
    """Tell whether a server lists anything."""
    return listed(server).status_code == 200


def operations(answer: httpx.Response) -> list[str]:
    """Return the operations in a list, in order."""
    assert answer.status_code == 200, answer.text
    return [one["action"] for one in answer.json()["objects"]]


def test_another_takes_over_when_the_one_that_projects_dies(servers: list[Server]) -> None:
    """One of two projects, and both list what either records; killed, the other projects within two seconds."""
    for number, server in enumerate(servers):
        record(server, f"before {number}")
        assert all(operations(listed(one))[-1] == f"before {number}" for one in servers)
    wait_for(lambda: [views(one)["projected_here"] for one in servers].count(True) == 1, "one that projects")
    dying, heir = sorted(servers, key=lambda one: not views(one)["projected_here"])
    dying.kill()
    died = monotonic()
    wait_for(lambda: bool(views(heir)["projected_here"]), "the other to take over")
    assert monotonic() - died < TAKE_OVER + SLACK
    record(heir, "after")
    assert operations(listed(heir)) == ["before 0", "before 1", "after"]


def test_one_that_comes_back_does_not_project_too(servers: list[Server]) -> None:
    """A server that is started again beside one that projects leaves it to that one, and lists the same."""
    wait_for(lambda: any(views(one)["projected_here"] for one in servers), "one that projects")
    dying, heir = sorted(servers, key=lambda one: not views(one)["projected_here"])
    dying.kill()
    wait_for(lambda: bool(views(heir)["projected_here"]), "the other to take over")
    dying.start()
    record(dying, "one")
    assert operations(listed(dying)) == operations(listed(heir)) == ["one"]
    assert [views(heir)["projected_here"], views(dying)["projected_here"]] == [True, False]


def test_deleted_views_come_back(servers: list[Server], tmp_path: Path) -> None:
    """The views' files are deleted under running servers: they are built again, and nothing is lost."""
    for number in range(3):
        record(servers[number % 2], str(number))
    assert operations(listed(servers[0])) == ["0", "1", "2"]
    for path in tmp_path.glob("views-*.db*"):
        path.unlink(missing_ok=True)
    record(servers[1], "3")
    for server in servers:
        wait_for(partial(is_listed, server), "the list")
        assert operations(listed(server)) == ["0", "1", "2", "3"]
    wait_for(lambda: views(servers[0])["failure"] is None, "a healthy server")


def test_damaged_views_are_built_anew(tmp_path: Path) -> None:
    """A file of views that is no database is not what a server starts with, nor is it kept."""
    with serving(tmp_path) as server:
        record(server, "before")
        assert operations(listed(server)) == ["before"]
        server.stop()
        (damaged,) = tmp_path.glob("views-*.db")
        damaged.write_bytes(b"no database " * 1000)
        server.start()
        assert operations(listed(server)) == ["before"]
        assert not damaged.exists()
