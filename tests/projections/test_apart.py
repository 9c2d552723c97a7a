"""While much is recorded a process folds: the views are the same, however it ends, and it ends with who leads."""

import os
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings

from deedbook.domain.commands import RecordAction
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.domain.testing import command_sequences, live
from deedbook.projections import leading
from deedbook.projections.generations import Generations, ViewsMissing
from deedbook.projections.reader import Reader
from deedbook.projections.rebuild import build
from deedbook.projections.runner import Runner
from tests.faults.ledger import wait_for
from tests.support.giving import give
from tests.support.release import release
from tests.support.server import Server, serving
from tests.support.tables import rows
from tests.web.api.test_behind import add_unreadable


@pytest.fixture(autouse=True)
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is recorded is much."""
    monkeypatch.setattr(leading, "BUSY", 0)
    monkeypatch.setattr(leading, "BUSY_SECONDS", 1e-9)


def children(parent: int | str = "self") -> list[int]:
    """Return the processes that one has started to fold, and that have not ended."""
    found: list[str] = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        # A thread may end while it is looked at.
        with suppress(FileNotFoundError, ProcessLookupError):
            found.extend(task.read_text().split())
    return [int(pid) for pid in found if b"projections.apart" in _command(pid)]


def _command(pid: str | int) -> bytes:
    """Return the command line of a process, nothing of one that is no more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class Scene:
    """A store whose views are kept up from here."""

    def __init__(self, folder: Path) -> None:
        self.store = SqliteStore(folder / "log.db")
        self.generations = Generations(folder)
        self.reader = Reader(self.generations)
        self.reached: list[int] = []
        self.runner = Runner(self.store.log, self.generations)
        self.runner.on_progress.append(self.reached.append)
        self.runner.start()

    def record(self, count: int = 1) -> None:
        """Record some actions."""
        give(self.store.audit_log, [_action() for _ in range(count)])

    def folds_apart(self) -> int:
        """Record until a process folds, and return it."""

        def folds() -> bool:
            self.record()
            self.runner.wake()
            return any(_written(pid) for pid in children())

        wait_for(folds, "the process to fold")
        self.caught_up()
        (pid,) = children()
        return pid

    def caught_up(self) -> None:
        """Return when the views have all that was recorded."""
        head = self.store.log.head()

        def have_it() -> bool:
            try:
                return self.reader.tracking().position == head
            except ViewsMissing:
                return False

        wait_for(have_it, "the views")

    def kept(self) -> dict[str, list[tuple[object, ...]]]:
        """Return every row of the views."""
        current = self.generations.current()
        assert current is not None
        with closing(sqlite3.connect(current)) as db:
            return rows(db)

    def close(self) -> None:
        """Close all of it."""
        self.runner.close()
        self.reader.close()
        self.store.close()


def _written(pid: int) -> bool:
    """Tell whether a process has written more than that it is ready."""
    try:
        told = Path(f"/proc/{pid}/io").read_text().split()
    except OSError:
        return False
    return int(told[told.index("wchar:") + 1]) > 10_000


def _action() -> RecordAction:
    return RecordAction(
        id=uuid4(), namespace="acme", by=Caller(), action="Deploy", method="POST", path="/", state=State.SUCCESS,
    )  # fmt: skip


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A store whose views are kept up from here."""
    scene = Scene(tmp_path)
    yield scene
    scene.close()
    wait_for(lambda: children() == [], "the end of the process")


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=command_sequences())
def test_the_views_are_those_of_a_rebuild(history: list[Command]) -> None:
    """Row for row, of what was folded before the process was there, and of what was by it."""
    with tempfile.TemporaryDirectory() as name, closing(Scene(Path(name))) as scene:
        live(scene.store.audit_log, history[::2])
        scene.folds_apart()
        live(scene.store.audit_log, history[1::2])
        scene.caught_up()
        scene.runner.close()
        kept = scene.kept()
        build(scene.store.log, scene.generations)
        assert scene.kept() == kept


def test_who_waits_need_not_wait_for_its_next_look(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process looks at once when it is woken, though it would look next in an hour."""
    monkeypatch.setattr(leading, "PACE_SECONDS", 3600.0)
    scene.folds_apart()
    for _ in range(3):
        scene.record()
        head = scene.store.log.head()

        def has_it(head: int = head) -> bool:
            scene.runner.wake()
            return scene.reader.tracking().position == head

        wait_for(has_it, "the views", 20)


