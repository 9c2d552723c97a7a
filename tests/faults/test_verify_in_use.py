"""`verify` beside whoever uses the store: never a false alarm, and nothing of the store is changed."""

import shutil
import sqlite3
import threading
from contextlib import closing
from itertools import cycle
from pathlib import Path
from typing import Self
from uuid import uuid4

import httpx
import pytest

from deedbook.domain.finding import Progress
from deedbook.domain.lifecycle import State
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.store.sqlite.read_only import ReadOnly
from deedbook.projections.generations import Generations
from deedbook.projections.rebuild import build
from tests.contract.giving import append, recorded, recording
from tests.faults.test_unusable import without_power
from tests.support.server import Server, deedbook, serving
from tests.support.verifying import verified


class Busy:
    """Callers of a server that record, wait, cancel, finish, retry, relate and write output until they are told."""

    def __init__(self, server: Server, callers: int) -> None:
        self._server = server
        self._done = threading.Event()
        self.failed: list[str] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(callers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _run(self, caller: int) -> None:
        with self._server.client() as client:
            for turn in cycle(range(10)):
                if self._done.is_set():
                    return
                try:
                    self._live(client, f"/{turn % 3}/", caller)
                except AssertionError as error:
                    self.failed.append(str(error))

    def _live(self, client: httpx.Client, uri: str, caller: int) -> None:
        """Let two actions live on an object that other callers use too."""
        call = {"action": "Deploy", "method": "POST", "path": uri, "object": uri, "parents": [f"/above/{caller}/"]}
        running = self._post(client, "/action/", {**call, "state": "In progress"}, uuid4().hex)
        waiting = self._post(client, "/action/", {**call, "state": "Pending"}, None)
        self._post(client, f"/action/{running['uuid']}/logs/", {"lines": ["one", "two"]}, uuid4().hex)
        self._post(client, f"/action/{running['uuid']}/cancel/", {}, None)
        self._post(client, f"/action/{running['uuid']}/finish/", {"state": "Canceled"}, None)
        # Whatever became of the one that waits meanwhile: both are answers.
        client.post(f"/action/{waiting['uuid']}/cancel/")
        client.post(f"/action/{waiting['uuid']}/finish/", json={"state": "Canceled"})
        self._post(client, f"/action/{running['uuid']}/retry/", {}, None)
        self._post(client, "/action/", {**call, "state": "Success"}, uuid4().hex)

    def _post(self, client: httpx.Client, path: str, body: object, once: str | None) -> dict[str, str]:
        headers = {} if once is None else {"Idempotency-Key": once}
        answer = client.post(path, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        told: dict[str, str] = answer.json()
        return told


def test_no_false_alarm_under_load(tmp_path: Path) -> None:
    """While callers record and views are rebuilt and swapped, each check finds nothing, and sees the log grow."""
    sizes: list[int] = []
    rebuilds: list[int] = []
    done = threading.Event()
    with serving(tmp_path) as server, Busy(server, 4) as busy:

        def rebuild() -> None:
            while not done.is_set():
                rebuilds.append(deedbook(server.url, "rebuild").returncode)

        rebuilding = threading.Thread(target=rebuild)
        rebuilding.start()
        try:
            for _ in range(12):
                report = verified(tmp_path / "log.db")
                assert report.findings == []
                sizes.append(report.log.events)
            told = deedbook(server.url, "verify")
            assert (told.returncode, told.stderr) == (0, ""), told.stdout
        finally:
            done.set()
            rebuilding.join()
    assert not busy.failed
    assert sizes[0] < sizes[-1]
    assert set(rebuilds) == {0}


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A store with views that nobody has open."""
    path = tmp_path / "kept" / "log.db"
    with closing(SqliteStore(path)) as store:
        for _ in range(5):
            one = recorded(store, recording(State.IN_PROGRESS, "/a/"))
            store.audit_log.perform(append(one.id, "line"))
        build(store.log, Generations(path.parent))
    return path


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return each file of a folder, its bytes and when it was changed last."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_nothing_is_changed_by_it(closed: Path) -> None:
    """Not a byte, not a date, and no file is made beside the store, whether views are there or not."""
    for folder in (closed.parent, closed.parent):
        before = everything(folder)
        assert deedbook(f"sqlite:///{closed}", "verify").returncode == 0
        assert everything(folder) == before
        for views in folder.glob("views-*"):
            views.unlink()


def test_a_store_that_a_killed_server_left_is_read_whole(tmp_path: Path) -> None:
    """What was committed and not yet moved into the main file is checked too."""
    with serving(tmp_path) as server, server.client() as client:
        for _ in range(20):
            body = {"action": "a", "method": "GET", "path": "/", "state": "Success"}
            assert client.post("/action/", json=body).status_code == 201
        server.kill()
    assert (tmp_path / "log.db-wal").stat().st_size
    report = verified(tmp_path / "log.db")
    assert (report.findings, report.log.events) == ([], 21)


@pytest.mark.parametrize("folder_mode", [0o555, 0o755], ids=["nor its folder", "but its folder"])
def test_a_store_that_may_only_be_read_is_checked(closed: Path, folder_mode: int) -> None:
    """Without the right to write the store, or its folder."""
    for one in closed.parent.iterdir():
        one.chmod(0o444)
    closed.parent.chmod(folder_mode)
    try:
        before = everything(closed.parent)
        done = without_power(f"sqlite:///{closed}", "verify")
        assert done.returncode == 0, done
        assert "findings: 0" in done.stdout
        assert everything(closed.parent) == before
    finally:
        closed.parent.chmod(0o755)


def test_a_store_in_use_that_may_only_be_read_is_checked(tmp_path: Path) -> None:
    """By another user than the server's, who may read its files and no more."""
    with serving(tmp_path) as server, server.client() as client:
        assert client.get("/action/").status_code == 200
        for one in tmp_path.iterdir():
            one.chmod(0o444)
        tmp_path.chmod(0o555)
        names = set(tmp_path.iterdir())
        try:
            done = without_power(server.url, "verify")
        finally:
            tmp_path.chmod(0o755)
        assert done.returncode == 0, done
        assert set(tmp_path.iterdir()) == names


def test_a_store_that_is_opened_meanwhile_is_read_again(closed: Path) -> None:
    """Opened as a file that can't change, it is read anew when somebody began to write all the same."""
    passes: list[int] = []

    def record_once(progress: Progress) -> None:
        if progress.what == "events" and progress.done == progress.of:
            passes.append(progress.of)
            if len(passes) == 1:
                with closing(SqliteStore(closed)) as store:
                    recorded(store, recording())

    report = verified(closed, progress=record_once)
    assert passes == [10, 11]
    assert (report.findings, report.log.events) == ([], 11)


def test_a_file_that_did_not_change_is_true(tmp_path: Path) -> None:
    """Whether what was read is of one moment: it is while nobody writes, and is not once somebody did."""
    path = tmp_path / "file.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript("PRAGMA journal_mode = WAL; CREATE TABLE one (a); INSERT INTO one VALUES (1)")
    with closing(ReadOnly(path)) as opened:
        assert opened.is_true()
        with closing(sqlite3.connect(path)) as db:
            db.execute("INSERT INTO one VALUES (2)")
            db.commit()
        assert not opened.is_true()
    with closing(ReadOnly(path)) as opened:
        path.unlink()
        assert not opened.is_true()


def test_a_snapshot_beside_a_writer_sees_one_moment(tmp_path: Path) -> None:
    """With the file open elsewhere, what is committed after the beginning is not seen, and it stays true."""
    path = tmp_path / "file.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript("PRAGMA journal_mode = WAL; CREATE TABLE one (a); INSERT INTO one VALUES (1)")
        with closing(ReadOnly(path)) as opened:
            db.execute("INSERT INTO one VALUES (2)")
            db.commit()
            assert opened.db.execute("SELECT count(*) FROM one").fetchone() == (1,)
            assert opened.is_true()
            with pytest.raises(sqlite3.OperationalError):
                opened.db.execute("INSERT INTO one VALUES (3)")


def test_a_copy_without_views_is_checked(closed: Path, tmp_path: Path) -> None:
    """The log alone is a store: that there are no views is said, and is no finding."""
    (tmp_path / "copy").mkdir()
    copy = shutil.copy(closed, tmp_path / "copy" / "log.db")
    report = verified(Path(copy))
    assert report.findings == []
    assert report.views.file is None
