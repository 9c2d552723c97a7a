"""Whoever reads while generations come and go reads the one that answers, and holds on to no other."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from pathlib import Path
from uuid import uuid4

import pytest
from sqlite_utils import Database

from deedbook.domain.commands import RecordAction
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.generations import Generations, ViewsMissing
from deedbook.projections.reader import Reader
from deedbook.projections.rebuild import build
from deedbook.projections.view import connect

THREADS, ROUNDS = 4, 25


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store with one action."""
    store = SqliteStore(tmp_path / "log.db")
    record(store)
    yield store
    store.close()


def record(store: SqliteStore) -> None:
    """Record an action: one event."""
    store.audit_log.perform(
        RecordAction(
            id=uuid4(), namespace="acme", by=Caller("root", None, None), action="a", method="GET", path="/",
            state=State.SUCCESS,
        )
    )  # fmt: skip


def deleted_files_that_are_open(folder: Path) -> list[str]:
    """Return the views that this process has open though they are deleted: the disk does not get their space back."""
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            links.append(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    return [link for link in links if link.startswith(f"{folder}/views-") and link.endswith("(deleted)")]


def test_readers_never_fail_and_never_go_back(store: SqliteStore, tmp_path: Path) -> None:
    """Threads read while generation after generation is built and retired: each answer is whole and none is stale."""
    generations = Generations(tmp_path)
    build(store.log, generations)
    reader = Reader(generations)
    reached = store.log.head()
    done = threading.Event()

    def read() -> int:
        count = 0
        while not done.is_set():
            least = reached
            with reader.snapshot() as snapshot:
                position = snapshot.tracking.position
                assert position >= least
                assert snapshot.actions(ActionQuery(limit=1)).total == position
            count += 1
        return count

    with ThreadPoolExecutor(THREADS) as pool:
        reading = [pool.submit(read) for _ in range(THREADS)]
        try:
            for _ in range(ROUNDS):
                record(store)
                build(store.log, generations)
                reached = store.log.head()
        finally:
            done.set()
    assert sum(one.result() for one in reading) > ROUNDS
    reader.let_go()
    assert not deleted_files_that_are_open(tmp_path)
    reader.close()
    assert len(list(tmp_path.glob("views-*.db"))) == 1


def test_an_old_generation_goes_with_its_last_reader(store: SqliteStore, tmp_path: Path) -> None:
    """Who reads in it ends in peace; then nothing keeps it, though nobody asks again."""
    generations = Generations(tmp_path)
    build(store.log, generations)
    reader = Reader(generations)
    with reader.snapshot() as snapshot:
        record(store)
        build(store.log, generations)
        assert snapshot.actions(ActionQuery(limit=5)).total == 1
        assert deleted_files_that_are_open(tmp_path)
        with reader.snapshot() as fresh:
            assert fresh.actions(ActionQuery(limit=5)).total == 2
    reader.let_go()
    assert not deleted_files_that_are_open(tmp_path)
    reader.close()


def test_a_generation_that_is_retired_before_it_is_opened_is_not_read(store: SqliteStore, tmp_path: Path) -> None:
    """Between choosing a file and opening it: the newer one is read, and nobody hears of it."""
    generations = Generations(tmp_path)
    old = build(store.log, generations)
    record(store)

    def choose_and_retire() -> Path:
        build(store.log, generations)
        return old

    class Chosen(Generations):
        """Gives first what is gone by then."""

        current = staticmethod(chosen_once(choose_and_retire, generations.current))

    reader = Reader(Chosen(tmp_path))
    assert reader.tracking().position == store.log.head()
    reader.close()


def chosen_once(first: Callable[[], Path | None], then: Callable[[], Path | None]) -> Callable[[], Path | None]:
    """Return what asks one function the first time, and then another."""
    functions = chain([first], repeat(then))
    return lambda: next(functions)()  # noqa: PLW0108  # each call takes the next one


@pytest.mark.parametrize("before", [True, False], ids=["before its file", "before its journal"])
def test_a_generation_that_is_retired_while_it_is_opened_is_not_read(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, before: bool
) -> None:
    """Just before its file is opened, or between that and its journal: what would be read without it is not told."""
    generations = Generations(tmp_path)
    build(store.log, generations)
    opened: list[Path] = []

    def connect_and_retire(path: Path) -> Database:
        opened.append(path)
        db = None if before else connect(path)
        if len(opened) == 1:
            record(store)
            build(store.log, generations)
        return db or connect(path)

    monkeypatch.setattr("deedbook.projections.reader.connect", connect_and_retire)
    reader = Reader(generations)
    assert reader.tracking().position == store.log.head()
    assert len(opened) == 2
    reader.close()


def test_without_views_it_is_said(store: SqliteStore, tmp_path: Path) -> None:
    """Before the first are built, and after all were deleted."""
    generations = Generations(tmp_path)
    reader = Reader(generations)
    with pytest.raises(ViewsMissing):
        reader.tracking()
    built = build(store.log, generations)
    assert reader.tracking().position == store.log.head()
    built.unlink()
    with pytest.raises(ViewsMissing):
        reader.tracking()
    reader.close()