def _killed(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_one_that_is_killed_is_noticed_and_replaced(scene: Scene) -> None:
    """Why the views stood still is told; what was recorded is folded all the same, and then another process folds."""
    killed = scene.folds_apart()
    failures: list[str | None] = []
    scene.runner.on_look.append(lambda: failures.append(scene.runner.failure))
    _killed(killed)
    wait_for(lambda: any(failure is not None for failure in failures), "the failure")
    assert any("ended with status -9" in str(failure) for failure in failures)
    scene.record()
    scene.caught_up()
    assert scene.folds_apart() != killed
    wait_for(lambda: scene.runner.failure is None, "the failure to be over")


@pytest.mark.parametrize("what", ["", "-wal"])
def test_views_that_are_deleted_under_it_come_back(scene: Scene, what: str) -> None:
    """Also where only their journal is gone."""
    scene.folds_apart()
    scene.record(100)
    scene.caught_up()
    lost = scene.generations.current()
    assert lost is not None
    Path(f"{lost}{what}").unlink()
    wait_for(lambda: scene.generations.current() not in (None, lost), "the new views")
    scene.record()
    scene.caught_up()
    assert len(scene.kept()["actions"]) == scene.store.log.head()


def test_another_generation_is_gone_on_with(scene: Scene) -> None:
    """One that somebody else has built, while the process folds into the one before."""
    before = scene.folds_apart()
    built = build(scene.store.log, scene.generations)
    wait_for(lambda: before not in children(), "the end of the process")
    scene.folds_apart()
    assert scene.generations.current() == built
    assert len(scene.kept()["actions"]) == scene.store.log.head()


def test_an_event_that_can_t_be_read_stops_it_there(scene: Scene) -> None:
    """The views say where and why, and the lock is free for a newer release."""
    scene.folds_apart()
    stopped = add_unreadable(scene.store.path)
    wait_for(lambda: scene.reader.tracking().stopped_at == stopped, "the views to stop")
    assert "topic" in (scene.reader.tracking().reason or "")
    wait_for(lambda: not scene.runner.leads, "the runner to let go")
    assert scene.runner.failure is None


def test_without_anything_to_fold_it_ends(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while; what is recorded then is folded all the same."""
    pid = scene.folds_apart()
    monkeypatch.setattr(leading, "QUIET_SECONDS", 0.0)
    wait_for(lambda: pid not in children(), "its end")
    scene.record()
    scene.caught_up()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server for which whatever is recorded is much."""
    busy = "from deedbook.projections import leading\nleading.BUSY, leading.BUSY_SECONDS = 0, 1e-9"
    with serving(tmp_path, PYTHONPATH=release(tmp_path / "release", busy)) as server:
        yield server


def _busy(server: Server) -> int:
    """Record until a server has a process that folds, and return that."""
    body = b'{"action":"Deploy","method":"POST","path":"/","state":"Success"}\n' * 500
    with server.client() as client:

        def folds() -> bool:
            answer = client.post("/action/", content=body, headers={"Content-Type": "application/x-ndjson"})
            assert answer.status_code == 200, answer.text
            return any(_written(pid) for pid in children(server.process.pid))

        wait_for(folds, "the process to fold")
        # It waits for the views: then the process has nothing more to tell anybody.
        wait_for(lambda: client.get("/acme/action/").status_code == 200, "the views")
    (pid,) = children(server.process.pid)
    return pid


@pytest.mark.parametrize("how", [Server.kill, Server.stop], ids=["killed", "stopped"])
def test_it_ends_with_its_server(server: Server, tmp_path: Path, how: Callable[[Server], object]) -> None:
    """However that ends; the next one goes on from there."""
    pid = _busy(server)
    how(server)
    wait_for(lambda: not _command(pid), "the end of the process")
    server.start()
    with server.client() as client:
        total = client.get("/acme/action/", params={"limit": 1}).json()["meta"]["total_count"]
    assert total == _recorded(tmp_path / "log.db") > 0
    assert "Traceback" not in server.printed()


def test_signals_are_for_its_parent(server: Server) -> None:
    """Neither Ctrl-C nor SIGTERM, sent to all that runs, ends it before its transaction."""
    pid = _busy(server)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    assert _busy(server) == pid


def _recorded(log: Path) -> int:
    """Return how many actions a log holds but for those of keys."""
    with closing(sqlite3.connect(log)) as db:
        (count,) = db.execute("SELECT count(*) FROM events WHERE topic LIKE 'action.recorded/%'").fetchone()
    return int(count) - 1
