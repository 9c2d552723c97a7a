"""Copies beside a server that records, and copies that are killed in the middle: nothing is lost, nothing is half."""

import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from deedbook.domain.store.sqlite import SqliteStore
from tests.contract.giving import recording as recorded_action
from tests.contract.giving import together
from tests.faults.ledger import Ledger, Request, connections, wait_for
from tests.faults.test_killed_server import appending, recording
from tests.support.exporting import held
from tests.support.server import DEEDBOOK, Server, deedbook, environment, serving

#: So many requests are acknowledged before a copy begins.
ENOUGH = 400

#: Tables whose rows are never changed, and what puts them in order.
_APPENDED = {"events": "position", "output": "sequence"}


class Copied(NamedTuple):
    """A store that was copied while eight clients recorded, and what they knew when the copy began."""

    server: Server
    folder: Path
    sent: dict[str, Request]
    acknowledged: dict[str, dict[str, Any]]


def rows(store: Path, table: str) -> list[tuple[object, ...]]:
    """Return the rows of a table that is only appended to, in order."""
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY {_APPENDED[table]}").fetchall()  # noqa: S608


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copied]:
    """The store, with a backup and an export beside it, made one after the other under load."""
    folder = tmp_path_factory.mktemp("copied")
    with serving(folder) as server, server.client() as client:
        body = {"action": "writes", "method": "POST", "path": "/", "state": "In progress"}
        writing = [client.post("/action/", json=body).json()["uuid"] for _ in range(2)]
        kinds = [*(recording(number) for number in range(6)), *(appending(action) for action in writing)]
        ledger = Ledger()
        with (
            httpx.Client(base_url=server.api, auth=("me", server.key), timeout=60) as many,
            connections(many, ledger, kinds),
        ):
            wait_for(lambda: len(ledger.acknowledged) >= ENOUGH, "answers")
            acknowledged = dict(ledger.acknowledged)
            for command, name in (("backup", "backup.db"), ("export", "export.ndjson.gz")):
                done = deedbook(server.url, command, str(folder / name))
                assert done.returncode == 0, done.stderr
            there = len(ledger.acknowledged)
            wait_for(lambda: len(ledger.acknowledged) > there, "an answer after the copies")
        yield Copied(server, folder, ledger.sent, acknowledged)


