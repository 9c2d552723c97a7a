"""Views that are deleted, cut, overwritten or replaced under running servers: they come back by themselves, whole."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.faults.ledger import wait_for
from tests.support.server import Server, serving

#: Much more than it takes, on a machine that has other things to do.
BACK = 60.0

#: Actions in the log that are in another namespace: issuing the key was one.
KEYS = 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the store is."""
    return tmp_path_factory.mktemp("lost")


@pytest.fixture(scope="module")
def servers(folder: Path) -> Iterator[list[Server]]:
    """Two servers on one store, with some actions: more than fit into a page of the database."""
    with serving(folder) as first:
        second = Server(first.url, first.key)
        for number in range(60):
            record([first, second][number % 2], f"{number} {'x' * 500}")
        yield [first, second]
        if second.process.poll() is None:
            second.kill()


def record(server: Server, marker: str) -> None:
    """Record an action."""
    with server.client() as client:
        answer = client.post("/action/", json={"action": marker, "method": "GET", "path": "/", "state": "Success"})
        assert answer.status_code == 201, answer.text


def ask(server: Server, limit: int) -> httpx.Response:
    """Ask for a page of the list."""
    with server.client() as client:
        return client.get("/acme/action/", params={"limit": limit})


def listed(server: Server) -> int | None:
    """Return how many actions a server lists, None while it says that it can't; it never says anything else."""
    answer = ask(server, 500)
    assert answer.status_code in (200, 503), answer.text
    if answer.status_code == 503:
        assert "views" in answer.json()["error"], answer.text
        return None
    objects = answer.json()["objects"]
    assert len({one["uuid"] for one in objects}) == answer.json()["meta"]["total_count"] == len(objects)
    return len(objects)


def rebuilt(server: Server) -> None:
    """Have the views rebuilt: then all is in the file, nothing in its journal, and nothing in anybody's memory."""
    with server.client() as client:
        assert client.post("/admin/rebuild/").status_code == 202
        wait_for(lambda: client.get("/admin/rebuild/").json()["running"] is None, "the rebuild")


def list_a_few(servers: list[Server]) -> None:
    """Let each server open the views, and read little of them."""
    for server in servers:
        assert ask(server, 1).status_code == 200


def views_of(folder: Path) -> Path:
    """Return the file of the generation that answers."""
    return max(folder.glob("views-*.db"))


def truncate(path: Path) -> None:
    """Cut the file in its middle."""
    os.truncate(path, path.stat().st_size // 8192 * 4096)


def overwrite(path: Path) -> None:
    """Overwrite the whole file, in place."""
    with path.open("r+b") as file:
        file.write(b"garbage " * (path.stat().st_size // 8))


def overwrite_pages(path: Path) -> None:
    """Overwrite all pages but the first, in place: the file can be opened, and its tables are said to be there."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


def replace(path: Path) -> None:
    """Put another file in its place, which is no database."""
    other = path.with_name("other")
    other.write_bytes(b"no database " * 1000)
    other.replace(path)


def replace_by_nothing(path: Path) -> None:
    """Put an empty file in its place, which is a database without tables."""
    other = path.with_name("other")
    other.touch()
    other.replace(path)


def empty(path: Path) -> None:
    """Leave nothing of the file but its name, and neither of its journal."""
    os.truncate(path, 0)
    # A server that found the file empty may have taken it away with its journal before we get here.
    Path(f"{path}-wal").unlink(missing_ok=True)


def delete_journal(path: Path) -> None:
    """Delete the journal, in which is what was folded last."""
    Path(f"{path}-wal").unlink()


def delete_shared_memory(path: Path) -> None:
    """Delete the index of the journal."""
    Path(f"{path}-shm").unlink()


def delete_file(path: Path) -> None:
    """Delete the file and leave its journal."""
    path.unlink()


def delete_all(path: Path) -> None:
    """Delete all that begins with `views`, locks and all."""
    for one in path.parent.glob("views*"):
        # A server that misses what went first may take the rest away itself.
        one.unlink(missing_ok=True)


DAMAGES = (
    truncate, overwrite, overwrite_pages, replace, replace_by_nothing, empty,
    delete_journal, delete_shared_memory, delete_file, delete_all,
)  # fmt: skip

Damage = Callable[[Path], None]
every_damage = pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__.replace("_", " "))


@every_damage
def test_views_come_back_while_recording_goes_on(servers: list[Server], folder: Path, damage: Damage) -> None:
    """Whatever is done to the files: both servers soon list all, and go on to list what is recorded at once."""
    list_a_few(servers)
    damage(views_of(folder))
    for number in range(6):
        record(servers[number % 2], f"more {number}")
    are_whole(servers, folder)


@every_damage
def test_views_come_back_when_they_are_asked(servers: list[Server], folder: Path, damage: Damage) -> None:
    """Though nothing is recorded, so that whoever keeps them has no cause to look: who reads them finds out."""
    rebuilt(servers[0])
    list_a_few(servers)
    damage(views_of(folder))
    are_whole(servers, folder)


@every_damage
def test_views_come_back_for_who_opens_them_later(servers: list[Server], folder: Path, damage: Damage) -> None:
    """A server that starts on them has none of them in memory, and none of their files open as they were."""
    list_a_few(servers)
    for number in range(6):
        record(servers[0], f"before {number}")
    servers[1].stop()
    try:
        damage(views_of(folder))
        for number in range(6):
            record(servers[0], f"more {number}")
    finally:
        servers[1].start()
    are_whole(servers, folder)


def are_whole(servers: list[Server], folder: Path) -> None:
    """Assert that both servers soon list all that is in the log, and keep doing so; and that nothing is left over."""
    total = in_the_log(folder)
    begun = monotonic()
    for server in servers:
        wait_for(partial(lists, server, total), "the list", BACK)
    took = monotonic() - begun
    for number in range(6):
        record(servers[number % 2], f"at once {number}")
        assert listed(servers[number % 2]) == total + number + 1, f"they came back in {took:.1f} s"
    for server in servers:
        health = httpx.get(f"{server.address}/health", timeout=30).json()
        assert (health["ready"], health["views"]["failure"], health["views"]["stopped_at"]) == (True, None, None)
    assert len([path for path in folder.glob("views-*") if path.suffix == ".db"]) == 1
    assert not list(folder.glob("views-*.damaged"))


def lists(server: Server, total: int) -> bool:
    """Tell whether a server lists so many actions."""
    return listed(server) == total


def in_the_log(folder: Path) -> int:
    """Return how many actions the servers recorded for us: all events but those of the key."""
    with closing(sqlite3.connect(folder / "log.db")) as db:
        found = db.execute("SELECT count(*) FROM events WHERE topic LIKE 'action.recorded/%'").fetchone()
    return int(found[0]) - KEYS