@pytest.fixture(scope="module", params=["backup", "import"])
def copy(request: pytest.FixtureRequest, copied: Copied, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in a folder of its own: a restored backup, or a store made of the export."""
    store = tmp_path_factory.mktemp(request.param) / "log.db"
    if request.param == "backup":
        shutil.copy(copied.folder / "backup.db", store)
    else:
        done = deedbook(f"sqlite:///{store}", "import", str(copied.folder / "export.ndjson.gz"))
        assert done.returncode == 0, done.stderr
    return store


def test_a_copy_is_a_moment_of_the_original(copied: Copied, copy: Path) -> None:
    """Its events and its output are the first of the original's, byte for byte; the original has gone on."""
    for table in _APPENDED:
        original, mine = rows(copied.folder / "log.db", table), rows(copy, table)
        assert len(mine) > 0
        assert mine == original[: len(mine)]
    assert len(rows(copy, "events")) < len(rows(copied.folder / "log.db", "events"))


def test_a_copy_verifies(copy: Path) -> None:
    """`verify` finds nothing in it."""
    verified = deedbook(f"sqlite:///{copy}", "verify")
    assert verified.returncode == 0, verified.stderr
    assert "findings: 0" in verified.stdout


def test_a_copy_serves_all_that_was_acknowledged(copied: Copied, copy: Path) -> None:
    """Each action and each line that was acknowledged before the copy began is there, and repeats as it did."""
    server = Server(f"sqlite:///{copy}", key=copied.server.key)
    try:
        with server.client() as client:
            for answer in copied.acknowledged.values():
                if "uuid" in answer:
                    found = client.get(f"/action/{answer['uuid']}/")
                    assert (found.status_code, found.json()["action"]) == (200, answer["action"])
            lines = {str(row[4]) for row in rows(copy, "output")}
            for marker, answer in copied.acknowledged.items():
                if "first" in answer:
                    assert {f"{marker} first", f"{marker} second"} <= lines
            total = client.get("/action/", params={"limit": 1}).json()["meta"]["total_count"]
            assert total == sum(str(row[3]).startswith("action.recorded/") for row in rows(copy, "events"))
            again = Ledger()
            again.sent = {marker: copied.sent[marker] for marker in copied.acknowledged}
            again.acknowledged = dict(copied.acknowledged)
            again.repeat(client)
            assert client.get("/action/", params={"limit": 1}).json()["meta"]["total_count"] == total
    finally:
        server.kill()


def test_recording_does_not_wait_for_a_backup(tmp_path: Path) -> None:
    """While a copy is being made, each request is answered; the copy ends although recording never does."""
    fill(tmp_path / "log.db", 3000)
    with serving(tmp_path) as server, server.client() as client:
        process = subprocess.Popen([DEEDBOOK, "backup", tmp_path / "backup.db"], env=environment(server.url))
        during = 0
        while process.poll() is None:
            body = {"action": "during", "method": "POST", "path": "/", "state": "Success"}
            assert client.post("/action/", json=body).status_code == 201
            during += 1
        assert process.returncode == 0
        assert during > 1
    assert len(rows(tmp_path / "backup.db", "events")) >= 3000


def fill(path: Path, actions: int) -> None:
    """Make a store of many actions with bodies: some 20 MiB for each thousand."""
    with closing(SqliteStore(path)) as store:
        for _ in range(0, actions, 500):
            outcomes = together(store, [recorded_action(body="x" * 20_000) for _ in range(500)])
            assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of 40 MiB, and an export of it."""
    folder = tmp_path_factory.mktemp("large")
    fill(folder / "log.db", 2000)
    assert deedbook(f"sqlite:///{folder}/log.db", "export", str(folder / "export.ndjson")).returncode == 0
    return folder


def killed_in_the_middle(url: str, *arguments: str, has_begun: Callable[[], bool], made: Path) -> None:
    """Run a command and kill it once it has begun; again, without what it `made`, where it was faster than that."""
    was_there = made.exists()
    for _ in range(20):
        process = subprocess.Popen([DEEDBOOK, *arguments], env=environment(url), stderr=subprocess.DEVNULL)
        while process.poll() is None and not has_begun():
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        if process.wait() == -signal.SIGKILL:
            return
        assert process.returncode == 0
        for path in made.parent.glob(f"{made.name}*"):
            path.unlink()
        if was_there:
            made.touch()
    raise AssertionError("it was never killed in the middle")


@pytest.mark.parametrize("command", ["backup", "export"])
def test_a_copy_that_was_killed_leaves_no_file_of_its_name(large: Path, tmp_path: Path, command: str) -> None:
    """Killed in the middle it leaves nothing under the name that it was given; the next one does, and clears away."""
    url, place = f"sqlite:///{large}/log.db", tmp_path / "copy"
    killed_in_the_middle(url, command, str(place), has_begun=lambda: any(tmp_path.glob(".copy.*")), made=place)
    assert not place.exists()
    assert list(tmp_path.iterdir())
    assert deedbook(url, command, str(place)).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]
    if command == "backup":
        assert held(place) == held(large / "log.db")
    else:
        assert place.read_bytes() == (large / "export.ndjson").read_bytes()


def test_an_import_that_was_killed_leaves_no_store(large: Path, tmp_path: Path) -> None:
    """Killed in the middle there is no store; the next one makes it, whole."""
    url, store = f"sqlite:///{tmp_path}/log.db", tmp_path / "log.db"
    killed_in_the_middle(
        url, "import", str(large / "export.ndjson"), has_begun=lambda: any(tmp_path.glob(".log.db.*")), made=store
    )
    assert not store.exists()
    assert deedbook(url, "import", str(large / "export.ndjson")).returncode == 0
    assert held(store) == held(large / "log.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.db"]


def test_an_import_that_was_killed_leaves_the_store_as_it_was(large: Path, tmp_path: Path) -> None:
    """Killed while it goes on with a store that is there, nothing of it is there; the next one adds it, whole."""
    url, store = f"sqlite:///{tmp_path}/log.db", tmp_path / "log.db"
    log = store.with_name("log.db-wal")

    def has_begun() -> bool:
        # A transaction that grows over the page cache is written to the write-ahead log before it is committed.
        return log.exists() and log.stat().st_size > 1_000_000

    store.touch()
    killed_in_the_middle(url, "import", str(large / "export.ndjson"), has_begun=has_begun, made=store)
    assert {table: found for table, found in held(store).items() if found} == {}
    assert deedbook(url, "import", str(large / "export.ndjson")).returncode == 0
    assert held(store) == held(large / "log.db")


def test_a_server_shows_what_is_imported_beside_it(tmp_path: Path) -> None:
    """A server on a copy lists what a later export brings, and what it recorded itself keeps later ones out."""
    origin, copy = tmp_path / "origin", tmp_path / "copy"
    body = {"action": "before", "method": "POST", "path": "/", "state": "Success"}
    with serving(origin) as server, server.client() as client:
        assert client.post("/action/", json=body).status_code == 201
        assert deedbook(server.url, "export", str(tmp_path / "1")).returncode == 0
        head = client.get("/acme/action/").headers["Deedbook-Position"]
        target = f"sqlite:///{copy}/log.db"
        assert deedbook(target, "import", str(tmp_path / "1")).returncode == 0
        standby = Server(target, key=server.key)
        try:
            with standby.client() as reader:
                assert names(reader) == ["before"]
                assert client.post("/action/", json={**body, "action": "after"}).status_code == 201
                assert deedbook(server.url, "export", "--after", head, str(tmp_path / "2")).returncode == 0
                done = deedbook(target, "import", str(tmp_path / "2"))
                assert done.returncode == 0, done.stderr
                assert names(reader) == ["before", "after"]
                assert reader.post("/action/", json={**body, "action": "here"}).status_code == 201
                assert client.post("/action/", json={**body, "action": "late"}).status_code == 201
                assert deedbook(server.url, "export", str(tmp_path / "3")).returncode == 0
                before = held(copy / "log.db")
                refused = deedbook(target, "import", str(tmp_path / "3"))
                assert refused.returncode == 2
                assert "This store holds something else as position" in refused.stderr
                assert held(copy / "log.db") == before
                assert names(reader) == ["before", "after", "here"]
        finally:
            standby.kill()


def names(client: httpx.Client) -> list[str]:
    """Return the operations that a server lists."""
    return [one["action"] for one in client.get("/acme/action/").json()["objects"]]
